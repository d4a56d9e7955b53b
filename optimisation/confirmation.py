"""The front again, on replications its search never saw: the winner of a noisy race is flattered by its luck."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from instances.instance import Instance
from optimisation.evaluation import Evaluates, Evaluation, Judgement
from optimisation.fronts import (
    Floats,
    alike_groups,
    clearly_dominated,
    costs,
    nondominated,
    probability_nondominated,
    redrawn,
    undoubted,
)
from optimisation.generators import BOOTSTRAP, generator
from optimisation.members import Member, representatives

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
    most: int | None = None,
    runs_left: int | None = None,
) -> tuple[Member, ...]:
    """Return a front re-simulated, with probabilities of being non-dominated and groups of plans alike.

    All members come back. Those that another one clearly dominates after a first look, those that surely miss a
    target, and those harmful or unstable beyond noise, are replicated no further, keep a low probability and stand in
    no group; what they save is spent where plans contend. If more than `most` contend, those that stand for them go on.
    The probability of a sound plan is that among the sound ones.
    Of these those stand that are sound and not dominated, less the most doubtful (`fronts.undoubted`).
    Where the budget does not give all of these the full number, plans of which it is undecided whether they keep a
    target get it first, for what is said of the target alone. statistic: what the front goes by.
    runs_left: component runs that may be spent; too few make fewer replications, none if not even one is affordable.
    """
    budget = _Budget(evaluator, runs_left)
    count = budget.affordable(front, replications)
    if not count:
        return ()
    looked = min(count, max(LEAST_LOOK, round(FIRST_LOOK * count)))
    first = _simulated(evaluator, front, looked)
    contend = _contenders(instance, front, first, most) if looked < replications else []
    chosen = [front[number] for number in contend]
    aimed = _aimed(evaluator, budget, [first[number] for number in contend], chosen, replications)
    count = max(looked, budget.affordable(chosen, replications))
    second = dict(zip(contend, _simulated(evaluator, chosen, count), strict=True))
    evaluations = [_with_kept(second.get(number, one), aimed) for number, one in enumerate(first)]
    found = [replace(member, evaluation=one) for member, one in zip(front, evaluations, strict=True)]
    low = [0.0] * len(first) if len(contend) == len(first) else _probabilities(instance, first, seed, statistic)
    final = contend or [number for number, one in enumerate(first) if one.judgement is not None]
    chances = _probabilities(instance, [evaluations[number] for number in final], seed, statistic)
    # What a plan that is refused is better in takes nothing from those that may be chosen.
    sound = [number for number in final if evaluations[number].is_sound]
    among_sound = _probabilities(instance, [evaluations[number] for number in sound], seed, statistic)
    chance_of = (
        dict(enumerate(low)) | dict(zip(final, chances, strict=True)) | dict(zip(sound, among_sound, strict=True))
    )
    group_of = dict(zip(final, _groups(instance, [evaluations[number] for number in final]), strict=True))
    stands = _standing(instance, evaluations, final, seed, statistic)
    return tuple(
        replace(member, probability=chance_of[number], group=group_of.get(number), stands=number in stands)
        for number, member in enumerate(found)
    )


class _Budget:
    """What is left of a budget of component runs while they are spent; None: no limit."""

    def __init__(self, evaluator: Evaluates, runs_left: int | None) -> None:
        self._evaluator = evaluator
        self._end = None if runs_left is None else evaluator.simulations + runs_left

    def affordable(self, members: Sequence[Member], replications: int) -> int:
        """Return on how many fresh replications all these plans can be simulated."""
        if self._end is None or not members:
            return replications
        left = self._end - self._evaluator.simulations
        configurations = [member.plan.configuration for member in members]
        for count in range(replications, 0, -1):
            if self._evaluator.needed(configurations, _fresh(count))[-1] <= left:
                return count
        return 0


def _aimed(
    evaluator: Evaluates,
    budget: _Budget,
    looked: Sequence[Evaluation],
    members: Sequence[Member],
    replications: int,
) -> dict[str, Judgement]:
    """Return, by key, the judgement on the full number of replications of plans that may or may not keep a target.

    The likeliest to keep it come first; none where every plan can have that number anyhow.
    """
    undecided = [
        (-min(kept.assurance for kept in one.judgement.kept), number)
        for number, one in enumerate(looked)
        if one.judgement is not None and any(not kept.is_decided for kept in one.judgement.kept)
    ]
    found: dict[str, Judgement] = {}
    if not undecided or budget.affordable(members, replications) == replications:
        return found
    for _, number in sorted(undecided):
        if budget.affordable([members[number]], replications) < replications:
            break
        one = _simulated(evaluator, [members[number]], replications)[0]
        if one.judgement is not None:
            found[one.key] = one.judgement
    return found


def _with_kept(evaluation: Evaluation, aimed: dict[str, Judgement]) -> Evaluation:
    """Return an evaluation that says of targets, hence of flags, what more replications said."""
    longer = aimed.get(evaluation.key)
    if longer is None or evaluation.judgement is None:
        return evaluation
    return replace(evaluation, judgement=replace(evaluation.judgement, kept=longer.kept, flags=longer.flags))


def _simulated(evaluator: Evaluates, members: Sequence[Member], count: int) -> list[Evaluation]:
    return evaluator.evaluate([member.plan.configuration for member in members], _fresh(count))


def _fresh(count: int) -> range:
    return range(FRESH_REPLICATIONS, FRESH_REPLICATIONS + count)


def _contenders(
    instance: Instance, members: Sequence[Member], evaluations: Sequence[Evaluation], most: int | None
) -> list[int]:
    """Return the plans that no other one clearly dominates, `most` of them; those surely refused are left out."""
    judged = [number for number, one in enumerate(evaluations) if one.judgement and not _surely_refused(one.judgement)]
    beaten = clearly_dominated(costs(_values([evaluations[number] for number in judged]), instance.optimised))
    contend = [number for number, is_beaten in zip(judged, beaten, strict=True) if not is_beaten]
    looked_at = [replace(members[number], evaluation=evaluations[number]) for number in contend]
    chosen = {member.key for member in representatives(looked_at, instance.optimised, most or len(contend))}
    return [number for number in contend if members[number].key in chosen]


def _surely_refused(judgement: Judgement) -> bool:
    """Say whether a plan surely misses a target, or is harmful or unstable, which are said beyond noise only."""
    misses = any(kept.is_decided and not kept.is_sure for kept in judgement.kept)
    return misses or any(flag.startswith(("harmful", "unstable")) for flag in judgement.flags)


def _probabilities(
    instance: Instance, evaluations: Sequence[Evaluation], seed: int, statistic: Statistic
) -> list[float]:
    """Return each evaluation's probability of being non-dominated among them; of a failed one 0."""
    values = _values(evaluations)

    def points(numbers: np.ndarray) -> Floats:
        return costs(statistic(values[:, numbers]), instance.optimised)

    chances = iter(probability_nondominated(points, values.shape[:2], generator(seed, 0, BOOTSTRAP)).tolist())
    return [0.0 if one.judgement is None else next(chances) for one in evaluations]


def _standing(
    instance: Instance, evaluations: Sequence[Evaluation], compared: Sequence[int], seed: int, statistic: Statistic
) -> set[int]:
    """Return the plans that stand: sound, not dominated, and few of them likely to be dominated in truth."""
    sound = [number for number in compared if evaluations[number].is_sound]
    if not sound:
        return set()
    values = _values([evaluations[number] for number in sound])

    def points(numbers: np.ndarray) -> Floats:
        return costs(statistic(values[:, numbers]), instance.optimised)

    front = np.flatnonzero(nondominated(points(np.arange(values.shape[1]))))
    drawn = redrawn(points, values.shape[:2], generator(seed, 0, BOOTSTRAP))
    return {sound[front[place]] for place in undoubted(drawn[:, front])}


def _groups(instance: Instance, evaluations: Sequence[Evaluation]) -> list[int]:
    return alike_groups(costs(_values(evaluations), instance.optimised))


def _values(evaluations: Sequence[Evaluation]) -> Floats:
    """Return the values [plan, replication, objective] of those that could be judged."""
    found = [one.judgement.values for one in evaluations if one.judgement is not None]
    return np.array(found) if found else np.zeros((0, 1, 1))
