"""The rules T1-T12 as compiled code: an indexed heap with one pending event per patient.

It reads the flat model and writes event records; the SimPy engine runs the same rules on the same keyed
numbers and writes the same list. Everything works on one bundle of arrays, `World`; the functions below are
in the order in which a patient meets them, from arrival to exit.
"""

import math
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from numba import carray, njit, types
from numba.extending import intrinsic

from simulation.compilation import CONTEXT, HAZARD, ROUTE, SERVICE, FlatModel, FlatPlan
from simulation.records import EVENT, EventArray
from simulation.state import CLOCK, PATIENT, SLOT, State
from simulation.streams import duration, purpose, uniform, uniform_pair, unit_exponential

# Kinds of event record (records.Event) and of urgency (records.UrgencyKind), as plain integers for numba.
ARRIVE, WAIT, ENTER, BREAK, HAZARD_EVENT, PROFILE = 1, 2, 3, 4, 5, 6
SERVICE_ASK, SERVICE_GRANT, SERVICE_END, SERVICE_LEAVE, SERVICE_ABSENT, SERVICE_RETURN = 7, 8, 9, 10, 11, 12
ONSET, GATE_END, MARK, MARK_END, REORIENT, CAPACITY, EXIT, LEAVE = 13, 14, 15, 16, 17, 18, 19, 20
FIRST_RELEASE, AT_HAZARD, AT_ONSET, AT_PATIENCE, AT_REORIENT, AT_REQUEST = 0, 2, 3, 4, 5, 6
TO_COME, STAYING, WAITING, MOVING, GONE = 0, 1, 2, 3, 4
SLOT_NONE, SLOT_WAITING, SLOT_HELD = 0, 1, 2
BY_DESTINATION = -2

# Positions in the world's table of numbers: settings, sizes and counters first, then addresses of arrays.
SEED, REPLICATION, PROFILES, PATHWAYS, LEVELS, SLOTS = 0, 1, 2, 3, 4, 5
PATIENTS, POOLS, HAZARDS, MARKS, NAMES, CHANGES, RESOURCES, ROOM = 6, 7, 8, 9, 10, 11, 12, 13
HEAP_SIZE, LOGGED, DIRTY_FIRST, DIRTY_COUNT = 14, 15, 16, 17
FIRST_ADDRESS = 18
# Columns of the tables that are plain numbers.
CAPACITY_OF, IN_USE, QUEUED, IS_DIRTY = 0, 1, 2, 3  # pools
PATHWAY_OF, IS_ANCHOR, IS_EXIT, NAME_OF = 0, 1, 2, 3  # steps
RING_START, RING_ROOM, RING_FIRST, RING_COUNT = 0, 1, 2, 3  # rings of units being made ready
PREVIOUS, NEXT = 0, 1  # links
NEVER = math.inf

World = npt.NDArray[np.int64]  # the table of numbers; the arrays live in an `Arrays` beside it


class Arrays(NamedTuple):
    """The arrays of one run: model, plan, state, then working memory; addresses stand in the world in this order."""

    contexts: npt.NDArray[np.void]
    services: npt.NDArray[np.void]
    routes: npt.NDArray[np.void]
    hazards: npt.NDArray[np.void]
    steps: npt.NDArray[np.int64]  # [S, 4] pathway, anchor, exit, name
    name_purpose: npt.NDArray[np.uint64]
    hazard_purpose: npt.NDArray[np.uint64]
    entry: npt.NDArray[np.int32]
    orientation: npt.NDArray[np.uint64]  # [W, 2] orientation and acceptance purposes
    acceptance: npt.NDArray[np.float64]  # [Z * P * W]
    fallback: npt.NDArray[np.int32]  # [Z * P * W]
    pool_of: npt.NDArray[np.int32]  # [Z, R]
    pool_turnover: npt.NDArray[np.float64]
    pool_resource: npt.NDArray[np.int32]
    neighbour_start: npt.NDArray[np.int32]
    neighbours: npt.NDArray[np.int32]
    share: npt.NDArray[np.float64]  # [Z * P * W]
    change_time: npt.NDArray[np.float64]
    change: npt.NDArray[np.int32]  # [changes, 2] pool, capacity
    patients: npt.NDArray[np.void]
    slots: npt.NDArray[np.void]
    clocks: npt.NDArray[np.void]
    marks: npt.NDArray[np.float64]
    visits: npt.NDArray[np.int32]
    pools: npt.NDArray[np.int64]  # [Q, 4] capacity, units in use, number waiting, dirty
    heads: npt.NDArray[np.int64]  # [Q * L, 2] first and last entry of each list
    links: npt.NDArray[np.int32]  # [n * (K + 1), 2] previous and next entry
    heap: npt.NDArray[np.int64]  # [n + Q] entities
    place: npt.NDArray[np.int64]  # [n + Q] position in the heap; -1: none
    due: npt.NDArray[np.float64]  # [n + Q] time of the pending event
    urgency: npt.NDArray[np.int64]  # [n + Q] its kind
    dirty: npt.NDArray[np.int64]  # [Q] pools to serve, first in first out
    turnover: npt.NDArray[np.float64]  # [room, 2] (time, units) being made ready, a ring per pool
    ring: npt.NDArray[np.int64]  # [Q, 4] where the pool's ring starts, its room, its first, its number
    log: EventArray


# One table of numbers instead of a tuple of arrays: passing 35 arrays to every function costs a minute of
# compilation and half the speed.


