"""The rules T1-T12 as compiled code: an indexed heap with one pending event per patient.

It reads the flat model and writes event records; the SimPy engine runs the same rules on the same keyed
numbers and writes the same list. Everything works on one bundle of arrays, `World`; the functions below are
in the order in which a patient meets them, from arrival to exit.
"""

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit

from simulation.compilation import FlatModel, FlatPlan
from simulation.records import EVENT, EventArray
from simulation.state import State
from simulation.streams import duration, purpose, uniform, uniform_pair, unit_exponential

# Kinds of event record (records.Event) and of urgency (records.UrgencyKind), as plain integers for numba.
ARRIVE, WAIT, ENTER, BREAK, HAZARD_EVENT, PROFILE = 1, 2, 3, 4, 5, 6
SERVICE_ASK, SERVICE_GRANT, SERVICE_END, SERVICE_LEAVE, SERVICE_ABSENT, SERVICE_RETURN = 7, 8, 9, 10, 11, 12
ONSET, GATE_END, MARK, MARK_END, REORIENT, CAPACITY, EXIT, LEAVE = 13, 14, 15, 16, 17, 18, 19, 20
FIRST_RELEASE, AT_HAZARD, AT_ONSET, AT_PATIENCE, AT_REORIENT, AT_REQUEST = 0, 2, 3, 4, 5, 6
TO_COME, STAYING, WAITING, MOVING, GONE = 0, 1, 2, 3, 4
SLOT_NONE, SLOT_WAITING, SLOT_HELD = 0, 1, 2
BY_DESTINATION = -2


class World(NamedTuple):
    """Model, plan, state and working memory of one run, as one bundle of arrays."""

    # model
    group: npt.NDArray[np.uint64]
    contexts: npt.NDArray[np.void]
    services: npt.NDArray[np.void]
    routes: npt.NDArray[np.void]
    hazards: npt.NDArray[np.void]
    steps: npt.NDArray[np.int32]  # [S, 4] pathway, anchor, exit, name
    name_purpose: npt.NDArray[np.uint64]
    hazard_purpose: npt.NDArray[np.uint64]
    entry: npt.NDArray[np.int32]
    orientation: npt.NDArray[np.uint64]  # [W, 2] orientation and acceptance purposes
    acceptance: npt.NDArray[np.float64]
    fallback: npt.NDArray[np.int32]
    pool_of: npt.NDArray[np.int32]
    pool_turnover: npt.NDArray[np.float64]
    pool_resource: npt.NDArray[np.int32]
    neighbour_start: npt.NDArray[np.int32]
    neighbours: npt.NDArray[np.int32]
    # plan
    share: npt.NDArray[np.float64]
    change_time: npt.NDArray[np.float64]
    change: npt.NDArray[np.int32]  # [changes, 2] pool, capacity
    # state
    patients: npt.NDArray[np.void]
    slots: npt.NDArray[np.void]
    clocks: npt.NDArray[np.void]
    marks: npt.NDArray[np.float64]
    visits: npt.NDArray[np.int32]
    # working memory
    pools: npt.NDArray[np.int64]  # [Q, 4] capacity, units in use, number waiting, dirty
    heads: npt.NDArray[np.int64]  # [Q * L, 2] first and last entry of each list
    links: npt.NDArray[np.int32]  # [n * (K + 1), 2] previous and next entry
    heap: npt.NDArray[np.int64]  # [n + Q] entities
    place: npt.NDArray[np.int64]  # [n + Q] position in the heap; -1: none
    due: npt.NDArray[np.float64]  # [n + Q] time of the pending event
    urgency: npt.NDArray[np.int64]  # [n + Q] its kind
    dirty: npt.NDArray[np.int64]  # pools to serve, first in first out
    counters: npt.NDArray[np.int64]  # see the positions below
    settings: npt.NDArray[np.int64]  # seed, replication, profiles, pathways, levels, slots, resources
    turnover: npt.NDArray[np.float64]  # [room, 2] (time, units) being made ready, a ring per pool
    ring: npt.NDArray[np.int64]  # [Q, 4] where the pool's ring starts, its room, its first, its number
    log: EventArray


HEAP_SIZE, LOGGED, DIRTY_FIRST, DIRTY_COUNT, FULL = 0, 1, 2, 3, 4
SEED, REPLICATION, PROFILES, PATHWAYS, LEVELS, SLOTS, RESOURCES = 0, 1, 2, 3, 4, 5, 6
CAPACITY_OF, IN_USE, QUEUED, IS_DIRTY = 0, 1, 2, 3
PATHWAY_OF, IS_ANCHOR, IS_EXIT, NAME_OF = 0, 1, 2, 3
RING_START, RING_ROOM, RING_FIRST, RING_COUNT = 0, 1, 2, 3
PREVIOUS, NEXT = 0, 1
NEVER = math.inf


# --- the log ---------------------------------------------------------------------------------------------


@njit(cache=True)
def _log(w: World, time: float, patient: int, kind: int, resource: int, pool: int, units: int, detail: int) -> None:
    number = w.counters[LOGGED]
    w.counters[LOGGED] = number + 1
    if number >= len(w.log):
        return  # the driver sees the count and refuses the run
    record = w.log[number]
    record.time = time
    record.patient = patient
    record.kind = kind
    if patient >= 0:
        record.profile = w.patients[patient].profile
        record.step = w.patients[patient].step
    else:
        record.profile = -1
        record.step = -1
    record.resource = resource
    record.pool = pool
    record.units = units
    record.detail = detail


# --- the heap: one pending event per patient, one per pool with units being made ready --------------------


@njit(cache=True, inline="always")
def _before(w: World, one: int, other: int) -> bool:
    """Total order T1: time, kind, then patient (pools after patients)."""
    if w.due[one] != w.due[other]:
        return bool(w.due[one] < w.due[other])
    if w.urgency[one] != w.urgency[other]:
        return bool(w.urgency[one] < w.urgency[other])
    return one < other


@njit(cache=True)
def _sift_up(w: World, position: int, entity: int) -> None:
    while position > 0:
        parent = (position - 1) >> 1
        above = w.heap[parent]
        if not _before(w, entity, above):
            break
        w.heap[position] = above
        w.place[above] = position
        position = parent
    w.heap[position] = entity
    w.place[entity] = position


