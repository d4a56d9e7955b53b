"""Staffing: staff per place."""

from collections.abc import Iterator

from instances.tables import Rule
from optimisation.feasibility.inequality import Inequality, combined, directed, even
from optimisation.feasibility.planning import Planning


def staffing(planning: Planning, rule: Rule, _contract: str) -> Iterator[Inequality]:
    """sum_i units_i(staff) >= bound * sum_i units_i(places) at each place; `resource` staffs `other_resource`.

    With `at_most` the inequality is turned round.
    """
    if rule.bound is None:
        return
    for place, territories in planning.places(rule):
        staff = even("units", planning.rows_of(rule.resource, territories, rule.provider))
        places = even("units", planning.rows_of(rule.other_resource, territories, rule.provider), -rule.bound)
        yield directed(rule.rule, place, combined(staff, places), 0.0, "staff", at_least=rule.sense != "at_most")
