"""Authorisations: how many units may stand in a place in all."""

from collections.abc import Iterator

from instances.tables import Rule
from optimisation.feasibility.inequality import Inequality, directed, even
from optimisation.feasibility.planning import Planning


def authorised(planning: Planning, rule: Rule, _contract: str) -> Iterator[Inequality]:
    """sum_i units_i <= bound (or >=) over the rows i of the resource, and of the provider when named, at each place.

    Without a bound the rule says what always holds: each row within its own minimum and maximum, by whole lots.
    """
    if rule.bound is None:
        return
    for place, territories in planning.places(rule):
        rows = planning.rows_of(rule.resource, territories, rule.provider)
        terms = even("units", rows)
        yield directed(rule.rule, place, terms, rule.bound, "units", at_least=rule.sense == "at_least")
