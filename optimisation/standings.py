"""Everything a search has evaluated, each plan on the replications it deserved, all comparable with one another."""

from collections.abc import Callable, KeysView, Mapping, Sequence
from dataclasses import dataclass, replace
from math import inf

import numpy as np

from instances.instance import Instance
from optimisation.encoding import Encoding
from optimisation.evaluation import Evaluates, Evaluation, Judgement
from optimisation.fronts import Floats, costs, hypervolume, nondominated
from optimisation.members import Member
from optimisation.plan import Plan
from optimisation.problem import REFUSED_COST
from optimisation.proposing import Proposed
from optimisation.referring import referred
from optimisation.replications import GROWTH, Sample, more_replications, pooled_variance
from optimisation.screening import Known
from simulation.configuration import todays_configuration
from simulation.targets import MISSED

PILOTS = 5
"""Plans of the first generation that are replicated PILOT times, so that it is known what replications vary."""
PILOT = 3
REFUSAL_SHARE = 0.3
"""Component runs spent on refused plans that would stand on the front, over those spent on new plans."""
DOUBT_SHARE = 0.3
"""The same, on plans whose dominance is in doubt."""
ROUNDS = 3
"""How often a generation looks at doubt again after replicating."""
LAYERS = 2
"""Fronts, each without those before, whose plans may be in doubt."""


@dataclass(frozen=True)
class Allowances:
    """Component runs that doubt may take now; below zero where it has taken more than its share."""

    refused: float = 0.0
    """On refused plans that would stand on the front."""
    doubtful: float = 0.0
    """On plans whose dominance is in doubt."""

    def after(self, runs: int) -> "Allowances":
        """Return them after so many runs of new plans."""
        return Allowances(self.refused + REFUSAL_SHARE * runs, self.doubtful + DOUBT_SHARE * runs)


