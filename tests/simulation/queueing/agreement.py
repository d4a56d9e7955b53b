"""When simulated and exact values agree: each standard error small enough, each z within bounds, all z together."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from simulation.twin import Twin
from tests.simulation.queueing.measures import Log
from tests.simulation.queueing.systems import System

FloatArray = npt.NDArray[np.float64]
Read = Callable[[Log], float | Sequence[float]]

TIGHT = 0.02  # largest standard error, as a share of the value
LOOSE = 0.05  # of waits above 85 % utilisation
BEYOND_THREE = 0.0027  # share of normal z values beyond 3
FARTHEST = 4.5
SEED = 1


@dataclass(frozen=True)
class Measure:
    """One exact value, how a log shows it, and how small its standard error must be."""

    name: str
    exact: float
    read: Read
    limit: float = TIGHT
    is_deviation: bool = False  # then `read` gives first and second moment

    def estimates(self, values: Sequence[float | Sequence[float]]) -> FloatArray:
        """One number a replication, whose mean is the estimate and whose spread gives its standard error."""
        array = np.array(values, dtype=np.float64)
        if not self.is_deviation:
            return array
        # Linearised around the pooled moments: sd = sqrt(m2 - m1^2).
        first, second = array.mean(axis=0)
        deviation = np.sqrt(second - first**2)
        return deviation + ((array[:, 1] - second) - 2.0 * first * (array[:, 0] - first)) / (2.0 * deviation)


@dataclass(frozen=True)
class Case:
    """One row of a table (or the rows of one system): a system and what is known of it."""

    name: str
    system: System
    measures: Sequence[Measure]
    replications: int = 40


@dataclass(frozen=True)
class Comparison:
    """A simulated value beside the exact one."""

    name: str
    exact: float
    mean: float
    standard_error: float
    limit: float

    @property
    def z(self) -> float:
        return (self.mean - self.exact) / self.standard_error

    @property
    def relative_error(self) -> float:
        return self.standard_error / abs(self.exact)

    def __str__(self) -> str:
        return (
            f"{self.name}: twin {self.mean:.6g} +- {self.standard_error:.2g} ({100.0 * self.relative_error:.2f} %), "
            f"exact {self.exact:.6g}, z {self.z:+.2f}"
        )


def compared(case: Case, folder: Path) -> list[Comparison]:
    """Write the case's instance, run its replications, and set what they show beside the exact values."""
    instance = case.system.write(folder)

    def replication(number: int) -> list[float | Sequence[float]]:
        twin = Twin(instance, seed=SEED)  # one each: a twin remembers its states at time 0
        log = Log(twin.run(twin.today, 0, number), case.system.length)
        return [measure.read(log) for measure in case.measures]

    with ThreadPoolExecutor(2) as pool:
        rows = list(pool.map(replication, range(case.replications)))
    found = []
    for measure, values in zip(case.measures, zip(*rows, strict=True), strict=True):
        numbers = measure.estimates(values)
        error = float(numbers.std(ddof=1) / np.sqrt(len(numbers)))
        name = f"{case.name} {measure.name}"
        found.append(Comparison(name, measure.exact, float(numbers.mean()), error, measure.limit))
    return found


def faults_alone(comparisons: Sequence[Comparison]) -> list[str]:
    """What is wrong with comparisons one by one: proves nothing, or too far off."""
    return [
        f"{each}: standard error above {100.0 * each.limit:g} %"
        for each in comparisons
        if not each.relative_error <= each.limit
    ] + [f"{each}: beyond {FARTHEST:g}" for each in comparisons if not abs(each.z) <= FARTHEST]


def faults_together(comparisons: Sequence[Comparison]) -> list[str]:
    """What is wrong with all comparisons together: too many beyond 3, or standard errors that are wrong."""
    z = np.array([each.z for each in comparisons])
    beyond = [str(each) for each in comparisons if abs(each.z) > 3.0]
    faults = []
    if len(beyond) > BEYOND_THREE * len(z) + 2:
        faults.append(f"{len(beyond)} of {len(z)} beyond 3: " + "; ".join(beyond))
    if not 0.7 <= z.std(ddof=1) <= 1.3:
        faults.append(f"the standard deviation of {len(z)} z values is {z.std(ddof=1):.3f}")
    return faults
