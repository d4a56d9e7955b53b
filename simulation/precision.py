"""How many replications: until the half-width of chosen intervals is small enough, or a stated maximum."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from simulation.estimates import Estimate, estimate

LEAST_REPLICATIONS = 5
"""Fewer say too little of the spread to stop by it."""


@dataclass(frozen=True)
class Goal:
    """The half-width that the 95 % interval of an indicator expression is to have.

    half_width: in the expression's unit, or as a part of its mean when `relative`.
    """

    expression: str
    half_width: float
    relative: bool = False

    def asked(self, mean: float) -> float:
        """Return the half-width asked for, in the expression's unit."""
        return self.half_width * abs(mean) if self.relative else self.half_width


@dataclass(frozen=True)
class Standing:
    """A goal and what has been reached."""

    goal: Goal
    estimate: Estimate

    @property
    def half_width(self) -> float:
        """Half the width of the interval."""
        return 0.5 * (self.estimate.high - self.estimate.low)

    @property
    def is_reached(self) -> bool:
        """Say whether the interval is narrow enough; never when it is of fewer than two values."""
        return self.estimate.replications > 1 and self.half_width <= self.goal.asked(self.estimate.mean)


def standings(goals: Sequence[Goal], values: Sequence[Sequence[float]]) -> tuple[Standing, ...]:
    """Return where each goal stands; values: [goal][replication]."""
    return tuple(Standing(goal, estimate(found)) for goal, found in zip(goals, values, strict=True))


def replications_next(standing: Sequence[Standing], done: int, most: int) -> int:
    """Return how many replications to have next; `done` when all goals are reached, or at the maximum.

    A half-width h shrinks with the root of the number n: n (h / asked)^2 should do. At most twice as many at a
    time, since the spread that this goes by is itself an estimate.
    """
    short = [each for each in standing if not each.is_reached]
    if not short:
        return done
    ratios = []
    for each in short:
        asked = each.goal.asked(each.estimate.mean)
        ratios.append(each.half_width / asked if asked > 0.0 and each.estimate.replications > 1 else math.inf)
    wanted = min(done * max(ratios) ** 2, 2.0 * done)
    return min(most, max(done + 1, math.ceil(wanted)))