class Standings:
    """The archive of a search.

    replications: of each plan at first; most: beyond which no plan is replicated; budget: component runs in all.
    """

    def __init__(
        self,
        instance: Instance,
        evaluator: Evaluates,
        encoding: Encoding,
        *,
        replications: int,
        most: int,
        budget: int | None,
    ) -> None:
        self._instance = instance
        self._evaluator = evaluator
        self._first = replications
        self._most = max(most, replications)
        self._budget = budget
        self._encoding = encoding
        self._today = todays_configuration(instance)
        self._members: dict[str, Member] = {}
        self._todays_by_count: dict[int, Evaluation] = {}
        self._standing: dict[str, Member] = {}
        self.allowances = Allowances()

    @property
    def keys(self) -> KeysView[str]:
        """Keys of the plans evaluated."""
        return self._members.keys()

    def today(self) -> Evaluation:
        """Return today's evaluation on the replications that no plan goes beyond."""
        return self._todays(self._most)

    def archive(self) -> tuple[Member, ...]:
        """Return every plan in the order evaluated, its point referred to the same replications as all others."""
        return tuple(self._stood().values())

    def evaluate(self, plans: Sequence[Plan], generation: int) -> None:
        """Evaluate plans on the first replications, and allow for doubt what that deserves."""
        self.today()
        before = self._evaluator.simulations
        evaluations = self._evaluator.evaluate([plan.configuration for plan in plans], range(self._first))
        for plan, evaluation in zip(plans, evaluations, strict=True):
            self._members.setdefault(plan.key, Member(plan, evaluation, generation))
        self._standing = {}
        self.allowances = self.allowances.after(self._evaluator.simulations - before)

    def replicate(self, more: Sequence[tuple[str, int]]) -> None:
        """Replicate plans further, each from its first replication on."""
        for reached in sorted({count for _, count in more}):
            keys = [key for key, count in more if count == reached]
            found = self._evaluator.evaluate([self._members[key].plan.configuration for key in keys], range(reached))
            for key, evaluation in zip(keys, found, strict=True):
                if len(evaluation.replications) > len(self._members[key].evaluation.replications):
                    self._members[key] = replace(self._members[key], evaluation=evaluation)
        self._standing = {}

    def replicate_doubtful(self) -> tuple[tuple[str, int], ...]:
        """Replicate plans whose refusal or dominance is in doubt; return (key, replications reached) in order.

        What that takes is counted in component runs, as new plans are: where these share most of their parts with
        plans known, they take few, and a plan replicated further takes all of its own.
        """
        if self._most <= self._first or self.today().judgement is None:
            return ()
        done = self._piloted()
        refused, of_refused = self._in_rounds(self._refused, self.allowances.refused)
        doubtful, of_doubtful = self._in_rounds(self._wanted, self.allowances.doubtful)
        self.allowances = Allowances(of_refused, of_doubtful)
        return (*done, *refused, *doubtful)

    def affordable(self, proposed: Sequence[Proposed]) -> list[Proposed]:
        """Return the first of some plans whose first replications the budget allows."""
        left = self._runs_left()
        if left is None:
            return list(proposed)
        reference = self._evaluator.needed([self._today], range(self._most))[-1]
        needed = self._evaluator.needed([one.plan.configuration for one in proposed], range(self._first))
        return [one for one, runs in zip(proposed, needed, strict=True) if runs + reference <= left]

    def told(self, proposed: Sequence[Proposed]) -> tuple[Floats, Floats]:
        """Return costs [plan, objective] and violations [plan] of plans, as the breeder wants them."""
        standing = self._stood()
        rows = [self._seen(standing[one.plan.key]) for one in proposed]
        return np.array([cost for cost, _ in rows]), np.array([violation for _, violation in rows])

    def costs_of_genes(self) -> Mapping[bytes, tuple[Floats, float]]:
        """Return what is now known of every plan, by the bytes of its genes."""
        return {
            self._encoding.genes(member.plan.configuration).tobytes(): self._seen(member) for member in self.archive()
        }

    def known(self) -> Known:
        """Return what a surrogate may learn from: every plan that could be judged, on the same replications."""
        judged = [member for member in self.archive() if member.evaluation.judgement is not None]
        return Known(
            genes=[self._encoding.genes(member.plan.configuration) for member in judged],
            costs=np.array([self._cost(member.evaluation) for member in judged]).reshape(
                len(judged), len(self._instance.optimised)
            ),
            sound=np.array([member.evaluation.is_sound for member in judged], dtype=bool),
        )

    def errors(self, members: Sequence[Member]) -> tuple[Floats, Floats] | None:
        """Return costs [member, objective] and their standard errors; None while no plan has two replications."""
        if self.today().judgement is None:
            return None
        variance = pooled_variance([self._sample(member) for member in self._sound()])
        if variance is None:
            return None
        judged = [member for member in members if member.evaluation.judgement is not None]
        points = [self._cost(member.evaluation) for member in judged]
        errors = [np.sqrt(variance / len(member.evaluation.replications)) for member in judged]
        return np.array(points), np.array(errors)

    def _stood(self) -> dict[str, Member]:
        """Return every plan by its key, its point referred to today's replications."""
        if not self._standing:
            members = list(self._members.values())
            found = referred([one.evaluation for one in members], self.today(), self._instance.optimised)
            self._standing = {
                one.key: replace(one, evaluation=stands) for one, stands in zip(members, found, strict=True)
            }
        return self._standing

    def _todays(self, count: int) -> Evaluation:
        if count not in self._todays_by_count:
            self._todays_by_count[count] = self._evaluator.evaluate([self._today], range(count))[0]
        return self._todays_by_count[count]

    def _seen(self, member: Member) -> tuple[Floats, float]:
        """Return cost and violation of a member: budgets overrun, targets missed; more than any for other refusals."""
        judgement = member.evaluation.judgement
        if judgement is None:
            return np.full(len(self._instance.optimised), REFUSED_COST), REFUSED_COST
        others = any(not flag.startswith(("overrun", MISSED)) for flag in judgement.flags)
        violation = judgement.violation if judgement.flags else 0.0
        return self._cost(member.evaluation), violation + (1.0 if others else 0.0)

    def _cost(self, evaluation: Evaluation) -> Floats:
        return costs(_judgement(evaluation).point, self._instance.optimised)

    def _sound(self) -> list[Member]:
        return [member for member in self._members.values() if member.evaluation.is_sound]

    def _count(self, key: str) -> int:
        return len(self._members[key].evaluation.replications)

    def _sample(self, member: Member) -> Sample:
        """Return what a sound plan's replications gave, today's taken off."""
        objectives = self._instance.optimised
        today = _judgement(self._todays(len(member.evaluation.replications)))
        differences = costs(_judgement(member.evaluation).made_of, objectives) - costs(today.made_of, objectives)
        point = self._cost(self._stood()[member.key].evaluation) - self._cost(self.today())
        return Sample(differences, point - differences.mean(axis=0))

    def _piloted(self) -> list[tuple[str, int]]:
        """Replicate the first plans of a search, once, so that it is known what replications vary."""
        pilots = list(self._members)[:PILOTS]
        reached = min(PILOT, self._most)
        if any(self._count(key) >= reached for key in pilots):
            return []
        chosen = self._within([(key, reached) for key in pilots], inf)
        self.replicate(chosen)
        return chosen

    def _in_rounds(
        self, asks: Callable[[], list[tuple[str, int]]], allowance: float
    ) -> tuple[list[tuple[str, int]], float]:
        """Replicate what is asked for, ask again, until the allowance is used; return what was done and is left."""
        done: list[tuple[str, int]] = []
        for _ in range(ROUNDS):
            chosen = self._within(asks(), allowance) if allowance > 0.0 else []
            if not chosen:
                break
            before = self._evaluator.simulations
            self.replicate(chosen)
            allowance -= self._evaluator.simulations - before
            done += chosen
        return done, allowance

    def _refused(self) -> list[tuple[str, int]]:
        """Return (key, replications to reach) of refused plans that would add to the front, those adding most first.

        Few replications are judged with caution (as if many had shown the same), so that many a sound plan is refused
        at first; more replications tell.
        """
        members = [one for one in self._members.values() if one.evaluation.judgement is not None]
        sound = np.array([one.evaluation.is_sound for one in members])
        points = np.array([self._cost(self._stood()[one.key].evaluation) for one in members])
        front = points[sound][nondominated(points[sound])]
        volume = hypervolume(front)
        open_ = [n for n, one in enumerate(members) if not sound[n] and self._count(one.key) < self._most]
        adding = {n: hypervolume(np.vstack([front, points[n]])) - volume for n in open_}
        chosen = sorted((n for n in open_ if adding[n] > 0.0), key=lambda n: (-adding[n], n))
        return [(members[n].key, min(self._most, GROWTH * self._count(members[n].key))) for n in chosen]

    def _wanted(self) -> list[tuple[str, int]]:
        """Return (key, replications to reach) of plans near the front whose dominance is in doubt."""
        near = self._near_the_front()
        samples = [self._sample(member) for member in near]
        return [(near[number].key, reached) for number, reached in more_replications(samples, self._most)]

    def _near_the_front(self) -> list[Member]:
        left = self._sound()
        found: list[Member] = []
        for _ in range(LAYERS):
            points = np.array([self._cost(self._stood()[member.key].evaluation) for member in left])
            kept = nondominated(points.reshape(len(left), len(self._instance.optimised)))
            found += [member for member, is_kept in zip(left, kept, strict=True) if is_kept]
            left = [member for member, is_kept in zip(left, kept, strict=True) if not is_kept]
        return found

    def _within(self, wanted: Sequence[tuple[str, int]], allowance: float) -> list[tuple[str, int]]:
        """Return the first of what is wanted, until an allowance of component runs is used, as the budget allows."""
        chosen: list[tuple[str, int]] = []
        for one in wanted:
            if allowance <= 0.0:
                break
            allowance -= self._runs([one])
            chosen.append(one)
        left = self._runs_left()
        while chosen and left is not None and self._runs(chosen) > left:
            chosen.pop()
        return chosen

    def _runs(self, chosen: Sequence[tuple[str, int]]) -> int:
        """Return the component runs of replicating further, at most (plans that share parts take fewer)."""
        needed = self._evaluator.needed
        return sum(needed([self._members[key].plan.configuration], range(reached))[-1] for key, reached in chosen)

    def _runs_left(self) -> int | None:
        return None if self._budget is None else self._budget - self._evaluator.simulations


def _judgement(evaluation: Evaluation) -> Judgement:
    if evaluation.judgement is None:
        raise ValueError(f"{evaluation.key[:16]} was not judged: {evaluation.failure}")
    return evaluation.judgement
