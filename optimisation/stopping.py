"""When a search has gone on long enough: after generations, replications, time, or gains that are only noise."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from optimisation.fronts import Floats, hypervolume

RESAMPLES = 100


class Standing(Protocol):
    """What a rule for stopping looks at."""

    @property
    def number(self) -> int:
        """The generation, from 0."""

    @property
    def hypervolume(self) -> float:
        """Of the front."""

    @property
    def hypervolume_noise(self) -> float | None:
        """Its standard deviation by what replications vary; None: not known."""


class Stops(Protocol):
    """A rule for stopping."""

    def reason(self, standing: Standing) -> str:
        """Say why to stop now; empty: go on."""


@dataclass(frozen=True)
class AfterGenerations:
    """Stop after so many generations."""

    count: int

    def reason(self, standing: Standing) -> str:
        """Say why to stop now; empty: go on."""
        return f"{self.count} generations" if standing.number + 1 >= self.count else ""


@dataclass(frozen=True)
class AfterTime:
    """Stop at the end of the generation in which so many seconds have passed; such a search cannot be repeated."""

    seconds: float
    clock: Callable[[], float] = time.monotonic
    start: float = field(default_factory=time.monotonic)

    def reason(self, standing: Standing) -> str:
        """Say why to stop now; empty: go on."""
        return f"{self.seconds:g} seconds" if self.clock() - self.start >= self.seconds else ""


@dataclass
class WithinNoise:
    """Stop when the hypervolume gained by the last so many generations is less than its standard deviation."""

    patience: int
    volumes: list[float] = field(default_factory=list)

    def reason(self, standing: Standing) -> str:
        """Say why to stop now; empty: go on. To be asked once a generation."""
        self.volumes.append(standing.hypervolume)
        noise = standing.hypervolume_noise
        if noise is None or len(self.volumes) <= self.patience:
            return ""
        gain = self.volumes[-1] - self.volumes[-1 - self.patience]
        if gain > noise:
            return ""
        return f"the last {self.patience} generations gained {gain:.2g} of hypervolume, noise is {noise:.2g}"


def first_reason(rules: Sequence[Stops], standing: Standing) -> str:
    """Return the first rule's reason to stop; all rules are asked."""
    reasons = [rule.reason(standing) for rule in rules]
    return next((reason for reason in reasons if reason), "")


def hypervolume_noise(points: Floats, errors: Floats, random: np.random.Generator) -> float:
    """Return the standard deviation of a front's hypervolume when each cost moves by its standard error.

    points, errors: [plan, objective] costs and their standard errors.
    """
    volumes = [hypervolume(points + errors * random.standard_normal(points.shape)) for _ in range(RESAMPLES)]
    return float(np.std(volumes))
