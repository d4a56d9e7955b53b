"""pymoo's NSGA-II as its guide sets it up for whole numbers: SBX, polynomial mutation, rounding, constraints."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass

import numpy as np
from pymoo.algorithms.moo.nsga2 import NSGA2
from pymoo.core.population import Population
from pymoo.core.problem import Problem as PymooProblem
from pymoo.core.termination import NoTermination
from pymoo.operators.crossover.sbx import SBX
from pymoo.operators.mutation.pm import PM
from pymoo.operators.repair.rounding import RoundingRepair

from benchmarks.search.decoding import Decoder
from benchmarks.search.problem import Problem
from benchmarks.search.reporting import Report
from benchmarks.search.trials import POPULATION, Trials


@dataclass(frozen=True)
class PymooNSGA2:
    """NSGA-II with fixed replications of each plan; the first generation is today and a sample.

    repaired: the nearest plan takes the place of a proposal, in the population too; else rules are constraints.
    """

    replications: int
    repaired: bool = False
    population: int = POPULATION

    def reports(self, problem: Problem, seed: int, budget: int) -> Iterator[Report]:
        """Report after every generation."""
        decoder = Decoder.of(problem, repaired=self.repaired)
        algorithm = _algorithm(decoder, self.population, seed)
        with closing(Trials(problem, seed, budget, self.replications)) as trials:
            while not trials.is_over:
                asked = algorithm.ask()
                if asked is None or not len(asked):
                    return  # no child that is not there already
                proposals = [decoder.configuration(row) for row in np.rint(asked.get("X")).astype(np.int64)]
                found = trials.verdicts(proposals)
                yield trials.report()
                if len(found) < len(proposals):
                    return
                told = Population.new("X", np.array([decoder.variables(one) for one in proposals], dtype=np.float64))
                told.set("F", np.array([one.costs for one in found]))
                told.set("G", np.array([[one.violation] for one in found]))
                for one in told:
                    one.evaluated.update({"F", "G", "H"})
                algorithm.evaluator.n_eval += len(told)
                algorithm.tell(infills=told)


def _algorithm(decoder: Decoder, population: int, seed: int) -> NSGA2:
    problem = PymooProblem(
        n_var=len(decoder.free),
        n_obj=len(decoder.problem.instance.optimised),
        n_ieq_constr=1,
        xl=decoder.low.astype(np.float64),
        xu=decoder.high.astype(np.float64),
        vtype=int,
    )
    algorithm = NSGA2(
        pop_size=population,
        sampling=decoder.first(population, seed).astype(np.float64),
        crossover=SBX(prob=1.0, eta=3.0, vtype=float, repair=RoundingRepair()),
        mutation=PM(prob=1.0, eta=3.0, vtype=float, repair=RoundingRepair()),
        eliminate_duplicates=True,
    )
    algorithm.setup(problem, termination=NoTermination(), seed=seed, verbose=False)
    return algorithm
