"""The main loop: the earliest event happens, then pools are served, until the end."""

import math

import numpy as np
import numpy.typing as npt
from numba import njit

from simulation.engines.compiled.calendar import (
    NO_MOMENT,
    earliest_clock,
    moment_of,
    reschedule,
    runner_up,
    schedule,
    time_of,
)
from simulation.engines.compiled.hazards import orient, refresh, settle
from simulation.engines.compiled.lines import join_line, soil, units_ready
from simulation.engines.compiled.passages import (
    depart,
    end_service,
    hazard_strikes,
    request,
    serve_all,
    stay_ends,
    wait_broken,
)
from simulation.engines.compiled.world import (
    ARRIVE,
    AT_HAZARD,
    AT_ONSET,
    AT_PATIENCE,
    AT_REORIENT,
    AT_REQUEST,
    BY_DESTINATION,
    CAPACITY,
    ENTITY,
    FIRST_RELEASE,
    GONE,
    MARK_END,
    MOVING,
    NEVER,
    ONSET,
    REORIENT,
    SLOT_HELD,
    SLOT_NONE,
    TO_COME,
    URGENCY_SHIFT,
    WAITING,
    World,
    bring_near,
    change_of,
    change_time_of,
    entry_of,
    mark_at,
    node_at,
    patient_at,
    pool_at,
    slot_at,
    step_at,
    turnover_at,
    write_record,
)
from simulation.engines.endless_moves import MOST_MOVES
from simulation.streams import duration, uniform, uniform_pair


@njit(cache=True)
def onset(w: World, i: int, time: float) -> None:
    """The first service whose onset, or the first mark whose end, has come."""
    settle(w, i, time)
    for k in range(w.slots):
        slot = slot_at(w, i, k)
        if slot.state == SLOT_HELD and slot.onset_time <= time:
            slot.onset_time = NEVER
            slot.acting = 1
            write_record(w, time, i, ONSET, pool_at(w, slot.pool).resource, slot.pool, slot.units, -1)
            refresh(w, i, time)
            return
    for m in range(w.marks):
        if mark_at(w, i, m).end > -NEVER and mark_at(w, i, m).end <= time:
            mark_at(w, i, m).end = -NEVER
            write_record(w, time, i, MARK_END, -1, -1, 0, m)
            refresh(w, i, time)
            return


@njit(cache=True)
def patience_ends(w: World, i: int, time: float) -> None:
    """A wait longer than patience, or an absence longer than a service is kept."""
    p = patient_at(w, i)
    if p.status == WAITING and p.patience_end <= time:
        settle(w, i, time)
        wait_broken(w, i, time, 0)
        return
    for k in range(w.slots):
        slot = slot_at(w, i, k)
        if slot.state != SLOT_NONE and slot.keep_end <= time:
            end_service(w, i, time, k)
            refresh(w, i, time)
            return


@njit(cache=True)
def is_on(w: World, i: int, pathway: int) -> bool:
    """Whether a patient is on a pathway already: lives on it, or waits for a step of it."""
    p = patient_at(w, i)
    return bool(p.pathway == pathway or (p.status == WAITING and step_at(w, p.awaited).pathway == pathway))


@njit(cache=True)
def reorients(w: World, i: int, time: float) -> None:
    """The rollout reaches a patient: in an anchor step the new mix decides (T11)."""
    p = patient_at(w, i)
    p.reorient_time = NEVER
    if p.step < 0 or step_at(w, p.step).is_anchor == 0 or p.status == MOVING or p.status == GONE:
        return
    pathway = orient(w, i)
    if pathway < 0 or is_on(w, i, pathway):
        return
    write_record(w, time, i, REORIENT, -1, -1, 0, pathway)
    depart(w, i, time, entry_of(w)[pathway])
    refresh(w, i, time)


@njit(cache=True, forceinline=True)
def arrives(w: World, i: int, time: float) -> None:
    """A patient arrives: oriented to a pathway, asking for its first step (T2, T3)."""
    p = patient_at(w, i)
    pathway = orient(w, i)
    p.pathway = pathway
    p.settled = time
    p.awaited = entry_of(w)[pathway]
    p.status = MOVING
    p.request_time = time
    write_record(w, time, i, ARRIVE, -1, -1, 0, pathway)


@njit(cache=True)
def act(w: World, i: int, time: float, urgency: int) -> None:
    """Let a patient's pending event happen."""
    if urgency == FIRST_RELEASE:
        stay_ends(w, i, time)
    elif urgency == AT_HAZARD:
        hazard_strikes(w, i, time)
    elif urgency == AT_ONSET:
        onset(w, i, time)
    elif urgency == AT_PATIENCE:
        patience_ends(w, i, time)
    elif urgency == AT_REORIENT:
        reorients(w, i, time)
    else:
        request(w, i, time)


@njit(cache=True, forceinline=True)
def asks_now(w: World, i: int, time: float) -> bool:
    """Put a patient's next event on the calendar, but for a request at this very time: say whether it is one."""
    earliest, urgency = earliest_clock(w, i)
    if urgency == AT_REQUEST and earliest == time:
        return True
    schedule(w, i, earliest, urgency)
    return False


