"""What somebody alive at the horizon still has before them: discounted QALYs and production cost to the end of life.

A value V that accrues at rate u and is discounted at the force d = log(1 + rate) solves, for states i of the chain,

    V_i = sum_b L_ib(d) u_b + sum_j [ L(d) R + E(d) P ]_ij V_j,

with L and E the kernel's lasting and ending at the Laplace variable d, R the rates and P the routing probabilities:
the infinite horizon needs no inversion, one sparse linear system a different mix. Ports lead on by today's mixes, given
the pathway lived on. Stays are valued from their entry: what they have lasted already is not known here.

Nobody waits in the chain: who waits for a place at the horizon is valued as if it were free. Marks and services not yet
acting average over the states of a (profile, step) by how long a person spends in each from a first orientation on.

Life without end has a value only when discounted. So that every value is finite, nobody is credited with more than
`REMAINING_YEARS` discounted years: whoever would live longer has QALYs and cost scaled down in proportion.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, identity
from scipy.sparse.linalg import splu

from instances.instance import Instance
from instances.tables import Capacity, Cost
from simulation.components import pools
from simulation.economics import force_of_interest
from simulation.flat_model import FlatModel
from simulation.fluid.chain import Chain
from simulation.fluid.columns import Ledger, table
from simulation.fluid.crossings import crossings_of
from simulation.fluid.kernel import kernel
from simulation.fluid.lumps import Lumps
from simulation.fluid.orientation import Choices
from simulation.fluid.population import Population, choices_of, distinct

Floats = NDArray[np.float64]

REMAINING_YEARS = 40.0
_TRYING = 0.01
_LEAST_FORCE = 1e-6
"""Per year: keeps the system regular for lives without end at a discount rate of 0."""


@dataclass(frozen=True)
class RemainingValue:
    """Per person alive in (territory, profile, step) [Z, P, S], discounted to the horizon; 0 where nobody lives."""

    qaly: Floats
    cost: Floats


def remaining_value(instance: Instance, model: FlatModel | None = None) -> RemainingValue:
    """Return the value of the lives beyond the horizon under today's mixes; `model`: a flat model of the instance."""
    people = Population.of(instance, model)
    chain = Chain(people.story, people.offered, range(len(people.profiles)), breaks=True)
    accrual = _Accrual(instance, chain)
    force = max(force_of_interest(instance.settings.economics.discount_rate), _LEAST_FORCE)
    system = _System(chain, accrual, force / instance.settings.time_units_per_year)
    kinds, which = distinct(people.mixes(people.today))
    chosen = [choices_of(mix) for mix in kinds]
    weight = system.weights(chosen[np.bincount(which).argmax()], people.newcomers().sum(axis=0))
    values = [system.values(choice, weight) for choice in chosen]
    unit_costs = _unit_costs(instance)
    shape = (len(people.zones), len(people.profiles), people.story.steps)
    qaly, cost = np.zeros(shape), np.zeros(shape)
    for zone, kind in enumerate(which):
        found = values[kind]
        years = found[..., 0] / instance.settings.time_units_per_year
        part = np.minimum(1.0, REMAINING_YEARS / np.maximum(years, 1e-12))
        qaly[zone] = part * found[..., 1]
        cost[zone] = part * (found[..., 2] + found[..., 3:] @ unit_costs[zone])
    return RemainingValue(qaly, cost)


