"""One compiled pass over an event log: what everyone lived, asked for, waited for and held.

Between two of their events a person's state is constant, so every account is a sum of pieces: each event first
settles the piece that ends with it, then changes the state. Pieces are cut at the years of the run; discounted
amounts are exact integrals of (1 + rate)^-t over the piece. At the horizon everyone present is settled once more,
with the waits so far.

Shapes as in `chart`; n patients, Y years; the last axis of flows is (plain, discounted).
"""

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit

from simulation.records import Event

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]

# Kinds of event as plain integers, for the compiler.
PRESENT, ARRIVE, WAIT, ENTER, BREAK, HAZARD = (
    int(Event.PRESENT), int(Event.ARRIVE), int(Event.WAIT), int(Event.ENTER), int(Event.BREAK), int(Event.HAZARD),
)  # fmt: skip
SERVICE_ASK, SERVICE_GRANT, SERVICE_END, SERVICE_LEAVE = (
    int(Event.SERVICE_ASK), int(Event.SERVICE_GRANT), int(Event.SERVICE_END), int(Event.SERVICE_LEAVE),
)  # fmt: skip
SERVICE_ABSENT, SERVICE_RETURN = int(Event.SERVICE_ABSENT), int(Event.SERVICE_RETURN)
GATE_END, MARK, MARK_END, CAPACITY = int(Event.GATE_END), int(Event.MARK), int(Event.MARK_END), int(Event.CAPACITY)
REORIENT, EXIT, LEAVE = int(Event.REORIENT), int(Event.EXIT), int(Event.LEAVE)
HORIZON = 1000  # not in logs: the settling of everyone at the end

# Measures of persons [Z, P, W, .].
(
    PERSON_TIME, QALY, QALY_DISCOUNTED, DEATHS, EXITS, LEAVES, ARRIVALS, INITIAL, JOINED, OVERDUE_TIME, FINAL,
) = range(11)  # fmt: skip
PERSON_MEASURES = 11

# Measures of visits [Z, P, S, .]; waits are those for the gate of the step.
(
    ENTRIES, STAY_TIME, COMPLETED, COMPLETED_TIME, ASKED, SERVED, SERVED_WITHIN, WAITED, WAIT_TIME,
    PATIENCE_BREAKS, QUEUE_BREAKS, LATE, BLOCKED_TIME, CENSUS, QALYS,
) = range(15)  # fmt: skip
VISIT_MEASURES = 15

# Measures of services [Z, P, W, R, .]; times are of persons.
(
    SERVICE_ASKED, SERVICE_GRANTED, SERVICE_WITHIN, SERVICE_WAITED, SERVICE_LEFT, SERVICE_LATE,
    NEED_TIME, UNMET_TIME, HELD_TIME,
) = range(9)  # fmt: skip
SERVICE_MEASURES = 9

# Flows of visits [Z, P, S, ., Y, 2] and of channels [C, P, W, ., Y, 2]; flows of joining a pathway [Z, P, W, Y, 2].
FLOW_ENTRIES, FLOW_TIME, FLOW_PERSONS = range(3)
GATE_ENTRIES, GATE_TIME, SERVICE_ENTRIES, SERVICE_TIME, KEPT_TIME, SERVICE_PERSONS = range(6)
CHANNEL_FLOWS = 6

# Measures of pools [Q, ., Y, 2].
POOL_BUSY, POOL_CAPACITY, POOL_EXCESS = range(3)

# Components of satisfaction, in the order of the settings.
ACCESS, CONTINUITY, PREFERRED_PLACE, PROXIMITY, FIT, SAFETY = range(6)

QUARTERS = 4


class Log(NamedTuple):
    """An event log by column; pools are those of the whole instance."""

    time: FloatArray
    patient: npt.NDArray[np.int32]
    kind: npt.NDArray[np.int16]
    profile: npt.NDArray[np.int16]
    step: npt.NDArray[np.int16]
    resource: npt.NDArray[np.int16]
    pool: IntArray
    units: npt.NDArray[np.int32]
    detail: npt.NDArray[np.int32]