@intrinsic  # type: ignore[untyped-decorator]
def _pointer(typing_context: Any, address: Any) -> Any:
    """Turn an address into a pointer."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.inttoptr(arguments[0], context.get_value_type(signature.return_type))

    return types.voidptr(types.int64), generate


@njit(cache=True)
def contexts_of(w: World) -> npt.NDArray[np.void]:
    return carray(_pointer(w[FIRST_ADDRESS + 0]), (1,), CONTEXT)


@njit(cache=True)
def services_of(w: World) -> npt.NDArray[np.void]:
    return carray(_pointer(w[FIRST_ADDRESS + 1]), (1,), SERVICE)


@njit(cache=True)
def routes_of(w: World) -> npt.NDArray[np.void]:
    return carray(_pointer(w[FIRST_ADDRESS + 2]), (1,), ROUTE)


@njit(cache=True)
def hazards_of(w: World) -> npt.NDArray[np.void]:
    return carray(_pointer(w[FIRST_ADDRESS + 3]), (1,), HAZARD)


@njit(cache=True)
def steps_of(w: World) -> npt.NDArray[np.int64]:
    return carray(_pointer(w[FIRST_ADDRESS + 4]), (1, 4), np.int64)


@njit(cache=True)
def name_purpose_of(w: World) -> npt.NDArray[np.uint64]:
    return carray(_pointer(w[FIRST_ADDRESS + 5]), (1,), np.uint64)


@njit(cache=True)
def hazard_purpose_of(w: World) -> npt.NDArray[np.uint64]:
    return carray(_pointer(w[FIRST_ADDRESS + 6]), (1,), np.uint64)


@njit(cache=True)
def entry_of(w: World) -> npt.NDArray[np.int32]:
    return carray(_pointer(w[FIRST_ADDRESS + 7]), (1,), np.int32)


@njit(cache=True)
def orientation_of(w: World) -> npt.NDArray[np.uint64]:
    return carray(_pointer(w[FIRST_ADDRESS + 8]), (1, 2), np.uint64)


@njit(cache=True)
def acceptance_of(w: World) -> npt.NDArray[np.float64]:
    return carray(_pointer(w[FIRST_ADDRESS + 9]), (1,), np.float64)


@njit(cache=True)
def fallback_of(w: World) -> npt.NDArray[np.int32]:
    return carray(_pointer(w[FIRST_ADDRESS + 10]), (1,), np.int32)


@njit(cache=True)
def pool_of_of(w: World) -> npt.NDArray[np.int32]:
    return carray(_pointer(w[FIRST_ADDRESS + 11]), (1, w[RESOURCES]), np.int32)


@njit(cache=True)
def pool_turnover_of(w: World) -> npt.NDArray[np.float64]:
    return carray(_pointer(w[FIRST_ADDRESS + 12]), (1,), np.float64)


@njit(cache=True)
def pool_resource_of(w: World) -> npt.NDArray[np.int32]:
    return carray(_pointer(w[FIRST_ADDRESS + 13]), (1,), np.int32)


@njit(cache=True)
def neighbour_start_of(w: World) -> npt.NDArray[np.int32]:
    return carray(_pointer(w[FIRST_ADDRESS + 14]), (1,), np.int32)


@njit(cache=True)
def neighbours_of(w: World) -> npt.NDArray[np.int32]:
    return carray(_pointer(w[FIRST_ADDRESS + 15]), (1,), np.int32)


@njit(cache=True)
def share_of(w: World) -> npt.NDArray[np.float64]:
    return carray(_pointer(w[FIRST_ADDRESS + 16]), (1,), np.float64)


@njit(cache=True)
def change_time_of(w: World) -> npt.NDArray[np.float64]:
    return carray(_pointer(w[FIRST_ADDRESS + 17]), (1,), np.float64)


@njit(cache=True)
def change_of(w: World) -> npt.NDArray[np.int32]:
    return carray(_pointer(w[FIRST_ADDRESS + 18]), (1, 2), np.int32)


@njit(cache=True)
def patients_of(w: World) -> npt.NDArray[np.void]:
    return carray(_pointer(w[FIRST_ADDRESS + 19]), (1,), PATIENT)


@njit(cache=True)
def slots_of(w: World) -> npt.NDArray[np.void]:
    return carray(_pointer(w[FIRST_ADDRESS + 20]), (1, w[SLOTS]), SLOT)


@njit(cache=True)
def clocks_of(w: World) -> npt.NDArray[np.void]:
    return carray(_pointer(w[FIRST_ADDRESS + 21]), (1, w[HAZARDS]), CLOCK)


@njit(cache=True)
def marks_of(w: World) -> npt.NDArray[np.float64]:
    return carray(_pointer(w[FIRST_ADDRESS + 22]), (1, w[MARKS]), np.float64)


@njit(cache=True)
def visits_of(w: World) -> npt.NDArray[np.int32]:
    return carray(_pointer(w[FIRST_ADDRESS + 23]), (1, w[NAMES]), np.int32)


@njit(cache=True)
def pools_of(w: World) -> npt.NDArray[np.int64]:
    return carray(_pointer(w[FIRST_ADDRESS + 24]), (1, 4), np.int64)


@njit(cache=True)
def heads_of(w: World) -> npt.NDArray[np.int64]:
    return carray(_pointer(w[FIRST_ADDRESS + 25]), (1, 2), np.int64)


@njit(cache=True)
def links_of(w: World) -> npt.NDArray[np.int32]:
    return carray(_pointer(w[FIRST_ADDRESS + 26]), (1, 2), np.int32)


@njit(cache=True)
def heap_of(w: World) -> npt.NDArray[np.int64]:
    return carray(_pointer(w[FIRST_ADDRESS + 27]), (1,), np.int64)


@njit(cache=True)
def place_of(w: World) -> npt.NDArray[np.int64]:
    return carray(_pointer(w[FIRST_ADDRESS + 28]), (1,), np.int64)


@njit(cache=True)
def due_of(w: World) -> npt.NDArray[np.float64]:
    return carray(_pointer(w[FIRST_ADDRESS + 29]), (1,), np.float64)


@njit(cache=True)
def urgency_of(w: World) -> npt.NDArray[np.int64]:
    return carray(_pointer(w[FIRST_ADDRESS + 30]), (1,), np.int64)


@njit(cache=True)
def dirty_of(w: World) -> npt.NDArray[np.int64]:
    return carray(_pointer(w[FIRST_ADDRESS + 31]), (1,), np.int64)


@njit(cache=True)
def turnover_of(w: World) -> npt.NDArray[np.float64]:
    return carray(_pointer(w[FIRST_ADDRESS + 32]), (1, 2), np.float64)


@njit(cache=True)
def ring_of(w: World) -> npt.NDArray[np.int64]:
    return carray(_pointer(w[FIRST_ADDRESS + 33]), (1, 4), np.int64)


@njit(cache=True)
def log_of(w: World) -> npt.NDArray[np.void]:
    return carray(_pointer(w[FIRST_ADDRESS + 34]), (1,), EVENT)


# --- the log ---------------------------------------------------------------------------------------------


@njit(cache=True)
def _log(w: World, time: float, patient: int, kind: int, resource: int, pool: int, units: int, detail: int) -> None:
    number = w[LOGGED]
    w[LOGGED] = number + 1
    if number >= w[ROOM]:
        return  # the driver sees the count and refuses the run
    record = log_of(w)[number]
    record.time = time
    record.patient = patient
    record.kind = kind
    if patient >= 0:
        record.profile = patients_of(w)[patient].profile
        record.step = patients_of(w)[patient].step
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
    if due_of(w)[one] != due_of(w)[other]:
        return bool(due_of(w)[one] < due_of(w)[other])
    if urgency_of(w)[one] != urgency_of(w)[other]:
        return bool(urgency_of(w)[one] < urgency_of(w)[other])
    return one < other


@njit(cache=True)
def _sift_up(w: World, position: int, entity: int) -> None:
    while position > 0:
        parent = (position - 1) >> 1
        above = heap_of(w)[parent]
        if not _before(w, entity, above):
            break
        heap_of(w)[position] = above
        place_of(w)[above] = position
        position = parent
    heap_of(w)[position] = entity
    place_of(w)[entity] = position


@njit(cache=True)
def _sift_down(w: World, position: int, entity: int) -> None:
    size = w[HEAP_SIZE]
    while True:
        child = 2 * position + 1
        if child >= size:
            break
        if child + 1 < size and _before(w, heap_of(w)[child + 1], heap_of(w)[child]):
            child += 1
        below = heap_of(w)[child]
        if not _before(w, below, entity):
            break
        heap_of(w)[position] = below
        place_of(w)[below] = position
        position = child
    heap_of(w)[position] = entity
    place_of(w)[entity] = position


@njit(cache=True)
def _schedule(w: World, entity: int, time: float, urgency: int) -> None:
    """Set an entity's pending event; at time infinity it has none."""
    position = place_of(w)[entity]
    if position >= 0 and due_of(w)[entity] == time and urgency_of(w)[entity] == urgency:
        return
    if time == NEVER:
        if position >= 0:
            _unschedule(w, entity, position)
        return
    due_of(w)[entity] = time
    urgency_of(w)[entity] = urgency
    if position < 0:
        position = w[HEAP_SIZE]
        w[HEAP_SIZE] = position + 1
    elif position > 0 and not _before(w, entity, heap_of(w)[(position - 1) >> 1]):
        _sift_down(w, position, entity)
        return
    elif position == 0:
        _sift_down(w, position, entity)
        return
    _sift_up(w, position, entity)


