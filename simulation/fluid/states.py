"""The states of the chain and the ways out of each, found by following everyone who can come.

A *state* is what the future of a person who waits for nothing hangs on:

- the step, and the profile now;
- which of the *memories* that some hazard looks at are on: marks carried, services held past their onset (kept ones
  included, as they are kept through an absence);
- the *owner*: the profile at entry, as far as it decided the stay's law, gate and services;
- the route drawn on entry, where the stay's law depends on where it leads.

Somebody who comes to an anchor step, or changes profile in one, is at a *port*: which pathway follows depends on the
mix of the territory and on what the person chose before, so ports are resolved outside (see `orientation`).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from math import isnan
from typing import Any, NamedTuple

import numpy as np

from instances.faults import ConfiguratorError
from simulation.flat_model import FlatModel, RowArray
from simulation.fluid.laws import DurationLaw, mean_of
from simulation.streams import Law


class EndlessCircle(ConfiguratorError):  # noqa: N818 (named for what it says)
    """Steps that lead to one another without time passing."""


class State(NamedTuple):
    """Where somebody is; indices of the flat model, `route` -1 where the law does not depend on it."""

    step: int
    profile: int
    memory: int
    owner: int
    route: int


class Port(NamedTuple):
    """A point where orientation is revisited: the anchor step come to, or stood in (then `stays` is the state)."""

    step: int
    profile: int
    memory: int
    stays: State | None


@dataclass(frozen=True)
class Landing:
    """Entering a step: the states it may begin in, with probabilities, and each (step, profile) entered on the way."""

    outcomes: tuple[tuple[float, State], ...]
    passed: tuple[tuple[int, int], ...]


class Flow(NamedTuple):
    """One way out of a state: by a rate per time unit, or at the stay's end with a probability."""

    rate: float
    at_end: bool
    port: Port | None
    landing: Landing | None


@dataclass(frozen=True)
class _Service:
    slot: int
    resource: int
    amount: int
    onset: float
    keep: float
    leads_to: int


@dataclass(frozen=True)
class _Hazard:
    hazard: int
    is_rated: bool
    amount: float  # rate per time unit, or factor
    needs: int
    to: int
    profile: int
    mark: int


@dataclass(frozen=True)
class _Route:
    probability: float
    law: DurationLaw
    to: int
    profile: int
    mark: int


@dataclass(frozen=True)
class Context:
    """A step as a profile meets it."""

    law: DurationLaw
    by_destination: bool
    gate: int
    amount: int
    services: tuple[_Service, ...]
    routes: tuple[_Route, ...]
    rated: tuple[_Hazard, ...]
    factors: tuple[_Hazard, ...]
    leads_to: int
    on_break: int


