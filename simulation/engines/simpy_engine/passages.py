"""From one step to the next: stays, requests, waits, grants (T4, T5, T8, T9)."""

import math

from simulation.engines.endless_moves import MOST_MOVES, EndlessMoves
from simulation.engines.simpy_engine.cast import NO_POOL, Patient, Pool, Slot
from simulation.engines.simpy_engine.clocks import reschedule
from simulation.engines.simpy_engine.codes import (
    BREAKS,
    BY_DESTINATION,
    ENTERS,
    EXITS,
    GONE,
    HELD,
    LEAVES,
    MOVING,
    NEVER,
    REORIENTED,
    SERVICE_ENDS,
    STAYING,
    STRUCK,
    WAITING,
    WAITS,
)
from simulation.engines.simpy_engine.contexts import NO_ROUTE, Context, RouteRow
from simulation.engines.simpy_engine.gates import give_gate_back, keeps_gate, release_gate
from simulation.engines.simpy_engine.hazards import apply_change, refresh, row_that_strikes, settle
from simulation.engines.simpy_engine.keyed_numbers import length_by
from simulation.engines.simpy_engine.lines import find_pool, give_back, leave_line, next_in_line
from simulation.engines.simpy_engine.orientation import NO_PATHWAY
from simulation.engines.simpy_engine.plain import enter_plainly
from simulation.engines.simpy_engine.services import begin_services, clear, end_service, hold
from simulation.engines.simpy_engine.world import World, record

PATIENCE_RAN_OUT, LINE_WAS_FULL = 0, 1
_NOT_DRAWN = math.nan


# A stay.


def enter(w: World, patient: Patient, time: float, pool: Pool, units: int) -> None:
    """The stay in the awaited step begins; the former step's gate and services end or are kept."""
    here, former = patient.there, patient.here
    former_gate, former_units = patient.gate, patient.gate_units
    if former_gate is not NO_POOL and former_gate.resource not in here.resources:
        release_gate(w, patient, time)
        former_gate = NO_POOL
    patient.here = here
    patient.pathway = here.pathway
    patient.gate, patient.gate_units = pool, units
    record(w, time, patient, ENTERS, pool, units, former.step)
    if here.is_exit:
        if former_gate is not NO_POOL:
            give_gate_back(w, time, patient, former_gate, former_units)
        gone(w, patient, time, EXITS)
        return
    patient.status = STAYING
    patient.leaves_plainly = False
    patient.there = w.outside
    patient.entered = time
    draw_stay(w, patient, time)
    if here.services or patient.slots:
        begin_services(w, patient, time, former_gate, former_units)
        if patient.transfer >= 0 and here.is_anchor:
            patient.request_time = time
    if patient.hazard >= 0 or not here.is_calm:
        refresh(w, patient, time)
    else:
        patient.settled = time


def draw_stay(w: World, patient: Patient, time: float) -> None:
    """T5: length and destination by keyed numbers, the n-th stay in a step of this name."""
    here = patient.here
    visits, name = patient.visits, here.name
    visit = visits[name]
    visits[name] = visit + 1
    if here.law == BY_DESTINATION:
        draw, patient.routing = w.numbers.stay_by_destination(patient, here, visit)
        patient.route = chosen_route(here, patient.routing)
        patient.stay_end = time + length_by(patient.route if patient.route.law >= 0 else here, draw)
    else:
        length, patient.routing = w.numbers.stay(patient, here, visit)
        patient.route = NO_ROUTE
        patient.stay_end = time + length


def chosen_route(here: Context, draw: float) -> RouteRow:
    """Return the route that a routing draw means."""
    for row in here.routes:
        if draw < row.cumulative:
            return row
    return here.routes[-1]


def stay_ends(w: World, patient: Patient, time: float) -> None:
    """T5: the stay has lasted its sampled time; the routing draw says where to."""
    route = patient.route
    if route is NO_ROUTE:
        route = chosen_route(patient.here, patient.routing)
    if route.changes:
        apply_change(w, patient, time, route)
    depart(w, patient, time, patient.contexts[route.to])
    if patient.hazard >= 0 or not patient.here.is_calm:
        refresh(w, patient, time)
    else:
        patient.settled = time


def hazard_strikes(w: World, patient: Patient, time: float) -> None:
    """T6: a budget is consumed; the row that strikes says what follows."""
    hazard = patient.hazard
    row = row_that_strikes(w, patient, hazard)
    patient.budgets[hazard] = _NOT_DRAWN
    patient.counts[hazard] += 1
    record(w, time, patient, STRUCK, NO_POOL, 0, hazard)
    apply_change(w, patient, time, row)
    if row.to >= 0:
        depart(w, patient, time, patient.contexts[row.to])
    refresh(w, patient, time)


def depart(w: World, patient: Patient, time: float, there: Context) -> None:
    """T1: the episode ends; the request for the next step is a separate event at the same time."""
    if patient.status == WAITING:
        stop_waiting(w, patient)
    if patient.gate is not NO_POOL and not keeps_gate(patient, there):
        release_gate(w, patient, time)
    patient.status = MOVING
    patient.there = there
    patient.stay_end = NEVER
    patient.request_time = time


def gone(w: World, patient: Patient, time: float, kind: int) -> None:
    """The story ends: everything held is given back, every line left."""
    record(w, time, patient, kind, detail=patient.there.step)
    if patient.gate is not NO_POOL:
        release_gate(w, patient, time)
    for slot in patient.slots:
        end_service(w, patient, time, slot)
    settle(patient, time)
    patient.status = GONE
    patient.there = w.outside
    patient.stay_end = patient.patience_end = patient.hazard_time = NEVER
    patient.reorient_time = patient.request_time = NEVER
    patient.marks = [-NEVER] * len(patient.marks)
    patient.other_time = NEVER