@njit(cache=True)
def _unschedule(w: World, entity: int, position: int) -> None:
    place_of(w)[entity] = -1
    size = w[HEAP_SIZE] - 1
    w[HEAP_SIZE] = size
    last = heap_of(w)[size]
    if last == entity:
        return
    if position > 0 and _before(w, last, heap_of(w)[(position - 1) >> 1]):
        _sift_up(w, position, last)
    else:
        _sift_down(w, position, last)


@njit(cache=True)
def _reschedule(w: World, i: int) -> None:
    """Make the earliest of a patient's clocks the pending event."""
    p = patients_of(w)[i]
    time = NEVER
    urgency = FIRST_RELEASE
    if p.status == STAYING:
        time = p.stay_end
    if p.hazard_time < time:
        time = p.hazard_time
        urgency = AT_HAZARD
    for k in range(w[SLOTS]):
        slot = slots_of(w)[i, k]
        if slot.state == SLOT_NONE:
            continue
        if slot.onset_time < time or (slot.onset_time == time and urgency > AT_ONSET):
            time = slot.onset_time
            urgency = AT_ONSET
        if slot.keep_end < time or (slot.keep_end == time and urgency > AT_PATIENCE):
            time = slot.keep_end
            urgency = AT_PATIENCE
    for m in range(w[MARKS]):
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
    _schedule(w, i, time, urgency)


# --- waiting lists and pools (T4, T9) ---------------------------------------------------------------------


@njit(cache=True)
def _queue(w: World, pool: int, level: int, entry: int) -> None:
    """Put an entry (patient and slot; the last slot is the gate) at the end of its list."""
    row = pool * w[LEVELS] + level
    last = heads_of(w)[row, 1]
    links_of(w)[entry, PREVIOUS] = last
    links_of(w)[entry, NEXT] = -1
    if last < 0:
        heads_of(w)[row, 0] = entry
    else:
        links_of(w)[last, NEXT] = entry
    heads_of(w)[row, 1] = entry
    pools_of(w)[pool, QUEUED] += 1


@njit(cache=True)
def _unqueue(w: World, pool: int, level: int, entry: int) -> None:
    row = pool * w[LEVELS] + level
    previous = links_of(w)[entry, PREVIOUS]
    following = links_of(w)[entry, NEXT]
    if previous < 0:
        heads_of(w)[row, 0] = following
    else:
        links_of(w)[previous, NEXT] = following
    if following < 0:
        heads_of(w)[row, 1] = previous
    else:
        links_of(w)[following, PREVIOUS] = previous
    pools_of(w)[pool, QUEUED] -= 1
    _soil(w, pool)  # the new head may fit where the old one did not


@njit(cache=True)
def _soil(w: World, pool: int) -> None:
    """Note that a pool's lists must be served before the next event."""
    if pools_of(w)[pool, IS_DIRTY] == 0:
        pools_of(w)[pool, IS_DIRTY] = 1
        size = w[POOLS]
        dirty_of(w)[(w[DIRTY_FIRST] + w[DIRTY_COUNT]) % size] = pool
        w[DIRTY_COUNT] += 1


@njit(cache=True)
def _room_for(w: World, pool: int, units: int) -> bool:
    return bool(pools_of(w)[pool, IN_USE] + units <= pools_of(w)[pool, CAPACITY_OF])


@njit(cache=True)
def _first_in_line(w: World, pool: int, level: int) -> bool:
    """Whether a newcomer of this rank would head the pool's lists."""
    if pools_of(w)[pool, QUEUED] == 0:
        return True
    for rank in range(level + 1):
        if heads_of(w)[pool * w[LEVELS] + rank, 0] >= 0:
            return False
    return True


@njit(cache=True)
def _find_pool(w: World, own: int, units: int, level: int) -> int:
    """Return the pool that serves a request at once: the own one, else the nearest of the basin whose list is empty."""
    if _first_in_line(w, own, level) and _room_for(w, own, units):
        return own
    for n in range(neighbour_start_of(w)[own], neighbour_start_of(w)[own + 1]):
        other = neighbours_of(w)[n]
        if pools_of(w)[other, QUEUED] == 0 and _room_for(w, other, units):
            return int(other)
    return -1


