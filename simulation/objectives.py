"""Objectives: expressions over named indicators with a direction, judged over replications against today.

A search keeps of each account only its *essence*: the additive quantities that objectives, margins, budgets and
flags are made of. Essences add over components like accounts do.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
from scipy.special import ndtr

from instances.instance import Instance
from instances.tables import Rule
from simulation.derived_indicators import firms
from simulation.economics import LEAST_MARGIN_RATE, margin_rate
from simulation.estimates import Estimate, deviation, estimate, paired_difference, quantile
from simulation.indicators import Catalogue, TermReader
from simulation.instability import PER_LINE, lines_of, unstable
from simulation.ledgers.account import Account
from simulation.ledgers.chart import FloatArray, IntArray
from simulation.ledgers.replay import BoolArray
from simulation.rounding import FINE, rounded
from simulation.targets import Keeping, Target, keeping, missed, targets_of

SOLVENCY = "solvency"
ENOUGH_REPLICATIONS = 10
"""From so many replications on a plan's solvency may be made of its own; before, today's deviations stand in, and
today's means, to which what a plan's firms have beyond today's is added."""

LEAST_TIE = 1e-6
"""A tie in solvency goes to the least total shortfall: its part of all revenue, times this, is taken off the rate.
Margin rates that differ by less than a ten-thousandth of a percent are a tie."""

_FOR_HARM = 3
"""Figures read for `harmful`, after the objectives: deaths, QALYs, QALYs before a mean survivor at the horizon."""

CONFIDENCE_DEVIATES = 1.96

REVENUE, OPERATING, SPENT = range(3)
"""What is known of a firm's money: revenue, operating cost, all cost."""


@dataclass(frozen=True)
class Essence:
    """What judging needs of an account; additive over components.

    Lines are those of the account's own pools: a department has many, each of its components a few.
    """

    values: FloatArray  # [terms]
    lines: FloatArray  # [own Q, 6] see `instability.lines_of`
    pools: IntArray  # [own Q] whose lines they are, among `components.pools(instance)`
    listed: FloatArray = field(default_factory=lambda: np.zeros(0))  # [terms] `Listing.read`; empty: not asked for

    def __add__(self, other: "Essence") -> "Essence":
        """Return the essence of both together; what is listed, only where it is of both."""
        listed = self.listed + other.listed if len(self.listed) == len(other.listed) else np.zeros(0)
        lines, pools = (self.lines, other.lines), (self.pools, other.pools)
        return Essence(self.values + other.values, np.concatenate(lines), np.concatenate(pools), listed)

    def every_line(self, pools: int) -> FloatArray:
        """Return the lines of so many pools, all of the instance's [Q, 6]; 0 where nothing is known of one."""
        found = np.zeros((pools, PER_LINE))
        np.add.at(found, self.pools, self.lines)
        return found


@dataclass(frozen=True)
class Objectives:
    """What a configuration is worth."""

    values: FloatArray  # [replication, objective] as the objectives are stated; solvency: of the worst-off firm
    point: FloatArray  # [objective] what a search goes by: the mean; solvency: mean less deviations
    flags: tuple[str, ...]  # why to keep it off the front: harmful, unstable, a budget likely overrun, a target missed
    margins: FloatArray  # [replication, firm] operating margin rates; nan: neither earns nor spends
    shortfall: float  # mean total operating deficit of all firms over the run
    tie: float = 0.0  # what that shortfall takes off solvency, so that a tie goes to the least
    violation: float = 0.0  # by how much budgets are overrun and targets missed at the accepted probability, in all
    books: FloatArray = field(default_factory=lambda: np.empty((0, 0, 3)))  # [replication, firm, (REVENUE, ..)]
    kept: tuple[Keeping, ...] = ()  # how likely each target is kept
    point_values: FloatArray = field(default_factory=lambda: np.empty((0, 0)))
    """[replication, objective] what the point is made of: values, or solvency as `Judge._steadied` tells."""
    referred: tuple[int, ...] = ()  # objectives of which that is so: their point refers to all that is known of today

    def estimates(self) -> tuple[Estimate, ...]:
        """Return mean and interval of each objective."""
        return tuple(estimate(column) for column in self.values.T)