@njit(cache=True)
def _sift_down(w: World, position: int, entity: int) -> None:
    size = w.counters[HEAP_SIZE]
    while True:
        child = 2 * position + 1
        if child >= size:
            break
        if child + 1 < size and _before(w, w.heap[child + 1], w.heap[child]):
            child += 1
        below = w.heap[child]
        if not _before(w, below, entity):
            break
        w.heap[position] = below
        w.place[below] = position
        position = child
    w.heap[position] = entity
    w.place[entity] = position


@njit(cache=True)
def _schedule(w: World, entity: int, time: float, urgency: int) -> None:
    """Set an entity's pending event; at time infinity it has none."""
    position = w.place[entity]
    if position >= 0 and w.due[entity] == time and w.urgency[entity] == urgency:
        return
    if time == NEVER:
        if position >= 0:
            _unschedule(w, entity, position)
        return
    w.due[entity] = time
    w.urgency[entity] = urgency
    if position < 0:
        position = w.counters[HEAP_SIZE]
        w.counters[HEAP_SIZE] = position + 1
    elif position > 0 and not _before(w, entity, w.heap[(position - 1) >> 1]):
        _sift_down(w, position, entity)
        return
    elif position == 0:
        _sift_down(w, position, entity)
        return
    _sift_up(w, position, entity)


@njit(cache=True)
def _unschedule(w: World, entity: int, position: int) -> None:
    w.place[entity] = -1
    size = w.counters[HEAP_SIZE] - 1
    w.counters[HEAP_SIZE] = size
    last = w.heap[size]
    if last == entity:
        return
    if position > 0 and _before(w, last, w.heap[(position - 1) >> 1]):
        _sift_up(w, position, last)
    else:
        _sift_down(w, position, last)


@njit(cache=True)
def _reschedule(w: World, i: int) -> None:
    """Make the earliest of a patient's clocks the pending event."""
    p = w.patients[i]
    time = NEVER
    urgency = FIRST_RELEASE
    if p.status == STAYING:
        time = p.stay_end
    if p.hazard_time < time:
        time = p.hazard_time
        urgency = AT_HAZARD
    for k in range(w.settings[SLOTS]):
        slot = w.slots[i, k]
        if slot.state == SLOT_NONE:
            continue
        if slot.onset_time < time or (slot.onset_time == time and urgency > AT_ONSET):
            time = slot.onset_time
            urgency = AT_ONSET
        if slot.keep_end < time or (slot.keep_end == time and urgency > AT_PATIENCE):
            time = slot.keep_end
            urgency = AT_PATIENCE
    for m in range(w.marks.shape[1]):
        end = w.marks[i, m]
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
    _schedule(w, i, time, urgency)


# --- waiting lists and pools (T4, T9) ---------------------------------------------------------------------


@njit(cache=True)
def _queue(w: World, pool: int, level: int, entry: int) -> None:
    """Put an entry (patient and slot; the last slot is the gate) at the end of its list."""
    row = pool * w.settings[LEVELS] + level
    last = w.heads[row, 1]
    w.links[entry, PREVIOUS] = last
    w.links[entry, NEXT] = -1
    if last < 0:
        w.heads[row, 0] = entry
    else:
        w.links[last, NEXT] = entry
    w.heads[row, 1] = entry
    w.pools[pool, QUEUED] += 1


@njit(cache=True)
def _unqueue(w: World, pool: int, level: int, entry: int) -> None:
    row = pool * w.settings[LEVELS] + level
    previous = w.links[entry, PREVIOUS]
    following = w.links[entry, NEXT]
    if previous < 0:
        w.heads[row, 0] = following
    else:
        w.links[previous, NEXT] = following
    if following < 0:
        w.heads[row, 1] = previous
    else:
        w.links[following, PREVIOUS] = previous
    w.pools[pool, QUEUED] -= 1
    _soil(w, pool)  # the new head may fit where the old one did not


@njit(cache=True)
def _soil(w: World, pool: int) -> None:
    """Note that a pool's lists must be served before the next event."""
    if w.pools[pool, IS_DIRTY] == 0:
        w.pools[pool, IS_DIRTY] = 1
        size = len(w.dirty)
        w.dirty[(w.counters[DIRTY_FIRST] + w.counters[DIRTY_COUNT]) % size] = pool
        w.counters[DIRTY_COUNT] += 1


@njit(cache=True)
def _room_for(w: World, pool: int, units: int) -> bool:
    return bool(w.pools[pool, IN_USE] + units <= w.pools[pool, CAPACITY_OF])


@njit(cache=True)
def _first_in_line(w: World, pool: int, level: int) -> bool:
    """Whether a newcomer of this rank would head the pool's lists."""
    if w.pools[pool, QUEUED] == 0:
        return True
    for rank in range(level + 1):
        if w.heads[pool * w.settings[LEVELS] + rank, 0] >= 0:
            return False
    return True


@njit(cache=True)
def _find_pool(w: World, own: int, units: int, level: int) -> int:
    """Return the pool that serves a request at once: the own one, else the nearest of the basin whose list is empty."""
    if _first_in_line(w, own, level) and _room_for(w, own, units):
        return own
    for n in range(w.neighbour_start[own], w.neighbour_start[own + 1]):
        other = w.neighbours[n]
        if w.pools[other, QUEUED] == 0 and _room_for(w, other, units):
            return int(other)
    return -1


@njit(cache=True)
def _give_back(w: World, time: float, pool: int, units: int) -> None:
    """Give units back: free at once, or after the pool's turnover."""
    delay = w.pool_turnover[pool]
    if delay > 0.0:
        ring = w.ring[pool]
        position = ring[RING_START] + (ring[RING_FIRST] + ring[RING_COUNT]) % ring[RING_ROOM]
        w.turnover[position, 0] = time + delay
        w.turnover[position, 1] = units
        ring[RING_COUNT] += 1
        if ring[RING_COUNT] == 1:
            _schedule(w, len(w.patients) + pool, time + delay, FIRST_RELEASE)
        return
    w.pools[pool, IN_USE] -= units
    _soil(w, pool)


