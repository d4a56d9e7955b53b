"""What must hold in every run, on random small instances: conservation, capacity, order, Little's law, luck."""

import math
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from instances.instance import Instance
from simulation.compilation import compile_component, compile_plan
from simulation.components import components
from simulation.configuration import Configuration, offer_cells, todays_configuration
from simulation.engines import compiled_engine
from simulation.flat_model import FlatModel, FlatPlan
from simulation.records import Event, EventArray
from simulation.start import opening_events
from simulation.state import State, Status
from simulation.twin import Twin
from tests.simulation.engine_runs import assert_same_events, assert_same_state, run_both, states_at_time_zero
from tests.simulation.log_replay import population, present_by_step, replay_holdings, sojourns, units_in_use
from tests.simulation.random_instances import configurations, instances

CALM = settings(
    deadline=None,
    derandomize=True,
    database=None,
    max_examples=25,
    suppress_health_check=list(HealthCheck),
    phases=(Phase.generate,),
)


@dataclass(frozen=True)
class Run:
    """One component's run from time 0, as the compiled engine gives it."""

    model: FlatModel
    plan: FlatPlan
    start: State
    opening: int
    log: EventArray
    end: State
    until: float


def starts(instance: Instance) -> list[tuple]:
    return states_at_time_zero(instance, 0)


def runs_of(instance: Instance, configuration: Configuration, *, rollout: bool = True) -> list[Run]:
    today = todays_configuration(instance)
    result = []
    for component, model, state in starts(instance):
        plan = compile_plan(instance, component, configuration, today)
        events, end = compiled_engine.run(
            model,
            plan,
            state,
            seed=7,
            replication=0,
            until=np.inf if model.drain else model.run,
            rollout=model.rollout if rollout else None,
        )
        opening = opening_events(model, state, plan.capacity)
        log = np.concatenate([opening, events])
        until = float(log["time"][-1]) if model.drain else model.run
        result.append(Run(model, plan, state, len(opening), log, end, until))
    return result


def drawn_runs(data: st.DataObject) -> list[Run]:
    instance = data.draw(instances())
    return runs_of(instance, data.draw(configurations(instance)))


@given(st.data())
@CALM
def test_patients_are_conserved(data):
    for run in drawn_runs(data):
        rows = run.end.patients
        origin = list(zip(rows["zone"].tolist(), rows["first_profile"].tolist(), strict=True))
        came, went = Counter(), Counter()
        for patient, kind in run.log[["patient", "kind"]].tolist():
            if kind in (Event.PRESENT, Event.ARRIVE):
                came[origin[patient]] += 1
            elif kind in (Event.EXIT, Event.LEAVE):
                went[origin[patient]] += 1
        present = (rows["status"] != Status.TO_COME) & (rows["status"] != Status.GONE)
        there = Counter(place for place, still in zip(origin, present.tolist(), strict=True) if still)
        assert came == went + there


@given(st.data())
@CALM
def test_nothing_is_granted_beyond_the_capacity_and_the_log_accounts_for_every_unit(data):
    for run in drawn_runs(data):
        held = replay_holdings(run.model, run.start, run.log, run.opening, run.end.time)
        assert held.overfull == []
        assert {pool: held.in_use[pool] for pool in range(len(run.model.pool_resource))} == units_in_use(
            run.model, run.end
        )


@given(st.data())
@CALM
def test_nobody_waits_for_units_that_are_free(data):
    for run in drawn_runs(data):
        capacity = dict(enumerate(run.plan.capacity.tolist()))
        changes = zip(run.plan.change_time, run.plan.change_pool, run.plan.change_capacity, strict=True)
        capacity |= {int(pool): int(units) for time, pool, units in changes if time < run.end.time}
        used = units_in_use(run.model, run.end)
        slots = run.end.slots.shape[1]
        heads: dict[int, int] = {}
        for pool, _, entry in run.end.waiting.tolist():
            heads.setdefault(pool, entry)
        for pool, entry in heads.items():
            patient, slot = divmod(entry, slots + 1)
            gate = slot == slots
            wanted = run.end.patients["asked_units"][patient] if gate else run.end.slots["units"][patient, slot]
            assert used[pool] + wanted > capacity[pool]


@given(st.data())
@CALM
def test_events_are_in_order(data):
    """Time never goes back; at equal times kinds that cannot follow from one another stand in the order of T1."""
    first_of_kind = {
        Event.CAPACITY: 1,
        Event.HAZARD: 2,
        Event.ONSET: 3,
        Event.MARK_END: 3,
        Event.BREAK: 4,  # of patience; a full line breaks at the request
        Event.ARRIVE: 7,
    }
    for run in drawn_runs(data):
        events = run.log[run.opening :]
        assert np.all(np.diff(events["time"]) >= 0.0)
        last = (-math.inf, 0)
        for time, kind, units in events[["time", "kind", "units"]].tolist():
            if kind in first_of_kind and not (kind == Event.BREAK and units == 1):
                assert (time, first_of_kind[kind]) >= last
                last = time, first_of_kind[kind]


@given(st.data())
@CALM
def test_littles_law_holds_on_every_path(data):
    """The integral of the number in a step is the sum of the times spent there, cut at the horizon."""
    for run in drawn_runs(data):
        spent = sojourns(run.log, run.until)
        by_pathway: dict[int, list[float]] = {}
        there = present_by_step(run.end)
        for step in range(len(run.model.step_codes)):
            times, number = population(run.log, step)
            ends = np.append(times[1:], run.until)
            integral = math.fsum((number * (ends - times)).tolist())
            total = math.fsum(end - beginning for beginning, end in spent.get(step, []))
            assert integral == pytest.approx(total, rel=1e-12, abs=1e-9)
            assert np.all(number >= 0)
            assert (number[-1] if len(number) else 0) == there.get(step, 0)
            by_pathway.setdefault(int(run.model.step_pathway[step]), []).append(integral - total)
        assert all(abs(math.fsum(parts)) < 1e-9 for parts in by_pathway.values())


