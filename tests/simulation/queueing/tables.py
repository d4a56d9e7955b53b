"""The tables of exact values, and systems in their steady state long enough to be set beside them."""

import csv
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from tests.simulation.queueing.systems import Customers, Station, System

DATA = Path(__file__).parent / "data"
HEAVY_USE = 0.85
REPLICATIONS = 40
SERVER = "server"

Row = dict[str, str]


def rows(table: str) -> list[Row]:
    with (DATA / f"{table}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def numbers(row: Row, *names: str) -> list[float]:
    return [float(row[name]) for name in names]


def steady(
    stations: Sequence[Station],
    customers: Sequence[Customers],
    *,
    size: float,
    relaxation: float,
    longest: float,
    elsewhere: bool = False,
) -> System:
    """A system long since in its steady state, `size` customers measured in all; `longest`: a very long sojourn."""
    rate = sum(group.rate for group in customers)
    return System(
        stations,
        customers,
        length=size / REPLICATIONS / rate,
        warm_up=6.0 * relaxation,
        margin=longest,
        elsewhere=elsewhere,
    )


def relaxation(rate: float, mean: float, servers: int, variation: float = 1.0) -> float:
    """About the time in which a queue forgets its start: M/M/c's, times what unsteady stays add."""
    use = min(rate * mean / servers, 0.97)
    return float(mean + mean / servers / (1.0 - np.sqrt(use)) ** 2 * (1.0 + variation**2) / 2.0)
