"""Why there is no plan: the smallest relaxations that would make one exist, and the rules that conflict.

An elastic programme lets every rule r at every place give way by `given_n` >= 0 (row n, relative to the rule's own
size), at most as far as any values of the variables ask for. `gives_r` is one when the rule gives way anywhere.

    1. fewest rules:    minimise sum_r gives_r                              -> k
    2. least amounts:   minimise sum_n given_n   with sum_r gives_r <= k

Amounts of different units are compared relative to each rule's own size (its bound, or what it comes to today). The
conflict is found by deletion (Chinneck and Dravnieks, ORSA Journal on Computing 3, 1991): each rule in turn may give
way freely; where there is still no plan it has no part in the conflict, and is left out for good. Where more than one
rule, or one rule at several places, has to give way, there is a conflict for each: that with all the others free.
"""

from collections.abc import Collection, Iterable, Sequence

import pyomo.environ as pyo

from optimisation.feasibility.checker import state_of
from optimisation.feasibility.highs import PersistentSolver, Status
from optimisation.feasibility.inequality import Inequality
from optimisation.feasibility.planning import Planning
from optimisation.feasibility.rules import inequalities
from optimisation.feasibility.turns import PYOMO
from optimisation.feasibility.variables import Variables
from optimisation.plan import Explanation, Relaxation

NEGLIGIBLE = 1e-7
"""Amounts, relative to a rule's size, that are the solver's rounding."""
AMOUNT_GAP = 1e-4

Group = tuple[str, str]
"""A rule at a place."""


@PYOMO
def explained(planning: Planning, contract: str) -> Explanation:
    """Return what conflicts under a contract and the smallest relaxations; nothing when a plan exists."""
    elastic = _Elastic(planning, contract)
    fewest = elastic.fewest()
    if isinstance(fewest, Status):
        return Explanation(contract, is_proven=False)
    if not fewest:
        return Explanation(contract)
    smallest = elastic.smallest(len(fewest))
    conflicts = elastic.conflicts(tuple(dict.fromkeys((one.rule, one.place) for one in smallest)))
    instead = elastic.instead(smallest, conflicts)
    return Explanation(contract, smallest, conflicts, instead, elastic.is_proven)


