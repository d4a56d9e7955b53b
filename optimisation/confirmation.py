"""The front again, on replications its search never saw: the winner of a noisy race is flattered by its luck."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from instances.instance import Instance
from optimisation.evaluation import Evaluates, Evaluation
from optimisation.fronts import Floats, alike_groups, clearly_dominated, costs, probability_nondominated
from optimisation.generators import BOOTSTRAP, generator
from optimisation.members import Member

FRESH_REPLICATIONS = 1_000_000
"""Number of the first replication that no search ever uses."""
FIRST_LOOK = 1 / 3
"""Part of the fresh replications after which plans that others clearly dominate get no more."""
LEAST_LOOK = 5

Statistic = Callable[[Floats], Floats]
"""Values [plan, replication, objective] to the values a front goes by [plan, objective]."""


def means(values: Floats) -> Floats:
    """Return the mean over replications."""
    found: Floats = values.mean(axis=1)
    return found


def confirmed(
    instance: Instance,
    evaluator: Evaluates,
    front: Sequence[Member],
    replications: int,
    seed: int,
    *,
    statistic: Statistic = means,
    runs_left: int | None = None,
) -> tuple[Member, ...]:
    """Return a front re-simulated, with probabilities of being non-dominated and groups of plans alike.

    All members come back. Those that another one clearly dominates after a first look are replicated no further and
    keep a low probability; what they save is spent where plans contend. statistic: what the front goes by.
    runs_left: component runs that may be spent; too few make fewer replications, none if not even one is affordable.
    """
    count = _affordable(evaluator, front, replications, runs_left)
    if not count:
        return ()
    looked = min(count, max(LEAST_LOOK, round(FIRST_LOOK * count)))
    first = _simulated(evaluator, front, looked)
    contend = _contenders(instance, first) if looked < count else []
    second = iter(_simulated(evaluator, [front[number] for number in contend], count))
    evaluations = [next(second) if number in set(contend) else one for number, one in enumerate(first)]
    found = [replace(member, evaluation=one) for member, one in zip(front, evaluations, strict=True)]
    low = _probabilities(instance, first, seed, statistic)
    final = contend or [number for number, one in enumerate(first) if one.judgement is not None]
    chances = _probabilities(instance, [evaluations[number] for number in final], seed, statistic)
    chance_of = dict(enumerate(low)) | dict(zip(final, chances, strict=True))
    group_of = dict(zip(final, _groups(instance, [evaluations[number] for number in final]), strict=True))
    return tuple(
        replace(member, probability=chance_of[number], group=group_of.get(number))
        for number, member in enumerate(found)
    )


def _affordable(evaluator: Evaluates, front: Sequence[Member], replications: int, runs_left: int | None) -> int:
    """Return on how many fresh replications the whole front can be simulated."""
    if runs_left is None:
        return replications
    configurations = [member.plan.configuration for member in front]
    for count in range(replications, 0, -1):
        if evaluator.needed(configurations, _fresh(count))[-1] <= runs_left:
            return count
    return 0


def _simulated(evaluator: Evaluates, members: Sequence[Member], count: int) -> list[Evaluation]:
    return evaluator.evaluate([member.plan.configuration for member in members], _fresh(count))


def _fresh(count: int) -> range:
    return range(FRESH_REPLICATIONS, FRESH_REPLICATIONS + count)


def _contenders(instance: Instance, evaluations: Sequence[Evaluation]) -> list[int]:
    """Return the plans that no other one clearly dominates; all that failed are left out."""
    judged = [number for number, one in enumerate(evaluations) if one.judgement is not None]
    beaten = clearly_dominated(costs(_values([evaluations[number] for number in judged]), instance.optimised))
    return [number for number, is_beaten in zip(judged, beaten, strict=True) if not is_beaten]


def _probabilities(
    instance: Instance, evaluations: Sequence[Evaluation], seed: int, statistic: Statistic
) -> list[float]:
    """Return each evaluation's probability of being non-dominated among them; of a failed one 0."""
    values = _values(evaluations)

    def points(numbers: np.ndarray) -> Floats:
        return costs(statistic(values[:, numbers]), instance.optimised)

    chances = iter(probability_nondominated(points, values.shape[:2], generator(seed, 0, BOOTSTRAP)).tolist())
    return [0.0 if one.judgement is None else next(chances) for one in evaluations]


def _groups(instance: Instance, evaluations: Sequence[Evaluation]) -> list[int]:
    return alike_groups(costs(_values(evaluations), instance.optimised))


def _values(evaluations: Sequence[Evaluation]) -> Floats:
    """Return the values [plan, replication, objective] of those that could be judged."""
    found = [one.judgement.values for one in evaluations if one.judgement is not None]
    return np.array(found) if found else np.zeros((0, 1, 1))
