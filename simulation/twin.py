"""The front door of the twin: instance, configuration and replication in, what happened and its account out."""

import threading
from collections import OrderedDict
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal, Protocol

import numpy as np

from instances.instance import Instance
from simulation.compilation import compile_component, compile_plan
from simulation.components import Component, components
from simulation.configuration import Configuration, todays_configuration
from simulation.flat_model import FlatModel, FlatPlan
from simulation.ledgers.account import Account, Bookkeeper, total
from simulation.offer_in_force import OfferInForce, todays_offer
from simulation.records import EventArray, People, joined
from simulation.start import at_time_zero, before_warm_up, opening_events
from simulation.state import State, people

EngineName = Literal["compiled", "simpy"]
STATE_MEMORY = 1_000_000_000  # bytes of states at time 0 remembered at most


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
    """What runs start from instead of a warm-up: saved states, a census."""

    @property
    def offer(self) -> OfferInForce:
        """The offer in force when runs start."""

    def plan(self, component: Component, configuration: Configuration) -> FlatPlan:
        """Compile a configuration that takes over from the offer in force."""

    def rollout(self, configuration: Configuration) -> float | None:
        """Return how long those in an anchor step take to follow the mix; None: the mix goes on as it was."""

    def state(self, component: Component, model: FlatModel, replication: int) -> State:
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

    A replication of a component is warmed up once under today's configuration; the state at time 0 is
    shared by all configurations (T11). With an `origin` runs start from its states instead, and last as
    long: their logs have its times, their accounts count from its time on.
    """

    def __init__(
        self, instance: Instance, *, seed: int, engine_name: EngineName = "compiled", origin: Origin | None = None
    ) -> None:
        self.instance = instance
        self.seed = seed
        self.components = components(instance)
        self.today = todays_configuration(instance)
        self.offer = todays_offer(instance) if origin is None else origin.offer
        self._origin = origin
        self._engine = engine(engine_name)
        self._models = tuple(compile_component(instance, component) for component in self.components)
        self._states: OrderedDict[tuple[int, int], _Beginning] = OrderedDict()
        self._remembered = 0  # bytes
        self._lock = threading.Lock()
        self._making: dict[tuple[int, int], threading.Lock] = {}

    @cached_property
    def _bookkeeper(self) -> Bookkeeper:
        return Bookkeeper.of(self.instance)

    def _books(self, configuration: Configuration) -> Bookkeeper:
        accounted = self.offer.accounted(self.instance, configuration)
        return self._bookkeeper if accounted is self.instance else Bookkeeper.of(accounted)

    def model(self, component: int) -> FlatModel:
        """Return the flat model of a component."""
        return self._models[component]

    def state_at_time_zero(self, component: int, replication: int) -> State:
        """Return the state that runs start from, warming up the first time it is asked for."""
        return self._beginning(component, replication).state

    def _beginning(self, component: int, replication: int) -> _Beginning:
        key = (component, replication)
        with self._lock:
            making = self._making.setdefault(key, threading.Lock())
        with making:
            with self._lock:
                if key in self._states:
                    self._states.move_to_end(key)
                    return self._states[key]
            model, state = self._models[component], self._first_state(component, replication)
            capacity = self._plan(component, self.offer.configuration).capacity
            beginning = _Beginning(state, opening_events(model, state, capacity))
            with self._lock:
                self._remember(key, beginning)
            return beginning

    def run(self, configuration: Configuration, component: int, replication: int) -> RunResult:
        """Simulate one component under a configuration from the start (time 0) to the end of the run."""
        model = self._models[component]
        beginning = self._beginning(component, replication)
        until = np.inf if model.drain else beginning.state.time + model.run
        events, end = self._advance(configuration, component, replication, until)
        log = joined([beginning.opening, events])
        return RunResult(self.components[component], replication, model, people(model, beginning.state), log, end)

    def state_at(self, configuration: Configuration, component: int, replication: int, time: float) -> State:
        """Return the state of one component at a time of its run under a configuration."""
        if time <= self.offer.time:
            return self.state_at_time_zero(component, replication)
        return self._advance(configuration, component, replication, time)[1]

    def _advance(
        self, configuration: Configuration, component: int, replication: int, until: float
    ) -> tuple[EventArray, State]:
        model = self._models[component]
        return self._engine(
            model,
            self._plan(component, configuration),
            self._beginning(component, replication).state,
            seed=self.seed,
            replication=replication,
            until=until,
            rollout=model.rollout if self._origin is None else self._origin.rollout(configuration),
        )

    def _plan(self, component: int, configuration: Configuration) -> FlatPlan:
        part = self.components[component]
        if self._origin is None:
            return compile_plan(self.instance, part, configuration, self.today)
        return self._origin.plan(part, configuration)

    def account(self, configuration: Configuration, component: int, replication: int) -> Account:
        """Simulate one component and return its account."""
        result = self.run(configuration, component, replication)
        persons, events = result.people, result.events
        if self.offer.time != 0.0:  # accounts count from the start of the run
            events["time"] -= self.offer.time
            persons = replace(
                persons,
                arrival=persons.arrival - self.offer.time,
                waiting_since=persons.waiting_since - self.offer.time,
            )
        return self._books(configuration).account(
            configuration, result.component.territories, persons, events, result.model.pool_global
        )

    def whole_account(self, configuration: Configuration, replication: int) -> Account:
        """Simulate every component and return the account of all."""
        return total(self.account(configuration, number, replication) for number in range(len(self.components)))

    def _first_state(self, component: int, replication: int) -> State:
        part, model = self.components[component], self._models[component]
        if self._origin is not None:
            return self._origin.state(part, model, replication)
        state = before_warm_up(self.instance, part, model, seed=self.seed, replication=replication)
        if model.warm_up > 0.0:
            _, state = self._engine(
                model,
                compile_plan(self.instance, part, self.today, self.today),
                state,
                seed=self.seed,
                replication=replication,
                until=0.0,
                rollout=None,
            )
        return at_time_zero(self.instance, part, model, state, seed=self.seed, replication=replication)

    def _remember(self, key: tuple[int, int], beginning: _Beginning) -> None:
        self._states[key] = beginning
        self._remembered += beginning.nbytes
        while len(self._states) > 1 and self._remembered > STATE_MEMORY:
            _, dropped = self._states.popitem(last=False)
            self._remembered -= dropped.nbytes
