"""Whether a configuration keeps every rule: computed straight from the tables' meaning, without the MILP.

It shares the planning arrays (people, loads, prices) with the MILP and none of its inequalities, so that each
confirms the other.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from math import isnan
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from instances.tables import Resource, Rule
from optimisation.feasibility.amounts import plain
from optimisation.feasibility.planning import Money, Planning
from simulation.configuration import Configuration
from simulation.rounding import FINE, rounded

Floats = NDArray[np.float64]
TOLERANCE = 1e-6
ROUNDING = 0.95 * TOLERANCE
"""Part of their bounds by which the solver may break rules where they leave no plan else: a little less than passes."""
NO_BOUND = float("nan")


@dataclass(frozen=True)
class Finding:
    """One rule at one place: the value found, and the bound it is held to."""

    rule: str
    place: str
    value: float
    bound: float
    at_least: bool
    unit: str

    @property
    def excess(self) -> float:
        """How far beyond the bound, positive when the rule is broken."""
        return self.bound - self.value if self.at_least else self.value - self.bound

    @property
    def is_kept(self) -> bool:
        """Whether the rule is kept, but for rounding."""
        return self.excess <= TOLERANCE * max(1.0, abs(self.bound), abs(self.value))

    @property
    def asks_nothing(self) -> bool:
        """Whether there is nothing to keep: at least a part of a need or of a stock that is not there."""
        return self.at_least and abs(self.bound) <= TOLERANCE

    def __str__(self) -> str:
        where = f" in {self.place}" if self.place else ""
        if isnan(self.bound):
            return f"{self.rule}{where}: {plain(self.value)} is {self.unit}"
        limit = "at least" if self.at_least else "at most"
        found = f"{plain(self.value)} {self.unit}".rstrip()
        return f"{self.rule}{where}: {found}, must be {limit} {plain(self.bound)}"


@dataclass(frozen=True)
class State:
    """A configuration with what follows from it."""

    configuration: Configuration
    shares: Floats
    units: Floats
    load: Floats
    capacity: Floats
    served: Floats


def findings(planning: Planning, configuration: Configuration) -> tuple[Finding, ...]:
    """Return every rule at every place with its value: first what always holds, then the rules in table order."""
    state = state_of(planning, configuration)
    found = [*_own_bounds(planning, state)]
    for rule in planning.instance.rules:
        found += CHECKS[rule.kind](planning, rule, state)
    return tuple(found)


def violations(planning: Planning, configuration: Configuration) -> tuple[Finding, ...]:
    """Return the rules a configuration breaks; none: it is feasible."""
    return tuple(finding for finding in findings(planning, configuration) if not finding.is_kept)


def binding(planning: Planning, configuration: Configuration, within: float = 0.005) -> tuple[Finding, ...]:
    """Return the instance's rules that are (nearly) used up."""
    rules = {rule.rule for rule in planning.instance.rules}
    return tuple(
        finding
        for finding in findings(planning, configuration)
        if finding.rule in rules
        and not finding.asks_nothing
        and finding.excess >= -within * max(abs(finding.bound), abs(finding.value), 1e-9)
    )


def state_of(planning: Planning, configuration: Configuration) -> State:
    """Return a configuration's loads and served flows: served = min(load, capacity)."""
    shares = np.array(configuration.shares, dtype=np.float64)
    units = np.array(configuration.capacities, dtype=np.float64)
    load = rounded(planning.load @ shares, FINE)
    capacity = rounded(np.maximum(0.0, planning.effective @ units - planning.reserved), FINE)
    return State(configuration, shares, units, load, capacity, np.minimum(load, capacity))


# --- what always holds ---------------------------------------------------------------------------------------------


