"""The product's search as it is, with the settings of its normal preset, until the budget is spent."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass

from benchmarks.search.problem import Problem
from benchmarks.search.reporting import Report
from benchmarks.search.whole_plans import WholePlans
from optimisation.evaluation import Evaluates
from optimisation.ingredients import EVERYTHING, Ingredients
from optimisation.search import SearchSettings, search
from simulation.configuration import todays_configuration

IDLE = 25
"""Generations without a new simulation after which a search has nothing left to try."""


@dataclass(frozen=True)
class Ours:
    """The search; it counts component runs, over the number of components.

    ingredients: what it is made of; adaptive: plans in doubt are replicated further; component_memory: a part that
    two plans share is simulated once.
    """

    ingredients: Ingredients = EVERYTHING
    adaptive: bool = True
    component_memory: bool = True

    def reports(self, problem: Problem, seed: int, budget: int) -> Iterator[Report]:
        """Report after every generation."""
        most = problem.most_replications if self.adaptive else problem.replications
        settings = SearchSettings(
            problem.population, problem.replications, seed, most, budget * problem.parts, self.ingredients
        )
        with closing(problem.evaluator(seed)) as evaluator:
            before, idle = 0, 0
            for generation in search(problem.instance, self._counted(problem, evaluator), settings, problem.planning):
                proposed = generation.untouched + generation.repaired + generation.refused
                spent = generation.simulations / problem.parts
                yield Report(spent, generation.front, proposed, len(generation.archive))
                idle = idle + 1 if generation.simulations == before else 0
                before = generation.simulations
                if idle == IDLE:
                    return

    def _counted(self, problem: Problem, evaluator: Evaluates) -> Evaluates:
        if self.component_memory:
            return evaluator
        today = todays_configuration(problem.instance)
        return WholePlans(evaluator, problem.parts, today, range(problem.informing))
