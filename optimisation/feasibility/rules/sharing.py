"""Sharing: no zone of a basin may keep the basin's units to itself."""

from collections.abc import Iterator

from instances.tables import Rule
from optimisation.feasibility.inequality import Inequality, combined, even
from optimisation.feasibility.planning import Planning


def sharing(planning: Planning, rule: Rule, _contract: str) -> Iterator[Inequality]:
    """sum_i units_i(t) <= bound * sum_i units_i(b) for each territory t of each place b (basins by default)."""
    if rule.bound is None:
        return
    by_basin = rule if rule.level or rule.zone else rule.model_copy(update={"level": "basin"})
    for _, territories in planning.places(by_basin):
        whole = even("units", planning.rows_of(rule.resource, territories, rule.provider), -rule.bound)
        for territory in territories:
            own = even("units", planning.rows_of(rule.resource, (territory,), rule.provider))
            if own:
                yield Inequality(rule.rule, planning.territories[territory], combined(own, whole), 0.0, "units")
