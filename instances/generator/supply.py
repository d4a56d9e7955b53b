"""What care stands in a synthetic department today, and how far it may change: its capacity rows."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import ceil, floor

import numpy as np

from instances.generator.geography import Territory
from instances.generator.pattern import BY_FALLS, Pattern, Persons

LOTS = (1, 2, 4, 5, 10, 20, 50, 100, 200, 250, 500, 1000)
MUTUAL_SHARE = 0.15
"""Part of home help, home nursing and nursing homes that the mutual group runs in the basins where it is present."""
MUTUAL_BASINS = 2 / 3
CLINIC_SHARE = 0.25
"""Part of a basin's emergency, surgical and rehabilitation units that private clinics run, in urban centres."""
CLINIC_RESOURCES = ("emergency_bay", "surgical_bed", "smr_bed")
STATUS_SHARES = {"ehpad_public": 0.51, "ehpad_nonprofit": 0.28, "ehpad_private": 0.21}
"""Nursing-home places of France by legal status (DREES, EHPA survey)."""
STATUS_SPREAD = 12.0
"""Concentration of the Dirichlet law around them."""
ONE_HOME = 120
"""A territory with fewer nursing-home places has them all under one status."""
REAL_SUPPLY_WEIGHT = 0.5
"""How far a territory's part of its basin's nursing-home places follows the real body's (0: its need alone)."""
BED_PARTS = {"surgical_bed": 0.4, "medicine_bed": 0.5}
"""Parts of a centre's acute beds, short-stay geriatrics apart (what remains is obstetrics and the like)."""
OPENING = 50
"""Boxes with which a site may open."""


@dataclass(frozen=True)
class Range:
    """How far today's units of a resource may change, as parts of them, and what scenarios multiply them by."""

    lot: float
    down: float
    up: float
    lead_time: int
    factor: str = ""


RANGES = {
    "community_nurse": Range(0.08, 0.16, 2.0, 120, "staff_nurses"),
    "community_gp": Range(0.08, 0.16, 2.0, 120, "staff_doctors"),
    "home_help": Range(0.03, 0.09, 0.22, 90, "staff_home_help"),
    "ssiad_place": Range(0.04, 0.08, 0.3, 180, "staff_ssiad"),
    "nurse_round": Range(0.0, 0.0, 0.0, 0, "staff_nurses"),
    "had_place": Range(0.04, 0.1, 0.4, 180),
    "ehpad_place": Range(0.03, 0.09, 0.2, 540, "staff_ehpad"),
    "protected_place": Range(0.06, 0.0, 0.45, 540, "staff_ehpad"),
    **{resource: Range(0.0, 0.0, 0.0, 0, "staff_hospital") for resource in BY_FALLS},
}
"""Read off the Loire's capacities."""


@dataclass(frozen=True)
class CapacityRow:
    """One row of `capacities`, its numbers before the factor of scenarios."""

    zone: str
    resource: str
    provider: str
    current: int
    minimum: int
    maximum: int
    lot: int
    reserved: float
    lead_time: int
    factor: str

    def cells(self) -> tuple[str, ...]:
        """Return the row as the table writes it."""
        times = f"*{self.factor}" if self.factor else ""
        units = (f"{value:d}{times}" for value in (self.current, self.minimum, self.maximum))
        reserved = f"{self.reserved:.10g}{times}" if self.reserved else "0"
        return (self.zone, self.resource, self.provider, *units, str(self.lot), reserved, str(self.lead_time))


@dataclass(frozen=True)
class Place:
    """A territory with its people."""

    territory: Territory
    persons: Persons
    lost_on_the_road: float


def hospital_of(basin: int) -> str:
    """Return the provider that runs the public hospitals of a basin."""
    return f"hospital_{basin + 1}"