@njit(cache=True)
def _give_back(w: World, time: float, pool: int, units: int) -> None:
    """Give units back: free at once, or after the pool's turnover."""
    delay = pool_turnover_of(w)[pool]
    if delay > 0.0:
        ring = ring_of(w)[pool]
        position = ring[RING_START] + (ring[RING_FIRST] + ring[RING_COUNT]) % ring[RING_ROOM]
        turnover_of(w)[position, 0] = time + delay
        turnover_of(w)[position, 1] = units
        ring[RING_COUNT] += 1
        if ring[RING_COUNT] == 1:
            _schedule(w, w[PATIENTS] + pool, time + delay, FIRST_RELEASE)
        return
    pools_of(w)[pool, IN_USE] -= units
    _soil(w, pool)


@njit(cache=True)
def _units_ready(w: World, pool: int) -> None:
    """A unit has been made ready: it is free, and the next one's time is set."""
    ring = ring_of(w)[pool]
    position = ring[RING_START] + ring[RING_FIRST]
    pools_of(w)[pool, IN_USE] -= int(turnover_of(w)[position, 1])
    ring[RING_FIRST] = (ring[RING_FIRST] + 1) % ring[RING_ROOM]
    ring[RING_COUNT] -= 1
    entity = w[PATIENTS] + pool
    if ring[RING_COUNT] > 0:
        _schedule(w, entity, turnover_of(w)[ring[RING_START] + ring[RING_FIRST], 0], FIRST_RELEASE)
    else:
        _schedule(w, entity, NEVER, FIRST_RELEASE)
    _soil(w, pool)


@njit(cache=True)
def _head(w: World, pool: int) -> int:
    """Return the entry that heads a pool's lists, -1 when nobody waits."""
    if pools_of(w)[pool, QUEUED] == 0:
        return -1
    for level in range(w[LEVELS]):
        entry = heads_of(w)[pool * w[LEVELS] + level, 0]
        if entry >= 0:
            return int(entry)
    return -1


@njit(cache=True)
def _entry_request(w: World, entry: int) -> tuple[int, int, float]:
    """Return units, rank and time of asking of a waiting entry."""
    i, k = divmod(entry, w[SLOTS] + 1)
    if k == w[SLOTS]:
        p = patients_of(w)[i]
        return p.asked_units, p.asked_level, p.asked
    slot = slots_of(w)[i, k]
    return slot.units, slot.level, slot.asked


@njit(cache=True)
def _next_in_basin(w: World, pool: int) -> int:
    """Return whom a freed unit serves when its own list is empty: the basin's best rank, then first asked (T9)."""
    best = -1
    best_level = 0
    best_asked = 0.0
    best_pool = 0
    for n in range(neighbour_start_of(w)[pool], neighbour_start_of(w)[pool + 1]):
        other = neighbours_of(w)[n]
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
        i, k = divmod(entry, w[SLOTS] + 1)
        if k == w[SLOTS]:
            _grant_gate(w, time, i, pool)
        else:
            _grant_service(w, time, i, k, pool)


@njit(cache=True)
def _serve_all(w: World, time: float) -> None:
    while w[DIRTY_COUNT] > 0:
        pool = dirty_of(w)[w[DIRTY_FIRST]]
        w[DIRTY_FIRST] = (w[DIRTY_FIRST] + 1) % w[POOLS]
        w[DIRTY_COUNT] -= 1
        pools_of(w)[pool, IS_DIRTY] = 0
        _serve(w, time, pool)


# --- orientation (T3, T10) --------------------------------------------------------------------------------


@njit(cache=True)
def _orient(w: World, i: int) -> int:
    """Return the pathway with the least E / share, or its fallback for those who refuse; -1: none is offered."""
    p = patients_of(w)[i]
    pathways = w[PATHWAYS]
    row = (p.zone * w[PROFILES] + p.profile) * pathways
    best = -1
    least = NEVER
    for pathway in range(pathways):
        share = share_of(w)[row + pathway]
        if share <= 0.0:
            continue
        draw = unit_exponential(
            uniform(w[SEED], w[REPLICATION], p.chooser, p.group, orientation_of(w)[pathway, 0], 0)
        )
        if draw / share < least:
            least = draw / share
            best = pathway
    if best >= 0 and acceptance_of(w)[row + best] < 1.0:
        accepts = uniform(w[SEED], w[REPLICATION], p.chooser, p.group, orientation_of(w)[best, 1], 0)
        if accepts >= acceptance_of(w)[row + best] and fallback_of(w)[row + best] >= 0:
            return int(fallback_of(w)[row + best])
    return best


# --- hazards (T6) -----------------------------------------------------------------------------------------


@njit(cache=True)
def _settle(w: World, i: int, time: float) -> None:
    """Consume the hazard budgets up to now at the rates in force."""
    p = patients_of(w)[i]
    elapsed = time - p.settled
    if elapsed > 0.0:
        for h in range(w[HAZARDS]):
            clock = clocks_of(w)[i, h]
            if clock.rate > 0.0:
                clock.budget = clock.budget - clock.rate * elapsed
    p.settled = time


@njit(cache=True)
def _applies(w: World, i: int, row: int) -> bool:
    hazard = hazards_of(w)[row]
    if hazard.slot >= 0:
        return bool(slots_of(w)[i, hazard.slot].acting == 1)
    if hazard.mark_needed >= 0:
        return bool(marks_of(w)[i, hazard.mark_needed] > -NEVER)
    return True


@njit(cache=True)
def _add_rates(w: World, i: int, start: int, end: int) -> None:
    for row in range(start, end):
        hazard = hazards_of(w)[row]
        if not math.isnan(hazard.rate) and _applies(w, i, row):
            clock = clocks_of(w)[i, hazard.hazard]
            clock.rate = clock.rate + hazard.rate * hazard.factor


@njit(cache=True)
def _multiply_rates(w: World, i: int, start: int, end: int) -> None:
    for row in range(start, end):
        hazard = hazards_of(w)[row]
        if math.isnan(hazard.rate) and _applies(w, i, row):
            clock = clocks_of(w)[i, hazard.hazard]
            clock.rate = clock.rate * hazard.factor


