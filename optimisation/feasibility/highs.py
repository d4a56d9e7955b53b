"""The door to Pyomo's persistent HiGHS interface; its quirks stay behind it.

The interface (`pyomo.contrib.solver`, Pyomo 6.10) is under active development. Three of its habits are changed here: it
redirects the process's file descriptors while it loads and solves, which deadlocks threads; it keeps the last basis,
which would make an answer depend on what was solved before; and so does HiGHS's own memory of how it scaled the first
problem it was given, which the solver is made to forget too.
"""

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from math import inf

import highspy
import numpy as np
from numpy.typing import NDArray
from pyomo.contrib.solver.common.results import Results, SolutionStatus, TerminationCondition
from pyomo.contrib.solver.solvers.highs import Highs
from pyomo.core.base.constraint import ConstraintData
from pyomo.core.base.PyomoModel import ConcreteModel

from optimisation.feasibility.turns import PYOMO

NODE_LIMIT = 2000
"""A number of nodes, not a time, ends a hard search: the answer must not depend on how busy the machine is."""
SEARCH_NODES = 100
"""The same in a search, once there is a plan: a proposal next to the rules may otherwise take ten seconds."""
NEAR_NODES = 50
"""The same near the relaxation."""
SPLIT_STEPS = 3
"""Steps that shares of a mix may lie away from a relaxation that leaves one of the mix between two steps."""
OTHER_STEPS = 2
"""Steps that capacities may lie away from it then."""
PART_OF_GAP = 0.3
_WHOLE = 1e-6
_ROUNDING = 1e-9


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
    tie: NDArray[np.int64]
    """[whole column] the equality of whole columns alone that it stands in, as the steps of a mix do; -1: none."""

    @staticmethod
    def of(solver: highspy.Highs) -> "WholeColumns":
        """Read them from a solver's model."""
        model = solver.getLp()
        is_whole = np.zeros(model.num_col_, dtype=bool)  # of a model without any the solver lists no kinds at all
        is_whole[: len(model.integrality_)] = [kind == highspy.HighsVarType.kInteger for kind in model.integrality_]
        whole = np.flatnonzero(is_whole).astype(np.int32)
        tie = _ties(model, is_whole)[whole]
        return WholeColumns(whole, np.array(model.col_lower_)[whole], np.array(model.col_upper_)[whole], tie)

    def bound(self, solver: highspy.Highs, low: NDArray[np.float64], high: NDArray[np.float64]) -> None:
        """Give the columns other bounds within their own."""
        count = len(self.numbers)
        solver.changeColsBounds(count, self.numbers, np.maximum(self.low, low), np.minimum(self.high, high))

    def free(self, solver: highspy.Highs) -> None:
        """Give the columns their own bounds again."""
        solver.changeColsBounds(len(self.numbers), self.numbers, self.low, self.high)


