"""The door to Pyomo's persistent HiGHS interface; its quirks stay behind it.

The interface (`pyomo.contrib.solver`, Pyomo 6.10) is under active development. Two of its habits are changed here: it
redirects the process's file descriptors while it loads and solves, which deadlocks threads, and it keeps the last
basis, which would make an answer depend on what was solved before.
"""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

import highspy
import numpy as np
from numpy.typing import NDArray
from pyomo.contrib.solver.common.results import Results, SolutionStatus, TerminationCondition
from pyomo.contrib.solver.solvers.highs import Highs
from pyomo.core.base.constraint import ConstraintData
from pyomo.core.base.PyomoModel import ConcreteModel

NODE_LIMIT = 2000
"""A number of nodes, not a time, ends a hard search: the answer must not depend on how busy the machine is."""
_NO_LIMIT = 2**31 - 1
_WHOLE = 1e-6


class Status(Enum):
    """How a solve ended."""

    SOLVED = "solved"
    INFEASIBLE = "infeasible"
    STOPPED = "stopped without a solution"
    ROUNDING = "the solver's plan breaks a rule beyond rounding"


@dataclass(frozen=True)
class WholeColumns:
    """The columns of a solver's model that must be whole, and their own bounds."""

    numbers: NDArray[np.int32]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    is_tied: NDArray[np.bool_]
    """[whole column] whether it stands in an equality of whole columns alone, as the steps of a mix do."""

    @staticmethod
    def of(solver: highspy.Highs) -> "WholeColumns":
        """Read them from a solver's model."""
        model = solver.getLp()
        is_whole = np.zeros(model.num_col_, dtype=bool)  # of a model without any the solver lists no kinds at all
        is_whole[: len(model.integrality_)] = [kind == highspy.HighsVarType.kInteger for kind in model.integrality_]
        whole = np.flatnonzero(is_whole).astype(np.int32)
        is_tied = _tied(model, is_whole)[whole]
        return WholeColumns(whole, np.array(model.col_lower_)[whole], np.array(model.col_upper_)[whole], is_tied)

    def bound(self, solver: highspy.Highs, low: NDArray[np.float64], high: NDArray[np.float64]) -> None:
        """Give the columns other bounds within their own."""
        count = len(self.numbers)
        solver.changeColsBounds(count, self.numbers, np.maximum(self.low, low), np.minimum(self.high, high))

    def free(self, solver: highspy.Highs) -> None:
        """Give the columns their own bounds again."""
        solver.changeColsBounds(len(self.numbers), self.numbers, self.low, self.high)


