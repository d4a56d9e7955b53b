"""`calibrate`: the instance's free parameters moved within their ranges until the twin gives what was seen.

Chance only: every trial simulates the same replications of the same seed (common random numbers), with all other
parameters at the values they have. Observations of role `check` are simulated beside and never used. The instance
itself is not touched: the run folder holds a copy of its `parameters.csv` with the new values and why.
"""

import csv
import io
import math
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from configurator.asking import Choice, InvalidRequest, Wish
from configurator.laboratory import Effort
from configurator.progress import Progress, Silent, compiling_first
from configurator.replicating import Simulating, account_workers
from configurator.runs.records import keep_inputs, write_whole
from configurator.runs.store import RunFolder, free_folder, new_run
from configurator.tables import Cell, Table, csv_text, table
from instances.catalogue import read_source
from instances.expressions import is_plain_number
from instances.faults import UnknownName
from instances.instance import Instance
from instances.source import InstanceSource
from instances.tables import Observation
from instances.written import WrittenTable
from optimisation.calibration import Calibration, FreeParameter, Target, Trial, calibrate
from simulation.configuration import todays_configuration
from simulation.indicators import compare_observations
from simulation.knowledge import Knowledge

RUNS = Path("runs")
EVALUATIONS = 100
REPLICATIONS = 3
PULL = 0.1
CALIBRATED, OBSERVED, TRIALS, PARAMETERS = "calibrated.csv", "observations.csv", "trials.csv", "parameters.csv"

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Calibrated:
    """What a calibration gave and where it was written."""

    folder: Path
    parameters: Table
    observations: Table
    evaluations: int
    misfit_before: float
    misfit: float
    ending: str
    settings: tuple[str, ...]

    @property
    def is_stopped(self) -> bool:
        """Say whether Ctrl-C ended it."""
        return self.ending == "stopped"

    def in_range(self, role: str) -> tuple[int, int]:
        """Return how many observations of a role are in range, and of how many."""
        verdicts = [row["verdict"] for row in self.observations.records() if row["role"] == role]
        return verdicts.count("in range"), len(verdicts)

    @property
    def sentences(self) -> str:
        """What came of it, in words."""
        fit, check = self.in_range("fit"), self.in_range("check")
        lines = [
            f"{fit[0]} of {fit[1]} observations to fit are in range, {check[0]} of {check[1]} that only check",
            f"misfit {self.misfit_before:.4g} before, {self.misfit:.4g} after {self.evaluations} evaluations "
            f"({self.ending})",
            f"run folder: {self.folder}; {PARAMETERS} there is the table with the new values and why",
        ]
        if self.settings:
            lines.append(f"to try them: {' '.join(f'--set {each}' for each in self.settings)}")
        return "\n".join(lines)

    def document(self) -> dict[str, object]:
        """Return everything as one JSON-able object."""
        return {
            "folder": str(self.folder),
            "parameters": self.parameters.records(),
            "observations": self.observations.records(),
            "evaluations": self.evaluations,
            "misfit_before": self.misfit_before,
            "misfit": self.misfit,
            "ending": self.ending,
            "set": list(self.settings),
        }


def calibrate_instance(
    choice: Choice,
    wish: Wish,
    *,
    free: Sequence[str] = (),
    evaluations: int = EVALUATIONS,
    pull: float = PULL,
    out: Path | None = None,
    command: Sequence[str] = (),
    progress: Progress | None = None,
) -> Calibrated:
    """Move the free parameters until the observations to fit are met; Ctrl-C keeps the best values so far.

    free: names of the parameters that may move; none: those marked `free` in parameters.csv.
    """
    shown = progress or Silent()
    source = read_source(choice.instance)
    instance = source.instance(choice.scenario, choice.overrides)
    effort = wish.effort(instance)
    effort = replace(effort, replications=wish.replications or REPLICATIONS)
    parameters = free_parameters(source, instance, free)
    fitted = observations_to_fit(instance)
    targets = [Target(row.observation, row.value, row.low, row.high) for row in fitted]
    what = f"calibrating {instance.name}: {len(parameters)} parameters, {len(targets)} observations"
    shown.message(what + compiling_first(effort.engine))
    bench = _Bench(source, choice, effort, tuple(each.name for each in parameters))

    def watch(trial: Trial) -> None:
        shown.message(
            f"evaluation {trial.number} of at most {evaluations}: misfit {trial.misfit:.4g}, "
            f"{trial.in_range} of {len(targets)} observations to fit in range"
        )

    def simulate(values: FloatArray) -> FloatArray:
        simulated = bench.observations(values)
        return np.array([simulated[row.observation] for row in fitted])

    with new_run(free_folder(RUNS, f"{instance.name}-calibrate") if out is None else out) as folder:
        start = keep_inputs(folder, choice)
        found = calibrate(parameters, targets, simulate, evaluations=evaluations, pull=pull, watch=watch)
        calibrated = _written(folder, source, instance, parameters, found, bench, effort)
        asked, names = replace(choice, chance_only=True), [CALIBRATED, OBSERVED, TRIALS, PARAMETERS]
        write_whole(folder, start, asked, instance, effort, "calibrate", command, names)
        return calibrated