def _ties(model: highspy.HighsLp, is_whole: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return the last equality of whole columns alone that each column stands in, -1 without one [column]."""
    matrix = model.a_matrix_
    lines, start = np.array(matrix.index_, dtype=np.int64), np.array(matrix.start_, dtype=np.int64)
    outer = np.repeat(np.arange(len(start) - 1), np.diff(start))
    by_column = matrix.format_ == highspy.MatrixFormat.kColwise
    columns, rows = (outer, lines) if by_column else (lines, outer)
    is_equal = np.array(model.row_lower_) == np.array(model.row_upper_)
    is_equal[rows[~is_whole[columns]]] = False
    found = np.full(len(is_whole), -1, dtype=np.int64)
    np.maximum.at(found, columns[is_equal[rows]], rows[is_equal[rows]])
    return found


def solve_from_relaxation(solver: highspy.Highs, whole: WholeColumns, gap: float, nodes: int = NODE_LIMIT) -> float:
    """Solve a minimisation to within a relative gap, looking first next to its relaxation; return the gap proved.

    That is (value - bound) / |value|, infinite without a solution, more than was asked for where the nodes ran out.

    The relaxation is solved, then programmes whose whole columns may only take values near it, each nearer to the
    whole programme than the last (`_neighbourhoods`). The first answer within the gap of the relaxation is the answer;
    without one, the best is where the whole programme starts from, and mostly all that is left to do there is to prove
    it near enough. Solved so, most repairs take a fifth of the time (relaxation induced neighbourhoods are Danna,
    Rothberg and Le Pape's, Mathematical Programming 102, 2005).
    Nothing of earlier solves is used. The solver is left with the answer; `whole.free` undoes the bounds.
    """
    whole.free(solver)
    _forget(solver)
    solver.setOptionValue("mip_rel_gap", gap)
    solver.setOptionValue("solve_relaxation", True)
    solver.run()
    solver.setOptionValue("solve_relaxation", False)
    if solver.getModelStatus() != highspy.HighsModelStatus.kOptimal:
        return inf
    if not len(whole.numbers):
        return 0.0
    floor = float(solver.getInfo().objective_function_value)
    relaxed = np.array(solver.getSolution().col_value)[whole.numbers]
    start: highspy.HighsSolution | None = None
    for near in _neighbourhoods(whole, relaxed):
        if near.is_last_resort and start is not None:
            continue
        whole.bound(solver, np.floor(relaxed + _WHOLE) - near.steps, np.ceil(relaxed - _WHOLE) + near.steps)
        _run_afresh(solver, gap * near.part_of_gap, start, nodes=min(nodes, NEAR_NODES), target=_farthest(floor, gap))
        if not _has_solution(solver):
            continue
        if _gap_to(floor, solver) <= gap:
            return _gap_to(floor, solver)
        start = solver.getSolution()
    whole.free(solver)
    _run_afresh(solver, gap, start, nodes=nodes if start is not None else NODE_LIMIT)
    bound = float(solver.getInfo().mip_dual_bound)
    return _gap_to(max(floor, bound), solver) if _has_solution(solver) else inf


def _forget(solver: highspy.Highs) -> None:
    """Bring a solver to where it would be had it just been given its model.

    `clearSolver` is not enough: how the first problem was scaled is kept (HiGHS 1.15), and so is whether its matrix is
    by rows, as it was added, or by columns, as it is solved; both show in the last digits.
    """
    solver.clearSolver()
    solver.ensureColwise()
    solver.passModel(solver.getLp())


def _gap_to(bound: float, solver: highspy.Highs) -> float:
    """Return how far the solver's solution may be from the best one, relative to its own value."""
    reached = float(solver.getInfo().objective_function_value)
    excess = reached - bound
    if excess <= _ROUNDING * max(1.0, abs(reached)):
        return 0.0
    return excess / abs(reached) if reached else inf


@dataclass(frozen=True)
class _Neighbourhood:
    """How far from the relaxation whole columns may lie."""

    steps: NDArray[np.int64]
    """[whole column] on either side of it."""
    part_of_gap: float = 1.0
    """Gap to solve it to, over the gap asked for: its own bound says little about the whole programme's."""
    is_last_resort: bool = False
    """Whether it is only looked at where the others hold no solution."""


def _neighbourhoods(whole: WholeColumns, relaxed: NDArray[np.float64]) -> Iterator[_Neighbourhood]:
    """Yield where to look, from the quickest to the widest.

    First the values on either side of the relaxation, one farther where no equality ties them (capacities), so that
    the tied ones (mixes) can be rounded; then farther, in those mixes alone that the relaxation leaves between two
    steps; then one step farther everywhere.
    """
    between = np.abs(relaxed - np.rint(relaxed)) > _WHOLE
    is_tied = whole.tie >= 0
    is_split = np.zeros(int(whole.tie.max(initial=-1)) + 1, dtype=bool)
    is_split[whole.tie[is_tied & between]] = True
    yield _Neighbourhood(np.where(is_tied, 0, 1))
    split = is_tied.copy()
    split[is_tied] = is_split[whole.tie[is_tied]]
    yield _Neighbourhood(np.where(is_tied, np.where(split, SPLIT_STEPS, 0), OTHER_STEPS), PART_OF_GAP)
    yield _Neighbourhood(np.ones(len(relaxed), dtype=np.int64), is_last_resort=True)


def _farthest(floor: float, gap: float) -> float:
    """Return the greatest value x with x - floor <= gap |x|."""
    return floor / (1.0 - gap) if floor >= 0.0 else floor / (1.0 + gap)


def _run_afresh(
    solver: highspy.Highs, gap: float, start: highspy.HighsSolution | None, *, nodes: int, target: float = -inf
) -> None:
    """Run without what was known before but a start; stop at the gap, or at a solution as good as the target."""
    solver.clearSolver()
    solver.setOptionValue("mip_rel_gap", gap)
    solver.setOptionValue("mip_max_nodes", nodes)
    solver.setOptionValue("objective_target", target)
    if start is not None:
        solver.setSolution(start)
    solver.run()
    solver.setOptionValue("objective_target", -inf)


def _has_solution(solver: highspy.Highs) -> bool:
    return bool(solver.getInfo().primal_solution_status == highspy.SolutionStatus.kSolutionStatusFeasible)


class _FreshHighs(Highs):  # type: ignore[misc]  # Pyomo is untyped
    """HiGHS kept in memory, which forgets the last solution before each solve and leaves file descriptors alone."""

    whole: WholeColumns | None = None
    gap: float = 0.0
    nodes: int = NODE_LIMIT
    proved: float = inf
    """Gap of the last solve."""

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
        with PYOMO.given_up():
            self.proved = solve_from_relaxation(solver, self.whole, self.gap, self.nodes)


class _FreshRelaxation(_FreshHighs):
    """The linear relaxation, with its dual values."""

    def _run(self, solver: highspy.Highs) -> None:
        _forget(solver)
        solver.setOptionValue("solve_relaxation", True)
        with PYOMO.given_up():
            solver.run()


class PersistentSolver:
    """One model kept in HiGHS; between solves only the values of its mutable parameters may change."""

    def __init__(self, model: ConcreteModel, gap: float, *, nodes: int = NODE_LIMIT, relaxed: bool = False) -> None:
        """Keep a model, to be solved to a gap or until so many nodes were looked at after a solution was found."""
        self.model = model
        self._highs = _FreshRelaxation() if relaxed else _FreshHighs()
        self._highs.gap, self._highs.nodes = gap, nodes
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

    @PYOMO
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
    def gap(self) -> float:
        """How far the last solution may be from the best one, relative to its own value; inf without one."""
        return self._highs.proved

    @property
    def programme(self) -> highspy.HighsLp:
        """The programme as last given to the solver, for who wants to solve it without Pyomo."""
        return self._highs.programme()

    def duals(self, rows: Sequence[ConstraintData]) -> list[float]:
        """Return the dual values of rows after a relaxation was solved: its objective's change per unit of a bound."""
        found = self._results.solution_loader.get_duals(rows)
        return [float(found[row]) for row in rows]