def _own_bounds(planning: Planning, state: State) -> Iterator[Finding]:
    encoding = planning.encoding
    contract = state.configuration.contract
    if contract not in encoding.contracts:
        number = float(planning.contracts.index(contract))
        yield Finding("contract", contract, number, NO_BOUND, False, "the number of a contract not to be chosen")
    values = np.append(state.shares, state.units)
    steps = (values - encoding.current) / encoding.size
    for gene in np.flatnonzero(np.abs(steps - np.rint(steps)) > TOLERANCE).tolist():
        yield Finding(
            "step",
            _gene_place(planning, gene),
            float(values[gene]),
            NO_BOUND,
            False,
            f"between two steps of {plain(encoding.size[gene])}",
        )
    for gene in np.flatnonzero(steps < encoding.low[: encoding.decided] - TOLERANCE).tolist():
        bound = encoding.current[gene] + encoding.size[gene] * encoding.low[gene]
        yield Finding("minimum", _gene_place(planning, gene), float(values[gene]), float(bound), True, "")
    for gene in np.flatnonzero(steps > encoding.high[: encoding.decided] + TOLERANCE).tolist():
        bound = encoding.current[gene] + encoding.size[gene] * encoding.high[gene]
        yield Finding("maximum", _gene_place(planning, gene), float(values[gene]), float(bound), False, "")
    sums = np.bincount(encoding.group, weights=state.shares)
    today = np.bincount(encoding.group, weights=planning.today)
    for group in np.flatnonzero(np.abs(sums - today) > TOLERANCE):
        cell = planning.cells[int(np.flatnonzero(encoding.group == group)[0])]
        yield Finding(
            "shares", f"{cell.zone} {cell.profile}", float(sums[group]), NO_BOUND, False, "the sum of shares, not 1"
        )
    for number, row in enumerate(planning.instance.capacities):
        if 0 < state.units[number] < row.opening_minimum:
            place = f"{row.zone} {row.resource}"
            yield Finding("opening_minimum", place, float(state.units[number]), row.opening_minimum, True, "units")


def _gene_place(planning: Planning, gene: int) -> str:
    if gene < planning.encoding.shares:
        cell = planning.cells[gene]
        return f"{cell.zone} {cell.profile} {cell.pathway}"
    row = planning.instance.capacities[gene - planning.encoding.shares]
    return f"{row.zone} {row.resource} {row.provider}".strip()


# --- one check a rule kind -----------------------------------------------------------------------------------------


def _budget(planning: Planning, rule: Rule, state: State) -> Iterator[Finding]:
    if rule.bound is None:
        return
    unit = f"{planning.instance.settings.currency}/year"
    for place, territories in planning.places(rule):
        total = 0.0
        if rule.money != "investment":
            borne = bool(rule.provider) and not rule.payer
            total += spent(
                planning.operated(rule.provider, territories)
                if borne
                else planning.paid(rule.payer, territories, state.configuration.contract),
                planning,
                state,
            )
        if rule.money != "operating" and not rule.payer:
            total += spent(planning.invested(rule.provider, territories), planning, state)
        yield Finding(rule.rule, place, total, rule.bound, rule.sense == "at_least", unit)


def spent(money: Money, planning: Planning, state: State) -> float:
    """Return what a sum of money comes to under a configuration, a year."""
    today = np.array([row.current for row in planning.instance.capacities], dtype=np.float64)
    added = np.maximum(0.0, state.units - today)
    return float(
        money.served @ state.served
        + money.share @ state.shares
        + money.units @ state.units
        + money.sites @ (state.units > 0)
        + money.added @ added
    )


def _authorised(planning: Planning, rule: Rule, state: State) -> Iterator[Finding]:
    if rule.bound is None:
        return
    for place, territories in planning.places(rule):
        units = _sum(state.units, planning.rows_of(rule.resource, territories, rule.provider))
        yield Finding(rule.rule, place, units, rule.bound, rule.sense == "at_least", "units")


def _opening(planning: Planning, rule: Rule, state: State) -> Iterator[Finding]:
    for _, territories in planning.places(rule):
        for row in planning.rows_of(rule.resource, territories, rule.provider):
            if rule.bound is not None and state.units[row] > 0:
                place = planning.instance.capacities[row].zone
                yield Finding(rule.rule, place, float(state.units[row]), rule.bound, True, "units")


def _staffing(planning: Planning, rule: Rule, state: State) -> Iterator[Finding]:
    if rule.bound is None:
        return
    for place, territories in planning.places(rule):
        staff = _sum(state.units, planning.rows_of(rule.resource, territories, rule.provider))
        places = _sum(state.units, planning.rows_of(rule.other_resource, territories, rule.provider))
        yield Finding(rule.rule, place, staff, rule.bound * places, rule.sense != "at_most", "staff")


def _workforce(planning: Planning, rule: Rule, state: State) -> Iterator[Finding]:
    if rule.bound is None:
        return
    wanted = {
        row.resource
        for row in planning.instance.resources
        if row.resource == rule.resource or (rule.competence and row.competence == rule.competence)
    }
    for place, territories in planning.places(rule):
        rows = [row for resource in wanted for row in planning.rows_of(resource, territories, rule.provider)]
        yield Finding(rule.rule, place, _sum(state.units, rows), rule.bound, rule.sense == "at_least", "staff")


