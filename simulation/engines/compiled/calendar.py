"""The calendar: one pending event per patient and per pool, in a tournament tree (order: T1).

Every entry has a leaf; every inner node holds the sooner of the two entries below it, so the root holds the next
event (Knuth 1998, The Art of Computer Programming 3, 5.4.1). A changed entry plays its matches again on its way up:
the way is known beforehand, so that nothing is mispredicted and all rivals are fetched at once, where a heap decides
at each level where to go on. The leaves are numbered 0 to `leaves` - 1 behind the inner nodes 1 to `leaves` - 1.
"""

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
    FIRST_RELEASE,
    NEVER,
    SLOT_NONE,
    STAYING,
    URGENCY_SHIFT,
    WAITING,
    World,
    free_of,
    mark_at,
    node_at,
    patient_at,
    place_at,
    slot_at,
)

_ALL_BUT_SIGN = (1 << 63) - 1
NO_MOMENT = (1 << 63) - 1  # after every time: no entry


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
def _sooner(
    typing_context: object, moment: object, order: object, other_moment: object, other_order: object
) -> tuple[object, object]:
    """Return the first of two entries in the total order T1: time, kind, then patient (pools after patients).

    One comparison, no jumps to mispredict.
    """

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> object:  # noqa: ANN401
        wide = ir.IntType(128)

        def key(moment: object, order: object) -> object:
            upper = builder.shl(builder.zext(moment, wide), ir.Constant(wide, 64))
            return builder.or_(upper, builder.zext(order, wide))

        one, other = arguments[:2], arguments[2:]
        comes_first = builder.icmp_signed("<", key(*one), key(*other))
        parts = [builder.select(comes_first, mine, its) for mine, its in zip(one, other, strict=True)]
        return context.make_tuple(builder, signature.return_type, parts)

    return types.UniTuple(types.int64, 2)(types.int64, types.int64, types.int64, types.int64), generate


@njit(cache=True, inline="always")
def moment_of(time: float) -> int:
    """Return an integer that sorts as a time does: its bits, those of negative times but the sign turned over."""
    bits = _bits_of(time + 0.0)  # -0.0 becomes 0.0
    return bits ^ ((bits >> 63) & _ALL_BUT_SIGN)


@njit(cache=True, inline="always")
def time_of(moment: int) -> float:
    """Return the time of an integer that sorts as it does."""
    return _number_of(moment ^ ((moment >> 63) & _ALL_BUT_SIGN))


@njit(cache=True, forceinline=True)
def play(w: World, leaf: int, moment: int, order: int) -> None:
    """Write the entry of a leaf and play its matches again, up to the root."""
    number = w.leaves + leaf
    node = node_at(w, number)
    node.moment = moment
    node.order = order
    while number > 1:
        rival = node_at(w, number ^ 1)
        moment, order = _sooner(moment, order, rival.moment, rival.order)
        number >>= 1
        node = node_at(w, number)
        node.moment = moment
        node.order = order


@njit(cache=True, forceinline=True)
def schedule(w: World, entity: int, time: float, urgency: int) -> None:
    """Set an entity's pending event; at time infinity it has none."""
    place = place_at(w, entity)
    leaf = place.leaf
    if time == NEVER:
        if leaf >= 0:
            place.leaf = -1
            free_of(w)[w.free_count] = leaf
            w.free_count += 1
            play(w, leaf, NO_MOMENT, NO_MOMENT)
        return
    if leaf < 0:
        leaf = free_leaf(w)
        place.leaf = leaf
    play(w, leaf, moment_of(time), (urgency << URGENCY_SHIFT) | entity)


@njit(cache=True, forceinline=True)
def free_leaf(w: World) -> int:
    """Return a leaf without entry, the last given back; a full tree doubles."""
    if w.free_count > 0:
        w.free_count -= 1
        return int(free_of(w)[w.free_count])
    leaf = w.leaves_used
    w.leaves_used = leaf + 1
    while leaf >= w.leaves:
        double(w)
    return int(leaf)


@njit(cache=True)
def double(w: World) -> None:
    """Make room for twice as many leaves: each level moves one down, its new half is without entries."""
    width = w.leaves
    while width > 0:
        for number in range(width):
            above, below = node_at(w, width + number), node_at(w, 2 * width + number)
            below.moment = above.moment
            below.order = above.order
            empty = node_at(w, 3 * width + number)
            empty.moment = NO_MOMENT
            empty.order = NO_MOMENT
        width >>= 1
    w.leaves = 2 * w.leaves  # the root stays: it has won against nobody


@njit(cache=True, forceinline=True)
def runner_up(w: World, entity: int) -> tuple[int, int]:
    """Return moment and order of the first pending event of everybody but one."""
    leaf = place_at(w, entity).leaf
    if leaf < 0:
        return node_at(w, 1).moment, node_at(w, 1).order
    number = w.leaves + leaf
    moment, order = NO_MOMENT, NO_MOMENT
    while number > 1:
        rival = node_at(w, number ^ 1)
        moment, order = _sooner(moment, order, rival.moment, rival.order)
        number >>= 1
    return moment, order


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