@njit(cache=True)
def _refresh(w: World, i: int, time: float) -> None:
    """Settle, take the rates of the present context, and find the next hazard to strike."""
    _settle(w, i, time)
    p = patients_of(w)[i]
    for h in range(w[HAZARDS]):
        clocks_of(w)[i, h].rate = 0.0
    profiles = w[PROFILES]
    if p.step >= 0:
        here = contexts_of(w)[p.step * profiles + p.profile]
        _add_rates(w, i, here.stay_start, here.stay_end)
        _multiply_rates(w, i, here.stay_start, here.stay_end)
    if p.status == WAITING:
        there = contexts_of(w)[p.awaited * profiles + p.profile]
        _add_rates(w, i, there.wait_start, there.wait_end)
        _multiply_rates(w, i, there.wait_start, there.wait_end)
    p.hazard_time = NEVER
    p.hazard = -1
    for h in range(w[HAZARDS]):
        clock = clocks_of(w)[i, h]
        if clock.rate > 0.0:
            if math.isnan(clock.budget):
                clock.budget = unit_exponential(
                    uniform(
                        w[SEED], w[REPLICATION], p.ordinal, p.group, hazard_purpose_of(w)[h], clock.count
                    )
                )
            strikes = time + max(clock.budget, 0.0) / clock.rate
            if strikes < p.hazard_time:
                p.hazard_time = strikes
                p.hazard = h


@njit(cache=True)
def _weight(w: World, i: int, row: int, hazard: int) -> float:
    """Return a row's part in the rate of a hazard (before what multiplies them all)."""
    candidate = hazards_of(w)[row]
    if candidate.hazard != hazard or math.isnan(candidate.rate) or not _applies(w, i, row):
        return 0.0
    return float(candidate.rate * candidate.factor)


@njit(cache=True)
def _row_that_strikes(w: World, i: int, hazard: int) -> int:
    """Return the rated row that a striking hazard means; several of one name share it by their rates."""
    p = patients_of(w)[i]
    here = p.step * w[PROFILES] + p.profile
    start, end, more, last = 0, 0, 0, 0
    if p.step >= 0:
        start, end = contexts_of(w)[here].stay_start, contexts_of(w)[here].stay_end
    if p.status == WAITING:
        there = p.awaited * w[PROFILES] + p.profile
        more, last = contexts_of(w)[there].wait_start, contexts_of(w)[there].wait_end
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
        w[SEED],
        w[REPLICATION],
        p.ordinal,
        p.group,
        hazard_purpose_of(w)[hazard],
        clocks_of(w)[i, hazard].count,
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
    p = patients_of(w)[i]
    if profile >= 0 and profile != p.profile:
        former = p.profile
        p.profile = profile
        _log(w, time, i, PROFILE, -1, -1, 0, former)
        if p.status != MOVING and p.step >= 0 and steps_of(w)[p.step, IS_ANCHOR] == 1:
            p.reorient_time = time
    if mark >= 0:
        marks_of(w)[i, mark] = time + mark_time
        _log(w, time, i, MARK, -1, -1, 0, mark)


@njit(cache=True)
def _hazard_strikes(w: World, i: int, time: float) -> None:
    p = patients_of(w)[i]
    hazard = p.hazard
    _settle(w, i, time)
    row = _row_that_strikes(w, i, hazard)
    clocks_of(w)[i, hazard].budget = math.nan
    clocks_of(w)[i, hazard].count += 1
    _log(w, time, i, HAZARD_EVENT, -1, -1, 0, hazard)
    move = hazards_of(w)[row]
    _change(w, i, time, move.profile, move.mark, move.mark_time)
    if move.to >= 0:
        _depart(w, i, time, move.to)
    _refresh(w, i, time)


# --- gates and stays (T4, T5, T8) -------------------------------------------------------------------------


@njit(cache=True)
def _release_gate(w: World, i: int, time: float) -> None:
    p = patients_of(w)[i]
    if p.gate_pool >= 0:
        pool, units = p.gate_pool, p.gate_units
        p.gate_pool = -1
        p.gate_units = 0
        _log(w, time, i, GATE_END, pool_resource_of(w)[pool], pool, units, -1)
        _give_back(w, time, pool, units)


@njit(cache=True)
def _keeps_gate(w: World, i: int, target: int) -> bool:
    """Whether the gate stays with the patient on the way: held while waiting, or needed there as a service."""
    p = patients_of(w)[i]
    if p.gate_pool < 0:
        return False
    there = contexts_of(w)[target * w[PROFILES] + p.profile]
    if there.hold == 1:
        return True
    for row in range(there.service_start, there.service_end):
        if services_of(w)[row].resource == pool_resource_of(w)[p.gate_pool]:
            return True
    return False


@njit(cache=True)
def _leave_line(w: World, i: int) -> None:
    """Leave the waiting list of the awaited gate."""
    p = patients_of(w)[i]
    if p.status == WAITING:
        slots = w[SLOTS]
        _unqueue(w, p.asked_pool, p.asked_level, i * (slots + 1) + slots)
        p.asked_pool = -1
        p.patience_end = NEVER


@njit(cache=True)
def _depart(w: World, i: int, time: float, target: int) -> None:
    """End the present episode: the request for the next step is a separate event at the same time (T1)."""
    _leave_line(w, i)
    p = patients_of(w)[i]
    if not _keeps_gate(w, i, target):
        _release_gate(w, i, time)
    p.status = MOVING
    p.awaited = target
    p.stay_end = NEVER
    p.request_time = time


@njit(cache=True)
def _stay_ends(w: World, i: int, time: float) -> None:
    p = patients_of(w)[i]
    here = contexts_of(w)[p.step * w[PROFILES] + p.profile]
    route = p.route
    if route < 0:
        route = _route(w, here.route_start, here.route_end, p.routing)
    move = routes_of(w)[route]
    target = move.to
    _settle(w, i, time)
    _change(w, i, time, move.profile, move.mark, move.mark_time)
    _depart(w, i, time, target)
    _refresh(w, i, time)


@njit(cache=True)
def _route(w: World, start: int, end: int, draw: float) -> int:
    for row in range(start, end - 1):
        if draw < routes_of(w)[row].cumulative:
            return row
    return end - 1


@njit(cache=True)
def _request(w: World, i: int, time: float) -> None:
    """Ask to enter the awaited step: orientation at an anchor, then the gate."""
    p = patients_of(w)[i]
    target = p.awaited
    p.request_time = NEVER
    if p.transfer >= 0 and (p.status != MOVING or steps_of(w)[target, IS_ANCHOR] == 1):
        _leave_line(w, i)
        target = services_of(w)[slots_of(w)[i, p.transfer].row].leads_to
        p.transfer = -1
    elif steps_of(w)[target, IS_ANCHOR] == 1:
        pathway = _orient(w, i)
        if pathway >= 0 and pathway != steps_of(w)[target, PATHWAY_OF]:
            _log(w, time, i, REORIENT, -1, -1, 0, pathway)
            target = entry_of(w)[pathway]
    p.status = MOVING
    _ask_gate(w, i, time, target)


