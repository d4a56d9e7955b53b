"""Coverage: the part of a need that is served."""

from collections.abc import Iterator

from instances.tables import Rule
from optimisation.feasibility.inequality import Inequality, combined, directed, even, weighted
from optimisation.feasibility.planning import Planning


def coverage(planning: Planning, rule: Rule, _contract: str) -> Iterator[Inequality]:
    """With a resource and no profile: sum_j served_j >= bound * sum_j load_j over its pools j at each place.

    With a resource and a profile: served_j >= bound * load_j for each pool j that the profile may load, whoever loads
    it, since those who wait are served alike.
    Places that the very same pools serve are held to it once, in the name of the pool's zone.
    Without a resource: the people of the profile oriented to the pathway are at least that part of the profile,
    sum_c persons_c share_c >= bound * sum_t persons_t.
    """
    if rule.bound is None:
        return
    at_least = rule.sense != "at_most"
    known: set[tuple[int, ...]] = set()
    for place, territories in planning.places(rule):
        if not rule.resource:
            yield oriented(planning, rule, place, territories, at_least=at_least)
            continue
        found = [
            pool
            for pool in planning.pools_of(rule.resource, territories)
            if planning.load[pool, planning.cells_of(rule.profile, rule.pathway, territories)].any()
        ]
        for pools in [(pool,) for pool in found] if rule.profile else [tuple(found)]:
            if pools in known:
                continue
            known.add(pools)
            terms = combined(even("served", pools), even("load", pools, -rule.bound))
            where = planning.named(place, territories, pools)
            yield directed(rule.rule, where, terms, 0.0, "units", at_least=at_least)


def oriented(planning: Planning, rule: Rule, place: str, territories: tuple[int, ...], *, at_least: bool) -> Inequality:
    """Bound the part of a profile's people that is oriented to a pathway."""
    bound = rule.bound or 0.0
    chosen = weighted("share", planning.persons, planning.cells_of(rule.profile, rule.pathway, territories))
    everyone = weighted("share", -bound * planning.persons, planning.cells_of(rule.profile, "", territories))
    return directed(rule.rule, place, combined(chosen, everyone), 0.0, "persons", at_least=at_least)