@njit(cache=True)
def _units_ready(w: World, pool: int) -> None:
    """A unit has been made ready: it is free, and the next one's time is set."""
    ring = w.ring[pool]
    position = ring[RING_START] + ring[RING_FIRST]
    w.pools[pool, IN_USE] -= int(w.turnover[position, 1])
    ring[RING_FIRST] = (ring[RING_FIRST] + 1) % ring[RING_ROOM]
    ring[RING_COUNT] -= 1
    entity = len(w.patients) + pool
    if ring[RING_COUNT] > 0:
        _schedule(w, entity, w.turnover[ring[RING_START] + ring[RING_FIRST], 0], FIRST_RELEASE)
    else:
        _schedule(w, entity, NEVER, FIRST_RELEASE)
    _soil(w, pool)


@njit(cache=True)
def _head(w: World, pool: int) -> int:
    """Return the entry that heads a pool's lists, -1 when nobody waits."""
    if w.pools[pool, QUEUED] == 0:
        return -1
    for level in range(w.settings[LEVELS]):
        entry = w.heads[pool * w.settings[LEVELS] + level, 0]
        if entry >= 0:
            return int(entry)
    return -1


@njit(cache=True)
def _entry_request(w: World, entry: int) -> tuple[int, int, float]:
    """Return units, rank and time of asking of a waiting entry."""
    i, k = divmod(entry, w.settings[SLOTS] + 1)
    if k == w.settings[SLOTS]:
        p = w.patients[i]
        return p.asked_units, p.asked_level, p.asked
    slot = w.slots[i, k]
    return slot.units, slot.level, slot.asked


@njit(cache=True)
def _next_in_basin(w: World, pool: int) -> int:
    """Return whom a freed unit serves when its own list is empty: the basin's best rank, then first asked (T9)."""
    best = -1
    best_level = 0
    best_asked = 0.0
    best_pool = 0
    for n in range(w.neighbour_start[pool], w.neighbour_start[pool + 1]):
        other = w.neighbours[n]
        entry = _head(w, other)
        if entry < 0:
            continue
        units, level, asked = _entry_request(w, entry)
        if not _room_for(w, pool, units):
            continue
        better = best < 0 or level < best_level
        if not better and level == best_level:
            better = asked < best_asked or (asked == best_asked and other < best_pool)
        if better:
            best, best_level, best_asked, best_pool = entry, level, asked, other
    return best


@njit(cache=True)
def _serve(w: World, time: float, pool: int) -> None:
    """Grant a pool's free units, head of line first; the own list before the basin's."""
    while True:
        entry = _head(w, pool)
        if entry >= 0:
            units, _, _ = _entry_request(w, entry)
            if not _room_for(w, pool, units):
                return
        else:
            entry = _next_in_basin(w, pool)
            if entry < 0:
                return
        i, k = divmod(entry, w.settings[SLOTS] + 1)
        if k == w.settings[SLOTS]:
            _grant_gate(w, time, i, pool)
        else:
            _grant_service(w, time, i, k, pool)


@njit(cache=True)
def _serve_all(w: World, time: float) -> None:
    while w.counters[DIRTY_COUNT] > 0:
        pool = w.dirty[w.counters[DIRTY_FIRST]]
        w.counters[DIRTY_FIRST] = (w.counters[DIRTY_FIRST] + 1) % len(w.dirty)
        w.counters[DIRTY_COUNT] -= 1
        w.pools[pool, IS_DIRTY] = 0
        _serve(w, time, pool)


# --- orientation (T3, T10) --------------------------------------------------------------------------------


@njit(cache=True)
def _orient(w: World, i: int) -> int:
    """Return the pathway with the least E / share, or its fallback for those who refuse; -1: none is offered."""
    p = w.patients[i]
    pathways = w.settings[PATHWAYS]
    row = (p.zone * w.settings[PROFILES] + p.profile) * pathways
    best = -1
    least = NEVER
    for pathway in range(pathways):
        share = w.share[row + pathway]
        if share <= 0.0:
            continue
        draw = unit_exponential(
            uniform(w.settings[SEED], w.settings[REPLICATION], p.chooser, p.group, w.orientation[pathway, 0], 0)
        )
        if draw / share < least:
            least = draw / share
            best = pathway
    if best >= 0 and w.acceptance[row + best] < 1.0:
        accepts = uniform(w.settings[SEED], w.settings[REPLICATION], p.chooser, p.group, w.orientation[best, 1], 0)
        if accepts >= w.acceptance[row + best] and w.fallback[row + best] >= 0:
            return int(w.fallback[row + best])
    return best


# --- hazards (T6) -----------------------------------------------------------------------------------------


@njit(cache=True)
def _settle(w: World, i: int, time: float) -> None:
    """Consume the hazard budgets up to now at the rates in force."""
    p = w.patients[i]
    elapsed = time - p.settled
    if elapsed > 0.0:
        for h in range(w.clocks.shape[1]):
            clock = w.clocks[i, h]
            if clock.rate > 0.0:
                clock.budget = clock.budget - clock.rate * elapsed
    p.settled = time


@njit(cache=True)
def _applies(w: World, i: int, row: int) -> bool:
    hazard = w.hazards[row]
    if hazard.slot >= 0:
        return bool(w.slots[i, hazard.slot].acting == 1)
    if hazard.mark_needed >= 0:
        return bool(w.marks[i, hazard.mark_needed] > -NEVER)
    return True


@njit(cache=True)
def _add_rates(w: World, i: int, start: int, end: int) -> None:
    for row in range(start, end):
        hazard = w.hazards[row]
        if not math.isnan(hazard.rate) and _applies(w, i, row):
            clock = w.clocks[i, hazard.hazard]
            clock.rate = clock.rate + hazard.rate * hazard.factor


@njit(cache=True)
def _multiply_rates(w: World, i: int, start: int, end: int) -> None:
    for row in range(start, end):
        hazard = w.hazards[row]
        if math.isnan(hazard.rate) and _applies(w, i, row):
            clock = w.clocks[i, hazard.hazard]
            clock.rate = clock.rate * hazard.factor


