"""What is measured of plans, each a function that returns findings."""

import threading
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from functools import partial
from itertools import islice
from statistics import median
from typing import Any
from unittest.mock import patch

import numpy as np

from benchmarks.alternation import Timed, median_ratio, timed
from benchmarks.plans.ways import alternatives, questions
from benchmarks.results import Finding
from instances.instance import Instance
from optimisation.encoding import Genes
from optimisation.feasibility.planning import Planning
from optimisation.feasibility.repair import Repairer
from optimisation.operators import operators_of
from optimisation.plan import Infeasible, Plan
from optimisation.search import SearchSettings, search
from optimisation.starting_points import sampled
from optimisation.twin_evaluation import twin_evaluator
from simulation.objectives import ENOUGH_REPLICATIONS

MOST_OVER_RAW = 1.6
LEAST_UNDER_REBUILDING = 2.5
MOST_OF_A_SEARCH = 1.0 / 3.0
SAMPLED = 1 / 6


def proposals(instance: Instance, planning: Planning, count: int) -> list[Genes]:
    """Return proposals as searches make them: a sixth from where a search starts, then children and mutants of plans.

    A default search has six generations, the first of them sampled; which plans survive is left to chance here.
    """
    random = np.random.Generator(np.random.Philox(np.random.SeedSequence([7, count])))
    operators, repairer = operators_of(instance, planning.encoding), Repairer(planning)
    made: list[Genes] = []
    plans: list[Genes] = []
    first = sampled(planning.encoding, random)
    while len(made) < count:
        if len(made) < max(2, count * SAMPLED) or len(plans) < 2:
            made.append(next(first))
        else:
            one, other = (plans[number] for number in random.choice(len(plans), size=2, replace=False))
            bred = operators.crossed(one, other, random)[0] if len(made) % 2 else one
            made.append(operators.mutated(bred, random))
        plan = repairer.repair(planning.encoding.configuration(made[-1]))
        if isinstance(plan, Plan):
            plans.append(planning.encoding.genes(plan.configuration))
    return made


def repairs(name: str, instance: Instance, count: int) -> list[Finding]:
    """Time repairs, and what solving takes by each way, alternating proposal by proposal."""
    planning = Planning(instance)
    contract = planning.encoding.contracts[0]
    asked = proposals(instance, planning, count)
    repairer = Repairer(planning)
    repairer.repair(planning.encoding.configuration(asked[0]))  # builds its model and learns the least use of budgets
    whole = [_repaired(repairer, genes) for genes in asked]
    needed = [each.cpu for each in whole if _was_broken(each.outcome)] or [each.cpu for each in whole]
    broken = [genes for genes, each in zip(asked, whole, strict=True) if _was_broken(each.outcome)] or asked
    taken = _alternated(alternatives(planning, questions(planning, broken, contract), contract), len(broken))
    size = f"{len(planning.cells)} shares, {len(instance.capacities)} capacities"
    over_raw = median_ratio(taken["persistent"], taken["raw"])
    under_rebuilding = median_ratio(taken["rebuilt"], taken["persistent"])
    return [
        Finding(f"{name} ({size}): a repair that needs the solver", 1e3 * median(needed), "ms"),
        Finding(f"{name}: the slowest of {len(needed)}", 1e3 * max(needed), "ms"),
        *(Finding(f"{name}: {way} solve", 1e3 * median(own), "ms") for way, own in taken.items()),
        Finding(f"{name}: persistent beside raw highspy", over_raw, "times", at_most=MOST_OVER_RAW),
        Finding(f"{name}: rebuilt beside persistent", under_rebuilding, "times", at_least=LEAST_UNDER_REBUILDING),
    ]


def _was_broken(outcome: Plan | Infeasible) -> bool:
    return isinstance(outcome, Infeasible) or bool(outcome.changed)


def _repaired(repairer: Repairer, genes: Genes) -> Timed[Plan | Infeasible]:
    proposal = repairer.planning.encoding.configuration(genes)
    return timed(lambda: repairer.repair(proposal), lambda plan: plan)


def _alternated(ways: dict[str, Callable[[int], object]], count: int) -> dict[str, list[float]]:
    """Return the CPU seconds of each way for each question."""
    taken: dict[str, list[float]] = {way: [] for way in ways}
    for number in range(count):
        for way, solve in ways.items():
            taken[way].append(timed(partial(solve, number), lambda _: None).cpu)
    return taken


class _Watched:
    """Adds up the time spent in a method: `wall` in which any thread was in it, `cpu` of all threads."""

    def __init__(self, method: Callable[..., Any]) -> None:
        self._method = method
        self._lock = threading.Lock()
        self.wall = self.cpu = 0.0
        self._inside = 0
        self._since = 0.0

    def bound(self) -> Callable[..., Any]:
        """Return what to put in the method's place."""

        def watched(*arguments: Any) -> Any:
            cpu = time.thread_time()
            with self._lock:
                self._since = self._since if self._inside else time.perf_counter()
                self._inside += 1
            try:
                return self._method(*arguments)
            finally:
                with self._lock:
                    self._inside -= 1
                    self.wall += 0.0 if self._inside else time.perf_counter() - self._since
                    self.cpu += time.thread_time() - cpu

        return watched


def share_of_a_search(instance: Instance, settings: SearchSettings, generations: int, workers: int) -> list[Finding]:
    """Run a search: which part of its time, and of its CPU time, went to repair; how often no solver was needed."""
    planning = Planning(instance)
    watched = _Watched(Repairer.repair)
    informing = range(max(ENOUGH_REPLICATIONS, settings.replications))
    evaluator = twin_evaluator(instance, seed=settings.seed, workers=workers, informing=informing)
    with closing(evaluator), patch.object(Repairer, "repair", watched.bound()):
        wall, cpu = time.perf_counter(), time.process_time()
        states = list(islice(search(instance, evaluator, settings, planning, workers=workers), generations))
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    last = states[-1]
    asked = last.untouched + last.repaired + last.refused
    return [
        Finding(f"search of {generations} generations of {settings.population}: proposals", asked),
        Finding("proposals that were plans already: no solver", 100.0 * last.untouched / asked, "%"),
        Finding(
            f"repair's part of the search's time, {workers} workers", watched.wall / wall, "", at_most=MOST_OF_A_SEARCH
        ),
        Finding("repair's part of its CPU time", watched.cpu / cpu, at_most=MOST_OF_A_SEARCH),
    ]


def all_findings(named: Sequence[tuple[str, Instance]], count: int, report: Callable[[str], None]) -> list[Finding]:
    """Measure repairs on each instance."""
    findings: list[Finding] = []
    for name, instance in named:
        for finding in repairs(name, instance, count):
            findings.append(finding)
            report(finding.row)
    return findings
