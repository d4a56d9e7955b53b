"""Pools and their waiting lists (T4, T9)."""

from simulation.engines.simpy_engine.cast import NO_POOL, Pool, Request
from simulation.engines.simpy_engine.codes import RELEASE
from simulation.engines.simpy_engine.world import World


def find_pool(own: Pool, units: int, level: int) -> Pool:
    """T9: the own pool, else the nearest of the basin with room and nobody waiting, else `NO_POOL`."""
    if own.in_use + units <= own.capacity and (own.queued == 0 or own.would_head(level)):
        return own
    for other in own.neighbours:
        if other.queued == 0 and other.has_room(units):
            return other
    return NO_POOL


def leave_line(w: World, request: Request) -> None:
    """Leave a waiting list; the new head may fit where the old one did not."""
    pool = request.pool
    del pool.lines[request.level][request]
    pool.queued -= 1
    if not pool.is_dirty:
        pool.is_dirty = True
        w.dirty.append(pool)


def soil(w: World, pool: Pool) -> None:
    """Note that a pool's lists must be served before the next event."""
    if not pool.is_dirty:
        pool.is_dirty = True
        w.dirty.append(pool)


def give_back(w: World, time: float, pool: Pool, units: int) -> None:
    """Units given back are free at once, or after the time it takes to make them ready."""
    if pool.turnover > 0.0:
        make_ready(w, time, pool, units)
    else:
        pool.in_use -= units
        soil(w, pool)


def make_ready(w: World, time: float, pool: Pool, units: int) -> None:
    """From now on units are being made ready."""
    pool.making_ready.append((time + pool.turnover, units))
    if len(pool.making_ready) == 1:
        expect_ready(w, pool)


def expect_ready(w: World, pool: Pool) -> None:
    """Set the pool's alarm to when the next units are ready."""
    if pool.making_ready:
        time, _ = pool.making_ready[0]
        w.calendar.set(pool.alarm, time, RELEASE)


def units_ready(w: World, pool: Pool) -> None:
    """Units have been made ready: they are free."""
    _, units = pool.making_ready.popleft()
    pool.in_use -= units
    expect_ready(w, pool)
    soil(w, pool)


def next_in_line(pool: Pool) -> Request | None:
    """T4: whom a pool with free units serves: the head of its lists, who blocks the others; else the basin's."""
    if pool.queued:
        request = pool.head()
        return request if pool.in_use + request.units <= pool.capacity else None
    return _next_in_basin(pool) if pool.neighbours else None


def _next_in_basin(pool: Pool) -> Request | None:
    """T9: whom a freed unit serves when its own list is empty: best rank, first asked, then zone order."""
    heads = [
        (head.level, head.asked, other.index, head)
        for other in pool.neighbours
        if other.queued and pool.has_room((head := other.head()).units)
    ]
    return min(heads)[-1] if heads else None
