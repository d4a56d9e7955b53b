"""One compiled pass over an event log: what everyone lived, asked for, waited for and held.

Between two of their events a person's state is constant, so every account is a sum of pieces: each event first
settles the piece that ends with it, then changes the state. Pieces are cut at the years of the run; discounted
amounts are exact integrals of (1 + rate)^-t over the piece. At the horizon everyone present is settled once more,
with the waits so far.

The pass is one long function on purpose: split into compiled functions that share its fifty arrays it measured ten
times slower and three times longer to compile. Its arrays are made outside it, so that it is compiled without
counting references (`_nrt=False`), which took half its time. Its sections follow one another: settle the pool, settle
the person, end a wait, then one branch a kind of event.

Shapes as in `chart`; n patients, Y years; the last axis of flows is (plain, discounted).
"""

import math
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit

from instances.faults import ConfiguratorError
from simulation.near_memory import LINE, bring_near
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

# Flows of seats [V, P, ., Y, 2] and of channels [C, P, W, ., Y, 2]; flows of joining a pathway [Z, P, W, Y, 2].
FLOW_ENTRIES, FLOW_TIME, FLOW_PERSONS = range(3)
GATE_ENTRIES, GATE_TIME, SERVICE_ENTRIES, SERVICE_TIME, KEPT_TIME, SERVICE_PERSONS = range(6)
CHANNEL_FLOWS = 6

# Measures of pools [Q, ., Y, 2].
POOL_BUSY, POOL_CAPACITY, POOL_EXCESS = range(3)

# Components of satisfaction, in the order of the settings.
ACCESS, CONTINUITY, PREFERRED_PLACE, PROXIMITY, FIT, SAFETY = range(6)

QUARTERS = 4
AHEAD = 8  # events; a patient's memory is asked for so long before it is needed


STATE = np.dtype(
    [
        ("last", np.float64),  # settled until then
        ("settled", np.float64),  # discounted time until `last`
        ("began", np.float64),
        ("stay_start", np.float64),
        ("wait_since", np.float64),
        ("break_until", np.float64),
        ("acute_until", np.float64),
        ("last_break", np.float64),
        # time in which each component of satisfaction was good
        ("accessible", np.float64),
        ("continuous", np.float64),
        ("preferred", np.float64),
        ("near", np.float64),
        ("fitting", np.float64),
        ("safe", np.float64),
        ("profile", np.int32),
        ("step", np.int32),  # -1: outside
        ("pathway", np.int32),
        ("first_profile", np.int32),
        ("first_pathway", np.int32),
        ("awaited", np.int32),  # step; -1: none
        ("awaited_pool", np.int32),
        ("gate_pool", np.int32),
        ("gate_units", np.int32),
        ("former_pool", np.int32),  # the gate left, while its units are still held
        ("former_units", np.int32),
        ("concerned", np.int32),  # services asked for or held: most people have none to look at
        ("active", np.bool_),
        ("initial", np.bool_),
    ],
    align=True,
)
HELP = np.dtype(
    [
        ("asked_since", np.float64),
        ("asked_pool", np.int32),
        ("held", np.int32),
        ("held_pool", np.int32),
        ("asked", np.bool_),
        ("absent", np.bool_),
        ("helped", np.bool_),  # at some time in the run
    ],
    align=True,
)