@njit(cache=True)
def _refresh(w: World, i: int, time: float) -> None:
    """Settle, take the rates of the present context, and find the next hazard to strike."""
    _settle(w, i, time)
    p = w.patients[i]
    for h in range(w.clocks.shape[1]):
        w.clocks[i, h].rate = 0.0
    profiles = w.settings[PROFILES]
    if p.step >= 0:
        here = w.contexts[p.step * profiles + p.profile]
        _add_rates(w, i, here.stay_start, here.stay_end)
        _multiply_rates(w, i, here.stay_start, here.stay_end)
    if p.status == WAITING:
        there = w.contexts[p.awaited * profiles + p.profile]
        _add_rates(w, i, there.wait_start, there.wait_end)
        _multiply_rates(w, i, there.wait_start, there.wait_end)
    p.hazard_time = NEVER
    p.hazard = -1
    for h in range(w.clocks.shape[1]):
        clock = w.clocks[i, h]
        if clock.rate > 0.0:
            if math.isnan(clock.budget):
                clock.budget = unit_exponential(
                    uniform(
                        w.settings[SEED], w.settings[REPLICATION], p.ordinal, p.group, w.hazard_purpose[h], clock.count
                    )
                )
            strikes = time + max(clock.budget, 0.0) / clock.rate
            if strikes < p.hazard_time:
                p.hazard_time = strikes
                p.hazard = h


@njit(cache=True)
def _weight(w: World, i: int, row: int, hazard: int) -> float:
    """Return a row's part in the rate of a hazard (before what multiplies them all)."""
    candidate = w.hazards[row]
    if candidate.hazard != hazard or math.isnan(candidate.rate) or not _applies(w, i, row):
        return 0.0
    return float(candidate.rate * candidate.factor)


@njit(cache=True)
def _row_that_strikes(w: World, i: int, hazard: int) -> int:
    """Return the rated row that a striking hazard means; several of one name share it by their rates."""
    p = w.patients[i]
    here = p.step * w.settings[PROFILES] + p.profile
    start, end, more, last = 0, 0, 0, 0
    if p.step >= 0:
        start, end = w.contexts[here].stay_start, w.contexts[here].stay_end
    if p.status == WAITING:
        there = p.awaited * w.settings[PROFILES] + p.profile
        more, last = w.contexts[there].wait_start, w.contexts[there].wait_end
    total = 0.0
    only = -1
    number = 0
    for row in range(start, end):
        weight = _weight(w, i, row, hazard)
        if weight > 0.0:
            total += weight
            only = row
            number += 1
    for row in range(more, last):
        weight = _weight(w, i, row, hazard)
        if weight > 0.0:
            total += weight
            only = row
            number += 1
    if number <= 1:
        return only
    _, draw = uniform_pair(
        w.settings[SEED],
        w.settings[REPLICATION],
        p.ordinal,
        p.group,
        w.hazard_purpose[hazard],
        w.clocks[i, hazard].count,
    )
    left = draw * total
    for row in range(start, end):
        weight = _weight(w, i, row, hazard)
        if weight > 0.0:
            if left < weight:
                return row
            left -= weight
    for row in range(more, last):
        weight = _weight(w, i, row, hazard)
        if weight > 0.0:
            if left < weight:
                return row
            left -= weight
    return only


@njit(cache=True)
def _change(w: World, i: int, time: float, profile: int, mark: int, mark_time: float) -> None:
    """Apply what a move brings: a new profile, a mark."""
    p = w.patients[i]
    if profile >= 0 and profile != p.profile:
        former = p.profile
        p.profile = profile
        _log(w, time, i, PROFILE, -1, -1, 0, former)
        if p.status != MOVING and p.step >= 0 and w.steps[p.step, IS_ANCHOR] == 1:
            p.reorient_time = time
    if mark >= 0:
        w.marks[i, mark] = time + mark_time
        _log(w, time, i, MARK, -1, -1, 0, mark)


@njit(cache=True)
def _hazard_strikes(w: World, i: int, time: float) -> None:
    p = w.patients[i]
    hazard = p.hazard
    _settle(w, i, time)
    row = _row_that_strikes(w, i, hazard)
    w.clocks[i, hazard].budget = math.nan
    w.clocks[i, hazard].count += 1
    _log(w, time, i, HAZARD_EVENT, -1, -1, 0, hazard)
    move = w.hazards[row]
    _change(w, i, time, move.profile, move.mark, move.mark_time)
    if move.to >= 0:
        _depart(w, i, time, move.to)
    _refresh(w, i, time)


# --- gates and stays (T4, T5, T8) -------------------------------------------------------------------------


@njit(cache=True)
def _release_gate(w: World, i: int, time: float) -> None:
    p = w.patients[i]
    if p.gate_pool >= 0:
        pool, units = p.gate_pool, p.gate_units
        p.gate_pool = -1
        p.gate_units = 0
        _log(w, time, i, GATE_END, w.pool_resource[pool], pool, units, -1)
        _give_back(w, time, pool, units)


@njit(cache=True)
def _keeps_gate(w: World, i: int, target: int) -> bool:
    """Whether the gate stays with the patient on the way: held while waiting, or needed there as a service."""
    p = w.patients[i]
    if p.gate_pool < 0:
        return False
    there = w.contexts[target * w.settings[PROFILES] + p.profile]
    if there.hold == 1:
        return True
    for row in range(there.service_start, there.service_end):
        if w.services[row].resource == w.pool_resource[p.gate_pool]:
            return True
    return False


@njit(cache=True)
def _leave_line(w: World, i: int) -> None:
    """Leave the waiting list of the awaited gate."""
    p = w.patients[i]
    if p.status == WAITING:
        slots = w.settings[SLOTS]
        _unqueue(w, p.asked_pool, p.asked_level, i * (slots + 1) + slots)
        p.asked_pool = -1
        p.patience_end = NEVER


@njit(cache=True)
def _depart(w: World, i: int, time: float, target: int) -> None:
    """End the present episode: the request for the next step is a separate event at the same time (T1)."""
    _leave_line(w, i)
    p = w.patients[i]
    if not _keeps_gate(w, i, target):
        _release_gate(w, i, time)
    p.status = MOVING
    p.awaited = target
    p.stay_end = NEVER
    p.request_time = time


@njit(cache=True)
def _stay_ends(w: World, i: int, time: float) -> None:
    p = w.patients[i]
    here = w.contexts[p.step * w.settings[PROFILES] + p.profile]
    route = p.route
    if route < 0:
        route = _route(w, here.route_start, here.route_end, p.routing)
    move = w.routes[route]
    target = move.to
    _settle(w, i, time)
    _change(w, i, time, move.profile, move.mark, move.mark_time)
    _depart(w, i, time, target)
    _refresh(w, i, time)


@njit(cache=True)
def _route(w: World, start: int, end: int, draw: float) -> int:
    for row in range(start, end - 1):
        if draw < w.routes[row].cumulative:
            return row
    return end - 1


