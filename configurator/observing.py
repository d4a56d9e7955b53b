"""Observations of today against what the twin gives."""

from collections.abc import Sequence

from configurator.laboratory import ObservationCheck
from configurator.tables import Cell, Table, table


def observation_table(checks: Sequence[ObservationCheck]) -> Table:
    """Return observations against simulated values: one row an observation."""
    columns = (
        "observation", "description", "unit", "role", "observed", "observed_low", "observed_high",
        "simulated", "simulated_low", "simulated_high", "verdict",
    )  # fmt: skip
    return table("observations", columns, [_observation_cells(check) for check in checks])


def _observation_cells(check: ObservationCheck) -> tuple[Cell, ...]:
    known = (check.observation, check.description, check.unit, check.role, check.value, check.low, check.high)
    if check.simulated is None:
        return (*known, None, None, None, "not computed")
    simulated = (check.simulated.mean, check.simulated.low, check.simulated.high)
    return (*known, *simulated, "in range" if check.in_range else "out of range")
