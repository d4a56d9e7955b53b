"""What living through the chain amounts to: columns of rates (per time in a state) and of lumps (per move).

A column is one thing that is added up: time, entries into a step, unit-time of a resource, turnover, money of a payer
under a contract or of an operator, QALYs. Columns are made when first needed, so that tables stay narrow.

Money follows the ledgers' rules (`ledgers.money`): the most specific row wins; a stay that a gate opens hangs on the
gate's resource; day and hour rows follow units held; entry rows follow entries, for a service units newly granted;
rows of a pathway by patient, entry or outcome are counted when somebody joins the pathway (outcomes as reached). Rows
by patient of a step or resource are counted at each entry, which is too often for those who come back.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from instances.instance import Instance
from instances.settings import DAYS_PER_YEAR
from instances.tables import Cost, Price
from simulation.compilation import step_index
from simulation.fluid.states import State, Story

Floats = NDArray[np.float64]
Charge = TypeVar("Charge", Price, Cost)
Key = tuple[str, tuple[int, ...], int]
"""What is added up, where, and the profile: time (), qaly (), entries (step), use (r), turnover (r), revenue (contract,
payer, operator, r), cost (operator, r), with r a resource and ANYONE for the profile unless profiles are told apart."""
Held = dict[int, int]
"""Units by resource."""
Line = dict[int, float]
"""Amounts by column."""

ONCE = ("entry", "patient", "outcome")
NOTHING = -1
"""In place of a resource: money that hangs on none."""
ANYONE = -1
"""In place of a profile: profiles are not told apart."""
_HOURS_PER_DAY = 24.0


@dataclass(frozen=True)
class _Stake:
    """What a tariff or cost may name: who is charged how many units, hanging on which resource."""

    units: float
    resource: int


class Ledger:
    """The instance's tariffs, costs and utilities by what they hang on; hands out columns."""

    def __init__(self, instance: Instance, story: Story, *, by_profile: bool = False) -> None:
        """by_profile: tell apart what people of each profile, as they are at the time, amount to."""
        self.story = story
        self._by_profile = by_profile
        self.columns: dict[Key, int] = {}
        self.profiles = [row.profile for row in instance.profiles]
        self.resources = [row.resource for row in instance.resources]
        self.turnover = [row.turnover for row in instance.resources]
        self.payers = {row.id: number for number, row in enumerate(instance.payers)}
        self.providers = {row.id: number for number, row in enumerate(instance.providers)}
        self.contracts = instance.contract_codes
        self.steps = list(step_index(instance))
        self.per_day = DAYS_PER_YEAR / instance.settings.time_units_per_year
        self._prices = _by_subject(instance.prices, _price_key)
        self._costs = _by_subject(instance.costs, _cost_key)
        self._utility = _utilities(instance, self.steps)
        self._per_year = instance.settings.time_units_per_year

    def column(self, profile: int, kind: str, *place: int) -> int:
        """Return a column's number, a new one when it is the first time."""
        key = (kind, place, profile if self._by_profile else ANYONE)
        return self.columns.setdefault(key, len(self.columns))

    def held(self, step: int, owner: int) -> tuple[Held, Held]:
        """Return units held by a gate, and by services that lead nowhere."""
        context = self.story.context(step, owner)
        gate = {context.gate: context.amount} if context.gate >= 0 else {}
        helps: Held = {}
        for service in context.services:
            if service.leads_to < 0:
                helps[service.resource] = helps.get(service.resource, 0) + service.amount
        return gate, helps

    def living(self, state: State) -> Line:
        """Return what a time unit in a state amounts to."""
        gate, helps = self.held(state.step, state.owner)
        line = {
            self.column(state.profile, "time"): 1.0,
            self.column(state.profile, "qaly"): self._utility[state.step, state.profile] / self._per_year,
        }
        for units in (gate, helps):
            for resource, amount in units.items():
                _add(line, self.column(state.profile, "use", resource), float(amount))
        for subject, stake in self._stakes(state.step, gate, helps):
            self._charge(line, subject, stake, state.profile, ("day", "hour"))
        for resource, kept in self.story.kept_during(state.step, state.profile).items():
            _sum(line, self.kept(resource, kept, state.profile))
        return line

    def kept(self, resource: int, unit_time: float, profile: int) -> Line:
        """Return what keeping units of a service through an absence amounts to."""
        line = {self.column(profile, "use", resource): unit_time}
        self._charge(
            line, f"resource:{self.resources[resource]}", _Stake(unit_time, resource), profile, ("day", "hour")
        )
        return line

    def entering(self, step: int, profile: int) -> Line:
        """Return what entering a step amounts to, its gate's units included and its services left out."""
        line = {self.column(profile, "entries", step): 1.0}
        gate, _ = self.held(step, profile)
        for subject, stake in self._stakes(step, gate, {}):
            if not subject.startswith("pathway:"):
                self._charge(line, subject, stake, profile, ("entry", "patient"))
        return line

    def granted(self, resource: int, units: int, profile: int) -> Line:
        """Return what being granted a service amounts to."""
        line: Line = {}
        for kind in ("resource", "service"):
            stake = _Stake(units, resource)
            self._charge(line, f"{kind}:{self.resources[resource]}", stake, profile, ("entry", "patient"))
        return line

    def joined(self, pathway: str, profile: int) -> Line:
        """Return what joining a pathway amounts to."""
        line: Line = {}
        self._charge(line, f"pathway:{pathway}", _Stake(1.0, NOTHING), profile, ONCE)
        return line

    def released(self, resource: int, units: float, profile: int) -> Line:
        """Return what giving units back amounts to: the time they take to be made ready."""
        if self.turnover[resource] <= 0.0:
            return {}
        return {self.column(profile, "turnover", resource): units * self.turnover[resource]}

    def _stakes(self, step: int, gate: Held, helps: Held) -> Iterable[tuple[str, _Stake]]:
        pathway, code = self.steps[step]
        resource = next(iter(gate), NOTHING)
        yield f"step:{code}", _Stake(1.0, resource)
        yield f"step:{pathway}/{code}", _Stake(1.0, resource)
        yield f"pathway:{pathway}", _Stake(1.0, NOTHING)
        for held in {**gate, **helps}:
            yield f"resource:{self.resources[held]}", _Stake(float(gate.get(held, 0) + helps.get(held, 0)), held)
        for held, units in helps.items():
            yield f"service:{self.resources[held]}", _Stake(float(units), held)

    def _charge(self, line: Line, subject: str, stake: _Stake, profile: int, bases: Sequence[str]) -> None:
        name = self.profiles[profile]
        for price, replaced in self._prices.get(subject, ()):
            if price.basis in bases and _holds(price.profile, name, replaced):
                operator = self.providers[price.provider] if price.provider else len(self.providers)
                for number, contract in enumerate(self.contracts):
                    if price.contract in ("", contract):
                        place = (number, self.payers[price.payer], operator, stake.resource)
                        column = self.column(profile, "revenue", *place)
                        _add(line, column, self._amount(price) * stake.units)
        for cost, replaced in self._costs.get(subject, ()):
            if cost.basis in bases and _holds(cost.profile, name, replaced):
                operator = self.providers[cost.provider] if cost.provider else len(self.providers)
                column = self.column(profile, "cost", operator, stake.resource)
                _add(line, column, self._amount(cost) * stake.units)

    def _amount(self, row: Price | Cost) -> float:
        match row.basis:
            case "day":
                return row.amount * self.per_day
            case "hour":
                return row.amount * self.per_day * _HOURS_PER_DAY
            case _:
                return row.amount