def capacity_rows(pattern: Pattern, places: Sequence[Place], random: np.random.Generator) -> tuple[CapacityRow, ...]:
    """Return all capacities: prevention and home care by territory, hospitals in each basin's centre, nursing homes."""
    basins: dict[int, list[Place]] = {}
    for place in places:
        basins.setdefault(place.territory.basin, []).append(place)
    # Where boxes stand today the mutual group that owns them runs more than boxes, as in the Loire.
    mutual = {basin: bool(random.random() < MUTUAL_BASINS) or basin == 0 for basin in basins}
    rows = [*_boxes(pattern, places), *_monitoring(pattern, basins)]
    for place in places:
        rows += _home_care(pattern, place, has_mutual=mutual[place.territory.basin])
    for basin, members in basins.items():
        rows += _hospitals(pattern, members)
        rows += _nursing_homes(pattern, members, random, has_mutual=mutual[basin])
    return tuple(rows)


def _boxes(pattern: Pattern, places: Sequence[Place]) -> Iterator[CapacityRow]:
    """Boxes stand in the first centre today, as in the Loire; each territory may have them for 8 % of its people."""
    offered = {
        (row.zone, row.profile): row.current for row in pattern.instance.offers if row.zone and "box" in row.pathway
    }
    per_offer = sum(row.current for row in pattern.instance.capacities if row.resource == "box") / sum(
        (need.initial or 0.0) * offered.get((need.zone, need.profile), 0.0) for need in pattern.instance.needs
    )
    for number, place in enumerate(places):
        people = sum(place.persons.values())
        share = next(iter(offered.values()))
        profile = next(profile for _, profile in offered)
        asked = place.persons[profile] * share * per_offer
        today = max(OPENING, 10 * ceil(asked / 10.0)) if number == 0 else 0
        lot = 50 if people < 5_000 else 100 if people < 14_000 else 250
        lots = max(1, round((0.08 * people - today) / lot))
        yield CapacityRow(
            place.territory.code, "box", "mutual_group", today, today, today + lots * lot, lot, 0.0, 60, ""
        )


def _monitoring(pattern: Pattern, basins: Mapping[int, Sequence[Place]]) -> Iterator[CapacityRow]:
    """One team a basin, which may grow until it can watch over all boxes that may come."""
    staff = sum(row.current for row in pattern.instance.capacities if row.resource == "monitoring") / pattern.persons
    ratio = next(row.bound or 0.0 for row in pattern.instance.rules if row.rule == "monitoring_staff")
    for members in basins.values():
        people = sum(sum(place.persons.values()) for place in members)
        today = max(1, round(staff * people))
        lots = max(1, ceil((1.2 * ratio * 0.08 * people - today) / 2.0))
        yield CapacityRow(
            members[0].territory.code, "monitoring", "mutual_group", today, today, today + 2 * lots, 2, 0.0, 60, ""
        )


def _home_care(pattern: Pattern, place: Place, *, has_mutual: bool) -> Iterator[CapacityRow]:
    """Community care, home help, home nursing and liberal nurses, for the need of the territory."""
    mutual = {"mutual_group": MUTUAL_SHARE} if has_mutual else {}
    for resource, owner, shared in (
        ("community_nurse", "primary_care_teams", False),
        ("community_gp", "primary_care_teams", False),
        ("home_help", "home_help_associations", True),
        ("ssiad_place", "ssiad_associations", True),
        ("nurse_round", "liberal_nurses", False),
    ):
        parts = {**mutual, owner: 1.0 - sum(mutual.values())} if shared else {owner: 1.0}
        road = 1.0 - place.lost_on_the_road if pattern.travels(resource) else 1.0
        reserved = pattern.reserved_share(resource)
        units = pattern.supply(resource, place.persons) / road / (1.0 - reserved)
        yield from _split(place, resource, ceil(units), parts, reserved)


def _hospitals(pattern: Pattern, members: Sequence[Place]) -> Iterator[CapacityRow]:
    """Beds and bays of the basin's centre: what is left for falls as in the Loire, the rest used by others."""
    centre = members[0]
    people = _together(members)
    public = hospital_of(centre.territory.basin)
    has_clinic = centre.territory.body.urbanicity == "urban"
    had = pattern.pooled_supply("had_place", people) / (1.0 - pattern.reserved_share("had_place"))
    yield from _split(centre, "had_place", max(4, ceil(had)), {"had": 1.0}, pattern.reserved_share("had_place"))
    for resource in BY_FALLS:
        left = pattern.pooled_supply(resource, people)
        units = max(ceil(left / (1.0 - pattern.reserved_share(resource))), ceil(_real_beds(centre.territory, resource)))
        clinics = {"clinics": CLINIC_SHARE} if has_clinic and resource in CLINIC_RESOURCES else {}
        parts = {public: 1.0 - sum(clinics.values()), **clinics}
        yield from _split(centre, resource, units, parts, 1.0 - left / units)


