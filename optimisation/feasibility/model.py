"""The MILP: the nearest plan to a proposal, and the plan that spends least.

Sets, symbols and formulas are in MODEL.md beside this file. In the search `full` is data, the pool's state in the
proposal, or else today (whichever is billed is at least the minimum, so a plan found is a plan, if perhaps not the
very nearest); where that leaves no plan, and for proofs, it is decided. Binaries make the relaxation weak: deciding
them costs thirty times as much on the Loire. Variables no rule speaks of are not made.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import highspy
import numpy as np
import pyomo.environ as pyo
from numpy.typing import NDArray

from optimisation.encoding import Genes
from optimisation.feasibility.checker import State
from optimisation.feasibility.highs import Pair, PersistentSolver, Status
from optimisation.feasibility.inequality import Inequality, Term, loosened, scaled
from optimisation.feasibility.near_relaxation import MANY_WHOLE, NODE_LIMIT, SEARCH_NODES
from optimisation.feasibility.planning import Planning
from optimisation.feasibility.rules import inequalities
from optimisation.feasibility.turns import PYOMO
from optimisation.feasibility.variables import Variables

OVERSHOOT = 100.0
"""Cost of using a budget twice over instead of at its target, in gene ranges moved, where it is not firm."""
SEARCHED_FROM = 0.05
"""Gap from which on a plan is made for a search, where no single one is worth a long look."""
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Aims:
    """What counts as near a proposal: how much each gene weighs, and which part of each budget to use."""

    weights: Floats
    """[share and capacity gene]"""
    most: Floats
    """[budget] part beyond which each unit of use costs `price`"""
    price: Floats
    """[budget]"""
    least: Floats
    """[budget] part below which each unit of use costs `thrift`"""
    thrift: Floats
    """[budget]"""


@dataclass(frozen=True)
class Nearest:
    """A plan found."""

    genes: Genes
    gap: float
    """How much nearer the nearest may be, relative to this one's own distance, as proved."""


