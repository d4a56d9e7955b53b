"""The account of a run: both ledgers as arrays over the whole instance, additive over components."""

from collections.abc import Iterable
from dataclasses import dataclass, fields, replace
from functools import cached_property, reduce
from operator import add

import numpy as np
import numpy.typing as npt

from instances.faults import ConfiguratorError
from instances.instance import Instance
from simulation.configuration import Configuration
from simulation.ledgers.breaks import BreakCounter
from simulation.ledgers.chart import Chart, FloatArray
from simulation.ledgers.horizon import HorizonCredit, Valuation, fluid_valuation
from simulation.ledgers.money import MoneyLedger
from simulation.ledgers.outcomes import Reader, reader
from simulation.ledgers.replay import Tally
from simulation.records import EventArray, People


class UndefinedAccount(ConfiguratorError):  # noqa: N818 (named for what it says)
    """An account with numbers that are none."""


@dataclass(frozen=True)
class Account:
    """What one replication gave, summed over components with `+`.

    Shapes as in `replay` and `money`; channels are summed over years. Measures are indexed by the constants
    of `replay`. Only accounts over the same axes add up: those of the whole instance (`parts.spread`).
    """

    persons: FloatArray  # [Z, P, W, PERSON_MEASURES]
    visits: FloatArray  # [Z, P, S, VISIT_MEASURES]
    services: FloatArray  # [Z, P, W, R, SERVICE_MEASURES]
    channels: FloatArray  # [C, P, W, CHANNEL_FLOWS]
    pools: FloatArray  # [Q, 3]
    queues: FloatArray  # [Q, 4]
    hazards: FloatArray  # [Z, P, S, H]
    marks: FloatArray  # [Z, P, M, 2]
    scores: FloatArray  # [Z, P, W, 6]
    scored: FloatArray  # [Z, P, W]
    breaks: FloatArray  # [breaks, Z, P, W] times each break was met
    broken: FloatArray  # [breaks, Z, P, W] persons who met it
    breaks_money: FloatArray  # [breaks, Z, P, W, 2] production cost and tariffs around it
    revenue: FloatArray  # [payer, provider, Z, P + 1, W + 1]
    revenue_by_year: FloatArray  # [payer, provider, Z, Y, 2]
    cost: FloatArray  # [provider, Z, P + 1, W + 1]
    cost_discounted: FloatArray  # [provider, Z, P + 1, W + 1]
    cost_by_kind: FloatArray  # [provider, kinds, Z, Y, 2]
    beyond: FloatArray  # [Z, P, W, 2] QALYs and cost before survivors at the horizon, discounted to time 0

    def __add__(self, other: "Account") -> "Account":
        """Return the account of both together."""
        return Account(*(getattr(self, each.name) + getattr(other, each.name) for each in fields(self)))

    def check(self) -> "Account":
        """Return this account; `UndefinedAccount` when a number in it is not finite."""
        wrong = [each.name for each in fields(self) if not np.isfinite(getattr(self, each.name)).all()]
        if wrong:
            raise UndefinedAccount(f"the account holds numbers that are not finite in: {', '.join(wrong)}")
        return self


def total(accounts: Iterable[Account]) -> Account:
    """Return the sum of the accounts of all components."""
    return reduce(add, accounts)


@dataclass(frozen=True)
class Bookkeeper:
    """Makes the accounts of one instance, or of some of its territories; its index tables are made once."""

    chart: Chart
    reader: Reader
    breaks: BreakCounter
    valuation: Valuation

    @classmethod
    def of(
        cls, instance: Instance, valuation: Valuation = fluid_valuation, part: tuple[int, ...] | None = None
    ) -> "Bookkeeper":
        """Return the bookkeeper of an instance.

        valuation: what those alive at the horizon have before them; part: the territories that accounts are over,
        among `instance.territories`; None: all, and accounts add up over components.
        """
        chart = Chart(instance, part)
        return cls(chart, reader(chart), BreakCounter(chart), valuation)

    @cached_property
    def horizon(self) -> HorizonCredit | None:
        """The credit of survivors; none where everyone finishes."""
        if self.chart.instance.settings.horizon.drain:
            return None
        return HorizonCredit.of(self.chart, self.valuation(self.chart.instance))

    @cached_property
    def _paid_by_outcome(self) -> frozenset[str]:
        """Contracts with a price for the absence of a break; empty: a price under all of them."""
        return frozenset(row.contract for row in self.chart.instance.prices if row.basis == "outcome")

    def account(
        self,
        configuration: Configuration,
        territories: tuple[int, ...],
        people: People,
        events: EventArray,
        pool_numbers: npt.NDArray[np.integer],
        *,
        breaks: bool = True,
    ) -> Account:
        """Return the account of one component's log.

        territories: the component's, among `instance.territories`; pool_numbers: index among
        `components.pools(instance)` of each pool number in the log (`FlatModel.pool_global`); breaks: whether they are
        counted also where no money of the contract hangs on one: else they are 0, for who does not read them.
        """
        if self.chart.part is not None:
            people = replace(people, zone=self.chart.place_of_territory[people.zone].astype(np.int32))
            pool_numbers = self.chart.place_of_pool[pool_numbers]
        own = tuple(self.chart.place_of_territory[list(territories)].tolist())
        tally = self.reader.tally(events, people, pool_numbers)
        is_counted = breaks or not self._paid_by_outcome.isdisjoint(("", configuration.contract))
        counted = self.breaks.count(events, people, configuration.contract) if is_counted else self.breaks.none()
        money = MoneyLedger(self.chart, configuration, own, tally, counted.persons).money()
        return Account(
            persons=tally.persons,
            visits=tally.visits,
            services=tally.services,
            channels=self._channels(own, tally),
            pools=tally.pools[..., 0].sum(axis=-1),
            queues=tally.queues,
            hazards=tally.hazards,
            marks=tally.marks,
            scores=tally.scores,
            scored=tally.scored,
            breaks=counted.times,
            broken=counted.persons,
            breaks_money=counted.money,
            revenue=money.revenue,
            revenue_by_year=money.revenue_by_year,
            cost=money.cost,
            cost_discounted=money.cost_discounted,
            cost_by_kind=money.cost_by_kind,
            beyond=np.zeros((*tally.scored.shape, 2)) if self.horizon is None else self.horizon.of_survivors(tally),
        ).check()

    def _channels(self, territories: tuple[int, ...], tally: Tally) -> FloatArray:
        """Return the channels' flows over all years; only the component's own can have any."""
        own = np.flatnonzero(np.isin(self.chart.channel_zone, territories))
        flows = np.zeros(tally.channel_flow.shape[:-2])
        flows[own] = tally.channel_flow[own, ..., 0].sum(axis=-1)
        return flows