def free_parameters(source: InstanceSource, instance: Instance, names: Sequence[str]) -> tuple[FreeParameter, ...]:
    """Return the parameters that may move: those named, or those marked `free`; with their ranges.

    Raises UnknownName for a name that is no parameter, InvalidRequest for one that cannot move.
    """
    known = {row.name: row for row in source.today.parameters}
    for name in names:
        if name not in known:
            raise UnknownName("parameter", name, known)
    chosen = list(dict.fromkeys(names)) or [row.name for row in source.today.parameters if row.free]
    if not chosen:
        raise InvalidRequest(
            "no parameter is free: name some with --free, or put yes in the column 'free' of parameters.csv"
        )
    found = []
    written = _cells(source.written.tables["parameters"], "value")
    for name in chosen:
        row = known[name]
        if not is_plain_number(written[name]):
            raise InvalidRequest(f"parameter {name} cannot move: its value follows from others ({written[name]})")
        if row.low is None or row.high is None or row.low >= row.high:
            raise InvalidRequest(f"parameter {name} cannot move: it has no range (low and high in parameters.csv)")
        value = instance.values[name]
        if not row.low <= value <= row.high:
            raise InvalidRequest(f"parameter {name} starts at {value:g}, outside its range {row.low:g} to {row.high:g}")
        found.append(FreeParameter(name, value, row.low, row.high))
    return tuple(found)


def observations_to_fit(instance: Instance) -> tuple[Observation, ...]:
    """Return the observations that may set a parameter and say what of the simulation they are compared with."""
    rows = tuple(row for row in instance.observations if row.role == "fit" and row.indicator)
    if not rows:
        raise InvalidRequest(f"{instance.name} has no observation of role 'fit' with an indicator to compare with")
    for row in rows:
        if row.low >= row.high:
            raise InvalidRequest(f"observation {row.observation} has no range: low and high say how much it weighs")
    return rows


@dataclass(frozen=True)
class _Bench:
    """Simulates today's offer under values of the free parameters."""

    source: InstanceSource
    choice: Choice
    effort: Effort
    names: tuple[str, ...]

    def observations(self, values: Iterable[float]) -> dict[str, float]:
        """Return the simulated value of every observation, by code."""
        moved = dict(zip(self.names, (float(value) for value in values), strict=True))
        known = Knowledge.of(self.source, self.choice.scenario, {**self.choice.overrides, **moved}).chance_only
        today = todays_configuration(known.central)
        with closing(account_workers(known, self.effort)) as workers:
            found = Simulating(workers, known, today, today).replicated(range(self.effort.replications))
        return {
            each.observation.observation: each.simulated.mean
            for each in compare_observations(known.central, found.accounts)
        }


