"""How much of each budget plans can leave unused: what must be spent whatever the plan."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from optimisation.feasibility.checker import binding
from optimisation.feasibility.highs import Status
from optimisation.feasibility.inequality import scaled
from optimisation.feasibility.model import LeastSpending
from optimisation.feasibility.planning import Planning
from optimisation.feasibility.rules import inequalities
from simulation.configuration import Configuration

GAP = 0.001
"""How far the least use may be from the true one, relative to it."""


@dataclass(frozen=True)
class Room:
    """One budget at one place, and the least of it that any plan can use, as parts of its bound."""

    rule: str
    place: str
    bound: float
    unit: str
    least: float
    least_by_ranges: float
    """The same with no rule but what always holds: least and greatest capacities and shares, and who is there."""
    held_by: tuple[str, ...]
    """Other rules used up by the plan that uses least, where they cost more than the gap."""
    contract: str
    """That under which it is least."""


def rooms(planning: Planning) -> tuple[Room, ...]:
    """Return the room in each budget with a positive bound; none for budgets of which the solver found no least use.

    Where the contract may be chosen, the one under which least is used of a budget speaks for it.
    """
    least: dict[tuple[str, str], Room] = {}
    for contract in planning.encoding.contracts:
        for room in _rooms(planning, contract):
            known = least.setdefault((room.rule, room.place), room)
            if room.least < known.least:
                least[room.rule, room.place] = room
    return tuple(least.values())


def _rooms(planning: Planning, contract: str) -> Iterator[Room]:
    ranges = Planning(replace(planning.instance, rules=()), planning.flows)
    ruled, free = (LeastSpending(one, contract, GAP) for one in (planning, ranges))
    for row in inequalities(planning, contract):
        if not row.budget or row.bound <= 0.0:
            continue
        part = scaled(row.terms, 1.0 / row.bound)
        least, least_by_ranges = ruled.solve(part), free.solve(part)
        if isinstance(least, Status) or isinstance(least_by_ranges, Status):
            continue
        by_ranges = min(least[1], least_by_ranges[1])
        plan = planning.encoding.configuration(least[0])
        held = () if least[1] - by_ranges <= GAP else _held(planning, plan, row.rule)
        yield Room(row.rule, row.place, row.bound, row.unit, least[1], by_ranges, held, contract)


def _held(planning: Planning, plan: Configuration, budget: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(one.rule for one in binding(planning, plan) if one.rule != budget))
