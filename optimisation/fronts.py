"""Who dominates whom, and how much a front covers; the only place where directions are turned into costs.

Everything here works on *costs*: shape [plan, objective], least is best, 0 at an objective's good bound and 1 at its
bad one. Bounds are fixed in the instance, so that hypervolumes of different runs compare.
"""

from collections.abc import Callable, Sequence

import moocore
import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

from instances.tables import Objective

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Counts = NDArray[np.int64]
RESAMPLES = 1000
MARGIN = 0.01
"""Indifference: plans that differ by less than this part of an objective's scale are as good as each other in it."""
DOUBT = 0.05
"""Share of a front's plans that may be expected to be dominated by more than the margin."""
CLEAR = 3.0
"""Standard errors by which a paired difference is beyond doubt (one in 200 by chance with 10 replications)."""


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


def probability_nondominated(
    points: Callable[[Counts], Floats], shape: tuple[int, int], random: np.random.Generator, resamples: int = RESAMPLES
) -> Floats:
    """Return each plan's probability of being non-dominated on shape = (plans, replications).

    Replications are paired (same people, same luck), so they are redrawn together; `points` gives the costs
    [plan, objective] of all plans on replications redrawn by number. Redrawing n values gives their mean (n - 1)/n of
    the variance that their sample says, and takes that for the true one. What was redrawn is therefore spread from what
    was found by sqrt(n / (n-1)), and by the deviate of an unknown variance, sqrt((n-1) / chi2(n-1)): a normal mean gets
    its posterior, Student's t (Box and Tiao 1973, Bayesian Inference in Statistical Analysis, section 2.4).
    """
    if not shape[0]:
        return np.zeros(0)
    drawn = redrawn(points, shape, random, resamples)
    kept: Floats = np.mean([nondominated(one) for one in drawn], axis=0)
    return kept


def hypervolume_interval(
    points: Callable[[Counts], Floats],
    shape: tuple[int, int],
    random: np.random.Generator,
    resamples: int = RESAMPLES,
    confidence: float = 0.95,
) -> tuple[float, float]:
    """Return an interval of the hypervolume that plans have in truth; see `probability_nondominated` of what is given.

    Quantiles of the hypervolumes that redrawn replications give (Efron 1979, "Bootstrap methods: another look at the
    jackknife", The Annals of Statistics 7(1): 1-26). All plans are redrawn together: luck that they share moves a front
    as a whole. One replication tells nothing but that a hypervolume lies between 0 and 1; no plan has none.
    """
    if not shape[0]:
        return 0.0, 0.0
    if shape[1] < 2:
        return 0.0, 1.0
    found = [hypervolume(one) for one in redrawn(points, shape, random, resamples)]
    low, high = np.quantile(found, [0.5 - confidence / 2.0, 0.5 + confidence / 2.0])
    return float(low), float(high)


def redrawn(
    points: Callable[[Counts], Floats], shape: tuple[int, int], random: np.random.Generator, resamples: int = RESAMPLES
) -> Floats:
    """Return what the costs of plans may be [resample, plan, objective]: see `probability_nondominated`."""
    replications = shape[1]
    found = points(np.arange(replications))
    if replications < 2:
        return found[None]
    drawn = []
    for _ in range(resamples):
        other = points(random.integers(replications, size=replications))
        drawn.append(found + np.sqrt(replications / random.chisquare(replications - 1)) * (other - found))
    return np.array(drawn)


def dominated_beyond(points: Floats, margin: float) -> Flags:
    """Return which cost vectors [..., plan, objective] another dominates, by more than a margin in some objective.

    >>> dominated_beyond(np.array([[0.0, 0.5], [0.1, 0.5], [0.005, 0.6]]), 0.05).tolist()
    [False, True, True]
    """
    found: Flags = np.any(_beats(points, margin), axis=-1)
    return found


