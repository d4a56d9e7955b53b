"""Requirements: what must be there before a pathway is offered."""

from collections.abc import Iterator

from instances.tables import Rule
from optimisation.feasibility.inequality import Inequality, Term, even
from optimisation.feasibility.planning import Planning


def requires(planning: Planning, rule: Rule, _contract: str) -> Iterator[Inequality]:
    """share_c <= maximum_c * present_t and bound * present_t <= sum_i units_i, for each territory t, cell c in t.

    present_t is 0 or 1; the rows i are those of `other_resource`, or of the competence, in the zone of the rule's
    level (the territory itself when empty) that holds t. An empty bound asks for one unit.
    """
    needed = rule.bound if rule.bound is not None else 1.0
    resources = [
        row.resource
        for row in planning.instance.resources
        if row.resource == rule.other_resource or (rule.competence and row.competence == rule.competence)
    ]
    for zone, territory in zip(planning.instance.territories, range(len(planning.territories)), strict=True):
        if rule.zone and zone not in planning.instance.territories_in(rule.zone):
            continue
        cells = planning.cells_of(rule.profile, rule.pathway, (territory,))
        around = _around(planning, rule, territory)
        present: Term = ("present", f"{rule.rule}@{zone.zone}")
        rows = [row for resource in resources for row in planning.rows_of(resource, around)]
        yield Inequality(rule.rule, zone.zone, {present: needed, **even("units", rows, -1.0)}, 0.0, "units")
        for cell in cells:
            terms: dict[Term, float] = {("share", cell): 1.0, present: -planning.cells[cell].maximum}
            yield Inequality(rule.rule, zone.zone, terms, 0.0, "share", is_definition=True)


def _around(planning: Planning, rule: Rule, territory: int) -> tuple[int, ...]:
    if not rule.level or rule.level == "territory":
        return (territory,)
    zone = planning.instance.ancestor(planning.territories[territory], rule.level)
    found = planning.instance.territories_in(zone or planning.territories[territory])
    return tuple(planning.territories.index(row.zone) for row in found)
