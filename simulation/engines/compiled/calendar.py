"""The calendar: an indexed binary heap with one pending event per patient and per pool (order: T1)."""

from numba import njit

from simulation.engines.compiled.world import (
    AT_HAZARD,
    AT_ONSET,
    AT_PATIENCE,
    AT_REORIENT,
    AT_REQUEST,
    FIRST_RELEASE,
    NEVER,
    SLOT_NONE,
    STAYING,
    WAITING,
    World,
    due_of,
    heap_of,
    marks_of,
    patients_of,
    place_of,
    slots_of,
    urgency_of,
)


@njit(cache=True, inline="always")
def comes_before(w: World, one: int, other: int) -> bool:
    """Total order T1: time, kind, then patient (pools after patients)."""
    if due_of(w)[one] != due_of(w)[other]:
        return bool(due_of(w)[one] < due_of(w)[other])
    if urgency_of(w)[one] != urgency_of(w)[other]:
        return bool(urgency_of(w)[one] < urgency_of(w)[other])
    return one < other


@njit(cache=True)
def sift_up(w: World, position: int, entity: int) -> None:
    """Move an entity towards the root until it stands after its parent."""
    while position > 0:
        parent = (position - 1) >> 1
        above = heap_of(w)[parent]
        if not comes_before(w, entity, above):
            break
        heap_of(w)[position] = above
        place_of(w)[above] = position
        position = parent
    heap_of(w)[position] = entity
    place_of(w)[entity] = position


@njit(cache=True)
def sift_down(w: World, position: int, entity: int) -> None:
    """Move an entity away from the root until it stands before its children."""
    size = w.heap_size
    while True:
        child = 2 * position + 1
        if child >= size:
            break
        if child + 1 < size and comes_before(w, heap_of(w)[child + 1], heap_of(w)[child]):
            child += 1
        below = heap_of(w)[child]
        if not comes_before(w, below, entity):
            break
        heap_of(w)[position] = below
        place_of(w)[below] = position
        position = child
    heap_of(w)[position] = entity
    place_of(w)[entity] = position


@njit(cache=True)
def schedule(w: World, entity: int, time: float, urgency: int) -> None:
    """Set an entity's pending event; at time infinity it has none."""
    position = place_of(w)[entity]
    if position >= 0 and due_of(w)[entity] == time and urgency_of(w)[entity] == urgency:
        return
    if time == NEVER:
        if position >= 0:
            unschedule(w, entity, position)
        return
    due_of(w)[entity] = time
    urgency_of(w)[entity] = urgency
    if position < 0:
        position = w.heap_size
        w.heap_size = position + 1
    elif (position > 0 and not comes_before(w, entity, heap_of(w)[(position - 1) >> 1])) or position == 0:
        sift_down(w, position, entity)
        return
    sift_up(w, position, entity)


@njit(cache=True)
def unschedule(w: World, entity: int, position: int) -> None:
    """Take an entity off the heap."""
    place_of(w)[entity] = -1
    size = w.heap_size - 1
    w.heap_size = size
    last = heap_of(w)[size]
    if last == entity:
        return
    if position > 0 and comes_before(w, last, heap_of(w)[(position - 1) >> 1]):
        sift_up(w, position, last)
    else:
        sift_down(w, position, last)


@njit(cache=True)
def reschedule(w: World, i: int) -> None:
    """Make the earliest of a patient's clocks the pending event."""
    p = patients_of(w)[i]
    time = NEVER
    urgency = FIRST_RELEASE
    if p.status == STAYING:
        time = p.stay_end
    if p.hazard_time < time:
        time = p.hazard_time
        urgency = AT_HAZARD
    for k in range(w.slots):
        slot = slots_of(w)[i, k]
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
