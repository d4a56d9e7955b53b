"""The bundle that compiled functions work on: one record of numbers with the addresses of all arrays.

Passing 35 arrays to every compiled function costs a minute of compilation and half the speed; one record
costs neither. The arrays stay in an `Arrays`, which must outlive the record.
"""

import math
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from llvmlite import ir
from numba import carray, njit, types
from numba.core import cgutils
from numba.extending import intrinsic

from simulation.flat_model import CONTEXT, HAZARD, ROUTE, SERVICE
from simulation.records import EVENT, EventArray
from simulation.state import CLOCK, PATIENT, SLOT, STAY

# Kinds of event record (records.Event) and of urgency (records.UrgencyKind), as plain integers for numba.
ARRIVE, WAIT, ENTER, BREAK, HAZARD_EVENT, PROFILE = 1, 2, 3, 4, 5, 6
SERVICE_ASK, SERVICE_GRANT, SERVICE_END, SERVICE_LEAVE, SERVICE_ABSENT, SERVICE_RETURN = 7, 8, 9, 10, 11, 12
ONSET, GATE_END, MARK, MARK_END, REORIENT, CAPACITY, EXIT, LEAVE = 13, 14, 15, 16, 17, 18, 19, 20
FIRST_RELEASE, AT_HAZARD, AT_ONSET, AT_PATIENCE, AT_REORIENT, AT_REQUEST = 0, 2, 3, 4, 5, 6
TO_COME, STAYING, WAITING, MOVING, GONE = 0, 1, 2, 3, 4
SLOT_NONE, SLOT_WAITING, SLOT_HELD = 0, 1, 2
BY_DESTINATION = -2

# Rows of the tables that only this engine has.
STEP = np.dtype(
    [
        ("purpose", np.uint64),  # of its name, in the streams
        ("name", np.int64),
        ("pathway", np.int64),
        ("is_anchor", np.int64),
        ("is_exit", np.int64),
    ],
    align=True,
)
POOL = np.dtype(
    [
        ("capacity", np.int64),
        ("in_use", np.int64),
        ("queued", np.int64),
        ("is_dirty", np.int64),
        ("resource", np.int64),
        ("turnover", np.float64),
        ("start", np.int64),  # its ring of units being made ready: where, how many rows, the first of them, how many
        ("room", np.int64),
        ("first", np.int64),
        ("count", np.int64),
        ("neighbour_start", np.int64),  # its rows of `neighbours`
        ("neighbour_end", np.int64),
    ],
    align=True,
)
HEAD = np.dtype([("first", np.int64), ("last", np.int64)], align=True)  # entries of a waiting list; -1: none
LINK = np.dtype([("previous", np.int32), ("following", np.int32)], align=True)  # of an entry in its list
READY = np.dtype([("time", np.float64), ("units", np.int64)], align=True)  # units being made ready
PLACE = np.dtype([("leaf", np.int32)])  # of the calendar; -1: none
MARK_ROW = np.dtype([("end", np.float64)])
VISITS = np.dtype([("count", np.int32)])

NEVER = math.inf
PATIENT_SIZE, SLOT_SIZE, CLOCK_SIZE = PATIENT.itemsize, SLOT.itemsize, CLOCK.itemsize

# A pending event: in one number the kind and the entity (a patient, or behind them a pool), then when, as a number
# that sorts as the time does (`moment_of`). Read as one number of 128 bits, entries sort by time, kind, entity (T1).
ENTRY = np.dtype([("order", np.int64), ("moment", np.int64)], align=True)
Entry = Any  # one record of `ENTRY`
URGENCY_SHIFT = 40
ENTITY = (1 << URGENCY_SHIFT) - 1