class Persons(NamedTuple):
    """Who the patients are."""

    zone: npt.NDArray[np.int32]  # [n]
    waiting_since: FloatArray  # [n] of those who wait for a gate at time 0


class Tables(NamedTuple):
    """Index tables of the instance (see `chart`)."""

    step_pathway: IntArray
    death: BoolArray
    acute: BoolArray
    home: BoolArray
    gate: IntArray
    hold: BoolArray
    utility: FloatArray
    needs: BoolArray
    leads_to: IntArray
    tolerable: FloatArray
    is_place: BoolArray
    home_pool: IntArray
    channel: IntArray
    pool_resource: IntArray
    place_value: FloatArray
    nearness: FloatArray
    sizes: tuple[int, int, int, int, int, int, int, int]  # Z, P, W, S, R, C, H, M


class Calendar(NamedTuple):
    """The window of the accounts, in time units."""

    window: float
    per_year: float
    years: int
    force: float  # of interest, per year
    memory: float  # how long a break or an acute episode is remembered in satisfaction


class Tally(NamedTuple):
    """What the pass counted."""

    persons: FloatArray  # [Z, P, W, PERSON_MEASURES]
    visits: FloatArray  # [Z, P, S, VISIT_MEASURES]
    services: FloatArray  # [Z, P, W, R, SERVICE_MEASURES]
    visit_flow: FloatArray  # [Z, P, S, 3, Y, 2]
    channel_flow: FloatArray  # [C, P, W, CHANNEL_FLOWS, Y, 2]
    joined_flow: FloatArray  # [Z, P, W, Y, 2]
    pools: FloatArray  # [Q, 3, Y, 2]
    queues: FloatArray  # [Q, QUARTERS] mean persons waiting in each quarter of the run
    hazards: FloatArray  # [Z, P, S, H]
    marks: FloatArray  # [Z, P, M, 2] set, deaths while carried
    scores: FloatArray  # [Z, P, W, 6] sums over persons of scores 0 to 1, by first profile and pathway
    scored: FloatArray  # [Z, P, W] persons


@njit(cache=True, nogil=True)
def _discounted(start: float, end: float, per_year: float, force: float) -> float:
    """Discounted time units from start to end."""
    if force == 0.0:
        return end - start
    scale = force / per_year
    return (math.exp(-scale * start) - math.exp(-scale * end)) / scale


@njit(cache=True, nogil=True)
def _spread(row: FloatArray, amount: float, start: float, end: float, calendar: Calendar) -> None:
    """Add `amount` times the time from start to end to a row [Y, 2], by year."""
    while start < end:
        year = min(int(start / calendar.per_year), calendar.years - 1)
        stop = end
        if year < calendar.years - 1:
            stop = min(end, (year + 1) * calendar.per_year)
        row[year, 0] += amount * (stop - start)
        row[year, 1] += amount * _discounted(start, stop, calendar.per_year, calendar.force)
        start = stop


@njit(cache=True, nogil=True)
def _spread_known(
    row: FloatArray, amount: float, start: float, end: float, discounted: float, calendar: Calendar
) -> None:
    """The same, sparing the exponentials where the piece lies within one year."""
    year = min(int(start / calendar.per_year), calendar.years - 1)
    if year == calendar.years - 1 or end <= (year + 1) * calendar.per_year:
        row[year, 0] += amount * (end - start)
        row[year, 1] += amount * discounted
    else:
        _spread(row, amount, start, end, calendar)


@njit(cache=True, nogil=True)
def _count(row: FloatArray, amount: float, moment: float, calendar: Calendar) -> None:
    """Add `amount` at a moment to a row [Y, 2]."""
    year = min(int(moment / calendar.per_year), calendar.years - 1)
    row[year, 0] += amount
    row[year, 1] += amount * math.exp(-calendar.force * moment / calendar.per_year)


