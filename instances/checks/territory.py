"""Zones: their levels, who holds whom, and where pools can stand."""

from collections.abc import Iterator

from instances.checks.examined import Examined
from instances.faults import Fault
from instances.instance import LEVELS


def cyclic_parents(examined: Examined) -> Iterator[Fault]:
    """A zone holds itself through its parents."""
    parents = {row.zone: row.parent for row in examined.instance.zones}
    for index, row in enumerate(examined.instance.zones):
        line = [row.zone]
        while (parent := parents.get(line[-1], "")) and parent not in line:
            line.append(parent)
        if parent == row.zone:
            circle = " -> ".join([*line, parent])
            yield examined.fault("zones", index, "parent", "a zone one level up", f"cyclic parents: {circle}")


def parent_not_above(examined: Examined) -> Iterator[Fault]:
    """A zone's parent is not of a higher level."""
    zones = examined.instance.zone_by_code
    for index, row in enumerate(examined.instance.zones):
        parent = zones.get(row.parent)
        if parent is not None and LEVELS.index(parent.level) <= LEVELS.index(row.level):
            above = " or a ".join(LEVELS[LEVELS.index(row.level) + 1 :]) or "no zone"
            message = f"the parent of a {row.level} is a {parent.level}"
            yield examined.fault("zones", index, "parent", f"a {above}" if above != "no zone" else above, message)


def no_territory(examined: Examined) -> Iterator[Fault]:
    """No zone is a territory: nobody lives anywhere."""
    if examined.instance.zones and not examined.instance.territories:
        yield examined.fault("zones", 0, "level", "at least one territory", "no territory")


def not_a_territory(examined: Examined) -> Iterator[Fault]:
    """People, offers, capacities or roads are placed in a basin or a region."""
    zones = examined.instance.zone_by_code
    places = (
        ("travel", "origin"),
        ("travel", "destination"),
        ("needs", "zone"),
        ("capacities", "zone"),
        ("offers", "zone"),
    )
    for table, column in places:
        for index in range(len(examined.built.rows.get(table, ()))):
            code = examined.cell(table, index, column)
            if code in zones and zones[code].level != "territory":
                message = f"zone '{code}' is a {zones[code].level}"
                yield examined.fault(table, index, column, "a territory", message)


def pool_without_zone(examined: Examined) -> Iterator[Fault]:
    """A resource's pools stand at a level that a territory with capacity has no zone of."""
    instance = examined.instance
    for index, row in enumerate(instance.capacities):
        resource = instance.resource_by_code.get(row.resource)
        known = resource is not None and row.zone in instance.zone_by_code
        if resource is not None and known and instance.ancestor(row.zone, resource.level) is None:
            message = f"zone '{row.zone}' lies in no {resource.level}, where pools of '{row.resource}' stand"
            yield examined.fault("capacities", index, "zone", f"a territory with a {resource.level} above it", message)
