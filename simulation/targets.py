"""Targets: what an objective's value must keep with a stated probability, judged over replications.

A target holds in a replication (one future: what chance brings and, where parameters are drawn, what is not known).
Its probability is the share of such futures in which it holds.

- Fewer than ENOUGH replications: normal, from the mean and a variance weighed with today's, as many replications as
  PRIOR_WEIGHT says (the same shrinkage as where replications are allotted). What the drawn futures did to today, which
  met more of them, is taken off the mean (control variate with coefficient 1). No interval is stated.
- From ENOUGH on: how often it held, with Jeffreys' interval (Brown, Cai and DasGupta 2001, "Interval estimation for a
  binomial proportion", Statistical Science 16(2): 101-133, section 3.1.2): quantiles of Beta(k + 1/2, n - k + 1/2), 0
  and 1 at the ends. `assurance` is the same posterior's probability that the target is kept as often as asked.
"""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from math import floor, sqrt

import numpy as np
from scipy.special import betainc, betaincinv, ndtr, ndtri

from instances.instance import Instance
from instances.tables import Objective
from simulation.ledgers.chart import FloatArray

MISSED = "target"
"""First word of the flag of a plan that misses a target."""
ENOUGH = 10
PRIOR_WEIGHT = 4.0
JEFFREYS = 0.5
SURE = 0.95
"""A plan surely keeps a target from this assurance on, and surely does not keep it below its complement."""


@dataclass(frozen=True)
class Target:
    """A target: its objective, the limit, whether the value must stay under it, how likely at least, its scale."""

    objective: str
    expression: str
    limit: float
    is_ceiling: bool
    probability: float
    width: float

    def __str__(self) -> str:
        """Return it in words: `wait at most 30 with probability 0.9`."""
        return f"{self.objective} {'at most' if self.is_ceiling else 'at least'} {self.limit:g}"

    def slack(self, values: FloatArray) -> FloatArray:
        """Return by how much values keep the limit, in widths of the objective's scale; below 0: not kept."""
        found: FloatArray = (self.limit - values if self.is_ceiling else values - self.limit) / self.width
        return found


@dataclass(frozen=True)
class Keeping:
    """How likely a plan keeps a target; low and high: 95 % interval, 0 and 1 while replications are few.

    assurance: that the asked probability is reached. excess: by how much the slack is short of what is asked, in
    widths of the objective's scale; 0 when the target is kept as likely as asked.
    """

    probability: float
    low: float
    high: float
    assurance: float
    excess: float

    @property
    def is_sure(self) -> bool:
        """Whether the target is surely kept as likely as asked."""
        return self.assurance >= SURE

    @property
    def is_decided(self) -> bool:
        """Whether it is sure that the target is, or is not, kept as likely as asked."""
        return self.is_sure or self.assurance <= 1.0 - SURE


def targets_of(instance: Instance) -> tuple[Target, ...]:
    """Return the targets of an instance, in the order of its objectives."""
    default = 1.0 - instance.settings.economics.overrun_probability
    return tuple(_target(row, default) for row in instance.objectives if row.target is not None)


def _target(row: Objective, default: float) -> Target:
    return Target(
        objective=row.objective,
        expression=row.expression,
        limit=row.target or 0.0,
        is_ceiling=row.direction in ("minimise", "at_most"),
        probability=default if row.probability is None else row.probability,
        width=row.high - row.low if row.high > row.low else 1.0,
    )


def keeping(
    target: Target, values: FloatArray, today: FloatArray | None = None, usual: FloatArray | None = None
) -> Keeping:
    """Return how likely a target is kept by values [replication]; an undefined value (nan) does not keep it.

    today: today's values in the same replications; usual: today's in all that are known, for when there are few.
    """
    slack = target.slack(values)
    if len(slack) >= ENOUGH or np.isnan(slack).any():
        return _counted(target, slack)
    reference = None if today is None or usual is None else (target.slack(today), target.slack(usual))
    return _normal(target, slack, reference)


def _normal(target: Target, slack: FloatArray, reference: tuple[FloatArray, FloatArray] | None) -> Keeping:
    mean, squares = float(slack.mean()), float(((slack - slack.mean()) ** 2).sum())
    variance = squares / (len(slack) - 1) if len(slack) > 1 else 0.0
    if reference is not None and len(reference[1]) > 1 and not np.isnan(np.concatenate(reference)).any():
        here, everywhere = reference
        mean += float(everywhere.mean() - here.mean())
        weighed = PRIOR_WEIGHT * float(everywhere.var(ddof=1)) + squares
        variance = weighed / (PRIOR_WEIGHT + len(slack) - 1)
    asked = float(ndtri(min(target.probability, 1.0 - 1e-9)))
    excess = max(0.0, asked * sqrt(variance) - mean)
    if variance > 0.0:
        probability = float(ndtr(mean / sqrt(variance)))
        # of the mean: the normal posterior that it leaves the slack asked for
        assurance = float(ndtr((mean - asked * sqrt(variance)) / sqrt(variance / len(slack))))
    else:
        probability = assurance = float(mean >= 0.0)
    return Keeping(probability, 0.0, 1.0, assurance, excess)


def _counted(target: Target, slack: FloatArray) -> Keeping:
    count, known = len(slack), np.where(np.isnan(slack), -1.0, slack)
    kept = int((known >= 0.0).sum())
    low, high = jeffreys(kept, count)
    allowed = floor((1.0 - target.probability) * count + 1e-9)
    worst = float(np.sort(known)[min(allowed, count - 1)])
    assurance = _assurance(kept, count, target.probability)
    return Keeping(kept / count, low, high, assurance, max(0.0, -worst) if kept < count - allowed else 0.0)


def jeffreys(kept: int, count: int, confidence: float = 0.95) -> tuple[float, float]:
    """Return Jeffreys' interval of a probability from how often something happened.

    >>> [round(end, 4) for end in jeffreys(9, 10)], jeffreys(10, 10)[1]
    ([0.6187, 0.989], 1.0)
    """
    tail = (1.0 - confidence) / 2.0
    first, second = kept + JEFFREYS, count - kept + JEFFREYS
    low = 0.0 if kept == 0 else float(betaincinv(first, second, tail))
    high = 1.0 if kept == count else float(betaincinv(first, second, 1.0 - tail))
    return low, high


def fewest_to_be_sure(probability: float) -> int | None:
    """Return the replications that it takes to be sure of a target, if it is kept in all of them; None: never sure.

    >>> fewest_to_be_sure(0.9), fewest_to_be_sure(0.95), fewest_to_be_sure(1.0)
    (18, 38, None)
    """
    if probability >= 1.0:
        return None
    enough = ENOUGH
    while _assurance(enough, enough, probability) < SURE:
        enough *= 2
    return bisect_left(range(enough), SURE, lo=ENOUGH, key=lambda count: _assurance(count, count, probability))


def _assurance(kept: int, count: int, probability: float) -> float:
    """Return the posterior probability that a target kept so often is kept as often as asked."""
    return 1.0 - float(betainc(kept + JEFFREYS, count - kept + JEFFREYS, probability))


def missed(targets: Sequence[Target], kept: Sequence[Keeping]) -> tuple[str, ...]:
    """Return in words the targets that are kept less likely than asked."""
    return tuple(
        f"{MISSED}: {target} kept with probability {found.probability:.2f} where {target.probability:g} is asked"
        for target, found in zip(targets, kept, strict=True)
        if found.excess > 0.0
    )
