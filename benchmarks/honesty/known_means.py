"""A problem whose answers are known: plans with stated means, their replications correlated as common numbers do.

Whatever a front says of plans (intervals, probabilities of being non-dominated, of keeping a target) can be held
against the truth on it thousands of times, at no simulation cost.

Each replication of plan i is mean_i + SPREAD (sqrt(CRN) common + sqrt(1 - CRN) own_i), common and own of unit variance
and correlated between objectives: a parameter draw moves all plans alike. Plans are those that a search would hand
over: of a cloud whose gaps are of the size of the noise, those non-dominated when looked at with few replications.
"""

import csv
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from configurator.runs.store import write_atomically
from optimisation.fronts import Floats, hypervolume, hypervolume_interval, nondominated, probability_nondominated
from simulation.estimates import estimate, quantile_interval
from simulation.targets import Target, keeping

OBJECTIVES = 3
CLOUD = 40
LOOKED = 2
"""Replications of the search in which the plans were picked."""
SPREAD = 0.1
CRN = 0.9
QUANTILE = float(ndtr(-1.0))
RESAMPLES = 200
BINS = 10

Draws = Callable[[tuple[int, ...], np.random.Generator], Floats]


def _normal(shape: tuple[int, ...], random: np.random.Generator) -> Floats:
    return random.standard_normal(shape)


def _gamma(shape: tuple[int, ...], random: np.random.Generator) -> Floats:
    """Skewness sqrt(2)."""
    found: Floats = (random.gamma(2.0, 1.0, shape) - 2.0) / np.sqrt(2.0)
    return found


LAWS: Mapping[str, Draws] = MappingProxyType(
    {
        "normal": _normal,
        "skewed up": _gamma,
        "skewed down": lambda shape, random: -_gamma(shape, random),
    }
)


@dataclass(frozen=True)
class Known:
    """Plans picked by a search, and fresh replications of them."""

    means: Floats  # [plan, objective]
    values: Floats  # [plan, replication, objective] as costs


@dataclass
class Tally:
    """What was stated, and whether it was so."""

    covered: list[bool]
    quantile_covered: list[bool]
    target_covered: list[bool]
    hypervolume_covered: list[bool]
    stated: list[float]
    true: list[bool]

    @classmethod
    def empty(cls) -> "Tally":
        """Return a tally of nothing."""
        return cls([], [], [], [], [], [])

    def reliability(self) -> list[tuple[float, float, int]]:
        """Return (mean stated probability, share that was so, how many) of each tenth that holds any."""
        stated, true = np.array(self.stated), np.array(self.true, dtype=float)
        tenth = np.minimum((stated * BINS).astype(int), BINS - 1)
        return [
            (float(stated[tenth == k].mean()), float(true[tenth == k].mean()), int((tenth == k).sum()))
            for k in range(BINS)
            if (tenth == k).any()
        ]

    @property
    def error(self) -> float:
        """Mean difference between stated probability and share that was so, tenths weighed by how many they hold."""
        rows = self.reliability()
        return sum(count * abs(stated - found) for stated, found, count in rows) / sum(count for _, _, count in rows)


def known(law: Draws, replications: int, random: np.random.Generator) -> Known:
    """Return a problem: the plans that a short look at a cloud of plans picks, and fresh replications of these."""
    directions = np.abs(random.standard_normal((CLOUD, OBJECTIVES)))
    means = directions / np.linalg.norm(directions, axis=1, keepdims=True) * -1.0
    means = means + random.exponential(SPREAD, (CLOUD, 1))  # behind the true front by about the noise
    mixing = random.standard_normal((OBJECTIVES, OBJECTIVES))
    mixing /= np.linalg.norm(mixing, axis=1, keepdims=True)
    picked = nondominated(_replicated(means, law, mixing, LOOKED, random).mean(axis=1))
    return Known(means[picked], _replicated(means[picked], law, mixing, replications, random))


def _replicated(means: Floats, law: Draws, mixing: Floats, count: int, random: np.random.Generator) -> Floats:
    common = law((1, count, OBJECTIVES), random)
    own = law((len(means), count, OBJECTIVES), random)
    noise = np.sqrt(CRN) * common + np.sqrt(1.0 - CRN) * own
    # rows of unit length keep the variance; the first objective keeps the law's own shape
    mixed = noise @ mixing.T
    mixed[..., 0] = noise[..., 0]
    found: Floats = means[:, None] + SPREAD * mixed
    return found


