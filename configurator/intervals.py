"""Means with intervals as people see them: with what is not known, and beside it by chance alone.

The interval by chance alone is centred on its own mean, that of the central values of the parameters, which need not
be the mean over what is not known. It is the one that as many replications would give as the other interval has,
the spread estimated from fewer (`replicating.CHANCE_REPLICATIONS` at most).
"""

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from configurator.laboratory import ObservationCheck
from configurator.replicating import Replicated
from configurator.results import Interval
from configurator.tables import Cell, Table, table
from instances.instance import Instance
from simulation.estimates import Estimate, estimate, fewest_for_quantile, quantile, quantile_interval
from simulation.indicator_tables import COLUMN_KEYS, IndicatorRow, indicator_table
from simulation.indicators import Catalogue, compare_observations
from simulation.objectives import SOLVENCY

INDICATOR_COLUMNS = (
    "indicator", *COLUMN_KEYS, "unit", "mean", "standard_error", "low", "high", "chance_low", "chance_high",
    "replications",
)  # fmt: skip

Floats = npt.NDArray[np.float64]


def interval_of(found: Estimate, by_chance: Estimate | None = None) -> Interval:
    """Return an estimate as people see it."""
    low, high = chance_ends(by_chance, found.replications)
    return Interval(found.mean, found.low, found.high, low, high)


def chance_ends(by_chance: Estimate | None, replications: int) -> tuple[float | None, float | None]:
    """Return the interval that so many replications would have by chance alone, from an estimate of fewer.

    A half-width shrinks with the root of the number of replications.
    """
    if by_chance is None or by_chance.replications < 2 or replications < 2:
        return None, None
    half = (by_chance.high - by_chance.mean) * (by_chance.replications / replications) ** 0.5
    return by_chance.mean - half, by_chance.mean + half


def objective_intervals(
    instance: Instance, values: Floats, point: Floats, chance_values: Floats | None, chance_point: Floats | None
) -> tuple[Interval, ...]:
    """Return objectives as people see them, from values [replication, objective] and the point a front goes by.

    Solvency is the cautious value, with the interval of the quantile it stands for. The last two are the same by chance
    alone, None where it was not simulated.
    """
    count = len(values)
    intervals = []
    for number, row in enumerate(instance.optimised):
        if row.expression.strip() != SOLVENCY:
            by_chance = None if chance_values is None else estimate(chance_values[:, number])
            intervals.append(interval_of(estimate(values[:, number]), by_chance))
            continue
        cautious, deviations = float(point[number]), instance.settings.economics.solvency_deviations
        shown = Interval(cautious, *_around(values[:, number], cautious, deviations, count))
        if chance_values is not None and chance_point is not None and len(chance_values) > 1:
            centre = float(chance_point[number])
            low, high = _around(chance_values[:, number], centre, deviations, count)
            shown = replace(shown, chance_low=low, chance_high=high)
        intervals.append(shown)
    return tuple(intervals)


def _around(values: Floats, point: float, deviations: float, replications: int) -> tuple[float, float]:
    """Return a 95 % interval of a cautious value: of the quantile at -`deviations` that it stands for.

    As wide as so many replications would make it, the values being fewer or as many; the point lies in it.
    """
    if len(values) < 2:
        return point, point
    probability = _share_below(deviations)
    low, high = quantile_interval(values, probability)
    if len(values) == replications:
        return min(low, point), max(high, point)
    centre, share = quantile(values, probability), (len(values) / replications) ** 0.5
    return point + share * min(low - centre, 0.0), point + share * max(high - centre, 0.0)


def share_above(instance: Instance) -> float:
    """Return the share of replications in which solvency is higher than the cautious value shown."""
    return 1.0 - _share_below(instance.settings.economics.solvency_deviations)


def _share_below(deviations: float) -> float:
    """Return the share of a normal distribution more than so many deviations below its mean."""
    return 0.5 * math.erfc(deviations / math.sqrt(2.0))


def too_narrow(instance: Instance, replications: int, option: str) -> str:
    """Say which intervals so few replications leave empty or may leave too narrow, and how to ask for enough."""
    if replications == 1:
        return f"one replication says nothing of how far its figures may be off; ask for more with {option}"
    needed = fewest_for_quantile(_share_below(instance.settings.economics.solvency_deviations))
    named = [row.objective for row in instance.optimised if row.expression.strip() == SOLVENCY]
    if not named or replications >= needed:
        return ""
    return (
        f"intervals of {' and '.join(named)} take its spread over {replications} replications to be normal and may be "
        f"too narrow; from {needed} on they assume nothing: ask for {option} {needed}"
    )


def indicators(instance: Instance, found: Replicated, by_chance: Replicated | None) -> Table:
    """Return the table of indicators.csv."""
    catalogue = Catalogue.of(instance)
    rows = _rows(catalogue, found)
    return indicators_beside(rows, rows if by_chance is found else _rows(catalogue, by_chance))


def indicators_beside(rows: Sequence[IndicatorRow], by_chance: Sequence[IndicatorRow]) -> Table:
    """Return the table of indicators.csv, from its rows and those by chance alone (none: not simulated)."""
    beside = {_key(row): row.estimate for row in by_chance}
    return table("indicators", INDICATOR_COLUMNS, (_indicator_cells(row, beside.get(_key(row))) for row in rows))


def _rows(catalogue: Catalogue, found: Replicated | None) -> tuple[IndicatorRow, ...]:
    return () if found is None else indicator_table(catalogue, found.accounts, found.today)


def _key(row: IndicatorRow) -> tuple[str, ...]:
    return (row.indicator, *(getattr(row, key) for key in COLUMN_KEYS))


def _indicator_cells(row: IndicatorRow, by_chance: Estimate | None) -> list[Cell]:
    low, high = chance_ends(by_chance, row.estimate.replications)
    cells: dict[str, Cell] = {**row.cells(), "chance_low": low, "chance_high": high}
    return [_known(cells[name]) for name in INDICATOR_COLUMNS]


def _known(cell: Cell) -> Cell:
    """Return an undefined figure as an empty cell: nan never passes."""
    return None if isinstance(cell, float) and not math.isfinite(cell) else cell


def observations(instance: Instance, found: Replicated, by_chance: Replicated | None) -> tuple[ObservationCheck, ...]:
    """Return every observation beside what was simulated."""
    simulated, beside = _compared(instance, found), {} if by_chance is None else _compared(instance, by_chance)
    checks = []
    for row in instance.observations:
        known = simulated.get(row.observation)
        checks.append(
            ObservationCheck(
                observation=row.observation,
                description=row.description,
                unit=row.unit,
                role=row.role,
                value=row.value,
                low=row.low,
                high=row.high,
                simulated=None if known is None else interval_of(known, beside.get(row.observation)),
            )
        )
    return tuple(checks)


def _compared(instance: Instance, found: Replicated) -> dict[str, Estimate]:
    """Return what was simulated of each observation, those left out that nothing could be computed of."""
    compared = compare_observations(instance, found.accounts)
    return {each.observation.observation: each.simulated for each in compared if each.simulated.replications}
