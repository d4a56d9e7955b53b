"""What the rules of an instance speak of, as arrays: people, loads, capacities and money.

Sets: c offer cells, i capacity rows, j pools, z territories. All loads are average units in use over the run, all
money is in currency a year. Money that hangs on a resource follows the *served* flow of its pool; its price per unit
served is that of today's mix of users (a constant, so that money stays linear in the plan).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from instances.faults import UnknownName
from instances.instance import Instance
from instances.tables import Price, Rule
from optimisation.encoding import Encoding, encoding_of
from simulation.components import Pool, pools
from simulation.configuration import OfferCell, offer_cells, todays_configuration
from simulation.economics import annuity
from simulation.fluid import FluidFlows, fluid_flows
from simulation.rounding import rounded

Floats = NDArray[np.float64]
Found = TypeVar("Found")


@dataclass(frozen=True)
class Money:
    """A sum of money a year, linear in a plan: coefficients of what it hangs on."""

    served: Floats
    """[pool] per unit served on average."""
    share: Floats
    """[cell] per unit of share."""
    units: Floats
    """[capacity row] per unit installed."""
    sites: Floats
    """[capacity row] per open site."""
    added: Floats
    """[capacity row] per unit beyond today's."""

    def rounded(self) -> "Money":
        """Return it with what comes from flows rounded, as plans hang on it (see `simulation.rounding`)."""
        return replace(self, served=rounded(self.served), share=rounded(self.share))


