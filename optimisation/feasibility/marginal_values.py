"""What a little more of each budget, place or recruit would buy near a plan.

Near a plan x means: every gene within NEAR steps of it, pools full as they are under it (with whole steps that is
decided too where few are open, as in a repair: what a bound buys may be that a pool is no longer full). There

    V(m) = max value(x')   subject to every rule, the bound of one rule at one place raised by m

`relaxed` is the slope of V at 0 in the linear relaxation (the dual value of that row), `whole` is
(V(more) - V(0)) / more with whole steps and lots, so that what cannot be bought by halves shows as what it is. Values
are linear in the plan and come from the fluid model:

    QALY    sum_c qaly_c share_c over the run, undiscounted, as if all were served
    served  sum_j served_j, units in use on average: people with a place, boxes, hours of care
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pyomo.environ as pyo

from optimisation.feasibility.checker import state_of
from optimisation.feasibility.highs import PersistentSolver, Status
from optimisation.feasibility.inequality import Inequality, Term, even, scaled, weighted
from optimisation.feasibility.planning import Planning
from optimisation.feasibility.repair import FEW_CHOICES
from optimisation.feasibility.rules import inequalities
from optimisation.feasibility.turns import PYOMO
from optimisation.feasibility.variables import Variables, scale
from simulation.configuration import Configuration

NEAR = 2
"""Steps or lots by which each gene may move, either way."""
GAP = 0.005
EXACT_GAP = 1e-6
"""Where it is decided which pools are full: such programmes are small, and gains are differences of two of them."""
MORE = 0.01
"""Part of its bound by which a budget is raised for the integer truth; places and staff are raised by a lot."""
PER_MONEY = 1e6
BOUGHT_WITH = ("budget", "authorised", "workforce")
"""Kinds of rules whose bound is an amount that somebody may grant."""


@dataclass(frozen=True)
class MarginalValue:
    """What raising one bound buys, by the relaxation and with whole steps, per `per` units of the bound."""

    rule: str
    place: str
    unit: str
    bound: float
    per: float
    value: str
    """QALY (over the run) or served (units in use on average)."""
    relaxed: float
    more: float
    """By how much the bound was raised for the integer truth."""
    whole: float | None
    """None where the solver found none in time, or was not asked."""
    error: float | None = None
    """By how much `whole` may be off either way: it is the difference of two values, each within the solver's gap."""


@PYOMO
def marginal_values(planning: Planning, plan: Configuration, *, whole: bool = True) -> tuple[MarginalValue, ...]:
    """Return what each bound that can be granted would buy, those that buy nothing left out."""
    found: list[MarginalValue] = []
    for name, terms in values(planning).items():
        near = _NearPlan(planning, plan, terms)
        slopes = near.slopes()
        worth = {number: slope for number, slope in slopes.items() if slope > 0.0}
        resolved = near.decided() if whole and worth else near
        base = resolved.best({}) if whole and worth else None
        for number, slope in worth.items():
            row = near.rows[number]
            more, per = near.more(number), PER_MONEY if row.budget else 1.0
            reached = resolved.best({number: more}) if base is not None else None
            gained = None if reached is None or base is None else max(0.0, reached - base) / more * per
            error = None if reached is None or base is None else resolved.gap * max(base, reached) / more * per
            known = (row.rule, row.place, row.unit, row.bound, per, name, slope * per, more)
            found.append(MarginalValue(*known, gained, error))
    return tuple(found)


def values(planning: Planning) -> Mapping[str, Mapping[Term, float]]:
    """Return what may be bought, as linear expressions of a plan."""
    qaly = planning.flows.acceptance.T @ planning.flows.qaly
    return {"QALY": weighted("share", qaly), "served": even("served", range(len(planning.pools)))}


