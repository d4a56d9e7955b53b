"""The real inter-communal bodies (EPCI) that synthetic territories are drawn from."""

import csv
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

from instances.faults import Fault, InvalidInstance

BODIES_FILE = Path(__file__).parent.parent / "france" / "inter_communal_bodies.csv"
OVERSEAS = "97"
FEWEST_PERSONS = 500
"""Persons aged 75 and over below which a body is left out: its census by profile would have cells of one or two."""
MOST_PERSONS = 60_000
"""Above it are the metropolises of Paris, Lyon, Marseille, Bordeaux and Nice, whole departments by themselves."""
FEWEST_OF_A_CENTRE = 3_000
URBAN_SHARE, RURAL_SHARE = 20.0, 80.0
"""Percent of rural inhabitants below which a body is urban, and from which it is rural (as in the Loire's tables)."""

Urbanicity = Literal["urban", "mixed", "rural"]


@dataclass(frozen=True)
class Body:
    """One real body: inhabitants by age, land, and what care stands there."""

    code: str
    name: str
    population: float
    aged_65_74: float
    aged_75_84: float
    aged_85: float
    area: float
    """Square kilometres."""
    density_class: int
    """1 (large urban centre) to 7 (very sparse), of most inhabitants."""
    urbanicity: Urbanicity
    nurses: float
    nursing_home_places: float
    acute_beds: float
    geriatric_beds: float
    rehabilitation_beds: float
    emergency_departments: float

    @property
    def aged_75(self) -> float:
        """Persons aged 75 and over."""
        return self.aged_75_84 + self.aged_85

    @property
    def is_centre(self) -> bool:
        """Whether a basin may lie around it: emergency care, acute and rehabilitation beds, enough people."""
        has_hospital = self.emergency_departments > 0 and self.acute_beds > 0 and self.rehabilitation_beds > 0
        return has_hospital and self.aged_75 >= FEWEST_OF_A_CENTRE


@cache
def real_bodies() -> tuple[Body, ...]:
    """Return the bodies of metropolitan France of a size that a territory may have, in the order of the file."""
    with BODIES_FILE.open(encoding="utf-8", newline="") as file:
        records = list(csv.DictReader(file))
    bodies = [_body(line, record) for line, record in enumerate(records, start=2)]
    return tuple(
        body
        for body, record in zip(bodies, records, strict=True)
        if not record["department"].startswith(OVERSEAS) and FEWEST_PERSONS <= body.aged_75 <= MOST_PERSONS
    )


def _body(line: int, record: dict[str, str]) -> Body:
    def number(column: str) -> float:
        try:
            return float(record[column] or 0.0)
        except ValueError:
            fault = Fault(BODIES_FILE.name, line, column, record[column], "a number", "not a number")
            raise InvalidInstance([fault]) from None

    rural = number("share_pop_rural_pct")
    return Body(
        code=record["epci_code"],
        name=record["name"],
        population=number("population"),
        aged_65_74=number("pop_65_74_est"),
        aged_75_84=number("pop_75_84_est"),
        aged_85=number("pop_85_plus_est"),
        area=number("area_km2_approx"),
        density_class=int(number("density_class_7")),
        urbanicity="urban" if rural < URBAN_SHARE else "rural" if rural >= RURAL_SHARE else "mixed",
        nurses=number("nurse_2021"),
        nursing_home_places=number("ehpad_places"),
        acute_beds=number("mco_beds"),
        geriatric_beds=number("csg_beds"),
        rehabilitation_beds=number("smr_beds"),
        emergency_departments=number("ed_sites"),
    )
