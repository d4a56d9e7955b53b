"""The MILP's variables, what ties them together, and the terms they stand for; see MODEL.md for the formulas."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import floor, log10

import numpy as np
import pyomo.environ as pyo
from numpy.typing import NDArray
from pyomo.core.base.constraint import ConstraintData
from pyomo.core.base.var import VarData
from pyomo.core.expr.numvalue import is_potentially_variable

from optimisation.encoding import Genes
from optimisation.feasibility.checker import State
from optimisation.feasibility.highs import Pair
from optimisation.feasibility.inequality import Inequality, Term
from optimisation.feasibility.planning import Planning
from simulation.rounding import FINE, rounded

Floats = NDArray[np.float64]


@dataclass
class _Bounding:
    """The rows that bound a variable of a pool by its load and by its capacity; one at least."""

    pool: int
    variable: VarData
    by_load: ConstraintData | None = None
    by_capacity: ConstraintData | None = None

    def at(self, state: State) -> Pair:
        """Return the row that holds with equality in a state."""
        is_full = bool(state.load[self.pool] >= state.capacity[self.pool])
        first, other = (self.by_capacity, self.by_load) if is_full else (self.by_load, self.by_capacity)
        return self.variable, other if first is None else first


class Variables:
    """A model with its variables and their ties.

    `exact` decides which pools are full and which rows grow, else `set_full` says so.
    """

    def __init__(self, planning: Planning, rows: Iterable[Inequality], *, exact: bool) -> None:
        self._exact = exact
        self._planning = planning
        self._encoding = planning.encoding
        self.model = pyo.ConcreteModel()
        self._choices: list[tuple[int, pyo.Expression | float, float, float]] = []
        self._ranges: dict[int, tuple[tuple[float, float], tuple[float, float]]] = {}
        self._bounding: list[_Bounding] = []
        self._growth: dict[int, ConstraintData] = {}
        self._gains: dict[int, tuple[ConstraintData, ConstraintData]] = {}
        self._sites: dict[int, ConstraintData] = {}
        rows = tuple(rows)
        terms = {term for row in rows for term in row.terms}
        self._per_head = self._most_per_head(rows)
        self._add_genes()
        self._add_pools(sorted({int(n) for family, n in terms if family in ("served", "load")}))
        self._add_sites({int(n) for family, n in terms if family == "open"})
        signs = {
            (int(n), factor > 0.0) for row in rows for (family, n), factor in row.terms.items() if family == "added"
        }
        self._add_added(sorted({row for row, costs in signs if costs}))
        self._add_gained(sorted({row for row, costs in signs if not costs}))
        self._add_singles(terms)

    def chosen(self, proposal: Genes) -> Genes:
        """Return the genes of the solution.

        Those that cannot move, the contract, and those that no row speaks of (the solver is never told of them: they
        have no value) are the proposal's.
        """
        genes = np.clip(proposal, self._encoding.low, self._encoding.high)
        for gene in self.model.genes:
            value = self.model.steps[gene].value
            if value is not None:
                genes[gene] = round(value)
        return genes

    def add_rules(self, rows: Iterable[Inequality]) -> None:
        """Add each rule's inequality, scaled to its own size so that one tolerance suits euros and places."""
        model = self.model
        model.rules = pyo.Constraint(pyo.Any)
        for number, row in enumerate(rows):
            size = scale(row)
            amount = self.expression(row.terms) / size
            if not is_potentially_variable(amount):
                amount += model.never  # nothing in it can move: Pyomo takes no row without a variable
            model.rules[number, row.rule, row.place] = amount <= row.bound / size

    def expression(self, terms: Mapping[Term, float]) -> pyo.Expression | float:
        """Return a linear expression to be bounded from above, over the variables."""
        return sum((factor * self._term(*term, costs=factor > 0.0) for term, factor in terms.items()), start=0.0)

    def greatest(self, terms: Mapping[Term, float]) -> float:
        """Return a number that a linear expression never exceeds, from the bounds of its terms one by one."""
        return sum(max(factor * end for end in self._ends(*term)) for term, factor in terms.items())

    def _ends(self, family: str, number: int | str) -> tuple[float, float]:
        if family in ("open", "present"):
            return 0.0, 1.0
        if family in ("most", "least"):
            return 0.0, self._per_head[str(number)]
        if family in ("served", "load"):
            (least_load, most_load), (_, most) = self._ranges[int(number)]
            return (least_load, most_load) if family == "load" else (0.0, max(0.0, min(most_load, most)))
        gene = int(number) + (0 if family == "share" else self._encoding.shares)
        low, high = (
            float(self._encoding.current[gene] + self._encoding.size[gene] * end)
            for end in (self._encoding.low[gene], self._encoding.high[gene])
        )
        return (low, high) if family != "added" else (0.0, max(0.0, high - float(self._encoding.current[gene])))

    def _most_per_head(self, rows: Iterable[Inequality]) -> dict[str, float]:
        """Return the units per head that no place of a rule about their spread exceeds."""
        found: dict[str, float] = {}
        for row in rows:
            for family, name in row.terms:
                if family == "most" and row.is_definition:
                    units = {term: factor for term, factor in row.terms.items() if term[0] == "units"}
                    found[str(name)] = max(found.get(str(name), 0.0), self.greatest(units))
        return found

    @property
    def choices(self) -> int:
        """Number of pools of which bounds do not say whether they are full, and of rows that may grow or not."""
        return len(self.model.full) + len(self.model.grown)

    def set_full(self, state: State) -> None:
        """Tell a model that does not decide it which pools are full and which rows grow."""
        if not self._exact:
            for pool in self.model.full:
                self.model.full[pool] = int(state.load[pool] >= state.capacity[pool])
            for row in self.model.grown:
                self.model.grown[row] = int(state.units[row] > self._units_today(row))

    def start(self, state: State) -> list[Pair]:
        """Return the rows that hold with equality in a state, each with the variable that it determines there.

        Pools serve and bill their load, or their capacity when full; what is added or gained is what units are beyond
        today's; sites are as open as their units need, between closed and open.
        """
        model = self.model
        grown = {row for row in (*self._growth, *self._gains) if state.units[row] > self._units_today(row)}
        return [
            *(one.at(state) for one in self._bounding),
            *((model.added[row], at) for row, at in self._growth.items() if row in grown),
            *((model.gained[row], some if row in grown else none) for row, (none, some) in self._gains.items()),
            *((model.open[row], at) for row, at in self._sites.items() if state.units[row] > 0.0),
        ]

    def _term(self, family: str, number: int | str, *, costs: bool) -> pyo.Expression | float:
        if family == "share":
            return self._value(int(number))
        if family == "units":
            return self._value(self._encoding.shares + int(number))
        variables = {
            "served": "billed" if costs else "served",
            "load": "asked",
            "added": "added" if costs else "gained",
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
        model.never = pyo.Var(bounds=(0.0, 0.0))
        model.sums = pyo.ConstraintList()
        for group in range(int(encoding.group.max(initial=-1)) + 1):
            cells = np.flatnonzero(encoding.group == group).tolist()
            least = float(encoding.size[cells].min())
            part = {cell: float(encoding.size[cell]) / least for cell in cells}
            moved = sum((part[cell] * model.steps[cell] for cell in cells if cell in model.steps), start=0.0)
            fixed = sum(part[cell] * int(encoding.low[cell]) for cell in cells if cell not in model.steps)
            if is_potentially_variable(moved) or fixed != 0.0:
                model.sums.add((moved if is_potentially_variable(moved) else model.never) == -fixed)

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
            asked = model.flows.add(model.asked[pool] - load == 0.0)
            self._bounding.append(_Bounding(pool, model.asked[pool], asked))
            capacity = -float(planning.reserved[pool]) + sum(
                float(planning.effective[pool, row]) * self._value(self._encoding.shares + row)
                for row in planning.pools[pool].rows
            )
            self._ranges[pool] = self._load_range(pool), self._capacity_range(pool)
            self._serve(pool, capacity)
        self._add_full()

    def _serve(self, pool: int, capacity: pyo.Expression | float) -> None:
        """Add served <= min(load, capacity) <= billed, with `full` only where bounds leave it open."""
        model = self.model
        (least_load, most_load), (least, most) = self._ranges[pool]
        served = _Bounding(pool, model.served[pool], model.flows.add(model.served[pool] - model.asked[pool] <= 0.0))
        self._bounding.append(served)
        if most_load <= least:
            billed = model.flows.add(model.billed[pool] - model.asked[pool] >= 0.0)
            self._bounding.append(_Bounding(pool, model.billed[pool], billed))
            return
        if least < 0.0:
            capacity = self._floored(pool, capacity, least, most)
        served.by_capacity = model.flows.add(model.served[pool] - capacity <= 0.0)
        if most <= least_load:
            billed = model.flows.add(model.billed[pool] - capacity >= 0.0)
            self._bounding.append(_Bounding(pool, model.billed[pool], by_capacity=billed))
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
            by_load = model.flows.add(model.billed[pool] - model.asked[pool] >= -above * model.full[pool])
            by_capacity = model.flows.add(model.billed[pool] - capacity >= -below * (1 - model.full[pool]))
            self._bounding.append(_Bounding(pool, model.billed[pool], by_load, by_capacity))

    def _load_range(self, pool: int) -> tuple[float, float]:
        """Return the least and greatest load the shares' own bounds and sums allow: greedy in each group, exact."""
        encoding, load = self._encoding, self._planning.load[pool]
        low = encoding.current + encoding.size * encoding.low[: encoding.decided]
        high = encoding.current + encoding.size * encoding.high[: encoding.decided]
        least = most = 0.0
        concerned = np.unique(encoding.group[np.flatnonzero(load)])
        for group in concerned[concerned >= 0].tolist():  # few of all, where a pool serves few territories
            cells = np.flatnonzero(encoding.group == group)
            least += _greedy(load[cells], low[cells], high[cells], float(encoding.current[cells].sum()))
            most -= _greedy(-load[cells], low[cells], high[cells], float(encoding.current[cells].sum()))
        return least, most

    def _capacity_range(self, pool: int) -> tuple[float, float]:
        encoding = self._encoding
        units = slice(encoding.shares, encoding.decided)
        low = encoding.current[units] + encoding.size[units] * encoding.low[units]
        high = encoding.current[units] + encoding.size[units] * encoding.high[units]
        effective, reserved = self._planning.effective[pool], float(self._planning.reserved[pool])
        least, most = rounded(np.array([effective @ low, effective @ high]) - reserved, FINE)
        return float(least), float(most)

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
            self._sites[row] = model.sites.add(units - self._units_at(row, encoding.high) * model.open[row] <= 0.0)
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
            self._growth[row] = model.growth.add(units - model.added[row] <= self._units_today(row))

    def _add_gained(self, rows: list[int]) -> None:
        """Add gained <= max(0, units - today's), for what may not be counted too high: `grown` says which it is."""
        model, encoding = self.model, self._encoding
        model.gained = pyo.Var(rows, domain=pyo.NonNegativeReals)
        if self._exact:
            model.grown = pyo.Var(rows, domain=pyo.Binary)
        else:
            model.grown = pyo.Param(rows, mutable=True, initialize=0)
        model.gains = pyo.ConstraintList()
        for row in rows:
            units, today = self._value(encoding.shares + row), self._units_today(row)
            most = max(0.0, self._units_at(row, encoding.high) - today)
            fewer = max(0.0, today - self._units_at(row, encoding.low))
            none = model.gains.add(model.gained[row] <= most * model.grown[row])
            some = model.gains.add(model.gained[row] - units <= fewer * (1 - model.grown[row]) - today)
            self._gains[row] = none, some

    def _units_today(self, row: int) -> float:
        return float(self._encoding.current[self._encoding.shares + row])

    def _add_singles(self, terms: set[Term]) -> None:
        model = self.model
        model.most = pyo.Var(sorted(str(n) for family, n in terms if family == "most"), domain=pyo.NonNegativeReals)
        model.fewest = pyo.Var(sorted(str(n) for family, n in terms if family == "least"), domain=pyo.NonNegativeReals)
        model.present = pyo.Var(sorted(str(n) for family, n in terms if family == "present"), domain=pyo.Binary)


def scale(row: Inequality) -> float:
    """Return the power of ten below a row's greatest number."""
    return 10.0 ** floor(log10(max(abs(row.bound), *map(abs, row.terms.values()), 1e-9))) if row.terms else 1.0


def _greedy(cost: Floats, low: Floats, high: Floats, total: float) -> float:
    """Return the least cost of a total spread within bounds."""
    amounts = low.copy()
    left = total - float(low.sum())
    for cell in np.argsort(cost, kind="stable"):
        given = min(max(left, 0.0), float(high[cell] - low[cell]))
        amounts[cell] += given
        left -= given
    return float(cost @ amounts)