@njit(cache=True)
def _request(w: World, i: int, time: float) -> None:
    """Ask to enter the awaited step: orientation at an anchor, then the gate."""
    p = w.patients[i]
    target = p.awaited
    p.request_time = NEVER
    if p.transfer >= 0 and (p.status != MOVING or w.steps[target, IS_ANCHOR] == 1):
        _leave_line(w, i)
        target = w.services[w.slots[i, p.transfer].row].leads_to
        p.transfer = -1
    elif w.steps[target, IS_ANCHOR] == 1:
        pathway = _orient(w, i)
        if pathway >= 0 and pathway != w.steps[target, PATHWAY_OF]:
            _log(w, time, i, REORIENT, -1, -1, 0, pathway)
            target = w.entry[pathway]
    p.status = MOVING
    _ask_gate(w, i, time, target)


@njit(cache=True)
def _ask_gate(w: World, i: int, time: float, target: int) -> None:
    p = w.patients[i]
    p.awaited = target
    there = w.contexts[target * w.settings[PROFILES] + p.profile]
    if p.gate_pool >= 0 and not _keeps_gate(w, i, target):
        _release_gate(w, i, time)
    if there.gate < 0:
        _enter(w, i, time, -1, 0)
        return
    own = w.pool_of[p.zone, there.gate]
    _log(w, time, i, WAIT, there.gate, own, there.amount, target)
    for k in range(w.settings[SLOTS]):
        slot = w.slots[i, k]
        if slot.state == SLOT_HELD and w.pool_resource[slot.pool] == there.gate and slot.units >= there.amount:
            _use_unit_in_hand(w, i, time, k, there.amount)
            return
    pool = _find_pool(w, own, there.amount, there.level)
    if pool >= 0:
        w.pools[pool, IN_USE] += there.amount
        _enter(w, i, time, pool, there.amount)
        return
    if there.queue_limit >= 0 and w.pools[own, QUEUED] >= there.queue_limit:
        _broken(w, i, time, 1)
        return
    slots = w.settings[SLOTS]
    p.status = WAITING
    p.asked = time
    p.asked_units = there.amount
    p.asked_level = there.level
    p.asked_pool = own
    p.patience_end = time + there.patience
    _queue(w, own, there.level, i * (slots + 1) + slots)
    _refresh(w, i, time)


@njit(cache=True)
def _use_unit_in_hand(w: World, i: int, time: float, k: int, amount: int) -> None:
    """The units held as a service become the gate; what is more than needed is given back."""
    slot = w.slots[i, k]
    pool = slot.pool
    spare = slot.units - amount
    _clear_slot(w, i, k)
    _log(w, time, i, SERVICE_END, w.pool_resource[pool], pool, 0, -1)
    if spare > 0:
        _give_back(w, time, pool, spare)
    _enter(w, i, time, pool, amount)


@njit(cache=True)
def _broken(w: World, i: int, time: float, why: int) -> None:
    """A wait is broken: patience ran out (0) or the line was full (1)."""
    p = w.patients[i]
    _log(w, time, i, BREAK, -1, -1, why, p.awaited)
    there = w.contexts[p.awaited * w.settings[PROFILES] + p.profile]
    if there.on_break >= 0:
        _depart(w, i, time, there.on_break)
        _refresh(w, i, time)
    else:
        _leave_line(w, i)
        _gone(w, i, time, LEAVE)


@njit(cache=True)
def _gone(w: World, i: int, time: float, kind: int) -> None:
    """The story ends: everything held is given back, every line left."""
    p = w.patients[i]
    _log(w, time, i, kind, -1, -1, 0, p.awaited)
    _release_gate(w, i, time)
    for k in range(w.settings[SLOTS]):
        _end_service(w, i, time, k)
    _settle(w, i, time)
    p.status = GONE
    p.awaited = -1
    p.stay_end = NEVER
    p.patience_end = NEVER
    p.hazard_time = NEVER
    p.reorient_time = NEVER
    p.request_time = NEVER
    for m in range(w.marks.shape[1]):
        w.marks[i, m] = -NEVER


@njit(cache=True)
def _grant_gate(w: World, time: float, i: int, pool: int) -> None:
    """A waiting patient gets the gate: the former step ends now."""
    p = w.patients[i]
    units = p.asked_units
    _leave_line(w, i)
    w.pools[pool, IN_USE] += units
    if p.gate_pool >= 0 and not _needs_as_service(w, i, p.awaited):
        _release_gate(w, i, time)
    _enter(w, i, time, pool, units)
    _reschedule(w, i)


@njit(cache=True)
def _needs_as_service(w: World, i: int, target: int) -> bool:
    p = w.patients[i]
    there = w.contexts[target * w.settings[PROFILES] + p.profile]
    for row in range(there.service_start, there.service_end):
        if w.services[row].resource == w.pool_resource[p.gate_pool]:
            return True
    return False


@njit(cache=True)
def _enter(w: World, i: int, time: float, pool: int, units: int) -> None:
    """Begin the stay in the awaited step, with the gate's units taken."""
    p = w.patients[i]
    target = p.awaited
    _settle(w, i, time)
    former_pool, former_units = p.gate_pool, p.gate_units
    if former_pool >= 0 and not _needs_as_service(w, i, target):
        _release_gate(w, i, time)
        former_pool = -1
    former = p.step
    p.step = target
    p.pathway = w.steps[target, PATHWAY_OF]
    p.gate_pool = pool
    p.gate_units = units
    p.patience_end = NEVER
    _log(w, time, i, ENTER, -1 if pool < 0 else w.pool_resource[pool], pool, units, former)
    if w.steps[target, IS_EXIT] == 1:
        if former_pool >= 0:
            _give_back(w, time, former_pool, former_units)
        p.awaited = target
        _gone(w, i, time, EXIT)
        return
    p.status = STAYING
    p.awaited = -1
    p.entered = time
    _draw_stay(w, i, time)
    _begin_services(w, i, time, former_pool, former_units)
    _refresh(w, i, time)


@njit(cache=True)
def _draw_stay(w: World, i: int, time: float) -> None:
    p = w.patients[i]
    here = w.contexts[p.step * w.settings[PROFILES] + p.profile]
    name = w.steps[p.step, NAME_OF]
    visit = w.visits[i, name]
    w.visits[i, name] = visit + 1
    length, routing = uniform_pair(
        w.settings[SEED], w.settings[REPLICATION], p.ordinal, p.group, w.name_purpose[name], visit
    )
    p.routing = routing
    p.route = -1
    if here.law == BY_DESTINATION:
        p.route = _route(w, here.route_start, here.route_end, routing)
        move = w.routes[p.route]
        if move.law >= 0:
            p.stay_end = time + duration(move.law, move.a, move.b, move.c, length)
            return
    p.stay_end = time + duration(here.law, here.a, here.b, here.c, length)


