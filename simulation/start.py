"""Arrivals (T2) and the state at time 0 (T11): who comes when, and from which census the future starts."""

from dataclasses import replace
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from instances.instance import Instance
from simulation.compilation import time_units_per_year
from simulation.components import Component
from simulation.flat_model import FlatModel
from simulation.records import EVENT, Event, EventArray
from simulation.state import Held, State, Status, empty_state
from simulation.streams import bulk_exponentials, purpose, uniforms, unit_exponential

# Ordinals of those who do not come by themselves: founders of the warm-up; newcomers and copies at time 0.
FOUNDERS = 1 << 40
NEWCOMERS = 1 << 41
COPIES = 1 << 42
FOUNDING_SHARE = 0.1  # founders come in over this first part of the warm-up, in keyed order


def before_warm_up(instance: Instance, component: Component, model: FlatModel, *, seed: int, replication: int) -> State:
    """Return the state at -warm_up: nobody present, founders and arrivals until the end of the run to come.

    Founders are as many as the census `initial` of each zone and profile, so that the warm-up starts near
    the census that it must end with.
    """
    groups = [
        _group(instance, component, model, zone, profile, seed, replication)
        for zone in range(len(component.territories))
        for profile in range(model.profiles)
    ]
    columns = [np.concatenate(column) for column in zip(*groups, strict=True)]
    zone, profile, ordinal, time = columns
    state = empty_state(model, len(time), -model.warm_up)
    rows = state.patients
    rows["zone"], rows["first_profile"], rows["profile"] = zone, profile, profile
    rows["ordinal"], rows["chooser"], rows["arrival"] = ordinal, ordinal, time
    rows["group"] = model.group[zone, profile]
    rows["settled"] = time
    return state


def _group(
    instance: Instance, component: Component, model: FlatModel, zone: int, profile: int, seed: int, replication: int
) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32], npt.NDArray[np.uint64], npt.NDArray[np.float64]]:
    """Return zone, profile, ordinal and time of all who will come of one zone and profile."""
    territory = instance.territories[component.territories[zone]].zone
    code = instance.profiles[profile].profile
    need = next((row for row in instance.needs if row.zone == territory and row.profile == code), None)
    key = int(model.group[zone, profile])
    times = np.zeros(0)
    founders = 0
    if need is not None:
        pieces = rate_pieces(instance, need.arrivals, need.growth, need.rhythm)
        times = arrival_times(pieces, seed=seed, replication=replication, group=key)
        founders = (need.initial or 0) if model.warm_up > 0.0 else 0
    founding = np.arange(founders, dtype=np.uint64) + np.uint64(FOUNDERS)
    keys = np.full(founders, key, dtype=np.uint64)
    spread = uniforms(seed, replication, founding, keys, np.uint64(purpose("founding")))
    first = model.warm_up * (FOUNDING_SHARE * spread - 1.0)
    ordinals = np.concatenate([np.arange(len(times), dtype=np.uint64), founding])
    count = len(ordinals)
    return (
        np.full(count, zone, dtype=np.int32),
        np.full(count, profile, dtype=np.int32),
        ordinals,
        np.concatenate([times, first]),
    )


