"""Solving a programme of whole columns by looking next to its relaxation first."""

from collections.abc import Iterator
from dataclasses import dataclass
from math import inf

import highspy
import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

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
COSTLY = 0.02
"""Part of all that a solution costs over the relaxation from which on one column's part of it is worth a look."""
COSTLY_STEPS = 4
"""Steps that whole columns around a costly one may lie away from the relaxation."""
COSTLY_ROUNDS = 3
"""How often, at most, room is made around what is costly in the last answer."""
MANY_WHOLE = 1000
"""Whole columns from which on these rounds are worth it: on the Loire (535) they made repairs half as long again, on
100 territories (4,900) half as long. From here on a relaxation starts from the proposal, too."""
WORTH_IT = 0.9
"""Gap over the last one from which on a round more is not worth it."""
HOPS = 4
"""Rows between a costly column and those around it: distance to step, to its rules, to loads, to what makes them."""
WIDE_ROW = 400
"""Columns of a row from which on it ties everything to everything, as a budget does, and leads nowhere."""
_RELAXING: dict[str, float] = {"solve_relaxation": True}
_FROM_A_BASIS: dict[str, float] = {
    "dual_simplex_cost_perturbation_multiplier": 0.0,
    "simplex_dual_edge_weight_strategy": 1,
    "simplex_scale_strategy": 0,
}
"""Costs as they are; devex pricing, for exact weights of a basis that is no longer the slacks' have to be computed; no
scaling, which rules have had (`Variables.add_rules`)."""
_ENDS = (highspy.HighsModelStatus.kOptimal, highspy.HighsModelStatus.kInfeasible)
_WHOLE = 1e-6
_ROUNDING = 1e-9


