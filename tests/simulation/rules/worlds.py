"""Tiny worlds that several rules are told in, and a plan of other capacities for any of them."""

from dataclasses import replace

from simulation.configuration import Configuration, todays_configuration
from tests.simulation.stories import Scene, ends, fixed, world

YEAR = 365.25


def ward(days: float = 2.0, **cells: object) -> dict:
    return {"steps": [fixed("stay", days, gate="bed", **cells)], "moves": [ends("stay")]}


def life(*rows: dict, **tables: object):
    """Life at home under hazards, until `death` (hardly ever, when not told otherwise)."""
    death = {"pathway": "care", "step": "home", "hazard": "death", "to": "out", "rate": 0.0001}
    return world(
        entry="home",
        steps=[{"pathway": "care", "step": "home", "anchor": True}, *tables.pop("steps", ())],
        moves=[death, *({"pathway": "care", "step": "home", **row} for row in rows)],
        **tables,
    )


def two_pathways(share: float, acceptance: float = 1.0):
    offers = [
        {"profile": "old", "pathway": "care", "current": 1 - share, "minimum": 0, "maximum": 1, "step": 0.05},
        {
            "profile": "old",
            "pathway": "help",
            "current": share,
            "minimum": 0,
            "maximum": 1,
            "step": 0.05,
            "acceptance": acceptance,
            "fallback": "care",
        },
    ]
    return world(
        steps=[{"pathway": "care", "step": "home", "anchor": True}],
        moves=[{"pathway": "care", "step": "home", "hazard": "death", "to": "out", "rate": 0.0001}],
        entry="home",
        pathways=[{"pathway": "care", "entry": "home"}, {"pathway": "help", "base": "care"}],
        offers=offers,
    )


def more_units(people: Scene, units: int) -> Configuration:
    today = todays_configuration(people.instance)
    return replace(today, capacities=tuple(units for _ in today.capacities))
