"""The bundle that compiled functions work on: a table of numbers with the addresses of all arrays.

Passing 35 arrays to every compiled function costs a minute of compilation and half the speed; one table of
numbers costs neither. The arrays stay in an `Arrays`, which must outlive the table.
"""

import math
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from numba import carray, njit, types
from numba.extending import intrinsic

from simulation.flat_model import CONTEXT, HAZARD, ROUTE, SERVICE
from simulation.records import EVENT, EventArray
from simulation.state import CLOCK, PATIENT, SLOT

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


@intrinsic
def _pointer(typing_context: object, address: object) -> tuple[object, object]:
    """Turn an address into a pointer."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> object:  # noqa: ANN401
        return builder.inttoptr(arguments[0], context.get_value_type(signature.return_type))

    return types.voidptr(types.int64), generate


@njit(cache=True)
def contexts_of(w: World) -> npt.NDArray[np.void]:
    """Return the array `contexts`."""
    return carray(_pointer(w[FIRST_ADDRESS + 0]), (1,), CONTEXT)


@njit(cache=True)
def services_of(w: World) -> npt.NDArray[np.void]:
    """Return the array `services`."""
    return carray(_pointer(w[FIRST_ADDRESS + 1]), (1,), SERVICE)


@njit(cache=True)
def routes_of(w: World) -> npt.NDArray[np.void]:
    """Return the array `routes`."""
    return carray(_pointer(w[FIRST_ADDRESS + 2]), (1,), ROUTE)


@njit(cache=True)
def hazards_of(w: World) -> npt.NDArray[np.void]:
    """Return the array `hazards`."""
    return carray(_pointer(w[FIRST_ADDRESS + 3]), (1,), HAZARD)


@njit(cache=True)
def steps_of(w: World) -> npt.NDArray[np.int64]:
    """Return the array `steps`."""
    return carray(_pointer(w[FIRST_ADDRESS + 4]), (1, 4), np.int64)


@njit(cache=True)
def name_purpose_of(w: World) -> npt.NDArray[np.uint64]:
    """Return the array `name_purpose`."""
    return carray(_pointer(w[FIRST_ADDRESS + 5]), (1,), np.uint64)


@njit(cache=True)
def hazard_purpose_of(w: World) -> npt.NDArray[np.uint64]:
    """Return the array `hazard_purpose`."""
    return carray(_pointer(w[FIRST_ADDRESS + 6]), (1,), np.uint64)


@njit(cache=True)
def entry_of(w: World) -> npt.NDArray[np.int32]:
    """Return the array `entry`."""
    return carray(_pointer(w[FIRST_ADDRESS + 7]), (1,), np.int32)


@njit(cache=True)
def orientation_of(w: World) -> npt.NDArray[np.uint64]:
    """Return the array `orientation`."""
    return carray(_pointer(w[FIRST_ADDRESS + 8]), (1, 2), np.uint64)


@njit(cache=True)
def acceptance_of(w: World) -> npt.NDArray[np.float64]:
    """Return the array `acceptance`."""
    return carray(_pointer(w[FIRST_ADDRESS + 9]), (1,), np.float64)


@njit(cache=True)
def fallback_of(w: World) -> npt.NDArray[np.int32]:
    """Return the array `fallback`."""
    return carray(_pointer(w[FIRST_ADDRESS + 10]), (1,), np.int32)


@njit(cache=True)
def pool_of_of(w: World) -> npt.NDArray[np.int32]:
    """Return the array `pool_of`."""
    return carray(_pointer(w[FIRST_ADDRESS + 11]), (1, w[RESOURCES]), np.int32)


@njit(cache=True)
def pool_turnover_of(w: World) -> npt.NDArray[np.float64]:
    """Return the array `pool_turnover`."""
    return carray(_pointer(w[FIRST_ADDRESS + 12]), (1,), np.float64)


@njit(cache=True)
def pool_resource_of(w: World) -> npt.NDArray[np.int32]:
    """Return the array `pool_resource`."""
    return carray(_pointer(w[FIRST_ADDRESS + 13]), (1,), np.int32)


@njit(cache=True)
def neighbour_start_of(w: World) -> npt.NDArray[np.int32]:
    """Return the array `neighbour_start`."""
    return carray(_pointer(w[FIRST_ADDRESS + 14]), (1,), np.int32)


@njit(cache=True)
def neighbours_of(w: World) -> npt.NDArray[np.int32]:
    """Return the array `neighbours`."""
    return carray(_pointer(w[FIRST_ADDRESS + 15]), (1,), np.int32)


@njit(cache=True)
def share_of(w: World) -> npt.NDArray[np.float64]:
    """Return the array `share`."""
    return carray(_pointer(w[FIRST_ADDRESS + 16]), (1,), np.float64)


@njit(cache=True)
def change_time_of(w: World) -> npt.NDArray[np.float64]:
    """Return the array `change_time`."""
    return carray(_pointer(w[FIRST_ADDRESS + 17]), (1,), np.float64)


@njit(cache=True)
def change_of(w: World) -> npt.NDArray[np.int32]:
    """Return the array `change`."""
    return carray(_pointer(w[FIRST_ADDRESS + 18]), (1, 2), np.int32)


@njit(cache=True)
def patients_of(w: World) -> npt.NDArray[np.void]:
    """Return the array `patients`."""
    return carray(_pointer(w[FIRST_ADDRESS + 19]), (1,), PATIENT)


@njit(cache=True)
def slots_of(w: World) -> npt.NDArray[np.void]:
    """Return the array `slots`."""
    return carray(_pointer(w[FIRST_ADDRESS + 20]), (1, w[SLOTS]), SLOT)


@njit(cache=True)
def clocks_of(w: World) -> npt.NDArray[np.void]:
    """Return the array `clocks`."""
    return carray(_pointer(w[FIRST_ADDRESS + 21]), (1, w[HAZARDS]), CLOCK)


@njit(cache=True)
def marks_of(w: World) -> npt.NDArray[np.float64]:
    """Return the array `marks`."""
    return carray(_pointer(w[FIRST_ADDRESS + 22]), (1, w[MARKS]), np.float64)


@njit(cache=True)
def visits_of(w: World) -> npt.NDArray[np.int32]:
    """Return the array `visits`."""
    return carray(_pointer(w[FIRST_ADDRESS + 23]), (1, w[NAMES]), np.int32)


@njit(cache=True)
def pools_of(w: World) -> npt.NDArray[np.int64]:
    """Return the array `pools`."""
    return carray(_pointer(w[FIRST_ADDRESS + 24]), (1, 4), np.int64)


@njit(cache=True)
def heads_of(w: World) -> npt.NDArray[np.int64]:
    """Return the array `heads`."""
    return carray(_pointer(w[FIRST_ADDRESS + 25]), (1, 2), np.int64)


@njit(cache=True)
def links_of(w: World) -> npt.NDArray[np.int32]:
    """Return the array `links`."""
    return carray(_pointer(w[FIRST_ADDRESS + 26]), (1, 2), np.int32)


@njit(cache=True)
def heap_of(w: World) -> npt.NDArray[np.int64]:
    """Return the array `heap`."""
    return carray(_pointer(w[FIRST_ADDRESS + 27]), (1,), np.int64)


@njit(cache=True)
def place_of(w: World) -> npt.NDArray[np.int64]:
    """Return the array `place`."""
    return carray(_pointer(w[FIRST_ADDRESS + 28]), (1,), np.int64)


@njit(cache=True)
def due_of(w: World) -> npt.NDArray[np.float64]:
    """Return the array `due`."""
    return carray(_pointer(w[FIRST_ADDRESS + 29]), (1,), np.float64)


@njit(cache=True)
def urgency_of(w: World) -> npt.NDArray[np.int64]:
    """Return the array `urgency`."""
    return carray(_pointer(w[FIRST_ADDRESS + 30]), (1,), np.int64)


@njit(cache=True)
def dirty_of(w: World) -> npt.NDArray[np.int64]:
    """Return the array `dirty`."""
    return carray(_pointer(w[FIRST_ADDRESS + 31]), (1,), np.int64)


@njit(cache=True)
def turnover_of(w: World) -> npt.NDArray[np.float64]:
    """Return the array `turnover`."""
    return carray(_pointer(w[FIRST_ADDRESS + 32]), (1, 2), np.float64)


@njit(cache=True)
def ring_of(w: World) -> npt.NDArray[np.int64]:
    """Return the array `ring`."""
    return carray(_pointer(w[FIRST_ADDRESS + 33]), (1, 4), np.int64)


@njit(cache=True)
def log_of(w: World) -> npt.NDArray[np.void]:
    """Return the array `log`."""
    return carray(_pointer(w[FIRST_ADDRESS + 34]), (1,), EVENT)


@njit(cache=True)
def write_record(
    w: World, time: float, patient: int, kind: int, resource: int, pool: int, units: int, detail: int
) -> None:
    """Write one event record, with the patient as it is now."""
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