@njit(cache=True)
def _ask_gate(w: World, i: int, time: float, target: int) -> None:
    p = patients_of(w)[i]
    p.awaited = target
    there = contexts_of(w)[target * w[PROFILES] + p.profile]
    if p.gate_pool >= 0 and not _keeps_gate(w, i, target):
        _release_gate(w, i, time)
    if there.gate < 0:
        _enter(w, i, time, -1, 0)
        return
    own = pool_of_of(w)[p.zone, there.gate]
    _log(w, time, i, WAIT, there.gate, own, there.amount, target)
    for k in range(w[SLOTS]):
        slot = slots_of(w)[i, k]
        if slot.state == SLOT_HELD and pool_resource_of(w)[slot.pool] == there.gate and slot.units >= there.amount:
            _use_unit_in_hand(w, i, time, k, there.amount)
            return
    pool = _find_pool(w, own, there.amount, there.level)
    if pool >= 0:
        pools_of(w)[pool, IN_USE] += there.amount
        _enter(w, i, time, pool, there.amount)
        return
    if there.queue_limit >= 0 and pools_of(w)[own, QUEUED] >= there.queue_limit:
        _broken(w, i, time, 1)
        return
    slots = w[SLOTS]
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
    slot = slots_of(w)[i, k]
    pool = slot.pool
    spare = slot.units - amount
    _clear_slot(w, i, k)
    _log(w, time, i, SERVICE_END, pool_resource_of(w)[pool], pool, 0, -1)
    if spare > 0:
        _give_back(w, time, pool, spare)
    _enter(w, i, time, pool, amount)


@njit(cache=True)
def _broken(w: World, i: int, time: float, why: int) -> None:
    """A wait is broken: patience ran out (0) or the line was full (1)."""
    p = patients_of(w)[i]
    _log(w, time, i, BREAK, -1, -1, why, p.awaited)
    there = contexts_of(w)[p.awaited * w[PROFILES] + p.profile]
    if there.on_break >= 0:
        _depart(w, i, time, there.on_break)
        _refresh(w, i, time)
    else:
        _leave_line(w, i)
        _gone(w, i, time, LEAVE)


@njit(cache=True)
def _gone(w: World, i: int, time: float, kind: int) -> None:
    """The story ends: everything held is given back, every line left."""
    p = patients_of(w)[i]
    _log(w, time, i, kind, -1, -1, 0, p.awaited)
    _release_gate(w, i, time)
    for k in range(w[SLOTS]):
        _end_service(w, i, time, k)
    _settle(w, i, time)
    p.status = GONE
    p.awaited = -1
    p.stay_end = NEVER
    p.patience_end = NEVER
    p.hazard_time = NEVER
    p.reorient_time = NEVER
    p.request_time = NEVER
    for m in range(w[MARKS]):
        marks_of(w)[i, m] = -NEVER


@njit(cache=True)
def _grant_gate(w: World, time: float, i: int, pool: int) -> None:
    """A waiting patient gets the gate: the former step ends now."""
    p = patients_of(w)[i]
    units = p.asked_units
    _leave_line(w, i)
    pools_of(w)[pool, IN_USE] += units
    if p.gate_pool >= 0 and not _needs_as_service(w, i, p.awaited):
        _release_gate(w, i, time)
    _enter(w, i, time, pool, units)
    _reschedule(w, i)


@njit(cache=True)
def _needs_as_service(w: World, i: int, target: int) -> bool:
    p = patients_of(w)[i]
    there = contexts_of(w)[target * w[PROFILES] + p.profile]
    for row in range(there.service_start, there.service_end):
        if services_of(w)[row].resource == pool_resource_of(w)[p.gate_pool]:
            return True
    return False


@njit(cache=True)
def _enter(w: World, i: int, time: float, pool: int, units: int) -> None:
    """Begin the stay in the awaited step, with the gate's units taken."""
    p = patients_of(w)[i]
    target = p.awaited
    _settle(w, i, time)
    former_pool, former_units = p.gate_pool, p.gate_units
    if former_pool >= 0 and not _needs_as_service(w, i, target):
        _release_gate(w, i, time)
        former_pool = -1
    former = p.step
    p.step = target
    p.pathway = steps_of(w)[target, PATHWAY_OF]
    p.gate_pool = pool
    p.gate_units = units
    p.patience_end = NEVER
    _log(w, time, i, ENTER, -1 if pool < 0 else pool_resource_of(w)[pool], pool, units, former)
    if steps_of(w)[target, IS_EXIT] == 1:
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
    p = patients_of(w)[i]
    here = contexts_of(w)[p.step * w[PROFILES] + p.profile]
    name = steps_of(w)[p.step, NAME_OF]
    visit = visits_of(w)[i, name]
    visits_of(w)[i, name] = visit + 1
    length, routing = uniform_pair(
        w[SEED], w[REPLICATION], p.ordinal, p.group, name_purpose_of(w)[name], visit
    )
    p.routing = routing
    p.route = -1
    if here.law == BY_DESTINATION:
        p.route = _route(w, here.route_start, here.route_end, routing)
        move = routes_of(w)[p.route]
        if move.law >= 0:
            p.stay_end = time + duration(move.law, move.a, move.b, move.c, length)
            return
    p.stay_end = time + duration(here.law, here.a, here.b, here.c, length)


# --- services (T7) ----------------------------------------------------------------------------------------


@njit(cache=True)
def _begin_services(w: World, i: int, time: float, former_pool: int, former_units: int) -> None:
    """On entry: end or keep what this step does not have, then ask for what it has."""
    p = patients_of(w)[i]
    here = contexts_of(w)[p.step * w[PROFILES] + p.profile]
    for k in range(w[SLOTS]):
        slot = slots_of(w)[i, k]
        if slot.state == SLOT_NONE or slot.active == 0:
            continue
        needed = False
        for row in range(here.service_start, here.service_end):
            if services_of(w)[row].slot == k:
                needed = True
        if not needed:
            if services_of(w)[slot.row].keep > 0.0:
                slot.active = 0
                slot.keep_end = time + services_of(w)[slot.row].keep
                _log(w, time, i, SERVICE_ABSENT, pool_resource_of(w)[slot.pool], slot.pool, slot.units, -1)
            else:
                _end_service(w, i, time, k)
    for row in range(here.service_start, here.service_end):
        _ask_service(w, i, time, row, former_pool, former_units)