class Log(NamedTuple):
    """An event log by column."""

    time: FloatArray
    patient: npt.NDArray[np.int32]
    kind: npt.NDArray[np.int16]
    profile: npt.NDArray[np.int16]
    step: npt.NDArray[np.int16]
    resource: npt.NDArray[np.int16]
    pool: npt.NDArray[np.int32]  # -1: none
    pool_numbers: IntArray  # [pools of the log + 1] index among the instance's pools of each; last, for -1: -1
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
    served: IntArray  # [K] resources that are services
    help_of: IntArray  # [R] their position in `served`; -1: no service
    leads_to: IntArray
    tolerable: FloatArray
    is_place: BoolArray
    home_pool: IntArray
    channel: IntArray
    seat: IntArray
    seat_of_channel: IntArray
    pool_resource: IntArray
    place_value: FloatArray
    nearness: FloatArray
    sizes: tuple[int, int, int, int, int, int, int, int, int]  # Z, P, W, S, R, C, H, M, V


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
    seat_flow: FloatArray  # [V, P, 3, Y, 2] visits, by where they are served
    channel_flow: FloatArray  # [C, P, W, CHANNEL_FLOWS, Y, 2]
    joined_flow: FloatArray  # [Z, P, W, Y, 2]
    pools: FloatArray  # [Q, 3, Y, 2]
    queues: FloatArray  # [Q, QUARTERS] mean persons waiting in each quarter of the run
    hazards: FloatArray  # [Z, P, S, H]
    marks: FloatArray  # [Z, P, M, 2] set, deaths while carried
    scores: FloatArray  # [Z, P, W, 6] sums over persons of scores 0 to 1, by first profile and pathway
    scored: FloatArray  # [Z, P, W] persons


class Memory(NamedTuple):
    """What the pass remembers between events: of each patient, of each service of each patient, of each pool."""

    states: npt.NDArray[np.void]  # [n]
    helps: npt.NDArray[np.void]  # [n, K] of the K resources that are services
    known: npt.NDArray[np.uint64]  # [n, words] bits: pathways joined, steps visited, marks carried
    busy: IntArray  # [Q] units
    capacity: IntArray  # [Q]
    waiting: IntArray  # [Q] persons
    pool_last: FloatArray  # [Q] settled until then
    pool_settled: FloatArray  # [Q] discounted time until then


@njit(cache=True, nogil=True, _nrt=False)
def _discounted_until(moment: float, calendar: Calendar) -> float:
    """Return the discounted time units from time 0 to a moment: the integral of (1 + rate)^-t."""
    if calendar.force == 0.0:
        return moment
    scale = calendar.force / calendar.per_year
    return (1.0 - math.exp(-scale * moment)) / scale


@njit(cache=True, nogil=True, _nrt=False)
def _spread(
    row: FloatArray, amount: float, start: float, end: float, before: float, until: float, calendar: Calendar
) -> None:
    """Add `amount` times the time from start to end to a row [Y, 2], by year.

    before, until: discounted time from time 0 to start and to end.
    """
    year = min(int(start / calendar.per_year), calendar.years - 1)
    while year < calendar.years - 1 and end > (year + 1) * calendar.per_year:
        boundary = (year + 1) * calendar.per_year
        so_far = _discounted_until(boundary, calendar)
        row[year, 0] += amount * (boundary - start)
        row[year, 1] += amount * (so_far - before)
        start, before = boundary, so_far
        year += 1
    row[year, 0] += amount * (end - start)
    row[year, 1] += amount * (until - before)


@njit(cache=True, nogil=True, _nrt=False)
def _count(row: FloatArray, amount: float, moment: float, until: float, calendar: Calendar) -> None:
    """Add `amount` at a moment to a row [Y, 2]; until: discounted time to that moment."""
    year = min(int(moment / calendar.per_year), calendar.years - 1)
    row[year, 0] += amount
    row[year, 1] += amount * (1.0 - calendar.force / calendar.per_year * until)  # (1 + rate)^-t


@njit(cache=True, nogil=True, _nrt=False)
def _spread_quarters(row: FloatArray, amount: float, start: float, end: float, window: float) -> None:
    """Add the mean over each quarter of the window of `amount` lasting from start to end."""
    width = window / QUARTERS
    while start < end:
        quarter = min(int(start / width), QUARTERS - 1)
        stop = end if quarter == QUARTERS - 1 else min(end, (quarter + 1) * width)
        row[quarter] += amount * (stop - start) / width
        start = stop


