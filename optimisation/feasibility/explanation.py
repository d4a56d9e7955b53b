"""Why there is no plan: the smallest relaxations that would make one exist."""

import pyomo.environ as pyo

from optimisation.feasibility.checker import state_of
from optimisation.feasibility.highs import PersistentSolver, Status
from optimisation.feasibility.inequality import Inequality
from optimisation.feasibility.planning import Planning
from optimisation.feasibility.rules import inequalities
from optimisation.feasibility.variables import Variables
from optimisation.plan import Relaxation

FEWEST_RULES = 1.0
LEAST_AMOUNT = 1e-3
FARTHEST = 100.0
"""An elastic rule gives way by at most this many times its own size."""


def smallest_relaxations(planning: Planning, contract: str) -> tuple[Relaxation, ...]:
    """Return which rules would have to give way for a plan to exist: fewest rules, then least amounts.

    Amounts are compared relative to each rule's own size.
    """
    rows = tuple(inequalities(planning, contract))
    variables = Variables(planning, rows, exact=True)
    model = variables.model
    numbers = range(len(rows))
    size = [_size(planning, row) for row in rows]
    names = sorted({row.rule for row in rows})
    model.given = pyo.Var(numbers, bounds=(0.0, FARTHEST))
    model.gives = pyo.Var(names, domain=pyo.Binary)
    model.rules = pyo.Constraint(
        numbers, rule=lambda m, n: variables.expression(rows[n].terms) / size[n] - m.given[n] <= rows[n].bound / size[n]
    )
    model.counted = pyo.Constraint(numbers, rule=lambda m, n: m.given[n] <= FARTHEST * m.gives[rows[n].rule])
    model.least = pyo.Objective(
        expr=FEWEST_RULES * sum(model.gives.values()) + LEAST_AMOUNT * sum(model.given.values())
    )
    if PersistentSolver(model, gap=0.0).solve() is not Status.SOLVED:
        return ()
    return tuple(
        Relaxation(row.rule, row.place, float(model.given[n].value) * size[n], row.unit)
        for n, row in enumerate(rows)
        if model.given[n].value > 1e-7
    )


def _size(planning: Planning, row: Inequality) -> float:
    """Return how large a rule's numbers are: its bound, its greatest coefficient, and what its terms come to today."""
    state = state_of(planning, planning.encoding.configuration(planning.encoding.today))
    today = {"share": state.shares, "units": state.units, "served": state.served, "load": state.load}
    known = {term: factor for term, factor in row.terms.items() if term[0] in today}
    reached = sum((abs(factor) * float(today[kind][int(n)]) for (kind, n), factor in known.items()), start=0.0)
    return max(1e-9, abs(row.bound), reached, *map(abs, row.terms.values()))