class Arrays(NamedTuple):
    """The arrays of one run: model, plan, state, then working memory; addresses stand in the world in this order."""

    contexts: npt.NDArray[np.void]
    services: npt.NDArray[np.void]
    routes: npt.NDArray[np.void]
    hazards: npt.NDArray[np.void]
    steps: npt.NDArray[np.void]  # [S]
    hazard_purpose: npt.NDArray[np.uint64]
    entry: npt.NDArray[np.int32]
    orientation: npt.NDArray[np.uint64]  # [W, 2] orientation and acceptance purposes
    acceptance: npt.NDArray[np.float64]  # [Z * P * W]
    fallback: npt.NDArray[np.int32]  # [Z * P * W]
    pool_of: npt.NDArray[np.int32]  # [Z, R]
    neighbours: npt.NDArray[np.int32]
    share: npt.NDArray[np.float64]  # [Z * P * W]
    change_time: npt.NDArray[np.float64]
    change: npt.NDArray[np.int32]  # [changes, 2] pool, capacity
    patients: npt.NDArray[np.void]
    slots: npt.NDArray[np.void]
    clocks: npt.NDArray[np.void]
    stays: npt.NDArray[np.void]  # [n, S] drawn ahead
    marks: npt.NDArray[np.float64]
    visits: npt.NDArray[np.int32]
    pools: npt.NDArray[np.void]  # [Q]
    heads: npt.NDArray[np.void]  # [Q * L] of each waiting list
    links: npt.NDArray[np.void]  # [n * (K + 1)] of each entry: patient and slot (the last: the gate)
    calendar: npt.NDArray[np.void]  # [>= 2 (n + Q)] tree of pending events (`ENTRY`), the root at 1
    free: npt.NDArray[np.int32]  # [n + Q] leaves of the calendar that were given back
    place: npt.NDArray[np.void]  # [n + Q] where each patient and pool stands in the calendar
    dirty: npt.NDArray[np.int64]  # [Q] pools to serve, first in first out
    turnover: npt.NDArray[np.void]  # [room] units being made ready, a ring for each pool
    log: EventArray


# Settings, sizes and counters first, then the address of each array.
WORLD = np.dtype(
    [
        ("seed", np.int64),
        ("replication", np.int64),
        ("profiles", np.int64),
        ("pathways", np.int64),
        ("levels", np.int64),
        ("slots", np.int64),
        ("patients", np.int64),
        ("pools", np.int64),
        ("hazards", np.int64),
        ("marks", np.int64),
        ("names", np.int64),
        ("resources", np.int64),
        ("changes", np.int64),
        ("room", np.int64),
        ("is_large", np.int64),
        ("steps", np.int64),  # S when stays are drawn ahead, else 0
        ("leaves", np.int64),  # of the calendar
        ("leaves_used", np.int64),
        ("free_count", np.int64),
        ("logged", np.int64),
        ("mover", np.int64),  # whose request was the last, when, and how many of theirs at that time came before it
        ("moved_at", np.float64),
        ("moves", np.int64),
        ("dirty_first", np.int64),
        ("dirty_count", np.int64),
        *((f"{name}_address", np.int64) for name in Arrays._fields),
    ]
)
World = Any  # one record of `WORLD`, which numba passes as a bare pointer: no reference counts, no sizes


@intrinsic
def _pointer(typing_context: object, address: object) -> tuple[object, object]:
    """Turn an address into a pointer."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> object:  # noqa: ANN401
        return builder.inttoptr(arguments[0], context.get_value_type(signature.return_type))

    return types.voidptr(types.int64), generate


@intrinsic
def _record_of(typing_context: object, address: object, row: object, dtype: Any) -> tuple[object, object]:  # noqa: ANN401
    """Point at a row of a table of records: unlike an array's index, a row is never counted from the end."""
    layout = dtype.dtype

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> object:  # noqa: ANN401
        size = ir.Constant(ir.IntType(64), layout.size)
        place = builder.add(arguments[0], builder.mul(arguments[1], size))
        return builder.inttoptr(place, context.get_value_type(signature.return_type))

    return layout(types.int64, types.int64, dtype), generate