@given(st.data())
@CALM
def test_run_from_a_saved_state_is_the_uninterrupted_run(data):
    """Interrupted at a quarter day, where many things happen at once."""
    instance = data.draw(instances())
    configuration = data.draw(configurations(instance))
    moment = data.draw(st.integers(1, 79)) / 4
    today = todays_configuration(instance)
    for component, model, state in starts(instance):
        plan = compile_plan(instance, component, configuration, today)
        whole, end = run_both(model, plan, state, replication=0, until=model.run, rollout=model.rollout)
        first, between = run_both(model, plan, state, replication=0, until=moment, rollout=model.rollout)
        second, last = run_both(model, plan_from(plan, moment), between, replication=0, until=model.run, rollout=None)
        assert_same_events(whole, np.concatenate([first, second]))
        assert_same_state(end, last)


def plan_from(plan: FlatPlan, moment: float) -> FlatPlan:
    """Return what is left of a plan: changes before the moment are made, those at it are still to come."""
    capacity = plan.capacity.copy()
    made = plan.change_time < moment
    for pool, units in zip(plan.change_pool[made], plan.change_capacity[made], strict=True):
        capacity[pool] = units
    return replace(
        plan,
        capacity=capacity,
        change_time=plan.change_time[~made],
        change_pool=plan.change_pool[~made],
        change_capacity=plan.change_capacity[~made],
    )


@given(st.data())
@CALM
def test_running_leaves_the_given_state_as_it_was(data):
    for run in drawn_runs(data):
        before = run.start.copy()
        run_both(run.model, run.plan, run.start, replication=0, until=5.0, rollout=1.0)
        assert_same_state(run.start, before)


@given(st.data())
@CALM
def test_unchanged_configuration_moves_nobody_at_rollout(data):
    instance = data.draw(instances())
    today = todays_configuration(instance)
    for with_rollout, without in zip(runs_of(instance, today), runs_of(instance, today, rollout=False), strict=True):
        assert_same_events(with_rollout.log, without.log)


@given(st.data())
@CALM
def test_every_configuration_meets_the_same_arrivals(data):
    instance = data.draw(instances())
    one, other = data.draw(configurations(instance)), todays_configuration(instance)
    for with_one, with_other in zip(runs_of(instance, one), runs_of(instance, other), strict=True):
        assert np.array_equal(arrivals_in(with_one), arrivals_in(with_other))


def arrivals_in(run: Run) -> np.ndarray:
    return run.log[["time", "patient"]][(run.log["kind"] == Event.ARRIVE) & (run.log["time"] < run.model.run)]


@given(st.data())
@CALM
def test_what_changes_in_one_zone_leaves_separate_zones_alone(data):
    instance = data.draw(instances(separate=True))
    today = todays_configuration(instance)
    zone = instance.territories[0].zone
    changed = Configuration(
        shares=today.shares,
        capacities=tuple(row.current + (3 if row.zone == zone else 0) for row in instance.capacities),
        contract=today.contract,
    )
    before, after = runs_of(instance, today), runs_of(instance, changed)
    assert len(before) == len(instance.territories) > 1
    for one, other in zip(before[1:], after[1:], strict=True):
        assert_same_events(one.log, other.log)
        assert_same_state(one.end, other.end)


@given(st.data())
@CALM
def test_a_separate_zone_alone_is_as_in_the_whole(data):
    instance = data.draw(instances(separate=True))
    configuration = todays_configuration(instance)
    whole = runs_of(instance, configuration)
    for number, territory in enumerate(instance.territories):
        part = alone(instance, territory.zone)
        (run,) = runs_of(part, todays_configuration(part))
        assert len(offer_cells(part)) * len(instance.territories) == len(offer_cells(instance))
        assert_same_events(run.log, whole[number].log)


def alone(instance: Instance, zone: str) -> Instance:
    """Return the instance with one territory only."""
    return replace(
        instance,
        zones=tuple(row for row in instance.zones if row.level != "territory" or row.zone == zone),
        travel=(),
        capacities=tuple(row for row in instance.capacities if row.zone == zone),
        needs=tuple(row for row in instance.needs if row.zone == zone),
        offers=tuple(row for row in instance.offers if row.zone in ("", zone)),
    )


@given(st.data())
@settings(CALM, max_examples=8)
def test_many_workers_give_what_one_gives(data):
    instance = data.draw(instances())
    plans = (todays_configuration(instance), data.draw(configurations(instance)))
    starts(instance)  # leaves out a census of people whom the warm-up does not have
    tasks = [
        (plan, component, replication)
        for plan in plans
        for component in range(len(components(instance)))
        for replication in (0, 0)
    ]
    alone_twin, shared_twin = Twin(instance, seed=7), Twin(instance, seed=7)
    one_by_one = [alone_twin.run(*task) for task in tasks]
    with ThreadPoolExecutor(4) as workers:
        together = list(workers.map(lambda task: shared_twin.run(*task), tasks))
    for one, other in zip(one_by_one, together, strict=True):
        assert_same_events(one.events, other.events)
        assert_same_state(one.end, other.end)


@given(instances())
@settings(CALM, max_examples=8)
def test_compiling_twice_gives_the_same_model(instance):
    for component in components(instance):
        one, other = compile_component(instance, component), compile_component(instance, component)
        assert one.contexts.tobytes() == other.contexts.tobytes()
        assert one.name_purpose.tolist() == other.name_purpose.tolist()
