"""Plans drawn evenly between all bounds and repaired."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass

from benchmarks.search.problem import Problem
from benchmarks.search.reporting import Report
from benchmarks.search.trials import POPULATION, Trials
from optimisation.proposing import Proposer
from simulation.configuration import todays_configuration


@dataclass(frozen=True)
class RandomRepaired:
    """The sample that a search must beat, today's offer first."""

    replications: int

    def reports(self, problem: Problem, seed: int, budget: int) -> Iterator[Report]:
        """Report after every few plans."""
        proposer = Proposer(problem.instance, problem.planning, seed)
        count = (budget - problem.informing) // self.replications
        plans = [todays_configuration(problem.instance)]
        plans += [plan.configuration for plan in proposer.random_plans(count)]
        with closing(Trials(problem, seed, budget, self.replications)) as trials:
            for start in range(0, len(plans), POPULATION):
                trials.verdicts(plans[start : start + POPULATION])
                yield trials.report()
