"""What is due happens, then what follows at once, until the end (T1, T2, T11)."""

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

import numpy as np

from simulation.engines.simpy_engine.calendar import UNSET, Alarm
from simulation.engines.simpy_engine.cast import NO_POOL, Patient, Pool
from simulation.engines.simpy_engine.clocks import asks_at_once, reschedule
from simulation.engines.simpy_engine.codes import (
    ARRIVAL,
    ARRIVED,
    CAPACITY,
    CAPACITY_CHANGE,
    HAZARD,
    HELD,
    MARK_ENDS,
    NEVER,
    NONE,
    ONSET,
    PATIENCE,
    RELEASE,
    REORIENT,
    REORIENTED,
    REQUEST,
    SERVICE_ACTS,
    STAYING,
    WAITING,
)
from simulation.engines.simpy_engine.contexts import Context
from simulation.engines.simpy_engine.gates import release_gate
from simulation.engines.simpy_engine.hazards import refresh, set_mark
from simulation.engines.simpy_engine.lines import expect_ready, soil, units_ready
from simulation.engines.simpy_engine.passages import (
    PATIENCE_RAN_OUT,
    depart,
    hazard_strikes,
    requests,
    serve_all,
    stay_ends,
    wait_breaks,
)
from simulation.engines.simpy_engine.people import People
from simulation.engines.simpy_engine.plain import ask_plainly
from simulation.engines.simpy_engine.services import end_service, let_act
from simulation.engines.simpy_engine.world import World, record, record_capacity
from simulation.flat_model import FlatModel, FlatPlan
from simulation.records import EVENT, EventArray
from simulation.state import State
from simulation.streams import purpose

_ROLLOUT = purpose("rollout")


def run(
    model: FlatModel, plan: FlatPlan, state: State, *, seed: int, replication: int, until: float, rollout: float | None
) -> tuple[EventArray, State]:
    """Run one component from a state until a time; same contract as the compiled engine's `run`."""
    with _collector_resting():
        return _run(World(model, plan, state, seed, replication), model, plan, state, until, rollout)


def _run(
    w: World, model: FlatModel, plan: FlatPlan, state: State, until: float, rollout: float | None
) -> tuple[EventArray, State]:
    people = People(w, model, state)
    people.enter_present()
    _expect_changes(w, plan)
    if rollout is not None:
        _plan_reorientations(w, state.time, rollout)
    _expect_patients(w)
    _expect_arrivals(w, people)
    _expect_units(w, len(state.patients))
    w.calendar.run_before(until)
    w.close()
    return np.frombuffer(w.log, dtype=EVENT), people.state_at(until)


@contextmanager
def _collector_resting() -> Iterator[None]:
    """Spare Python's collector of cycles, which would walk over everyone who lives again and again."""
    was_at_work = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_at_work:
            gc.enable()


# What is on the calendar at first.


def _expect_changes(w: World, plan: FlatPlan) -> None:
    """The plan's changes of capacity, numbered in their order."""
    changes = zip(plan.change_time.tolist(), plan.change_pool.tolist(), plan.change_capacity.tolist(), strict=True)
    for number, (time, pool, units) in enumerate(changes):
        alarm = Alarm(w.calendar, number, [partial(_capacity_changes, w, w.pools[pool], units)])
        w.calendar.set(alarm, time, CAPACITY_CHANGE)


def _plan_reorientations(w: World, start: float, rollout: float) -> None:
    """T11: whoever stands in an anchor step and is sent elsewhere by the new mix gets a keyed time for it."""
    draws = w.orientation.draws(_ROLLOUT).tolist()
    for patient in w.patients.values():
        if patient.here.is_anchor:
            pathway = w.orientation.of(patient.number, patient.profile)
            if pathway >= 0 and not _is_on(patient, pathway):
                patient.reorient_time = start + draws[patient.number] * rollout
                patient.look_at_other_clocks()


def _expect_patients(w: World) -> None:
    """What comes next to those present."""

    def is_due(patient: Patient) -> None:
        time, kind = patient.time, patient.kind
        patient.kind = UNSET
        if kind == RELEASE and patient.leaves_plainly:
            _stay_ends_plainly(w, patient, time)
        else:
            _HAPPENS[kind](w, patient, time)
            _go_on(w, patient, time)

    w.common.callbacks.append(is_due)
    for patient in w.patients.values():
        reschedule(w, patient)


def _expect_arrivals(w: World, people: People) -> None:
    """T2: those to come, one after another: each arrival sets the alarm of the next."""
    to_come = iter(people.to_come())

    def arrives(alarm: Alarm) -> None:
        time, patient, alarm.kind = alarm.time, people.arriving(alarm.number), UNSET
        expect_next(alarm)
        _arrives(w, patient, time)

    def expect_next(alarm: Alarm) -> None:
        for time, number in to_come:
            alarm.number = number
            w.calendar.set(alarm, time, ARRIVAL)
            return

    expect_next(Alarm(w.calendar, 0, [arrives]))


