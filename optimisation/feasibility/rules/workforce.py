"""Workforce: staff who can be recruited."""

from collections.abc import Iterator

from instances.tables import Rule
from optimisation.feasibility.inequality import Inequality, directed, even
from optimisation.feasibility.planning import Planning


def workforce(planning: Planning, rule: Rule, _contract: str) -> Iterator[Inequality]:
    """sum_i units_i <= bound over the rows i of resources with that competence, or of the resource, at each place."""
    if rule.bound is None:
        return
    resources = [
        row.resource
        for row in planning.instance.resources
        if (rule.competence and row.competence == rule.competence) or row.resource == rule.resource
    ]
    for place, territories in planning.places(rule):
        rows = [row for resource in resources for row in planning.rows_of(resource, territories, rule.provider)]
        yield directed(rule.rule, place, even("units", rows), rule.bound, "staff", at_least=rule.sense == "at_least")
