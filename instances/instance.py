"""An instance in memory: all tables as typed rows, the parameter values in force, and look-ups."""

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Literal, TypeVar

from instances.fingerprint import fingerprint
from instances.inheritance import (
    expanded_pathways,
    expanded_rows,
    move_key,
    service_key,
    step_key,
)
from instances.settings import Settings
from instances.tables import (
    TABLES,
    Break,
    Capacity,
    Contract,
    Cost,
    Move,
    Need,
    Objective,
    Observation,
    Offer,
    Parameter,
    Pathway,
    Payer,
    Price,
    Profile,
    Provider,
    Resource,
    Rhythm,
    Row,
    Rule,
    ScenarioValue,
    Service,
    Step,
    Travel,
    Zone,
)

Level = Literal["territory", "basin", "region"]
LEVELS: tuple[Level, ...] = ("territory", "basin", "region")

_RowT = TypeVar("_RowT", Step, Service, Move)


@dataclass(frozen=True)
class Instance:
    """What a territory is: steps, services and moves as written (`expanded` has derived pathways in full)."""

    name: str
    settings: Settings
    values: Mapping[str, float] = field(default_factory=dict)
    parameters: tuple[Parameter, ...] = ()
    zones: tuple[Zone, ...] = ()
    travel: tuple[Travel, ...] = ()
    payers: tuple[Payer, ...] = ()
    providers: tuple[Provider, ...] = ()
    resources: tuple[Resource, ...] = ()
    capacities: tuple[Capacity, ...] = ()
    profiles: tuple[Profile, ...] = ()
    needs: tuple[Need, ...] = ()
    pathways: tuple[Pathway, ...] = ()
    offers: tuple[Offer, ...] = ()
    steps: tuple[Step, ...] = ()
    services: tuple[Service, ...] = ()
    moves: tuple[Move, ...] = ()
    prices: tuple[Price, ...] = ()
    contracts: tuple[Contract, ...] = ()
    costs: tuple[Cost, ...] = ()
    rules: tuple[Rule, ...] = ()
    rhythms: tuple[Rhythm, ...] = ()
    observations: tuple[Observation, ...] = ()
    breaks: tuple[Break, ...] = ()
    objectives: tuple[Objective, ...] = ()
    scenarios: tuple[ScenarioValue, ...] = ()

    def __hash__(self) -> int:
        return hash(self.fingerprint)

    def table(self, name: str) -> tuple[Row, ...]:
        """Return the rows of a table by its name in the format."""
        rows: tuple[Row, ...] = getattr(self, name)
        return rows

    @cached_property
    def fingerprint(self) -> str:
        """The sha256 of the content, values in force included."""
        return fingerprint(self.settings, self.values, {name: self.table(name) for name in TABLES})

    @cached_property
    def expanded(self) -> "Instance":
        """The instance with every derived pathway's steps, services and moves in full."""
        return replace(
            self,
            pathways=expanded_pathways(self.pathways),
            steps=tuple(row for _, row in expanded_rows(self.pathways, self.steps, step_key)),
            services=tuple(row for _, row in expanded_rows(self.pathways, self.services, service_key)),
            moves=tuple(row for _, row in expanded_rows(self.pathways, self.moves, move_key)),
        )

    @cached_property
    def optimised(self) -> tuple[Objective, ...]:
        """The objectives on which plans are compared: all but those that are only targets to keep."""
        return tuple(row for row in self.objectives if row.is_optimised)

    # Look-ups by code.

    @cached_property
    def zone_by_code(self) -> Mapping[str, Zone]:
        """Zones by code."""
        return {row.zone: row for row in self.zones}

    @cached_property
    def resource_by_code(self) -> Mapping[str, Resource]:
        """Resources by code."""
        return {row.resource: row for row in self.resources}

    @cached_property
    def profile_by_code(self) -> Mapping[str, Profile]:
        """Profiles by code."""
        return {row.profile: row for row in self.profiles}

    @cached_property
    def pathway_by_code(self) -> Mapping[str, Pathway]:
        """Pathways by code, as written."""
        return {row.pathway: row for row in self.pathways}

    @cached_property
    def provider_by_id(self) -> Mapping[str, Provider]:
        """Providers by id."""
        return {row.id: row for row in self.providers}

    @cached_property
    def payer_by_id(self) -> Mapping[str, Payer]:
        """Payers by id."""
        return {row.id: row for row in self.payers}

    @cached_property
    def parameter_by_name(self) -> Mapping[str, Parameter]:
        """Parameters by name."""
        return {row.name: row for row in self.parameters}

    @cached_property
    def need_by_zone_and_profile(self) -> Mapping[tuple[str, str], Need]:
        """Needs by territory and profile."""
        return {(row.zone, row.profile): row for row in self.needs}

    @cached_property
    def contract_codes(self) -> tuple[str, ...]:
        """Contracts that may be in force, in table order; one empty code when there are none."""
        return tuple(row.contract for row in self.contracts) or ("",)

    @cached_property
    def scenario_codes(self) -> tuple[str, ...]:
        """Scenarios in table order, each once."""
        return tuple(dict.fromkeys(row.scenario for row in self.scenarios))

    # Where.

    @cached_property
    def territories(self) -> tuple[Zone, ...]:
        """Zones where people live and offers are decided, in table order."""
        return tuple(zone for zone in self.zones if zone.level == "territory")

    def zones_of_level(self, level: Level) -> tuple[Zone, ...]:
        """Zones of a level, in table order."""
        return tuple(zone for zone in self.zones if zone.level == level)

    def ancestor(self, zone: str, level: Level) -> str | None:
        """Return the zone of that level that holds `zone` (itself at its own level), None when there is none."""
        seen: set[str] = set()
        while zone in self.zone_by_code and zone not in seen:
            seen.add(zone)
            row = self.zone_by_code[zone]
            if row.level == level:
                return zone
            zone = row.parent
        return None

    def descendants(self, zone: str) -> tuple[Zone, ...]:
        """Return the zones under `zone`, itself left out, in table order."""
        return tuple(row for row in self.zones if row.zone != zone and zone in self._line_of(row.zone))

    def territories_in(self, zone: str) -> tuple[Zone, ...]:
        """Return the territories in `zone` (all when empty; itself when it is one), in table order."""
        return tuple(row for row in self.territories if not zone or zone in self._line_of(row.zone))

    def _line_of(self, zone: str) -> tuple[str, ...]:
        line: list[str] = []
        while zone in self.zone_by_code and zone not in line:
            line.append(zone)
            zone = self.zone_by_code[zone].parent
        return tuple(line)

    def pool_zone(self, resource: str, territory: str) -> str | None:
        """Return the zone where the pool of `resource` that serves `territory` stands."""
        return self.ancestor(territory, self.resource_by_code[resource].level)

    @cached_property
    def minutes(self) -> Mapping[tuple[str, str], float]:
        """Travel minutes by (origin, destination), as written."""
        return {(row.origin, row.destination): row.minutes for row in self.travel}

    # The most specific row wins: these want an expanded instance.

    def offers_of(self, zone: str, profile: str) -> tuple[Offer, ...]:
        """Return the offers in force for a profile in a territory, one per pathway, in the order of pathways."""
        chosen = self._offers_by_place.get(("", profile), {}) | self._offers_by_place.get((zone, profile), {})
        return tuple(chosen[row.pathway] for row in self.pathways if row.pathway in chosen)

    def step_row(self, pathway: str, step: str, profile: str) -> Step | None:
        """Return the row of a step for a profile: its own, else the one for all, else None."""
        rows = self._steps_by_place.get((pathway, step), ())
        return next((row for row in rows if row.profile == profile), None) or next(
            (row for row in rows if not row.profile), None
        )

    def service_rows(self, pathway: str, step: str, profile: str) -> tuple[Service, ...]:
        """Return the services a profile asks for in a step, one per resource."""
        place = (pathway, step, profile)
        if place not in self._service_rows:
            rows = self._services_by_place.get((pathway, step), ())
            self._service_rows[place] = _most_specific(rows, profile, service_key)
        return self._service_rows[place]

    def move_rows(self, pathway: str, step: str, profile: str) -> tuple[Move, ...]:
        """Return the moves of a profile in a step (both phases); a profile's own row replaces the same for all."""
        place = (pathway, step, profile)
        if place not in self._move_rows:
            rows = self._moves_by_place.get((pathway, step), ())
            self._move_rows[place] = _most_specific(rows, profile, move_key)
        return self._move_rows[place]

    @cached_property
    def _service_rows(self) -> dict[tuple[str, str, str], tuple[Service, ...]]:
        return {}

    @cached_property
    def _move_rows(self) -> dict[tuple[str, str, str], tuple[Move, ...]]:
        return {}

    @cached_property
    def _offers_by_place(self) -> Mapping[tuple[str, str], dict[str, Offer]]:
        grouped: dict[tuple[str, str], dict[str, Offer]] = {}
        for row in self.offers:
            grouped.setdefault((row.zone, row.profile), {})[row.pathway] = row
        return grouped

    @cached_property
    def _steps_by_place(self) -> Mapping[tuple[str, str], Sequence[Step]]:
        return _by_place(self.steps)

    @cached_property
    def _services_by_place(self) -> Mapping[tuple[str, str], Sequence[Service]]:
        return _by_place(self.services)

    @cached_property
    def _moves_by_place(self) -> Mapping[tuple[str, str], Sequence[Move]]:
        return _by_place(self.moves)


def _by_place(rows: Iterable[_RowT]) -> dict[tuple[str, str], list[_RowT]]:
    grouped: dict[tuple[str, str], list[_RowT]] = {}
    for row in rows:
        grouped.setdefault((row.pathway, row.step), []).append(row)
    return grouped


def _most_specific(rows: Iterable[_RowT], profile: str, key: Callable[[_RowT, str], Hashable]) -> tuple[_RowT, ...]:
    candidates = [row for row in rows if row.profile in ("", profile)]
    own = {key(row, row.profile) for row in candidates if row.profile}
    return tuple(row for row in candidates if row.profile or key(row, profile) not in own)
