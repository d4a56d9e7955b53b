"""Plans with what they were found to be worth, and the fronts they make."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from instances.tables import Objective
from optimisation.evaluation import Evaluation
from optimisation.fronts import Floats, costs, hypervolume, nondominated, spread_out
from optimisation.plan import Plan


@dataclass(frozen=True)
class Member:
    """A plan with what it was found to be worth."""

    plan: Plan
    evaluation: Evaluation
    generation: int
    probability: float | None = None
    """Of being non-dominated on its front; None before fresh replications say."""
    group: int | None = None
    """Plans of one front that cannot be told apart bear the same number; None before fresh replications say."""
    stands: bool = True
    """Whether it stands on its front; fresh replications may make it fall."""

    @property
    def key(self) -> str:
        """Hash of its configuration."""
        return self.plan.key


def points_of(evaluations: Sequence[Evaluation], objectives: Sequence[Objective]) -> Floats:
    """Return the costs [evaluation, objective] of those that could be judged."""
    found = [one.judgement.point for one in evaluations if one.judgement is not None]
    return costs(np.array(found).reshape(len(found), len(objectives)), objectives)


def front_of(members: Sequence[Member], objectives: Sequence[Objective]) -> tuple[Member, ...]:
    """Return the non-dominated sound members, of those with equal objectives the first, in the order given."""
    sound = [member for member in members if member.evaluation.is_sound]
    points = points_of([member.evaluation for member in sound], objectives)
    seen: set[tuple[float, ...]] = set()
    kept = []
    for member, is_kept, point in zip(sound, nondominated(points), points.tolist(), strict=True):
        if is_kept and tuple(point) not in seen:
            seen.add(tuple(point))
            kept.append(member)
    return tuple(kept)


def representatives(front: Sequence[Member], objectives: Sequence[Objective], count: int) -> tuple[Member, ...]:
    """Return at most so many members of a front, spread over all of it."""
    points = points_of([member.evaluation for member in front], objectives)
    return tuple(front[number] for number in spread_out(points, count))


def hypervolume_of(members: Sequence[Member], objectives: Sequence[Objective]) -> float:
    """Return the hypervolume that the sound members cover, between the bounds of the instance's objectives."""
    return hypervolume(points_of([m.evaluation for m in members if m.evaluation.is_sound], objectives))
