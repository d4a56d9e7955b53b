"""The ways to solve one repair that are compared: all solve the same programme, to the same gap, from nothing."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import highspy
import numpy as np

from optimisation.encoding import Genes
from optimisation.feasibility.checker import State, state_of
from optimisation.feasibility.highs import SilentHighs, Status
from optimisation.feasibility.model import Aims, NearestPlan
from optimisation.feasibility.near_relaxation import SEARCH_NODES, WholeColumns, solve_from_relaxation
from optimisation.feasibility.planning import Planning
from optimisation.feasibility.repair import SEARCH_GAP, Repairer

Question = tuple[Genes, Aims, State]
"""A proposal's genes, what counts as near, and state, as the model wants them."""
Given = tuple[np.ndarray, np.ndarray, np.ndarray, highspy.HighsBasis | None]
"""The same as the solver wants it: the bounds of rows, the costs of columns, where the relaxation starts."""


def questions(planning: Planning, proposals: Sequence[Genes], contract: str) -> list[Question]:
    """Return what repair would ask for each proposal."""
    repairer = Repairer(planning)
    states = [state_of(planning, planning.encoding.configuration(genes)) for genes in proposals]
    return [(genes, repairer.asked(genes, contract), state) for genes, state in zip(proposals, states, strict=True)]


@dataclass(frozen=True)
class Rebuilt:
    """Build the Pyomo model and hand it to the solver each time."""

    planning: Planning
    contract: str

    def solve(self, question: Question) -> Genes | Status:
        return NearestPlan(self.planning, self.contract, SEARCH_GAP, exact=False).solve(*question)


class Raw:
    """HiGHS without Pyomo: the matrix stays, row bounds and costs are written as arrays, the start is given."""

    def __init__(self, persistent: NearestPlan, asked: Sequence[Question], gap: float) -> None:
        self._gap = gap
        self._data = [self._given(persistent, question) for question in asked]
        self._solver = SilentHighs()
        for option, value in (("threads", 1), ("random_seed", 0), ("mip_max_nodes", 2000)):
            self._solver.setOptionValue(option, value)
        self._solver.passModel(persistent.programme)
        self._whole = WholeColumns.of(self._solver)
        self._rows = np.arange(len(self._data[0][0]), dtype=np.int32)
        self._columns = np.arange(len(self._data[0][2]), dtype=np.int32)

    @staticmethod
    def _given(persistent: NearestPlan, question: Question) -> Given:
        persistent.solve(*question)
        programme = persistent.programme
        bounds = np.array(programme.row_lower_), np.array(programme.row_upper_)
        return *bounds, np.array(programme.col_cost_), persistent.basis

    def solve(self, number: int) -> float:
        """Solve the question of that number and return the distance reached."""
        low, high, cost, basis = self._data[number]
        self._solver.changeRowsBounds(len(self._rows), self._rows, low, high)
        self._solver.changeColsCost(len(self._columns), self._columns, cost)
        solve_from_relaxation(self._solver, self._whole, self._gap, SEARCH_NODES, basis)
        return float(self._solver.getInfo().objective_function_value)


def alternatives(planning: Planning, asked: Sequence[Question], contract: str) -> dict[str, Callable[[int], object]]:
    """Return each way as a function of a question's number; all are ready, none has solved what it is asked next."""
    persistent = NearestPlan(planning, contract, SEARCH_GAP, exact=False)
    raw, rebuilt = Raw(persistent, asked, SEARCH_GAP), Rebuilt(planning, contract)
    return {
        "persistent": lambda number: persistent.solve(*asked[number]),
        "raw": raw.solve,
        "rebuilt": lambda number: rebuilt.solve(asked[number]),
    }