def _real_beds(centre: Territory, resource: str) -> float:
    body = centre.body
    if resource == "geriatric_bed":
        return body.geriatric_beds
    if resource == "smr_bed":
        return body.rehabilitation_beds
    return BED_PARTS.get(resource, 0.0) * (body.acute_beds - body.geriatric_beds)


def _nursing_homes(
    pattern: Pattern, members: Sequence[Place], random: np.random.Generator, *, has_mutual: bool
) -> Iterator[CapacityRow]:
    """Places for half the need and half the heads of the basin, spread over its territories as real ones are."""
    everyone = _together(members)
    for resource in ("ehpad_place", "protected_place"):
        reserved = pattern.reserved_share(resource)
        left = (pattern.supply(resource, everyone) + pattern.supply_by_head(resource, everyone)) / 2.0
        whole = left / (1.0 - reserved)
        weights = _weights(pattern, resource, members)
        for place, weight in zip(members, weights, strict=True):
            units = round(whole * weight)
            if units >= 4:
                yield from _split(place, resource, units, _statuses(units, random, has_mutual=has_mutual), reserved)


def _weights(pattern: Pattern, resource: str, members: Sequence[Place]) -> list[float]:
    """Return each territory's part of its basin's places, between its need and what really stands there."""
    needs = np.array([pattern.need(resource, place.persons) for place in members])
    real = np.array([place.territory.body.nursing_home_places for place in members])
    by_need = needs / needs.sum()
    by_supply = real / real.sum() if real.sum() > 0.0 else by_need
    parts = (1.0 - REAL_SUPPLY_WEIGHT) * by_need + REAL_SUPPLY_WEIGHT * by_supply
    return [float(part) for part in parts]


def _statuses(units: int, random: np.random.Generator, *, has_mutual: bool) -> dict[str, float]:
    names = list(STATUS_SHARES)
    drawn = random.dirichlet(STATUS_SPREAD * np.array(list(STATUS_SHARES.values())))
    if units < ONE_HOME:
        return {names[int(random.choice(len(names), p=drawn))]: 1.0}
    parts = {name: float(part) for name, part in zip(names, drawn, strict=True)}
    if has_mutual:
        taken = min(MUTUAL_SHARE, parts["ehpad_nonprofit"])
        parts["ehpad_nonprofit"] -= taken
        parts["mutual_group"] = taken
    return parts


def _split(
    place: Place, resource: str, units: int, parts: Mapping[str, float], reserved: float
) -> Iterator[CapacityRow]:
    """Yield one row a provider: whole units by largest remainders, none for a part of less than one unit."""
    wanted = {name: units * part for name, part in parts.items()}
    whole = {name: floor(value + 1e-9) for name, value in wanted.items()}
    for name in sorted(wanted, key=lambda name: whole[name] - wanted[name])[: units - sum(whole.values())]:
        whole[name] += 1
    for name, count in whole.items():
        if count > 0:
            yield _row(place.territory.code, resource, name, count, round(reserved * count, 2))


def _row(zone: str, resource: str, provider: str, units: int, reserved: float) -> CapacityRow:
    span = RANGES[resource]
    lot = min(LOTS, key=lambda size: abs(size - span.lot * units))
    down = floor(span.down * units / lot)
    up = max(1, floor(span.up * units / lot)) if span.up else 0
    least, most = units - down * lot, units + up * lot
    return CapacityRow(zone, resource, provider, units, least, most, lot, reserved, span.lead_time, span.factor)


def _together(members: Sequence[Place]) -> dict[str, int]:
    names = members[0].persons.keys()
    return {name: sum(place.persons[name] for place in members) for name in names}
