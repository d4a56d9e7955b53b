"""A synthetic department as an instance: the Loire's tables, with zones, people, supply and limits of its own."""

import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import ceil

import numpy as np

from instances.faults import ConfiguratorError
from instances.generator.geography import Territory, drawn_territories, minutes
from instances.generator.pattern import BANDS, Pattern
from instances.generator.supply import CapacityRow, Place, capacity_rows, hospital_of
from instances.table_format import column_names
from instances.tables import TABLES
from instances.written import WrittenInstance, WrittenRow, WrittenTable

REGION = "R"
AGED_65_74_OF_THE_LOIRE = 88_233.0
"""Persons aged 65-74 behind the Loire's yearly `births` (those who reach 75)."""
BIRTHS = "births"
LEAST_EQUITY_BOUND = 0.15
EQUITY_ROOM = 1.25
"""A plan's spread of places per head between basins over today's, where today's is near the Loire's bound."""
UNLIMITED = "1e12"
"""A budget before it is known what today costs."""
HELD = "resource:"
"""How a subject that is a resource begins."""
KEPT = (
    "payers",
    "resources",
    "profiles",
    "pathways",
    "steps",
    "services",
    "moves",
    "prices",
    "contracts",
    "breaks",
    "objectives",
)
"""Tables taken over as they are."""
SpentToday = Mapping[str, float]
"""What today costs each payer, in euros a year."""


class TooFewTerritories(ConfiguratorError):  # noqa: N818 (named for what it says)
    """A department has at least one territory."""


@dataclass(frozen=True)
class Department:
    """A department drawn: its territories with their people and today's capacities."""

    name: str
    places: tuple[Place, ...]
    capacities: tuple[CapacityRow, ...]
    pattern: Pattern

    @property
    def people(self) -> int:
        """Persons aged 75 and over."""
        return sum(sum(place.persons.values()) for place in self.places)

    @property
    def basins(self) -> tuple[int, ...]:
        """Numbers of the basins, from 0."""
        return tuple(dict.fromkeys(place.territory.basin for place in self.places))


def department(name: str, territories: int, random: np.random.Generator) -> Department:
    """Draw a department; the same generator state gives the same one."""
    if territories < 1:
        raise TooFewTerritories(f"a department of {territories} territories: at least 1 is needed")
    pattern = Pattern.of_loire()
    places = tuple(_place(pattern, territory) for territory in drawn_territories(territories, random))
    return Department(name, places, capacity_rows(pattern, places, random), pattern)


def written_department(drawn: Department, spent: SpentToday | None = None) -> WrittenInstance:
    """Return the department's tables; without `spent` its budgets limit nothing."""
    loire = drawn.pattern.written
    tables = {name: loire.tables[name] for name in KEPT}
    tables |= {
        "parameters": _scaled_births(loire.tables["parameters"], ("value", "low", "high"), drawn),
        "zones": _table("zones", _zones(drawn)),
        "travel": _table("travel", _travel(drawn.places)),
        "providers": _table("providers", _providers(drawn)),
        "capacities": _with_header(loire.tables["capacities"], (row.cells() for row in drawn.capacities)),
        "needs": _with_header(loire.tables["needs"], _needs(drawn)),
        "costs": _costs(loire.tables["costs"], drawn),
        "offers": _offers(loire.tables["offers"], drawn),
        "rules": _rules(loire.tables["rules"], drawn, spent),
        "scenarios": _scaled_births(loire.tables["scenarios"], ("value",), drawn),
    }
    ordered = {name: tables[name] for name in TABLES if name in tables}
    text = _settings_text(loire.settings_text, drawn)
    return WrittenInstance(drawn.name, tomllib.loads(text), text, ordered)


def origins(drawn: Department, seed: int) -> str:
    """Return the SOURCES.md of a department: which real body each territory was drawn from."""
    lines = [
        f"# {drawn.name}: a synthetic department",
        "",
        f"Made by `configurator generate --territories {len(drawn.places)} --seed {seed}`.",
        "Each territory has the inhabitants by age, the land and the supply of hospitals and nursing homes of a real",
        "inter-communal body of France drawn by chance; where it lies, who runs what and which territories form a",
        "basin are drawn too. Profiles, pathways, prices, costs and parameters are the Loire's; capacities are scaled",
        "to need, budgets are what today costs here plus the Loire's envelope. Nothing was observed here.",
        "",
        "| territory | basin | drawn from | persons aged 75 and over |",
        "|---|---|---|---|",
    ]
    for place in drawn.places:
        body, code = place.territory.body, place.territory.code
        lines.append(f"| {code} | B{place.territory.basin + 1} | {body.code} {body.name} | {round(body.aged_75)} |")
    return "\n".join(lines) + "\n"


