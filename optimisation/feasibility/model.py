"""The MILP: the nearest plan to a proposal.

Sets         g genes that may move (share steps and lots), i capacity rows, j pools, r rules at one place.
Data         p_g the proposal's gene, w_g > 0 its weight, t_b the target use of budget b (mutable); all else is fixed.
Variables    k_g whole: the plan's gene, so share_c = current_c + step_c k_c and units_i = current_i + lot_i k_i;
             d_g >= 0 the distance moved; load_j, served_j, billed_j, added_i >= 0; open_i, full_j, present 0 or 1.
Minimise     sum_g w_g d_g + OVERSHOOT * sum_b over_b / bound_b
Subject to   d_g >= k_g - p_g,  d_g >= p_g - k_g
             sum of step_c k_c over the cells of one (territory, profile) = 0, so that shares still sum to one
             load_j = sum_c load_jc share_c
             served_j <= load_j,  served_j <= capacity_j
             billed_j >= load_j - M_j full_j,  billed_j >= capacity_j - M'_j (1 - full_j)
             units_i <= maximum_i open_i,  units_i >= opening_minimum_i open_i
             added_i >= units_i - current_i
             each rule's own inequalities (`rules`), and per budget  spent_b - over_b <= t_b bound_b

Served flows are min(load, capacity), and nobody may be left unserved to save money. In a row <= a served flow with a
negative coefficient stands for `served`, which is at most that minimum, one with a positive coefficient for `billed`,
which is at least that minimum: either way the row is kept by the true flow. `full_j` says which of load and capacity
is billed. In the search it is data, the pool's state in the proposal, or else today (whichever is billed is at least
the minimum, so a plan found is a plan, if perhaps not the very nearest); where that leaves no plan, and for proofs, it
is decided. Binaries make the relaxation weak: deciding them cost twenty times as much on the Loire. Where bounds alone
settle which of the two is less, none is spent. Variables no rule speaks of are not made.
"""

from collections.abc import Iterable, Mapping

import numpy as np
import pyomo.environ as pyo
from numpy.typing import NDArray

from optimisation.encoding import Genes
from optimisation.feasibility.checker import State, state_of
from optimisation.feasibility.highs import PersistentSolver, Status
from optimisation.feasibility.inequality import Inequality, Term
from optimisation.feasibility.planning import Planning
from optimisation.feasibility.rules import inequalities
from optimisation.plan import Relaxation

OVERSHOOT = 30.0
"""Cost of using a budget twice over instead of at its target, in gene ranges moved."""
ROUNDING = 1e-9
FEWEST_RULES = 1.0
LEAST_AMOUNT = 1e-3
FARTHEST = 100.0
"""An elastic rule gives way by at most this many times its own size."""

Floats = NDArray[np.float64]


class NearestPlan:
    """The MILP of one contract, kept in the solver; not to be shared between threads."""

    def __init__(self, planning: Planning, contract: str, gap: float, *, exact: bool) -> None:
        self._rows = tuple(inequalities(planning, contract))
        self._variables = _Variables(planning, self._rows, exact=exact)
        self.budgets = tuple(row for row in self._rows if row.budget and row.bound > 0.0)
        self._variables.add_rules(self._rows)
        self._add_distance(planning)
        self._solver = PersistentSolver(self._variables.model, gap)

    def solve(self, proposal: Genes, weights: Floats, targets: Floats, state: State) -> Genes | Status:
        """Return the genes of the nearest plan, or how the solver ended; pools are full as in `state`."""
        model = self._variables.model
        for gene in model.genes:
            model.proposal[gene] = int(proposal[gene])
            model.weight[gene] = float(weights[gene])
        for number, target in enumerate(targets):
            model.target[number] = float(target)
        self._variables.set_full(state)
        status = self._solver.solve()
        return self._variables.chosen(proposal) if status is Status.SOLVED else status

    def _add_distance(self, planning: Planning) -> None:
        model = self._variables.model
        model.proposal = pyo.Param(model.genes, mutable=True, initialize=0)
        model.weight = pyo.Param(model.genes, mutable=True, initialize=1.0)
        model.distance = pyo.Var(model.genes, domain=pyo.NonNegativeReals)
        model.up = pyo.Constraint(model.genes, rule=lambda m, g: m.steps[g] - m.distance[g] <= m.proposal[g])
        model.down = pyo.Constraint(model.genes, rule=lambda m, g: -m.steps[g] - m.distance[g] <= -m.proposal[g])
        numbers = range(len(self.budgets))
        model.target = pyo.Param(numbers, mutable=True, initialize=1.0)
        model.over = pyo.Var(numbers, domain=pyo.NonNegativeReals)
        model.aim = pyo.Constraint(
            numbers,
            rule=lambda m, b: self._variables.expression(self.budgets[b].terms) / self.budgets[b].bound - m.over[b]
            <= m.target[b],
        )
        width = np.maximum(1, planning.encoding.high - planning.encoding.low)
        model.nearest = pyo.Objective(
            expr=sum(model.weight[g] / int(width[g]) * model.distance[g] for g in model.genes)
            + OVERSHOOT * sum(model.over[b] for b in numbers)
        )