def rate_pieces(
    instance: Instance, arrivals: float, growth: float, rhythm: str
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return the bounds [m + 1] and rates [m] (per time unit) of a piecewise-constant arrival rate.

    The rate is arrivals per year, times (1 + growth) to the number of whole years since time 0 (1 before),
    times the rhythm's factor; from -warm_up to run.
    """
    horizon = instance.settings.horizon
    year = time_units_per_year(instance)
    begin, end = -horizon.warm_up, horizon.run
    cuts = {begin, end} | {year * number for number in range(int(end // year) + 1) if begin < year * number < end}
    pieces = sorted((row for row in instance.rhythms if row.rhythm == rhythm), key=lambda row: row.start)
    if pieces:
        period = pieces[0].period
        for number in range(int(np.floor(begin / period)), int(np.ceil(end / period)) + 1):
            cuts |= {number * period + row.start for row in pieces if begin < number * period + row.start < end}
    bounds = np.array(sorted(cuts))
    middles = 0.5 * (bounds[:-1] + bounds[1:])
    rates = (arrivals / year) * (1.0 + growth) ** np.maximum(0.0, np.floor(middles / year))
    if pieces:
        starts = np.array([row.start for row in pieces])
        factors = np.array([row.factor for row in pieces])
        # before the first start of a period the last piece of the period before still holds
        rates = rates * factors[np.searchsorted(starts, np.mod(middles, pieces[0].period), side="right") - 1]
    return bounds, rates


def arrival_times(
    pieces: tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]], *, seed: int, replication: int, group: int
) -> npt.NDArray[np.float64]:
    """Return the times of a Poisson process of piecewise-constant rate, exact per piece.

    The n-th arrival is where the cumulative rate reaches the sum of n unit exponentials (time change;
    Cinlar 1975, ch. 4.7), so that a changed rate moves arrivals and keeps their luck.
    """
    bounds, rates = pieces
    cumulative = np.concatenate([[0.0], np.cumsum(rates * np.diff(bounds))])
    expected = cumulative[-1]
    if expected <= 0.0:
        return np.zeros(0)
    count = int(expected + 8.0 * np.sqrt(expected) + 16.0)
    while True:
        reached = np.cumsum(bulk_exponentials(seed, replication, group, purpose("arrivals"), count))
        if reached[-1] >= expected:
            break
        count *= 2
    reached = reached[reached < expected]
    piece = np.searchsorted(cumulative, reached, side="right") - 1
    times: npt.NDArray[np.float64] = bounds[piece] + (reached - cumulative[piece]) / rates[piece]
    return times


def at_time_zero(
    instance: Instance, component: Component, model: FlatModel, warm: State, *, seed: int, replication: int
) -> State:
    """Return the state at time 0: of those present at the warm-up's end exactly `initial` per zone and profile.

    Those kept are drawn by keyed numbers, with step, elapsed time, waits and services as they are. Where
    fewer are present than the census has, the missing are copies of keyed ones present: same state, same
    choice of pathway, luck of their own. Where none is present to copy, the missing arrive at time 0. Without
    `initial` everyone present stays.
    """
    rows = warm.patients
    status, zones, profiles = (rows[name].copy() for name in ("status", "zone", "profile"))  # each read many times
    present = (status != Status.TO_COME) & (status != Status.GONE)
    kept = [np.flatnonzero(status == Status.TO_COME)]
    copies = [np.zeros(0, dtype=np.int64)]
    newcomers = []
    for zone in range(len(component.territories)):
        territory = instance.territories[component.territories[zone]].zone
        for profile, profile_row in enumerate(instance.profiles):
            members = np.flatnonzero(present & (zones == zone) & (profiles == profile))
            census = next(
                (row.initial for row in instance.needs if row.zone == territory and row.profile == profile_row.profile),
                None,
            )
            if census and len(members) == 0:
                newcomers.append(_newcomers(model, zone, profile, census))
                continue
            chosen, extra = _draw_census(rows, members, census, seed, replication)
            kept.append(chosen)
            copies.append(extra)
    return _take(model, warm, np.concatenate(kept), np.concatenate(copies), newcomers, seed, replication)


def _newcomers(model: FlatModel, zone: int, profile: int, count: int) -> State:
    """Return people of a zone and profile who arrive at time 0."""
    state = empty_state(model, count, 0.0)
    rows = state.patients
    rows["zone"], rows["first_profile"], rows["profile"] = zone, profile, profile
    rows["ordinal"] = np.arange(count, dtype=np.uint64) + np.uint64(NEWCOMERS)
    rows["chooser"] = rows["ordinal"]
    rows["group"] = model.group[zone, profile]
    return state


def _draw_census(
    rows: npt.NDArray[np.void],
    members: npt.NDArray[np.int64],
    census: int | None,
    seed: int,
    replication: int,
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return who stays and who is copied, of those present of one zone and profile."""
    if census is None or census == len(members):
        return members, np.zeros(0, dtype=np.int64)
    key = purpose("census")
    luck = uniforms(seed, replication, rows["ordinal"][members], rows["group"][members], np.uint64(key))
    ranked = members[np.argsort(luck, kind="stable")]
    if census < len(members):
        return np.sort(ranked[:census]), np.zeros(0, dtype=np.int64)
    missing = census - len(members)
    return members, np.tile(ranked, missing // len(ranked) + 1)[:missing]


def _take(
    model: FlatModel,
    warm: State,
    kept: npt.NDArray[np.int64],
    copies: npt.NDArray[np.int64],
    newcomers: list[State],
    seed: int,
    replication: int,
) -> State:
    """Return the state of those kept, copied and new, in the order (zone, first profile, ordinal)."""
    there = np.concatenate([warm.patients, *(each.patients for each in newcomers)]) if newcomers else warm.patients
    new = np.arange(len(warm.patients), len(there))
    source = np.concatenate([kept, copies, new])
    ordinals = there["ordinal"].take(source)
    is_copy = np.zeros(len(source), dtype=np.bool_)
    is_copy[len(kept) : len(kept) + len(copies)] = True
    ordinals[is_copy] += np.uint64(COPIES) * (_occurrence(copies) + 1).astype(np.uint64)
    order = np.lexsort((ordinals, there["first_profile"].take(source), there["zone"].take(source)))
    chosen, is_copy = source[order], is_copy[order]

    def taken(name: Literal["slots", "clocks", "marks", "visits"]) -> npt.NDArray[Any]:
        # `take` copies records several times faster than an index does
        rows = [getattr(state, name) for state in (warm, *newcomers)]
        found: npt.NDArray[Any] = (np.concatenate(rows) if newcomers else rows[0]).take(chosen, axis=0)
        return found

    patients, clocks = there.take(chosen), taken("clocks")
    patients["ordinal"] = ordinals[order]
    own, own_clocks = patients[is_copy], clocks[is_copy]
    draw_hazards(model, own, own_clocks, warm.time, seed, replication)
    patients[is_copy], clocks[is_copy] = own, own_clocks
    return replace(
        warm,
        patients=patients,
        slots=taken("slots"),
        clocks=clocks,
        marks=taken("marks"),
        visits=taken("visits"),
        waiting=_lines(warm.waiting, np.where(chosen < len(warm.patients), chosen, -1), warm.slots.shape[1]),
    )


def draw_hazards(
    model: FlatModel,
    patients: npt.NDArray[np.void],
    clocks: npt.NDArray[np.void],
    time: float,
    seed: int,
    replication: int,
) -> None:
    """Give patients hazard budgets of their own from `time` on (T6); memoryless, so nothing elapsed is lost."""
    clocks["budget"] = np.nan
    clocks["count"] = 0
    patients["settled"] = time
    patients["hazard_time"], patients["hazard"] = np.inf, -1
    for hazard, key in enumerate(model.hazard_purpose):
        rate = clocks["rate"][:, hazard]
        at_risk = np.flatnonzero(rate > 0.0)
        luck = uniforms(seed, replication, patients["ordinal"][at_risk], patients["group"][at_risk], key)
        budget = np.array([unit_exponential(u) for u in luck], dtype=np.float64)
        clocks["budget"][at_risk, hazard] = budget
        strikes = time + budget / rate[at_risk]
        sooner = strikes < patients["hazard_time"][at_risk]
        patients["hazard_time"][at_risk[sooner]] = strikes[sooner]
        patients["hazard"][at_risk[sooner]] = hazard


def _occurrence(values: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Return for each value how many equal ones stand before it."""
    order = np.argsort(values, kind="stable")
    ranked = values[order]
    first = np.searchsorted(ranked, ranked, side="left")
    occurrence = np.empty(len(values), dtype=np.int64)
    occurrence[order] = np.arange(len(values)) - first
    return occurrence


def _lines(waiting: npt.NDArray[np.int64], source: npt.NDArray[np.int64], slots: int) -> npt.NDArray[np.int64]:
    """Return the waiting lists of patients taken from `source`; copies stand right behind their originals."""
    if len(waiting) == 0:
        return waiting
    order = np.argsort(source, kind="stable")
    patient, slot = np.divmod(waiting[:, 2], slots + 1)
    first = np.searchsorted(source[order], patient, side="left")
    last = np.searchsorted(source[order], patient, side="right")
    rows = np.repeat(np.arange(len(waiting)), last - first)
    offset = np.arange(len(rows)) - np.repeat(np.cumsum(last - first) - (last - first), last - first)
    taken = order[first[rows] + offset]
    return np.stack([waiting[rows, 0], waiting[rows, 1], taken * (slots + 1) + slot[rows]], axis=1)


def opening_events(model: FlatModel, state: State, capacity: npt.NDArray[np.int32]) -> EventArray:
    """Return the records that open a log at a state's time: capacities, who is present, what they hold and await."""
    rows = state.patients
    present = np.flatnonzero((rows["status"] != Status.TO_COME) & (rows["status"] != Status.GONE))
    pools = np.zeros(len(capacity), dtype=EVENT)
    pools["patient"], pools["kind"], pools["profile"], pools["step"] = -1, Event.CAPACITY, -1, -1
    pools["resource"], pools["pool"], pools["units"], pools["detail"] = (
        model.pool_resource,
        np.arange(len(capacity)),
        capacity,
        -1,
    )
    gates = rows["gate_pool"][present]
    parts = [
        _records(state, present, Event.PRESENT, rows["pathway"][present], gates, rows["gate_units"][present], model)
    ]
    for mark in range(state.marks.shape[1]):
        carrying = present[state.marks[present, mark] > -np.inf]
        parts.append(_records(state, carrying, Event.MARK, np.full(len(carrying), mark), None, None, model))
    parts.extend(_opening_services(model, state, present))
    waiting = present[rows["status"][present] == Status.WAITING]
    parts.append(
        _records(
            state,
            waiting,
            Event.WAIT,
            rows["awaited"][waiting],
            rows["asked_pool"][waiting],
            rows["asked_units"][waiting],
            model,
        )
    )
    persons = np.concatenate(parts)
    persons = persons[np.argsort(persons["patient"], kind="stable")]
    log = np.concatenate([pools, persons])
    log["time"] = state.time
    return log


def _opening_services(model: FlatModel, state: State, present: npt.NDArray[np.int64]) -> list[EventArray]:
    """Records of services: asked for, then granted, acting, absent, as they are."""
    parts = []
    slots = state.slots.take(present, axis=0)
    for slot in range(slots.shape[1]):
        column = slots[:, slot]
        for kind, chosen in (
            (Event.SERVICE_ASK, column["state"] != Held.NONE),
            (Event.SERVICE_GRANT, column["state"] == Held.HELD),
            (Event.ONSET, column["acting"] == 1),
            (Event.SERVICE_ABSENT, (column["state"] != Held.NONE) & (column["active"] == 0)),
        ):
            who = present[chosen]
            parts.append(
                _records(
                    state,
                    who,
                    kind,
                    np.full(len(who), -1),
                    column["pool"][chosen],
                    column["units"][chosen],
                    model,
                )
            )
    return parts


def _records(
    state: State,
    who: npt.NDArray[np.int64],
    kind: Event,
    detail: npt.NDArray[np.int64],
    pool: npt.NDArray[np.int32] | None,
    units: npt.NDArray[np.int32] | None,
    model: FlatModel,
) -> EventArray:
    log = np.zeros(len(who), dtype=EVENT)
    log["patient"], log["kind"], log["detail"] = who, kind, detail
    log["profile"], log["step"] = state.patients["profile"][who], state.patients["step"][who]
    log["resource"] = -1
    log["pool"] = -1
    if pool is not None and units is not None:
        log["pool"], log["units"] = pool, units
        log["resource"] = np.where(pool >= 0, model.pool_resource[np.maximum(pool, 0)], -1)
    return log