def table(lines: Sequence[Line], width: int) -> csr_matrix:
    """Return lines as a matrix [line, column]."""
    indices = [column for line in lines for column in line]
    values = [value for line in lines for value in line.values()]
    starts = np.concatenate([[0], np.cumsum([len(line) for line in lines])])
    return csr_matrix((np.array(values, dtype=np.float64), indices, starts), shape=(len(lines), width))


def _sum(line: Line, more: Line) -> None:
    for column, amount in more.items():
        _add(line, column, amount)


def _add(line: Line, column: int, amount: float) -> None:
    line[column] = line.get(column, 0.0) + amount


def _by_subject(
    rows: Sequence[Charge], key: Callable[[Charge], tuple[str, ...]]
) -> dict[str, list[tuple[Charge, frozenset[str]]]]:
    own: dict[tuple[str, ...], set[str]] = {}
    for row in rows:
        if row.profile:
            own.setdefault(key(row), set()).add(row.profile)
    found: dict[str, list[tuple[Charge, frozenset[str]]]] = {}
    for row in rows:
        found.setdefault(row.subject, []).append((row, frozenset(own.get(key(row), ()))))
    return found


def _holds(profile: str, name: str, replaced: frozenset[str]) -> bool:
    """Say whether a row holds for a profile: its own, or one for all that no own row replaces."""
    return profile == name if profile else name not in replaced


def _price_key(row: Price) -> tuple[str, ...]:
    return row.contract, row.subject, row.basis, row.payer, row.provider, row.outcome


def _cost_key(row: Cost) -> tuple[str, ...]:
    return row.subject, row.basis, row.provider


def _utilities(instance: Instance, steps: Sequence[tuple[str, str]]) -> Floats:
    """Return QALYs per year [step, profile]."""
    found = np.zeros((len(steps), len(instance.profiles)))
    for number, key in enumerate(steps):
        general = next(row for row in instance.expanded.steps if (row.pathway, row.step) == key)
        for column, profile in enumerate(instance.profiles):
            row = instance.expanded.step_row(*key, profile.profile) or general
            found[number, column] = row.utility * profile.utility
    return found