@intrinsic
def _prefetch(typing_context: object, address: object) -> tuple[object, object]:
    """Ask the processor to bring a line of memory near; nothing is read."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> object:  # noqa: ANN401
        pointer, number = ir.IntType(8).as_pointer(), ir.IntType(32)
        kind = ir.FunctionType(ir.VoidType(), [pointer, number, number, number])
        function = cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0")
        read, near, data = (ir.Constant(number, value) for value in (0, 3, 1))
        builder.call(function, [builder.inttoptr(arguments[0], pointer), read, near, data])
        return context.get_dummy_value()

    return types.void(types.int64), generate


@njit(cache=True, forceinline=True)
def bring_near(w: World, patient: int) -> None:
    """Ask for a patient's memory while another's event happens: among many patients, waiting for it costs most."""
    for line in range(3):
        _prefetch(w.patients_address + patient * PATIENT_SIZE + line * 64)
    for line in range((w.slots * SLOT_SIZE + 63) >> 6):
        _prefetch(w.slots_address + patient * w.slots * SLOT_SIZE + line * 64)
    for line in range((w.hazards * CLOCK_SIZE + 63) >> 6):
        _prefetch(w.clocks_address + patient * w.hazards * CLOCK_SIZE + line * 64)
    _prefetch(w.visits_address + patient * w.names * 4)
    _prefetch(w.marks_address + patient * w.marks * 8)
    _prefetch(w.place_address + patient * 4)


@njit(cache=True)
def context_at(w: World, row: int) -> Any:  # noqa: ANN401
    """Return a row of `contexts`."""
    return _record_of(w.contexts_address, row, CONTEXT)


@njit(cache=True)
def service_at(w: World, row: int) -> Any:  # noqa: ANN401
    """Return a row of `services`."""
    return _record_of(w.services_address, row, SERVICE)


@njit(cache=True)
def route_at(w: World, row: int) -> Any:  # noqa: ANN401
    """Return a row of `routes`."""
    return _record_of(w.routes_address, row, ROUTE)


@njit(cache=True)
def hazard_at(w: World, row: int) -> Any:  # noqa: ANN401
    """Return a row of `hazards`."""
    return _record_of(w.hazards_address, row, HAZARD)


@njit(cache=True)
def hazard_purpose_of(w: World) -> npt.NDArray[np.uint64]:
    """Return the array `hazard_purpose`."""
    return carray(_pointer(w.hazard_purpose_address), (1,), np.uint64)


@njit(cache=True)
def entry_of(w: World) -> npt.NDArray[np.int32]:
    """Return the array `entry`."""
    return carray(_pointer(w.entry_address), (1,), np.int32)


@njit(cache=True)
def orientation_of(w: World) -> npt.NDArray[np.uint64]:
    """Return the array `orientation`."""
    return carray(_pointer(w.orientation_address), (1, 2), np.uint64)


@njit(cache=True)
def acceptance_of(w: World) -> npt.NDArray[np.float64]:
    """Return the array `acceptance`."""
    return carray(_pointer(w.acceptance_address), (1,), np.float64)


@njit(cache=True)
def fallback_of(w: World) -> npt.NDArray[np.int32]:
    """Return the array `fallback`."""
    return carray(_pointer(w.fallback_address), (1,), np.int32)


@njit(cache=True)
def pool_of_of(w: World) -> npt.NDArray[np.int32]:
    """Return the array `pool_of`."""
    return carray(_pointer(w.pool_of_address), (1, w.resources), np.int32)


@njit(cache=True)
def neighbours_of(w: World) -> npt.NDArray[np.int32]:
    """Return the array `neighbours`."""
    return carray(_pointer(w.neighbours_address), (1,), np.int32)


@njit(cache=True)
def share_of(w: World) -> npt.NDArray[np.float64]:
    """Return the array `share`."""
    return carray(_pointer(w.share_address), (1,), np.float64)


@njit(cache=True)
def change_time_of(w: World) -> npt.NDArray[np.float64]:
    """Return the array `change_time`."""
    return carray(_pointer(w.change_time_address), (1,), np.float64)


@njit(cache=True)
def change_of(w: World) -> npt.NDArray[np.int32]:
    """Return the array `change`."""
    return carray(_pointer(w.change_address), (1, 2), np.int32)


@njit(cache=True)
def patient_at(w: World, row: int) -> Any:  # noqa: ANN401
    """Return a row of `patients`."""
    return _record_of(w.patients_address, row, PATIENT)


@njit(cache=True)
def slot_at(w: World, patient: int, number: int) -> Any:  # noqa: ANN401
    """Return one of a patient's slots."""
    return _record_of(w.slots_address, patient * w.slots + number, SLOT)