class _Accrual:
    """What accrues in each state [state, measure] and with each move: time, QALYs, cost, units of each resource."""

    def __init__(self, instance: Instance, chain: Chain) -> None:
        ledger = Ledger(instance, chain.story)
        self.lumps = Lumps(ledger, chain.story)
        keys = [(state.step, state.profile, state.owner) for state in chain.states]
        kinds = {key: number for number, key in enumerate(dict.fromkeys(keys))}
        first = dict(zip(reversed(keys), reversed(chain.states), strict=True))
        self._lines = [ledger.living(first[key]) for key in kinds]
        self._kind = np.array([kinds[key] for key in keys])
        self._ledger = ledger
        self._resources = len(instance.resources)

    def living(self) -> Floats:
        """Return what a time unit in each state amounts to [state, measure]."""
        return np.asarray((table(self._lines, self._width) @ self._measures())[self._kind])

    def moves(self) -> Floats:
        """Return what each line of lumps amounts to [line, measure]."""
        return np.asarray(table(self.lumps.lines, self._width) @ self._measures())

    @property
    def _width(self) -> int:
        return len(self._ledger.columns)

    def _measures(self) -> Floats:
        weights = np.zeros((self._width, 3 + self._resources))
        for (kind, place, _), column in self._ledger.columns.items():
            if kind in ("time", "qaly", "cost"):
                weights[column, ("time", "qaly", "cost").index(kind)] = 1.0
            elif kind == "use":
                weights[column, 3 + place[0]] = 1.0
        return weights


