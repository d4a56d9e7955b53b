"""Occupancy: how full pools may, or must, be."""

from collections.abc import Iterator

from instances.tables import Rule
from optimisation.feasibility.inequality import Inequality, combined, directed, even, scaled, weighted
from optimisation.feasibility.planning import Planning


def occupancy(planning: Planning, rule: Rule, _contract: str) -> Iterator[Inequality]:
    """served_j <= bound * (sum_i effective_ji units_i - reserved_j) for each pool j of the resource at each place.

    With `at_least` it is a floor: served_j >= bound * (...). A pool that serves several places is held to it once.
    """
    if rule.bound is None:
        return
    found: dict[int, str] = {}
    for place, territories in planning.places(rule):
        for pool in planning.pools_of(rule.resource, territories):
            found.setdefault(pool, planning.pools[pool].zone or place)
    for pool, place in found.items():
        capacity = scaled(weighted("units", planning.effective[pool]), -rule.bound)
        bound = -rule.bound * float(planning.reserved[pool])
        terms = combined(even("served", [pool]), capacity)
        yield directed(rule.rule, place, terms, bound, "units", at_least=rule.sense == "at_least")