@dataclass(frozen=True)
class WholeColumns:
    """The columns of a solver's model that must be whole, and their own bounds."""

    numbers: NDArray[np.int32]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    tie: NDArray[np.int64]
    """[whole column] the equality of whole columns alone that it stands in, as the steps of a mix do; -1: none."""
    meets: csr_array
    """[row, column] one where a column stands in a row; rows with very many columns are left empty."""

    @staticmethod
    def of(solver: highspy.Highs) -> "WholeColumns":
        """Read them from a solver's model."""
        model = solver.getLp()
        is_whole = np.zeros(model.num_col_, dtype=bool)  # of a model without any the solver lists no kinds at all
        is_whole[: len(model.integrality_)] = [kind == highspy.HighsVarType.kInteger for kind in model.integrality_]
        whole = np.flatnonzero(is_whole).astype(np.int32)
        rows, columns = _entries(model)
        tie = _ties(model, is_whole, rows, columns)[whole]
        narrow = np.bincount(rows, minlength=model.num_row_)[rows] <= WIDE_ROW
        ones = np.ones(int(narrow.sum()))
        meets = csr_array((ones, (rows[narrow], columns[narrow])), shape=(model.num_row_, model.num_col_))
        return WholeColumns(whole, np.array(model.col_lower_)[whole], np.array(model.col_upper_)[whole], tie, meets)

    def around(self, columns: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Return the whole columns few rows away from some columns, and those tied to them [whole column]."""
        reached = columns.astype(np.float64)
        for _ in range(HOPS):
            reached = ((self.meets.T @ (self.meets @ reached)) > 0.0).astype(np.float64)
        found = reached[self.numbers] > 0.0
        together = np.zeros(int(self.tie.max(initial=-1)) + 1, dtype=bool)
        together[self.tie[found & (self.tie >= 0)]] = True
        found[self.tie >= 0] = together[self.tie[self.tie >= 0]]
        return found

    def bound(self, solver: highspy.Highs, low: NDArray[np.float64], high: NDArray[np.float64]) -> None:
        """Give the columns other bounds within their own."""
        count = len(self.numbers)
        solver.changeColsBounds(count, self.numbers, np.maximum(self.low, low), np.minimum(self.high, high))

    def free(self, solver: highspy.Highs) -> None:
        """Give the columns their own bounds again."""
        solver.changeColsBounds(len(self.numbers), self.numbers, self.low, self.high)


def _entries(model: highspy.HighsLp) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the row and the column of each entry of a model's matrix."""
    matrix = model.a_matrix_
    lines, start = np.array(matrix.index_, dtype=np.int64), np.array(matrix.start_, dtype=np.int64)
    outer = np.repeat(np.arange(len(start) - 1), np.diff(start))
    by_column = matrix.format_ == highspy.MatrixFormat.kColwise
    return (lines, outer) if by_column else (outer, lines)


def _ties(
    model: highspy.HighsLp, is_whole: NDArray[np.bool_], rows: NDArray[np.int64], columns: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Return the last equality of whole columns alone that each column stands in, -1 without one [column]."""
    is_equal = np.array(model.row_lower_) == np.array(model.row_upper_)
    is_equal[rows[~is_whole[columns]]] = False
    found = np.full(len(is_whole), -1, dtype=np.int64)
    np.maximum.at(found, columns[is_equal[rows]], rows[is_equal[rows]])
    return found


def solve_from_relaxation(
    solver: highspy.Highs,
    whole: WholeColumns,
    gap: float,
    nodes: int = NODE_LIMIT,
    basis: highspy.HighsBasis | None = None,
) -> float:
    """Solve a minimisation to within a relative gap, looking first next to its relaxation; return the gap proved.

    That is (value - bound) / |value|, infinite without a solution, more than was asked for where the nodes ran out.

    The relaxation is solved, then programmes whose whole columns may only take values near it, each nearer to the
    whole programme than the last (`_neighbourhoods`), then, in large ones, such that leave room around what makes the
    best answer so far dear: mostly one column, forced far by a rule that its neighbours could have kept. The first
    answer within the gap of the relaxation is the answer; without one, the best is where the whole programme starts
    from, and mostly all that is left to do there is to prove it near enough. Solved so, most repairs take a fifth of
    the time (relaxation induced neighbourhoods are Danna, Rothberg and Le Pape's, Mathematical Programming 102, 2005).
    Nothing of earlier solves is used; the relaxation starts from the basis, where one is given. The solver is left
    with the answer; `whole.free` undoes the bounds.
    """
    whole.free(solver)
    forget(solver)
    solver.setOptionValue("mip_rel_gap", gap)
    _relax(solver, basis)
    if solver.getModelStatus() != highspy.HighsModelStatus.kOptimal:
        return inf
    if not len(whole.numbers):
        return 0.0
    floor = float(solver.getInfo().objective_function_value)
    relaxed = np.array(solver.getSolution().col_value)
    search = _Search(solver, whole, gap, relaxed, min(nodes, NEAR_NODES))
    for near in _neighbourhoods(whole, relaxed[whole.numbers]):
        if search.start is None or not near.is_last_resort:
            search.look(near.steps, near.part_of_gap)
        if search.gap <= gap:
            return search.gap
    for _ in range(COSTLY_ROUNDS if len(whole.numbers) > MANY_WHOLE else 0):
        if search.start is None or not search.look(search.room_around_costly(), PART_OF_GAP):
            break
        if search.gap <= gap:
            return search.gap
    whole.free(solver)
    _run_afresh(solver, gap, search.start, nodes=nodes if search.start is not None else NODE_LIMIT)
    bound = float(solver.getInfo().mip_dual_bound)
    return _gap_to(max(floor, bound), solver) if _has_solution(solver) else inf


def _relax(solver: highspy.Highs, basis: highspy.HighsBasis | None) -> None:
    """Solve the relaxation, from a basis where one is given; from nothing after all where that gives no verdict."""
    options = _RELAXING if basis is None else _RELAXING | _FROM_A_BASIS
    before = {name: solver.getOptionValue(name)[1] for name in options}
    for name, value in options.items():
        solver.setOptionValue(name, value)
    if basis is not None:
        solver.setBasis(basis)
    solver.run()
    for name, value in before.items():
        solver.setOptionValue(name, value)
    if basis is not None and solver.getModelStatus() not in _ENDS:
        forget(solver)
        _relax(solver, None)


class _Search:
    """A search near a relaxation: the best answer so far, and how far it may be from the relaxation's value."""

    def __init__(
        self, solver: highspy.Highs, whole: WholeColumns, gap: float, relaxed: NDArray[np.float64], nodes: int
    ) -> None:
        """Search for an answer within a gap; the solver has just solved the relaxation, with these columns."""
        self._solver = solver
        self._whole = whole
        self._wanted = gap
        self._floor = float(solver.getInfo().objective_function_value)
        self._cost = np.array(solver.getLp().col_cost_)
        self._relaxed_columns = relaxed
        self._relaxed = relaxed[whole.numbers]
        self._nodes = nodes
        self.start: highspy.HighsSolution | None = None
        self.gap = inf

    def look(self, steps: NDArray[np.int64], part_of_gap: float) -> bool:
        """Look where whole columns are so many steps from the relaxation at most; say whether that was worth it."""
        low: NDArray[np.float64] = np.floor(self._relaxed + _WHOLE) - steps
        high: NDArray[np.float64] = np.ceil(self._relaxed - _WHOLE) + steps
        self._whole.bound(self._solver, low, high)
        target = _farthest(self._floor, self._wanted)
        _run_afresh(self._solver, self._wanted * part_of_gap, self.start, nodes=self._nodes, target=target)
        if not _has_solution(self._solver):
            return False
        before, self.gap = self.gap, _gap_to(self._floor, self._solver)
        self.start = self._solver.getSolution()
        return self.gap < WORTH_IT * before

    def room_around_costly(self) -> NDArray[np.int64]:
        """Return steps that leave room around the columns in which most of what the answer costs too much lies."""
        assert self.start is not None
        over = self._cost * (np.array(self.start.col_value) - self._relaxed_columns)
        costly = over > COSTLY * max(float(over.sum()), 0.0)
        return np.where(self._whole.around(costly), COSTLY_STEPS, _split_steps(self._whole, self._relaxed))


def forget(solver: highspy.Highs) -> None:
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
    is_tied = whole.tie >= 0
    yield _Neighbourhood(np.where(is_tied, 0, 1))
    yield _Neighbourhood(_split_steps(whole, relaxed), PART_OF_GAP)
    yield _Neighbourhood(np.ones(len(relaxed), dtype=np.int64), is_last_resort=True)


def _split_steps(whole: WholeColumns, relaxed: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return how far whole columns may lie away where only mixes that the relaxation leaves between steps move."""
    between = np.abs(relaxed - np.rint(relaxed)) > _WHOLE
    is_tied = whole.tie >= 0
    is_split = np.zeros(int(whole.tie.max(initial=-1)) + 1, dtype=bool)
    is_split[whole.tie[is_tied & between]] = True
    split = is_tied.copy()
    split[is_tied] = is_split[whole.tie[is_tied]]
    return np.where(is_tied, np.where(split, SPLIT_STEPS, 0), OTHER_STEPS)


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
