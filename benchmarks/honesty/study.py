"""One search of one method held against the truth."""

import time
from dataclasses import asdict

import numpy as np

from benchmarks.honesty.aimed import ASKED, Case
from benchmarks.honesty.confirming import block_of, confirmations
from benchmarks.honesty.handed_out import OURS, HandedOut, Stated, candidates, theirs
from benchmarks.honesty.records import Measures, Row
from benchmarks.honesty.truth import Simulated, judge_of, true_probability
from benchmarks.search.methods import METHODS
from benchmarks.search.problem import Problem
from benchmarks.search.running import commit
from optimisation.fronts import MARGIN, Floats, costs, dominated_beyond, hypervolume
from optimisation.keeping_targets import cheapest_that_keeps
from simulation.objectives import Judge


def run(case: Case, problem: Problem, name: str, seed: int) -> Row:
    """Let a method search once and return what came of it."""
    before = time.process_time()
    measures, cheapest = _ours(case, problem, seed) if name == OURS else _theirs(case, problem, name, seed)
    probability = np.nan
    if cheapest is not None:
        probability = true_probability(problem.knowledge, cheapest.configuration, seed, case.futures)
    return Row(
        **asdict(measures),
        instance=case.instance,
        method=name,
        seed=seed,
        budget=case.budget,
        named=int(cheapest is not None),
        probability=probability,
        asked=ASKED,
        futures=case.futures,
        cpu_seconds=round(time.process_time() - before, 1),
        commit=commit(),
    )


def _ours(case: Case, problem: Problem, seed: int) -> tuple[Measures, Stated | None]:
    members, spent = candidates(problem, seed, case.budget)
    configurations = [one.plan.configuration for one in members]
    found = Simulated.of(
        problem.knowledge, configurations, seed, block_of(problem.instance.settings.search), case.chances
    )
    every = confirmations(judge_of(problem.knowledge, seed), members, found, seed)
    stated = [_hypervolume(problem, np.array([plan.point for plan in one.plans])) for one in every]
    true = [_hypervolume(problem, one.true) for one in every]
    dominated = float(np.mean([_dominated(problem, one.true) for one in every if len(one.plans)]))
    plans = float(np.mean([len(one.plans) for one in every]))
    cheapest = cheapest_that_keeps(every[0].plans)
    first = stated[0] / true[0] - 1.0 if true[0] else np.nan
    own = float(np.sum(stated) / np.sum(true) - 1.0) if np.sum(true) else np.nan
    crossed = float(np.mean([_hypervolume(problem, points) for one in every for points in one.crossed]))
    really = float(np.mean([_hypervolume(problem, points) for one in every for points in one.crossed_true]))
    confirming = float(np.mean([one.spent for one in every]))
    measures = Measures(round(spent, 2), round(confirming, 2), plans, crossed, really, own, first, dominated)
    return measures, cheapest


def _theirs(case: Case, problem: Problem, name: str, seed: int) -> tuple[Measures, Stated | None]:
    found = theirs(METHODS[name], problem, seed, case.budget)
    if not found.plans:
        return Measures(round(found.spent, 2), 0.0, 0.0, 0.0, 0.0, np.nan, np.nan, np.nan), None
    true = _true_points(case, problem, found, seed)
    stated = _hypervolume(problem, np.array([plan.point for plan in found.plans]))
    really = _hypervolume(problem, true)
    dominated = _dominated(problem, true)
    first = stated / really - 1.0 if really else np.nan
    plans = float(len(found.plans))
    return Measures(round(found.spent, 2), 0.0, plans, stated, really, first, first, dominated), found.cheapest


def _true_points(case: Case, problem: Problem, found: HandedOut, seed: int) -> Floats:
    """Return the means of the plans' objectives under the draws they met, solvency as far below its mean as stated."""
    judge = Judge.of(problem.instance)
    repeats = max(1, round(case.theirs / len(found.numbers)))
    configurations = [plan.configuration for plan in found.plans]
    long = Simulated.of(problem.knowledge, configurations, seed, found.numbers, repeats)
    plans, every = range(len(configurations)), range(long.count)
    long.prepare(plans, every)
    today = long.todays(every)
    means = [judge.judge(long.essences(plan, every), today).values.mean(axis=0) for plan in plans]
    rows = [plan.point + mean - plan.values.mean(axis=0) for plan, mean in zip(found.plans, means, strict=True)]
    return np.array(rows)


def _hypervolume(problem: Problem, points: Floats) -> float:
    return hypervolume(costs(points, problem.instance.optimised)) if len(points) else 0.0


def _dominated(problem: Problem, points: Floats) -> float:
    """Return the share of plans than which another one is nowhere worse and somewhere better by more than MARGIN."""
    return float(np.mean(dominated_beyond(costs(points, problem.instance.optimised), MARGIN)))