def _requires(planning: Planning, rule: Rule, state: State) -> Iterator[Finding]:
    needed = 1.0 if rule.bound is None else rule.bound
    for number, zone in enumerate(planning.instance.territories):
        if rule.zone and zone not in planning.instance.territories_in(rule.zone):
            continue
        cells = planning.cells_of(rule.profile, rule.pathway, (number,))
        if not _sum(state.shares, cells) > TOLERANCE:
            continue
        level = rule.level or "territory"
        whole = planning.instance.ancestor(zone.zone, level)
        around = [
            other
            for other, code in enumerate(planning.territories)
            if code == zone.zone or (whole and planning.instance.ancestor(code, level) == whole)
        ]
        supply = sum(
            float(state.units[row])
            for row, capacity in enumerate(planning.instance.capacities)
            if planning.row_territory[row] in around
            and _is_required(rule, planning.instance.resource_by_code[capacity.resource])
        )
        yield Finding(rule.rule, zone.zone, supply, needed, True, "units")


def _is_required(rule: Rule, resource: Resource) -> bool:
    return resource.resource == rule.other_resource or bool(rule.competence and resource.competence == rule.competence)


def _coverage(planning: Planning, rule: Rule, state: State) -> Iterator[Finding]:
    if rule.bound is None:
        return
    at_least = rule.sense != "at_most"
    seen: list[list[int]] = []
    for place, territories in planning.places(rule):
        if not rule.resource:
            yield _oriented(planning, rule, place, territories, state, at_least=at_least)
            continue
        cells = planning.cells_of(rule.profile, rule.pathway, territories)
        pools = [p for p in planning.pools_of(rule.resource, territories) if planning.load[p, cells].any()]
        for group in [[pool] for pool in pools] if rule.profile else [pools]:
            if group not in seen:
                seen.append(group)
                need, served = _sum(state.load, group), _sum(state.served, group)
                where = planning.named(place, territories, group)
                yield Finding(rule.rule, where, served, rule.bound * need, at_least, "units")


def _share(planning: Planning, rule: Rule, state: State) -> Iterator[Finding]:
    if rule.bound is None:
        return
    for place, territories in planning.places(rule):
        yield _oriented(planning, rule, place, territories, state, at_least=rule.sense == "at_least")


def _oriented(
    planning: Planning, rule: Rule, place: str, territories: tuple[int, ...], state: State, *, at_least: bool
) -> Finding:
    people = planning.persons * state.shares
    chosen = _sum(people, planning.cells_of(rule.profile, rule.pathway, territories))
    everyone = _sum(people, planning.cells_of(rule.profile, "", territories))
    return Finding(rule.rule, place, chosen, (rule.bound or 0.0) * everyone, at_least, "persons")


def _occupancy(planning: Planning, rule: Rule, state: State) -> Iterator[Finding]:
    if rule.bound is None:
        return
    pools = [pool for _, within in planning.places(rule) for pool in planning.pools_of(rule.resource, within)]
    for pool in dict.fromkeys(pools):
        limit = rule.bound * float(state.capacity[pool])
        place = planning.pools[pool].zone
        yield Finding(rule.rule, place, float(state.served[pool]), limit, rule.sense == "at_least", "units")


def _equity(planning: Planning, rule: Rule, state: State) -> Iterator[Finding]:
    if rule.bound is None:
        return
    level = rule.level or "territory"
    units, heads = [], []
    for _, territories in planning.places(rule.model_copy(update={"level": level})):
        people = planning.heads(territories, rule.profile)
        if people > 0.0:
            units.append(_sum(state.units, planning.rows_of(rule.resource, territories, rule.provider)))
            heads.append(people)
    if heads:
        per_head = 1000.0 * np.array(units) / np.array(heads)
        mean = 1000.0 * sum(units) / sum(heads)
        yield Finding(rule.rule, rule.zone, float(np.ptp(per_head)), rule.bound * mean, False, "units per 1000")


def _sharing(planning: Planning, rule: Rule, state: State) -> Iterator[Finding]:
    if rule.bound is None:
        return
    level = rule.level or ("" if rule.zone else "basin")
    for _, territories in planning.places(rule.model_copy(update={"level": level})):
        whole = _sum(state.units, planning.rows_of(rule.resource, territories, rule.provider))
        for territory in territories:
            rows = planning.rows_of(rule.resource, (territory,), rule.provider)
            if rows:
                own = _sum(state.units, rows)
                yield Finding(rule.rule, planning.territories[territory], own, rule.bound * whole, False, "units")


def _sum(values: Floats, numbers: list[int]) -> float:
    return float(values[numbers].sum())


CHECKS: Mapping[str, Callable[[Planning, Rule, State], Iterator[Finding]]] = MappingProxyType(
    {
        "budget": _budget,
        "authorised": _authorised,
        "opening": _opening,
        "staffing": _staffing,
        "workforce": _workforce,
        "requires": _requires,
        "coverage": _coverage,
        "occupancy": _occupancy,
        "equity": _equity,
        "share": _share,
        "sharing": _sharing,
    }
)
