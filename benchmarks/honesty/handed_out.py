"""What each method hands out at the end of its search: plans with the values it states of them."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace

import numpy as np

from benchmarks.search.problem import Problem
from benchmarks.search.reporting import Method, Report
from configurator.twin_experiment import CHANCE_REPLICATIONS, MOST_PLANS
from optimisation.confirmation import FRESH_REPLICATIONS, confirmed
from optimisation.evaluation import Judgement
from optimisation.fronts import Floats
from optimisation.keeping_targets import cheapest_that_keeps, spending
from optimisation.members import Member, front_of, representatives
from optimisation.search import Generation, SearchSettings, search
from simulation.configuration import Configuration
from simulation.objectives import Judge, Objectives
from simulation.targets import Keeping

OURS = "ours"


@dataclass(frozen=True)
class Stated:
    """A plan and what its method states of it: the values of the front that it stands on."""

    configuration: Configuration
    values: Floats
    """[replication, objective]"""
    point: Floats
    """[objective]"""
    kept: tuple[Keeping, ...]
    spending: float

    @classmethod
    def of(cls, configuration: Configuration, judgement: Judgement) -> "Stated":
        """Return what a judgement states."""
        return cls(configuration, judgement.values, judgement.point, judgement.kept, spending(judgement))


@dataclass(frozen=True)
class HandedOut:
    """All that a method hands out.

    numbers: the replications, hence parameter draws, on which the plans were judged; is_confirmed: the point is that
    of a final front (solvency as a quantile), not of a search (a mean less deviations); cheapest: the plan that keeps
    the target, None where none is named.
    """

    plans: tuple[Stated, ...]
    numbers: tuple[int, ...]
    is_confirmed: bool
    cheapest: Stated | None
    spent: float


def ours(problem: Problem, seed: int, budget: int) -> HandedOut:
    """Search and confirm as `optimise` does within a budget of replications, what confirming may take kept aside."""
    fresh = problem.instance.settings.search.final_replications
    aside = min(budget // 2, (MOST_PLANS + 2) * (fresh + CHANCE_REPLICATIONS))
    settings = SearchSettings(
        problem.population, problem.replications, seed, problem.most_replications, (budget - aside) * problem.parts
    )
    with closing(problem.evaluator(seed)) as evaluator:
        last = _last(search(problem.instance, evaluator, settings, problem.planning))
        judge = Judge.of(problem.instance)

        def statistic(values: Floats) -> Floats:
            return np.array([_final_point(judge, one, 0.0) for one in values])

        members = confirmed(
            problem.instance,
            evaluator,
            representatives(last.front, problem.instance.optimised, MOST_PLANS),
            fresh,
            seed,
            statistic=statistic,
            runs_left=budget * problem.parts - evaluator.simulations,
        )
        final = [_with_final_point(judge, member) for member in members if member.group is not None]
        standing = front_of(final, problem.instance.optimised)
        count = max((len(member.evaluation.replications) for member in standing), default=0)
        plans = tuple(_stated(member) for member in standing)
        numbers = tuple(range(FRESH_REPLICATIONS, FRESH_REPLICATIONS + count))
        return HandedOut(plans, numbers, True, cheapest_that_keeps(plans), evaluator.simulations / problem.parts)


IDLE = 25


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


def _final_point(judge: Judge, values: Floats, tie: float) -> Floats:
    return judge.final_point(Objectives(values, values.mean(axis=0), (), np.empty((0, 0)), 0.0, tie))


def _with_final_point(judge: Judge, member: Member) -> Member:
    judgement = member.evaluation.judgement
    if judgement is None:
        return member
    point = _final_point(judge, judgement.values, judgement.tie)
    return replace(member, evaluation=replace(member.evaluation, judgement=replace(judgement, point=point)))


def theirs(method: Method, problem: Problem, seed: int, budget: int) -> HandedOut:
    """Let another method search; its cheapest plan is the one that spends least of those it hands out."""
    report: Report | None = None
    for report in method.reports(problem, seed, budget):  # noqa: B007 (the last one counts)
        pass
    front = () if report is None else report.front
    plans = tuple(_stated(member) for member in front)
    count = max((len(member.evaluation.replications) for member in front), default=0)
    cheapest = min(plans, key=lambda plan: plan.spending, default=None)
    return HandedOut(plans, tuple(range(count)), False, cheapest, 0.0 if report is None else report.spent)


def _stated(member: Member) -> Stated:
    judgement = member.evaluation.judgement
    if judgement is None:
        raise ValueError(f"{member.key[:12]} stands on a front without having been judged")
    return Stated.of(member.plan.configuration, judgement)