@njit(cache=True, nogil=True)
def _spread_quarters(row: FloatArray, amount: float, start: float, end: float, window: float) -> None:
    """Add the mean over each quarter of the window of `amount` lasting from start to end."""
    width = window / QUARTERS
    while start < end:
        quarter = min(int(start / width), QUARTERS - 1)
        stop = end if quarter == QUARTERS - 1 else min(end, (quarter + 1) * width)
        row[quarter] += amount * (stop - start) / width
        start = stop


@njit(cache=True, nogil=True)
def _settle_pool(
    q: int,
    moment: float,
    pool_last: FloatArray,
    busy: IntArray,
    capacity: IntArray,
    waiting: IntArray,
    pools: FloatArray,
    queues: FloatArray,
    calendar: Calendar,
) -> None:
    """Account for a pool's units and line since its numbers last changed."""
    start = pool_last[q]
    if start < moment:
        if busy[q] > 0:
            _spread(pools[q, POOL_BUSY], busy[q], start, moment, calendar)
        if capacity[q] > 0:
            _spread(pools[q, POOL_CAPACITY], capacity[q], start, moment, calendar)
        if busy[q] > capacity[q]:
            _spread(pools[q, POOL_EXCESS], busy[q] - capacity[q], start, moment, calendar)
        if waiting[q] > 0:
            _spread_quarters(queues[q], waiting[q], start, moment, calendar.window)
        pool_last[q] = moment