# --- services (T7) ----------------------------------------------------------------------------------------


@njit(cache=True)
def _begin_services(w: World, i: int, time: float, former_pool: int, former_units: int) -> None:
    """On entry: end or keep what this step does not have, then ask for what it has."""
    p = w.patients[i]
    here = w.contexts[p.step * w.settings[PROFILES] + p.profile]
    for k in range(w.settings[SLOTS]):
        slot = w.slots[i, k]
        if slot.state == SLOT_NONE or slot.active == 0:
            continue
        needed = False
        for row in range(here.service_start, here.service_end):
            if w.services[row].slot == k:
                needed = True
        if not needed:
            if w.services[slot.row].keep > 0.0:
                slot.active = 0
                slot.keep_end = time + w.services[slot.row].keep
                _log(w, time, i, SERVICE_ABSENT, w.pool_resource[slot.pool], slot.pool, slot.units, -1)
            else:
                _end_service(w, i, time, k)
    for row in range(here.service_start, here.service_end):
        _ask_service(w, i, time, row, former_pool, former_units)


@njit(cache=True)
def _ask_service(w: World, i: int, time: float, row: int, former_pool: int, former_units: int) -> None:
    p = w.patients[i]
    service = w.services[row]
    k = service.slot
    slot = w.slots[i, k]
    own = w.pool_of[p.zone, service.resource]
    if slot.state != SLOT_NONE:
        _resume_service(w, i, time, k, row)
        if former_pool >= 0 and w.pool_resource[former_pool] == service.resource:
            _give_back(w, time, former_pool, former_units)  # a unit too many: already held as a service
        return
    slot.row = row
    slot.active = 1
    slot.acting = 0
    slot.keep_end = NEVER
    slot.onset_time = NEVER
    slot.level = service.level
    slot.asked = time
    slot.units = service.amount
    slot.pool = own
    _log(w, time, i, SERVICE_ASK, service.resource, own, service.amount, -1)
    if former_pool >= 0 and w.pool_resource[former_pool] == service.resource:
        _log(w, time, i, GATE_END, service.resource, former_pool, former_units, -1)
        _hold_service(w, i, time, k, former_pool, former_units)
        return
    pool = _find_pool(w, own, service.amount, service.level)
    if pool >= 0:
        w.pools[pool, IN_USE] += service.amount
        _hold_service(w, i, time, k, pool, service.amount)
        return
    slot.state = SLOT_WAITING
    _queue(w, own, service.level, i * (w.settings[SLOTS] + 1) + k)


@njit(cache=True)
def _resume_service(w: World, i: int, time: float, k: int, row: int) -> None:
    """A service already held or awaited is needed here too; less is given back, more is taken if free."""
    slot = w.slots[i, k]
    service = w.services[row]
    if slot.active == 0:
        slot.active = 1
        slot.keep_end = NEVER
        _log(w, time, i, SERVICE_RETURN, service.resource, slot.pool, slot.units, -1)
    slot.row = row
    change = service.amount - slot.units
    if slot.state == SLOT_WAITING:
        slot.units = service.amount
        if change < 0:
            _soil(w, slot.pool)
    elif change < 0:
        slot.units = service.amount
        _log(w, time, i, SERVICE_END, service.resource, slot.pool, slot.units, -1)
        _give_back(w, time, slot.pool, -change)
    elif change > 0 and w.pools[slot.pool, QUEUED] == 0 and _room_for(w, slot.pool, change):
        w.pools[slot.pool, IN_USE] += change
        slot.units = service.amount
        _log(w, time, i, SERVICE_GRANT, service.resource, slot.pool, slot.units, -1)
    if slot.state == SLOT_HELD:
        _lead_on(w, i, time, k)


@njit(cache=True)
def _lead_on(w: World, i: int, time: float, k: int) -> None:
    """A unit that leads to a step is taken there at the end of the episode: at once in an anchor step."""
    p = w.patients[i]
    if w.services[w.slots[i, k].row].leads_to >= 0:
        p.transfer = k
        if p.step >= 0 and w.steps[p.step, IS_ANCHOR] == 1 and p.status != MOVING:
            p.request_time = time


@njit(cache=True)
def _hold_service(w: World, i: int, time: float, k: int, pool: int, units: int) -> None:
    """The units of a service are the patient's from now on; it acts after its onset."""
    slot = w.slots[i, k]
    service = w.services[slot.row]
    slot.state = SLOT_HELD
    slot.pool = pool
    slot.units = units
    _log(w, time, i, SERVICE_GRANT, service.resource, pool, units, -1)
    if service.onset > 0.0:
        slot.onset_time = time + service.onset
    else:
        slot.acting = 1
    _lead_on(w, i, time, k)


@njit(cache=True)
def _grant_service(w: World, time: float, i: int, k: int, pool: int) -> None:
    """A waiting service is granted."""
    slot = w.slots[i, k]
    units = slot.units
    _unqueue(w, slot.pool, slot.level, i * (w.settings[SLOTS] + 1) + k)
    w.pools[pool, IN_USE] += units
    _hold_service(w, i, time, k, pool, units)
    _refresh(w, i, time)
    _reschedule(w, i)


@njit(cache=True)
def _clear_slot(w: World, i: int, k: int) -> None:
    slot = w.slots[i, k]
    slot.state = SLOT_NONE
    slot.active = 0
    slot.acting = 0
    slot.onset_time = NEVER
    slot.keep_end = NEVER
    slot.units = 0
    if w.patients[i].transfer == k:
        w.patients[i].transfer = -1


@njit(cache=True)
def _end_service(w: World, i: int, time: float, k: int) -> None:
    """Give a service back, or leave its waiting list."""
    slot = w.slots[i, k]
    if slot.state == SLOT_NONE:
        return
    pool, units = slot.pool, slot.units
    resource = w.services[slot.row].resource
    if slot.state == SLOT_HELD:
        _clear_slot(w, i, k)
        _log(w, time, i, SERVICE_END, resource, pool, 0, -1)
        _give_back(w, time, pool, units)
    else:
        _unqueue(w, pool, slot.level, i * (w.settings[SLOTS] + 1) + k)
        _clear_slot(w, i, k)
        _log(w, time, i, SERVICE_LEAVE, resource, pool, units, -1)