@dataclass(frozen=True)
class Budget:
    """A budget rule for one zone, as an expression of euros a year and its bound."""

    name: str
    expression: str
    bound: float


@dataclass(frozen=True)
class Judge:
    """Judges the accounts of configurations of one instance.

    todays_margins: today's margin rates, in as many replications as are known;
    usual: what today spends of each budget at the central values of parameters, where replications draw them;
    aimed: today's values of what has a target [replication, target], in as many replications as are known;
    steadied_below: replications below which the solvency that a search goes by is made of today's and of what a plan
    has beyond: one number for all plans compared, or those that have more would look better for the bad draws that
    they have not met. Values, which a final front is made of, are the plan's own from ENOUGH_REPLICATIONS on.
    """

    catalogue: Catalogue
    todays_margins: FloatArray | None = None  # [replication, firm]
    usual: FloatArray | None = None
    aimed: FloatArray | None = None
    steadied_below: int = ENOUGH_REPLICATIONS

    @classmethod
    def of(cls, instance: Instance) -> "Judge":
        """Return the judge of an instance."""
        return cls(Catalogue.of(instance))

    def informed(self, today: Sequence[Essence | Account]) -> "Judge":
        """Return this judge knowing what today's margins, and today's values of what has a target, are and vary by."""
        essences = [self.essence(each) for each in today]
        margins = _margins(self._books(essences))
        return replace(self, todays_margins=margins, aimed=self._aimed(essences, essences))

    def expecting(self, today: Essence | Account) -> "Judge":
        """Return this judge knowing what today spends at the central values, from a replication that carries them."""
        return replace(self, usual=self._spent([self.essence(today)])[0])

    @property
    def instance(self) -> Instance:
        """The instance whose objectives these are."""
        return self.catalogue.chart.instance

    @cached_property
    def firms(self) -> tuple[str, ...]:
        """Providers held to solvency, in table order: all but informal ones."""
        return firms(self.instance)

    @cached_property
    def budgets(self) -> tuple[Budget, ...]:
        """Operating budgets to be kept in the simulation too."""
        return tuple(budget for rule in self.instance.rules for budget in _budgets(self.instance, rule))

    @cached_property
    def targets(self) -> tuple[Target, ...]:
        """What is to be kept with a stated probability."""
        return targets_of(self.instance)

    @cached_property
    def _reader(self) -> TermReader:
        texts = [row.expression for row in self.instance.optimised]
        texts += ["deaths", "lifetime_qaly", "qaly_beyond/final"]
        texts += [f"revenue[provider={firm}]" for firm in self.firms]
        texts += [f"operating_cost[provider={firm}]" for firm in self.firms]
        texts += [f"cost[provider={firm}]" for firm in self.firms]
        texts += [budget.expression for budget in self.budgets]
        texts += [target.expression for target in self.targets]
        return TermReader.of(self.catalogue, texts)

    @property
    def reads_breaks(self) -> bool:
        """Say whether judging needs the pathway breaks of accounts, beyond what is paid for their absence."""
        return self._reader.reads_breaks

    def essence(self, account: Account | Essence, part: tuple[int, ...] | None = None) -> Essence:
        """Return what judging needs of an account.

        part: the territories that the account is over, among `instance.territories`; None: all.
        """
        if isinstance(account, Essence):
            return account
        chart = self.catalogue.chart_of(part)
        return Essence(rounded(self._reader.vector(account, part), FINE), lines_of(account, chart), chart.pool_numbers)

    def judge(self, accounts: Sequence[Account | Essence], today: Sequence[Account | Essence]) -> Objectives:
        """Judge a configuration from its accounts and today's in the same replications."""
        own = [self.essence(each) for each in accounts]
        reference = [self.essence(each) for each in today]
        read = np.array([self._reader.values(a.values, b.values) for a, b in zip(own, reference, strict=True)])
        count = len(self.instance.optimised)
        books = self._books(own)
        margins = _margins(books)
        shortfall = float(np.maximum(books[..., OPERATING] - books[..., REVENUE], 0.0).sum(axis=1).mean())
        tie = LEAST_TIE * shortfall / max(float(self._books(reference)[..., REVENUE].sum(axis=1).mean()), 1.0)
        budgets = read[:, self._budget_columns] - self._moved(reference)
        kept = self._kept(own, reference)
        flags = (
            *self._harmful(own, reference),
            *self._unstable(own, reference),
            *self._overruns(budgets),
            *missed(self.targets, kept),
        )
        is_few = self.todays_margins is not None and len(own) < ENOUGH_REPLICATIONS
        is_steadied = self.todays_margins is not None and len(own) < self.steadied_below
        steady, are_known = self._steadied(margins, reference) if is_steadied else (margins, np.zeros(0, dtype=bool))
        cautious = self._cautious(steady, self._deviations(margins, todays=is_few or is_steadied))
        own_cautious = self._cautious(margins, self._deviations(margins, todays=False))
        values = self._of_worst_off(read[:, :count], margins, cautious if is_few else own_cautious)
        point_values = self._of_worst_off(read[:, :count], steady, cautious)
        violation = float(self._excess(budgets).sum()) + sum(each.excess for each in kept)
        point = self._point(values, cautious, tie)
        is_referred = is_steadied and not np.isnan(cautious).all() and bool(are_known[int(np.nanargmin(cautious))])
        referred = self._solvency_columns if is_referred else ()
        return Objectives(values, point, flags, margins, shortfall, tie, violation, books, kept, point_values, referred)

    def final_point(self, judged: Objectives) -> FloatArray:
        """Return means over fresh replications; for solvency the quantile that z deviations below a mean would be."""
        point: FloatArray = judged.values.mean(axis=0)
        probability = float(ndtr(-self.instance.settings.economics.solvency_deviations))
        for number in self._solvency_columns:
            point[number] = quantile(judged.values[:, number], probability) - judged.tie
        return point

    def final_values(self, values: FloatArray) -> FloatArray:
        """Return what `final_point` gives, ties apart, of values [plan, replication, objective]: [plan, objective]."""
        points: FloatArray = values.mean(axis=1)
        probability = float(ndtr(-self.instance.settings.economics.solvency_deviations))
        for number in self._solvency_columns:
            points[:, number] = np.quantile(values[:, :, number], probability, axis=1, method="median_unbiased")
        return points

    # Solvency.

    @cached_property
    def _solvency_columns(self) -> tuple[int, ...]:
        rows = self.instance.optimised
        return tuple(number for number, row in enumerate(rows) if row.expression.strip() == SOLVENCY)

    def _books(self, own: Sequence[Essence]) -> FloatArray:
        """Return revenue, operating cost and all cost of each firm over the run [replication, firm, 3]."""
        start, firms = len(self.instance.optimised) + _FOR_HARM, len(self.firms)
        read = np.array([self._reader.values(each.values, each.values)[start : start + 3 * firms] for each in own])
        return read.reshape(len(own), 3, firms).transpose(0, 2, 1)

    def _steadied(self, margins: FloatArray, reference: Sequence[Essence]) -> tuple[FloatArray, BoolArray]:
        """Return margin rates [replication, firm] as they would be in a replication that is usual for today's firms.

        That is what a plan's firm has beyond today's in the same replication, added to today's mean over all those
        known (a control variate: Lavenberg and Welch 1981, "A perspective on the use of control variables to increase
        the efficiency of Monte Carlo simulations", Management Science 27(3): 322-335, with coefficient 1), cut where
        margin rates are. A draw of wages or day costs moves a firm's margin alike under most plans; on few replications
        it would decide which firm is the worst off. Beside, of which firms today is known [firm]; others stay.
        """
        known = np.zeros((0, margins.shape[1])) if self.todays_margins is None else self.todays_margins
        usual = np.array([_mean(column[~np.isnan(column)]) for column in known.T])
        moved = usual - _margins(self._books(reference))
        are_known: BoolArray = np.array(~np.isnan(moved).any(axis=0), dtype=np.bool_)
        steadied: FloatArray = np.where(are_known, np.clip(margins + moved, LEAST_MARGIN_RATE, 1.0), margins)
        return steadied, are_known

    def _deviations(self, margins: FloatArray, *, todays: bool) -> FloatArray:
        """Return the standard deviation of each firm's margin rate [firm]; today's, or where it has none a plan's."""
        known = self.todays_margins if todays and self.todays_margins is not None else margins
        columns = [each if (~np.isnan(each)).any() else own for each, own in zip(known.T, margins.T, strict=True)]
        return np.array([deviation(column[~np.isnan(column)]) for column in columns])

    def _cautious(self, margins: FloatArray, deviations: FloatArray) -> FloatArray:
        """Return each firm's mean margin rate less z standard deviations [firm]; nan: it neither earns nor spends."""
        known = [column[~np.isnan(column)] for column in margins.T]
        z = self.instance.settings.economics.solvency_deviations
        return np.array(
            [
                float(column.mean()) - z * spread if len(column) else np.nan
                for column, spread in zip(known, deviations, strict=True)
            ]
        )

    def _of_worst_off(self, values: FloatArray, margins: FloatArray, cautious: FloatArray) -> FloatArray:
        """Return values [replication, objective] with solvency as the margin rates of one firm: the worst-off one.

        That is the firm of least cautious margin rate, the same in all replications. The least of all firms in each
        replication would be another figure, the lower the more firms there are.
        """
        found = values.copy()
        if not np.isnan(cautious).all():
            own = margins[:, int(np.nanargmin(cautious))]
            for number in self._solvency_columns:
                found[:, number] = np.where(np.isnan(own), values[:, number], own)
        return found

    def _point(self, values: FloatArray, cautious: FloatArray, tie: float) -> FloatArray:
        """Return means; for solvency the least cautious margin rate of a firm, less what settles ties."""
        point: FloatArray = values.mean(axis=0)
        for number in self._solvency_columns if self.firms else ():
            point[number] = (0.0 if np.isnan(cautious).all() else float(np.nanmin(cautious))) - tie
        return point

    # Flags.

    def _harmful(self, own: Sequence[Essence], today: Sequence[Essence]) -> Iterator[str]:
        """More deaths or fewer QALYs than today beyond noise.

        Noise: the paired t interval from ENOUGH_REPLICATIONS on. With fewer, two standard deviations of a Poisson count
        of the difference itself, each death counting for half the run and a mean survivor's credit in QALYs: with
        common random numbers only those differ whose fate the plan changes, at least so many. That is the least noise
        there can be; what a search keeps must not be harmful once more replications tell.
        """
        read = slice(len(self.instance.optimised), len(self.instance.optimised) + _FOR_HARM)
        first = np.array([self._reader.values(each.values, each.values)[read] for each in own])
        second = np.array([self._reader.values(each.values, each.values)[read] for each in today])
        deaths = paired_difference(first[:, 0], second[:, 0])
        qaly = paired_difference(second[:, 1], first[:, 1])
        half_a_run = self.catalogue.chart.run / self.catalogue.chart.per_year / 2.0
        life = half_a_run + float(np.nan_to_num(second[0, 2]))  # nobody alive at the horizon: no credit
        if _is_more(deaths, len(own), 1.0):
            yield f"harmful: {deaths.mean:.0f} more deaths than today"
        if _is_more(qaly, len(own), life):
            yield f"harmful: {qaly.mean:.0f} fewer QALYs than today"

    def _unstable(self, own: Sequence[Essence], today: Sequence[Essence]) -> Iterator[str]:
        pools = len(self.catalogue.chart.pools)
        lines, reference = (np.array([each.every_line(pools) for each in found]) for found in (own, today))
        return unstable(self.catalogue.chart, lines, reference)

    def _spent(self, accounts: Sequence[Essence]) -> FloatArray:
        """Return what is spent of each budget [replication, budget]."""
        return np.array([self._reader.values(each.values, each.values)[self._budget_columns] for each in accounts])

    @property
    def _budget_columns(self) -> slice:
        start = len(self.instance.optimised) + _FOR_HARM + 3 * len(self.firms)
        return slice(start, start + len(self.budgets))

    def slack(self, own: Sequence[Essence], today: Sequence[Essence]) -> FloatArray:
        """Return by how much targets are kept in each replication, in widths of their scales [replication, target]."""
        values = self._aimed(own, today)
        return np.column_stack([target.slack(values[:, number]) for number, target in enumerate(self.targets)])

    def _aimed(self, own: Sequence[Essence], today: Sequence[Essence]) -> FloatArray:
        """Return the values of what has a target [replication, target]."""
        start = self._budget_columns.stop
        read = [self._reader.values(a.values, b.values)[start:] for a, b in zip(own, today, strict=True)]
        return np.array(read, dtype=np.float64).reshape(len(own), len(self.targets))

    def _kept(self, own: Sequence[Essence], today: Sequence[Essence]) -> tuple[Keeping, ...]:
        """Return how likely each target is kept."""
        values, reference = self._aimed(own, today), self._aimed(today, today)
        usual = None if self.aimed is None else self.aimed.T
        return tuple(
            keeping(target, values[:, number], reference[:, number], None if usual is None else usual[number])
            for number, target in enumerate(self.targets)
        )

    def _moved(self, today: Sequence[Essence]) -> FloatArray:
        """Return by how much each budget moves in a replication: by as much as what today spends of it.

        A budget is decided for what today costs at the central values. A draw of tariffs and needs moves what any
        offer costs, today's too, and is no overrun of the plan's making [replication, budget].
        """
        if self.usual is None:
            return np.zeros((len(today), len(self.budgets)))
        return self._spent(today) - self.usual

    def _overruns(self, amounts: FloatArray) -> Iterator[str]:
        """Budgets overrun with more than the accepted probability (the share of replications)."""
        for number in np.flatnonzero(self._excess(amounts) > 0.0).tolist():
            budget, mean = self.budgets[number], float(amounts[:, number].mean())
            yield f"overrun: {budget.name}, {mean:.0f} a year against {budget.bound:.0f}"

    def _excess(self, amounts: FloatArray) -> FloatArray:
        """Return how far each budget is overrun, as a part of it, leaving out the replications that may overrun it.

        With an accepted probability alpha and n replications, floor(alpha n) of them may: the amount that counts is
        the next greatest. It is above the bound just when the probability of an overrun is above alpha.
        """
        allowed = math.floor(self.instance.settings.economics.overrun_probability * len(amounts) + 1e-9)
        bounds = np.array([budget.bound for budget in self.budgets])
        if allowed >= len(amounts):
            return np.zeros(len(bounds))
        counts = np.sort(amounts, axis=0)[len(amounts) - 1 - allowed]
        excess: FloatArray = np.maximum(0.0, counts - bounds) / np.maximum(np.abs(bounds), 1.0)
        return excess


