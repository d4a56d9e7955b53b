"""The front again, on replications its search never saw: the winner of a noisy race is flattered by its luck.

Who stands is decided on some of them, what is said of those that stand comes from others: values of plans picked for
their values are too good on average, also where the picking was done on fresh replications (Cox 1975, "A note on
data-splitting for the evaluation of significance levels", Biometrika 62(2): 441-444). On `tiny` fronts picked and
reported on the same thirty replications had 0.4 to 0.8 % more hypervolume than they had in truth (three seeds). Two
things are still picked on what is reported, both because a reader would stumble over them. Plans that stand and are
dominated as reported are not shown: their true hypervolume is missed, the reported one is not. On `tiny` that is 0.26 %
(ten seeds, standard error 0.13) where it is decided on a third as many replications, 0.07 % (0.04) on as many. Flags
and targets are judged on all of them, as harm shows the better the more is looked at: 0.0 % (0.1) either way.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from math import ceil

from instances.instance import Instance
from optimisation.comparing import Comparing, Statistic
from optimisation.evaluation import Evaluates, Evaluation, Judgement
from optimisation.fronts import Floats
from optimisation.members import Member, front_of, representatives
from simulation.targets import MISSED

FRESH_REPLICATIONS = 1_000_000
"""Number of the first replication that no search ever uses: from here on those that are reported."""
DECIDING_REPLICATIONS = 2_000_000
"""Number of the first of those on which it is decided who stands, which no value comes from."""
FIRST_LOOK = 1 / 6
"""As many of them, as a share of those reported, after which plans that others clearly dominate get no more."""
LEAST_LOOK = 5
WAVES = 2
"""How often more plans get a first look because too few of those before were left: on large instances harm, or a line
that grows, shows in draws of the parameters that a search has not seen, and takes many a plan off at once."""


def fresh(count: int) -> range:
    """Return the first replications that are reported."""
    return range(FRESH_REPLICATIONS, FRESH_REPLICATIONS + count)


def deciding(count: int, share: float) -> range:
    """Return the replications on which it is decided who stands, where so many are reported.

    share: of those reported, in (0, 1]; `deciding_share` of the instance's settings. Deciding on few costs plans that
    belong on the front, and those that stand then fall more often on what is reported, which flatters what is left.
    """
    return range(DECIDING_REPLICATIONS, DECIDING_REPLICATIONS + min(count, max(LEAST_LOOK, round(share * count))))


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
    archive: Sequence[Member] = (),
    kept_back: int = 0,
) -> tuple[Member, ...]:
    """Return a front re-simulated, with probabilities of being non-dominated and groups of plans alike.

    All members come back, and behind them the plans of the archive that were looked at because fewer than `most` of
    them were left: others of its front, as it is without the plans that fell. Those that a sound one clearly
    dominates after a first look, those that surely miss a target, and those harmful or unstable beyond noise, are
    replicated no further; if more than `most` contend, those that stand for them go on. Of the contenders those stand
    that are sound and not dominated, less the most doubtful (`fronts.undoubted`). These are replicated anew, and what
    is said of them comes from there, but for flags and targets: they are judged on all fresh replications, and a plan
    flagged then falls and makes room.

    Plans that fall keep what decided about them, their probability among those looked at as long, and no group. The
    probability of a plan that stands is that no other one that stands dominates it, on the replications reported, and
    none of the sound ones that fell, on those decided on.

    Where the budget does not give all of these the full number, plans of which it is undecided whether they keep a
    target get it first, for what is said of the target alone. statistic: what the front goes by.
    runs_left: component runs that may be spent; too few make fewer replications, none if not even one is affordable.
    kept_back: so many of them are not for looking at plans of the archive.
    """
    budget = _Budget(evaluator, runs_left)
    decided_on = partial(deciding, share=instance.settings.search.deciding_share)
    count = budget.affordable(front, replications, beside=decided_on)
    if not count:
        return ()
    comparing = Comparing(instance, seed, statistic)
    for_looks = _Budget(evaluator, None if runs_left is None else runs_left - kept_back)
    members, first = _looked_at(comparing, evaluator, for_looks, front, archive, count, most)
    contend = _contenders(comparing, members, first, most)
    longer = _simulated(evaluator, [members[number] for number in contend], decided_on(count))
    decided = [dict(zip(contend, longer, strict=True)).get(number, one) for number, one in enumerate(first)]
    chance_of = dict(enumerate(comparing.probabilities(first)))
    chance_of |= dict(zip(contend, comparing.probabilities(longer), strict=True))
    reporting = _Reporting(evaluator, budget, decided_on, members, contend, decided, count, replications)
    standing = _standing(comparing, decided, contend, reporting)
    last = [reporting.found.get(number, one) for number, one in enumerate(decided)]
    fell = [n for n in contend if decided[n].is_sound and last[n].is_sound and n not in standing]
    chances = comparing.probabilities_of_standing(
        [last[n] for n in standing], [decided[n] for n in standing], [decided[n] for n in fell]
    )
    chance_of |= dict(zip(standing, chances, strict=True))
    group_of = dict(zip(standing, comparing.groups([last[n] for n in standing]), strict=True))
    return tuple(
        replace(
            member,
            evaluation=last[number],
            probability=chance_of[number],
            group=group_of.get(number),
            stands=number in group_of,
        )
        for number, member in enumerate(members)
    )


def _looked_at(
    comparing: Comparing,
    evaluator: Evaluates,
    budget: "_Budget",
    front: Sequence[Member],
    archive: Sequence[Member],
    count: int,
    most: int | None,
) -> tuple[list[Member], list[Evaluation]]:
    """Return the plans that got a first look, the front's first, with what it showed.

    Where fewer than `most` of them may still stand, more of the archive follow: those that no plan dominates there
    but such as fell, for each plan missing as many as the front has for each asked for, and as the budget leaves.
    """
    share = comparing.instance.settings.search.deciding_share
    decided_on, look = partial(deciding, share=share), deciding(count, min(FIRST_LOOK, share))
    members, first = list(front), _simulated(evaluator, front, look)
    objectives = comparing.instance.optimised
    if not most:
        return members, first
    for _ in range(WAVES):
        contend = [number for number in _contenders(comparing, members, first, most) if _may_stand(first[number])]
        missing = most - len(contend)
        if missing <= 0:
            break
        fallen = {one.key for one in first if not _may_stand(one)}
        known = {member.key for member in members}
        left = front_of([member for member in archive if member.key not in fallen], objectives)
        behind = [member for member in left if member.key not in known]
        new = list(representatives(behind, objectives, ceil(missing * len(front) / most)))
        kept = [members[number] for number in contend]
        while new and budget.affordable([*kept, *new], count, beside=decided_on) < count:
            new.pop()
        if not new:
            break
        members += new
        first += _simulated(evaluator, new, look)
    return members, first


def _contenders(
    comparing: Comparing, members: Sequence[Member], evaluations: Sequence[Evaluation], most: int | None
) -> list[int]:
    """Return the plans that no sound one clearly dominates, `most` of them; those surely refused are left out."""
    judged = [number for number, one in enumerate(evaluations) if one.judgement and not _surely_refused(one.judgement)]
    beaten = comparing.clearly_dominated([evaluations[number] for number in judged])
    contend = [number for number, is_beaten in zip(judged, beaten, strict=True) if not is_beaten]
    looked_at = [replace(members[number], evaluation=evaluations[number]) for number in contend]
    chosen = {member.key for member in representatives(looked_at, comparing.instance.optimised, most or len(contend))}
    return [number for number in contend if members[number].key in chosen]


def _standing(
    comparing: Comparing, decided: Sequence[Evaluation], contend: Sequence[int], reporting: "_Reporting"
) -> list[int]:
    """Return the plans that stand, in order, all of them reported.

    Decided among the sound ones, again whenever one of those that would stand is flagged on all fresh replications.
    Plans flagged for targets alone that they may well keep are reported too where none that stands dominates them;
    found sound, they are compared like others from then on.
    """
    sound = {number for number in contend if decided[number].is_sound}
    near = {number for number in contend if not decided[number].is_sound and _only_targets(decided[number])}
    while True:
        standing = comparing.decided(decided, sorted(sound))
        beside = comparing.undominated(decided, sorted(near), standing)
        reporting.report(sorted({*standing, *beside}))
        refused = {number for number in (*standing, *beside) if not reporting.is_sound(number)}
        kept = set(beside) - refused
        if not kept and not refused & set(standing):
            return standing
        sound, near = (sound | kept) - refused, near - set(beside)


class _Reporting:
    """Simulates the plans that stand on the replications that are reported.

    found: what was reported, by number; its flags and targets are those on all fresh replications.
    """

    def __init__(
        self,
        evaluator: Evaluates,
        budget: "_Budget",
        decided_on: Callable[[int], range],
        members: Sequence[Member],
        contend: Sequence[int],
        decided: Sequence[Evaluation],
        least: int,
        most: int,
    ) -> None:
        self.found: dict[int, Evaluation] = {}
        self._evaluator = evaluator
        self._budget = budget
        self._decided_on = decided_on
        self._members = members
        self._contenders = [members[number] for number in contend]
        self._decided = decided
        self._least = least
        self._most = most
        self._count = 0

    def report(self, numbers: Sequence[int]) -> None:
        """Report plans beside those reported already, all on the same replications: as many as the budget gives.

        Plans that make room for others are never short of them; those that come after may be left out for that.
        """
        new = [number for number in numbers if number not in self.found]
        aimed = self._aimed(new)
        if not self._count:
            self._count = self._budget.affordable([self._members[number] for number in new], self._most)
        while new and self._budget.affordable([self._members[number] for number in new], self._count) < self._count:
            new.pop()
        everything = (*self._decided_on(self._least), *fresh(self._count))
        members = [self._members[number] for number in new]
        for number, one, whole in zip(
            new,
            _simulated(self._evaluator, members, fresh(self._count)),
            _simulated(self._evaluator, members, everything),
            strict=True,
        ):
            self.found[number] = _judged_by(one, aimed.get(number, whole))

    def is_sound(self, number: int) -> bool:
        """Say whether a plan was reported and is flagged for nothing."""
        return number in self.found and self.found[number].is_sound

    def _aimed(self, numbers: Sequence[int]) -> dict[int, Evaluation]:
        """Return the judgement on the full number of replications of plans that may or may not keep a target.

        The likeliest to keep it come first; none where every plan can have that number anyhow. What all plans were
        promised when the first look began is not touched.
        """
        undecided = [
            (-min(kept.assurance for kept in judgement.kept), number)
            for number in numbers
            if (judgement := self._decided[number].judgement) and any(not kept.is_decided for kept in judgement.kept)
        ]
        everyone = [self._members[number] for number in numbers]
        found: dict[int, Evaluation] = {}
        if self._count or not undecided or self._budget.affordable(everyone, self._most) == self._most:
            return found
        for _, number in sorted(undecided):
            if not self._budget.leaves(self._members[number], self._most, self._contenders, self._least):
                break
            everything = (*self._decided_on(self._least), *fresh(self._most))
            found[number] = _simulated(self._evaluator, [self._members[number]], everything)[0]
        return found


class _Budget:
    """What is left of a budget of component runs while they are spent; None: no limit."""

    def __init__(self, evaluator: Evaluates, runs_left: int | None) -> None:
        self._evaluator = evaluator
        self._end = None if runs_left is None else evaluator.simulations + runs_left

    def affordable(
        self, members: Sequence[Member], replications: int, beside: Callable[[int], range] | None = None
    ) -> int:
        """Return on how many reported replications all these plans can be simulated; beside: on what others too."""
        if self._end is None or not members:
            return replications
        left = self._end - self._evaluator.simulations
        configurations = [member.plan.configuration for member in members]
        for count in range(replications, 0, -1):
            others = () if beside is None else beside(count)
            if self._evaluator.needed(configurations, (*others, *fresh(count)))[-1] <= left:
                return count
        return 0

    def leaves(self, member: Member, replications: int, members: Sequence[Member], least: int) -> bool:
        """Say whether one plan can have so many reported replications and all others then at least so many."""
        if self._end is None:
            return True
        own = self._evaluator.needed([member.plan.configuration], fresh(replications))[-1]
        others = self._evaluator.needed([one.plan.configuration for one in members], fresh(least))[-1]
        return own + others <= self._end - self._evaluator.simulations


def _judged_by(evaluation: Evaluation, whole: Evaluation) -> Evaluation:
    """Return an evaluation that says of flags and targets what more replications said; failed if either did."""
    if evaluation.judgement is None or whole.judgement is None:
        return replace(evaluation, judgement=None, failure=evaluation.failure or whole.failure)
    return replace(
        evaluation, judgement=replace(evaluation.judgement, kept=whole.judgement.kept, flags=whole.judgement.flags)
    )


def _simulated(evaluator: Evaluates, members: Sequence[Member], replications: Sequence[int]) -> list[Evaluation]:
    return evaluator.evaluate([member.plan.configuration for member in members], replications)


def _may_stand(evaluation: Evaluation) -> bool:
    """Say whether a plan is refused for nothing, or for nothing but targets that it may well keep."""
    return evaluation.is_sound or _only_targets(evaluation)


def _surely_refused(judgement: Judgement) -> bool:
    """Say whether a plan surely misses a target, or is harmful or unstable, which are said beyond noise only."""
    misses = any(kept.is_decided and not kept.is_sure for kept in judgement.kept)
    return misses or any(flag.startswith(("harmful", "unstable")) for flag in judgement.flags)


def _only_targets(evaluation: Evaluation) -> bool:
    """Say whether a plan is refused for nothing but targets that it may well keep."""
    judgement = evaluation.judgement
    if judgement is None or _surely_refused(judgement):
        return False
    return all(flag.startswith(MISSED) for flag in judgement.flags)