# A request.


def requests(w: World, patient: Patient, time: float) -> None:
    """T4: ask to enter the awaited step, whose gate needs units; T8: who waits lives on in the former step."""
    count_move(w, patient, time)
    patient.request_time = NEVER
    there = patient.there
    if there.is_anchor or patient.transfer >= 0:
        there = patient.there = redirected(w, patient, time)
    patient.status = MOVING
    if patient.gate is not NO_POOL and not keeps_gate(patient, there):
        release_gate(w, patient, time)
    if there.gate < 0:
        enter(w, patient, time, NO_POOL, 0)
        return
    own, units = patient.pools[there.gate], there.amount
    record(w, time, patient, WAITS, own, units, there.step)
    for slot in patient.slots:
        if slot.state == HELD and slot.pool.resource == there.gate and slot.units >= units:
            use_units_in_hand(w, patient, time, slot, units)
            return
    pool = find_pool(own, units, there.level)
    if pool is not NO_POOL:
        pool.in_use += units
        enter(w, patient, time, pool, units)
    elif 0 <= there.queue_limit <= own.queued:
        wait_breaks(w, patient, time, LINE_WAS_FULL)
    else:
        patient.status = WAITING
        patient.patience_end = time + there.patience
        request = patient.request
        request.asked, request.units, request.level, request.pool = time, units, there.level, own
        own.join(request)
        refresh(w, patient, time)


def count_move(w: World, patient: Patient, time: float) -> None:
    """Raise `EndlessMoves` when someone asks again and again without time passing."""
    if w.mover != patient.number or w.moved_at != time:
        w.mover, w.moved_at, w.moves = patient.number, time, 0
        return
    w.moves += 1
    if w.moves >= MOST_MOVES:
        raise EndlessMoves(w.model, patient.number, patient.here.step, time)


def redirected(w: World, patient: Patient, time: float) -> Context:
    """Return where a request really leads: at an anchor the mix of the profile (T10) or a service (T7) decides."""
    there = patient.there
    if patient.transfer >= 0 and (patient.status != MOVING or there.is_anchor):
        if patient.status == WAITING:
            stop_waiting(w, patient)
        slot = next(slot for slot in patient.slots if slot.number == patient.transfer)
        patient.transfer = -1
        return patient.contexts[slot.row.leads_to]
    if there.is_anchor:
        pathway = w.orientation.of(patient.number, patient.profile)
        if pathway not in (NO_PATHWAY, there.pathway):
            record(w, time, patient, REORIENTED, NO_POOL, 0, pathway)
            return patient.contexts[w.entry[pathway]]
    return there


def use_units_in_hand(w: World, patient: Patient, time: float, slot: Slot, units: int) -> None:
    """Units held as a service become the gate; what is more than needed is given back."""
    pool, spare = slot.pool, slot.units - units
    clear(patient, slot)
    record(w, time, patient, SERVICE_ENDS, pool)
    if spare > 0:
        give_back(w, time, pool, spare)
    enter(w, patient, time, pool, units)


def stop_waiting(w: World, patient: Patient) -> None:
    """Leave the line for the awaited gate."""
    leave_line(w, patient.request)
    patient.request.pool = NO_POOL
    patient.patience_end = NEVER


def wait_breaks(w: World, patient: Patient, time: float, why: int) -> None:
    """T8: a wait past patience, or a full line: a pathway break."""
    record(w, time, patient, BREAKS, units=why, detail=patient.there.step)
    on_break = patient.there.on_break
    if on_break >= 0:
        depart(w, patient, time, patient.contexts[on_break])
        refresh(w, patient, time)
    else:
        if patient.status == WAITING:
            stop_waiting(w, patient)
        gone(w, patient, time, LEAVES)


# Grants.


def serve_all(w: World, time: float) -> None:
    """Serve the pools where something changed, in the order of change (T4)."""
    dirty = w.dirty
    while dirty:
        pool = dirty.popleft()
        pool.is_dirty = False
        while pool.in_use < pool.capacity and (pool.queued or pool.neighbours):
            request = next_in_line(pool)
            if request is None:
                break
            patient = w.patients[request.patient]
            if isinstance(request, Slot):
                grant_service(w, patient, time, request, pool)
                reschedule(w, patient)
            else:
                grant_gate(w, patient, time, pool)


def grant_gate(w: World, patient: Patient, time: float, pool: Pool) -> None:
    """T8: a waiting patient gets the gate; the former step ends now."""
    request = patient.request
    leave_line(w, request)
    request.pool = NO_POOL
    pool.in_use += request.units
    patient.patience_end = patient.request_time = NEVER
    there = patient.there
    if there.is_plain and patient.gate is NO_POOL and not patient.slots and patient.other_time == NEVER:
        patient.there = w.outside
        enter_plainly(w, patient, time, there, pool, request.units)
    else:
        enter(w, patient, time, pool, request.units)
        reschedule(w, patient)


def grant_service(w: World, patient: Patient, time: float, slot: Slot, pool: Pool) -> None:
    """T7: a waiting service is granted."""
    units = slot.units
    leave_line(w, slot)
    pool.in_use += units
    hold(w, patient, time, slot, pool, units)
    patient.look_at_other_clocks()
    refresh(w, patient, time)