def _tied(model: highspy.HighsLp, is_whole: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return which columns stand in an equality whose columns are all whole [column]."""
    matrix = model.a_matrix_
    lines, start = np.array(matrix.index_, dtype=np.int64), np.array(matrix.start_, dtype=np.int64)
    outer = np.repeat(np.arange(len(start) - 1), np.diff(start))
    by_column = matrix.format_ == highspy.MatrixFormat.kColwise
    columns, rows = (outer, lines) if by_column else (lines, outer)
    is_equal = np.array(model.row_lower_) == np.array(model.row_upper_)
    is_equal[rows[~is_whole[columns]]] = False
    found = np.zeros(len(is_whole), dtype=bool)
    found[columns[is_equal[rows]]] = True
    return found


def solve_from_relaxation(solver: highspy.Highs, whole: WholeColumns, gap: float) -> None:
    """Solve a minimisation to within a relative gap, looking first next to its linear relaxation.

    The relaxation is solved, then the programme whose whole columns may only take values next to it: on either side
    of it where an equality ties them (mixes), one farther elsewhere (capacities), so that the tied ones can be
    rounded; one farther everywhere where that leaves nothing. If that is within the gap of the relaxation, it is the
    answer; if not, it is where the whole programme starts from. Solved so, most repairs take a fifth of the time
    (relaxation induced neighbourhoods are Danna, Rothberg and Le Pape's, Mathematical Programming 102, 2005).
    Nothing of earlier solves is used. The solver is left with the answer; `whole.free` undoes the bounds.
    """
    whole.free(solver)
    solver.clearSolver()
    solver.setOptionValue("mip_rel_gap", gap)
    solver.setOptionValue("solve_relaxation", True)
    solver.run()
    solver.setOptionValue("solve_relaxation", False)
    if solver.getModelStatus() != highspy.HighsModelStatus.kOptimal or not len(whole.numbers):
        return
    floor = float(solver.getInfo().objective_function_value)
    relaxed = np.array(solver.getSolution().col_value)[whole.numbers]
    for steps, improvements in ((np.where(whole.is_tied, 0, 1), _NO_LIMIT), (1, 1)):
        whole.bound(solver, np.floor(relaxed + _WHOLE) - steps, np.ceil(relaxed - _WHOLE) + steps)
        _run_afresh(solver, improvements=improvements)
        if _has_solution(solver):
            break
    if _has_solution(solver):
        reached = float(solver.getInfo().objective_function_value)
        if reached - floor <= gap * abs(reached):
            return
        start = solver.getSolution()
        whole.free(solver)
        _run_afresh(solver, improvements=_NO_LIMIT, start=start)
        return
    whole.free(solver)
    _run_afresh(solver, improvements=_NO_LIMIT)


def _run_afresh(solver: highspy.Highs, *, improvements: int, start: highspy.HighsSolution | None = None) -> None:
    solver.clearSolver()
    solver.setOptionValue("mip_max_improving_sols", improvements)
    if start is not None:
        solver.setSolution(start)
    solver.run()
    solver.setOptionValue("mip_max_improving_sols", _NO_LIMIT)


def _has_solution(solver: highspy.Highs) -> bool:
    return bool(solver.getInfo().primal_solution_status == highspy.SolutionStatus.kSolutionStatusFeasible)


class _FreshHighs(Highs):  # type: ignore[misc]  # Pyomo is untyped
    """HiGHS kept in memory, which forgets the last solution before each solve and leaves file descriptors alone."""

    whole: WholeColumns | None = None
    gap: float = 0.0

    def set_instance(self, model: ConcreteModel) -> None:
        if self._last_results_object is not None:
            self._last_results_object.solution_loader.invalidate()
        self._reinit()
        self.whole = None
        self._model = model
        self._solver_model = highspy.Highs()
        self._solver_model.setOptionValue("output_flag", False)
        self.add_block(model)
        if self._objective is None:
            self.set_objective(None)

    def _solve(self) -> Results:
        config = self._active_config
        solver = self._solver_model
        for name, value in config.solver_options.items():
            solver.setOptionValue(name, value)
        config.timer.start("optimize")
        self._run(solver)
        config.timer.stop("optimize")
        return self._postsolve(io.StringIO())

    def programme(self) -> highspy.HighsLp:
        """Return the programme as last given to the solver."""
        if self.whole is not None:
            self.whole.free(self._solver_model)
        given: highspy.HighsLp = self._solver_model.getLp()
        return given

    def _run(self, solver: highspy.Highs) -> None:
        if self.whole is None:
            self.whole = WholeColumns.of(solver)
        solve_from_relaxation(solver, self.whole, self.gap)


class _FreshRelaxation(_FreshHighs):
    """The linear relaxation, with its dual values."""

    def _run(self, solver: highspy.Highs) -> None:
        solver.clearSolver()
        solver.setOptionValue("solve_relaxation", True)
        solver.run()


class PersistentSolver:
    """One model kept in HiGHS; between solves only the values of its mutable parameters may change."""

    def __init__(self, model: ConcreteModel, gap: float, *, relaxed: bool = False) -> None:
        self.model = model
        self._highs = _FreshRelaxation() if relaxed else _FreshHighs()
        self._highs.gap = gap
        self._highs.config.load_solutions = False
        self._highs.config.raise_exception_on_nonoptimal_result = False
        updates = self._highs.config.auto_updates
        updates.check_for_new_or_removed_constraints = False
        updates.check_for_new_or_removed_vars = False
        updates.check_for_new_or_removed_params = False
        updates.check_for_new_objective = False
        updates.update_constraints = False
        updates.update_vars = False
        updates.update_parameters = True
        updates.update_named_expressions = False
        self._highs.config.solver_options = {"threads": 1, "random_seed": 0, "mip_max_nodes": NODE_LIMIT}

    def solve(self) -> Status:
        """Solve with the parameters' present values, and load the solution when there is one."""
        results = self._highs.solve(self.model)
        self._results = results
        if results.solution_status in (SolutionStatus.optimal, SolutionStatus.feasible):
            results.solution_loader.load_vars()
            return Status.SOLVED
        if results.termination_condition in (
            TerminationCondition.provenInfeasible,
            TerminationCondition.infeasibleOrUnbounded,
        ):
            return Status.INFEASIBLE
        return Status.STOPPED

    @property
    def programme(self) -> highspy.HighsLp:
        """The programme as last given to the solver, for who wants to solve it without Pyomo."""
        return self._highs.programme()

    def duals(self, rows: Sequence[ConstraintData]) -> list[float]:
        """Return the dual values of rows after a relaxation was solved: its objective's change per unit of a bound."""
        found = self._results.solution_loader.get_duals(rows)
        return [float(found[row]) for row in rows]
