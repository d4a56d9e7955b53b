"""The calendar: an indexed binary heap with one pending event per patient and per pool (order: T1)."""

from typing import Any

from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic

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
    World,
    mark_at,
    patient_at,
    pending_at,
    place_at,
    slot_at,
)

_ALL_BUT_SIGN = (1 << 63) - 1


@intrinsic
def _bits_of(typing_context: object, number: object) -> tuple[object, object]:
    """Return the 64 bits of a floating-point number as an integer."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> object:  # noqa: ANN401
        return builder.bitcast(arguments[0], ir.IntType(64))

    return types.int64(types.float64), generate


@intrinsic
def _number_of(typing_context: object, bits: object) -> tuple[object, object]:
    """Return the floating-point number of 64 bits."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> object:  # noqa: ANN401
        return builder.bitcast(arguments[0], ir.DoubleType())

    return types.float64(types.int64), generate


@intrinsic
def comes_before(
    typing_context: object, moment: object, order: object, other_moment: object, other_order: object
) -> tuple[object, object]:
    """Total order T1: time, kind, then patient (pools after patients); one comparison, no jumps to mispredict."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> object:  # noqa: ANN401
        wide = ir.IntType(128)

        def key(moment: object, order: object) -> object:
            return builder.or_(
                builder.shl(builder.zext(moment, wide), ir.Constant(wide, 64)), builder.zext(order, wide)
            )

        return builder.icmp_signed("<", key(*arguments[:2]), key(*arguments[2:]))

    return types.boolean(types.int64, types.int64, types.int64, types.int64), generate


@njit(cache=True, inline="always")
def moment_of(time: float) -> int:
    """Return an integer that sorts as a time does: its bits, those of negative times but the sign turned over."""
    bits = _bits_of(time + 0.0)  # -0.0 becomes 0.0
    return bits ^ ((bits >> 63) & _ALL_BUT_SIGN)


@njit(cache=True, inline="always")
def time_of(moment: int) -> float:
    """Return the time of an integer that sorts as it does."""
    return _number_of(moment ^ ((moment >> 63) & _ALL_BUT_SIGN))


@njit(cache=True, inline="always")
def put(w: World, position: int, moment: int, order: int) -> None:
    """Write an entry of the heap and remember where its entity stands."""
    entry = pending_at(w, position)
    entry.moment = moment
    entry.order = order
    place_at(w, order & ENTITY).position = position


@njit(cache=True)
def sift_up(w: World, position: int, moment: int, order: int) -> None:
    """Move an entry towards the root until it stands after its parent."""
    while position > 0:
        parent = (position - 1) >> 1
        above = pending_at(w, parent)
        if comes_before(above.moment, above.order, moment, order):
            break
        put(w, position, above.moment, above.order)
        position = parent
    put(w, position, moment, order)


@njit(cache=True)
def sift_down(w: World, position: int, moment: int, order: int) -> None:
    """Move an entry away from the root until it stands before its children."""
    size = w.heap_size
    while True:
        child = 2 * position + 1
        if child >= size:
            break
        if child + 1 < size:
            one, other = pending_at(w, child), pending_at(w, child + 1)
            child += int(comes_before(other.moment, other.order, one.moment, one.order))
        below = pending_at(w, child)
        if comes_before(moment, order, below.moment, below.order):
            break
        put(w, position, below.moment, below.order)
        position = child
    put(w, position, moment, order)


@njit(cache=True)
def schedule(w: World, entity: int, time: float, urgency: int) -> None:
    """Set an entity's pending event; at time infinity it has none."""
    position = place_at(w, entity).position
    if time == NEVER:
        if position >= 0:
            unschedule(w, entity, position)
        return
    moment = moment_of(time)
    order = (urgency << URGENCY_SHIFT) | entity
    if position < 0:
        position = w.heap_size
        w.heap_size = position + 1
        sift_up(w, position, moment, order)
        return
    entry = pending_at(w, position)
    if entry.moment == moment and entry.order == order:
        return
    if comes_before(moment, order, entry.moment, entry.order):
        sift_up(w, position, moment, order)
    else:
        sift_down(w, position, moment, order)


@njit(cache=True)
def unschedule(w: World, entity: int, position: int) -> None:
    """Take an entity off the heap."""
    place_at(w, entity).position = -1
    size = w.heap_size - 1
    w.heap_size = size
    if position == size:
        return
    last = pending_at(w, size)
    above = pending_at(w, (position - 1) >> 1)
    if position > 0 and comes_before(last.moment, last.order, above.moment, above.order):
        sift_up(w, position, last.moment, last.order)
    else:
        sift_down(w, position, last.moment, last.order)


@njit(cache=True, forceinline=True)
def reschedule(w: World, i: int) -> None:
    """Make the earliest of a patient's clocks the pending event."""
    time, urgency = earliest_clock(w, i)
    schedule(w, i, time, urgency)


@njit(cache=True, forceinline=True)
def earliest_clock(w: World, i: int) -> tuple[float, int]:
    """Return the time and the urgency of the earliest of a patient's clocks."""
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
        end = mark_at(w, i, m).end
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
    return time, urgency
