"""Plans compared on the same replications by what a front goes by."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from instances.instance import Instance
from optimisation.evaluation import Evaluation
from optimisation.fronts import (
    Floats,
    alike_groups,
    clearly_dominated,
    costs,
    dominated_by,
    hypervolume_interval,
    nondominated,
    probability_nondominated,
    redrawn,
    undoubted,
)
from optimisation.generators import BOOTSTRAP, generator

Statistic = Callable[[Floats], Floats]
"""Values [plan, replication, objective] to the values a front goes by [plan, objective]."""


@dataclass(frozen=True)
class Comparing:
    """Compares evaluations, all of them on the same replications; statistic: what the front goes by."""

    instance: Instance
    seed: int
    statistic: Statistic

    def clearly_dominated(self, evaluations: Sequence[Evaluation]) -> list[bool]:
        """Return which of these plans, all judged, a sound one dominates beyond doubt."""
        sound = np.array([one.is_sound for one in evaluations], dtype=bool)
        return [bool(one) for one in clearly_dominated(costs(_values(evaluations), self.instance.optimised), sound)]

    def decided(self, evaluations: Sequence[Evaluation], numbers: Sequence[int]) -> list[int]:
        """Return which of the plans with these numbers are not dominated, few of them likely to be so in truth."""
        if not numbers:
            return []
        points, shape = self._points([evaluations[number] for number in numbers])
        front = np.flatnonzero(nondominated(points(np.arange(shape[1]))))
        drawn = redrawn(points, shape, self._random())
        return [numbers[front[place]] for place in undoubted(drawn[:, front])]

    def undominated(
        self, evaluations: Sequence[Evaluation], numbers: Sequence[int], standing: Sequence[int]
    ) -> list[int]:
        """Return which of the plans with these numbers none that stands dominates."""
        if not numbers:
            return []
        points, shape = self._points([evaluations[number] for number in (*numbers, *standing)])
        found = points(np.arange(shape[1]))
        beaten = dominated_by(found[: len(numbers)], found[len(numbers) :])
        return [number for number, is_beaten in zip(numbers, beaten, strict=True) if not is_beaten]

    def probabilities(self, evaluations: Sequence[Evaluation]) -> list[float]:
        """Return each evaluation's probability of being non-dominated among them; of a failed one 0."""
        chances = iter(probability_nondominated(*self._points(evaluations), self._random()).tolist())
        return [0.0 if one.judgement is None else next(chances) for one in evaluations]

    def probabilities_of_standing(
        self, reported: Sequence[Evaluation], decided: Sequence[Evaluation], fell: Sequence[Evaluation]
    ) -> list[float]:
        """Return how likely no other of them dominates a plan as reported, and none that fell as decided on."""
        if not reported:
            return []
        random = self._random()
        among = redrawn(*self._points(reported), random)
        free = np.array([nondominated(one) for one in among])
        if fell:
            drawn = redrawn(*self._points([*decided, *fell]), random)
            free = free & ~dominated_by(drawn[:, : len(decided)], drawn[:, len(decided) :])
        return [float(share) for share in free.mean(axis=0)]

    def hypervolume_interval(self, evaluations: Sequence[Evaluation]) -> tuple[float, float]:
        """Return the 95 % interval of the hypervolume that plans, all judged, have in truth."""
        return hypervolume_interval(*self._points(evaluations), self._random())

    def groups(self, evaluations: Sequence[Evaluation]) -> list[int]:
        """Return a group number for each, those alike that cannot be told apart."""
        return alike_groups(costs(_values(evaluations), self.instance.optimised))

    def _points(self, evaluations: Sequence[Evaluation]) -> tuple[Callable[[np.ndarray], Floats], tuple[int, int]]:
        """Return costs [plan, objective] as a function of replications redrawn, and the shape (plans, replications)."""
        values = _values(evaluations)

        def points(numbers: np.ndarray) -> Floats:
            return costs(self.statistic(values[:, numbers]), self.instance.optimised)

        return points, values.shape[:2]

    def _random(self) -> np.random.Generator:
        return generator(self.seed, 0, BOOTSTRAP)


def _values(evaluations: Sequence[Evaluation]) -> Floats:
    """Return the values [plan, replication, objective] of those that could be judged."""
    found = [one.judgement.values for one in evaluations if one.judgement is not None]
    return np.array(found) if found else np.zeros((0, 1, 1))
