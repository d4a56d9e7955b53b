"""The door to Pyomo's persistent HiGHS interface; its quirks stay behind it.

The interface (`pyomo.contrib.solver`, Pyomo 6.10) is under active development. Two of its habits are changed here: it
redirects the process's file descriptors while it loads and solves, which deadlocks threads, and it keeps the last
basis, which would make an answer depend on what was solved before.
"""

import io
from enum import Enum

import highspy
from pyomo.contrib.solver.common.results import Results, SolutionStatus, TerminationCondition
from pyomo.contrib.solver.solvers.highs import Highs
from pyomo.core.base.PyomoModel import ConcreteModel

NODE_LIMIT = 2000


class Status(Enum):
    """How a solve ended."""

    SOLVED = "solved"
    INFEASIBLE = "infeasible"
    STOPPED = "stopped without a solution"
    ROUNDING = "the solver's plan breaks a rule beyond rounding"


class _FreshHighs(Highs):  # type: ignore[misc]  # Pyomo is untyped
    """HiGHS kept in memory, which forgets the last solution before each solve and leaves file descriptors alone."""

    def set_instance(self, model: ConcreteModel) -> None:
        if self._last_results_object is not None:
            self._last_results_object.solution_loader.invalidate()
        self._reinit()
        self._model = model
        self._solver_model = highspy.Highs()
        self._solver_model.setOptionValue("output_flag", False)
        self.add_block(model)
        if self._objective is None:
            self.set_objective(None)

    def _solve(self) -> Results:
        config = self._active_config
        self._solver_model.clearSolver()
        for name, value in config.solver_options.items():
            self._solver_model.setOptionValue(name, value)
        config.timer.start("optimize")
        self._solver_model.run()
        config.timer.stop("optimize")
        return self._postsolve(io.StringIO())


class PersistentSolver:
    """One model kept in HiGHS; between solves only the values of its mutable parameters may change."""

    def __init__(self, model: ConcreteModel, gap: float) -> None:
        self.model = model
        self._highs = _FreshHighs()
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
        self._highs.config.solver_options = {
            "threads": 1,
            "random_seed": 0,
            "mip_rel_gap": gap,
            "mip_max_nodes": NODE_LIMIT,
        }

    def solve(self) -> Status:
        """Solve with the parameters' present values, and load the solution when there is one."""
        results = self._highs.solve(self.model)
        if results.solution_status in (SolutionStatus.optimal, SolutionStatus.feasible):
            results.solution_loader.load_vars()
            return Status.SOLVED
        if results.termination_condition in (
            TerminationCondition.provenInfeasible,
            TerminationCondition.infeasibleOrUnbounded,
        ):
            return Status.INFEASIBLE
        return Status.STOPPED