# --- clocks that run out ----------------------------------------------------------------------------------


@njit(cache=True)
def _onset(w: World, i: int, time: float) -> None:
    """The first service whose onset, or the first mark whose end, has come."""
    _settle(w, i, time)
    for k in range(w.settings[SLOTS]):
        slot = w.slots[i, k]
        if slot.state == SLOT_HELD and slot.onset_time <= time:
            slot.onset_time = NEVER
            slot.acting = 1
            _log(w, time, i, ONSET, w.pool_resource[slot.pool], slot.pool, slot.units, -1)
            _refresh(w, i, time)
            return
    for m in range(w.marks.shape[1]):
        if w.marks[i, m] > -NEVER and w.marks[i, m] <= time:
            w.marks[i, m] = -NEVER
            _log(w, time, i, MARK_END, -1, -1, 0, m)
            _refresh(w, i, time)
            return


@njit(cache=True)
def _patience_ends(w: World, i: int, time: float) -> None:
    """A wait longer than patience, or an absence longer than a service is kept."""
    p = w.patients[i]
    if p.status == WAITING and p.patience_end <= time:
        _settle(w, i, time)
        _broken(w, i, time, 0)
        return
    for k in range(w.settings[SLOTS]):
        slot = w.slots[i, k]
        if slot.state != SLOT_NONE and slot.keep_end <= time:
            _end_service(w, i, time, k)
            _refresh(w, i, time)
            return


@njit(cache=True)
def _reorient(w: World, i: int, time: float) -> None:
    """The rollout reaches a patient: in an anchor step the new mix decides (T11)."""
    p = w.patients[i]
    p.reorient_time = NEVER
    if p.step < 0 or w.steps[p.step, IS_ANCHOR] == 0 or p.status == MOVING or p.status == GONE:
        return
    pathway = _orient(w, i)
    if pathway < 0 or pathway == p.pathway:
        return
    _log(w, time, i, REORIENT, -1, -1, 0, pathway)
    _depart(w, i, time, w.entry[pathway])
    _refresh(w, i, time)


@njit(cache=True)
def _arrive(w: World, i: int, time: float) -> None:
    p = w.patients[i]
    pathway = _orient(w, i)
    p.pathway = pathway
    p.settled = time
    p.awaited = w.entry[pathway]
    p.status = MOVING
    p.request_time = time
    _log(w, time, i, ARRIVE, -1, -1, 0, pathway)


@njit(cache=True)
def _act(w: World, entity: int, time: float, urgency: int) -> None:
    """Let the pending event of an entity happen."""
    if entity >= len(w.patients):
        _units_ready(w, entity - len(w.patients))
        return
    if urgency == FIRST_RELEASE:
        _stay_ends(w, entity, time)
    elif urgency == AT_HAZARD:
        _hazard_strikes(w, entity, time)
    elif urgency == AT_ONSET:
        _onset(w, entity, time)
    elif urgency == AT_PATIENCE:
        _patience_ends(w, entity, time)
    elif urgency == AT_REORIENT:
        _reorient(w, entity, time)
    else:
        _request(w, entity, time)
    _reschedule(w, entity)


@njit(cache=True, nogil=True)
def _run(w: World, arrivals: npt.NDArray[np.int64], progress: npt.NDArray[np.int64], until: float, room: int) -> bool:
    """Let everything before `until` happen; False when the log is nearly full and must be emptied first.

    arrivals: patients still to come, by (time, patient); progress: next arrival, next capacity change.
    """
    while w.counters[LOGGED] < room:
        time = NEVER
        urgency = 8
        source = 0
        if w.counters[HEAP_SIZE] > 0:
            top = w.heap[0]
            time = w.due[top]
            urgency = w.urgency[top]
        if progress[1] < len(w.change_time):
            change = w.change_time[progress[1]]
            if change < time or (change == time and urgency > 1):
                time = change
                urgency = 1
                source = 1
        if progress[0] < len(arrivals):
            arrival = w.patients[arrivals[progress[0]]].arrival
            if arrival < time:
                time = arrival
                source = 2
        if not time < until:
            return True
        if source == 0:
            _act(w, w.heap[0], time, urgency)
        elif source == 1:
            pool = w.change[progress[1], 0]
            w.pools[pool, CAPACITY_OF] = w.change[progress[1], 1]
            progress[1] += 1
            _log(w, time, -1, CAPACITY, w.pool_resource[pool], pool, w.pools[pool, CAPACITY_OF], -1)
            _soil(w, pool)
        else:
            patient = arrivals[progress[0]]
            progress[0] += 1
            _arrive(w, patient, time)
            _reschedule(w, patient)
        _serve_all(w, time)
    return False


@njit(cache=True)
def _begin(w: World, waiting: npt.NDArray[np.int64], rollout: float, rollout_purpose: np.uint64) -> None:
    """Put those present on the heap and in their lines; who must change pathway gets a keyed time for it (T11)."""
    for row in range(len(waiting)):
        _queue(w, waiting[row, 0], waiting[row, 1], waiting[row, 2])
    for i in range(len(w.patients)):
        p = w.patients[i]
        if p.status == TO_COME or p.status == GONE:
            continue
        if rollout >= 0.0 and p.step >= 0 and w.steps[p.step, IS_ANCHOR] == 1:
            pathway = _orient(w, i)
            if pathway >= 0 and pathway != p.pathway:
                draw = uniform(w.settings[SEED], w.settings[REPLICATION], p.chooser, p.group, rollout_purpose, 0)
                p.reorient_time = p.settled + draw * rollout
        _reschedule(w, i)
    for pool in range(len(w.pools)):
        ring = w.ring[pool]
        if ring[RING_COUNT] > 0:
            _schedule(w, len(w.patients) + pool, w.turnover[ring[RING_START] + ring[RING_FIRST], 0], FIRST_RELEASE)


# --- the driver -------------------------------------------------------------------------------------------

_CHUNK = 1 << 19


