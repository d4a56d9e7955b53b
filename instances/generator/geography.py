"""Where a synthetic department lies: territories drawn from real bodies, grouped into basins, placed on a map."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import cos, hypot, pi, radians, sin, sqrt

import numpy as np

from instances.generator.real_bodies import Body, real_bodies

TERRITORIES_PER_BASIN = 11 / 3
"""As in the Loire: 11 territories in 3 basins."""
GOLDEN_ANGLE = pi * (3.0 - sqrt(5.0))
MIDDLE = (46.5, 2.5)
"""Latitude and longitude around which departments are placed: the middle of France."""
KILOMETRES_PER_DEGREE = 111.2
ROAD_DETOUR = 1.3
SPEEDS = {1: 55.0, 2: 60.0, 3: 55.0, 4: 55.0, 5: 50.0, 6: 50.0, 7: 50.0}
"""Kilometres an hour between territories by density class, on the first 40 km by road."""
FAST_SPEED, SLOW_ROAD = 80.0, 40.0
INNER_SPEEDS = {1: 30.0, 2: 35.0, 3: 35.0, 4: 40.0, 5: 45.0, 6: 45.0, 7: 45.0}
INNER_DISTANCE = 0.5
"""Mean distance between people of one territory, in radii of a disc of its area (0.46 to 0.57 in the Loire)."""


@dataclass(frozen=True)
class Territory:
    """One synthetic territory: whom it is drawn from, its basin, and where it lies (kilometres east and north)."""

    code: str
    name: str
    basin: int
    is_centre: bool
    body: Body
    east: float
    north: float

    @property
    def coordinates(self) -> tuple[float, float]:
        """Latitude and longitude."""
        latitude = MIDDLE[0] + self.north / KILOMETRES_PER_DEGREE
        return latitude, MIDDLE[1] + self.east / (KILOMETRES_PER_DEGREE * cos(radians(MIDDLE[0])))


def drawn_territories(count: int, random: np.random.Generator) -> tuple[Territory, ...]:
    """Draw so many territories: each basin a centre with a hospital, the others spread over the basins by chance.

    Bodies are drawn without replacement while there are enough of them. A department lists basin after basin.
    """
    basins = max(1, round(count / TERRITORIES_PER_BASIN))
    centres = _drawn([body for body in real_bodies() if body.is_centre], basins, random)
    others = _drawn([body for body in real_bodies() if not body.is_centre], count - basins, random)
    belongs = random.integers(basins, size=len(others))
    found: list[Territory] = []
    spacing = 2.0 * max(_radius(body) + 2.0 * max(map(_radius, others), default=0.0) for body in centres)
    for basin, centre in enumerate(centres):
        angle = basin * GOLDEN_ANGLE
        middle = (spacing * sqrt(basin) * cos(angle), spacing * sqrt(basin) * sin(angle))
        members = [others[number] for number in np.flatnonzero(belongs == basin)]
        found += _basin(basin, centre, members, middle, len(found), random, len(str(count)))
    return tuple(found)


def minutes(origin: Territory, destination: Territory) -> int:
    """Return the estimated travel time between two territories, or inside one (rule of the Loire's travel table)."""
    if origin is destination:
        road = ROAD_DETOUR * INNER_DISTANCE * _radius(origin.body)
        return max(8, round(60.0 * road / INNER_SPEEDS[origin.body.density_class] + 3.0))
    road = ROAD_DETOUR * hypot(origin.east - destination.east, origin.north - destination.north)
    speed = (SPEEDS[origin.body.density_class] + SPEEDS[destination.body.density_class]) / 2.0
    hours = min(road, SLOW_ROAD) / speed + max(road - SLOW_ROAD, 0.0) / FAST_SPEED
    return max(8, round(60.0 * hours))


def _drawn(bodies: Sequence[Body], count: int, random: np.random.Generator) -> list[Body]:
    chosen = random.choice(len(bodies), size=count, replace=count > len(bodies))
    return [bodies[number] for number in chosen]


def _basin(
    basin: int,
    centre: Body,
    members: Sequence[Body],
    middle: tuple[float, float],
    before: int,
    random: np.random.Generator,
    width: int,
) -> list[Territory]:
    """Place a centre and, around it side by side, the other territories of its basin."""
    turn = 2.0 * pi * float(random.random())
    found = []
    for number, body in enumerate([centre, *members]):
        angle = turn + 2.0 * pi * (number - 1) / max(len(members), 1)
        away = 0.0 if number == 0 else _radius(centre) + _radius(body)
        code = f"T{before + number + 1:0{width}d}"
        name = f"Territory {before + number + 1}, {body.urbanicity}"
        east, north = middle[0] + away * cos(angle), middle[1] + away * sin(angle)
        found.append(Territory(code, name, basin, number == 0, body, east, north))
    return found


def _radius(body: Body) -> float:
    return sqrt(body.area / pi)
