"""The front door of the twin: instance, configuration and replication in, what happened and its account out."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal, Protocol

import numpy as np

from instances.instance import Instance
from simulation.compilation import Compiler, compile_plan
from simulation.components import Component, components
from simulation.configuration import Configuration, content_key, todays_configuration
from simulation.flat_model import FlatModel, FlatPlan
from simulation.knowledge import Knowledge, known
from simulation.ledgers.account import Account, Bookkeeper
from simulation.ledgers.chart import Chart
from simulation.ledgers.horizon import Remaining, fluid_valuation
from simulation.ledgers.parts import spread, together
from simulation.offer_in_force import OfferInForce, todays_offer
from simulation.records import EventArray, People, joined
from simulation.remembered import Remembered
from simulation.start import at_time_zero, before_warm_up, opening_events
from simulation.state import State, people

EngineName = Literal["compiled", "simpy"]
STATE_MEMORY = 400_000_000
"""Bytes of states at time 0 remembered: three replications of the Loire (120 MB each, 11 territories), or 40 of 100
territories in one replication (9 MB each). What is asked for again beyond that is warmed up again, to the same bits."""
PREMISES_MEMORY = 100_000_000
"""Bytes of models and books of parameter draws remembered, at `_TERRITORY_BYTES` a territory: 30 draws of the Loire,
all those its front is confirmed on; 3 draws of 100 territories, whose replications follow one another."""
_TERRITORY_BYTES = 300_000
OTHER_BOOKS = 16
"""Books of other offers than today's remembered: one a draw, as runs from one saved state share their offer."""


class Engine(Protocol):
    """Runs one component from a state until a time."""

    def __call__(
        self,
        model: FlatModel,
        plan: FlatPlan,
        state: State,
        *,
        seed: int,
        replication: int,
        until: float,
        rollout: float | None,
    ) -> tuple[EventArray, State]:
        """Return what happened and the state at the end."""


def engine(name: EngineName) -> Engine:
    """Return an engine by name; only the one asked for is loaded."""
    if name == "simpy":
        from simulation.engines import simpy_engine

        return simpy_engine.run
    from simulation.engines import compiled_engine

    return compiled_engine.run


class Origin(Protocol):
    """What runs start from instead of a warm-up: saved states, a census.

    `instance` is the one that the replication carries.
    """

    @property
    def offer(self) -> OfferInForce:
        """The offer in force when runs start."""

    @property
    def is_drawn(self) -> bool:
        """Say whether what runs start from came about under drawn parameters."""

    def plan(self, instance: Instance, component: Component, configuration: Configuration) -> FlatPlan:
        """Compile a configuration that takes over from the offer in force."""

    def rollout(self, configuration: Configuration) -> float | None:
        """Return how long those in an anchor step take to follow the mix; None: the mix goes on as it was."""

    def state(self, instance: Instance, component: Component, model: FlatModel, replication: int) -> State:
        """Return the state from which a run starts."""


@dataclass(frozen=True)
class _Beginning:
    """The state from which runs of one component in one replication start, and the records that open every log."""

    state: State
    opening: EventArray

    @property
    def nbytes(self) -> int:
        """Memory taken, in bytes."""
        return int(self.state.nbytes + self.opening.nbytes)


@dataclass(frozen=True)
class _Premises:
    """The instance of one parameter draw, with what is made of it on first use."""

    instance: Instance
    parts: tuple[Component, ...]

    @property
    def nbytes(self) -> int:
        """Memory taken once models and books are made, in bytes, as measured on 11 to 30 territories."""
        return _TERRITORY_BYTES * sum(len(part.territories) for part in self.parts)

    @cached_property
    def models(self) -> tuple[FlatModel, ...]:
        """The flat model of each component."""
        compiler = Compiler(self.instance)
        return tuple(compiler.component(part) for part in self.parts)

    @cached_property
    def bookkeepers(self) -> tuple[Bookkeeper, ...]:
        """Who keeps the books of each component at these prices, costs and utilities."""
        return _bookkeepers(self.instance, self.parts, self.models[0])