class _Elastic:
    """The elastic programme of one contract, kept in the solver."""

    def __init__(self, planning: Planning, contract: str) -> None:
        rows = tuple(inequalities(planning, contract))
        self._rows = tuple(row for row in rows if not row.is_definition)
        self.rules = tuple(dict.fromkeys(row.rule for row in self._rows))
        self._groups = tuple(dict.fromkeys((row.rule, row.place) for row in self._rows))
        self._size = [_size(planning, row) for row in self._rows]
        self.is_proven = True
        variables = Variables(planning, rows, exact=True)
        variables.add_rules(row for row in rows if row.is_definition)
        self._model = variables.model
        self._add_elastic(variables)
        self._solver = PersistentSolver(self._model, AMOUNT_GAP)

    def fewest(self) -> tuple[str, ...] | Status:
        """Return the rules that give way when as few as can be do; none when a plan exists."""
        status = self._solve(may=self._groups, count=1.0, amount=0.0, most=len(self.rules))
        if status is not Status.SOLVED:
            return status
        return tuple(rule for rule in self.rules if self._model.gives[rule].value > 0.5)

    def smallest(self, count: int) -> tuple[Relaxation, ...]:
        """Return the least amounts by which so many rules give way; then the same again, the others held exactly."""
        self._solve(may=self._groups, count=0.0, amount=1.0, most=count)
        chosen = [rule for rule in self.rules if self._model.gives[rule].value > 0.5]
        return self.least(chosen)

    def least(self, rules: Collection[str]) -> tuple[Relaxation, ...]:
        """Return the least amounts by which these rules alone would have to give way; none when that is no help."""
        may = [group for group in self._groups if group[0] in rules]
        if self._solve(may=may, count=0.0, amount=1.0, most=len(self.rules)) is not Status.SOLVED:
            return ()
        amounts: dict[tuple[Group, str], float] = {}
        for number, row in enumerate(self._rows):
            given = float(self._model.given[number].value)
            if given > NEGLIGIBLE:
                key = (row.rule, row.place), row.unit
                amounts[key] = amounts.get(key, 0.0) + given * self._size[number]
        return tuple(Relaxation(*group, amount, unit) for (group, unit), amount in amounts.items())

    def conflicts(self, giving: Sequence[Group]) -> tuple[tuple[Group, ...], ...]:
        """Return a conflict for each group that has to give way, while all the others that do so are free.

        Where the places of a rule can stand in for each other none of them has to; then one of the rule's is returned.
        """
        found: list[tuple[Group, ...]] = []
        for rule in dict.fromkeys(rule for rule, _ in giving):
            own = [group for group in giving if group[0] == rule]
            each = [self._conflict(group, [other for other in giving if other != group]) for group in own]
            if not any(each):
                each = [self._conflict(own[0], [other for other in giving if other[0] != rule])]
            found += each
        return tuple(dict.fromkeys(conflict for conflict in found if conflict))

    def instead(
        self, smallest: tuple[Relaxation, ...], conflicts: Iterable[tuple[Group, ...]]
    ) -> tuple[tuple[Relaxation, ...], ...]:
        """Return the least amounts where another rule of a conflict gives way for the one that does so at least."""
        giving = dict.fromkeys(one.rule for one in smallest)
        found = []
        for conflict in conflicts:
            rules = dict.fromkeys(rule for rule, _ in conflict)
            still = [rule for rule in giving if rule not in rules]
            found += [self.least((*still, other)) for other in rules if other not in giving]
        return tuple(dict.fromkeys(one for one in found if one))

    def _conflict(self, guilty: Group, free: Collection[Group]) -> tuple[Group, ...]:
        """Return groups that cannot be kept together, none of which can be left out; none where the free ones do.

        Those that are free have no part in it; the guilty one is tried alone first, and its rule is left out last.
        """
        kept = [group for group in self._groups if group not in free]
        if self._may_be_kept(kept):
            return ()
        if not self._may_be_kept([guilty]):
            return (guilty,)
        for rule in sorted(self.rules, key=lambda rule: rule == guilty[0]):
            kept = self._without(kept, [group for group in kept if group[0] == rule])
        for group in sorted(kept, key=lambda group: group == guilty):
            kept = self._without(kept, [group])
        return tuple(kept)

    def _without(self, kept: list[Group], some: list[Group]) -> list[Group]:
        """Leave out some groups if the others still conflict."""
        if not some:
            return kept
        rest = [group for group in kept if group not in some]
        return kept if self._may_be_kept(rest) else rest

    def _may_be_kept(self, groups: Collection[Group]) -> bool:
        """Say whether some groups can be kept together, or the solver proved nothing."""
        free = [group for group in self._groups if group not in groups]
        return self._solve(may=free, count=0.0, amount=0.0, most=len(self.rules)) is not Status.INFEASIBLE

    def _solve(self, *, may: Collection[Group], count: float, amount: float, most: int) -> Status:
        model, free = self._model, set(may)
        for number, row in enumerate(self._rows):
            model.may[number] = float((row.rule, row.place) in free)
        model.count, model.amount, model.most_rules = count, amount, most
        status = self._solver.solve()
        self.is_proven = self.is_proven and status is not Status.STOPPED
        return status

    def _add_elastic(self, variables: Variables) -> None:
        model, rows, size = self._model, self._rows, self._size
        numbers = range(len(rows))
        far = [max(0.0, variables.greatest(row.terms) - row.bound) / s for row, s in zip(rows, size, strict=True)]
        model.may = pyo.Param(numbers, mutable=True, initialize=1.0)
        model.count = pyo.Param(mutable=True, initialize=1.0)
        model.amount = pyo.Param(mutable=True, initialize=0.0)
        model.most_rules = pyo.Param(mutable=True, initialize=len(self.rules))
        model.given = pyo.Var(numbers, bounds=lambda _, n: (0.0, far[n]))
        model.gives = pyo.Var(self.rules, domain=pyo.Binary)
        model.elastic = pyo.Constraint(
            numbers,
            rule=lambda m, n: variables.expression(rows[n].terms) / size[n] - m.given[n] <= rows[n].bound / size[n],
        )
        model.counted = pyo.Constraint(numbers, rule=lambda m, n: m.given[n] - far[n] * m.gives[rows[n].rule] <= 0.0)
        model.allowed = pyo.Constraint(numbers, rule=lambda m, n: m.given[n] <= far[n] * m.may[n])
        model.limited = pyo.Constraint(expr=sum(model.gives.values()) + model.never <= model.most_rules)
        model.least = pyo.Objective(
            expr=model.count * sum(model.gives.values()) + model.amount * sum(model.given.values()) + 0.0 * model.never
        )


def _size(planning: Planning, row: Inequality) -> float:
    """Return how large a rule's numbers are: its bound, its greatest coefficient, and what its terms come to today."""
    state = state_of(planning, planning.encoding.configuration(planning.encoding.today))
    today = {"share": state.shares, "units": state.units, "served": state.served, "load": state.load}
    known = {term: factor for term, factor in row.terms.items() if term[0] in today}
    reached = sum((abs(factor) * float(today[kind][int(n)]) for (kind, n), factor in known.items()), start=0.0)
    greatest: float = max(1e-9, abs(row.bound), reached, *map(abs, row.terms.values()))
    return greatest