def study(law_name: str, replications: int, repetitions: int, seed: int) -> Tally:
    """Return what was stated of the plans of so many problems, and whether it was so."""
    law, random = LAWS[law_name], np.random.Generator(np.random.Philox(np.random.SeedSequence([seed, replications])))
    reference = _unit_noise(law, random)
    unit_quantile = float(np.quantile(reference, QUANTILE))
    limit = float(np.quantile(reference, 0.85))
    tally = Tally.empty()
    for _ in range(repetitions):
        problem = known(law, replications, random)
        _tell(tally, problem, unit_quantile, limit, random)
    return tally


def _unit_noise(law: Draws, random: np.random.Generator) -> Floats:
    """Return a large sample of one plan's noise in the first objective, in units of SPREAD."""
    common, own = law((500_000,), random), law((500_000,), random)
    found: Floats = np.sqrt(CRN) * common + np.sqrt(1.0 - CRN) * own
    return found


def _tell(tally: Tally, problem: Known, unit_quantile: float, limit: float, random: np.random.Generator) -> None:
    means, values = problem.means, problem.values
    plan = int(random.integers(len(means)))  # one plan a problem: those of one problem share their luck
    for objective in range(OBJECTIVES):
        found = estimate(values[plan, :, objective])
        tally.covered.append(bool(found.low <= means[plan, objective] <= found.high))
    first = values[plan, :, 0]
    low, high = quantile_interval(first, QUANTILE)
    tally.quantile_covered.append(bool(low <= means[plan, 0] + SPREAD * unit_quantile <= high))
    target = Target("first", "first", means[plan, 0] + SPREAD * limit, True, 0.9, 1.0)
    kept = keeping(target, first)
    tally.target_covered.append(bool(kept.low <= 0.85 <= kept.high))

    def points(numbers: NDArray[np.int64]) -> Floats:
        drawn: Floats = values[:, numbers].mean(axis=1)
        return drawn

    def costs(numbers: NDArray[np.int64]) -> Floats:
        return _in_box(points(numbers))

    shape = (len(means), values.shape[1])
    low, high = hypervolume_interval(costs, shape, random)
    tally.hypervolume_covered.append(low <= hypervolume(_in_box(means)) <= high)
    tally.stated.extend(probability_nondominated(points, shape, random, RESAMPLES).tolist())
    tally.true.extend(nondominated(means).tolist())


def _in_box(points: Floats) -> Floats:
    """Return points as costs between 0 and 1, which are worth something, noise and all."""
    found: Floats = 0.2 + 0.5 * (points + 1.0)
    return found


STATEMENTS = {
    f"intervals of {what} that cover": (93.0, 97.0) for what in ("means", "quantiles", "a front's hypervolume")
}
"""What is measured and the range it is to lie in, in percent."""
TABLE = Path(__file__).parent / "known_means.csv"


def write_study(repetitions: int) -> None:
    """Write the table of what is stated and what is true, for each law, on 10 and 30 replications."""
    records: list[tuple[str, str, str]] = []
    for law in LAWS:
        for replications in (10, 30):
            found, case = study(law, replications, repetitions, seed=1), f"{law}, {replications} replications"
            means = 100.0 * float(np.mean(found.covered))
            quantiles = 100.0 * float(np.mean(found.quantile_covered))
            records.append((case, "intervals of means that cover", f"{means:.2f}"))
            volumes = 100.0 * float(np.mean(found.hypervolume_covered))
            records.append((case, "intervals of quantiles that cover", f"{quantiles:.2f}"))
            records.append((case, "intervals of a front's hypervolume that cover", f"{volumes:.2f}"))
            records += [
                (case, f"so of {count} plans said to be non-dominated with {100 * stated:.0f} %", f"{100 * true:.1f}")
                for stated, true, count in found.reliability()
            ]
    text = StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerows([("case", "what", "value"), *records])
    write_atomically(TABLE, text.getvalue())


def statements() -> list[dict[str, str]]:
    """Return the table, empty where it was not made."""
    if not TABLE.exists():
        return []
    with TABLE.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))