class Story:
    """The rules of the flat model as the chain reads them."""

    def __init__(self, model: FlatModel) -> None:
        self.profiles = model.profiles
        self.anchor = [bool(flag) for flag in model.step_anchor]
        self.exit = [bool(flag) for flag in model.step_exit]
        self.pathway = model.step_pathway.tolist()
        self.entry = model.entry.tolist()
        self.steps = len(self.pathway)
        self._memories(model)
        self.contexts = self._read(model)
        self.keep = self._longest_keep()
        self._asked_by_pathway = self._asked()
        self._entered: dict[tuple[int, int, int], Landing] = {}
        self._owners = [self._owner(place) for place in range(len(self.contexts))]

    def _memories(self, model: FlatModel) -> None:
        rows = model.hazards
        marks = sorted({int(mark) for mark in rows["mark_needed"] if mark >= 0})
        slots = sorted({int(slot) for slot in rows["slot"] if slot >= 0})
        self.memories = 1 << (len(marks) + len(slots))
        self.mark_bit = {mark: 1 << number for number, mark in enumerate(marks)}
        self.slot_bit = {slot: 1 << (len(marks) + number) for number, slot in enumerate(slots)}
        lasting: dict[int, list[float]] = {mark: [] for mark in marks}
        for table in (model.hazards, model.routes):
            for mark, time in zip(table["mark"].tolist(), table["mark_time"].tolist(), strict=True):
                if mark in lasting:
                    lasting[mark].append(time)
        self.forgetting = {
            self.mark_bit[mark]: 1.0 / max(float(np.mean(times)), 1e-9) for mark, times in lasting.items() if times
        }
        """Rate at which a mark ends, an exponential clock of the same mean; 0 where it never does."""

    def _read(self, model: FlatModel) -> list[Context]:
        services = [
            _Service(row["slot"], row["resource"], row["amount"], row["onset"], row["keep"], row["leads_to"])
            for row in _rows(model.services)
        ]
        hazards = [self._hazard(row) for row in _rows(model.hazards)]
        routes = [
            (
                row["cumulative"],
                DurationLaw(row["law"], row["a"], row["b"], row["c"]),
                row["to"],
                row["profile"],
                row["mark"],
            )
            for row in _rows(model.routes)
        ]
        found = []
        for place, row in enumerate(_rows(model.contexts)):
            own = services[row["service_start"] : row["service_end"]]
            stay = hazards[row["stay_start"] : row["stay_end"]]
            before = 0.0
            ends = []
            for cumulative, law, to, profile, mark in routes[row["route_start"] : row["route_end"]]:
                ends.append(_Route(cumulative - before, law, to, profile, self.mark_bit.get(mark, 0)))
                before = cumulative
            anchored = self.anchor[place // self.profiles]
            found.append(
                Context(
                    law=DurationLaw(row["law"], row["a"], row["b"], row["c"]),
                    by_destination=row["law"] == Law.BY_DESTINATION,
                    gate=row["gate"],
                    amount=row["amount"],
                    services=tuple(own),
                    routes=tuple(ends),
                    rated=tuple(each for each in stay if each.is_rated),
                    factors=tuple(each for each in stay if not each.is_rated),
                    leads_to=next((each.leads_to for each in own if each.leads_to >= 0), -1) if anchored else -1,
                    on_break=row["on_break"],
                )
            )
        return found

    def _hazard(self, row: dict[str, Any]) -> _Hazard:
        needs = self.slot_bit[int(row["slot"])] if row["slot"] >= 0 else 0
        needs |= self.mark_bit[int(row["mark_needed"])] if row["mark_needed"] >= 0 else 0
        is_rated = not isnan(row["rate"])
        return _Hazard(
            int(row["hazard"]),
            is_rated,
            row["rate"] * row["factor"] if is_rated else row["factor"],
            needs,
            int(row["to"]),
            int(row["profile"]),
            self.mark_bit.get(int(row["mark"]), 0),
        )

    def _longest_keep(self) -> dict[int, float]:
        keep: dict[int, float] = {}
        for context in self.contexts:
            for service in context.services:
                keep[service.slot] = max(keep.get(service.slot, 0.0), service.keep)
        return keep

    def _asked(self) -> list[set[int]]:
        """Return the slots that some step of each pathway asks for."""
        asked: list[set[int]] = [set() for _ in self.entry]
        for place, context in enumerate(self.contexts):
            asked[self.pathway[place // self.profiles]].update(service.slot for service in context.services)
        return asked

    @cached_property
    def kept_by_pathway(self) -> list[set[int]]:
        """Resources that some step of each pathway asks for and keeps through absences."""
        kept: list[set[int]] = [set() for _ in self.entry]
        for place, context in enumerate(self.contexts):
            kept[self.pathway[place // self.profiles]].update(
                each.resource for each in context.services if each.keep > 0.0
            )
        return kept

    def kept_during(self, step: int, profile: int) -> dict[int, float]:
        """Return the units, by resource, that stay with somebody through an absence in a step, on average over it.

        Those of the pathway's other steps that the step itself does not ask for; a stay of mean m keeps them for
        min(m, keep). An anchor step is no absence, and before a pathway's first step there is nothing to keep.
        """
        if self.anchor[step] or self.exit[step] or self.entry[self.pathway[step]] == step:
            return {}
        here = self.context(step, profile)
        own = {service.resource for service in here.services} | {here.gate}
        found: dict[int, float] = {}
        for other in range(self.steps):
            if self.pathway[other] == self.pathway[step]:
                for service in self.context(other, profile).services:
                    if service.keep > 0.0 and service.leads_to < 0 and service.resource not in own:
                        part = min(1.0, service.keep / max(self.mean_stay(step, profile), 1e-9))
                        found[service.resource] = max(found.get(service.resource, 0.0), part * service.amount)
        return found

    def mean_stay(self, step: int, profile: int) -> float:
        """Return the mean stay in a step that nothing cuts short; infinite when it is endless."""
        context = self.context(step, profile)
        if context.by_destination:
            return sum(route.probability * mean_of(route.law) for route in context.routes if route.probability > 0.0)
        return mean_of(context.law)

    def _owner(self, place: int) -> int:
        """Return the first profile whose entry into the step begins the same stay."""
        step = place // self.profiles
        mine = self.contexts[place]
        for profile in range(self.profiles):
            other = self.contexts[step * self.profiles + profile]
            if other is mine or _begins_alike(mine, other):
                return profile
        return place % self.profiles

    def context(self, step: int, profile: int) -> Context:
        """Return a step as a profile meets it."""
        return self.contexts[step * self.profiles + profile]

    def begun(self, state: State) -> Context:
        """Return the context that began a state's stay: its law, gate and services."""
        return self.contexts[state.step * self.profiles + state.owner]

    def law(self, state: State) -> DurationLaw:
        """Return the law of a state's stay."""
        context = self.begun(state)
        if state.route >= 0:
            return context.routes[state.route].law
        return context.law

    # Entering.

    def enter(self, step: int, profile: int, memory: int) -> Landing:
        """Return what entering a step comes to; in an anchor a service that leads on leads on at once."""
        key = (step, profile, memory)
        if key not in self._entered:
            self._entered[key] = self._entering(step, profile, memory)
        return self._entered[key]

    def _entering(self, step: int, profile: int, memory: int) -> Landing:
        passed = []
        for _ in range(self.steps + 1):
            passed.append((step, profile))
            if self.exit[step]:
                return Landing((), tuple(passed))
            context = self.context(step, profile)
            if context.leads_to < 0:
                break
            step = context.leads_to
        else:
            raise EndlessCircle("services that lead to steps whose services lead on, without end")
        memory = self._remembered(context, self.pathway[step], memory)
        owner = self._owners[step * self.profiles + profile]
        if not context.by_destination:
            return Landing(((1.0, State(step, profile, memory, owner, -1)),), tuple(passed))
        outcomes = tuple(
            (route.probability, State(step, profile, memory, owner, number))
            for number, route in enumerate(context.routes)
            if route.probability > 0.0
        )
        return Landing(outcomes, tuple(passed))

    def _remembered(self, context: Context, pathway: int, memory: int) -> int:
        """Return the memories on after entering: a service acts at once without onset, and is lost unless kept.

        What is kept is forgotten in a pathway none of whose steps asks for it.
        """
        asked = {service.slot: service for service in context.services}
        for slot, bit in self.slot_bit.items():
            if slot in asked:
                if asked[slot].onset <= 0.0:
                    memory |= bit
            elif self.keep.get(slot, 0.0) <= 0.0 or slot not in self._asked_by_pathway[pathway]:
                memory &= ~bit
        return memory

    def land(self, port: Port, pathway: int) -> Landing:
        """T10: return where a port leads once a pathway is chosen (-1: none is offered, the move itself decides)."""
        ahead = pathway < 0 or self.pathway[port.step] == pathway
        if port.stays is not None and ahead:
            return Landing(((1.0, port.stays),), ())
        return self.enter(port.step if ahead else self.entry[pathway], port.profile, port.memory)

    # Leaving.

    def flows(self, state: State) -> Iterator[Flow]:
        """Yield every way out of a state, changes that do not end the stay included."""
        here, begun = self.context(state.step, state.profile), self.begun(state)
        for hazard, rate in self._rates(here, state.memory):
            if rate > 0.0:
                flow = self._struck(state, hazard, rate)
                if flow is not None:
                    yield flow
        yield from self._clocks(state, begun)
        if not self.law(state).is_endless:
            routes = (begun.routes[state.route],) if state.route >= 0 else here.routes
            for route in routes:
                chance = 1.0 if state.route >= 0 else route.probability
                if chance > 0.0:
                    yield self._moved(state, chance, True, route.to, route.profile, route.mark)

    def _rates(self, context: Context, memory: int) -> Iterator[tuple[_Hazard, float]]:
        """T6: each rated row at work, times the factors of its hazard at work."""
        for row in context.rated:
            if row.needs & ~memory == 0:
                rate = row.amount
                for factor in context.factors:
                    if factor.hazard == row.hazard and factor.needs & ~memory == 0:
                        rate *= factor.amount
                yield row, rate

    def _struck(self, state: State, hazard: _Hazard, rate: float) -> Flow | None:
        if hazard.to >= 0:
            return self._moved(state, rate, False, hazard.to, hazard.profile, hazard.mark)
        profile = hazard.profile if hazard.profile >= 0 else state.profile
        memory = state.memory | hazard.mark
        if profile == state.profile and memory == state.memory:
            return None  # recorded only
        return self._changed(state, rate, profile, memory)

    def _changed(self, state: State, rate: float, profile: int, memory: int) -> Flow:
        """The stay runs on with another profile or other memories; at an anchor a new profile re-orients."""
        after = state._replace(profile=profile, memory=memory)
        if profile != state.profile and self.anchor[state.step]:
            return Flow(rate, False, Port(state.step, profile, memory, after), None)
        return Flow(rate, False, None, Landing(((1.0, after),), ()))

    def _moved(self, state: State, rate: float, at_end: bool, to: int, profile: int, mark: int) -> Flow:
        profile = profile if profile >= 0 else state.profile
        memory = state.memory | mark
        if self.anchor[to]:
            return Flow(rate, at_end, Port(to, profile, memory, None), None)
        return Flow(rate, at_end, None, self.enter(to, profile, memory))

    def _clocks(self, state: State, begun: Context) -> Iterator[Flow]:
        """Marks that end, onsets that come, absences longer than a service is kept: exponential, of the same mean."""
        for bit, rate in self.forgetting.items():
            if state.memory & bit and rate > 0.0:
                yield self._changed(state, rate, state.profile, state.memory & ~bit)
        asked = {service.slot: service for service in begun.services}
        for slot, bit in self.slot_bit.items():
            if slot in asked and not state.memory & bit:
                yield self._changed(state, 1.0 / asked[slot].onset, state.profile, state.memory | bit)
            if slot not in asked and state.memory & bit:
                yield self._changed(state, 1.0 / self.keep[slot], state.profile, state.memory & ~bit)


def _begins_alike(one: Context, other: Context) -> bool:
    """Say whether entering begins the same stay: law, gate and services."""
    laws = [route.law for route in one.routes] == [route.law for route in other.routes] if one.by_destination else True
    return (
        one.law == other.law
        and laws
        and (one.gate, one.amount) == (other.gate, other.amount)
        and one.services == other.services
    )


def _rows(table: RowArray) -> Iterator[dict[str, Any]]:
    """Yield the rows of a flat table as plain numbers by column."""
    names = table.dtype.names or ()
    columns = [table[name].tolist() for name in names]
    for values in zip(*columns, strict=True):
        yield dict(zip(names, values, strict=True))