def _is_more(difference: Estimate, replications: int, unit: float) -> bool:
    """Say whether a mean difference, made of events of one unit each, is above nothing by more than noise."""
    if replications >= ENOUGH_REPLICATIONS:
        return difference.low > 0.0
    events = difference.mean / unit
    return events > CONFIDENCE_DEVIATES * math.sqrt(max(events, 1.0) / replications)


def _mean(values: FloatArray) -> float:
    return float(values.mean()) if len(values) else np.nan


def _margins(books: FloatArray) -> FloatArray:
    """Return operating margin rates [replication, firm]; nan: neither earns nor spends."""
    rates = [[margin_rate(row[REVENUE], row[OPERATING]) for row in firms] for firms in books.tolist()]
    return np.array(rates, dtype=np.float64).reshape(books.shape[:2])


def evaluate_objectives(instance: Instance, accounts: Sequence[Account], today: Sequence[Account]) -> Objectives:
    """Judge a configuration from whole accounts; `Judge` does the same for many configurations."""
    return Judge.of(instance).judge(accounts, today)


def _budgets(instance: Instance, rule: Rule) -> Iterator[Budget]:
    """Yield a budget rule's operating money a year, for each zone it holds in."""
    if rule.kind != "budget" or rule.bound is None or rule.money == "investment" or rule.sense == "at_least":
        return
    if rule.provider:
        text = f"(cost[provider={rule.provider}]-investment[provider={rule.provider}])/years"
        yield Budget(rule.rule, text, rule.bound)
        return
    zones = [rule.zone]
    if rule.level and not rule.zone:
        zones = [row.zone for row in instance.zones_of_level(rule.level)]
    for zone in zones:
        keys = [f"payer={rule.payer}"] if rule.payer else []
        keys += [f"zone={zone}"] if zone else []
        keys += [f"pathway={rule.pathway}"] if rule.pathway else []
        keys += [f"profile={rule.profile}"] if rule.profile else []
        text = f"revenue[{','.join(keys)}]/years" if keys else "revenue/years"
        yield Budget(f"{rule.rule}{f' in {zone}' if zone else ''}", text, rule.bound)
