"""Pools, and components: groups of territories that share pools and nothing with the rest."""

from dataclasses import dataclass

from instances.instance import Instance, Level
from simulation.kept_with_instance import kept_with_instance


@dataclass(frozen=True)
class Pool:
    """The units of one resource that stand in one zone: a territory, a basin or a region."""

    resource: int  # index in instance.resources
    zone: str  # zone code at the resource's level
    rows: tuple[int, ...]  # indices in instance.capacities


@dataclass(frozen=True)
class Component:
    """Territories that share pools among themselves only; indices among `instance.territories`."""

    index: int
    territories: tuple[int, ...]


@kept_with_instance
def pools(instance: Instance) -> tuple[Pool, ...]:
    """Return every pool, by resource and then by zone in table order.

    There is one wherever a resource could stand (each zone of its level that has territories), even where
    no capacity row gives it a unit: those who ask there wait.
    """
    rows: dict[tuple[int, str], list[int]] = {}
    for number, resource in enumerate(instance.resources):
        for zone in instance.zones:
            if zone.level == resource.level:
                rows[number, zone.zone] = []
    numbers = {resource.resource: number for number, resource in enumerate(instance.resources)}
    for index, row in enumerate(instance.capacities):
        zone_code = instance.pool_zone(row.resource, row.zone)
        if zone_code is not None:  # the checks refuse a capacity whose pool would stand nowhere
            rows[numbers[row.resource], zone_code].append(index)
    return tuple(Pool(number, zone, tuple(members)) for (number, zone), members in rows.items())


@kept_with_instance
def components(instance: Instance) -> tuple[Component, ...]:
    """Return the components, in the order of their first territory."""
    territories = [zone.zone for zone in instance.territories]
    leader = list(range(len(territories)))

    def find(index: int) -> int:
        while leader[index] != index:
            index = leader[index]
        return index

    for level in _shared_levels(instance):
        first_of: dict[str, int] = {}
        for index, territory in enumerate(territories):
            first = first_of.setdefault(instance.ancestor(territory, level) or territory, index)
            a, b = find(first), find(index)
            leader[max(a, b)] = min(a, b)
    members: dict[int, list[int]] = {}
    for index in range(len(territories)):
        members.setdefault(find(index), []).append(index)
    return tuple(Component(number, tuple(group)) for number, group in enumerate(members.values()))


def _shared_levels(instance: Instance) -> set[Level]:
    """Levels at which some used resource is shared: its pool's own, or the basin when it may overflow."""
    expanded = instance.expanded
    used = {step.gate for step in expanded.steps} | {service.resource for service in expanded.services}
    levels: set[Level] = set()
    for resource in instance.resources:
        if resource.resource in used:
            if resource.level != "territory":
                levels.add(resource.level)
            if resource.overflow == "basin":
                levels.add("basin")
    return levels
