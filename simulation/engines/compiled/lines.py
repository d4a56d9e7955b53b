"""Pools and their waiting lists (T4, T9): intrusive lists by rank, units out, units being made ready."""

from numba import njit

from simulation.engines.compiled.calendar import schedule
from simulation.engines.compiled.world import (
    FIRST_RELEASE,
    NEVER,
    World,
    dirty_of,
    head_at,
    link_at,
    neighbours_of,
    patient_at,
    pool_at,
    slot_at,
    turnover_at,
)


@njit(cache=True, forceinline=True)
def join_line(w: World, pool: int, level: int, entry: int) -> None:
    """Put an entry (patient and slot; the last slot is the gate) at the end of its list."""
    row = pool * w.levels + level
    last = head_at(w, row).last
    link_at(w, entry).previous = last
    link_at(w, entry).following = -1
    if last < 0:
        head_at(w, row).first = entry
    else:
        link_at(w, last).following = entry
    head_at(w, row).last = entry
    pool_at(w, pool).queued += 1


@njit(cache=True, forceinline=True)
def leave_list(w: World, pool: int, level: int, entry: int) -> None:
    """Take an entry out of its list."""
    row = pool * w.levels + level
    previous = link_at(w, entry).previous
    following = link_at(w, entry).following
    if previous < 0:
        head_at(w, row).first = following
    else:
        link_at(w, previous).following = following
    if following < 0:
        head_at(w, row).last = previous
    else:
        link_at(w, following).previous = previous
    pool_at(w, pool).queued -= 1
    soil(w, pool)  # the new head may fit where the old one did not


@njit(cache=True, forceinline=True)
def soil(w: World, pool: int) -> None:
    """Note that a pool's lists must be served before the next event."""
    if pool_at(w, pool).is_dirty == 0:
        pool_at(w, pool).is_dirty = 1
        position = w.dirty_first + w.dirty_count
        dirty_of(w)[position - w.pools if position >= w.pools else position] = pool
        w.dirty_count += 1


@njit(cache=True, forceinline=True)
def has_room(w: World, pool: int, units: int) -> bool:
    """Say whether a pool has so many units free."""
    return bool(pool_at(w, pool).in_use + units <= pool_at(w, pool).capacity)


@njit(cache=True, forceinline=True)
def would_head(w: World, pool: int, level: int) -> bool:
    """Whether a newcomer of this rank would head the pool's lists."""
    if pool_at(w, pool).queued == 0:
        return True
    for rank in range(level + 1):  # noqa: SIM110 (numba has no generator expressions)
        if head_at(w, pool * w.levels + rank).first >= 0:
            return False
    return True


@njit(cache=True, forceinline=True)
def find_pool(w: World, own: int, units: int, level: int) -> int:
    """Return the pool that serves a request at once: the own one, else the nearest of the basin whose list is empty."""
    if would_head(w, own, level) and has_room(w, own, units):
        return own
    for n in range(pool_at(w, own).neighbour_start, pool_at(w, own).neighbour_end):
        other = neighbours_of(w)[n]
        if pool_at(w, other).queued == 0 and has_room(w, other, units):
            return int(other)
    return -1


@njit(cache=True, forceinline=True)
def give_back(w: World, time: float, pool: int, units: int) -> None:
    """Give units back: free at once, or after the pool's turnover."""
    delay = pool_at(w, pool).turnover
    if delay > 0.0:
        ring = pool_at(w, pool)
        position = ring.start + (ring.first + ring.count) % ring.room
        turnover_at(w, position).time = time + delay
        turnover_at(w, position).units = units
        ring.count += 1
        if ring.count == 1:
            schedule(w, w.patients + pool, time + delay, FIRST_RELEASE)
        return
    pool_at(w, pool).in_use -= units
    soil(w, pool)


@njit(cache=True)
def units_ready(w: World, pool: int) -> None:
    """A unit has been made ready: it is free, and the next one's time is set."""
    ring = pool_at(w, pool)
    position = ring.start + ring.first
    pool_at(w, pool).in_use -= int(turnover_at(w, position).units)
    ring.first = (ring.first + 1) % ring.room
    ring.count -= 1
    entity = w.patients + pool
    if ring.count > 0:
        schedule(w, entity, turnover_at(w, ring.start + ring.first).time, FIRST_RELEASE)
    else:
        schedule(w, entity, NEVER, FIRST_RELEASE)
    soil(w, pool)


@njit(cache=True, forceinline=True)
def head_of_line(w: World, pool: int) -> int:
    """Return the entry that heads a pool's lists, -1 when nobody waits."""
    if pool_at(w, pool).queued == 0:
        return -1
    for level in range(w.levels):
        entry = head_at(w, pool * w.levels + level).first
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
    for n in range(pool_at(w, pool).neighbour_start, pool_at(w, pool).neighbour_end):
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