@njit(cache=True)
def _ask_service(w: World, i: int, time: float, row: int, former_pool: int, former_units: int) -> None:
    p = patients_of(w)[i]
    service = services_of(w)[row]
    k = service.slot
    slot = slots_of(w)[i, k]
    own = pool_of_of(w)[p.zone, service.resource]
    if slot.state != SLOT_NONE:
        _resume_service(w, i, time, k, row)
        if former_pool >= 0 and pool_resource_of(w)[former_pool] == service.resource:
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
    if former_pool >= 0 and pool_resource_of(w)[former_pool] == service.resource:
        _log(w, time, i, GATE_END, service.resource, former_pool, former_units, -1)
        _hold_service(w, i, time, k, former_pool, former_units)
        return
    pool = _find_pool(w, own, service.amount, service.level)
    if pool >= 0:
        pools_of(w)[pool, IN_USE] += service.amount
        _hold_service(w, i, time, k, pool, service.amount)
        return
    slot.state = SLOT_WAITING
    _queue(w, own, service.level, i * (w[SLOTS] + 1) + k)


@njit(cache=True)
def _resume_service(w: World, i: int, time: float, k: int, row: int) -> None:
    """A service already held or awaited is needed here too; less is given back, more is taken if free."""
    slot = slots_of(w)[i, k]
    service = services_of(w)[row]
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
    elif change > 0 and pools_of(w)[slot.pool, QUEUED] == 0 and _room_for(w, slot.pool, change):
        pools_of(w)[slot.pool, IN_USE] += change
        slot.units = service.amount
        _log(w, time, i, SERVICE_GRANT, service.resource, slot.pool, slot.units, -1)
    if slot.state == SLOT_HELD:
        _lead_on(w, i, time, k)


@njit(cache=True)
def _lead_on(w: World, i: int, time: float, k: int) -> None:
    """A unit that leads to a step is taken there at the end of the episode: at once in an anchor step."""
    p = patients_of(w)[i]
    if services_of(w)[slots_of(w)[i, k].row].leads_to >= 0:
        p.transfer = k
        if p.step >= 0 and steps_of(w)[p.step, IS_ANCHOR] == 1 and p.status != MOVING:
            p.request_time = time


@njit(cache=True)
def _hold_service(w: World, i: int, time: float, k: int, pool: int, units: int) -> None:
    """The units of a service are the patient's from now on; it acts after its onset."""
    slot = slots_of(w)[i, k]
    service = services_of(w)[slot.row]
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
    slot = slots_of(w)[i, k]
    units = slot.units
    _unqueue(w, slot.pool, slot.level, i * (w[SLOTS] + 1) + k)
    pools_of(w)[pool, IN_USE] += units
    _hold_service(w, i, time, k, pool, units)
    _refresh(w, i, time)
    _reschedule(w, i)


@njit(cache=True)
def _clear_slot(w: World, i: int, k: int) -> None:
    slot = slots_of(w)[i, k]
    slot.state = SLOT_NONE
    slot.active = 0
    slot.acting = 0
    slot.onset_time = NEVER
    slot.keep_end = NEVER
    slot.units = 0
    if patients_of(w)[i].transfer == k:
        patients_of(w)[i].transfer = -1


@njit(cache=True)
def _end_service(w: World, i: int, time: float, k: int) -> None:
    """Give a service back, or leave its waiting list."""
    slot = slots_of(w)[i, k]
    if slot.state == SLOT_NONE:
        return
    pool, units = slot.pool, slot.units
    resource = services_of(w)[slot.row].resource
    if slot.state == SLOT_HELD:
        _clear_slot(w, i, k)
        _log(w, time, i, SERVICE_END, resource, pool, 0, -1)
        _give_back(w, time, pool, units)
    else:
        _unqueue(w, pool, slot.level, i * (w[SLOTS] + 1) + k)
        _clear_slot(w, i, k)
        _log(w, time, i, SERVICE_LEAVE, resource, pool, units, -1)


# --- clocks that run out ----------------------------------------------------------------------------------


@njit(cache=True)
def _onset(w: World, i: int, time: float) -> None:
    """The first service whose onset, or the first mark whose end, has come."""
    _settle(w, i, time)
    for k in range(w[SLOTS]):
        slot = slots_of(w)[i, k]
        if slot.state == SLOT_HELD and slot.onset_time <= time:
            slot.onset_time = NEVER
            slot.acting = 1
            _log(w, time, i, ONSET, pool_resource_of(w)[slot.pool], slot.pool, slot.units, -1)
            _refresh(w, i, time)
            return
    for m in range(w[MARKS]):
        if marks_of(w)[i, m] > -NEVER and marks_of(w)[i, m] <= time:
            marks_of(w)[i, m] = -NEVER
            _log(w, time, i, MARK_END, -1, -1, 0, m)
            _refresh(w, i, time)
            return


@njit(cache=True)
def _patience_ends(w: World, i: int, time: float) -> None:
    """A wait longer than patience, or an absence longer than a service is kept."""
    p = patients_of(w)[i]
    if p.status == WAITING and p.patience_end <= time:
        _settle(w, i, time)
        _broken(w, i, time, 0)
        return
    for k in range(w[SLOTS]):
        slot = slots_of(w)[i, k]
        if slot.state != SLOT_NONE and slot.keep_end <= time:
            _end_service(w, i, time, k)
            _refresh(w, i, time)
            return


@njit(cache=True)
def _reorient(w: World, i: int, time: float) -> None:
    """The rollout reaches a patient: in an anchor step the new mix decides (T11)."""
    p = patients_of(w)[i]
    p.reorient_time = NEVER
    if p.step < 0 or steps_of(w)[p.step, IS_ANCHOR] == 0 or p.status == MOVING or p.status == GONE:
        return
    pathway = _orient(w, i)
    if pathway < 0 or pathway == p.pathway:
        return
    _log(w, time, i, REORIENT, -1, -1, 0, pathway)
    _depart(w, i, time, entry_of(w)[pathway])
    _refresh(w, i, time)


@njit(cache=True)
def _arrive(w: World, i: int, time: float) -> None:
    p = patients_of(w)[i]
    pathway = _orient(w, i)
    p.pathway = pathway
    p.settled = time
    p.awaited = entry_of(w)[pathway]
    p.status = MOVING
    p.request_time = time
    _log(w, time, i, ARRIVE, -1, -1, 0, pathway)


