"""The calendar: an indexed binary heap with one pending event per patient and per pool (order: T1)."""

from numba import njit

from simulation.engines.compiled.world import (
    AT_HAZARD,
    AT_ONSET,
    AT_PATIENCE,
    AT_REORIENT,
    AT_REQUEST,
    ENTITY,
    FIRST_RELEASE,
    NEVER,
    SLOT_NONE,
    STAYING,
    URGENCY_SHIFT,
    WAITING,
    Entry,
    World,
    marks_of,
    patient_at,
    pending_at,
    place_of,
    slot_at,
)


@njit(cache=True, inline="always")
def comes_before(one: Entry, other: Entry) -> bool:
    """Total order T1: time, kind, then patient (pools after patients); no jumps to mispredict."""
    return bool((one.time < other.time) | ((one.time == other.time) & (one.order < other.order)))


@njit(cache=True, inline="always")
def put(w: World, position: int, time: float, order: int) -> None:
    """Write an entry of the heap and remember where its entity stands."""
    entry = pending_at(w, position)
    entry.time = time
    entry.order = order
    place_of(w)[order & ENTITY] = position


@njit(cache=True)
def sift_up(w: World, position: int, time: float, order: int) -> None:
    """Move an entry towards the root until it stands after its parent."""
    while position > 0:
        parent = (position - 1) >> 1
        above = pending_at(w, parent)
        if above.time < time or (above.time == time and above.order < order):
            break
        put(w, position, above.time, above.order)
        position = parent
    put(w, position, time, order)


@njit(cache=True)
def sift_down(w: World, position: int, time: float, order: int) -> None:
    """Move an entry away from the root until it stands before its children."""
    size = w.heap_size
    while True:
        child = 2 * position + 1
        if child >= size:
            break
        if child + 1 < size:
            child += int(comes_before(pending_at(w, child + 1), pending_at(w, child)))
        below = pending_at(w, child)
        if time < below.time or (time == below.time and order < below.order):
            break
        put(w, position, below.time, below.order)
        position = child
    put(w, position, time, order)


@njit(cache=True)
def schedule(w: World, entity: int, time: float, urgency: int) -> None:
    """Set an entity's pending event; at time infinity it has none."""
    position = place_of(w)[entity]
    if time == NEVER:
        if position >= 0:
            unschedule(w, entity, position)
        return
    order = (urgency << URGENCY_SHIFT) | entity
    if position < 0:
        position = w.heap_size
        w.heap_size = position + 1
        sift_up(w, position, time, order)
        return
    entry = pending_at(w, position)
    if entry.time == time and entry.order == order:
        return
    if time < entry.time or (time == entry.time and order < entry.order):
        sift_up(w, position, time, order)
    else:
        sift_down(w, position, time, order)


@njit(cache=True)
def unschedule(w: World, entity: int, position: int) -> None:
    """Take an entity off the heap."""
    place_of(w)[entity] = -1
    size = w.heap_size - 1
    w.heap_size = size
    if position == size:
        return
    last = pending_at(w, size)
    if position > 0 and comes_before(last, pending_at(w, (position - 1) >> 1)):
        sift_up(w, position, last.time, last.order)
    else:
        sift_down(w, position, last.time, last.order)


@njit(cache=True, forceinline=True)
def reschedule(w: World, i: int) -> None:
    """Make the earliest of a patient's clocks the pending event."""
    p = patient_at(w, i)
    time = NEVER
    urgency = FIRST_RELEASE
    if p.status == STAYING:
        time = p.stay_end
    if p.hazard_time < time:
        time = p.hazard_time
        urgency = AT_HAZARD
    for k in range(w.slots):
        slot = slot_at(w, i, k)
        if slot.state == SLOT_NONE:
            continue
        if slot.onset_time < time or (slot.onset_time == time and urgency > AT_ONSET):
            time = slot.onset_time
            urgency = AT_ONSET
        if slot.keep_end < time or (slot.keep_end == time and urgency > AT_PATIENCE):
            time = slot.keep_end
            urgency = AT_PATIENCE
    for m in range(w.marks):
        end = marks_of(w)[i, m]
        if end > -NEVER and (end < time or (end == time and urgency > AT_ONSET)):
            time = end
            urgency = AT_ONSET
    if p.status == WAITING and (p.patience_end < time or (p.patience_end == time and urgency > AT_PATIENCE)):
        time = p.patience_end
        urgency = AT_PATIENCE
    if p.reorient_time < time or (p.reorient_time == time and urgency > AT_REORIENT):
        time = p.reorient_time
        urgency = AT_REORIENT
    if p.request_time < time:
        time = p.request_time
        urgency = AT_REQUEST
    schedule(w, i, time, urgency)