@njit(cache=True)
def clock_at(w: World, patient: int, number: int) -> Any:  # noqa: ANN401
    """Return one of a patient's clocks."""
    return _record_of(w.clocks_address, patient * w.hazards + number, CLOCK)


@njit(cache=True)
def step_at(w: World, row: int) -> Any:  # noqa: ANN401
    """Return a row of `steps`."""
    return _record_of(w.steps_address, row, STEP)


@njit(cache=True)
def mark_at(w: World, patient: int, number: int) -> Any:  # noqa: ANN401
    """Return one of a patient's marks."""
    return _record_of(w.marks_address, patient * w.marks + number, MARK_ROW)


@njit(cache=True)
def visits_at(w: World, patient: int, name: int) -> Any:  # noqa: ANN401
    """Return how often a patient has begun a stay in a step of a name."""
    return _record_of(w.visits_address, patient * w.names + name, VISITS)


@njit(cache=True)
def stay_at(w: World, patient: int, step: int) -> Any:  # noqa: ANN401
    """Return a patient's first stay in a step, drawn ahead."""
    return _record_of(w.stays_address, patient * w.steps + step, STAY)


@njit(cache=True)
def pool_at(w: World, row: int) -> Any:  # noqa: ANN401
    """Return a row of `pools`."""
    return _record_of(w.pools_address, row, POOL)


@njit(cache=True)
def head_at(w: World, row: int) -> Any:  # noqa: ANN401
    """Return the head of a waiting list."""
    return _record_of(w.heads_address, row, HEAD)


@njit(cache=True)
def link_at(w: World, entry: int) -> Any:  # noqa: ANN401
    """Return the links of an entry of a waiting list."""
    return _record_of(w.links_address, entry, LINK)


@njit(cache=True)
def place_at(w: World, entity: int) -> Any:  # noqa: ANN401
    """Return where a patient or a pool stands in the calendar."""
    return _record_of(w.place_address, entity, PLACE)


@njit(cache=True)
def turnover_at(w: World, row: int) -> Any:  # noqa: ANN401
    """Return units being made ready."""
    return _record_of(w.turnover_address, row, READY)


@njit(cache=True)
def node_at(w: World, number: int) -> Any:  # noqa: ANN401
    """Return a node of the calendar."""
    return _record_of(w.calendar_address, number, ENTRY)


@njit(cache=True)
def free_of(w: World) -> npt.NDArray[np.int32]:
    """Return the array `free`."""
    return carray(_pointer(w.free_address), (1,), np.int32)


@njit(cache=True)
def dirty_of(w: World) -> npt.NDArray[np.int64]:
    """Return the array `dirty`."""
    return carray(_pointer(w.dirty_address), (1,), np.int64)


@njit(cache=True)
def record_at(w: World, row: int) -> Any:  # noqa: ANN401
    """Return a record of the log."""
    return _record_of(w.log_address, row, EVENT)


@njit(cache=True, forceinline=True)
def write_record(
    w: World, time: float, patient: int, kind: int, resource: int, pool: int, units: int, detail: int
) -> None:
    """Write one event record, with the patient as it is now."""
    number = w.logged
    w.logged = number + 1
    if number >= w.room:
        return  # the driver sees the count and refuses the run
    record = record_at(w, number)
    record.time = time
    record.patient = patient
    record.kind = kind
    if patient >= 0:
        record.profile = patient_at(w, patient).profile
        record.step = patient_at(w, patient).step
    else:
        record.profile = -1
        record.step = -1
    record.resource = resource
    record.pool = pool
    record.units = units
    record.detail = detail
