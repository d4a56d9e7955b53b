"""Shares: bounds on how many people of a profile are oriented to a pathway."""

from collections.abc import Iterator

from instances.tables import Rule
from optimisation.feasibility.inequality import Inequality
from optimisation.feasibility.planning import Planning
from optimisation.feasibility.rules.coverage import oriented


def share(planning: Planning, rule: Rule, _contract: str) -> Iterator[Inequality]:
    """sum_c persons_c share_c <= bound * (people of the profile) at each place, c the cells of the pathway (or >=).

    Each cell's own minimum, maximum and step, and shares that sum to one, always hold and need no rule.
    """
    if rule.bound is None:
        return
    for place, territories in planning.places(rule):
        yield oriented(planning, rule, place, territories, at_least=rule.sense == "at_least")
