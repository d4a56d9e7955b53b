"""The chart of accounts: an instance as the integer tables that the ledgers read.

Shapes: Z territories, P profiles, W pathways, S steps (of all pathways, derived ones in full), R resources,
Q pools (`components.pools`), C channels (a territory served by a pool), H hazards, M marks, Y years of the run.
Times are in the instance's unit.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from instances.instance import Instance
from instances.references import step_reference
from instances.tables import Step
from simulation.components import Pool, pools
from simulation.configuration import offer_cells

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]

ACUTE_SETTINGS = frozenset({"emergency", "ward"})
DEATH_CODES = frozenset({"death", "dead"})
NEAR_MINUTES = 15.0
FAR_MINUTES = 60.0
LAST_YEAR_AT_LEAST = 0.02
"""A run that is this little (share of a year) longer than whole years has no further year of accounts."""


def is_death(step: Step) -> bool:
    """Say whether a step is death: an exit whose utility is 0 or whose code says so."""
    return step.setting == "exit" and (step.utility == 0.0 or step.step in DEATH_CODES)


def years_of(run: float, per_year: float) -> int:
    """Return the number of years of accounts of a run.

    >>> years_of(1096.0, 365.25), years_of(400.0, 365.25), years_of(20.0, 365.25)
    (3, 2, 1)
    """
    return max(1, math.ceil(run / per_year - LAST_YEAR_AT_LEAST))


@dataclass(frozen=True)
class Chart:
    """Index tables of an instance; everything else is derived from them on first use and kept.

    part: the territories it tells of, among `instance.territories`; Z, Q, C and V then count these, their pools, the
    channels between them and their seats. None: all.
    """

    instance: Instance
    part: tuple[int, ...] | None = None

    @cached_property
    def territories(self) -> tuple[int, ...]:
        """The territories it tells of, among `instance.territories` [Z]."""
        return tuple(range(len(self.instance.territories))) if self.part is None else self.part

    @cached_property
    def zones(self) -> dict[str, int]:
        """Territories by code."""
        return {self.instance.territories[number].zone: index for index, number in enumerate(self.territories)}

    @cached_property
    def profiles(self) -> dict[str, int]:
        """Profiles by code."""
        return {row.profile: index for index, row in enumerate(self.instance.profiles)}

    @cached_property
    def pathways(self) -> dict[str, int]:
        """Pathways by code."""
        return {row.pathway: index for index, row in enumerate(self.instance.pathways)}

    @cached_property
    def resources(self) -> dict[str, int]:
        """Resources by code."""
        return {row.resource: index for index, row in enumerate(self.instance.resources)}

    @cached_property
    def providers(self) -> dict[str, int]:
        """Providers by id."""
        return {row.id: index for index, row in enumerate(self.instance.providers)}

    @cached_property
    def payers(self) -> dict[str, int]:
        """Payers by id."""
        return {row.id: index for index, row in enumerate(self.instance.payers)}

    @cached_property
    def lines(self) -> dict[str, tuple[str, ...]]:
        """Each zone of any level with the zones it lies in."""
        instance = self.instance
        above = {
            row.zone: (instance.ancestor(row.zone, "basin"), instance.ancestor(row.zone, "region"))
            for row in instance.zones
        }
        return {
            zone: (zone, *(each for each in line if each is not None and each != zone)) for zone, line in above.items()
        }

    @cached_property
    def chosen(self) -> dict[tuple[tuple[str, ...] | None, tuple[str, ...] | None], FloatArray]:
        """Territories as 0/1 weights [Z] by zones and urbanicities asked for, kept: many quantities ask alike."""
        return {}

    @cached_property
    def steps(self) -> dict[tuple[str, str], int]:
        """Steps by (pathway, step), in the order of the expanded table."""
        index: dict[tuple[str, str], int] = {}
        for row in self.instance.expanded.steps:
            index.setdefault((row.pathway, row.step), len(index))
        return index

    @cached_property
    def hazards(self) -> dict[str, int]:
        """Hazards by name, in order of appearance."""
        return _numbered([row.hazard for row in self.instance.expanded.moves])

    @cached_property
    def marks(self) -> dict[str, int]:
        """Marks by name, in order of appearance."""
        return _numbered([row.mark for row in self.instance.expanded.moves])

    @cached_property
    def pool_numbers(self) -> IntArray:
        """The pools it tells of, among `components.pools(instance)` [Q]: those that serve its territories first."""
        every = pools(self.instance)
        if self.part is None:
            return np.arange(len(every), dtype=np.int64)
        levels = [row.level for row in self.instance.resources]
        served = {(level, self.instance.ancestor(zone, level)) for level in set(levels) for zone in self.zones}
        chosen = [number for number, pool in enumerate(every) if (levels[pool.resource], pool.zone) in served]
        return np.array(chosen, dtype=np.int64)

    @cached_property
    def pools(self) -> tuple[Pool, ...]:
        """The pools it tells of."""
        every = pools(self.instance)
        return tuple(every[number] for number in self.pool_numbers.tolist())

    @cached_property
    def place_of_territory(self) -> IntArray:
        """Where each of `instance.territories` stands in Z, -1: the chart does not tell of it."""
        return _places(self.territories, len(self.instance.territories))

    @cached_property
    def place_of_pool(self) -> IntArray:
        """Where each of `components.pools(instance)` stands in Q, -1: the chart does not tell of it."""
        return _places(self.pool_numbers, len(pools(self.instance)))

    # Time.

    @cached_property
    def per_year(self) -> float:
        """Time units in a year."""
        return self.instance.settings.time_units_per_year

    @cached_property
    def per_day(self) -> float:
        """Time units in a day."""
        return self.instance.settings.time_units_per_day

    @cached_property
    def run(self) -> float:
        """Length of the run."""
        return self.instance.settings.horizon.run

    @cached_property
    def years(self) -> int:
        """Years of accounts, Y."""
        return years_of(self.run, self.per_year)

    # Steps.

    @cached_property
    def step_rows(self) -> list[list[Step]]:
        """The row of each step [S] for each profile [P]."""
        expanded = self.instance.expanded
        table = []
        for pathway, step in self.steps:
            general = next(row for row in expanded.steps if (row.pathway, row.step) == (pathway, step))
            rows = [expanded.step_row(pathway, step, profile) or general for profile in self.profiles]
            table.append(rows)
        return table

    @cached_property
    def step_pathway(self) -> IntArray:
        """Pathway of each step [S]."""
        return np.array([self.pathways[pathway] for pathway, _ in self.steps], dtype=np.int64)

    @cached_property
    def step_setting(self) -> list[str]:
        """Setting of each step [S]; an empty one is home."""
        return [rows[0].setting or "home" for rows in self.step_rows]

    @cached_property
    def death(self) -> BoolArray:
        """Whether each step is death [S]."""
        return np.array([is_death(rows[0]) for rows in self.step_rows], dtype=np.bool_)

    @cached_property
    def acute(self) -> BoolArray:
        """Whether a step is emergency or hospital ward [S]."""
        return np.array([setting in ACUTE_SETTINGS for setting in self.step_setting], dtype=np.bool_)

    @cached_property
    def home(self) -> BoolArray:
        """Whether a step is life at home [S]."""
        return np.array([setting == "home" for setting in self.step_setting], dtype=np.bool_)

    @cached_property
    def gate(self) -> IntArray:
        """Resource that gates each step, -1 none [S, P]."""
        return np.array(
            [[self.resources[row.gate] if row.gate else -1 for row in rows] for rows in self.step_rows], dtype=np.int64
        )

    @cached_property
    def hold(self) -> BoolArray:
        """Whether waiting for a step keeps the former gate [S, P]."""
        return np.array([[row.hold for row in rows] for rows in self.step_rows], dtype=np.bool_)

    @cached_property
    def utility(self) -> FloatArray:
        """QALY per year of a profile in a step [S + 1, P]; the last row is outside, waiting for a first step."""
        own = np.array([row.utility for row in self.instance.profiles])
        factor = np.array([[row.utility for row in rows] for rows in self.step_rows])
        return np.vstack([factor * own, own])

    # Services.

    @cached_property
    def needs(self) -> BoolArray:
        """Whether a profile asks for a service in a step [S, P, R]."""
        return self._service_tables[0]

    @cached_property
    def leads_to(self) -> IntArray:
        """Step that being granted a service leads to, -1 none [S, P, R]."""
        return self._service_tables[1]

    @cached_property
    def _service_tables(self) -> tuple[BoolArray, IntArray]:
        shape = (len(self.steps), len(self.profiles), len(self.resources))
        needed, target = np.zeros(shape, dtype=np.bool_), np.full(shape, -1, dtype=np.int64)
        for (pathway, step), s in self.steps.items():
            for profile, p in self.profiles.items():
                for row in self.instance.expanded.service_rows(pathway, step, profile):
                    r = self.resources[row.resource]
                    needed[s, p, r] = True
                    if row.leads_to:
                        place = step_reference(row.leads_to, pathway)
                        target[s, p, r] = self.steps[place.pathway, place.step]
        return needed, target

    @cached_property
    def tolerable(self) -> FloatArray:
        """Longest tolerable wait for each resource, inf when none is given [R]."""
        waits = [row.tolerable_wait for row in self.instance.resources]
        return np.array([math.inf if wait is None else wait for wait in waits])

    @cached_property
    def is_place(self) -> BoolArray:
        """Whether a resource is a kind of place [R]."""
        return np.array([row.kind == "place" for row in self.instance.resources], dtype=np.bool_)

    @cached_property
    def background(self) -> BoolArray:
        """Whether a profile is outside demand [P]."""
        return np.array([row.background for row in self.instance.profiles], dtype=np.bool_)

    # Pools and channels.

    @cached_property
    def home_pool(self) -> IntArray:
        """The pool of each resource that serves a territory first, -1 none [Z, R]."""
        known = {(pool.resource, pool.zone): index for index, pool in enumerate(self.pools)}
        table = np.full((len(self.zones), len(self.resources)), -1, dtype=np.int64)
        for zone, z in self.zones.items():
            for r, resource in enumerate(self.instance.resources):
                table[z, r] = known.get((r, self.instance.ancestor(zone, resource.level) or ""), -1)
        return table

    @cached_property
    def pool_lines(self) -> tuple[frozenset[str], ...]:
        """Where each pool stands, with the zones that this lies in [Q]."""
        return tuple(frozenset(self.lines[pool.zone]) for pool in self.pools)

    @cached_property
    def pool_resource(self) -> IntArray:
        """Resource of each pool [Q]."""
        return np.array([pool.resource for pool in self.pools], dtype=np.int64)

    @cached_property
    def channel(self) -> IntArray:
        """Channel of a territory and a pool, -1 when that pool never serves it [Z, Q]."""
        table = np.full((len(self.zones), len(self.pools)), -1, dtype=np.int64)
        count = 0
        for zone, z in self.zones.items():
            basin = self.instance.ancestor(zone, "basin")
            for q, pool in enumerate(self.pools):
                overflows = self.instance.resources[pool.resource].overflow == "basin" and basin is not None
                near = overflows and self.instance.ancestor(pool.zone, "basin") == basin
                if self.home_pool[z, pool.resource] == q or near:
                    table[z, q] = count
                    count += 1
        return table

    @cached_property
    def channel_zone(self) -> IntArray:
        """Territory of each channel [C]."""
        return np.argwhere(self.channel >= 0)[:, 0].astype(np.int64)

    @cached_property
    def channel_pool(self) -> IntArray:
        """Pool of each channel [C]."""
        return np.argwhere(self.channel >= 0)[:, 1].astype(np.int64)

    @cached_property
    def seats(self) -> "Seats":
        """Where steps are lived."""
        return _seats(self)

    @cached_property
    def running(self) -> Mapping[str, frozenset[str]]:
        """Who runs units of each resource, anywhere in the instance."""
        found: dict[str, set[str]] = {}
        for row in self.instance.capacities:
            found.setdefault(row.resource, set()).add(row.provider)
        return {resource: frozenset(providers) for resource, providers in found.items()}

    @cached_property
    def today_capacity(self) -> IntArray:
        """Units of each capacity row today."""
        return np.array([row.current for row in self.instance.capacities], dtype=np.int64)

    # Where people prefer to be, and how near care is.

    @cached_property
    def place_value(self) -> FloatArray:
        """How far a step is where a profile prefers to live, 0 to 1 [Z, P, S + 1]; last: outside.

        At home or in an institution: the `preference` of the step's pathway for that profile in that
        territory; where none is given, 1 at home and 0 in an institution. Elsewhere (hospital): 0.
        """
        preference = {
            (cell.zone, cell.profile, cell.pathway): cell.preference
            for cell in offer_cells(self.instance)
            if cell.zone in self.zones
        }
        table = np.ones((len(self.zones), len(self.profiles), len(self.steps) + 1))
        for zone, z in self.zones.items():
            for profile, p in self.profiles.items():
                for (pathway, _), s in self.steps.items():
                    setting = self.step_setting[s]
                    value = float(setting == "home")
                    wish = preference.get((zone, profile, pathway))
                    if wish is not None and setting in ("home", "institution"):
                        value = wish
                    table[z, p, s] = value
        return table

    @cached_property
    def nearness(self) -> FloatArray:
        """How near a pool is to a territory, 0 to 1 [Z, Q].

        1 up to 15 minutes by road, falling evenly to 0 at 60, mean over the territories where its units stand
        today, by units; without travel times: 1 in the own territory, 0.5 elsewhere in the basin, else 0.
        """
        table = np.zeros((len(self.zones), len(self.pools)))
        for q, pool in enumerate(self.pools):
            rows = [self.instance.capacities[index] for index in pool.rows]
            if not rows:
                continue  # nothing can stand there
            weights = np.array([float(row.current) for row in rows])
            if weights.sum() == 0.0:
                weights[:] = 1.0
            for zone, z in self.zones.items():
                table[z, q] = np.average([self._near(zone, row.zone) for row in rows], weights=weights)
        return table

    def _near(self, zone: str, other: str) -> float:
        minutes = self.instance.minutes
        known = minutes.get((zone, other), minutes.get((other, zone)))
        if known is not None:
            return float(np.clip((FAR_MINUTES - known) / (FAR_MINUTES - NEAR_MINUTES), 0.0, 1.0))
        if zone == other:
            return 1.0
        basin = self.instance.ancestor(zone, "basin")
        return 0.5 if basin is not None and basin == self.instance.ancestor(other, "basin") else 0.0


@dataclass(frozen=True)
class Seats:
    """Where steps are lived: a step of a territory in a pool that serves it there, or in none. V seats."""

    zone: IntArray  # [V]
    step: IntArray  # [V]
    pool: IntArray  # [V], -1 none
    of_step: IntArray  # [Z, S, P] where a territory's people of a profile live a step first
    of_channel: IntArray  # [C, S], -1: that step is not lived in that channel's pool


def _seats(chart: Chart) -> Seats:
    numbers: dict[tuple[int, int, int], int] = {}
    of_step = np.empty((len(chart.zones), len(chart.steps), len(chart.profiles)), dtype=np.int64)
    for z, s, p in np.ndindex(of_step.shape):
        gate = int(chart.gate[s, p])
        pool = int(chart.home_pool[z, gate]) if gate >= 0 else -1
        of_step[z, s, p] = numbers.setdefault((z, s, pool), len(numbers))
    of_channel = np.full((len(chart.channel_zone), len(chart.steps)), -1, dtype=np.int64)
    for c, (z, pool) in enumerate(zip(chart.channel_zone.tolist(), chart.channel_pool.tolist(), strict=True)):
        for s in np.flatnonzero((chart.gate == chart.pool_resource[pool]).any(axis=1)).tolist():
            of_channel[c, s] = numbers.setdefault((z, s, pool), len(numbers))
    places = np.array(list(numbers), dtype=np.int64).reshape(-1, 3)
    return Seats(places[:, 0], places[:, 1], places[:, 2], of_step, of_channel)


def _places(members: Sequence[int] | IntArray, count: int) -> IntArray:
    places = np.full(count, -1, dtype=np.int64)
    places[np.asarray(members, dtype=np.int64)] = np.arange(len(members))
    return places


def _numbered(names: list[str]) -> dict[str, int]:
    index: dict[str, int] = {}
    for name in names:
        if name:
            index.setdefault(name, len(index))
    return index