@njit(cache=True)
def _act(w: World, entity: int, time: float, urgency: int) -> None:
    """Let the pending event of an entity happen."""
    if entity >= w[PATIENTS]:
        _units_ready(w, entity - w[PATIENTS])
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
    while w[LOGGED] < room:
        time = NEVER
        urgency = 8
        source = 0
        if w[HEAP_SIZE] > 0:
            top = heap_of(w)[0]
            time = due_of(w)[top]
            urgency = urgency_of(w)[top]
        if progress[1] < w[CHANGES]:
            change = change_time_of(w)[progress[1]]
            if change < time or (change == time and urgency > 1):
                time = change
                urgency = 1
                source = 1
        if progress[0] < len(arrivals):
            arrival = patients_of(w)[arrivals[progress[0]]].arrival
            if arrival < time:
                time = arrival
                source = 2
        if not time < until:
            return True
        if source == 0:
            _act(w, heap_of(w)[0], time, urgency)
        elif source == 1:
            pool = change_of(w)[progress[1], 0]
            pools_of(w)[pool, CAPACITY_OF] = change_of(w)[progress[1], 1]
            progress[1] += 1
            _log(w, time, -1, CAPACITY, pool_resource_of(w)[pool], pool, pools_of(w)[pool, CAPACITY_OF], -1)
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
    for i in range(w[PATIENTS]):
        p = patients_of(w)[i]
        if p.status == TO_COME or p.status == GONE:
            continue
        if rollout >= 0.0 and p.step >= 0 and steps_of(w)[p.step, IS_ANCHOR] == 1:
            pathway = _orient(w, i)
            if pathway >= 0 and pathway != p.pathway:
                draw = uniform(w[SEED], w[REPLICATION], p.chooser, p.group, rollout_purpose, 0)
                p.reorient_time = p.settled + draw * rollout
        _reschedule(w, i)
    for pool in range(w[POOLS]):
        ring = ring_of(w)[pool]
        if ring[RING_COUNT] > 0:
            _schedule(w, w[PATIENTS] + pool, turnover_of(w)[ring[RING_START] + ring[RING_FIRST], 0], FIRST_RELEASE)


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
    arrays = _arrays(model, plan, state)
    w = _world(model, arrays, seed, replication)
    _begin(
        w, state.waiting, -1.0 if rollout is None else rollout, np.uint64(purpose("rollout"))
    )
    to_come = np.flatnonzero(state.patients["status"] == TO_COME)
    arrivals = to_come[np.lexsort((to_come, state.patients["arrival"][to_come]))]
    progress = np.zeros(2, dtype=np.int64)
    room = len(arrays.log) - _margin(state)
    chunks = []
    finished = False
    while not finished:
        finished = _run(w, arrivals, progress, until, room)
        written = int(w[LOGGED])
        if written > len(arrays.log):
            raise EventLogOverflowError(written, len(arrays.log))
        chunks.append(arrays.log[:written].copy())
        w[LOGGED] = 0
    return np.concatenate(chunks), _state_after(arrays, state, model.levels, until)


class EventLogOverflowError(RuntimeError):
    """One instant wrote more events than the margin allows: the log would be cut, so the run is refused."""

    def __init__(self, written: int, room: int) -> None:
        super().__init__(f"one instant wrote {written} event records, more than the {room} there is room for")


def _margin(state: State) -> int:
    return 4096 + 8 * len(state.patients)


def _arrays(model: FlatModel, plan: FlatPlan, state: State) -> Arrays:
    patients, slots = state.slots.shape
    pools = len(model.pool_resource)
    units = _units_in_use(model, state)
    greatest = np.maximum(plan.capacity.astype(np.int64), units)
    np.maximum.at(greatest, plan.change_pool, plan.change_capacity)
    ring, turnover = _rings(model, state, greatest)
    columns = np.zeros((pools, 4), dtype=np.int64)
    columns[:, CAPACITY_OF] = plan.capacity
    columns[:, IN_USE] = units
    steps = [model.step_pathway, model.step_anchor, model.step_exit, model.step_name]
    arrays = Arrays(
        contexts=model.contexts,
        services=model.services,
        routes=model.routes,
        hazards=model.hazards,
        steps=np.stack(steps, axis=1).astype(np.int64),
        name_purpose=model.name_purpose,
        hazard_purpose=model.hazard_purpose,
        entry=model.entry,
        orientation=np.stack([model.orientation_purpose, model.acceptance_purpose], axis=1),
        acceptance=model.acceptance,
        fallback=model.fallback,
        pool_of=model.pool_of,
        pool_turnover=model.pool_turnover,
        pool_resource=model.pool_resource,
        neighbour_start=model.neighbour_start,
        neighbours=model.neighbours,
        share=plan.share,
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
        dirty=np.zeros(pools, dtype=np.int64),
        turnover=turnover,
        ring=ring,
        log=np.zeros(_CHUNK + _margin(state), dtype=EVENT),
    )
    return Arrays(*(np.ascontiguousarray(array) for array in arrays))


def _world(model: FlatModel, arrays: Arrays, seed: int, replication: int) -> World:
    """Return the table of numbers over the arrays, which must outlive it."""
    w = np.zeros(FIRST_ADDRESS + len(arrays), dtype=np.int64)
    w[SEED], w[REPLICATION], w[PROFILES], w[PATHWAYS] = seed, replication, model.profiles, model.pathways
    w[LEVELS], w[SLOTS], w[PATIENTS], w[POOLS] = model.levels, len(model.slot_resource), len(arrays.patients), len(arrays.pools)
    w[HAZARDS], w[MARKS], w[NAMES] = len(model.hazard_names), len(model.mark_names), len(model.name_purpose)
    w[CHANGES], w[RESOURCES], w[ROOM] = len(arrays.change_time), model.resources, len(arrays.log)
    w[FIRST_ADDRESS:] = [array.ctypes.data for array in arrays]
    return w


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


def _state_after(arrays: Arrays, state: State, levels: int, until: float) -> State:
    times, pools, units = [], [], []
    for pool, (start, room, first, count) in enumerate(arrays.ring):
        for number in range(count):
            time, amount = arrays.turnover[start + (first + number) % room]
            times.append(time)
            pools.append(pool)
            units.append(int(amount))
    waiting = []
    for row, (head, _) in enumerate(arrays.heads):
        entry = int(head)
        while entry >= 0:
            waiting.append((row // levels, row % levels, entry))
            entry = int(arrays.links[entry, NEXT])
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
