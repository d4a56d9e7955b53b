"""Observations of today against what the twin gives, and how precisely it gives what was asked."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from configurator.laboratory import ObservationCheck
from configurator.tables import Cell, Table, table

if TYPE_CHECKING:
    from simulation.precision import Standing


def observation_table(checks: Sequence[ObservationCheck]) -> Table:
    """Return observations against simulated values: one row an observation."""
    columns = (
        "observation", "description", "unit", "role", "observed", "observed_low", "observed_high",
        "simulated", "simulated_low", "simulated_high", "chance_low", "chance_high", "verdict",
    )  # fmt: skip
    return table("observations", columns, [_observation_cells(check) for check in checks])


def _observation_cells(check: ObservationCheck) -> tuple[Cell, ...]:
    known = (check.observation, check.description, check.unit, check.role, check.value, check.low, check.high)
    if check.simulated is None:
        return (*known, *[None] * 5, "not computed")
    found = check.simulated
    simulated = (found.mean, found.low, found.high, found.chance_low, found.chance_high)
    return (*known, *simulated, "in range" if check.in_range else "out of range")


def precision_table(standing: "Sequence[Standing]") -> Table:
    """Return what was reached of each half-width asked for: one row a goal."""
    columns = ("indicator", "mean", "half_width", "asked", "verdict")
    rows = (
        (
            each.goal.expression,
            _known(each.estimate.mean),
            _known(each.half_width),
            _known(each.goal.asked(each.estimate.mean)),
            "reached" if each.is_reached else "not reached",
        )
        for each in standing
    )
    return table("precision", columns, rows)


def _known(value: float) -> float | None:
    return value if value == value else None