def _expect_units(w: World, first: int) -> None:
    """Units being made ready; first: number of the first pool's alarm."""

    def are_ready(alarm: Alarm) -> None:
        time, alarm.kind = alarm.time, UNSET
        units_ready(w, w.pools[alarm.number - first])
        serve_all(w, time)

    w.pool_is_due.append(are_ready)
    for pool in w.pools:
        expect_ready(w, pool)


# What happens when an alarm goes off.


def _go_on(w: World, patient: Patient, time: float) -> None:
    """Freed units are granted, then the request of the same instant is made, unless something comes before it."""
    if w.dirty:
        serve_all(w, time)
    while asks_at_once(w, patient, time):
        requests(w, patient, time)
        if w.dirty:
            serve_all(w, time)
    reschedule(w, patient)


def _stay_ends_plainly(w: World, patient: Patient, time: float) -> None:
    """T5, where nothing but a request can follow (see `plain`)."""
    draw = patient.routing
    for route in patient.here.routes:
        if draw < route.cumulative:
            break
    there = patient.contexts[route.to]
    if patient.gate is not NO_POOL:
        release_gate(w, patient, time)
        if w.dirty:
            serve_all(w, time)
    queue = w.queue
    if queue and queue[0][0] <= time and w.calendar.has_before(time, REQUEST, patient.number):
        _ask_later(w, patient, time, there)
    else:
        ask_plainly(w, patient, time, there)


def _ask_later(w: World, patient: Patient, time: float, there: Context) -> None:
    """Something else of the same instant comes before the request."""
    depart(w, patient, time, there)
    patient.settled = time
    reschedule(w, patient)


def _capacity_changes(w: World, pool: Pool, units: int, alarm: Alarm) -> None:
    """A pool's capacity becomes what the plan says."""
    pool.capacity = units
    record_capacity(w, alarm.time, pool, CAPACITY)
    soil(w, pool)
    serve_all(w, alarm.time)


def _arrives(w: World, patient: Patient, time: float) -> None:
    """T3: who arrives is oriented to a pathway, and asks for its first step."""
    pathway = patient.pathway = w.orientation.of(patient.number, patient.profile)
    patient.settled = time
    there = patient.contexts[w.entry[pathway]]
    record(w, time, patient, ARRIVED, NO_POOL, 0, pathway)
    if w.calendar.has_before(time, REQUEST, patient.number):
        _ask_later(w, patient, time, there)
    elif there.is_plain:
        ask_plainly(w, patient, time, there)
    else:
        depart(w, patient, time, there)
        _go_on(w, patient, time)


def _reorients(w: World, patient: Patient, time: float) -> None:
    """T10, T11: who stands in an anchor step takes the pathway that the mix of the profile gives."""
    patient.reorient_time = NEVER
    patient.look_at_other_clocks()
    if patient.status in (STAYING, WAITING) and patient.here.is_anchor:
        pathway = w.orientation.of(patient.number, patient.profile)
        if pathway >= 0 and not _is_on(patient, pathway):
            record(w, time, patient, REORIENTED, detail=pathway)
            depart(w, patient, time, patient.contexts[w.entry[pathway]])
            refresh(w, patient, time)


def _is_on(patient: Patient, pathway: int) -> bool:
    """Whether a patient is on a pathway already: lives on it, or waits for a step of it."""
    return patient.pathway == pathway or (patient.status == WAITING and patient.there.pathway == pathway)


def _onset(w: World, patient: Patient, time: float) -> None:
    """The first service whose onset, or the first mark whose end, has come."""
    for slot in patient.slots:
        if slot.state == HELD and slot.onset_time <= time:
            slot.onset_time = NEVER
            let_act(patient, slot)
            record(w, time, patient, SERVICE_ACTS, slot.pool, slot.units)
            break
    else:
        mark = next(mark for mark, end in enumerate(patient.marks) if -NEVER < end <= time)
        set_mark(w, patient, mark, -NEVER)
        record(w, time, patient, MARK_ENDS, detail=mark)
    patient.look_at_other_clocks()
    refresh(w, patient, time)


def _patience_ends(w: World, patient: Patient, time: float) -> None:
    """A wait longer than patience (T8), or an absence longer than a service is kept (T7)."""
    if patient.status == WAITING and patient.patience_end <= time:
        wait_breaks(w, patient, time, PATIENCE_RAN_OUT)
        return
    slot = next(slot for slot in patient.slots if slot.state != NONE and slot.keep_end <= time)
    end_service(w, patient, time, slot)
    patient.look_at_other_clocks()
    refresh(w, patient, time)


_HAPPENS: dict[int, Callable[[World, Patient, float], None]] = {
    RELEASE: stay_ends,
    HAZARD: hazard_strikes,
    ONSET: _onset,
    PATIENCE: _patience_ends,
    REORIENT: _reorients,
    REQUEST: requests,
}