@njit(cache=True, nogil=True, _nrt=False)
def _settle_pool(
    q: int,
    moment: float,
    until: float,
    pool_last: FloatArray,
    pool_settled: FloatArray,
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
            _spread(pools[q, POOL_BUSY], busy[q], start, moment, pool_settled[q], until, calendar)
        if capacity[q] > 0:
            _spread(pools[q, POOL_CAPACITY], capacity[q], start, moment, pool_settled[q], until, calendar)
        if busy[q] > capacity[q]:
            _spread(pools[q, POOL_EXCESS], busy[q] - capacity[q], start, moment, pool_settled[q], until, calendar)
        if waiting[q] > 0:
            _spread_quarters(queues[q], waiting[q], start, moment, calendar.window)
        pool_last[q] = moment
        pool_settled[q] = until


@njit(cache=True, nogil=True, _nrt=False)
def _seat(tables: Tables, z: int, p: int, s: int, pool: int) -> int:
    """Return where a step is lived: in the pool that serves it, else where the territory's people have it."""
    if pool >= 0:
        v = tables.seat_of_channel[tables.channel[z, pool], s]
        if v >= 0:
            return int(v)
    return int(tables.seat[z, s, p])


class UnknownService(ConfiguratorError):  # noqa: N818 (named for what it says)
    """A log tells of a service that the instance does not have."""


def replay(log: Log, people: Persons, tables: Tables, calendar: Calendar) -> Tally:
    """Replay a log and tally it; events after the window are left out."""
    zones, profiles, pathways, steps, resources, channels, hazard_count, mark_count, seats = tables.sizes
    pool_count, years, n = len(tables.pool_resource), calendar.years, len(people.zone)
    tally = Tally(
        persons=np.zeros((zones, profiles, pathways, PERSON_MEASURES)),
        visits=np.zeros((zones, profiles, steps, VISIT_MEASURES)),
        services=np.zeros((zones, profiles, pathways, resources, SERVICE_MEASURES)),
        seat_flow=np.zeros((seats, profiles, 3, years, 2)),
        channel_flow=np.zeros((channels, profiles, pathways, CHANNEL_FLOWS, years, 2)),
        joined_flow=np.zeros((zones, profiles, pathways, years, 2)),
        pools=np.zeros((pool_count, 3, years, 2)),
        queues=np.zeros((pool_count, QUARTERS)),
        hazards=np.zeros((zones, profiles, steps, hazard_count)),
        marks=np.zeros((zones, profiles, mark_count, 2)),
        scores=np.zeros((zones, profiles, pathways, 6)),
        scored=np.zeros((zones, profiles, pathways)),
    )
    memory = Memory(
        states=np.zeros(n, dtype=STATE),
        helps=np.zeros((n, len(tables.served)), dtype=HELP),
        known=np.zeros((n, 1 + (pathways + steps + mark_count) // 64), dtype=np.uint64),
        busy=np.zeros(pool_count, dtype=np.int64),
        capacity=np.zeros(pool_count, dtype=np.int64),  # a log opens with every pool's CAPACITY
        waiting=np.zeros(pool_count, dtype=np.int64),
        pool_last=np.zeros(pool_count),
        pool_settled=np.zeros(pool_count),
    )
    unreadable = _replay(log, people, tables, calendar, tally, memory)
    if unreadable >= 0:
        raise UnknownService(f"event {unreadable} of the log is about a service that no step asks for")
    return tally


@njit(cache=True, nogil=True, _nrt=False)
def _replay(log: Log, people: Persons, tables: Tables, calendar: Calendar, tally: Tally, memory: Memory) -> int:
    """Replay a log into a tally of zeros; return the first event about what is no service, -1: none."""
    _, _, pathways, steps, _, _, _, mark_count, _ = tables.sizes
    pool_count = tables.pool_resource.shape[0]
    window, n = calendar.window, people.zone.shape[0]
    (
        persons, visits, services, seat_flow, channel_flow, joined_flow, pools, queues, hazards, marks, scores, scored,
    ) = tally  # fmt: skip
    states, helps, known, busy, capacity, waiting, pool_last, pool_settled = memory
    served, help_of, pool_numbers = tables.served, tables.help_of, log.pool_numbers
    first_step, first_mark = pathways, pathways + steps  # where their bits start
    states_at, known_at, helps_at = states.ctypes.data, known.ctypes.data, helps.ctypes.data
    state_size, known_size, helps_size = states.itemsize, 8 * known.shape[1], helps.itemsize * helps.shape[1]

    events = log.time.shape[0]
    now, until = 0.0, 0.0
    for k in range(events + n):
        if k < events:
            t, i, kind = log.time[k], int(log.patient[k]), int(log.kind[k])
            if t > window:
                continue
            pool, resource, units, detail = (
                int(pool_numbers[log.pool[k]]), int(log.resource[k]), int(log.units[k]), int(log.detail[k]),
            )  # fmt: skip
            if SERVICE_ASK <= kind <= SERVICE_RETURN and help_of[resource] < 0:
                return k
            if k + AHEAD < events:
                coming = int(log.patient[k + AHEAD])
                for offset in range(0, state_size, LINE):
                    bring_near(states_at + coming * state_size + offset)
                for offset in range(0, helps_size, LINE):
                    bring_near(helps_at + coming * helps_size + offset)
                bring_near(known_at + coming * known_size)
        else:
            t, i, kind = window, k - events, HORIZON
            pool, resource, units, detail = -1, -1, 0, -1

        if t != now:
            now = t
            until = _discounted_until(t, calendar)
        if pool >= 0:
            _settle_pool(pool, t, until, pool_last, pool_settled, busy, capacity, waiting, pools, queues, calendar)
        if kind == CAPACITY:
            capacity[pool] = units
            continue

        me = states[i]
        if kind == HORIZON and not me.active:
            continue
        z, p, s, w = int(people.zone[i]), int(me.profile), int(me.step), int(me.pathway)

        # Settle the patient's piece since their last event.
        if me.active and me.last < t:
            start = me.last
            span = t - start
            disc = until - me.settled
            qaly = tables.utility[s, p]  # s = -1: the last row, outside
            persons[z, p, w, PERSON_TIME] += span
            persons[z, p, w, QALY] += qaly * span
            persons[z, p, w, QALY_DISCOUNTED] += qaly * disc
            if s >= 0:
                visits[z, p, s, STAY_TIME] += span
                visits[z, p, s, QALYS] += qaly * span
                v = _seat(tables, z, p, s, me.gate_pool)
                _spread(seat_flow[v, p, FLOW_TIME], 1.0, start, t, me.settled, until, calendar)
            if me.gate_units > 0:
                c = tables.channel[z, me.gate_pool]
                _spread(channel_flow[c, p, w, GATE_TIME], me.gate_units, start, t, me.settled, until, calendar)
            if me.former_units > 0:
                c = tables.channel[z, me.former_pool]
                _spread(channel_flow[c, p, w, GATE_TIME], me.former_units, start, t, me.settled, until, calendar)

            overdue_from = math.inf
            place = tables.place_value[z, p, s]
            near = 1.0
            if me.gate_units > 0:
                near = tables.nearness[z, me.gate_pool]
            needed, met = 0, 0
            a = int(me.awaited)
            blocked = False
            if a >= 0:
                needed += 1
                visits[z, p, a, WAIT_TIME] += span
                blocked = me.gate_units > 0 and tables.hold[a, p]
                if blocked and s >= 0:
                    visits[z, p, s, BLOCKED_TIME] += span
                place = min(place, tables.place_value[z, p, a])
                if me.awaited_pool >= 0:
                    near = min(near, tables.nearness[z, me.awaited_pool])
                    overdue_from = me.wait_since + tables.tolerable[tables.pool_resource[me.awaited_pool]]
            if me.concerned > 0:
                for h in range(served.shape[0]):
                    aid = helps[i, h]
                    if not aid.asked and aid.held == 0:
                        continue
                    r = int(served[h])
                    wanted = s >= 0 and tables.needs[s, p, r]
                    if aid.held > 0:
                        c = tables.channel[z, aid.held_pool]
                        flow = KEPT_TIME if aid.absent else SERVICE_TIME
                        _spread(channel_flow[c, p, w, flow], aid.held, start, t, me.settled, until, calendar)
                        if not aid.absent:
                            needed += 1
                            met += 1
                            services[z, p, w, r, NEED_TIME] += span
                            services[z, p, w, r, HELD_TIME] += span
                            if s >= 0 and tables.is_place[r] and not tables.home[s]:
                                near = min(near, tables.nearness[z, aid.held_pool])
                    elif wanted and not aid.absent:
                        needed += 1
                        services[z, p, w, r, NEED_TIME] += span
                        services[z, p, w, r, UNMET_TIME] += span
                    if aid.asked and wanted:
                        overdue_from = min(overdue_from, aid.asked_since + tables.tolerable[r])
                        target = tables.leads_to[s, p, r]
                        if target >= 0:
                            place = min(place, tables.place_value[z, p, target])
                            if aid.asked_pool >= 0:
                                near = min(near, tables.nearness[z, aid.asked_pool])
            in_time = min(max(overdue_from, start), t) - start
            persons[z, p, w, OVERDUE_TIME] += span - in_time
            me.accessible += in_time
            if not blocked:
                me.continuous += t - min(max(me.break_until, start), t)
            me.preferred += place * span
            me.near += near * span
            me.fitting += span if needed == 0 else span * met / needed
            me.safe += t - min(max(me.acute_until, start), t)
        if me.active:
            me.last = t
            me.settled = until

        # A wait ends with entering, breaking, going, or asking for another gate.
        if kind in (ENTER, BREAK, EXIT, LEAVE, WAIT) and me.awaited >= 0:
            a = int(me.awaited)
            waited = t - me.wait_since
            limit = math.inf
            q = int(me.awaited_pool)
            if q >= 0:
                _settle_pool(q, t, until, pool_last, pool_settled, busy, capacity, waiting, pools, queues, calendar)
                waiting[q] -= 1
                limit = tables.tolerable[tables.pool_resource[q]]
            visits[z, p, a, WAITED] += waited
            if kind == ENTER and int(log.step[k]) == a:
                visits[z, p, a, SERVED] += 1.0
                if waited <= limit:
                    visits[z, p, a, SERVED_WITHIN] += 1.0
            if waited > limit:
                visits[z, p, a, LATE] += 1.0
            me.awaited = -1
            me.awaited_pool = -1

        if kind == HORIZON:
            persons[z, p, w, FINAL] += 1.0
            if s >= 0:
                visits[z, p, s, CENSUS] += 1.0
            a = int(me.awaited)
            if a >= 0:
                waited = t - me.wait_since
                visits[z, p, a, WAITED] += waited
                if me.awaited_pool >= 0 and waited > tables.tolerable[tables.pool_resource[me.awaited_pool]]:
                    visits[z, p, a, LATE] += 1.0
            for h in range(served.shape[0]):
                aid = helps[i, h]
                if aid.asked:
                    r = int(served[h])
                    waited = t - aid.asked_since
                    services[z, p, w, r, SERVICE_WAITED] += waited
                    if waited > tables.tolerable[r]:
                        services[z, p, w, r, SERVICE_LATE] += 1.0
            _score(me, z, t - me.began, scores, scored)
        elif kind in (PRESENT, ARRIVE):
            me.active = True
            me.initial = kind == PRESENT
            me.last = t
            me.settled = until
            me.began = t
            me.stay_start = math.nan
            me.last_break = -1.0
            me.awaited, me.awaited_pool, me.gate_pool, me.former_pool = -1, -1, -1, -1
            p, s = int(log.profile[k]), int(log.step[k])
            w = int(tables.step_pathway[s]) if s >= 0 else detail
            me.profile, me.step, me.pathway = p, s, w
            me.first_profile, me.first_pathway = p, w
            _learn(known, i, w)
            persons[z, p, w, JOINED] += 1.0
            _count(joined_flow[z, p, w], 1.0, t, until, calendar)
            if kind == PRESENT:
                persons[z, p, w, INITIAL] += 1.0
                if s >= 0:
                    _learn(known, i, first_step + s)
                    _count(seat_flow[_seat(tables, z, p, s, pool), p, FLOW_PERSONS], 1.0, t, until, calendar)
                    if units > 0 and pool >= 0:
                        me.gate_pool, me.gate_units = pool, units
                        busy[pool] += units
            else:
                persons[z, p, w, ARRIVALS] += 1.0
        elif kind == WAIT:
            me.awaited = detail
            q = pool
            if q < 0 and tables.gate[detail, p] >= 0:
                q = int(tables.home_pool[z, tables.gate[detail, p]])
            me.awaited_pool = q
            me.wait_since = t
            if t == 0.0 and me.initial and not math.isnan(people.waiting_since[i]):
                me.wait_since = people.waiting_since[i]
            visits[z, p, detail, ASKED] += 1.0
            if q >= 0:
                _settle_pool(q, t, until, pool_last, pool_settled, busy, capacity, waiting, pools, queues, calendar)
                waiting[q] += 1
            if tables.acute[detail]:
                me.acute_until = t + calendar.memory
        elif kind in (ENTER, EXIT, LEAVE):
            to = int(log.step[k])
            moved = kind == ENTER or (kind == EXIT and to != s)  # an exit may follow its own ENTER
            if (moved or kind == LEAVE) and s >= 0 and not math.isnan(me.stay_start):
                visits[z, p, s, COMPLETED] += 1.0
                visits[z, p, s, COMPLETED_TIME] += t - me.stay_start
            p = int(log.profile[k])
            me.profile = p
            if moved:
                me.stay_start = t
                s = to
                me.step = s
                w = int(tables.step_pathway[s])
                me.pathway = w
                if _learn(known, i, w):
                    persons[z, p, w, JOINED] += 1.0
                    _count(joined_flow[z, p, w], 1.0, t, until, calendar)
                visits[z, p, s, ENTRIES] += 1.0
                v = _seat(tables, z, p, s, pool)
                _count(seat_flow[v, p, FLOW_ENTRIES], 1.0, t, until, calendar)
                if _learn(known, i, first_step + s):
                    _count(seat_flow[v, p, FLOW_PERSONS], 1.0, t, until, calendar)
                if tables.acute[s]:
                    me.acute_until = t + calendar.memory
            if kind == ENTER:
                if me.gate_units > 0:
                    me.former_pool, me.former_units = me.gate_pool, me.gate_units
                me.gate_pool, me.gate_units = -1, 0
                if units > 0 and pool >= 0:
                    me.gate_pool, me.gate_units = pool, units
                    busy[pool] += units
                    _count(channel_flow[tables.channel[z, pool], p, w, GATE_ENTRIES], units, t, until, calendar)
            else:
                possible = window - me.began
                if kind == LEAVE:
                    persons[z, p, w, LEAVES] += 1.0
                elif tables.death[s]:
                    persons[z, p, w, DEATHS] += 1.0
                    for m in range(mark_count):
                        if _is_known(known, i, first_mark + m):
                            marks[z, p, m, 1] += 1.0
                else:
                    persons[z, p, w, EXITS] += 1.0
                    if me.last_break != t:
                        possible = t - me.began
                me.active = False
                _score(me, z, possible, scores, scored)
        elif kind == BREAK:
            visits[z, p, detail, QUEUE_BREAKS if units == 1 else PATIENCE_BREAKS] += 1.0
            me.break_until = t + calendar.memory
            me.last_break = t
        elif kind == HAZARD:
            if s >= 0:
                hazards[z, p, s, detail] += 1.0
            me.profile = log.profile[k]
        elif kind == SERVICE_ASK:
            aid = helps[i, help_of[resource]]
            q = pool if pool >= 0 else int(tables.home_pool[z, resource])
            if not aid.asked:
                me.concerned += 1
                aid.asked = True
                aid.asked_pool = q
                if q >= 0:
                    _settle_pool(q, t, until, pool_last, pool_settled, busy, capacity, waiting, pools, queues, calendar)
                    waiting[q] += 1
                aid.asked_since = t
                services[z, p, w, resource, SERVICE_ASKED] += 1.0
        elif kind in (SERVICE_GRANT, SERVICE_END, SERVICE_LEAVE):
            aid = helps[i, help_of[resource]]
            if kind != SERVICE_END and aid.asked:
                waited = t - aid.asked_since
                aid.asked = False
                me.concerned -= 1
                q = int(aid.asked_pool)
                if q >= 0:
                    _settle_pool(q, t, until, pool_last, pool_settled, busy, capacity, waiting, pools, queues, calendar)
                    waiting[q] -= 1
                services[z, p, w, resource, SERVICE_WAITED] += waited
                if waited > tables.tolerable[resource]:
                    services[z, p, w, resource, SERVICE_LATE] += 1.0
                if kind == SERVICE_GRANT and t == 0.0 and me.initial:
                    services[z, p, w, resource, SERVICE_ASKED] -= 1.0  # held from before, not asked for in the run
                elif kind == SERVICE_LEAVE:
                    services[z, p, w, resource, SERVICE_LEFT] += 1.0
                else:
                    services[z, p, w, resource, SERVICE_GRANTED] += 1.0
                    if waited <= tables.tolerable[resource]:
                        services[z, p, w, resource, SERVICE_WITHIN] += 1.0
            if kind != SERVICE_LEAVE:
                before = aid.held
                q = pool if pool >= 0 else int(aid.held_pool)
                _settle_pool(q, t, until, pool_last, pool_settled, busy, capacity, waiting, pools, queues, calendar)
                aid.held = units
                aid.held_pool = q
                busy[q] += units - before
                me.concerned += int(units > 0) - int(before > 0)
                if units == 0:
                    aid.absent = False
                elif before == 0:
                    c = tables.channel[z, q]
                    if not (t == 0.0 and me.initial):
                        _count(channel_flow[c, p, w, SERVICE_ENTRIES], units, t, until, calendar)
                    if not aid.helped:
                        aid.helped = True
                        _count(channel_flow[c, p, w, SERVICE_PERSONS], 1.0, t, until, calendar)
        elif kind == SERVICE_ABSENT:
            helps[i, help_of[resource]].absent = True
        elif kind == SERVICE_RETURN:
            helps[i, help_of[resource]].absent = False
        elif kind == GATE_END:
            busy[pool] -= units
            if me.former_units > 0 and me.former_pool == pool:
                me.former_units -= units
            else:
                me.gate_units -= units
        elif kind == MARK:
            if not (t == 0.0 and me.initial):
                marks[z, p, detail, 0] += 1.0
            _learn(known, i, first_mark + detail)
        elif kind == MARK_END:
            _forget(known, i, first_mark + detail)
        elif kind == REORIENT:
            if s < 0:
                me.pathway = detail
        else:
            me.profile = log.profile[k]

    until = _discounted_until(window, calendar)
    for q in range(pool_count):
        _settle_pool(q, window, until, pool_last, pool_settled, busy, capacity, waiting, pools, queues, calendar)
    return -1


@njit(cache=True, nogil=True, _nrt=False)
def _learn(known: npt.NDArray[np.uint64], i: int, bit: int) -> bool:
    """Set a bit of a patient; return whether it is new."""
    word, mask = bit >> 6, np.uint64(1) << np.uint64(bit & 63)
    is_new = (known[i, word] & mask) == np.uint64(0)
    known[i, word] |= mask
    return bool(is_new)


@njit(cache=True, nogil=True, _nrt=False)
def _is_known(known: npt.NDArray[np.uint64], i: int, bit: int) -> bool:
    """Say whether a bit of a patient is set."""
    return bool((known[i, bit >> 6] >> np.uint64(bit & 63)) & np.uint64(1))


@njit(cache=True, nogil=True, _nrt=False)
def _forget(known: npt.NDArray[np.uint64], i: int, bit: int) -> None:
    """Clear a bit of a patient."""
    known[i, bit >> 6] &= ~(np.uint64(1) << np.uint64(bit & 63))


@njit(cache=True, nogil=True, _nrt=False)
def _score(me: Any, z: int, possible: float, scores: FloatArray, scored: FloatArray) -> None:  # noqa: ANN401
    """Count a person whose time is over: each component's good time as a part of the possible time."""
    if possible > 0.0:
        p, w = me.first_profile, me.first_pathway
        scored[z, p, w] += 1.0
        scores[z, p, w, ACCESS] += min(me.accessible / possible, 1.0)
        scores[z, p, w, CONTINUITY] += min(me.continuous / possible, 1.0)
        scores[z, p, w, PREFERRED_PLACE] += min(me.preferred / possible, 1.0)
        scores[z, p, w, PROXIMITY] += min(me.near / possible, 1.0)
        scores[z, p, w, FIT] += min(me.fitting / possible, 1.0)
        scores[z, p, w, SAFETY] += min(me.safe / possible, 1.0)