def _written(
    folder: RunFolder,
    source: InstanceSource,
    instance: Instance,
    parameters: Sequence[FreeParameter],
    found: Calibration,
    bench: _Bench,
    effort: Effort,
) -> Calibrated:
    texts = {each.name: rounded(each, float(value)) for each, value in zip(parameters, found.best.values, strict=True)}
    values = {name: float(text) for name, text in texts.items()}
    reason = (
        f"calibrated on {len(found.best.simulated)} observations of role fit "
        f"(seed {effort.seed}, {effort.replications} replications)"
    )
    moved = _parameter_table(instance, parameters, values, reason)
    before, after = bench.observations(found.start.values), bench.observations(values.values())
    observed = _observation_table(instance, before, after)
    folder.write(CALIBRATED, csv_text(moved))
    folder.write(OBSERVED, csv_text(observed))
    folder.write(TRIALS, csv_text(_trial_table(instance, parameters, found)))
    changed = {each.name: texts[each.name] for each in parameters if values[each.name] != each.value}
    folder.write(PARAMETERS, patched(source.written.tables["parameters"], changed, reason))
    return Calibrated(
        folder=folder.path,
        parameters=moved,
        observations=observed,
        evaluations=len(found.trials),
        misfit_before=found.start.misfit,
        misfit=found.best.misfit,
        ending=found.ending,
        settings=tuple(f"{name}={text}" for name, text in changed.items()),
    )


def rounded(parameter: FreeParameter, value: float) -> str:
    """Return a value in the digits that its range makes worth writing: finer than a thousandth of it says nothing.

    A value that did not move stays as it is.

    >>> rounded(FreeParameter("rate", 0.8, 0.4, 1.2), 0.654321), rounded(FreeParameter("days", 12, 7, 25), 11.98765)
    ('0.6543', '11.99')
    """
    if value == parameter.value:
        return repr(value)
    digits = max(0, math.ceil(-math.log10((parameter.high - parameter.low) / 1000.0)))
    text = f"{value:.{digits}f}"
    return text if parameter.low <= float(text) <= parameter.high else repr(value)


def _parameter_table(
    instance: Instance, parameters: Sequence[FreeParameter], values: dict[str, float], reason: str
) -> Table:
    rows: list[tuple[Cell, ...]] = []
    known = instance.parameter_by_name
    for each in parameters:
        value = values[each.name]
        part = each.part(value)
        verdict = "kept" if value == each.value else "at an end of its range" if min(part, 1 - part) < 0.01 else "moved"
        why = known[each.name].source if value == each.value else reason
        rows.append((each.name, each.value, value, each.low, each.high, known[each.name].unit, verdict, why))
    columns = ("name", "before", "after", "low", "high", "unit", "verdict", "source")
    return table("calibrated", columns, rows)


def _observation_table(instance: Instance, before: dict[str, float], after: dict[str, float]) -> Table:
    rows: list[tuple[Cell, ...]] = []
    for row in instance.observations:
        if row.observation not in after:
            continue
        value = after[row.observation]
        verdict = "in range" if row.low <= value <= row.high else "OUT"
        half = (row.high - row.low) / 2.0
        misfit = (value - row.value) / half if half else None
        rows.append(
            (
                row.observation, row.role, row.value, row.low, row.high, before[row.observation], value, misfit,
                verdict, row.unit,
            )
        )  # fmt: skip
    columns = (
        "observation", "role", "observed", "observed_low", "observed_high", "before", "after", "misfit", "verdict",
        "unit",
    )  # fmt: skip
    return table("observations", columns, rows)


def _trial_table(instance: Instance, parameters: Sequence[FreeParameter], found: Calibration) -> Table:
    fitted = [row.observation for row in observations_to_fit(instance)]
    columns = ("evaluation", "misfit", "fit_in_range", *(each.name for each in parameters), *fitted)
    rows = ((each.number, each.misfit, each.in_range, *each.values, *each.simulated) for each in found.trials)
    return table("trials", columns, [[cell if isinstance(cell, int) else float(cell) for cell in row] for row in rows])


def patched(written: WrittenTable, changed: Mapping[str, str], reason: str) -> str:
    """Return parameters.csv with the values that changed and, beside the reason each had, why and from what."""
    columns = written.columns if "reason" in written.columns else (*written.columns, "reason")
    name_at, value_at, reason_at = (columns.index(name) for name in ("name", "value", "reason"))
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(columns)
    for row in written.rows:
        cells = [*row.cells, ""][: len(columns)]
        if cells[name_at] in changed:
            told = f"{reason}, {cells[value_at]} before"
            cells[value_at] = changed[cells[name_at]]
            cells[reason_at] = f"{cells[reason_at]}; {told}" if cells[reason_at] else told
        writer.writerow(cells)
    return out.getvalue()


def _cells(written: WrittenTable, column: str) -> dict[str, str]:
    return dict(zip(written.column("name"), written.column(column), strict=False))
