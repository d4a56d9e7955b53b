"""pymoo's view of us: integer genes, costs to minimise, one constraint that marks what must not be kept."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from pymoo.algorithms.moo.nsga2 import NSGA2
from pymoo.core.crossover import Crossover
from pymoo.core.mutation import Mutation
from pymoo.core.population import Population
from pymoo.core.problem import Problem
from pymoo.core.termination import NoTermination

from optimisation.encoding import Genes
from optimisation.fronts import Floats
from optimisation.operators import Operators

REFUSED_COST = 10.0
"""Cost shown to the search for what could not be evaluated; far beyond any bad bound."""


class _Decisions(Problem):  # type: ignore[misc]  # pymoo is untyped
    """The decision space; evaluation happens outside, through ask and tell."""

    def __init__(self, operators: Operators, objectives: int) -> None:
        encoding = operators.encoding
        super().__init__(
            n_var=len(encoding.low),
            n_obj=objectives,
            n_ieq_constr=1,
            xl=encoding.low.astype(np.float64),
            xu=encoding.high.astype(np.float64),
            vtype=int,
        )


class _TerritoryCrossover(Crossover):  # type: ignore[misc]  # pymoo is untyped
    """Two parents, two children, territories swapped."""

    def __init__(self, operators: Operators) -> None:
        super().__init__(2, 2)
        self._operators = operators

    def _do(self, problem: Problem, X: Any, *args: Any, random_state: np.random.Generator, **kwargs: Any) -> Any:  # noqa: ANN401, N803
        pairs = [self._operators.crossed(first, second, random_state) for first, second in zip(X[0], X[1], strict=True)]
        return np.array(pairs).transpose(1, 0, 2)


class _TerritoryMutation(Mutation):  # type: ignore[misc]  # pymoo is untyped
    """A few decisions of one territory changed."""

    def __init__(self, operators: Operators) -> None:
        super().__init__()
        self._operators = operators

    def _do(self, problem: Problem, X: Any, *args: Any, random_state: np.random.Generator, **kwargs: Any) -> Any:  # noqa: ANN401, N803
        return np.array([self._operators.mutated(genes, random_state) for genes in X])


class Breeder:
    """NSGA-II by ask and tell; it draws from generators that are handed in, so no state hides in it."""

    def __init__(self, operators: Operators, objectives: int, first: list[Genes], population: int) -> None:
        self._algorithm = NSGA2(
            pop_size=min(population, len(first)),  # a first generation may be larger: the best of it stay
            sampling=np.array(first),
            crossover=_TerritoryCrossover(operators),
            mutation=_TerritoryMutation(operators),
            eliminate_duplicates=False,
        )
        self._algorithm.setup(_Decisions(operators, objectives), termination=NoTermination(), seed=0, verbose=False)

    def ask(self, random: np.random.Generator) -> list[Genes]:
        """Return the next proposals: at first the ones given, then children."""
        self._algorithm.random_state = random
        asked = self._algorithm.ask()
        return [np.asarray(genes, dtype=np.int64) for genes in asked.get("X")]

    def children(self, count: int, random: np.random.Generator) -> list[Genes]:
        """Return so many proposals, once there are parents."""
        found: list[Genes] = []
        while len(found) < count:
            found += self.ask(random)
        return found[:count]

    def renew(self, known: Mapping[bytes, tuple[Floats, float]]) -> None:
        """Put what is now known of plans, by the bytes of their genes, in place of what was told of them before."""
        for one in self._algorithm.pop if self._algorithm.pop is not None else ():
            found = known.get(np.asarray(one.get("X"), dtype=np.int64).tobytes())
            if found is not None:
                one.set("F", found[0])
                one.set("G", np.array([found[1]]))

    def tell(self, genes: list[Genes], costs: Floats, violations: Floats, random: np.random.Generator) -> None:
        """Report what became of the proposals: their repaired genes, costs [plan, objective], violations [plan]."""
        self._algorithm.random_state = random
        told = Population.new("X", np.array(genes))
        told.set("F", costs)
        told.set("G", violations[:, None])
        for one in told:
            one.evaluated.update({"F", "G", "H"})
        self._algorithm.evaluator.n_eval += len(told)
        self._algorithm.tell(infills=told)