def dominated_by(points: Floats, others: Floats) -> Flags:
    """Return which cost vectors [..., plan, objective] are dominated by one of others [..., plan, objective].

    >>> dominated_by(np.array([[0.0, 0.5], [0.1, 0.5]]), np.array([[0.0, 0.5], [1.0, 1.0]])).tolist()
    [False, True]
    """
    behind = points[..., :, None, :] - others[..., None, :, :]
    found: Flags = np.any(np.all(behind >= 0.0, axis=-1) & np.any(behind > 0.0, axis=-1), axis=-1)
    return found


def undoubted(drawn: Floats, margin: float = MARGIN, share: float = DOUBT) -> list[int]:
    """Return the plans of a front of which at most a share is expected to be dominated by more than a margin.

    drawn: what the costs of plans may be [resample, plan, objective]. The likeliest to be dominated is left out first,
    the last of equal ones, and what it dominated is free of it, until the mean probability of those left is at most
    the share (the direct posterior bound on false discoveries: Newton, Noueiry, Sarkar and Ahlquist 2004, "Detecting
    differential gene expression with a semiparametric hierarchical mixture method", Biostatistics 5(2): 155-176).
    """
    left = list(range(drawn.shape[1]))
    beats = _beats(drawn, margin)  # [resample, plan, by]
    while len(left) > 1:
        beaten = np.any(beats[:, left][:, :, left], axis=2).mean(axis=0)
        if float(beaten.mean()) <= share:
            break
        worst = len(left) - 1 - int(np.argmax(beaten[::-1]))
        del left[worst]
    return left


def _beats(points: Floats, margin: float) -> Flags:
    """Return [..., plan, by]: by is nowhere worse and somewhere better by more than the margin."""
    behind = points[..., :, None, :] - points[..., None, :, :]
    found: Flags = np.all(behind >= 0.0, axis=-1) & np.any(behind > margin, axis=-1)
    return found


def clearly_dominated(costs_: Floats, by: Flags | None = None) -> Flags:
    """Return which plans another one dominates beyond doubt, given costs [plan, replication, objective].

    by: which plans [plan] may be that other one; None: all.

    Beyond doubt: in every objective the paired mean difference is at least CLEAR times its standard error, and in
    some it is not zero. With one replication nothing is beyond doubt.
    """
    plans, replications, _ = costs_.shape
    _refuse_nan(costs_)
    if replications < 2:
        return np.zeros(plans, dtype=bool)
    beaten = np.zeros(plans, dtype=bool)
    others = costs_ if by is None else costs_[by]
    for plan in range(plans if len(others) else 0):
        behind = costs_[plan] - others
        mean, error = behind.mean(axis=1), behind.std(axis=1, ddof=1) / np.sqrt(replications)
        beaten[plan] = bool(((mean >= CLEAR * error).all(axis=1) & (mean > 0.0).any(axis=1)).any())
    return beaten


def alike_groups(costs_: Floats) -> list[int]:
    """Return a group number for each plan, from 1: plans of one group cannot be told apart in any objective.

    Given costs [plan, replication, objective]. Two plans are alike when each paired mean difference lies within
    Student's t interval of 95 % for all objectives together (Bonferroni). A plan joins the first group with all of
    which it is alike.
    """
    plans, replications, objectives = costs_.shape
    _refuse_nan(costs_)
    groups: list[list[int]] = []
    found = []
    wide = float(stdtrit(replications - 1, 1.0 - 0.025 / objectives)) if replications > 1 else 0.0
    for plan in range(plans):
        behind = costs_[plan] - costs_
        error = behind.std(axis=1, ddof=1) / np.sqrt(replications) if replications > 1 else np.zeros_like(behind[:, 0])
        alike = (np.abs(behind.mean(axis=1)) <= wide * error).all(axis=1)
        number = next((n for n, group in enumerate(groups) if alike[group].all()), len(groups))
        if number == len(groups):
            groups.append([])
        groups[number].append(plan)
        found.append(number + 1)
    return found


def _refuse_nan(points: Floats) -> None:
    if np.isnan(points).any():
        raise ValueError("a cost is not a number: failed evaluations must be left out before fronts are compared")
