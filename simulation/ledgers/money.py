"""The ledger of money: who paid whom for what, and what it cost to provide, from the tally of a log.

What an amount is per, by subject and basis:

| subject       | entry               | day, hour                                  | patient                        |
|---------------|---------------------|--------------------------------------------|--------------------------------|
| step:S        | stays begun         | time of persons in the step                | each person's first stay       |
| service:R     | units granted       | unit-time held and in use (not kept idle)  | each person's first grant      |
| resource:R    | units taken as gate or service | unit-time taken, kept idle included | each person's first grant   |
| pathway:W     | persons who join it | time of persons in its steps               | each person who joins it       |

An hour is an hour of the clock. capacity-year (resource): a year of one unit of capacity, today's until the lead
time, then the plan's; costs of units above capacity that drain are added. open-site-year (resource): a year of one
capacity row that is open. added-unit (resource): the annuity of an investment over `life` years (in full at once
when it has none), for units beyond today's, from the lead time on: even depreciation, amount / life, and what is left
of the annuity, interest. Units are renewed at the end of their life. outcome: per person who joined and never met
the break named.

Kinds of cost: running costs by their basis; depreciation and interest of what there is today, where rows name that
nature; depreciation and interest of added units.

An amount without provider goes to those who run the pool, by their units in the plan (today's when they have none
left); a part run by nobody is neither paid nor charged. Among rows alike but for the profile, the one that
names a profile replaces the one for all. Occupancy (for `occupancy_floor`) is a pool's unit-time in use over its
capacity, year by year.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from instances.faults import ConfiguratorError
from instances.references import Subject, subject
from instances.tables import Cost, Price
from simulation.configuration import Configuration
from simulation.economics import annuity, depreciation_share, discounted_duration
from simulation.ledgers.chart import Chart, FloatArray, IntArray
from simulation.ledgers.replay import (
    FLOW_ENTRIES,
    FLOW_PERSONS,
    FLOW_TIME,
    GATE_ENTRIES,
    GATE_TIME,
    KEPT_TIME,
    POOL_BUSY,
    POOL_CAPACITY,
    POOL_EXCESS,
    SERVICE_ENTRIES,
    SERVICE_PERSONS,
    SERVICE_TIME,
    Tally,
)

HOURS_PER_DAY = 24.0
RUNNING_KINDS = ("entry", "day", "hour", "capacity-year", "open-site-year")
DEPRECIATION_KINDS = ("depreciation", "added-depreciation")
INTEREST_KINDS = ("interest", "added-interest")
COST_KINDS = (*RUNNING_KINDS, *DEPRECIATION_KINDS, *INTEREST_KINDS)


class UnpricedSubject(ConfiguratorError):  # noqa: N818 (named for what it says)
    """A price or cost whose subject, basis and provider do not say what is paid to whom."""


@dataclass(frozen=True)
class Money:
    """Money of one run; Z + 1, P + 1, W + 1: the last index is what belongs to no one profile or pathway.

    Plain sums are over the whole run; [.., Y, 2] are by year, plain and discounted to time 0.
    """

    revenue: FloatArray  # [payer, provider, Z, P + 1, W + 1]
    revenue_by_year: FloatArray  # [payer, provider, Z, Y, 2]
    cost: FloatArray  # [provider, Z, P + 1, W + 1]
    cost_discounted: FloatArray  # [provider, Z, P + 1, W + 1]
    cost_by_kind: FloatArray  # [provider, len(COST_KINDS), Z, Y, 2]


@dataclass(frozen=True)
class Flow:
    """Amounts of something by place: each of K places is a territory, and perhaps a pool that served it."""

    zone: IntArray  # [K]
    pool: IntArray  # [K], -1 none
    values: FloatArray  # [K, P + 1, W + 1, Y, 2]


@dataclass
class MoneyLedger:
    """Turns the tally of one component's log into money, under one configuration."""

    chart: Chart
    configuration: Configuration
    territories: tuple[int, ...]
    tally: Tally
    broken: FloatArray  # [breaks, Z, P, W] persons who met each break
    _flows: dict[tuple[str, str], Flow] = field(default_factory=dict)

    def money(self) -> Money:
        """Return all money of the run."""
        chart = self.chart
        places = (len(chart.zones), len(chart.profiles) + 1, len(chart.pathways) + 1)
        payers, providers = len(chart.payers), len(chart.providers)
        revenue = np.zeros((payers, providers, *places))
        revenue_by_year = np.zeros((payers, providers, len(chart.zones), chart.years, 2))
        for price, mask in self._prices():
            payer = chart.payers[price.payer]
            for provider, zone, values in self._shares_out(price, mask):
                np.add.at(revenue[payer, provider], zone, values[..., 0].sum(axis=-1))
                np.add.at(revenue_by_year[payer, provider], zone, values.sum(axis=(1, 2)))
        cost, cost_discounted = np.zeros((providers, *places)), np.zeros((providers, *places))
        cost_by_kind = np.zeros((providers, len(COST_KINDS), len(chart.zones), chart.years, 2))
        for row, mask in self._costs():
            parts = _parts_by_kind(row, self._rate)
            for provider, zone, values in self._shares_out(row, mask):
                np.add.at(cost[provider], zone, values[..., 0].sum(axis=-1))
                np.add.at(cost_discounted[provider], zone, values[..., 1].sum(axis=-1))
                by_year = values.sum(axis=(1, 2))
                for kind, part in parts:
                    np.add.at(cost_by_kind[provider, kind], zone, part * by_year)
        return Money(revenue, revenue_by_year, cost, cost_discounted, cost_by_kind)

    # Which rows hold, for which profiles.

    def _prices(self) -> Iterator[tuple[Price, FloatArray]]:
        rows = [row for row in self.chart.instance.prices if row.contract in ("", self.configuration.contract)]
        own = {(_price_key(row), row.profile) for row in rows if row.profile}
        for row in rows:
            yield row, self._mask(row.profile, {profile for key, profile in own if key == _price_key(row)})

    def _costs(self) -> Iterator[tuple[Cost, FloatArray]]:
        rows = self.chart.instance.costs
        own = {(_cost_key(row), row.profile) for row in rows if row.profile}
        for row in rows:
            yield row, self._mask(row.profile, {profile for key, profile in own if key == _cost_key(row)})

    def _mask(self, profile: str, replaced: set[str]) -> FloatArray:
        """1 for each profile a row holds for [P + 1]; what belongs to no profile takes the row for all."""
        names = list(self.chart.profiles)
        if profile:
            return np.array([*(float(name == profile) for name in names), 0.0])
        return np.array([*(float(name not in replaced) for name in names), 1.0])

    # From a row to the money of each provider.

    def _shares_out(self, row: Price | Cost, mask: FloatArray) -> Iterator[tuple[int, IntArray, FloatArray]]:
        """Yield (provider, territories [K], money [K, P + 1, W + 1, Y, 2]) of a price or cost row."""
        if row.basis in ("capacity-year", "open-site-year", "added-unit"):
            yield from self._of_capacity(row)
            return
        flow = self._flow(row)
        values = flow.values * (row.amount * mask[:, None, None, None])
        if isinstance(row, Price) and row.occupancy_floor is not None and row.occupancy_slope > 0.0:
            values = values * self._factor(row)[flow.pool][:, None, None, :, None]
        if row.provider:
            yield self.chart.providers[row.provider], flow.zone, values
            return
        if (flow.pool < 0).all() and values.any():
            raise UnpricedSubject(f"{row.subject}: no resource says who provides it, so a provider must be named")
        shares = self._provider_shares[flow.pool]
        for provider in np.flatnonzero(shares.any(axis=0)):
            yield int(provider), flow.zone, values * shares[:, provider][:, None, None, None, None]

    def _of_capacity(self, row: Price | Cost) -> Iterator[tuple[int, IntArray, FloatArray]]:
        about = subject(row.subject)
        if about.kind != "resource":
            raise UnpricedSubject(f"{row.subject}: basis {row.basis} needs a subject resource:...")
        shape = (1, len(self.chart.profiles) + 1, len(self.chart.pathways) + 1, self.chart.years, 2)
        capacities = self.chart.instance.capacities
        named = any(each.resource == about.name and each.provider == row.provider for each in capacities)
        factor = None
        if isinstance(row, Price) and row.occupancy_floor is not None and row.occupancy_slope > 0.0:
            factor = self._factor(row)
        for index, each in enumerate(capacities):
            zone = self.chart.zones[each.zone]
            payee = row.provider or each.provider
            if each.resource != about.name or zone not in self.territories or not payee:
                continue
            if named and each.provider != row.provider:
                continue
            values = np.zeros(shape)
            values[0, -1, -1] = self._capacity_years(row, index)
            if factor is not None:
                values *= factor[self._pool_of_row[index]][None, None, None, :, None]
            if values.any():
                yield self.chart.providers[payee], np.array([zone]), values

    def _capacity_years(self, row: Price | Cost, index: int) -> FloatArray:
        """Return the money of one capacity row [Y, 2]."""
        capacity = self.chart.instance.capacities[index]
        before, after = capacity.current, self.configuration.capacities[index]
        change = min(capacity.lead_time / self.chart.per_year, self.chart.run / self.chart.per_year)
        early, late = self._window(0.0, change), self._window(change, None)
        if row.basis == "capacity-year":
            units: FloatArray = before * early + after * late
            if isinstance(row, Cost):
                units = units + self._draining(index)
            return units * row.amount
        if row.basis == "open-site-year":
            return row.amount * (float(before > 0) * early + float(after > 0) * late)
        added = max(0, after - before)
        life = row.life if isinstance(row, Cost) else None
        if not life:
            money: FloatArray = np.zeros_like(early)
            year = min(int(change), self.chart.years - 1)
            money[year] = added * row.amount * np.array([1.0, (1.0 + self._rate) ** -change])
            return money
        return added * annuity(row.amount, life, _interest(row, self._rate)) * late

    def _draining(self, index: int) -> FloatArray:
        """Return the unit-years above capacity that this row's provider still runs [Y, 2]."""
        pool = self._pool_of_row[index]
        excess: FloatArray = self.tally.pools[pool, POOL_EXCESS] / self.chart.per_year
        rows = self.chart.pools[pool].rows
        reduced = {
            row: max(0, int(self.chart.today_capacity[row]) - self.configuration.capacities[row]) for row in rows
        }
        total = sum(reduced.values())
        return excess * (reduced[index] / total) if total else np.zeros_like(excess)

    def _window(self, start: float, end: float | None) -> FloatArray:
        """Return the years from start to end (None: the end of the run) by year of accounts [Y, 2]."""
        last = self.chart.run / self.chart.per_year if end is None else end
        years = np.zeros((self.chart.years, 2))
        for year in range(self.chart.years):
            low = max(start, float(year))
            high = last if year == self.chart.years - 1 else min(last, year + 1.0)
            if low < high:
                years[year] = high - low, discounted_duration(self._rate, low, high)
        return years

    @property
    def _rate(self) -> float:
        return self.chart.instance.settings.economics.discount_rate

    # What is counted.

    def _flow(self, row: Price | Cost) -> Flow:
        key = (row.subject, "outcome:" + row.outcome if isinstance(row, Price) and row.outcome else row.basis)
        if key not in self._flows:
            self._flows[key] = self._counted(row)
        return self._flows[key]

    def _counted(self, row: Price | Cost) -> Flow:
        about = subject(row.subject)
        scale = 1.0
        if row.basis in ("day", "hour"):
            scale = (HOURS_PER_DAY if row.basis == "hour" else 1.0) / self.chart.per_day
        if row.basis == "outcome":
            return self._outcomes(row, about)
        if about.kind == "step":
            return self._step_flow(about, row.basis, scale)
        if about.kind == "pathway":
            return self._pathway_flow(about, row.basis, scale)
        return self._channel_flow(about, row.basis, scale)

    def _step_flow(self, about: Subject, basis: str, scale: float) -> Flow:
        chart = self.chart
        measure = {"entry": FLOW_ENTRIES, "patient": FLOW_PERSONS}.get(basis, FLOW_TIME)
        zones = np.arange(len(chart.zones))
        values = self._empty(len(zones))
        pool = np.full(len(zones), -1, dtype=np.int64)
        for (pathway, step), s in chart.steps.items():
            if step == about.name and about.pathway in ("", pathway):
                values[:, :-1, chart.step_pathway[s]] += scale * self.tally.visit_flow[:, :, s, measure]
                gates = chart.gate[s][chart.gate[s] >= 0]
                if gates.size:
                    pool = chart.home_pool[:, gates[0]]
        return Flow(zones, pool, values)

    def _pathway_flow(self, about: Subject, basis: str, scale: float) -> Flow:
        chart = self.chart
        w = chart.pathways[about.name]
        zones = np.arange(len(chart.zones))
        values = self._empty(len(zones))
        if basis in ("entry", "patient"):
            values[:, :-1, w] = self.tally.joined_flow[:, :, w]
        else:
            values[:, :-1, w] = scale * self.tally.visit_flow[:, :, chart.step_pathway == w, FLOW_TIME].sum(axis=2)
        return Flow(zones, np.full(len(zones), -1, dtype=np.int64), values)

    def _channel_flow(self, about: Subject, basis: str, scale: float) -> Flow:
        chart = self.chart
        resource = chart.resources[about.name]
        chosen = chart.pool_resource[chart.channel_pool] == resource
        own = [SERVICE_ENTRIES] if basis == "entry" else [SERVICE_PERSONS] if basis == "patient" else [SERVICE_TIME]
        if about.kind == "resource":
            own += [GATE_ENTRIES] if basis == "entry" else [] if basis == "patient" else [GATE_TIME, KEPT_TIME]
        values = self._empty(int(chosen.sum()))
        values[:, :-1, :-1] = scale * self.tally.channel_flow[chosen][:, :, :, own].sum(axis=3)
        return Flow(chart.channel_zone[chosen], chart.channel_pool[chosen], values)

    def _outcomes(self, row: Price | Cost, about: Subject) -> Flow:
        """Persons who joined a pathway and never met a break, paid in the year they joined."""
        chart = self.chart
        outcome = row.outcome if isinstance(row, Price) else ""
        names = [each.break_ for each in chart.instance.breaks]
        if about.kind != "pathway" or outcome not in names:
            raise UnpricedSubject(f"{row.subject}: an outcome is paid for a pathway and the absence of a known break")
        flow = self._pathway_flow(about, "patient", 1.0)
        w = chart.pathways[about.name]
        joined = self.tally.joined_flow[:, :, w, :, 0].sum(axis=-1)
        met = np.minimum(self.broken[names.index(outcome), :, :, w], joined)
        kept = np.divide(joined - met, joined, out=np.zeros_like(joined), where=joined > 0.0)
        values = flow.values.copy()
        values[:, :-1, w] *= kept[:, :, None, None]
        return Flow(flow.zone, flow.pool, values)

    def _empty(self, places: int) -> FloatArray:
        chart = self.chart
        return np.zeros((places, len(chart.profiles) + 1, len(chart.pathways) + 1, chart.years, 2))

    # Who runs what.

    def _factor(self, row: Price) -> FloatArray:
        """Return the part of a tariff paid, by pool and year [Q + 1, Y]; last: no pool, in full."""
        busy, capacity = self.tally.pools[:, POOL_BUSY, :, 0], self.tally.pools[:, POOL_CAPACITY, :, 0]
        occupancy = np.divide(busy, capacity, out=np.ones_like(busy), where=capacity > 0.0)
        floor = row.occupancy_floor or 0.0
        factor = np.maximum(0.0, 1.0 - row.occupancy_slope * np.maximum(0.0, floor - occupancy))
        return np.vstack([factor, np.ones((1, factor.shape[1]))])

    @cached_property
    def _provider_shares(self) -> FloatArray:
        """Return each provider's part of each pool [Q + 1, providers]; last: no pool, nobody."""
        chart = self.chart
        shares = np.zeros((len(chart.pools) + 1, len(chart.providers)))
        for q, pool in enumerate(chart.pools):
            units = np.array([float(self.configuration.capacities[row]) for row in pool.rows])
            if units.sum() == 0.0:
                units = chart.today_capacity[list(pool.rows)].astype(float)
            if units.sum() == 0.0:
                units[:] = 1.0
            for row, part in zip(pool.rows, units / units.sum(), strict=True):
                provider = chart.instance.capacities[row].provider
                if provider:
                    shares[q, chart.providers[provider]] += part
        return shares

    @cached_property
    def _pool_of_row(self) -> dict[int, int]:
        return {row: q for q, pool in enumerate(self.chart.pools) for row in pool.rows}


def _interest(row: Price | Cost, otherwise: float) -> float:
    """Return the interest on an added unit."""
    return row.rate if isinstance(row, Cost) and row.rate is not None else otherwise


def _parts_by_kind(row: Cost, discount_rate: float) -> tuple[tuple[int, float], ...]:
    """Return the kinds of cost a row falls under with the part of its money in each."""
    if row.basis == "added-unit":
        parts = {"added-depreciation": 1.0}
        if row.life:
            depreciation = depreciation_share(row.life, _interest(row, discount_rate))
            parts = {"added-depreciation": depreciation, "added-interest": 1.0 - depreciation}
    else:
        parts = {row.nature or row.basis: 1.0}
    return tuple((COST_KINDS.index(kind), part) for kind, part in parts.items())


def _price_key(row: Price) -> tuple[str, ...]:
    return row.contract, row.subject, row.basis, row.payer, row.provider, row.outcome


def _cost_key(row: Cost) -> tuple[str, ...]:
    return row.subject, row.basis, row.provider, row.nature