@dataclass(frozen=True)
class Inputs:
    """All that an engine is given for the run of one component in one replication."""

    model: FlatModel
    plan: FlatPlan
    state: State
    opening: EventArray
    rollout: float | None

    @property
    def until(self) -> float:
        """When the run ends."""
        return np.inf if self.model.drain else self.state.time + self.model.run


@dataclass(frozen=True)
class RunResult:
    """What one component did in one replication; the log opens with who is present at time 0."""

    component: Component
    replication: int
    model: FlatModel
    people: People
    events: EventArray
    end: State


class Twin:
    """The twin of one instance under one seed; safe to share between threads.

    Given what is known of an instance, replication r carries its parameter draw r (T13): engines and ledgers work
    on that instance; configurations, offers in force and components are the same in all. Given an instance alone,
    all replications carry it. A replication of a component is warmed up once under today's configuration; the
    state at time 0 is shared by all configurations (T11). With an `origin` runs start from its states instead, and
    last as long: their logs have its times, their accounts count from its time on.
    """

    def __init__(
        self,
        instance: Instance | Knowledge,
        *,
        seed: int,
        engine_name: EngineName = "compiled",
        origin: Origin | None = None,
        state_memory: int = STATE_MEMORY,
    ) -> None:
        self.knowledge = known(instance)
        self.instance = self.knowledge.central
        self.seed = seed
        self.components = components(self.instance)
        self.today = todays_configuration(self.instance)
        self.offer = todays_offer(self.instance) if origin is None else origin.offer
        self._origin = origin
        self._engine_name = engine_name
        self._engine = engine(engine_name)
        self._premises: Remembered[int, _Premises] = Remembered(PREMISES_MEMORY, lambda each: each.nbytes)
        self._other_books: Remembered[tuple[int, str], tuple[Bookkeeper, ...]] = Remembered(OTHER_BOOKS)
        self._beginnings: Remembered[tuple[int, int], _Beginning] = Remembered(state_memory, lambda each: each.nbytes)

    def carried(self, replication: int) -> Instance:
        """Return the instance that a replication carries."""
        return self._premises_of(replication).instance

    def model(self, component: int, replication: int = 0) -> FlatModel:
        """Return the flat model of a component in a replication."""
        return self._premises_of(replication).models[component]

    def state_at_time_zero(self, component: int, replication: int) -> State:
        """Return the state that runs start from, warming up the first time it is asked for."""
        return self._beginning(component, replication).state

    def inputs(self, configuration: Configuration, component: int, replication: int) -> Inputs:
        """Return what an engine is given for a run of a component under a configuration."""
        model, beginning = self.model(component, replication), self._beginning(component, replication)
        return Inputs(
            model=model,
            plan=self._plan(component, configuration, replication),
            state=beginning.state,
            opening=beginning.opening,
            rollout=model.rollout if self._origin is None else self._origin.rollout(configuration),
        )

    def run(self, configuration: Configuration, component: int, replication: int) -> RunResult:
        """Simulate one component under a configuration from the start (time 0) to the end of the run."""
        given = self.inputs(configuration, component, replication)
        events, end = self._advance(given, replication, given.until)
        log = joined([given.opening, events])
        who = people(given.model, given.state)
        return RunResult(self.components[component], replication, given.model, who, log, end)

    def state_at(self, configuration: Configuration, component: int, replication: int, time: float) -> State:
        """Return the state of one component at a time of its run under a configuration."""
        if time <= self.offer.time:
            return self.state_at_time_zero(component, replication)
        return self._advance(self.inputs(configuration, component, replication), replication, time)[1]

    def account(self, configuration: Configuration, component: int, replication: int) -> Account:
        """Simulate one component and return its account over the whole instance, which adds up with others."""
        own = self._books(configuration, replication)[component].chart
        return spread(self.own_account(configuration, component, replication), own, self._chart)

    @cached_property
    def _chart(self) -> Chart:
        return Chart(self.instance)

    def own_account(
        self, configuration: Configuration, component: int, replication: int, *, breaks: bool = True
    ) -> Account:
        """Simulate one component and return its account over its own territories and pools.

        breaks: whether they are counted also where no money hangs on one (`Bookkeeper.account`).
        """
        result = self.run(configuration, component, replication)
        persons, events = result.people, result.events
        if self.offer.time != 0.0:  # accounts count from the start of the run
            events["time"] -= self.offer.time
            persons = replace(
                persons,
                arrival=persons.arrival - self.offer.time,
                waiting_since=persons.waiting_since - self.offer.time,
            )
        return self._books(configuration, replication)[component].account(
            configuration, result.component.territories, persons, events, result.model.pool_global, breaks=breaks
        )

    def forget_states(self, state_memory: int) -> None:
        """Let go of states at time 0; from now on so many bytes of them are remembered. Nothing but time changes."""
        self._beginnings.forget(state_memory)

    def whole_account(self, configuration: Configuration, replication: int) -> Account:
        """Simulate every component and return the account of all."""
        accounts = [self.own_account(configuration, number, replication) for number in range(len(self.components))]
        return together(accounts, [each.chart for each in self._books(configuration, replication)], self._chart)

    def _premises_of(self, replication: int) -> _Premises:
        return self._premises.get(
            self.knowledge.draw(replication),
            lambda: _Premises(self.knowledge.instance(self.seed, replication), self.components),
        )

    def _beginning(self, component: int, replication: int) -> _Beginning:
        return self._beginnings.get((component, replication), lambda: self._made(component, replication))

    def _made(self, component: int, replication: int) -> _Beginning:
        state = self._first_state(component, replication)
        if self._engine_name == "compiled":
            from simulation.engines.compiled_engine import with_stays_ahead

            model = self.model(component, replication)
            state = with_stays_ahead(model, state, seed=self.seed, replication=replication)
        capacity = self._plan(component, self.offer.configuration, replication).capacity
        return _Beginning(state, opening_events(self.model(component, replication), state, capacity))

    def _first_state(self, component: int, replication: int) -> State:
        instance, part = self.carried(replication), self.components[component]
        model = self.model(component, replication)
        if self._origin is not None:
            return self._origin.state(instance, part, model, replication)
        state = before_warm_up(instance, part, model, seed=self.seed, replication=replication)
        if model.warm_up > 0.0:
            plan = compile_plan(instance, part, self.today, self.today)
            _, state = self._engine(
                model, plan, state, seed=self.seed, replication=replication, until=0.0, rollout=None
            )
        return at_time_zero(instance, part, model, state, seed=self.seed, replication=replication)

    def _advance(self, given: Inputs, replication: int, until: float) -> tuple[EventArray, State]:
        return self._engine(
            given.model,
            given.plan,
            given.state,
            seed=self.seed,
            replication=replication,
            until=until,
            rollout=given.rollout,
        )

    def _plan(self, component: int, configuration: Configuration, replication: int) -> FlatPlan:
        instance, part = self.carried(replication), self.components[component]
        if self._origin is None:
            return compile_plan(instance, part, configuration, self.today)
        return self._origin.plan(instance, part, configuration)

    def _books(self, configuration: Configuration, replication: int) -> tuple[Bookkeeper, ...]:
        """Return who keeps the books of each component."""
        premises = self._premises_of(replication)
        accounted = self.offer.accounted(premises.instance, configuration)
        if accounted is premises.instance:
            return premises.bookkeepers
        key = (self.knowledge.draw(replication), content_key(configuration))
        return self._other_books.get(key, lambda: _bookkeepers(accounted, self.components))


def _bookkeepers(
    instance: Instance, parts: Sequence[Component], model: FlatModel | None = None
) -> tuple[Bookkeeper, ...]:
    """Return the bookkeeper of each component; `model`: a flat model of the instance."""
    worth = _Worth(instance, model)
    return tuple(Bookkeeper.of(instance, worth, part.territories) for part in parts)


@dataclass(frozen=True)
class _Worth:
    """What those alive at the horizon have before them in a whole instance: worked out once for all components."""

    instance: Instance
    model: FlatModel | None

    def __call__(self, _: Instance) -> Remaining:
        """Return it, worked out when first asked for: where everyone finishes nobody asks."""
        return self._remaining

    @cached_property
    def _remaining(self) -> Remaining:
        return fluid_valuation(self.instance, self.model)
