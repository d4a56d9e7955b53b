"""What synthetic departments take from the Loire's tables: census by profile, units per need, and who needs what."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from math import sqrt

import numpy as np
from scipy.optimize import nnls

from instances.catalogue import load_instance, read_source
from instances.instance import Instance
from instances.tables import Zone
from instances.written import WrittenInstance

LOIRE = "loire"
BANDS = ("75_84", "85")
"""Age bands, as the names of the Loire's profiles end."""
SMALLEST_CELL = 9
"""Fewer persons of one GIR and age in a territory join the next lighter GIR, as in the Loire's tables."""
BY_FALLS = ("emergency_bay", "geriatric_bed", "surgical_bed", "medicine_bed", "smr_bed")
"""Resources needed after falls; their need is weighed by the rate of falls of the age band."""
BOX = "box"
"""The Loire's new resource, and the pathway that needs it."""
BY_HEAD = ("community_nurse", "community_gp", "had_place")

Persons = Mapping[str, int]


@dataclass(frozen=True)
class Pattern:
    """The Loire as a pattern: `written` gives the tables that are copied, `instance` what is scaled."""

    written: WrittenInstance
    instance: Instance

    @classmethod
    def of_loire(cls) -> "Pattern":
        """Read the Loire."""
        return cls(read_source(LOIRE).written, load_instance(LOIRE))

    @cached_property
    def profiles(self) -> Mapping[str, tuple[str, ...]]:
        """Profiles of each age band, from robust to GIR 1."""
        names = [row.profile for row in self.instance.profiles]
        return {band: tuple(name for name in names if name.endswith(band)) for band in BANDS}

    @cached_property
    def census_shares(self) -> Mapping[str, float]:
        """Share of each profile in the census of its age band."""
        persons: dict[str, float] = defaultdict(float)
        for need in self.instance.needs:
            persons[need.profile] += need.initial or 0.0
        return {
            name: persons[name] / sum(persons[other] for other in names)
            for names in self.profiles.values()
            for name in names
        }

    def census(self, band: str, aged: int) -> dict[str, int]:
        """Return so many persons of an age band by profile: largest remainders, then small cells joined."""
        names = self.profiles[band]
        exact = {name: aged * self.census_shares[name] for name in names}
        found = {name: int(exact[name]) for name in names}
        remainders = sorted(names, key=lambda name: found[name] - exact[name])
        for name in remainders[: aged - sum(found.values())]:
            found[name] += 1
        for heavy, lighter in zip(reversed(names), reversed(names[:-1]), strict=False):
            if 0 < found[heavy] < SMALLEST_CELL:
                found[lighter] += found[heavy]
                found[heavy] = 0
        return found

    def need(self, resource: str, persons: Persons) -> float:
        """Return how much of a resource persons need, in units or in a measure proportional to them."""
        return sum(count * self._use(resource, profile) for profile, count in persons.items())

    def supply(self, resource: str, persons: Persons) -> float:
        """Return the units left for these people where there is as much for each need as in the whole Loire."""
        return self._units_per_need[resource] * self.need(resource, persons)

    def pooled_supply(self, resource: str, persons: Persons) -> float:
        """Return the units left for a basin's people: a x need + b x the root of need, as the Loire's basins have it.

        Small basins keep more units for each need than large ones, since their demand varies more.
        """
        each, root = self._units_of_basins[resource]
        need = self.need(resource, persons)
        return each * need + root * sqrt(need)

    def supply_by_head(self, resource: str, persons: Persons) -> float:
        """Return the units left for these people where there is as much for each head as in the whole Loire."""
        return self._left(resource, self.instance.territories) * sum(persons.values()) / self.persons

    def boxes(self, persons: Persons) -> float:
        """Return the boxes for the people of a territory that offers them as the Loire's only one does today."""
        rows = [row for row in self.instance.offers if row.zone and row.pathway == BOX]
        held = sum(row.current for row in self.instance.capacities if row.resource == BOX)
        offered = sum(
            (need.initial or 0.0) * row.current
            for row in rows
            for need in self.instance.needs
            if (need.zone, need.profile) == (row.zone, row.profile)
        )
        return held / offered * sum(persons[row.profile] * row.current for row in rows)

    def reserved_share(self, resource: str) -> float:
        """Return the part of a resource's units that outside demand uses."""
        rows = [row for row in self.instance.capacities if row.resource == resource]
        return sum(row.reserved for row in rows) / sum(row.current for row in rows)

    def bound_per_unit(self, rule: str) -> float:
        """Return a rule's bound over today's units of its resource or competence in the Loire."""
        row = next(row for row in self.instance.rules if row.rule == rule)
        units = sum(row.current for row in self.instance.capacities if row.resource in self.held_to(rule))
        return (row.bound or 0.0) / units

    def held_to(self, rule: str) -> set[str]:
        """Return the resources a rule counts: its own, or those of its competence."""
        row = next(row for row in self.instance.rules if row.rule == rule)
        return {
            resource.resource
            for resource in self.instance.resources
            if resource.resource == row.resource or (row.competence and resource.competence == row.competence)
        }

    @cached_property
    def persons(self) -> float:
        """Persons in the census."""
        return sum(need.initial or 0.0 for need in self.instance.needs)

    def _use(self, resource: str, profile: str) -> float:
        if resource in BY_FALLS:
            return self.instance.values[f"fall_{BANDS[1] if profile.endswith(BANDS[1]) else BANDS[0]}"]
        if resource in BY_HEAD:
            return 1.0
        return self._uses[resource, profile]

    @cached_property
    def _uses(self) -> Mapping[tuple[str, str], float]:
        """Units that a person of a profile asks for under today's mix, in the pathways as written."""
        uses: dict[tuple[str, str], float] = defaultdict(float)
        for offer in self.instance.offers:
            if offer.zone:
                continue
            for row in self.instance.services:
                if row.pathway == offer.pathway and row.profile in ("", offer.profile):
                    uses[row.resource, offer.profile] += offer.current * row.amount
        return uses

    @cached_property
    def _units_per_need(self) -> Mapping[str, float]:
        everyone = self._census_in(self.instance.territories)
        return {
            row.resource: self._left(row.resource, self.instance.territories) / self.need(row.resource, everyone)
            for row in self.instance.resources
            if self.need(row.resource, everyone) > 0.0
        }

    @cached_property
    def _units_of_basins(self) -> Mapping[str, tuple[float, float]]:
        basins = [self.instance.territories_in(zone.zone) for zone in self.instance.zones_of_level("basin")]
        found = {}
        for resource in (*BY_FALLS, "had_place"):
            needs = np.array([self.need(resource, self._census_in(zones)) for zones in basins])
            left = np.array([self._left(resource, zones) for zones in basins])
            each, root = nnls(np.column_stack([needs, np.sqrt(needs)]), left)[0]
            found[resource] = (float(each), float(root))
        return found

    def _left(self, resource: str, zones: tuple[Zone, ...]) -> float:
        """Return the units of some territories that outside demand and the road leave."""
        lost = {zone.zone: zone.travel_share if self.travels(resource) else 0.0 for zone in zones}
        return sum(
            (row.current - row.reserved) * (1.0 - lost[row.zone])
            for row in self.instance.capacities
            if row.resource == resource and row.zone in lost
        )

    def travels(self, resource: str) -> bool:
        """Say whether a resource's staff lose time on the road."""
        return self.instance.resource_by_code[resource].travels

    def _census_in(self, zones: tuple[Zone, ...]) -> dict[str, int]:
        codes = {zone.zone for zone in zones}
        persons: dict[str, int] = defaultdict(int)
        for need in self.instance.needs:
            if need.zone in codes:
                persons[need.profile] += round(need.initial or 0.0)
        return persons
