"""Runs of both engines side by side, for tests: what they did and where they ended must be the same."""

import numpy as np

from instances.instance import Instance
from simulation.compilation import compile_component, compile_plan
from simulation.components import components
from simulation.configuration import Configuration, todays_configuration
from simulation.engines import compiled_engine, simpy_engine
from simulation.flat_model import FlatModel, FlatPlan
from simulation.records import Event, EventArray
from simulation.start import at_time_zero, before_warm_up
from simulation.state import State

SEED = 7
_MANY = 10_000  # patients; of so many the stays may not be drawn ahead
STATE_TABLES = ("patients", "slots", "clocks")
STATE_ARRAYS = ("marks", "visits", "turnover_time", "turnover_pool", "turnover_units", "waiting")


def run_both(
    model: FlatModel,
    plan: FlatPlan,
    state: State,
    *,
    replication: int,
    until: float,
    rollout: float | None,
    seed: int = SEED,
) -> tuple[EventArray, State]:
    """Run both engines from a state, assert that they agree to the last bit, return what they did.

    The compiled engine runs twice: stays drawn as they come, and drawn ahead.
    """
    keys = {"seed": seed, "replication": replication, "until": until, "rollout": rollout}
    fast, fast_end = compiled_engine.run(model, plan, state, **keys)
    slow, slow_end = simpy_engine.run(model, plan, state, **keys)
    drawn = compiled_engine.with_stays_ahead(model, state, seed=seed, replication=replication)
    assert drawn.ahead is not None or len(state.patients) > _MANY
    again, _ = compiled_engine.run(model, plan, drawn, **keys)
    assert_same_events(fast, slow)
    assert_same_events(again, fast)
    assert_same_state(fast_end, slow_end)
    return fast, fast_end


def assert_same_events(one: EventArray, other: EventArray) -> None:
    """Assert that two logs are identical; say where they part."""
    shared = min(len(one), len(other))
    parting = np.flatnonzero(one[:shared] != other[:shared])
    first = int(parting[0]) if len(parting) else shared
    assert first == len(one) == len(other), f"event {first}: {_shown(one, first)} is not {_shown(other, first)}"


def _shown(log: EventArray, number: int) -> str:
    return " | ".join(f"{Event(int(row['kind'])).name} {row}" for row in log[max(0, number - 2) : number + 1])


def assert_same_state(one: State, other: State) -> None:
    """Assert that two states are identical, field by field (what pads the records has no meaning)."""
    assert one.time == other.time
    for table in STATE_TABLES:
        for name in getattr(one, table).dtype.names:
            _assert_equal(f"{table}.{name}", getattr(one, table)[name], getattr(other, table)[name])
    for name in STATE_ARRAYS:
        _assert_equal(name, getattr(one, name), getattr(other, name))


def _assert_equal(name: str, one: np.ndarray, other: np.ndarray) -> None:
    exact = one.dtype.kind in "iu"
    assert one.shape == other.shape, f"{name}: {one.shape} is not {other.shape}"
    assert np.array_equal(one, other, equal_nan=not exact), f"{name}: {one} is not {other}"


def run_instance(
    instance: Instance, configuration: Configuration, replication: int, seed: int = SEED
) -> list[tuple[EventArray, State]]:
    """Warm every component up and run it under a configuration, both engines agreeing all the way."""
    return [
        run_both(
            model,
            compile_plan(instance, component, configuration, todays_configuration(instance)),
            state,
            replication=replication,
            until=np.inf if model.drain else model.run,
            rollout=model.rollout,
            seed=seed,
        )
        for component, model, state in states_at_time_zero(instance, replication, seed)
    ]


def states_at_time_zero(instance: Instance, replication: int, seed: int = SEED) -> list[tuple]:
    """Return (component, model, state at time 0) of every component, the engines agreeing on the warm-up."""
    today = todays_configuration(instance)
    result = []
    for component in components(instance):
        model = compile_component(instance, component)
        state = before_warm_up(instance, component, model, seed=seed, replication=replication)
        if model.warm_up > 0.0:
            plan = compile_plan(instance, component, today, today)
            _, warm = run_both(model, plan, state, replication=replication, until=0.0, rollout=None, seed=seed)
            state = at_time_zero(instance, component, model, warm, seed=seed, replication=replication)
        result.append((component, model, state))
    return result
