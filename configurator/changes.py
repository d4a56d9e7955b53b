"""What a plan changes against today, in words."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from instances.instance import Instance
from simulation.configuration import Configuration, offer_cells

NOTHING = "nothing changes"
SMALLEST_SHARE_CHANGE = 1e-9  # below it a difference of shares is rounding


@dataclass(frozen=True)
class Change:
    """One thing that differs from today in one territory.

    weight: units moved, or persons oriented elsewhere, so that unlike changes can be ranked together.
    """

    kind: Literal["capacity", "share", "contract"]
    subject: str
    zone: str
    before: float
    after: float
    weight: float


def list_changes(instance: Instance, today: Configuration, configuration: Configuration) -> tuple[Change, ...]:
    """Return every change, the largest first; of a mix only the pathways that gain."""
    changes = [
        *_contract_changes(instance, today, configuration),
        *_capacity_changes(instance, today, configuration),
        *_share_changes(instance, today, configuration),
    ]
    return tuple(sorted(changes, key=lambda change: (-change.weight, change.kind, change.subject, change.zone)))


def _contract_changes(instance: Instance, today: Configuration, configuration: Configuration) -> Iterable[Change]:
    if configuration.contract != today.contract:
        names = {row.contract: row.name or row.contract for row in instance.contracts}
        new = names.get(configuration.contract, configuration.contract)
        # a contract touches everybody: it is told first
        yield Change("contract", f"contract: {new}", "", 0.0, 1.0, float("inf"))


def _capacity_changes(instance: Instance, today: Configuration, configuration: Configuration) -> Iterable[Change]:
    zone_names = {row.zone: row.name or row.zone for row in instance.zones}
    resource_names = {row.resource: row.name or row.resource for row in instance.resources}
    before: dict[tuple[str, str], int] = defaultdict(int)
    after: dict[tuple[str, str], int] = defaultdict(int)
    for row, old, new in zip(instance.capacities, today.capacities, configuration.capacities, strict=True):
        before[row.resource, row.zone] += old
        after[row.resource, row.zone] += new
    for (resource, zone), old in before.items():
        new = after[resource, zone]
        if new != old:
            yield Change("capacity", resource_names[resource], zone_names[zone], old, new, abs(new - old))


def _share_changes(instance: Instance, today: Configuration, configuration: Configuration) -> Iterable[Change]:
    zone_names = {row.zone: row.name or row.zone for row in instance.zones}
    profile_names = {row.profile: row.name or row.profile for row in instance.profiles}
    pathway_names = {row.pathway: row.name or row.pathway for row in instance.pathways}
    persons = _persons(instance)
    for cell, old, new in zip(offer_cells(instance), today.shares, configuration.shares, strict=True):
        if new - old > SMALLEST_SHARE_CHANGE:
            yield Change(
                "share",
                f"{profile_names[cell.profile]}: {pathway_names[cell.pathway]}",
                zone_names[cell.zone],
                old,
                new,
                (new - old) * persons.get((cell.zone, cell.profile), 1.0),
            )


def _persons(instance: Instance) -> Mapping[tuple[str, str], float]:
    """Return persons per (territory, profile): the census, else a year's arrivals."""
    return {(need.zone, need.profile): float(need.initial or 0) or need.arrivals for need in instance.needs}


def describe_changes(
    instance: Instance,
    today: Configuration,
    configuration: Configuration,
    most_subjects: int = 6,
    most_zones: int = 3,
) -> str:
    """Return the changes as one line, the largest first, shortened after `most_subjects` subjects."""
    groups: dict[tuple[str, str], list[Change]] = defaultdict(list)
    for change in list_changes(instance, today, configuration):
        groups[change.kind, change.subject].append(change)
    if not groups:
        return NOTHING
    ranked = sorted(groups.values(), key=lambda group: -sum(change.weight for change in group))
    zones = len(instance.territories)
    phrases = [_phrase(group, zones, most_zones) for group in ranked[:most_subjects]]
    left = len(ranked) - most_subjects
    if left > 0:
        phrases.append(f"and {left} smaller {'change' if left == 1 else 'changes'}")
    return "; ".join(phrases)


def _phrase(group: Sequence[Change], zones: int, most_zones: int) -> str:
    if group[0].kind == "contract":
        return group[0].subject
    if group[0].kind == "capacity":
        return _capacity_phrase(group, most_zones)
    return _share_phrase(group, zones, most_zones)


def _capacity_phrase(group: Sequence[Change], most_zones: int) -> str:
    subject = group[0].subject
    if len(group) == 1:
        return f"{subject} {_signed(group[0])} in {group[0].zone}"
    total = sum(change.after - change.before for change in group)
    places = _shortened([f"{change.zone} {_signed(change)}" for change in group], most_zones)
    return f"{subject} {total:+,.0f} ({', '.join(places)})"


def _signed(change: Change) -> str:
    return f"{change.after - change.before:+,.0f}"


def _share_phrase(group: Sequence[Change], zones: int, most_zones: int) -> str:
    """Tell equal changes once: `10 % -> 40 % in A and B, 0 % -> 20 % in C`."""
    alike: dict[str, list[str]] = defaultdict(list)
    for change in group:
        alike[f"{_percent(change.before)} -> {_percent(change.after)}"].append(change.zone)
    pieces = []
    room = most_zones
    for move, names in alike.items():
        if room <= 0:
            break
        shown = names[:room]
        room -= len(shown)
        everywhere = len(names) == zones and zones > 1
        pieces.append(f"{move} {'everywhere' if everywhere else 'in ' + _enumerated(shown)}")
        if everywhere:
            room = 0
    told = sum(len(names) for names in alike.values()) - most_zones
    if told > 0 and not pieces[0].endswith("everywhere"):
        pieces.append(f"and {told} more {'territory' if told == 1 else 'territories'}")
    return f"{group[0].subject} {', '.join(pieces)}"


def _percent(share: float) -> str:
    return f"{100 * share:.3g} %"


def _enumerated(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _shortened(names: Sequence[str], most: int) -> list[str]:
    if len(names) <= most + 1:
        return list(names)
    return [*names[:most], f"{len(names) - most} more"]
