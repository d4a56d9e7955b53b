"""Parameters that make the twin fit what was seen: derivative-free least squares within the parameters' ranges.

With u the free parameters as parts of their ranges (0 low, 1 high), the misfit is half the sum of squares of

- (simulated - observed) / half the width of the observed range, for each observation to fit: weights are what the
  observations' ranges say, and a residual between -1 and 1 is about within its range;
- pull * 2 (u - u of the starting value), for each parameter: where the observations leave a choice, the values that
  the sources give are kept. A pull of 0.1 weighs moving from the middle of a range to its end like a tenth of the way
  from an observation to the end of its range.

The simulation is a function of the values alone (common random numbers), so that misfits can be compared. The least
squares are POUNDERS (Wild: Solving derivative-free nonlinear least squares problems with POUNDERS, 2017) of the library
optimagic: quadratic models of all residuals in a trust region, no derivatives, few evaluations. This module is its only
door.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
import optimagic

from instances.faults import ConfiguratorError

FloatArray = npt.NDArray[np.float64]
Ending = Literal["converged", "evaluations used up", "stopped"]

FIRST_STEP = 0.15
"""First radius of the trust region, as a part of the ranges."""
LAST_STEP = 0.005
"""Step at which the search ends: a two-hundredth of a range is finer than anything known of it."""


class CalibrationError(ConfiguratorError):
    """A calibration that cannot be made."""


@dataclass(frozen=True)
class FreeParameter:
    """A parameter that may move from `value` within `low` to `high`."""

    name: str
    value: float
    low: float
    high: float

    def __post_init__(self) -> None:
        if not self.low < self.high:
            raise CalibrationError(f"parameter {self.name}: a free parameter needs low less than high")
        if not self.low <= self.value <= self.high:
            raise CalibrationError(f"parameter {self.name}: {self.value:g} lies outside {self.low:g} to {self.high:g}")

    def part(self, value: float) -> float:
        """Return where a value lies in the range, from 0 to 1."""
        return (value - self.low) / (self.high - self.low)


@dataclass(frozen=True)
class Target:
    """An observation to fit."""

    name: str
    value: float
    low: float
    high: float

    def __post_init__(self) -> None:
        if not self.low < self.high:
            raise CalibrationError(f"observation {self.name}: an observation to fit needs low less than high")

    def residual(self, simulated: float) -> float:
        """Return the distance to the observed value in half widths of its range."""
        return (simulated - self.value) / ((self.high - self.low) / 2.0)


@dataclass(frozen=True)
class Trial:
    """One simulation: the values tried [parameters], what it gave [targets], the misfit."""

    number: int
    values: FloatArray
    simulated: FloatArray
    misfit: float
    in_range: int


@dataclass(frozen=True)
class Calibration:
    """What a calibration found; `trials` in order, the first with the starting values."""

    best: Trial
    trials: tuple[Trial, ...]
    ending: Ending

    @property
    def start(self) -> Trial:
        """The trial with the values it started from."""
        return self.trials[0]


Simulate = Callable[[FloatArray], FloatArray]
"""Values of the free parameters [parameters] in, simulated observations [targets] out; no other state."""


def calibrate(
    parameters: Sequence[FreeParameter],
    targets: Sequence[Target],
    simulate: Simulate,
    *,
    evaluations: int,
    pull: float = 0.1,
    watch: Callable[[Trial], None] = lambda trial: None,
) -> Calibration:
    """Return the values of least misfit found in so many evaluations at most; `watch` sees each trial.

    Ctrl-C (KeyboardInterrupt, from the simulation or from `watch`) ends it with the best trial so far, if there is
    one. Raises CalibrationError when nothing may move, nothing is to be fitted or a target cannot be computed.
    """
    if not parameters:
        raise CalibrationError("no parameter is free to move")
    if not targets:
        raise CalibrationError("no observation is there to be fitted")
    if not 0.0 <= pull < math.inf:
        raise CalibrationError(f"a pull of {pull:g} cannot be weighed: it must be a number of 0 or more")
    if evaluations < len(parameters) + 2:
        least = len(parameters) + 2
        raise CalibrationError(f"{evaluations} evaluations are too few; {len(parameters)} free parameters need {least}")
    record = _Record(tuple(parameters), tuple(targets), simulate, pull, watch)
    try:
        ending = _least_squares(record, evaluations)
    except KeyboardInterrupt:
        if not record.trials:
            raise
        ending = "stopped"
    # Among equals the first: values that gain nothing are not moved.
    best = min(record.trials, key=lambda trial: trial.misfit)
    return Calibration(best, tuple(record.trials), ending)


class _Record:
    """Evaluates residuals and keeps every trial."""

    def __init__(
        self,
        parameters: tuple[FreeParameter, ...],
        targets: tuple[Target, ...],
        simulate: Simulate,
        pull: float,
        watch: Callable[[Trial], None],
    ) -> None:
        self._parameters = parameters
        self._targets = targets
        self._simulate = simulate
        self._pull = pull
        self._watch = watch
        self._low = np.array([each.low for each in parameters])
        self._high = np.array([each.high for each in parameters])
        self.start = np.array([each.part(each.value) for each in parameters])
        self.trials: list[Trial] = []
        self._known: dict[bytes, FloatArray] = {}

    def residuals(self, parts: FloatArray) -> FloatArray:
        """Return the residuals [targets + parameters] at values given as parts of their ranges."""
        key = parts.tobytes()
        if key not in self._known:
            self._known[key] = self._evaluate(parts)
        return self._known[key]

    def knows(self, parts: FloatArray) -> bool:
        """Say whether these values have been tried."""
        return parts.tobytes() in self._known

    @property
    def best(self) -> FloatArray:
        """The parts of the ranges of the best trial so far."""
        values: FloatArray = min(self.trials, key=lambda trial: trial.misfit).values
        parts: FloatArray = (values - self._low) / (self._high - self._low)
        return parts

    def _evaluate(self, parts: FloatArray) -> FloatArray:
        # The start is its value to the last bit, which low + part * width need not be.
        moved = self._low + parts * (self._high - self._low)
        given = np.array([each.value for each in self._parameters])
        values = np.where(parts == self.start, given, moved)
        simulated = np.asarray(self._simulate(values), dtype=np.float64)
        for target, value in zip(self._targets, simulated, strict=True):
            if not math.isfinite(value):
                tried = ", ".join(f"{each.name}={v:g}" for each, v in zip(self._parameters, values, strict=True))
                raise CalibrationError(f"observation {target.name} cannot be computed with {tried}")
        fit = np.array([each.residual(v) for each, v in zip(self._targets, simulated, strict=True)])
        residuals = np.concatenate([fit, self._pull * 2.0 * (parts - self.start)])
        in_range = sum(bool(each.low <= v <= each.high) for each, v in zip(self._targets, simulated, strict=True))
        trial = Trial(len(self.trials) + 1, values, simulated, float(residuals @ residuals) / 2.0, in_range)
        self.trials.append(trial)
        self._watch(trial)
        return residuals


class _Ended(BaseException):
    """Leaves the library's loop: as an Exception it would be taken for a failure of the simulation."""

    def __init__(self, ending: Ending) -> None:
        self.ending: Ending = ending
        super().__init__(ending)


