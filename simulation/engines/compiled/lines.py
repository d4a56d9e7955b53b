"""Pools and their waiting lists (T4, T9): intrusive lists by rank, units out, units being made ready."""

from numba import njit

from simulation.engines.compiled.calendar import schedule
from simulation.engines.compiled.world import (
    CAPACITY_OF,
    FIRST_RELEASE,
    IN_USE,
    IS_DIRTY,
    NEVER,
    NEXT,
    PREVIOUS,
    QUEUED,
    RING_COUNT,
    RING_FIRST,
    RING_ROOM,
    RING_START,
    World,
    dirty_of,
    heads_of,
    links_of,
    neighbour_start_of,
    neighbours_of,
    patient_at,
    pool_turnover_of,
    pools_of,
    ring_of,
    slot_at,
    turnover_of,
)


@njit(cache=True, forceinline=True)
def join_line(w: World, pool: int, level: int, entry: int) -> None:
    """Put an entry (patient and slot; the last slot is the gate) at the end of its list."""
    row = pool * w.levels + level
    last = heads_of(w)[row, 1]
    links_of(w)[entry, PREVIOUS] = last
    links_of(w)[entry, NEXT] = -1
    if last < 0:
        heads_of(w)[row, 0] = entry
    else:
        links_of(w)[last, NEXT] = entry
    heads_of(w)[row, 1] = entry
    pools_of(w)[pool, QUEUED] += 1


@njit(cache=True, forceinline=True)
def leave_list(w: World, pool: int, level: int, entry: int) -> None:
    """Take an entry out of its list."""
    row = pool * w.levels + level
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
    soil(w, pool)  # the new head may fit where the old one did not


@njit(cache=True, forceinline=True)
def soil(w: World, pool: int) -> None:
    """Note that a pool's lists must be served before the next event."""
    if pools_of(w)[pool, IS_DIRTY] == 0:
        pools_of(w)[pool, IS_DIRTY] = 1
        position = w.dirty_first + w.dirty_count
        dirty_of(w)[position - w.pools if position >= w.pools else position] = pool
        w.dirty_count += 1


@njit(cache=True, forceinline=True)
def has_room(w: World, pool: int, units: int) -> bool:
    """Say whether a pool has so many units free."""
    return bool(pools_of(w)[pool, IN_USE] + units <= pools_of(w)[pool, CAPACITY_OF])


@njit(cache=True, forceinline=True)
def would_head(w: World, pool: int, level: int) -> bool:
    """Whether a newcomer of this rank would head the pool's lists."""
    if pools_of(w)[pool, QUEUED] == 0:
        return True
    for rank in range(level + 1):  # noqa: SIM110 (numba has no generator expressions)
        if heads_of(w)[pool * w.levels + rank, 0] >= 0:
            return False
    return True


@njit(cache=True, forceinline=True)
def find_pool(w: World, own: int, units: int, level: int) -> int:
    """Return the pool that serves a request at once: the own one, else the nearest of the basin whose list is empty."""
    if would_head(w, own, level) and has_room(w, own, units):
        return own
    for n in range(neighbour_start_of(w)[own], neighbour_start_of(w)[own + 1]):
        other = neighbours_of(w)[n]
        if pools_of(w)[other, QUEUED] == 0 and has_room(w, other, units):
            return int(other)
    return -1


@njit(cache=True, forceinline=True)
def give_back(w: World, time: float, pool: int, units: int) -> None:
    """Give units back: free at once, or after the pool's turnover."""
    delay = pool_turnover_of(w)[pool]
    if delay > 0.0:
        ring = ring_of(w)[pool]
        position = ring[RING_START] + (ring[RING_FIRST] + ring[RING_COUNT]) % ring[RING_ROOM]
        turnover_of(w)[position, 0] = time + delay
        turnover_of(w)[position, 1] = units
        ring[RING_COUNT] += 1
        if ring[RING_COUNT] == 1:
            schedule(w, w.patients + pool, time + delay, FIRST_RELEASE)
        return
    pools_of(w)[pool, IN_USE] -= units
    soil(w, pool)


@njit(cache=True)
def units_ready(w: World, pool: int) -> None:
    """A unit has been made ready: it is free, and the next one's time is set."""
    ring = ring_of(w)[pool]
    position = ring[RING_START] + ring[RING_FIRST]
    pools_of(w)[pool, IN_USE] -= int(turnover_of(w)[position, 1])
    ring[RING_FIRST] = (ring[RING_FIRST] + 1) % ring[RING_ROOM]
    ring[RING_COUNT] -= 1
    entity = w.patients + pool
    if ring[RING_COUNT] > 0:
        schedule(w, entity, turnover_of(w)[ring[RING_START] + ring[RING_FIRST], 0], FIRST_RELEASE)
    else:
        schedule(w, entity, NEVER, FIRST_RELEASE)
    soil(w, pool)


@njit(cache=True, forceinline=True)
def head_of_line(w: World, pool: int) -> int:
    """Return the entry that heads a pool's lists, -1 when nobody waits."""
    if pools_of(w)[pool, QUEUED] == 0:
        return -1
    for level in range(w.levels):
        entry = heads_of(w)[pool * w.levels + level, 0]
        if entry >= 0:
            return int(entry)
    return -1


@njit(cache=True, forceinline=True)
def request_of(w: World, entry: int) -> tuple[int, int, float]:
    """Return units, rank and time of asking of a waiting entry."""
    i, k = divmod(entry, w.slots + 1)
    if k == w.slots:
        p = patient_at(w, i)
        return p.asked_units, p.asked_level, p.asked
    slot = slot_at(w, i, k)
    return slot.units, slot.level, slot.asked


@njit(cache=True)
def next_in_basin(w: World, pool: int) -> int:
    """Return whom a freed unit serves when its own list is empty: the basin's best rank, then first asked (T9)."""
    best = -1
    best_level = 0
    best_asked = 0.0
    best_pool = 0
    for n in range(neighbour_start_of(w)[pool], neighbour_start_of(w)[pool + 1]):
        other = neighbours_of(w)[n]
        entry = head_of_line(w, other)
        if entry < 0:
            continue
        units, level, asked = request_of(w, entry)
        if not has_room(w, pool, units):
            continue
        better = best < 0 or level < best_level
        if not better and level == best_level:
            better = asked < best_asked or (asked == best_asked and other < best_pool)
        if better:
            best, best_level, best_asked, best_pool = entry, level, asked, other
    return best