@njit(cache=True, nogil=True)
def replay(log: Log, people: Persons, tables: Tables, calendar: Calendar) -> Tally:
    """Replay a log and tally it; events after the window are left out."""
    zones, profiles, pathways, steps, resources, channels, hazard_count, mark_count = tables.sizes
    pool_count = tables.pool_resource.shape[0]
    years, window = calendar.years, calendar.window

    persons = np.zeros((zones, profiles, pathways, PERSON_MEASURES))
    visits = np.zeros((zones, profiles, steps, VISIT_MEASURES))
    services = np.zeros((zones, profiles, pathways, resources, SERVICE_MEASURES))
    visit_flow = np.zeros((zones, profiles, steps, 3, years, 2))
    channel_flow = np.zeros((channels, profiles, pathways, CHANNEL_FLOWS, years, 2))
    joined_flow = np.zeros((zones, profiles, pathways, years, 2))
    pools = np.zeros((pool_count, 3, years, 2))
    queues = np.zeros((pool_count, QUARTERS))
    hazards = np.zeros((zones, profiles, steps, hazard_count))
    marks = np.zeros((zones, profiles, mark_count, 2))
    scores = np.zeros((zones, profiles, pathways, 6))
    scored = np.zeros((zones, profiles, pathways))

    # State of each patient.
    n = people.zone.shape[0]
    active = np.zeros(n, dtype=np.bool_)
    initial = np.zeros(n, dtype=np.bool_)
    last = np.zeros(n)
    began = np.zeros(n)
    stay_start = np.full(n, np.nan)
    profile = np.zeros(n, dtype=np.int32)
    step = np.full(n, -1, dtype=np.int32)
    pathway = np.zeros(n, dtype=np.int32)
    first_profile = np.zeros(n, dtype=np.int32)
    first_pathway = np.zeros(n, dtype=np.int32)
    awaited = np.full(n, -1, dtype=np.int32)
    awaited_pool = np.full(n, -1, dtype=np.int32)
    wait_since = np.zeros(n)
    gate_pool = np.full((n, 2), -1, dtype=np.int32)  # the present gate; the former one, still held
    gate_units = np.zeros((n, 2), dtype=np.int32)
    break_until = np.zeros(n)
    last_break = np.full(n, -1.0)
    acute_until = np.zeros(n)
    carried = np.zeros((n, mark_count), dtype=np.bool_)
    good = np.zeros((n, 6))
    joined = np.zeros((n, pathways), dtype=np.bool_)
    visited = np.zeros((n, steps), dtype=np.bool_)
    helped = np.zeros((n, resources), dtype=np.bool_)
    # ... and of each service of each patient.
    concerned = np.zeros(n, dtype=np.int32)  # services asked for or held: most people have none to look at
    asked = np.zeros((n, resources), dtype=np.bool_)
    absent = np.zeros((n, resources), dtype=np.bool_)
    asked_since = np.zeros((n, resources))
    asked_pool = np.full((n, resources), -1, dtype=np.int32)
    held = np.zeros((n, resources), dtype=np.int32)
    held_pool = np.full((n, resources), -1, dtype=np.int32)
    # State of each pool.
    busy = np.zeros(pool_count, dtype=np.int64)
    capacity = np.zeros(pool_count, dtype=np.int64)  # a log opens with every pool's CAPACITY
    waiting = np.zeros(pool_count, dtype=np.int64)
    pool_last = np.zeros(pool_count)

    events = log.time.shape[0]
    for k in range(events + n):
        if k < events:
            t, i, kind = log.time[k], int(log.patient[k]), int(log.kind[k])
            if t > window:
                continue
            pool, resource, units, detail = (
                int(log.pool[k]), int(log.resource[k]), int(log.units[k]), int(log.detail[k]),
            )  # fmt: skip
        else:
            t, i, kind = window, k - events, HORIZON
            pool, resource, units, detail = -1, -1, 0, -1

        if pool >= 0:
            _settle_pool(pool, t, pool_last, busy, capacity, waiting, pools, queues, calendar)
        if kind == CAPACITY:
            capacity[pool] = units
            continue

        z, p, s, w = int(people.zone[i]), int(profile[i]), int(step[i]), int(pathway[i])

        # Settle the patient's piece since their last event.
        if active[i] and last[i] < t:
            start = last[i]
            span = t - start
            disc = _discounted(start, t, calendar.per_year, calendar.force)
            qaly = tables.utility[s, p]  # s = -1: the last row, outside
            persons[z, p, w, PERSON_TIME] += span
            persons[z, p, w, QALY] += qaly * span
            persons[z, p, w, QALY_DISCOUNTED] += qaly * disc
            if s >= 0:
                visits[z, p, s, STAY_TIME] += span
                visits[z, p, s, QALYS] += qaly * span
                _spread_known(visit_flow[z, p, s, FLOW_TIME], 1.0, start, t, disc, calendar)
            for g in range(2):
                if gate_units[i, g] > 0:
                    c = tables.channel[z, gate_pool[i, g]]
                    _spread_known(channel_flow[c, p, w, GATE_TIME], gate_units[i, g], start, t, disc, calendar)

            overdue_from = math.inf
            place = tables.place_value[z, p, s]
            near = 1.0
            if gate_units[i, 0] > 0:
                near = tables.nearness[z, gate_pool[i, 0]]
            needed, met = 0, 0
            a = int(awaited[i])
            blocked = False
            if a >= 0:
                needed += 1
                visits[z, p, a, WAIT_TIME] += span
                blocked = gate_units[i, 0] > 0 and tables.hold[a, p]
                if blocked and s >= 0:
                    visits[z, p, s, BLOCKED_TIME] += span
                place = min(place, tables.place_value[z, p, a])
                if awaited_pool[i] >= 0:
                    near = min(near, tables.nearness[z, awaited_pool[i]])
                    overdue_from = wait_since[i] + tables.tolerable[tables.pool_resource[awaited_pool[i]]]
            if concerned[i] > 0:
                for r in range(resources):
                    if not asked[i, r] and held[i, r] == 0:
                        continue
                    wanted = s >= 0 and tables.needs[s, p, r]
                    if held[i, r] > 0:
                        c = tables.channel[z, held_pool[i, r]]
                        flow = KEPT_TIME if absent[i, r] else SERVICE_TIME
                        _spread_known(channel_flow[c, p, w, flow], held[i, r], start, t, disc, calendar)
                        if not absent[i, r]:
                            needed += 1
                            met += 1
                            services[z, p, w, r, NEED_TIME] += span
                            services[z, p, w, r, HELD_TIME] += span
                            if s >= 0 and tables.is_place[r] and not tables.home[s]:
                                near = min(near, tables.nearness[z, held_pool[i, r]])
                    elif wanted and not absent[i, r]:
                        needed += 1
                        services[z, p, w, r, NEED_TIME] += span
                        services[z, p, w, r, UNMET_TIME] += span
                    if asked[i, r] and wanted:
                        overdue_from = min(overdue_from, asked_since[i, r] + tables.tolerable[r])
                        target = tables.leads_to[s, p, r]
                        if target >= 0:
                            place = min(place, tables.place_value[z, p, target])
                            if asked_pool[i, r] >= 0:
                                near = min(near, tables.nearness[z, asked_pool[i, r]])
            in_time = min(max(overdue_from, start), t) - start
            persons[z, p, w, OVERDUE_TIME] += span - in_time
            good[i, ACCESS] += in_time
            if not blocked:
                good[i, CONTINUITY] += t - min(max(break_until[i], start), t)
            good[i, PREFERRED_PLACE] += place * span
            good[i, PROXIMITY] += near * span
            good[i, FIT] += span if needed == 0 else span * met / needed
            good[i, SAFETY] += t - min(max(acute_until[i], start), t)
        if active[i]:
            last[i] = t

        # A wait ends with entering, breaking, going, or asking for another gate.
        if kind in (ENTER, BREAK, EXIT, LEAVE, WAIT) and awaited[i] >= 0:
            a = int(awaited[i])
            waited = t - wait_since[i]
            limit = math.inf
            q = int(awaited_pool[i])
            if q >= 0:
                _settle_pool(q, t, pool_last, busy, capacity, waiting, pools, queues, calendar)
                waiting[q] -= 1
                limit = tables.tolerable[tables.pool_resource[q]]
            visits[z, p, a, WAITED] += waited
            if kind == ENTER and int(log.step[k]) == a:
                visits[z, p, a, SERVED] += 1.0
                if waited <= limit:
                    visits[z, p, a, SERVED_WITHIN] += 1.0
            if waited > limit:
                visits[z, p, a, LATE] += 1.0
            awaited[i] = -1
            awaited_pool[i] = -1

        if kind == HORIZON:
            if active[i]:
                persons[z, p, w, FINAL] += 1.0
                if s >= 0:
                    visits[z, p, s, CENSUS] += 1.0
                a = int(awaited[i])
                if a >= 0:
                    waited = t - wait_since[i]
                    visits[z, p, a, WAITED] += waited
                    if awaited_pool[i] >= 0 and waited > tables.tolerable[tables.pool_resource[awaited_pool[i]]]:
                        visits[z, p, a, LATE] += 1.0
                for r in range(resources):
                    if asked[i, r]:
                        waited = t - asked_since[i, r]
                        services[z, p, w, r, SERVICE_WAITED] += waited
                        if waited > tables.tolerable[r]:
                            services[z, p, w, r, SERVICE_LATE] += 1.0
                _score(i, z, first_profile[i], first_pathway[i], t - began[i], good, scores, scored)
        elif kind in (PRESENT, ARRIVE):
            active[i] = True
            initial[i] = kind == PRESENT
            last[i] = t
            began[i] = t
            p, s = int(log.profile[k]), int(log.step[k])
            w = int(tables.step_pathway[s]) if s >= 0 else detail
            profile[i], step[i], pathway[i] = p, s, w
            first_profile[i], first_pathway[i] = p, w
            joined[i, w] = True
            persons[z, p, w, JOINED] += 1.0
            _count(joined_flow[z, p, w], 1.0, t, calendar)
            if kind == PRESENT:
                persons[z, p, w, INITIAL] += 1.0
                if s >= 0:
                    visited[i, s] = True
                    _count(visit_flow[z, p, s, FLOW_PERSONS], 1.0, t, calendar)
                    if units > 0 and pool >= 0:
                        gate_pool[i, 0], gate_units[i, 0] = pool, units
                        busy[pool] += units
            else:
                persons[z, p, w, ARRIVALS] += 1.0
        elif kind == WAIT:
            awaited[i] = detail
            q = pool
            if q < 0 and tables.gate[detail, p] >= 0:
                q = int(tables.home_pool[z, tables.gate[detail, p]])
            awaited_pool[i] = q
            wait_since[i] = t
            if t == 0.0 and initial[i] and not math.isnan(people.waiting_since[i]):
                wait_since[i] = people.waiting_since[i]
            visits[z, p, detail, ASKED] += 1.0
            if q >= 0:
                _settle_pool(q, t, pool_last, busy, capacity, waiting, pools, queues, calendar)
                waiting[q] += 1
            if tables.acute[detail]:
                acute_until[i] = t + calendar.memory
        elif kind in (ENTER, EXIT, LEAVE):
            to = int(log.step[k])
            moved = kind == ENTER or (kind == EXIT and to != s)  # an exit may follow its own ENTER
            if (moved or kind == LEAVE) and s >= 0 and not math.isnan(stay_start[i]):
                visits[z, p, s, COMPLETED] += 1.0
                visits[z, p, s, COMPLETED_TIME] += t - stay_start[i]
            p = int(log.profile[k])
            profile[i] = p
            if moved:
                stay_start[i] = t
                s = to
                step[i] = s
                w = int(tables.step_pathway[s])
                pathway[i] = w
                if not joined[i, w]:
                    joined[i, w] = True
                    persons[z, p, w, JOINED] += 1.0
                    _count(joined_flow[z, p, w], 1.0, t, calendar)
                visits[z, p, s, ENTRIES] += 1.0
                _count(visit_flow[z, p, s, FLOW_ENTRIES], 1.0, t, calendar)
                if not visited[i, s]:
                    visited[i, s] = True
                    _count(visit_flow[z, p, s, FLOW_PERSONS], 1.0, t, calendar)
                if tables.acute[s]:
                    acute_until[i] = t + calendar.memory
            if kind == ENTER:
                if gate_units[i, 0] > 0:
                    gate_pool[i, 1], gate_units[i, 1] = gate_pool[i, 0], gate_units[i, 0]
                    gate_pool[i, 0], gate_units[i, 0] = -1, 0
                if units > 0 and pool >= 0:
                    gate_pool[i, 0], gate_units[i, 0] = pool, units
                    busy[pool] += units
                    _count(channel_flow[tables.channel[z, pool], p, w, GATE_ENTRIES], units, t, calendar)
            else:
                possible = window - began[i]
                if kind == LEAVE:
                    persons[z, p, w, LEAVES] += 1.0
                elif tables.death[s]:
                    persons[z, p, w, DEATHS] += 1.0
                    for m in range(mark_count):
                        if carried[i, m]:
                            marks[z, p, m, 1] += 1.0
                else:
                    persons[z, p, w, EXITS] += 1.0
                    if last_break[i] != t:
                        possible = t - began[i]
                active[i] = False
                _score(i, z, first_profile[i], first_pathway[i], possible, good, scores, scored)
        elif kind == BREAK:
            visits[z, p, detail, QUEUE_BREAKS if units == 1 else PATIENCE_BREAKS] += 1.0
            break_until[i] = t + calendar.memory
            last_break[i] = t
        elif kind == HAZARD:
            if s >= 0:
                hazards[z, p, s, detail] += 1.0
            profile[i] = log.profile[k]
        elif kind == SERVICE_ASK:
            q = pool
            if q < 0:
                q = int(tables.home_pool[z, resource])
            if not asked[i, resource]:
                concerned[i] += 1
                asked[i, resource] = True
                asked_pool[i, resource] = q
                if q >= 0:
                    _settle_pool(q, t, pool_last, busy, capacity, waiting, pools, queues, calendar)
                    waiting[q] += 1
                asked_since[i, resource] = t
                services[z, p, w, resource, SERVICE_ASKED] += 1.0
        elif kind in (SERVICE_GRANT, SERVICE_END, SERVICE_LEAVE):
            if kind != SERVICE_END and asked[i, resource]:
                waited = t - asked_since[i, resource]
                asked[i, resource] = False
                concerned[i] -= 1
                q = int(asked_pool[i, resource])
                if q >= 0:
                    _settle_pool(q, t, pool_last, busy, capacity, waiting, pools, queues, calendar)
                    waiting[q] -= 1
                services[z, p, w, resource, SERVICE_WAITED] += waited
                if waited > tables.tolerable[resource]:
                    services[z, p, w, resource, SERVICE_LATE] += 1.0
                if kind == SERVICE_GRANT and t == 0.0 and initial[i]:
                    services[z, p, w, resource, SERVICE_ASKED] -= 1.0  # held from before, not asked for in the run
                elif kind == SERVICE_LEAVE:
                    services[z, p, w, resource, SERVICE_LEFT] += 1.0
                else:
                    services[z, p, w, resource, SERVICE_GRANTED] += 1.0
                    if waited <= tables.tolerable[resource]:
                        services[z, p, w, resource, SERVICE_WITHIN] += 1.0
            if kind != SERVICE_LEAVE:
                before = held[i, resource]
                q = pool if pool >= 0 else int(held_pool[i, resource])
                if q < 0:
                    q = int(tables.home_pool[z, resource])
                _settle_pool(q, t, pool_last, busy, capacity, waiting, pools, queues, calendar)
                held[i, resource] = units
                held_pool[i, resource] = q
                busy[q] += units - before
                concerned[i] += int(units > 0) - int(before > 0)
                if units == 0:
                    absent[i, resource] = False
                elif before == 0:
                    c = tables.channel[z, q]
                    if not (t == 0.0 and initial[i]):
                        _count(channel_flow[c, p, w, SERVICE_ENTRIES], units, t, calendar)
                    if not helped[i, resource]:
                        helped[i, resource] = True
                        _count(channel_flow[c, p, w, SERVICE_PERSONS], 1.0, t, calendar)
        elif kind == SERVICE_ABSENT:
            absent[i, resource] = True
        elif kind == SERVICE_RETURN:
            absent[i, resource] = False
        elif kind == GATE_END:
            slot = 1 if gate_units[i, 1] > 0 and gate_pool[i, 1] == pool else 0
            left = gate_units[i, slot] - units
            busy[pool] -= units
            gate_units[i, slot] = left
            if left <= 0:
                gate_units[i, slot], gate_pool[i, slot] = 0, -1
        elif kind == MARK:
            if not (t == 0.0 and initial[i]):
                marks[z, p, detail, 0] += 1.0
            carried[i, detail] = True
        elif kind == MARK_END:
            carried[i, detail] = False
        elif kind == REORIENT:
            if s < 0:
                pathway[i] = detail
        else:
            profile[i] = log.profile[k]

    for q in range(pool_count):
        _settle_pool(q, window, pool_last, busy, capacity, waiting, pools, queues, calendar)

    return Tally(
        persons, visits, services, visit_flow, channel_flow, joined_flow, pools, queues, hazards, marks, scores, scored
    )


@njit(cache=True, nogil=True)
def _score(
    i: int,
    z: int,
    p: int,
    w: int,
    possible: float,
    good: FloatArray,
    scores: FloatArray,
    scored: FloatArray,
) -> None:
    """Count a person whose time is over: each component's good time as a part of the possible time."""
    if possible > 0.0:
        scored[z, p, w] += 1.0
        for component in range(6):
            scores[z, p, w, component] += min(good[i, component] / possible, 1.0)