def _least_squares(record: _Record, evaluations: int) -> Ending:
    """Let POUNDERS look for the least squares; what it tries is in the record.

    It first steps upwards along every axis, so a parameter in the upper half of its range is turned round. It ends
    where it proposes values within `LAST_STEP` of the best so far.
    """
    turned = record.start > 0.5
    failed: list[ConfiguratorError] = []

    def parts_of(x: FloatArray) -> FloatArray:
        # 1 - (1 - start) need not be the start to the last bit; what did not move is taken as it is.
        return np.clip(np.where(x == began, record.start, np.where(turned, 1.0 - x, x)), 0.0, 1.0)

    def residuals(x: FloatArray) -> FloatArray:
        parts = parts_of(x)
        if not record.knows(parts):
            if len(record.trials) > len(began) and np.abs(parts - record.best).max() < LAST_STEP:
                raise _Ended("converged")
            if len(record.trials) == evaluations:
                raise _Ended("evaluations used up")
        try:
            return record.residuals(parts)
        except ConfiguratorError as error:
            failed.append(error)
            raise _Ended("stopped") from error

    began = np.where(turned, 1.0 - record.start, record.start)
    try:
        optimagic.minimize(
            optimagic.mark.least_squares(residuals),
            began,
            algorithm="pounders",
            bounds=optimagic.Bounds(lower=np.zeros(len(began)), upper=np.ones(len(began))),
            algo_options={"trustregion_initial_radius": FIRST_STEP, "trustregion_minimal_radius": LAST_STEP / 2.0},
        )
    except _Ended as end:
        if failed:
            raise failed[0] from None
        return end.ending
    return "converged"
