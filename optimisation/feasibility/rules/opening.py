"""Opening: at least so many units, or none."""

from collections.abc import Iterator

from instances.tables import Rule
from optimisation.feasibility.inequality import Inequality, Term
from optimisation.feasibility.planning import Planning


def opening(planning: Planning, rule: Rule, _contract: str) -> Iterator[Inequality]:
    """Bound * open_i <= units_i for each row i of the resource at each place; open_i is one whenever units_i > 0.

    A row's own `opening_minimum` always holds and needs no rule.
    """
    if rule.bound is None:
        return
    for place, territories in planning.places(rule):
        for row in planning.rows_of(rule.resource, territories, rule.provider):
            zone = planning.instance.capacities[row].zone
            terms: dict[Term, float] = {("open", row): rule.bound, ("units", row): -1.0}
            yield Inequality(rule.rule, zone or place, terms, 0.0, "units")