class _NearPlan:
    """The programme that makes a value greatest near one plan."""

    def __init__(
        self, planning: Planning, plan: Configuration, value: Mapping[Term, float], *, exact: bool = False
    ) -> None:
        self._planning, self._plan, self._value = planning, plan, value
        rules = {rule.rule: rule for rule in planning.instance.rules}
        self.rows = tuple(inequalities(planning, plan.contract))
        self._granted = [
            number
            for number, row in enumerate(self.rows)
            if rules[row.rule].kind in BOUGHT_WITH and rules[row.rule].sense != "at_least"
        ]
        aim = Inequality("value", "", scaled(value, -1.0), 0.0, "")
        self._variables = Variables(planning, (*self.rows, aim), exact=exact)
        self._variables.set_full(state_of(planning, plan))
        self._add(plan, aim)
        self._relaxation = PersistentSolver(self._variables.model, GAP, relaxed=True)
        self.gap = EXACT_GAP if exact else GAP
        self._whole = PersistentSolver(self._variables.model, self.gap)

    def decided(self) -> "_NearPlan":
        """Return the programme that decides which pools are full, where that is open of few; else this one."""
        if self._variables.choices > FEW_CHOICES:
            return self
        return _NearPlan(self._planning, self._plan, self._value, exact=True)

    def slopes(self) -> dict[int, float]:
        """Return the gain per unit of each bound that can be granted, in the relaxation."""
        model = self._variables.model
        if self._relaxation.solve() is not Status.SOLVED:
            return {}
        duals = self._relaxation.duals([model.kept[number] for number in self._granted])
        return {
            number: max(0.0, -dual / scale(self.rows[number]) * self._size)
            for number, dual in zip(self._granted, duals, strict=True)
            if -dual > 1e-7
        }

    def best(self, more: Mapping[int, float]) -> float | None:
        """Return the greatest value, over the plan's own, with some bounds raised; None when none was found."""
        model = self._variables.model
        for number in self._granted:
            model.more[number] = more.get(number, 0.0)
        solved = self._whole.solve() is Status.SOLVED
        return -float(pyo.value(model.loss)) * self._size if solved else None

    def more(self, number: int) -> float:
        """Return by how much to raise a bound: a hundredth of a budget, a lot of places or staff.

        A budget of nothing is raised by what the dearest lot costs, or else by what any of its terms costs at most.
        """
        row = self.rows[number]
        encoding = self._planning.encoding
        lots: dict[Term, float] = {
            (family, n): float(encoding.size[encoding.shares + int(n)])
            for family, n in row.terms
            if family in ("units", "added")
        }
        if not row.budget:
            return max((lot for (family, _), lot in lots.items() if family == "units"), default=1.0)
        if row.bound > 0.0:
            return MORE * row.bound
        cost = {term: abs(factor) * lots.get(term, 1.0) for term, factor in row.terms.items()}
        return max((cost[term] for term in lots), default=max(cost.values()))

    def _add(self, plan: Configuration, aim: Inequality) -> None:
        genes = self._planning.encoding.genes(plan)
        model, variables, encoding = self._variables.model, self._variables, self._planning.encoding
        model.more = pyo.Param(self._granted, mutable=True, initialize=0.0)
        model.kept = pyo.Constraint(range(len(self.rows)), rule=lambda _, n: self._row(n))
        low = np.maximum(encoding.low, genes - NEAR)
        high = np.minimum(encoding.high, genes + NEAR)
        for gene in model.genes:
            model.steps[gene].setlb(int(low[gene]))
            model.steps[gene].setub(int(high[gene]))
        self._size = scale(aim)
        present = -_amount(self._planning, plan, aim.terms) / self._size  # so that a gap is one of what is gained
        model.loss = pyo.Objective(expr=variables.expression(aim.terms) / self._size + model.never + present)

    def _row(self, number: int) -> pyo.Expression:
        row, size = self.rows[number], scale(self.rows[number])
        more = self._variables.model.more[number] / size if number in self._granted else 0.0
        return self._variables.expression(row.terms) / size + self._variables.model.never <= row.bound / size + more


def _amount(planning: Planning, plan: Configuration, terms: Mapping[Term, float]) -> float:
    """Return what a value comes to under a plan."""
    state = state_of(planning, plan)
    families = {"share": state.shares, "served": state.served}
    return sum(factor * float(families[family][int(number)]) for (family, number), factor in terms.items())
