"""Who dominates whom, and how much a front covers; the only place where directions are turned into costs.

Everything here works on *costs*: shape [plan, objective], least is best, 0 at an objective's good bound and 1 at its
bad one. Bounds are fixed in the instance, so that hypervolumes of different runs compare.
"""

from collections.abc import Sequence

import moocore
import numpy as np
from numpy.typing import NDArray

from instances.tables import Objective

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
RESAMPLES = 1000


def costs(values: Floats, objectives: Sequence[Objective]) -> Floats:
    """Return objective values [..., objective] as costs; an objective whose bounds are equal is left unscaled.

    >>> from instances.tables import Objective
    >>> more = Objective(objective="a", expression="a", direction="maximise", low=0, high=10)
    >>> costs(np.array([[10.0], [2.0]]), [more]).tolist()
    [[0.0], [0.8]]
    """
    rising = np.array([objective.direction == "maximise" for objective in objectives])
    low = np.array([objective.low for objective in objectives])
    high = np.array([objective.high for objective in objectives])
    width = np.where(high > low, high - low, 1.0)
    scaled: Floats = np.where(rising, high - values, values - low) / width
    return scaled


def nondominated(points: Floats) -> Flags:
    """Return which cost vectors no other dominates; of equal ones all are kept. NaN is refused."""
    if not len(points):
        return np.zeros(0, dtype=bool)
    _refuse_nan(points)
    kept: Flags = np.asarray(moocore.is_nondominated(points, keep_weakly=True), dtype=bool)
    return kept


def hypervolume(points: Floats) -> float:
    """Return the part of the unit box that cost vectors dominate; what lies beyond a bad bound counts nothing.

    >>> hypervolume(np.array([[0.5, 0.5]]))
    0.25
    """
    _refuse_nan(points)
    inside = points[(points < 1.0).all(axis=1)] if len(points) else points
    if not len(inside):
        return 0.0
    return float(moocore.hypervolume(np.maximum(inside, 0.0), ref=np.ones(inside.shape[1])))


def spread_out(points: Floats, count: int) -> list[int]:
    """Return so many points that stand for all: the best of each cost, then whichever is farthest from those taken.

    Farthest-first traversal (Gonzalez 1985, "Clustering to minimize the maximum intercluster distance"): no point
    is farther from a taken one than twice the least possible. Ties go to the first; the order given is kept.

    >>> spread_out(np.array([[0.0, 1.0], [0.1, 0.9], [0.5, 0.5], [1.0, 0.0]]), 3)
    [0, 2, 3]
    """
    if len(points) <= count:
        return list(range(len(points)))
    taken = list(dict.fromkeys(int(column.argmin()) for column in points.T))[:count]
    distance = np.min([np.linalg.norm(points - points[index], axis=1) for index in taken], axis=0)
    while len(taken) < count:
        taken.append(int(distance.argmax()))
        distance = np.minimum(distance, np.linalg.norm(points - points[taken[-1]], axis=1))
    return sorted(taken)


def probability_nondominated(points: Floats, random: np.random.Generator) -> Floats:
    """Return each plan's probability of being non-dominated, given costs [plan, replication, objective].

    Replications are paired (same people, same luck), so they are redrawn together: the bootstrap of their means.
    """
    plans, replications, _ = points.shape
    if not plans:
        return np.zeros(0)
    kept = np.zeros(plans)
    for _ in range(RESAMPLES):
        drawn = random.integers(replications, size=replications)
        kept += nondominated(points[:, drawn].mean(axis=1))
    return kept / RESAMPLES


def _refuse_nan(points: Floats) -> None:
    if np.isnan(points).any():
        raise ValueError("a cost is not a number: failed evaluations must be left out before fronts are compared")