def _place(pattern: Pattern, territory: Territory) -> Place:
    body = territory.body
    aged = {BANDS[0]: body.aged_75_84, BANDS[1]: body.aged_85}
    persons = {name: n for band, number in aged.items() for name, n in pattern.census(band, round(number)).items()}
    return Place(territory, persons, pattern.instance.values[f"travel_{body.urbanicity}"])


def _zones(drawn: Department) -> Iterable[Mapping[str, str]]:
    yield {"zone": REGION, "name": "The department", "level": "region", "population": str(drawn.people)}
    for basin in drawn.basins:
        members = [place for place in drawn.places if place.territory.basin == basin]
        people = sum(sum(place.persons.values()) for place in members)
        name = f"Basin {basin + 1}"
        yield {"zone": f"B{basin + 1}", "name": name, "level": "basin", "parent": REGION, "population": str(people)}
    for place in drawn.places:
        latitude, longitude = place.territory.coordinates
        yield {
            "zone": place.territory.code,
            "name": place.territory.name,
            "level": "territory",
            "parent": f"B{place.territory.basin + 1}",
            "urbanicity": place.territory.body.urbanicity,
            "population": str(sum(place.persons.values())),
            "travel_share": f"travel_{place.territory.body.urbanicity}",
            "latitude": f"{latitude:.5f}",
            "longitude": f"{longitude:.5f}",
        }


def _travel(places: Sequence[Place]) -> Iterable[Mapping[str, str]]:
    for origin in places:
        for destination in places:
            yield {
                "origin": origin.territory.code,
                "destination": destination.territory.code,
                "minutes": str(minutes(origin.territory, destination.territory)),
            }


def _providers(drawn: Department) -> Iterable[Mapping[str, str]]:
    """The Loire's providers that hold something here, one hospital a basin, and those who are not held to a place."""
    holders = {row.provider for row in drawn.capacities}
    hospitals = [hospital_of(basin) for basin in drawn.basins]
    loire = drawn.pattern.instance
    anywhere = {row.provider for row in loire.prices}
    anywhere |= {row.provider for row in loire.costs if not row.subject.startswith(HELD)}
    for name in hospitals:
        yield {"id": name, "name": f"Public hospital {name[9:]}", "sector": "health", "group": "public hospitals"}
    for row in loire.providers:
        if row.id in holders or row.id in anywhere:
            yield {"id": row.id, "name": row.name, "sector": row.sector, "group": row.group}


def _needs(drawn: Department) -> Iterable[tuple[str, ...]]:
    """Census by profile; who reaches 75 comes in the mix that the Loire's own table gives, by those aged 65 to 74."""
    loire = drawn.pattern.written.tables["needs"]
    arriving = {row.cells[1]: row.cells[3].split("*", 1)[1] for row in loire.rows if "*" in row.cells[3]}
    younger = sum(place.territory.body.aged_65_74 for place in drawn.places)
    for place in drawn.places:
        part = place.territory.body.aged_65_74 / younger
        for profile, persons in place.persons.items():
            band = BANDS[0] if profile.endswith(BANDS[0]) else BANDS[1]
            arrivals = f"{part:.5f}*{arriving[profile]}" if profile in arriving else "0"
            yield place.territory.code, profile, f"{persons}*size_{band}", arrivals


def _costs(table: WrittenTable, drawn: Department) -> WrittenTable:
    """The Loire's costs, but those of a provider for a resource of which it holds nothing here."""
    provider, subject = table.columns.index("provider"), table.columns.index("subject")
    held = {(row.provider, HELD + row.resource) for row in drawn.capacities}

    def concerns_nobody(cells: Sequence[str]) -> bool:
        named = cells[provider], cells[subject]
        return bool(named[0]) and named[1].startswith(HELD) and named not in held

    return _with_header(table, (row.cells for row in table.rows if not concerns_nobody(row.cells)))


def _offers(table: WrittenTable, drawn: Department) -> WrittenTable:
    """The Loire's mixes; what it offers in one territory only is offered in the first one here."""
    first = drawn.places[0].territory.code
    rows = ((first if row.cells[0] else "", *row.cells[1:]) for row in table.rows)
    return _with_header(table, rows)