class _System:
    """The chain at one real Laplace variable; what hangs on the mix is put in by `values`."""

    def __init__(self, chain: Chain, accrual: _Accrual, variable: float) -> None:
        self.chain = chain
        size = len(chain.states)
        lasting, ending = kernel(chain, np.array([variable], dtype=np.complex128)).at(0)
        self.lasting, ending = lasting.real.tocsr(), ending.real.tocsr()
        passage = (self.lasting @ chain.rates + ending @ chain.ends).tocsr()
        self.inside = passage[:, :size]
        self.crossings = crossings_of(chain.structure)
        self.into_groups = self.crossings.into(passage[:, size:])
        self._part = chain.story.quantities.values[self.crossings.part]
        self._line = np.array([accrual.lumps.number(lump) for lump in self.crossings.lumps], dtype=np.int64)
        by_rate, by_end = chain.lines(accrual.lumps)
        living, self.moves = accrual.living(), accrual.moves()
        per_time = living + by_rate @ self.moves
        self.gain = self.lasting @ per_time + ending @ (by_end @ self.moves)

    def _chances(self, choice: Choices) -> Floats:
        """Return the probability of the pathway of each candidate under a mix."""
        known: dict[tuple[int, int], float] = {}
        for number, (profile, host, port) in enumerate(self.crossings.groups):
            for pathway, chance in choice.after(profile, host, self.chain.ports[port].profile):
                known[number, pathway] = chance
        pairs = zip(self.crossings.group.tolist(), self.crossings.pathway.tolist(), strict=True)
        return np.array([known.get(pair, 0.0) for pair in pairs])

    def values(self, choice: Choices, weight: Floats) -> Floats:
        """Return the value of the life before each [profile, step, measure]; weight: of each state (see `weights`)."""
        chance = self._chances(choice)
        crossings = self.crossings
        told = ~crossings.is_outcome
        gains = np.zeros((len(crossings.groups), self.moves.shape[1]))
        lines = self._line[crossings.lump[told]]
        np.add.at(gains, crossings.group[told], chance[told, None] * self.moves[lines])
        value = self._solver(chance).solve(self.gain + self.into_groups @ gains)
        return self._by_step(value, weight)

    def weights(self, choice: Choices, newcomers: Floats) -> Floats:
        """Return the discounted time spent in each state [state] by newcomers [profile] and what becomes of them.

        Counted as if `_TRYING` of them took any pathway offered, so that the steps of pathways nobody takes today are
        weighed by those who would come there. One mix stands for all territories: it only weighs the states (marks,
        services not yet acting) of one profile and step.
        """
        chance = (1.0 - _TRYING) * self._chances(choice) + _TRYING / self.crossings.rivals
        found = self.lasting.T @ self._solver(chance).solve(self._begun(choice, newcomers), "T")
        return np.maximum(found, 0.0)

    def _solver(self, chance: Floats) -> Any:  # noqa: ANN401 (the stubs of scipy do not know the transposed solve)
        """Factor the whole system when ports lead on with these chances."""
        size, crossings = len(self.chain.states), self.crossings
        there = crossings.is_outcome
        landing = csr_matrix(
            ((chance * self._part)[there], (crossings.group[there], crossings.state[there])),
            (len(crossings.groups), size),
        )
        return splu((identity(size, format="csr") - self.inside - self.into_groups @ landing).tocsc())

    def _begun(self, choice: Choices, newcomers: Floats) -> Floats:
        """Return how many begin in each state [state]."""
        story, begun = self.chain.story, np.zeros(len(self.chain.states))
        for profile, count in enumerate(newcomers):
            chances = dict(choice.after(profile, -1, profile))
            offered = self.chain.offered[profile]
            for pathway in offered:
                chance = (1.0 - _TRYING) * chances.get(pathway, 0.0) + _TRYING / len(offered)
                for state, part in self.chain.outcomes(story.enter(story.entry[pathway], profile, 0)):
                    begun[state] += count * chance * part
        return begun

    def _by_step(self, value: Floats, weight: Floats) -> Floats:
        """Average states of one profile and step; where nobody comes, the states count alike."""
        story = self.chain.story
        place = self.crossings.place
        count = story.profiles * story.steps
        alike = np.bincount(place, weight, minlength=count)
        weight = np.where(alike[place] > 0.0, weight, 1.0)
        total = np.bincount(place, weight, minlength=count)
        found = np.zeros((count, value.shape[1]))
        np.add.at(found, place, weight[:, None] * value)
        found /= np.where(total > 0.0, total, 1.0)[:, None]
        for passing in np.flatnonzero(total == 0.0).tolist():
            found[passing] = self._on_entering(value, passing % story.steps, passing // story.steps)
        return found.reshape(story.profiles, story.steps, -1)

    def _on_entering(self, value: Floats, step: int, profile: int) -> Floats:
        """Return the value in a step nobody stays in, as a place awaited there is granted at once: that of going on."""
        landing = self.chain.story.enter(step, profile, 0)
        found = np.zeros(value.shape[1])
        if all(state in self.chain.number for _, state in landing.outcomes):
            for state, part in self.chain.outcomes(landing):
                found += part * value[state]
        return found


def _unit_costs(instance: Instance) -> Floats:
    """Return what a unit of each resource costs per time unit in use [territory, resource], at today's capacity.

    Rows by capacity-year and open-site-year, which do not hang on who comes, spread over the effective units of the
    pool: the average cost of a unit, as if in full use. Added units are left out: nothing is added beyond the horizon.
    """
    found = np.zeros((len(instance.territories), len(instance.resources)))
    costs: dict[str, list[Cost]] = {}
    for cost in instance.costs:
        if cost.basis in ("capacity-year", "open-site-year"):
            costs.setdefault(cost.subject, []).append(cost)
    for pool in pools(instance):
        resource = instance.resources[pool.resource]
        rows = [instance.capacities[row] for row in pool.rows]
        effective = sum(
            row.current * (1.0 - (instance.zone_by_code[row.zone].travel_share if resource.travels else 0.0))
            for row in rows
        )
        if effective > 0.0:
            charged = costs.get(f"resource:{resource.resource}", ())
            yearly = sum(_yearly(instance, cost, row) for cost in charged for row in rows)
            for number, zone in enumerate(instance.territories):
                if instance.ancestor(zone.zone, resource.level) == pool.zone:
                    found[number, pool.resource] = yearly / effective / instance.settings.time_units_per_year
    return found


def _yearly(instance: Instance, cost: Cost, row: Capacity) -> float:
    """Return the yearly money of a cost row for a capacity row at today's units, as the money ledger has it."""
    named = any(each.resource == row.resource and each.provider == cost.provider for each in instance.capacities)
    if (named and row.provider != cost.provider) or not (cost.provider or row.provider):
        return 0.0
    return cost.amount * (row.current if cost.basis == "capacity-year" else float(row.current > 0))
