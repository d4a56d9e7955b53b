"""What each method hands out at the end of its search: plans with the values it states of them."""

from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass

from benchmarks.search.problem import Problem
from benchmarks.search.reporting import Method, Report
from configurator.final_front import CHANCE_REPLICATIONS, LOOKED_AT
from optimisation.fronts import Floats
from optimisation.keeping_targets import spending
from optimisation.members import Member, representatives
from optimisation.search import Generation, SearchSettings, search
from simulation.configuration import Configuration
from simulation.targets import Keeping

OURS = "ours"
IDLE = 25
"""Generations without a new simulation after which a search has nothing left to try."""


@dataclass(frozen=True)
class Stated:
    """A plan and what its method states of it."""

    configuration: Configuration
    values: Floats
    """[replication, objective]"""
    point: Floats
    """[objective]"""
    kept: tuple[Keeping, ...]
    spending: float

    @classmethod
    def of(cls, member: Member) -> "Stated":
        """Return what is stated of a member of a front."""
        judgement = member.evaluation.judgement
        if judgement is None:
            raise ValueError(f"{member.key[:12]} stands on a front without having been judged")
        configuration = member.plan.configuration
        return cls(configuration, judgement.values, judgement.point, judgement.kept, spending(judgement))


@dataclass(frozen=True)
class HandedOut:
    """What another method hands out.

    numbers: the replications, hence parameter draws, on which its plans were judged. Its cheapest plan is the one that
    spends least of those that keep the target by its own estimate.
    """

    plans: tuple[Stated, ...]
    numbers: tuple[int, ...]
    spent: float

    @property
    def cheapest(self) -> Stated | None:
        """The plan that it would name."""
        return min(self.plans, key=lambda plan: plan.spending, default=None)


def theirs(method: Method, problem: Problem, seed: int, budget: int) -> HandedOut:
    """Let another method search."""
    last = Report(0.0, (), 0, 0)
    for report in method.reports(problem, seed, budget):
        last = report
    count = max((len(member.evaluation.replications) for member in last.front), default=0)
    return HandedOut(tuple(Stated.of(member) for member in last.front), tuple(range(count)), last.spent)


def candidates(problem: Problem, seed: int, budget: int) -> tuple[Sequence[Member], float]:
    """Return the plans that our search hands to confirmation, and what it spent.

    As `optimise` does: what confirming the front may take of the budget is kept aside.
    """
    fresh = problem.instance.settings.search.final_replications
    most = problem.instance.settings.search.final_plans
    aside = min(budget // 2, (most + 2) * (fresh + CHANCE_REPLICATIONS))
    settings = SearchSettings(
        problem.population, problem.replications, seed, problem.most_replications, (budget - aside) * problem.parts
    )
    with closing(problem.evaluator(seed)) as evaluator:
        last = _last(search(problem.instance, evaluator, settings, problem.planning))
        spent = evaluator.simulations / problem.parts
    return representatives(last.front, problem.instance.optimised, round(LOOKED_AT * most)), spent


def _last(generations: Iterator[Generation]) -> Generation:
    """Return where a search ends: at its budget, or when nothing new was simulated for long."""
    before, idle = -1, 0
    for generation in generations:
        idle = idle + 1 if generation.simulations == before else 0
        before = generation.simulations
        last = generation
        if idle == IDLE:
            break
    return last