class NearestPlan:
    """The MILP of one contract, kept in the solver; for one thread at a time."""

    @PYOMO
    def __init__(self, planning: Planning, contract: str, gap: float, *, exact: bool, loose: float = 0.0) -> None:
        """Build the model; loose: part of their bounds by which rules may be broken."""
        self._planning = planning
        rows = tuple(inequalities(planning, contract))
        self.budgets = tuple(row for row in rows if row.budget and row.bound > 0.0)
        self._rows = tuple(loosened(row, loose) for row in rows)
        self._parts = tuple(scaled(row.terms, 1.0 / row.bound) for row in self.budgets)
        floors = (
            Inequality("floor", row.place, scaled(part, -1.0), 0.0, "")
            for row, part in zip(self.budgets, self._parts, strict=True)
        )
        self._variables = Variables(planning, (*self._rows, *floors), exact=exact)
        self._variables.add_rules(self._rows)
        self._add_distance()
        nodes = NODE_LIMIT if gap < SEARCHED_FROM else SEARCH_NODES
        self._solver = PersistentSolver(self._variables.model, gap, nodes=nodes)
        self._starts_near = len(self._variables.model.genes) > MANY_WHOLE

    @property
    def choices(self) -> int:
        """Number of pools of which bounds do not say whether they are full, and of rows that may grow or not."""
        return self._variables.choices

    @property
    def distance(self) -> float:
        """The distance of the last plan found, with what its budgets overshoot their targets."""
        return float(pyo.value(self._variables.model.nearest))

    @property
    def programme(self) -> highspy.HighsLp:
        """The programme as last given to the solver."""
        return self._solver.programme

    @property
    def basis(self) -> highspy.HighsBasis | None:
        """Where the last relaxation started; None: from nothing."""
        return self._solver.basis

    def use(self, state: State) -> Floats:
        """Return the part of each budget that a configuration uses [budget]."""
        today = np.array([row.current for row in self._planning.instance.capacities], dtype=np.float64)
        values = {
            "served": state.served,
            "load": state.load,
            "share": state.shares,
            "units": state.units,
            "open": (state.units > 0.0).astype(np.float64),
            "added": np.maximum(0.0, state.units - today),
        }
        spent = [
            sum(factor * float(values[family][int(number)]) for (family, number), factor in row.terms.items())
            for row in self.budgets
        ]
        return np.array(spent) / [row.bound for row in self.budgets]

    @PYOMO
    def solve(self, proposal: Genes, aims: Aims, state: State) -> Nearest | Status:
        """Return the nearest plan, or how the solver ended; pools are full as in `state`."""
        model = self._variables.model
        for gene in model.genes:
            model.proposal[gene] = int(proposal[gene])
            model.weight[gene] = float(aims.weights[gene])
        for number in range(len(self.budgets)):
            model.target[number] = float(aims.most[number])
            model.price[number] = float(aims.price[number])
            model.floor[number] = float(aims.least[number])
            model.thrift[number] = float(aims.thrift[number])
        self._variables.set_full(state)
        is_near = self._starts_near and bool(aims.weights.any())  # where no gene weighs, the proposal is no start
        status = self._solver.solve(self._start(state) if is_near else None)
        return Nearest(self._variables.chosen(proposal), self._solver.gap) if status is Status.SOLVED else status

    def _start(self, state: State) -> list[Pair]:
        """Return the rows that hold with equality at the proposal itself: near the answer, and dual feasible."""
        model = self._variables.model
        return [
            *((model.steps[gene], model.up[gene]) for gene in model.genes),
            *((model.distance[gene], model.down[gene]) for gene in model.genes),
            *self._variables.start(state),
        ]

    def _add_distance(self) -> None:
        model, encoding = self._variables.model, self._planning.encoding
        model.proposal = pyo.Param(model.genes, mutable=True, initialize=0)
        model.weight = pyo.Param(model.genes, mutable=True, initialize=1.0)
        model.distance = pyo.Var(model.genes, domain=pyo.NonNegativeReals)
        model.up = pyo.Constraint(model.genes, rule=lambda m, g: m.steps[g] - m.distance[g] <= m.proposal[g])
        model.down = pyo.Constraint(model.genes, rule=lambda m, g: -m.steps[g] - m.distance[g] <= -m.proposal[g])
        self._add_aims()
        width = np.maximum(1, encoding.high - encoding.low)
        model.nearest = pyo.Objective(
            expr=sum(model.weight[g] / int(width[g]) * model.distance[g] for g in model.genes)
            + sum(model.price[b] * model.over[b] for b in model.over)
            + sum(model.thrift[b] * model.under[b] for b in model.under)
        )

    def _add_aims(self) -> None:
        """Add how far each budget's use is beyond its target, and how far below its floor."""
        model, variables = self._variables.model, self._variables
        numbers = range(len(self.budgets))
        model.target = pyo.Param(numbers, mutable=True, initialize=1.0)
        model.price = pyo.Param(numbers, mutable=True, initialize=OVERSHOOT)
        model.floor = pyo.Param(numbers, mutable=True, initialize=0.0)
        model.thrift = pyo.Param(numbers, mutable=True, initialize=0.0)
        model.over = pyo.Var(numbers, domain=pyo.NonNegativeReals)
        model.under = pyo.Var(numbers, domain=pyo.NonNegativeReals)
        parts = self._parts
        model.aim = pyo.Constraint(numbers, rule=lambda m, b: variables.expression(parts[b]) - m.over[b] <= m.target[b])
        model.keep = pyo.Constraint(
            numbers, rule=lambda m, b: variables.expression(scaled(parts[b], -1.0)) - m.under[b] <= -m.floor[b]
        )


class LeastSpending:
    """The plan that makes a linear expression over terms least: frugal starting points, budgets' least use."""

    def __init__(self, planning: Planning, contract: str, gap: float, *, loose: float = 0.0) -> None:
        """Hold every rule but for a part of its bound (loose)."""
        self._rows = tuple(loosened(row, loose) for row in inequalities(planning, contract))
        self._planning = planning
        self._gap = gap

    @PYOMO
    def solve(self, terms: Mapping[Term, float]) -> tuple[Genes, float] | Status:
        """Return the genes and the value reached, or how the solver ended."""
        variables = Variables(self._planning, (*self._rows, Inequality("aim", "", terms, 0.0, "")), exact=True)
        model = variables.model
        variables.add_rules(self._rows)
        model.least = pyo.Objective(expr=variables.expression(terms))
        status = PersistentSolver(model, self._gap).solve()
        if status is not Status.SOLVED:
            return status
        return variables.chosen(self._planning.encoding.today), float(pyo.value(model.least))