class Planning:
    """An instance as the feasibility rules see it; built once, never changed."""

    def __init__(self, instance: Instance, flows: FluidFlows | None = None) -> None:
        self.instance = instance
        self._known: dict[tuple[object, ...], object] = {}
        self.encoding: Encoding = encoding_of(instance)
        self.cells: tuple[OfferCell, ...] = offer_cells(instance)
        self.pools: tuple[Pool, ...] = pools(instance)
        self.flows = flows or fluid_flows(instance)
        self.years = instance.settings.horizon.run / instance.settings.time_units_per_year
        self.territories = tuple(zone.zone for zone in instance.territories)
        self.contracts = instance.contract_codes
        self.today = np.array(todays_configuration(instance).shares)
        self.row_territory = np.array([self.territories.index(row.zone) for row in instance.capacities], dtype=np.int64)
        self.cell_territory = np.array([self.territories.index(cell.zone) for cell in self.cells], dtype=np.int64)

    # People and loads.

    @cached_property
    def persons(self) -> Floats:
        """[cell] people oriented with the cell's profile in its territory over the run."""
        profiles = [row.profile for row in self.instance.profiles]
        starts = rounded(self.flows.starts)
        return np.array([starts[self.territories.index(c.zone), profiles.index(c.profile)] for c in self.cells])

    @cached_property
    def pool_territories(self) -> tuple[tuple[int, ...], ...]:
        """[pool] territories it serves."""
        return tuple(self._territories_in(pool.zone) for pool in self.pools)

    @cached_property
    def load(self) -> Floats:
        """[pool, cell] average units a cell would use were its share one and all served."""
        used = self.flows.acceptance.T @ self.flows.use / self.instance.settings.horizon.run
        found = np.zeros((len(self.pools), len(self.cells)))
        for number, (pool, served) in enumerate(zip(self.pools, self.pool_territories, strict=True)):
            found[number] = used[:, pool.resource] * np.isin(self.cell_territory, served)
        return rounded(found)

    @cached_property
    def effective(self) -> Floats:
        """[pool, capacity row] what a unit adds to the pool: the part of travelling staff's time not on the road."""
        found = np.zeros((len(self.pools), len(self.instance.capacities)))
        for number, pool in enumerate(self.pools):
            for row in pool.rows:
                zone = self.instance.zone_by_code[self.instance.capacities[row].zone]
                lost = zone.travel_share if self.instance.resources[pool.resource].travels else 0.0
                found[number, row] = 1.0 - lost
        return found

    @cached_property
    def reserved(self) -> Floats:
        """[pool] effective units used by outside demand."""
        return rounded(self.effective @ np.array([row.reserved for row in self.instance.capacities], dtype=np.float64))

    # Money.

    def paid(self, payer: str, territories: tuple[int, ...], contract: str) -> Money:
        """Return what a payer (all when empty) pays a year for the people and places of some territories."""
        key = ("paid", payer, territories, contract)
        return self._kept(key, lambda: self._paid(payer, territories, contract).rounded())

    def operated(self, provider: str, territories: tuple[int, ...]) -> Money:
        """Return what it costs a provider (all when empty) a year to run what it does in some territories."""
        return self._kept(("operated", provider, territories), lambda: self._operated(provider, territories).rounded())

    def invested(self, provider: str, territories: tuple[int, ...]) -> Money:
        """Return the annuities a provider (all when empty) bears for units beyond today's."""
        return self._kept(("invested", provider, territories), lambda: self._invested(provider, territories))

    def _kept(self, key: tuple[object, ...], made: Callable[[], Found]) -> Found:
        """Return what was worked out before, or work it out: every check of every plan asks again."""
        if key not in self._known:
            self._known[key] = made()
        found: Found = self._known[key]  # type: ignore[assignment]  # each key names one kind of answer
        return found

    def _paid(self, payer: str, territories: tuple[int, ...], contract: str) -> Money:
        payers = [number for number, row in enumerate(self.instance.payers) if payer in ("", row.id)]
        place = self.contracts.index(contract)
        tied = self.flows.revenue_tied[place][:, payers].sum(axis=1)
        free = self.flows.revenue_free[place][:, payers].sum(axis=1)
        cut_units, cut_served = self._occupancy_cuts(payers, contract, territories)
        return Money(
            served=self._per_unit_served(tied, territories) + cut_served,
            share=self._per_share(free, territories),
            units=self._within(territories) * self._capacity_price(payers, contract) - cut_units,
            sites=np.zeros(len(self.instance.capacities)),
            added=np.zeros(len(self.instance.capacities)),
        )

    def _operated(self, provider: str, territories: tuple[int, ...]) -> Money:
        named = [number for number, row in enumerate(self.instance.providers) if provider in ("", row.id)]
        tied = self.flows.cost_tied[:, named].sum(axis=1)
        free = self.flows.cost_free[:, named].sum(axis=1)
        served = self._per_unit_served(tied, territories)
        unnamed = self._per_unit_served(self.flows.cost_tied[:, -1], territories)
        return Money(
            served=served + unnamed * self._run_by(provider),
            share=self._per_share(free, territories),
            units=self._within(territories) * self._row_cost("capacity-year", provider),
            sites=self._within(territories) * self._row_cost("open-site-year", provider),
            added=np.zeros(len(self.instance.capacities)),
        )

    def _invested(self, provider: str, territories: tuple[int, ...]) -> Money:
        return Money(
            served=np.zeros(len(self.pools)),
            share=np.zeros(len(self.cells)),
            units=np.zeros(len(self.instance.capacities)),
            sites=np.zeros(len(self.instance.capacities)),
            added=self._within(territories) * self._row_cost("added-unit", provider),
        )

    # Where a rule applies, and to what.

    def places(self, rule: Rule) -> tuple[tuple[str, tuple[int, ...]], ...]:
        """Return (zone, its territories) for each place a rule applies to; the empty zone is the whole."""
        return self._kept(("places", rule.level, rule.zone), lambda: self._places(rule))

    def _places(self, rule: Rule) -> tuple[tuple[str, tuple[int, ...]], ...]:
        if rule.level:
            zones = [zone.zone for zone in self.instance.zones_of_level(rule.level)]
            inside = {zone.zone for zone in self.instance.descendants(rule.zone)} | {rule.zone}
            return tuple((zone, self._territories_in(zone)) for zone in zones if not rule.zone or zone in inside)
        return ((rule.zone, self._territories_in(rule.zone)),)

    def rows_of(self, resource: str, territories: tuple[int, ...], provider: str = "") -> list[int]:
        """Return the capacity rows of a resource (all when empty) in some territories."""
        return self._kept(
            ("rows", resource, territories, provider),
            lambda: [
                number
                for number, row in enumerate(self.instance.capacities)
                if resource in ("", row.resource)
                and provider in ("", row.provider)
                and self.row_territory[number] in territories
            ],
        )

    def cells_of(self, profile: str, pathway: str, territories: tuple[int, ...]) -> list[int]:
        """Return the offer cells of a profile and pathway (all when empty) in some territories."""
        return self._kept(
            ("cells", profile, pathway, territories),
            lambda: [
                number
                for number, cell in enumerate(self.cells)
                if profile in ("", cell.profile)
                and pathway in ("", cell.pathway)
                and self.cell_territory[number] in territories
            ],
        )

    def pools_of(self, resource: str, territories: tuple[int, ...]) -> list[int]:
        """Return the pools of a resource (all when empty) that lie in some territories, or hold them."""
        return self._kept(("pools", resource, territories), lambda: self._pools_of(resource, set(territories)))

    def _pools_of(self, resource: str, wanted: set[int]) -> list[int]:
        return [
            number
            for number, (pool, served) in enumerate(zip(self.pools, map(set, self.pool_territories), strict=True))
            if resource in ("", self.instance.resources[pool.resource].resource)
            and (served <= wanted or wanted <= served)
        ]

    def named(self, place: str, territories: tuple[int, ...], pools: Sequence[int]) -> str:
        """Return the name of a place, or that of the one pool in question where it serves more than the place."""
        wide = len(pools) == 1 and set(territories) < set(self.pool_territories[pools[0]])
        return self.pools[pools[0]].zone if wide else place

    def heads(self, territories: tuple[int, ...], profile: str = "") -> float:
        """Return the inhabitants of some territories, or of one profile the people present and to come."""
        return self._kept(("heads", territories, profile), lambda: self._heads(territories, profile))

    def _heads(self, territories: tuple[int, ...], profile: str) -> float:
        zones = [self.instance.territories[number] for number in territories]
        if not profile and all(zone.population is not None for zone in zones):
            return float(sum(zone.population or 0.0 for zone in zones))
        profiles = [n for n, row in enumerate(self.instance.profiles) if profile in ("", row.profile)]
        return float(rounded(self.flows.starts[np.ix_(territories, profiles)].sum()))

    # Parts of the money.

    def _territories_in(self, zone: str) -> tuple[int, ...]:
        return self._kept(("within", zone), lambda: self._found_in(zone))

    def _found_in(self, zone: str) -> tuple[int, ...]:
        if zone and zone not in self.instance.zone_by_code:
            raise UnknownName("zone", zone, self.instance.zone_by_code)
        return tuple(self.territories.index(row.zone) for row in self.instance.territories_in(zone))

    def _within(self, territories: tuple[int, ...]) -> Floats:
        return np.isin(self.row_territory, territories).astype(np.float64)

    def _per_share(self, amount: Floats, territories: tuple[int, ...]) -> Floats:
        yearly = self.flows.acceptance.T @ amount / self.years
        return np.where(np.isin(self.cell_territory, territories), yearly, 0.0)

    def _per_unit_served(self, tied: Floats, territories: tuple[int, ...]) -> Floats:
        """Return money a year per unit served [pool], from tied money [cell end, resource] at today's mix."""
        yearly = self.flows.acceptance.T @ tied / self.years
        found = np.zeros(len(self.pools))
        for number, pool in enumerate(self.pools):
            here = np.isin(self.cell_territory, self.pool_territories[number])
            mine = here & np.isin(self.cell_territory, territories)
            for mix in (self.today, np.array([cell.maximum for cell in self.cells])):
                load = float(self.load[number] @ mix)
                if load > 0.0:
                    found[number] = float(yearly[mine, pool.resource] @ mix[mine]) / load
                    break
        return found

    def _capacity_price(self, payers: list[int], contract: str) -> Floats:
        """Return what is paid a year per unit installed [row] that is full enough."""
        found = np.zeros(len(self.instance.capacities))
        for price in self._allocations(payers, contract):
            for number, row in enumerate(self.instance.capacities):
                if price.subject == f"resource:{row.resource}" and price.provider in ("", row.provider):
                    found[number] += price.amount
        return found

    def _allocations(self, payers: list[int], contract: str) -> list[Price]:
        codes = {self.instance.payers[number].id for number in payers}
        return [
            price
            for price in self.instance.prices
            if price.basis == "capacity-year" and price.payer in codes and price.contract in ("", contract)
        ]

    def _occupancy_cuts(self, payers: list[int], contract: str, territories: tuple[int, ...]) -> tuple[Floats, Floats]:
        """Return what low occupancy takes off per unit [row], and gives back per unit served [pool].

        A pool under the floor today is cut by slope * (floor - occupancy), whatever its occupancy becomes, which is
        at most the true cut; others, and pools whose units differ in travel or outside use, are not cut. So a payer's
        spending is never estimated too low.
        """
        units, served = np.zeros(len(self.instance.capacities)), np.zeros(len(self.pools))
        load = self.load @ self.today
        current = np.array([row.current for row in self.instance.capacities], dtype=np.float64)
        for price in self._allocations(payers, contract):
            for number, pool in enumerate(self.pools):
                rows = list(pool.rows)
                efficiency = self.effective[number, rows]
                applies = (
                    price.subject == f"resource:{self.instance.resources[pool.resource].resource}"
                    and all(price.provider in ("", self.instance.capacities[row].provider) for row in rows)
                    and set(self.pool_territories[number]) <= set(territories)
                    and self.reserved[number] == 0.0
                    and np.ptp(efficiency) == 0.0
                    and efficiency[0] > 0.0
                )
                floor = price.occupancy_floor or 0.0
                if applies and load[number] < floor * float(self.effective[number] @ current):
                    units[rows] += price.amount * price.occupancy_slope * floor
                    served[number] += price.amount * price.occupancy_slope / float(efficiency[0])
        return units, served

    def _row_cost(self, basis: str, provider: str) -> Floats:
        """Return a cost a year per unit, open site or added unit [row]; only of rows a provider runs."""
        found = np.zeros(len(self.instance.capacities))
        for cost in self.instance.costs:
            if cost.basis != basis:
                continue
            yearly = annuity(cost.amount, cost.life or 1.0, cost.rate or 0.0) if basis == "added-unit" else cost.amount
            for number, row in enumerate(self.instance.capacities):
                runs = cost.provider in ("", row.provider) and provider in ("", row.provider)
                if runs and cost.subject == f"resource:{row.resource}":
                    found[number] += yearly
        return found

    def _run_by(self, provider: str) -> Floats:
        """Return the part of each pool's units that a provider runs today [pool]."""
        found = np.ones(len(self.pools))
        if provider:
            for number, pool in enumerate(self.pools):
                rows = [self.instance.capacities[row] for row in pool.rows]
                total = sum(row.current for row in rows)
                own = sum(row.current for row in rows if row.provider == provider)
                found[number] = own / total if total else sum(row.provider == provider for row in rows) / len(rows)
        return found