def run(
    model: FlatModel, plan: FlatPlan, state: State, *, seed: int, replication: int, until: float, rollout: float | None
) -> tuple[EventArray, State]:
    """Run one component from a state until a time; return what happened and the state then.

    Events at `until` itself are left to come. `rollout`: days over which those in an anchor step are
    re-oriented by the plan's mix; None: not at all (a warm-up). The given state is not changed.
    """
    state = state.copy()
    w = _world(model, plan, state, seed, replication)
    _begin(
        w, state.waiting, -1.0 if rollout is None else rollout, np.uint64(purpose("rollout"))
    )
    to_come = np.flatnonzero(state.patients["status"] == TO_COME)
    arrivals = to_come[np.lexsort((to_come, state.patients["arrival"][to_come]))]
    progress = np.zeros(2, dtype=np.int64)
    room = len(w.log) - _margin(state)
    chunks = []
    finished = False
    while not finished:
        finished = _run(w, arrivals, progress, until, room)
        written = int(w.counters[LOGGED])
        if written > len(w.log):
            raise EventLogOverflowError(written, len(w.log))
        chunks.append(w.log[:written].copy())
        w.counters[LOGGED] = 0
    return np.concatenate(chunks), _state_after(w, state, until)


class EventLogOverflowError(RuntimeError):
    """One instant wrote more events than the margin allows: the log would be cut, so the run is refused."""

    def __init__(self, written: int, room: int) -> None:
        super().__init__(f"one instant wrote {written} event records, more than the {room} there is room for")


def _margin(state: State) -> int:
    return 4096 + 8 * len(state.patients)


def _world(model: FlatModel, plan: FlatPlan, state: State, seed: int, replication: int) -> World:
    patients, slots = state.slots.shape
    pools = len(model.pool_resource)
    units = _units_in_use(model, state)
    greatest = np.maximum(plan.capacity.astype(np.int64), units)
    np.maximum.at(greatest, plan.change_pool, plan.change_capacity)
    ring, turnover = _rings(model, state, greatest)
    columns = np.zeros((pools, 4), dtype=np.int64)
    columns[:, CAPACITY_OF] = plan.capacity
    columns[:, IN_USE] = units
    return World(
        group=model.group,
        contexts=model.contexts,
        services=model.services,
        routes=model.routes,
        hazards=model.hazards,
        steps=np.stack([model.step_pathway, model.step_anchor, model.step_exit, model.step_name], axis=1),
        name_purpose=model.name_purpose,
        hazard_purpose=model.hazard_purpose,
        entry=model.entry,
        orientation=np.stack([model.orientation_purpose, model.acceptance_purpose], axis=1),
        acceptance=model.acceptance.ravel(),
        fallback=model.fallback.ravel(),
        pool_of=model.pool_of,
        pool_turnover=model.pool_turnover,
        pool_resource=model.pool_resource,
        neighbour_start=model.neighbour_start,
        neighbours=model.neighbours,
        share=plan.share.ravel(),
        change_time=plan.change_time,
        change=np.stack([plan.change_pool, plan.change_capacity], axis=1),
        patients=state.patients,
        slots=state.slots,
        clocks=state.clocks,
        marks=state.marks,
        visits=state.visits,
        pools=columns,
        heads=np.full((pools * model.levels, 2), -1, dtype=np.int64),
        links=np.full((patients * (slots + 1), 2), -1, dtype=np.int32),
        heap=np.full(patients + pools, -1, dtype=np.int64),
        place=np.full(patients + pools, -1, dtype=np.int64),
        due=np.full(patients + pools, NEVER),
        urgency=np.zeros(patients + pools, dtype=np.int64),
        dirty=np.zeros(max(1, pools), dtype=np.int64),
        counters=np.zeros(4, dtype=np.int64),
        settings=np.array(
            [seed, replication, model.profiles, model.pathways, model.levels, slots, model.resources], dtype=np.int64
        ),
        turnover=turnover,
        ring=ring,
        log=np.zeros(_CHUNK + _margin(state), dtype=EVENT),
    )


def _units_in_use(model: FlatModel, state: State) -> npt.NDArray[np.int64]:
    """Return the units each pool has out: gates, services held, units being made ready."""
    units = np.zeros(len(model.pool_resource), dtype=np.int64)
    gated = state.patients["gate_pool"] >= 0
    np.add.at(units, state.patients["gate_pool"][gated], state.patients["gate_units"][gated])
    held = state.slots["state"] == SLOT_HELD
    np.add.at(units, state.slots["pool"][held], state.slots["units"][held])
    np.add.at(units, state.turnover_pool, state.turnover_units)
    return units


def _rings(
    model: FlatModel, state: State, greatest: npt.NDArray[np.int64]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
    """Lay out the rings of units being made ready; each entry is a unit or more out of a pool's greatest number."""
    pools = len(model.pool_resource)
    room = np.where(model.pool_turnover > 0.0, greatest + 1, 1)
    np.maximum.at(room, state.turnover_pool, np.bincount(state.turnover_pool, minlength=pools)[state.turnover_pool] + 1)
    ring = np.zeros((pools, 4), dtype=np.int64)
    ring[:, RING_ROOM] = room
    ring[:, RING_START] = np.cumsum(room) - room
    turnover = np.zeros((int(room.sum()), 2))
    for time, pool, units in zip(state.turnover_time, state.turnover_pool, state.turnover_units, strict=True):
        turnover[ring[pool, RING_START] + ring[pool, RING_COUNT]] = (time, units)
        ring[pool, RING_COUNT] += 1
    return ring, turnover


def _state_after(w: World, state: State, until: float) -> State:
    times, pools, units = [], [], []
    for pool, (start, room, first, count) in enumerate(w.ring):
        for number in range(count):
            time, amount = w.turnover[start + (first + number) % room]
            times.append(time)
            pools.append(pool)
            units.append(int(amount))
    waiting = []
    levels = int(w.settings[LEVELS])
    for row, (head, _) in enumerate(w.heads):
        entry = int(head)
        while entry >= 0:
            waiting.append((row // levels, row % levels, entry))
            entry = int(w.links[entry, NEXT])
    return State(
        time=until,
        patients=state.patients,
        slots=state.slots,
        clocks=state.clocks,
        marks=state.marks,
        visits=state.visits,
        turnover_time=np.array(times, dtype=np.float64),
        turnover_pool=np.array(pools, dtype=np.int32),
        turnover_units=np.array(units, dtype=np.int32),
        waiting=np.array(waiting, dtype=np.int64).reshape(-1, 3),
    )