class LeastSpending:
    """The plan that makes a linear expression over terms least: frugal starting points, budgets' least use."""

    def __init__(self, planning: Planning, contract: str, gap: float) -> None:
        self._rows = tuple(inequalities(planning, contract))
        self._planning = planning
        self._gap = gap

    def solve(self, terms: Mapping[Term, float]) -> tuple[Genes, float] | Status:
        """Return the genes and the value reached, or how the solver ended."""
        variables = _Variables(self._planning, (*self._rows, Inequality("aim", "", terms, 0.0, "")), exact=True)
        model = variables.model
        variables.add_rules(self._rows)
        model.least = pyo.Objective(expr=variables.expression(terms))
        status = PersistentSolver(model, self._gap).solve()
        if status is not Status.SOLVED:
            return status
        return variables.chosen(self._planning.encoding.today), float(pyo.value(model.least))


def smallest_relaxations(planning: Planning, contract: str) -> tuple[Relaxation, ...]:
    """Return which rules would have to give way for a plan to exist: fewest rules, then least amounts.

    Amounts are compared relative to each rule's own size.
    """
    rows = tuple(inequalities(planning, contract))
    variables = _Variables(planning, rows, exact=True)
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


class _Variables:
    """The model's variables with what ties them together, and the terms they stand for."""

    def __init__(self, planning: Planning, rows: Iterable[Inequality], *, exact: bool) -> None:
        self._exact = exact
        self._planning = planning
        self._encoding = planning.encoding
        self.model = pyo.ConcreteModel()
        self._choices: list[tuple[int, pyo.Expression | float, float, float]] = []
        terms = {term for row in rows for term in row.terms}
        self._add_genes()
        self._add_pools(sorted({int(n) for family, n in terms if family in ("served", "load")}))
        self._add_sites({int(n) for family, n in terms if family == "open"})
        self._add_added(sorted({int(n) for family, n in terms if family == "added"}))
        self._add_singles(terms)

    def chosen(self, proposal: Genes) -> Genes:
        """Return the genes of the solution; those that cannot move, and the contract, are the proposal's."""
        genes = np.clip(proposal, self._encoding.low, self._encoding.high)
        for gene in self.model.genes:
            genes[gene] = round(self.model.steps[gene].value)
        return genes

    def add_rules(self, rows: Iterable[Inequality]) -> None:
        """Add each rule's inequality, scaled to its own size so that one tolerance suits euros and places."""
        model = self.model
        model.never = pyo.Var(bounds=(0.0, 0.0))
        model.rules = pyo.ConstraintList()
        for row in rows:
            size = max(abs(row.bound), *map(abs, row.terms.values()), 1e-9) if row.terms else 1.0
            model.rules.add(self.expression(row.terms) / size + model.never <= row.bound / size + ROUNDING)

    def expression(self, terms: Mapping[Term, float]) -> pyo.Expression | float:
        """Return a linear expression to be bounded from above, over the variables."""
        return sum((factor * self._term(*term, costs=factor > 0.0) for term, factor in terms.items()), start=0.0)

    def set_full(self, state: State) -> None:
        """Tell a model that does not decide it which pools are full."""
        if not self._exact:
            for pool in self.model.full:
                self.model.full[pool] = int(state.load[pool] >= state.capacity[pool])

    def _term(self, family: str, number: int | str, *, costs: bool) -> pyo.Expression | float:
        if family == "share":
            return self._value(int(number))
        if family == "units":
            return self._value(self._encoding.shares + int(number))
        variables = {
            "served": "billed" if costs else "served",
            "load": "asked",
            "added": "added",
            "open": "open",
            "most": "most",
            "least": "fewest",
            "present": "present",
        }
        if family == "open" and number not in self.model.open:
            return 1.0
        return getattr(self.model, variables[family])[number]

    def _value(self, gene: int) -> pyo.Expression | float:
        current, size = float(self._encoding.current[gene]), float(self._encoding.size[gene])
        if gene in self.model.steps:
            return current + size * self.model.steps[gene]
        return current + size * float(self._encoding.low[gene])

    def _add_genes(self) -> None:
        encoding, model = self._encoding, self.model
        free = [g for g in range(encoding.decided) if encoding.low[g] < encoding.high[g]]
        model.genes = pyo.Set(initialize=free, ordered=True)
        model.steps = pyo.Var(
            model.genes,
            domain=pyo.Integers,
            bounds=lambda _, g: (int(encoding.low[g]), int(encoding.high[g])),
        )
        model.sums = pyo.ConstraintList()
        for group in range(int(encoding.group.max(initial=-1)) + 1):
            cells = [int(g) for g in np.flatnonzero(encoding.group == group) if g in model.steps]
            if cells:
                least = float(encoding.size[cells].min())
                model.sums.add(sum(float(encoding.size[g]) / least * model.steps[g] for g in cells) == 0)

    def _add_pools(self, numbers: list[int]) -> None:
        model, planning = self.model, self._planning
        model.pools = pyo.Set(initialize=numbers, ordered=True)
        model.asked = pyo.Var(model.pools, domain=pyo.NonNegativeReals)
        model.served = pyo.Var(model.pools, domain=pyo.NonNegativeReals)
        model.billed = pyo.Var(model.pools, domain=pyo.NonNegativeReals)
        model.flows = pyo.ConstraintList()
        for pool in numbers:
            cells = np.flatnonzero(planning.load[pool]).tolist()
            load = sum((float(planning.load[pool, cell]) * self._value(cell) for cell in cells), start=0.0)
            model.flows.add(model.asked[pool] - load == 0.0)
            capacity = -float(planning.reserved[pool]) + sum(
                float(planning.effective[pool, row]) * self._value(self._encoding.shares + row)
                for row in planning.pools[pool].rows
            )
            self._serve(pool, capacity)
        self._add_full()

    def _serve(self, pool: int, capacity: pyo.Expression | float) -> None:
        """Add served <= min(load, capacity) <= billed, with `full` only where bounds leave it open."""
        model = self.model
        (least_load, most_load), (least, most) = self._load_range(pool), self._capacity_range(pool)
        model.flows.add(model.served[pool] - model.asked[pool] <= 0.0)
        if most_load <= least:
            model.flows.add(model.billed[pool] - model.asked[pool] >= 0.0)
            return
        if least < 0.0:
            capacity = self._floored(pool, capacity, least, most)
        model.flows.add(model.served[pool] - capacity <= 0.0)
        if most <= least_load:
            model.flows.add(model.billed[pool] - capacity >= 0.0)
            return
        self._choices.append((pool, capacity, most_load - max(least, 0.0), max(most, 0.0) - least_load))

    def _floored(
        self, pool: int, capacity: pyo.Expression | float, least: float, most: float
    ) -> pyo.Expression | float:
        """Return max(0, capacity) for a pool whose outside demand may take more than there is."""
        model = self.model
        if not hasattr(model, "usable"):
            model.usable = pyo.Var(model.pools, domain=pyo.NonNegativeReals)
            model.spare = pyo.Var(model.pools, domain=pyo.Binary)
        model.flows.add(model.usable[pool] - capacity >= 0.0)
        model.flows.add(model.usable[pool] - capacity <= -least * (1 - model.spare[pool]))
        model.flows.add(model.usable[pool] <= max(most, 0.0) * model.spare[pool])
        return model.usable[pool]

    def _add_full(self) -> None:
        model = self.model
        pools = [pool for pool, *_ in self._choices]
        if self._exact:
            model.full = pyo.Var(pools, domain=pyo.Binary)
        else:
            model.full = pyo.Param(pools, mutable=True, initialize=0)
        for pool, capacity, above, below in self._choices:
            model.flows.add(model.billed[pool] - model.asked[pool] >= -above * model.full[pool])
            model.flows.add(model.billed[pool] - capacity >= -below * (1 - model.full[pool]))

    def _load_range(self, pool: int) -> tuple[float, float]:
        """Return the least and greatest load the shares' own bounds and sums allow: greedy in each group, exact."""
        encoding, load = self._encoding, self._planning.load[pool]
        low = encoding.current + encoding.size * encoding.low[: encoding.decided]
        high = encoding.current + encoding.size * encoding.high[: encoding.decided]
        least = most = 0.0
        for group in range(int(encoding.group.max(initial=-1)) + 1):
            cells = np.flatnonzero(encoding.group == group)
            if load[cells].any():
                least += _greedy(load[cells], low[cells], high[cells], float(encoding.current[cells].sum()))
                most -= _greedy(-load[cells], low[cells], high[cells], float(encoding.current[cells].sum()))
        return least, most

    def _capacity_range(self, pool: int) -> tuple[float, float]:
        encoding = self._encoding
        units = slice(encoding.shares, encoding.decided)
        low = encoding.current[units] + encoding.size[units] * encoding.low[units]
        high = encoding.current[units] + encoding.size[units] * encoding.high[units]
        effective, reserved = self._planning.effective[pool], float(self._planning.reserved[pool])
        return float(effective @ low) - reserved, float(effective @ high) - reserved

    def _add_sites(self, wanted: set[int]) -> None:
        model, encoding = self.model, self._encoding
        capacities = self._planning.instance.capacities
        least = {row: self._units_at(row, encoding.low) for row in range(len(capacities))}
        openings = {row for row, capacity in enumerate(capacities) if capacity.opening_minimum > 0}
        rows = sorted(row for row in wanted | openings if least[row] <= 0.0)
        model.open = pyo.Var(rows, domain=pyo.Binary)
        model.sites = pyo.ConstraintList()
        for row in rows:
            units = self._value(encoding.shares + row)
            if isinstance(units, float):
                model.open[row].fix(int(units > 0.0))
                continue
            model.sites.add(units - self._units_at(row, encoding.high) * model.open[row] <= 0.0)
            model.sites.add(units - max(1, capacities[row].opening_minimum) * model.open[row] >= 0.0)

    def _units_at(self, row: int, genes: Genes) -> float:
        gene = self._encoding.shares + row
        return float(self._encoding.current[gene] + self._encoding.size[gene] * genes[gene])

    def _add_added(self, rows: list[int]) -> None:
        model, encoding = self.model, self._encoding
        model.added = pyo.Var(rows, domain=pyo.NonNegativeReals)
        model.growth = pyo.ConstraintList()
        for row in rows:
            units = self._value(encoding.shares + row)
            model.growth.add(units - model.added[row] <= float(encoding.current[encoding.shares + row]))

    def _add_singles(self, terms: set[Term]) -> None:
        model = self.model
        model.most = pyo.Var(sorted(str(n) for family, n in terms if family == "most"), domain=pyo.NonNegativeReals)
        model.fewest = pyo.Var(sorted(str(n) for family, n in terms if family == "least"), domain=pyo.NonNegativeReals)
        model.present = pyo.Var(sorted(str(n) for family, n in terms if family == "present"), domain=pyo.Binary)


def _greedy(cost: Floats, low: Floats, high: Floats, total: float) -> float:
    """Return the least cost of a total spread within bounds."""
    amounts = low.copy()
    left = total - float(low.sum())
    for cell in np.argsort(cost, kind="stable"):
        given = min(max(left, 0.0), float(high[cell] - low[cell]))
        amounts[cell] += given
        left -= given
    return float(cost @ amounts)
