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
from typing import NamedTuple

from instances.faults import ConfiguratorError
from simulation.flat_model import FlatModel
from simulation.fluid.contexts import (
    SURE,
    Context,
    Factors,
    Hazard,
    Memories,
    Quantities,
    owners,
    read_contexts,
    signature,
)
from simulation.fluid.laws import DurationLaw, mean_of


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
    """Entering a step: the states it may begin in, and each (step, profile) entered on the way.

    The probability of a state is a quantity (see `contexts`), told by its place.
    """

    outcomes: tuple[tuple[int, State], ...]
    passed: tuple[tuple[int, int], ...]


class Flow(NamedTuple):
    """One way out of a state: by a rate per time unit, or at the stay's end with a probability, as a product."""

    amount: Factors
    at_end: bool
    port: Port | None
    landing: Landing | None


class Story:
    """The rules of the flat model as the chain reads them."""

    def __init__(self, model: FlatModel) -> None:
        self.profiles = model.profiles
        self.anchor = [bool(flag) for flag in model.step_anchor]
        self.exit = [bool(flag) for flag in model.step_exit]
        self.pathway: list[int] = model.step_pathway.tolist()
        self.entry: list[int] = model.entry.tolist()
        self.steps = len(self.pathway)
        self._memories = Memories(model)
        self.memories = self._memories.count
        self.quantities = Quantities(model, self._memories)
        self._positive: list[bool] = (self.quantities.values > 0.0).tolist()
        self.contexts = read_contexts(model, self._memories, self.quantities)
        self._owners = owners(self.contexts, self.profiles)
        self.signature = signature(model, self.quantities, self._owners)
        self._entered: dict[tuple[int, int, int], Landing] = {}

    @cached_property
    def _asked_by_pathway(self) -> list[set[int]]:
        """The slots that some step of each pathway asks for."""
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
            chances = self.quantities.values
            return sum(
                float(chances[route.quantity]) * mean_of(route.law)
                for route in context.routes
                if self._positive[route.quantity]
            )
        return mean_of(context.law)

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
            return Landing(((SURE, State(step, profile, memory, owner, -1)),), tuple(passed))
        outcomes = tuple(
            (route.quantity, State(step, profile, memory, owner, number))
            for number, route in enumerate(context.routes)
            if self._positive[route.quantity]
        )
        return Landing(outcomes, tuple(passed))

    def _remembered(self, context: Context, pathway: int, memory: int) -> int:
        """Return the memories on after entering: a service acts at once without onset, and is lost unless kept.

        What is kept is forgotten in a pathway none of whose steps asks for it.
        """
        asked = {service.slot: service for service in context.services}
        for slot, bit in self._memories.slot_bit.items():
            if slot in asked:
                if asked[slot].onset <= 0.0:
                    memory |= bit
            elif not self._positive[self.quantities.keeps + slot] or slot not in self._asked_by_pathway[pathway]:
                memory &= ~bit
        return memory

    def land(self, port: Port, pathway: int) -> Landing:
        """T10: return where a port leads once a pathway is chosen (-1: none is offered, the move itself decides)."""
        ahead = pathway < 0 or self.pathway[port.step] == pathway
        if port.stays is not None and ahead:
            return Landing(((SURE, port.stays),), ())
        return self.enter(port.step if ahead else self.entry[pathway], port.profile, port.memory)

    # Leaving.

    def flows(self, state: State) -> Iterator[Flow]:
        """Yield every way out of a state, changes that do not end the stay included."""
        here, begun = self.context(state.step, state.profile), self.begun(state)
        for hazard, amount in self._rates(here, state.memory):
            flow = self._struck(state, hazard, amount)
            if flow is not None:
                yield flow
        yield from self._clocks(state, begun)
        if not self.law(state).is_endless:
            routes = (begun.routes[state.route],) if state.route >= 0 else here.routes
            for route in routes:
                amount = (SURE,) if state.route >= 0 else (route.quantity,)
                if self._is_positive(amount):
                    yield self._moved(state, amount, True, route.to, route.profile, route.mark)

    def _is_positive(self, amount: Factors) -> bool:
        return all(self._positive[place] for place in amount)

    def _rates(self, context: Context, memory: int) -> Iterator[tuple[Hazard, Factors]]:
        """T6: each rated row at work, times the factors of its hazard at work."""
        for row in context.rated:
            if row.needs & ~memory == 0:
                factors = (
                    each.quantity for each in context.factors if each.hazard == row.hazard and each.needs & ~memory == 0
                )
                amount = (row.quantity, *factors)
                if self._is_positive(amount):
                    yield row, amount

    def _struck(self, state: State, hazard: Hazard, amount: Factors) -> Flow | None:
        if hazard.to >= 0:
            return self._moved(state, amount, False, hazard.to, hazard.profile, hazard.mark)
        profile = hazard.profile if hazard.profile >= 0 else state.profile
        memory = state.memory | hazard.mark
        if profile == state.profile and memory == state.memory:
            return None  # recorded only
        return self._changed(state, amount, profile, memory)

    def _changed(self, state: State, amount: Factors, profile: int, memory: int) -> Flow:
        """The stay runs on with another profile or other memories; at an anchor a new profile re-orients."""
        after = state._replace(profile=profile, memory=memory)
        if profile != state.profile and self.anchor[state.step]:
            return Flow(amount, False, Port(state.step, profile, memory, after), None)
        return Flow(amount, False, None, Landing(((SURE, after),), ()))

    def _moved(self, state: State, amount: Factors, at_end: bool, to: int, profile: int, mark: int) -> Flow:
        profile = profile if profile >= 0 else state.profile
        memory = state.memory | mark
        if self.anchor[to]:
            return Flow(amount, at_end, Port(to, profile, memory, None), None)
        return Flow(amount, at_end, None, self.enter(to, profile, memory))

    def _clocks(self, state: State, begun: Context) -> Iterator[Flow]:
        """Marks that end, onsets that come, absences longer than a service is kept: exponential, of the same mean."""
        for mark, bit in self._memories.mark_bit.items():
            clock = self.quantities.mark_place[mark]
            if state.memory & bit and self._positive[clock]:
                yield self._changed(state, (clock,), state.profile, state.memory & ~bit)
        asked = {service.slot: service for service in begun.services}
        for slot, bit in self._memories.slot_bit.items():
            if slot in asked and not state.memory & bit:
                yield self._changed(state, (asked[slot].onset_clock,), state.profile, state.memory | bit)
            if slot not in asked and state.memory & bit:
                yield self._changed(state, (self.quantities.keeps + slot,), state.profile, state.memory & ~bit)
