"""Simulated trials of the methods that are not ours: whole plans, each on the same few replications."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import isnan

import numpy as np

from benchmarks.search.problem import Problem
from benchmarks.search.reporting import Report
from optimisation.evaluation import Evaluation
from optimisation.feasibility.checker import Finding, violations
from optimisation.fronts import Floats, costs
from optimisation.members import Member, front_of
from optimisation.plan import Plan
from optimisation.problem import REFUSED_COST
from simulation.configuration import Configuration, content_key, todays_configuration

POPULATION = 20
"""Of the methods that have one."""
PROPOSALS = 5
"""A search ends after so many proposals for each replication of its budget: those that break a rule are not simulated
and cost nothing, nor do those that were simulated before."""
IDLE = 200
"""It ends after so many in a row that cost nothing, too: it has nothing left to try."""
FLAGGED = 1.0
"""Violation of a plan that is refused for something else than money."""
UNLAWFUL = 10.0
"""Violation of a proposal that breaks a rule, beside by how much: worse than what can be simulated."""


@dataclass(frozen=True)
class Verdict:
    """What a method is told of a proposal."""

    costs: Floats
    """[objective] least is best; REFUSED_COST where nothing was simulated."""
    violation: float
    """Positive: not to be kept, the less the better."""


class Trials:
    """Counts what a method spends and keeps all that it found; a plan simulated before costs nothing.

    A method knows today's offer and, as the judge's, its replications are paid already.
    """

    def __init__(self, problem: Problem, seed: int, budget: int, replications: int) -> None:
        self._problem = problem
        self._evaluator = problem.evaluator(seed)
        self._budget = budget
        self._replications = range(replications)
        self._members: dict[str, Member] = {}
        self._proposed = 0
        self._idle = 0
        self._today = content_key(todays_configuration(problem.instance))

    @property
    def spent(self) -> int:
        """Replications of whole plans so far."""
        simulated = len(self._members.keys() - {self._today})
        return max(self._problem.informing, len(self._replications)) + simulated * len(self._replications)

    @property
    def is_over(self) -> bool:
        """Whether no other plan can be simulated, or proposed."""
        left = self._budget - self.spent
        spent = left < len(self._replications) or self._proposed >= PROPOSALS * self._budget
        return spent or self._idle >= IDLE

    def verdicts(self, proposals: Sequence[Configuration]) -> list[Verdict]:
        """Return what becomes of proposals, in order, as far as the budget goes."""
        broken: dict[str, float] = {}
        new: dict[str, Configuration] = {}
        keys = []
        room = (self._budget - self.spent) // len(self._replications)
        for proposal in proposals:
            key = content_key(proposal)
            if key not in self._members and key not in broken and key not in new:
                found = violations(self._problem.planning, proposal)
                if found:
                    broken[key] = UNLAWFUL + sum(_relative(one) for one in found)
                elif len(new) - (self._today in new) + (key != self._today) > room:
                    break
                else:
                    new[key] = proposal
            keys.append(key)
        self._proposed += len(keys)
        self._idle = 0 if new else self._idle + len(keys)
        self._simulate(new)
        return [self._unlawful(broken[key]) if key in broken else self._verdict(key) for key in keys]

    def report(self) -> Report:
        """Return what the method would hand out now."""
        front = front_of(list(self._members.values()), self._problem.instance.optimised)
        return Report(float(self.spent), front, self._proposed, len(self._members))

    def close(self) -> None:
        """Give threads back."""
        self._evaluator.close()

    def _simulate(self, new: dict[str, Configuration]) -> None:
        evaluations = self._evaluator.evaluate(list(new.values()), self._replications)
        for (key, configuration), evaluation in zip(new.items(), evaluations, strict=True):
            self._members[key] = Member(Plan(configuration, key), evaluation, 0)

    def _verdict(self, key: str) -> Verdict:
        evaluation: Evaluation = self._members[key].evaluation
        judgement = evaluation.judgement
        if judgement is None:
            return self._unlawful(UNLAWFUL)
        others = any(not flag.startswith(("overrun", "target")) for flag in judgement.flags)
        violation = (judgement.violation if judgement.flags else 0.0) + (FLAGGED if others else 0.0)
        return Verdict(costs(judgement.point, self._problem.instance.optimised), violation)

    def _unlawful(self, violation: float) -> Verdict:
        return Verdict(np.full(len(self._problem.instance.optimised), REFUSED_COST), violation)


def _relative(finding: Finding) -> float:
    """Return how far a rule is broken, as a part of its bound; 1 where it has none."""
    return 1.0 if isnan(finding.excess) else finding.excess / max(1.0, abs(finding.bound))
