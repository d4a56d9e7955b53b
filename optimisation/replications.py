"""Which plans deserve more replications: those of which it is in doubt whether another one dominates them.

After MOCBA (Lee, Chew, Teng and Goldsman 2010, "Finding the non-dominated Pareto set for multi-objective simulation
models", IIE Transactions 42(9): 656-674): each plan's rival is the plan that most likely dominates it, the probability
being a product over objectives; the objective in which the rival is least surely better decides; replications go in
proportion to variance over squared difference there. Adapted to common random numbers: replications are keyed, plans
are replicated 0, 1, 2, ... alike, differences are paired, and the variance that counts is that of the difference.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from optimisation.fronts import Floats

SURE = 0.05
"""Doubt ends where a plan is dominated with a probability below this, or above its complement."""
SURE_DEVIATIONS = 1.645
"""Standard errors that part two plans then."""
PRIOR_WEIGHT = 4.0
"""Replications that the pooled variance counts for, beside the plan's own."""
GROWTH = 2
"""A plan gets at most so many times the replications it has, before doubt is looked at again."""


@dataclass(frozen=True)
class Sample:
    """What a plan's replications gave beside today's, as costs."""

    differences: Floats
    """[replication, objective] costs less today's in the same replications; of solvency less a constant, where each
    firm's margin has today's taken off already (`Judgement.made_of`)."""
    offset: Floats
    """[objective] what the value that the search goes by adds to their mean (solvency is a cautious value)."""

    @property
    def count(self) -> int:
        """Replications done."""
        return len(self.differences)

    @property
    def point(self) -> Floats:
        """[objective] costs less today's that the search goes by."""
        mean: Floats = self.differences.mean(axis=0) + self.offset
        return mean


@dataclass(frozen=True)
class Doubt:
    """How likely a plan is dominated by its rival, and how many replications would settle it."""

    plan: int
    rival: int
    probability: float
    wanted: int

    @property
    def size(self) -> float:
        """Nearness to a toss-up: 0.5 at most."""
        return min(self.probability, 1.0 - self.probability)


def pooled_variance(samples: Sequence[Sample]) -> Floats | None:
    """Return the variance of one replication [objective], pooled over plans; None while none has two."""
    repeated = [sample.differences for sample in samples if sample.count > 1]
    if not repeated:
        return None
    squares = np.sum([((one - one.mean(axis=0)) ** 2).sum(axis=0) for one in repeated], axis=0)
    pooled: Floats = squares / sum(len(one) - 1 for one in repeated)
    return pooled


def doubts(samples: Sequence[Sample], most: int) -> list[Doubt]:
    """Return the plans in doubt that may still be replicated, the most doubtful first; ties by position.

    samples: plans near the front, in a fixed order; most: replications that no plan goes beyond.
    """
    variance = pooled_variance(samples)
    if variance is None or len(samples) < 2:
        return []
    near = _Near.of(samples)
    found = [_doubt(number, near, variance, most) for number in range(len(samples))]
    open_ = [doubt for doubt in found if doubt.size > SURE and samples[doubt.plan].count < most]
    return sorted(open_, key=lambda doubt: (-doubt.size, doubt.plan))


def more_replications(samples: Sequence[Sample], most: int) -> list[tuple[int, int]]:
    """Return (plan, replications to reach) in the order of need: plans in doubt, each followed by its rival."""
    wanted: dict[int, int] = {}
    for doubt in doubts(samples, most):
        for plan in (doubt.plan, doubt.rival):
            have = samples[plan].count
            reach = min(most, GROWTH * have, max(doubt.wanted, have + 1))
            if reach > have:
                wanted[plan] = max(wanted.get(plan, 0), reach)
    return list(wanted.items())


@dataclass(frozen=True)
class _Near:
    """Samples as arrays."""

    counts: NDArray[np.int64]
    """[plan] replications done."""
    points: Floats
    """[plan, objective]"""
    differences: Floats
    """[plan, replication, objective]; 0 beyond a plan's own replications."""

    @classmethod
    def of(cls, samples: Sequence[Sample]) -> "_Near":
        """Return samples side by side."""
        counts = np.array([sample.count for sample in samples])
        differences = np.zeros((len(samples), int(counts.max()), samples[0].differences.shape[1]))
        for number, sample in enumerate(samples):
            differences[number, : sample.count] = sample.differences
        return cls(counts, np.array([sample.point for sample in samples]), differences)


def _doubt(plan: int, near: _Near, pooled: Floats, most: int) -> Doubt:
    """Find the rival of a plan and how surely it dominates (Lee et al. 2010, section 3: j_i and its objective)."""
    behind = near.points[plan] - near.points
    spread, shared = _pair_variances(plan, near, pooled)
    better = _probability(behind, spread / shared[:, None])
    chances = better.prod(axis=1)
    chances[plan] = -1.0
    rival = int(np.argmax(chances))
    deciding = int(np.argmin(better[rival]))
    wanted = _wanted(float(behind[rival, deciding]), float(spread[rival, deciding]), most)
    return Doubt(plan, rival, float(chances[rival]), wanted)


def _pair_variances(plan: int, near: _Near, pooled: Floats) -> tuple[Floats, NDArray[np.int64]]:
    """Return variances of the paired differences of a plan to each [plan, objective], and shared replications [plan].

    Each is the pair's own variance, weighed with that of two plans at random.
    """
    shared = np.minimum(near.counts, near.counts[plan])
    is_shared = (np.arange(near.differences.shape[1]) < shared[:, None])[..., None]
    difference = np.where(is_shared, near.differences[plan] - near.differences, 0.0)
    mean = difference.sum(axis=1, keepdims=True) / shared[:, None, None]
    own = (np.where(is_shared, difference - mean, 0.0) ** 2).sum(axis=1)
    weighed: Floats = (PRIOR_WEIGHT * 2.0 * pooled + own) / (PRIOR_WEIGHT + shared - 1)[:, None]
    return weighed, shared


def _probability(behind: Floats, variance: Floats) -> NDArray[np.float64]:
    """Return the probability that the other is really better [objective]; without variance, what is seen."""
    certain = np.where(behind > 0.0, 1.0, np.where(behind < 0.0, 0.0, 0.5))
    error = np.sqrt(variance)
    ratio = np.divide(behind, error, out=np.zeros_like(behind), where=error > 0.0)
    probability: Floats = np.where(error > 0.0, ndtr(ratio), certain)
    return probability


def _wanted(difference: float, variance: float, most: int) -> int:
    """Return the replications after which the difference is so many standard errors (variance over its square)."""
    if difference == 0.0:
        return most
    return min(most, ceil(SURE_DEVIATIONS**2 * variance / difference**2))
