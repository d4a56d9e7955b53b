"""Equity: how far capacity per head may differ between places."""

from collections.abc import Iterator

from instances.tables import Rule
from optimisation.feasibility.inequality import Inequality, Term, combined, even, scaled
from optimisation.feasibility.planning import Planning


def equity(planning: Planning, rule: Rule, _contract: str) -> Iterator[Inequality]:
    """Least <= units_z / heads_z <= most for each place z of the level, and most - least <= bound * mean.

    The mean is that of all the places together, sum_i units_i / sum_z heads_z. Heads are inhabitants, or the people
    of the rule's profile. The level is the territory when the rule names none.
    """
    if rule.bound is None:
        return
    by_place = rule if rule.level else rule.model_copy(update={"level": "territory"})
    places = [
        (place, territories, planning.heads(territories, rule.profile))
        for place, territories in planning.places(by_place)
    ]
    places = [(place, territories, heads) for place, territories, heads in places if heads > 0.0]
    if not places:
        return
    most: Term = ("most", rule.rule)
    least: Term = ("least", rule.rule)
    total = sum(heads for _, _, heads in places)
    mean: dict[Term, float] = {}
    for place, territories, heads in places:
        rows = planning.rows_of(rule.resource, territories, rule.provider)
        per_head = even("units", rows, 1000.0 / heads)
        mean = combined(mean, even("units", rows, 1000.0 / total))
        yield Inequality(rule.rule, place, combined(per_head, {most: -1.0}), 0.0, "units per 1000", is_definition=True)
        fewest = combined(scaled(per_head, -1.0), {least: 1.0})
        yield Inequality(rule.rule, place, fewest, 0.0, "units per 1000", is_definition=True)
    spread: dict[Term, float] = {most: 1.0, least: -1.0}
    yield Inequality(rule.rule, rule.zone, combined(spread, scaled(mean, -rule.bound)), 0.0, "units per 1000")