@njit(cache=True, nogil=True)
def advance(
    table: npt.NDArray[np.void],
    arrivals: npt.NDArray[np.int64],
    progress: npt.NDArray[np.int64],
    until: float,
    room: int,
) -> bool:
    """Let everything before `until` happen; False when it has to stop before.

    It stops when the log is nearly full, and must be emptied first, or when someone moves endlessly.
    A request at the very time of the event that led to it (a stay end, an arrival) happens at once when nothing
    else has that time: so most requests never stand on the calendar.

    arrivals: patients still to come, by (time, patient); progress: next arrival, next capacity change.
    """
    w = table[0]
    change = change_time_of(w)[progress[1]] if progress[1] < w.changes else NEVER
    arrival = patient_at(w, arrivals[progress[0]]).arrival if progress[0] < len(arrivals) else NEVER
    while w.logged < room and w.moves < MOST_MOVES:
        time = NEVER
        urgency = 8
        source = 0
        entity = 0
        top = node_at(w, 1)
        if top.moment != NO_MOMENT:
            time = time_of(top.moment)
            urgency = top.order >> URGENCY_SHIFT
            entity = top.order & ENTITY
            if w.is_large:
                _, following = runner_up(w, entity)
                if following & ENTITY < w.patients:
                    bring_near(w, following & ENTITY)
        if change < time or (change == time and urgency > 1):
            time = change
            source = 1
        if arrival < time:
            time = arrival
            source = 2
        if not time < until:
            return True
        asks = False
        if source == 0:
            if entity < w.patients:
                act(w, entity, time, urgency)
                asks = asks_now(w, entity, time)
            else:
                units_ready(w, entity - w.patients)
        elif source == 1:
            pool = change_of(w)[progress[1], 0]
            pool_at(w, pool).capacity = change_of(w)[progress[1], 1]
            progress[1] += 1
            change = change_time_of(w)[progress[1]] if progress[1] < w.changes else NEVER
            write_record(w, time, -1, CAPACITY, pool_at(w, pool).resource, pool, pool_at(w, pool).capacity, -1)
            soil(w, pool)
        else:
            entity = arrivals[progress[0]]
            progress[0] += 1
            arrival = patient_at(w, arrivals[progress[0]]).arrival if progress[0] < len(arrivals) else NEVER
            arrives(w, entity, time)
            asks = asks_now(w, entity, time)
        serve_all(w, time)
        if asks and (
            w.slots == 0 or asks_now(w, entity, time)
        ):  # a service granted since may have changed what is next
            if change > time and runner_up(w, entity)[0] > moment_of(time):
                request(w, entity, time)
                reschedule(w, entity)
                serve_all(w, time)
            else:
                schedule(w, entity, time, AT_REQUEST)
    return False


@njit(cache=True, nogil=True)
def begin(
    table: npt.NDArray[np.void],
    waiting: npt.NDArray[np.int64],
    to_come: npt.NDArray[np.int64],
    start: float,
    rollout: float,
    rollout_purpose: np.uint64,
) -> tuple[int, bool]:
    """Put those present on the heap and in their lines; who must change pathway gets a keyed time for it (T11).

    Writes the patients still to come into `to_come` [n]; returns how many, and whether they stand in the order of
    their arrivals.
    """
    w = table[0]
    coming, in_order = 0, True
    for row in range(len(waiting)):
        join_line(w, waiting[row, 0], waiting[row, 1], waiting[row, 2])
    for i in range(w.patients):
        p = patient_at(w, i)
        if p.status == TO_COME:
            in_order = in_order and (coming == 0 or patient_at(w, to_come[coming - 1]).arrival <= p.arrival)
            to_come[coming] = i
            coming += 1
            continue
        if p.status == GONE:
            continue
        if rollout >= 0.0 and p.step >= 0 and step_at(w, p.step).is_anchor == 1:
            pathway = orient(w, i)
            if pathway >= 0 and not is_on(w, i, pathway):
                draw = uniform(w.seed, w.replication, p.chooser, p.group, rollout_purpose, 0)
                p.reorient_time = start + draw * rollout
        reschedule(w, i)
    for pool in range(w.pools):
        ring = pool_at(w, pool)
        if ring.count > 0:
            schedule(w, w.patients + pool, turnover_at(w, ring.start + ring.first).time, FIRST_RELEASE)
    return coming, in_order


@njit(cache=True, nogil=True)
def units_in_use(patients: npt.NDArray[np.void], slots: npt.NDArray[np.void], units: npt.NDArray[np.int64]) -> None:
    """Add the units that each pool has out as gates and as services held."""
    for i in range(len(patients)):
        if patients[i].gate_pool >= 0:
            units[patients[i].gate_pool] += patients[i].gate_units
        for k in range(slots.shape[1]):
            if slots[i, k].state == SLOT_HELD:
                units[slots[i, k].pool] += slots[i, k].units


@njit(cache=True, nogil=True)
def draw_stays(
    patients: npt.NDArray[np.void],
    contexts: npt.NDArray[np.void],
    purposes: npt.NDArray[np.uint64],
    is_exit: npt.NDArray[np.int32],
    seed: int,
    replication: int,
    stays: npt.NDArray[np.void],
) -> None:
    """Draw everyone's first stay in each step with the profile at arrival (T5), but where length goes by destination.

    purposes, is_exit: by step; writes into stays [n, S].
    """
    steps = len(purposes)
    profiles = len(contexts) // steps
    for i in range(len(patients)):
        p = patients[i]
        for step in range(steps):
            here = contexts[step * profiles + p.first_profile]
            stays[i, step].length = math.nan
            if is_exit[step] == 0 and here.law != BY_DESTINATION:
                length, routing = uniform_pair(seed, replication, p.ordinal, p.group, purposes[step], 0)
                stays[i, step].length = duration(here.law, here.a, here.b, here.c, length)
                stays[i, step].routing = routing
