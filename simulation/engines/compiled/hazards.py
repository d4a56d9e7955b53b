"""Orientation (T3), hazards (T6) and what a move changes (T10)."""

import math

from numba import njit

from simulation.engines.compiled.world import (
    MARK,
    MOVING,
    NEVER,
    PROFILE,
    WAITING,
    World,
    acceptance_of,
    clock_at,
    context_at,
    fallback_of,
    hazard_at,
    hazard_purpose_of,
    mark_at,
    orientation_of,
    patient_at,
    share_of,
    slot_at,
    step_at,
    write_record,
)
from simulation.streams import uniform, uniform_pair, unit_exponential


@njit(cache=True)
def orient(w: World, i: int) -> int:
    """Return the pathway with the least E / share, or its fallback for those who refuse; -1: none is offered."""
    p = patient_at(w, i)
    pathways = w.pathways
    row = (p.zone * w.profiles + p.profile) * pathways
    best = -1
    least = NEVER
    offered = 0
    for pathway in range(pathways):
        if share_of(w)[row + pathway] > 0.0:
            offered += 1
            best = pathway
    for pathway in range(pathways if offered > 1 else 0):  # one alone needs no draw
        share = share_of(w)[row + pathway]
        if share <= 0.0:
            continue
        draw = unit_exponential(uniform(w.seed, w.replication, p.chooser, p.group, orientation_of(w)[pathway, 0], 0))
        if draw / share < least:
            least = draw / share
            best = pathway
    if best >= 0 and acceptance_of(w)[row + best] < 1.0:
        accepts = uniform(w.seed, w.replication, p.chooser, p.group, orientation_of(w)[best, 1], 0)
        if accepts >= acceptance_of(w)[row + best] and fallback_of(w)[row + best] >= 0:
            return int(fallback_of(w)[row + best])
    return best


@njit(cache=True, forceinline=True)
def settle(w: World, i: int, time: float) -> None:
    """Consume the hazard budgets up to now at the rates in force."""
    p = patient_at(w, i)
    elapsed = time - p.settled
    if elapsed > 0.0 and p.hazard >= 0:
        for h in range(w.hazards):
            clock = clock_at(w, i, h)
            clock.budget = clock.budget - clock.rate * elapsed  # without a rate the same, to the last bit
    p.settled = time


@njit(cache=True)
def applies(w: World, i: int, row: int) -> bool:
    """Say whether a hazard row is at work: its service acts, its mark is carried, or it needs neither."""
    hazard = hazard_at(w, row)
    if hazard.slot >= 0:
        return bool(slot_at(w, i, hazard.slot).acting == 1)
    if hazard.mark_needed >= 0:
        return bool(mark_at(w, i, hazard.mark_needed).end > -NEVER)
    return True


@njit(cache=True)
def add_rates(w: World, i: int, start: int, end: int) -> None:
    """Add the rates of the rated rows at work."""
    for row in range(start, end):
        hazard = hazard_at(w, row)
        if not math.isnan(hazard.rate) and applies(w, i, row):
            clock = clock_at(w, i, hazard.hazard)
            clock.rate = clock.rate + hazard.rate * hazard.factor


@njit(cache=True)
def multiply_rates(w: World, i: int, start: int, end: int) -> None:
    """Multiply by the factors of the rows at work that only multiply."""
    for row in range(start, end):
        hazard = hazard_at(w, row)
        if math.isnan(hazard.rate) and applies(w, i, row):
            clock = clock_at(w, i, hazard.hazard)
            clock.rate = clock.rate * hazard.factor


@njit(cache=True)
def refresh(w: World, i: int, time: float) -> None:
    """Settle, take the rates of the present context, and find the next hazard to strike."""
    settle(w, i, time)
    p = patient_at(w, i)
    profiles = w.profiles
    if p.hazard < 0 and p.status != WAITING and p.step >= 0:
        here = context_at(w, p.step * profiles + p.profile)
        if here.stay_start == here.stay_end:
            return  # no hazard before, none now
    for h in range(w.hazards):
        clock_at(w, i, h).rate = 0.0
    if p.step >= 0:
        here = context_at(w, p.step * profiles + p.profile)
        add_rates(w, i, here.stay_start, here.stay_end)
        multiply_rates(w, i, here.stay_start, here.stay_end)
    if p.status == WAITING:
        there = context_at(w, p.awaited * profiles + p.profile)
        add_rates(w, i, there.wait_start, there.wait_end)
        multiply_rates(w, i, there.wait_start, there.wait_end)
    p.hazard_time = NEVER
    p.hazard = -1
    for h in range(w.hazards):
        clock = clock_at(w, i, h)
        if clock.rate > 0.0:
            if math.isnan(clock.budget):
                clock.budget = unit_exponential(
                    uniform(w.seed, w.replication, p.ordinal, p.group, hazard_purpose_of(w)[h], clock.count)
                )
            strikes = time + max(clock.budget, 0.0) / clock.rate
            if strikes < p.hazard_time:
                p.hazard_time = strikes
                p.hazard = h


@njit(cache=True)
def weight_of(w: World, i: int, row: int, hazard: int) -> float:
    """Return a row's part in the rate of a hazard (before what multiplies them all)."""
    candidate = hazard_at(w, row)
    if candidate.hazard != hazard or math.isnan(candidate.rate) or not applies(w, i, row):
        return 0.0
    return float(candidate.rate * candidate.factor)


@njit(cache=True)
def row_that_strikes(w: World, i: int, hazard: int) -> int:
    """Return the rated row that a striking hazard means; several of one name share it by their rates."""
    p = patient_at(w, i)
    here = p.step * w.profiles + p.profile
    start, end, more, last = 0, 0, 0, 0
    if p.step >= 0:
        start, end = context_at(w, here).stay_start, context_at(w, here).stay_end
    if p.status == WAITING:
        there = p.awaited * w.profiles + p.profile
        more, last = context_at(w, there).wait_start, context_at(w, there).wait_end
    total = 0.0
    only = -1
    number = 0
    for row in range(start, end):
        weight = weight_of(w, i, row, hazard)
        if weight > 0.0:
            total += weight
            only = row
            number += 1
    for row in range(more, last):
        weight = weight_of(w, i, row, hazard)
        if weight > 0.0:
            total += weight
            only = row
            number += 1
    if number <= 1:
        return only
    _, draw = uniform_pair(
        w.seed,
        w.replication,
        p.ordinal,
        p.group,
        hazard_purpose_of(w)[hazard],
        clock_at(w, i, hazard).count,
    )
    left = draw * total
    for row in range(start, end):
        weight = weight_of(w, i, row, hazard)
        if weight > 0.0:
            if left < weight:
                return row
            left -= weight
    for row in range(more, last):
        weight = weight_of(w, i, row, hazard)
        if weight > 0.0:
            if left < weight:
                return row
            left -= weight
    return only


@njit(cache=True, forceinline=True)
def apply_change(w: World, i: int, time: float, profile: int, mark: int, mark_time: float) -> None:
    """Apply what a move brings: a new profile, a mark."""
    p = patient_at(w, i)
    if profile >= 0 and profile != p.profile:
        former = p.profile
        p.profile = profile
        write_record(w, time, i, PROFILE, -1, -1, 0, former)
        if p.status != MOVING and p.step >= 0 and step_at(w, p.step).is_anchor == 1:
            p.reorient_time = time
    if mark >= 0:
        mark_at(w, i, mark).end = time + mark_time
        write_record(w, time, i, MARK, -1, -1, 0, mark)
