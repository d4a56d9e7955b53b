"""The door to Pyomo's persistent HiGHS interface; its quirks stay behind it.

The interface (`pyomo.contrib.solver`, Pyomo 6.10) is under active development. Three of its habits are changed here: it
redirects the process's file descriptors while it loads and solves, which deadlocks threads; it keeps the last basis,
which would make an answer depend on what was solved before; and so does HiGHS's own memory of how it scaled the first
problem it was given, which the solver is made to forget too.
"""

import io
from collections.abc import Sequence
from enum import Enum
from math import inf

import highspy
import numpy as np
from pyomo.contrib.solver.common.results import Results, SolutionStatus, TerminationCondition
from pyomo.contrib.solver.solvers.highs import Highs
from pyomo.core.base.constraint import ConstraintData
from pyomo.core.base.PyomoModel import ConcreteModel
from pyomo.core.base.var import VarData

from optimisation.feasibility.near_relaxation import NODE_LIMIT, WholeColumns, forget, solve_from_relaxation
from optimisation.feasibility.turns import PYOMO

Pair = tuple[VarData, ConstraintData]
"""A variable and the row that determines it."""


class Status(Enum):
    """How a solve ended."""

    SOLVED = "solved"
    INFEASIBLE = "infeasible"
    STOPPED = "stopped without a solution"
    ROUNDING = "the solver's plan breaks a rule beyond rounding"


class SilentHighs(highspy.Highs):  # type: ignore[misc]  # HiGHS's interface is untyped
    """HiGHS that says nothing, its name and version on creation included (from 1.16 on)."""

    def enableCallbacks(self) -> None:  # noqa: N802 (HiGHS's name for it)
        """Turn its output off before anything else: this is what the constructor calls first."""
        self.setOptionValue("output_flag", False)
        super().enableCallbacks()


class _FreshHighs(Highs):  # type: ignore[misc]  # Pyomo is untyped
    """HiGHS kept in memory, which forgets the last solution before each solve and leaves file descriptors alone."""

    whole: WholeColumns | None = None
    gap: float = 0.0
    nodes: int = NODE_LIMIT
    start: Sequence[Pair] | None = None
    """Rows that hold with equality where the next relaxation starts; None: it starts from nothing."""
    basis: highspy.HighsBasis | None = None
    """The same as the solver has it, of the last relaxation."""
    proved: float = inf
    """Gap of the last solve."""

    def set_instance(self, model: ConcreteModel) -> None:
        if self._last_results_object is not None:
            self._last_results_object.solution_loader.invalidate()
        self._reinit()
        self.whole = None
        self._model = model
        self._solver_model = SilentHighs()
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
        self.basis = None if self.start is None else self._basis(self.start)
        with PYOMO.given_up():
            self.proved = solve_from_relaxation(solver, self.whole, self.gap, self.nodes, self.basis)

    def _basis(self, pairs: Sequence[Pair]) -> highspy.HighsBasis:
        """Return the basis in which the row of each pair holds with equality, all other rows being slack."""
        programme = self._solver_model.getLp()
        columns = [highspy.HighsBasisStatus.kLower] * programme.num_col_
        rows = [highspy.HighsBasisStatus.kBasic] * programme.num_row_
        is_open = np.isinf(programme.row_upper_).tolist()
        for variable, constraint in pairs:
            columns[self._pyomo_var_to_solver_var_map[id(variable)]] = highspy.HighsBasisStatus.kBasic
            row = self._pyomo_con_to_solver_con_map[constraint]
            rows[row] = highspy.HighsBasisStatus.kLower if is_open[row] else highspy.HighsBasisStatus.kUpper
        basis = highspy.HighsBasis()
        basis.col_status, basis.row_status, basis.valid = columns, rows, True
        basis.alien = True  # the solver is to check it, and to mend it where rows depend on each other
        return basis


class _FreshRelaxation(_FreshHighs):
    """The linear relaxation, with its dual values."""

    def _run(self, solver: highspy.Highs) -> None:
        forget(solver)
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
    def solve(self, start: Sequence[Pair] | None = None) -> Status:
        """Solve with the parameters' present values, and load the solution when there is one.

        start: rows that hold with equality where the relaxation is to start, each with a variable that it determines;
        None: it starts from nothing.
        """
        self._highs.start = start
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

    @property
    def basis(self) -> highspy.HighsBasis | None:
        """Where the last relaxation started; None: from nothing."""
        return self._highs.basis

    def duals(self, rows: Sequence[ConstraintData]) -> list[float]:
        """Return the dual values of rows after a relaxation was solved: its objective's change per unit of a bound."""
        found = self._results.solution_loader.get_duals(rows)
        return [float(found[row]) for row in rows]