def _rules(table: WrittenTable, drawn: Department, spent: SpentToday | None) -> WrittenTable:
    """The Loire's rules, bounds of this department: budgets after what today costs, places and staff after today's."""
    pattern, loire = drawn.pattern, drawn.pattern.instance
    bounds: dict[str, str] = {}
    for rule in loire.rules:
        if rule.kind == "budget" and rule.money == "operating":
            today = UNLIMITED if spent is None else f"{ceil(spent[rule.payer] / 1e4)}0000"
            bounds[rule.rule] = f"{today}*(1+budget_envelope)*budget_growth"
        elif rule.kind == "budget":
            bounds[rule.rule] = f"{round((rule.bound or 0.0) * drawn.people / pattern.persons, -3):.0f}*budget_growth"
        elif rule.kind in ("authorised", "workforce"):
            units = sum(row.current for row in drawn.capacities if row.resource in pattern.held_to(rule.rule))
            bounds[rule.rule] = f"{ceil(pattern.bound_per_unit(rule.rule) * units)}"
        elif rule.kind == "equity":
            spread = _spread(drawn, rule.resource)
            bounds[rule.rule] = f"{max(LEAST_EQUITY_BOUND, ceil(20.0 * EQUITY_ROOM * spread) / 20.0):.2f}"
    bound, name = table.columns.index("bound"), table.columns.index("rule")
    rows = []
    for row in table.rows:
        cells = list(row.cells)
        if cells[name] in bounds:
            factor = re.search(r"\*(staff_\w+|budget_growth)$", cells[bound])
            own = bounds[cells[name]]
            cells[bound] = own if factor is None or own.endswith(factor[0]) else own + factor[0]
        rows.append(cells)
    return _with_header(table, rows)


def _spread(drawn: Department, resource: str) -> float:
    """Return the range over basins of units per head, over their mean."""
    basin_of = {place.territory.code: place.territory.basin for place in drawn.places}
    units, heads = dict.fromkeys(drawn.basins, 0.0), dict.fromkeys(drawn.basins, 0.0)
    for row in drawn.capacities:
        if row.resource == resource:
            units[basin_of[row.zone]] += row.current
    for place in drawn.places:
        heads[place.territory.basin] += sum(place.persons.values())
    per_head = [units[basin] / heads[basin] for basin in drawn.basins]
    return (max(per_head) - min(per_head)) * sum(heads.values()) / sum(units.values())


def _scaled_births(table: WrittenTable, columns: Sequence[str], drawn: Department) -> WrittenTable:
    """Return a table whose rows about `births` are scaled to the department's people aged 65 to 74."""
    scale = sum(place.territory.body.aged_65_74 for place in drawn.places) / AGED_65_74_OF_THE_LOIRE
    key = table.columns.index("parameter" if "parameter" in table.columns else "name")
    rows = []
    for row in table.rows:
        cells = list(row.cells)
        if cells[key] == BIRTHS:
            for column in columns:
                number = table.columns.index(column)
                cells[number] = f"{round(float(cells[number]) * scale)}"
        rows.append(cells)
    return _with_header(table, rows)


def _settings_text(text: str, drawn: Department) -> str:
    territories, basins = len(drawn.places), len(drawn.basins)
    title = f"Synthetic department of {territories} territories, people aged 75 and over"
    description = (
        f"{territories} territories in {basins} basins, drawn from the real inter-communal bodies of France, "
        f"{drawn.people:,} people; pathways, prices and rules after the Loire's."
    )
    for key, value in (("name", title), ("description", description)):
        text = re.sub(rf"(?m)^{key} = .*$", f'{key} = "{value}"', text, count=1)
    return text


def _table(name: str, rows: Iterable[Mapping[str, str]]) -> WrittenTable:
    """Return a table with the columns of its row type that some row fills, in their order."""
    given = list(rows)
    columns = [column for column in column_names(TABLES[name]) if any(column in row for row in given)]
    cells = ([row.get(column, "") for column in columns] for row in given)
    return WrittenTable(name, f"{name}.csv", tuple(columns), _written(cells))


def _with_header(table: WrittenTable, rows: Iterable[Sequence[str]]) -> WrittenTable:
    return replace(table, rows=_written(rows))


def _written(rows: Iterable[Sequence[str]]) -> tuple[WrittenRow, ...]:
    return tuple(WrittenRow(line, tuple(cells)) for line, cells in enumerate(rows, start=2))
