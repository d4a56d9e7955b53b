"""Whole numbers, as general optimisers handle them, turned into configurations.

Only what may vary is a variable: shares in steps, capacities in lots, the contract. The mix of a profile must sum to
one, which numbers drawn one by one never do; it is set right by the largest remainders, as any user of such an
optimiser would have to. All other rules are constraints, unless a method repairs.
"""

from dataclasses import dataclass
from functools import cached_property
from itertools import islice

import numpy as np

from benchmarks.search.problem import Problem
from optimisation.encoding import Encoding, Genes
from optimisation.feasibility.repair import Repairer
from optimisation.plan import Plan
from optimisation.starting_points import on_steps, sampled
from simulation.configuration import Configuration


@dataclass(frozen=True)
class Decoder:
    """Variables to configurations and back; with a repairer, to the nearest plan."""

    problem: Problem
    repairer: Repairer | None = None

    @classmethod
    def of(cls, problem: Problem, *, repaired: bool) -> "Decoder":
        """Return the decoder of a problem."""
        return cls(problem, Repairer(problem.planning) if repaired else None)

    @property
    def encoding(self) -> Encoding:
        """How the decisions are laid out."""
        return self.problem.planning.encoding

    @cached_property
    def free(self) -> Genes:
        """Genes that may vary."""
        return np.flatnonzero(self.encoding.low < self.encoding.high)

    @property
    def low(self) -> Genes:
        """[variable] least value."""
        return self.encoding.low[self.free]

    @property
    def high(self) -> Genes:
        """[variable] greatest value."""
        return self.encoding.high[self.free]

    def first(self, count: int, seed: int) -> Genes:
        """Return what a search starts from [proposal, variable]: today, and a sample as ours is, from today outwards.

        Drawn evenly between all bounds none of 3,000 proposals of NSGA-II kept the rules of synthetic-10.
        """
        random = np.random.Generator(np.random.Philox(np.random.SeedSequence(seed)))
        sample = islice(sampled(self.encoding, random), count - 1)
        return np.array([self.encoding.today, *sample])[:, self.free]

    def configuration(self, variables: Genes) -> Configuration:
        """Return what variables stand for; the nearest plan when there is a repairer and it finds one."""
        genes = self.encoding.today.copy()
        genes[self.free] = variables
        decided = self.encoding.decided
        genes[:decided] = on_steps(self.encoding, genes[:decided].astype(np.float64))
        configuration = self.encoding.configuration(genes)
        plan = self.repairer.repair(configuration) if self.repairer else None
        return plan.configuration if isinstance(plan, Plan) else configuration

    def variables(self, configuration: Configuration) -> Genes:
        """Return the variables of a configuration on its steps."""
        return self.encoding.genes(configuration)[self.free]
