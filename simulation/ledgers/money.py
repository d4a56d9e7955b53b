"""The ledger of money: who paid whom for what, and what it cost to provide, from the tally of a log.

What an amount is per stands in `flows` for what people use. For what there is: capacity-year (resource): a year of
one unit of capacity, today's until the lead time, then the plan's; costs of units above capacity that drain are
added. open-site-year (resource): a year of one capacity row that is open. added-unit (resource): the annuity of an
investment over `life` years (in full at once when it has none), for units beyond today's, from the lead time on: even
depreciation, amount / life, and what is left of the annuity, interest. Units are renewed at the end of their life.

Kinds of cost: running costs by their basis; depreciation and interest of what there is today, where rows name that
nature; depreciation and interest of added units.

An amount without provider goes to those who run the pool that served (overflow included), by their units in the plan
(today's when they have none left); a part run by nobody is neither paid nor charged. Among rows alike but for the
profile, the one that names a profile replaces the one for all. Occupancy (for `occupancy_floor`) is a pool's
unit-time in use over its capacity, year by year.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from instances.references import subject
from instances.tables import Cost, Price
from simulation.configuration import Configuration
from simulation.economics import annuity, depreciation_share, discounted_duration
from simulation.ledgers.chart import Chart, FloatArray, IntArray
from simulation.ledgers.flows import Flows, UnpricedSubject
from simulation.ledgers.replay import POOL_BUSY, POOL_CAPACITY, POOL_EXCESS, Tally

RUNNING_KINDS = ("entry", "day", "hour", "capacity-year", "open-site-year")
DEPRECIATION_KINDS = ("depreciation", "added-depreciation")
INTEREST_KINDS = ("interest", "added-interest")
COST_KINDS = (*RUNNING_KINDS, *DEPRECIATION_KINDS, *INTEREST_KINDS)
OF_CAPACITY = ("capacity-year", "open-site-year", "added-unit")


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
class Posting:
    """Money of one row for one provider: K territories (a territory may come twice), p profiles, L pathways."""

    provider: int
    zones: IntArray  # [K]
    profiles: IntArray  # [p], the last of P + 1: none
    pathways: IntArray  # [L], the last of W + 1: none
    by_person: FloatArray  # [K, p, L, 2] over all years
    by_year: FloatArray  # [K, Y, 2] over all profiles and pathways

    @property
    def places(self) -> tuple[IntArray, IntArray, IntArray]:
        """Where `by_person` goes in [Z, P + 1, W + 1]."""
        return self.zones[:, None, None], self.profiles[:, None], self.pathways


@dataclass
class MoneyLedger:
    """Turns the tally of one component's log into money, under one configuration."""

    chart: Chart
    configuration: Configuration
    territories: tuple[int, ...]  # the component's [Z]
    tally: Tally
    broken: FloatArray  # [breaks, Z, P, W] persons who met each break
    _windows: dict[tuple[float, float | None], FloatArray] = field(default_factory=dict)

    def money(self) -> Money:
        """Return all money of the run."""
        chart = self.chart
        zones, places = len(chart.zones), (len(chart.zones), len(chart.profiles) + 1, len(chart.pathways) + 1)
        payers, providers = len(chart.payers), len(chart.providers)
        revenue, by_year = np.zeros((payers, providers, *places)), np.zeros((payers, providers, zones, chart.years, 2))
        for price, profiles in self._prices():
            payer = chart.payers[price.payer]
            for each in self._postings(price, profiles):
                np.add.at(revenue[payer, each.provider], each.places, each.by_person[..., 0])
                np.add.at(by_year[payer, each.provider], each.zones, each.by_year)
        cost, discounted = np.zeros((providers, *places)), np.zeros((providers, *places))
        by_kind = np.zeros((providers, len(COST_KINDS), zones, chart.years, 2))
        for row, profiles in self._costs():
            parts = _parts_by_kind(row, self._rate)
            for each in self._postings(row, profiles):
                np.add.at(cost[each.provider], each.places, each.by_person[..., 0])
                np.add.at(discounted[each.provider], each.places, each.by_person[..., 1])
                for kind, part in parts:
                    np.add.at(by_kind[each.provider, kind], each.zones, part * each.by_year)
        return Money(revenue, by_year, cost, discounted, by_kind)

    # Which rows hold, for which profiles.

    def _prices(self) -> Iterator[tuple[Price, IntArray]]:
        rows = [row for row in self.chart.instance.prices if row.contract in ("", self.configuration.contract)]
        own = {(_price_key(row), row.profile) for row in rows if row.profile}
        for row in rows:
            yield row, self._profiles(row.profile, {profile for key, profile in own if key == _price_key(row)})

    def _costs(self) -> Iterator[tuple[Cost, IntArray]]:
        rows = self.chart.instance.costs
        own = {(_cost_key(row), row.profile) for row in rows if row.profile}
        for row in rows:
            yield row, self._profiles(row.profile, {profile for key, profile in own if key == _cost_key(row)})

    def _profiles(self, profile: str, replaced: set[str]) -> IntArray:
        """Return the profiles a row holds for."""
        known = self.chart.profiles
        return np.array([p for name, p in known.items() if (name == profile if profile else name not in replaced)])

    # From a row to the money of each provider.

    def _postings(self, row: Price | Cost, profiles: IntArray) -> Iterator[Posting]:
        if row.basis in OF_CAPACITY:
            yield from self._of_capacity(row)
        elif profiles.size:
            yield from self._of_use(row, profiles)

    def _of_use(self, row: Price | Cost, profiles: IntArray) -> Iterator[Posting]:
        """Yield the money of what people used."""
        flow = self._flows.of(row)
        if isinstance(row, Price) and _shrinks(row):
            flow = flow.reduced(self._factor(row))
        by_person = flow.by_person[:, profiles] * row.amount
        by_year = flow.by_year[:, profiles].sum(axis=1) * row.amount
        if row.provider:
            provider = self.chart.providers[row.provider]
            yield Posting(provider, flow.zone, profiles, flow.pathways, by_person, by_year)
            return
        if (flow.pool < 0).all() and by_year.any():
            raise UnpricedSubject(f"{row.subject}: no resource says who provides it, so a provider must be named")
        shares = self._provider_shares[flow.pool]
        for provider in np.flatnonzero(shares.any(axis=0)).tolist():
            share = shares[:, provider]
            parts = by_person * share[:, None, None, None], by_year * share[:, None, None]
            yield Posting(provider, flow.zone, profiles, flow.pathways, *parts)

    @cached_property
    def _flows(self) -> Flows:
        return Flows(self.chart, self.territories, self.tally, self.broken)

    def _of_capacity(self, row: Price | Cost) -> Iterator[Posting]:
        """Yield the money of what there is, which belongs to no profile and no pathway."""
        about = subject(row.subject)
        if about.kind != "resource":
            raise UnpricedSubject(f"{row.subject}: basis {row.basis} needs a subject resource:...")
        nobody, nothing = np.array([len(self.chart.profiles)]), np.array([len(self.chart.pathways)])
        factor = self._factor(row) if isinstance(row, Price) and _shrinks(row) else None
        named = row.provider in self.chart.running.get(about.name, ())
        for index in self._rows_of_resource.get(about.name, ()):
            each = self.chart.instance.capacities[index]
            zone = self.chart.zones[each.zone]
            payee = row.provider or each.provider
            if not payee or (named and each.provider != row.provider):
                continue
            money = self._capacity_years(row, index)
            if factor is not None:
                money = money * factor[self._pool_of_row[index]][:, None]
            if money.any():
                provider, place = self.chart.providers[payee], np.array([zone])
                yield Posting(provider, place, nobody, nothing, money.sum(axis=0)[None, None, None], money[None])

    @cached_property
    def _rows_of_resource(self) -> dict[str, list[int]]:
        """Capacity rows in the component's territories."""
        rows: dict[str, list[int]] = {}
        for index, each in enumerate(self.chart.instance.capacities):
            if self.chart.zones.get(each.zone) in self.territories:
                rows.setdefault(each.resource, []).append(index)
        return rows

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
        key = (start, end)
        if key not in self._windows:
            self._windows[key] = self._years_between(
                start, self.chart.run / self.chart.per_year if end is None else end
            )
        return self._windows[key]

    def _years_between(self, start: float, last: float) -> FloatArray:
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


def _shrinks(price: Price) -> bool:
    """Say whether a tariff shrinks with occupancy."""
    return price.occupancy_floor is not None and price.occupancy_slope > 0.0


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
