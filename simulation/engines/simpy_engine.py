"""The twin as people read it: the rules T1-T12 of the design as a SimPy simulation.

It reads the flat model, nothing else, and writes event records. Time runs on SimPy's event list; each patient
and each pool has at most one pending event there, in the total order of T1. Units are granted synchronously
(no SimPy resource, no race of requests against patience), which keeps the order strict and the engine quick.
"""

import gc
import math
import struct
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from heapq import heappush
from typing import Any, ClassVar

import numpy as np
import simpy

from simulation.engines import cast
from simulation.engines.cast import Context, HazardRow, Patient, PoolOfUnits, RouteRow, ServiceRow, Slot
from simulation.engines.keyed_numbers import KeyedNumbers
from simulation.flat_model import FlatModel, FlatPlan
from simulation.records import EVENT, Event, EventArray, UrgencyKind
from simulation.state import Held, State, Status
from simulation.streams import Law, duration, purpose, unit_exponential

NEVER = math.inf
# Plain numbers: looking a member of an enum up costs more than many a rule.
STAYING, WAITING, MOVING, GONE = (int(each) for each in (Status.STAYING, Status.WAITING, Status.MOVING, Status.GONE))
NONE, IN_LINE, HELD = (int(each) for each in (Held.NONE, Held.WAITING, Held.HELD))
RELEASE, HAZARD, ONSET, PATIENCE, REORIENT, REQUEST = (
    int(each)
    for each in (
        UrgencyKind.RELEASE,
        UrgencyKind.HAZARD,
        UrgencyKind.ONSET,
        UrgencyKind.PATIENCE,
        UrgencyKind.REORIENT,
        UrgencyKind.REQUEST,
    )
)
_PACK = struct.Struct("<dihhhhiii").pack  # `EVENT`
_GATE = -1  # the entry of a waiting list that stands for a gate, not a service


class Happening(simpy.Event):
    """Something due at a time, of a kind, to an entity; SimPy calls it back when the time has come."""

    def __init__(self, calendar: "Calendar", time: float, urgency: int, happens: Callable[["Happening"], None]) -> None:
        self.env = calendar
        self.callbacks = [happens]
        self.time, self.urgency = time, urgency
        # SimPy asks every event on its list whether it went well; a bare event must say so itself.
        self._ok = True
        self._value = None


class Calendar(simpy.Environment):
    """SimPy's event list with exact times and the total order of T1: time, kind, entity."""

    def at(self, time: float, urgency: int, entity: int, happens: Callable[[Any], None]) -> Happening:
        """Schedule something at an absolute time; `now + delay` would not always be that time to the last bit."""
        event = Happening(self, time, urgency, happens)
        entry: Any = (time, (urgency << 40) | entity, next(self._eid), event)
        heappush(self._queue, entry)
        return event

    def would_be_next(self, time: float, urgency: int, entity: int) -> bool:
        """Say whether something that is not on the list would come before all that is."""
        return not self._queue or (time, (urgency << 40) | entity) < self._queue[0][:2]

    def run_before(self, until: float) -> None:
        """Let everything before a time happen."""
        queue = self._queue
        while queue and queue[0][0] < until:
            self.step()


def run(
    model: FlatModel, plan: FlatPlan, state: State, *, seed: int, replication: int, until: float, rollout: float | None
) -> tuple[EventArray, State]:
    """Run one component from a state until a time; same contract as the compiled engine's `run`."""
    with _collector_resting():
        twin = _Territory(model, plan, state, seed, replication)
        twin.begin(rollout)
        twin.calendar.run_before(until)
        return np.frombuffer(twin.log, dtype=EVENT), cast.state_of(state, twin.patients, twin.pools, until)


@contextmanager
def _collector_resting() -> Iterator[None]:
    """Spare Python's collector of cycles, which would walk over everyone who lives again and again."""
    was_at_work = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_at_work:
            gc.enable()


class _Territory:
    """One component at work: its calendar, its people, its pools, and what has been recorded."""

    def __init__(self, model: FlatModel, plan: FlatPlan, state: State, seed: int, replication: int) -> None:
        self.start = state.time
        self.calendar = Calendar(initial_time=min(state.time, 0.0))
        self.log = bytearray()  # packed as `EVENT`
        self.patients = cast.patients(model, state)
        self.pools = cast.pools(model, plan, state, self.patients)
        self.contexts = cast.contexts(model)
        self.dirty: deque[PoolOfUnits] = deque()
        self.model = model
        self.offered = [[_offered(shares) for shares in profiles] for profiles in plan.share.tolist()]
        self.acceptance = model.acceptance.tolist()
        self.fallback = model.fallback.tolist()
        self.pool_of = model.pool_of.tolist()
        self.anchor = [bool(flag) for flag in model.step_anchor]
        self.exit = [bool(flag) for flag in model.step_exit]
        self.pathway = model.step_pathway.tolist()
        self.entry = model.entry.tolist()
        self.step_name = model.step_name.tolist()
        self.profiles = model.profiles
        self.stay_purpose = model.name_purpose.tolist()
        self.hazard_purpose = model.hazard_purpose.tolist()
        self.orientation_purpose = model.orientation_purpose.tolist()
        self.acceptance_purpose = model.acceptance_purpose.tolist()
        self.numbers = KeyedNumbers(state, seed, replication)
        coming = [patient for patient in self.patients if patient.status == Status.TO_COME]
        self.to_come = iter(sorted(coming, key=lambda patient: (patient.arrival, patient.index)))
        self.changes = list(
            zip(plan.change_time.tolist(), plan.change_pool.tolist(), plan.change_capacity.tolist(), strict=True)
        )

    def begin(self, rollout: float | None) -> None:
        """Put on the calendar: capacity changes, arrivals, those present, units being made ready."""
        for number, (time, pool, units) in enumerate(self.changes):
            self.calendar.at(time, UrgencyKind.CAPACITY, number, self._capacity_change(self.pools[pool], units))
        for patient in self.patients:
            patient.acts = self._acts(patient)
            if cast.is_present(patient):
                if rollout is not None:
                    self._plan_reorientation(patient, rollout)
                self._reschedule(patient)
        self._expect_arrival()
        for pool in self.pools:
            self._schedule_ready(pool)

    def _plan_reorientation(self, patient: Patient, rollout: float) -> None:
        """T11: whoever stands in an anchor step and is sent elsewhere by the new mix gets a keyed time for it."""
        if patient.step >= 0 and self.anchor[patient.step]:
            pathway = self._orient(patient)
            if pathway >= 0 and not self._is_on(patient, pathway):
                draw = self.numbers.choice(patient.index, _ROLLOUT)
                patient.reorient_time = self.start + draw * rollout

    # What is recorded.

    def _record(
        self,
        time: float,
        patient: Patient,
        kind: int,
        pool: PoolOfUnits | None = None,
        units: int = 0,
        detail: int = -1,
    ) -> None:
        resource, number = (-1, -1) if pool is None else (pool.resource, pool.index)
        self.log += _PACK(time, patient.index, kind, patient.profile, patient.step, resource, number, units, detail)

    # The calendar: one pending event per patient.

    def _next(self, patient: Patient) -> tuple[float, int]:
        """What comes next to a patient, the earliest of the clocks: time and kind."""
        time, urgency = patient.hazard_time, HAZARD
        if patient.status == STAYING and patient.stay_end <= time:
            time, urgency = patient.stay_end, RELEASE
        elif patient.status == WAITING and patient.patience_end < time:
            time, urgency = patient.patience_end, PATIENCE
        if patient.slots or patient.marks:
            time, urgency = min((time, urgency), *self._lesser_clocks(patient))
        if patient.reorient_time < time or (patient.reorient_time == time and urgency > REORIENT):
            time, urgency = patient.reorient_time, REORIENT
        if patient.request_time < time:
            time, urgency = patient.request_time, REQUEST
        return time, urgency

    def _lesser_clocks(self, patient: Patient) -> Iterator[tuple[float, int]]:
        """The clocks of services and marks."""
        for slot in patient.slots:
            if slot.state != NONE:
                yield slot.onset_time, ONSET
                yield slot.keep_end, PATIENCE
        for end in patient.marks:
            if end > -NEVER:
                yield end, ONSET
        yield NEVER, REQUEST

    def _reschedule(self, patient: Patient) -> None:
        """Put on the calendar what comes next; what was there before is overtaken."""
        time, urgency = self._next(patient)
        pending = patient.pending
        if pending is not None and pending.time == time and pending.urgency == urgency:
            return
        patient.pending = None
        if time < NEVER:
            patient.pending = self.calendar.at(time, urgency, patient.index, patient.acts)

    def _acts(self, patient: Patient) -> Callable[[Happening], None]:
        def act(event: Happening) -> None:
            if patient.pending is event:  # else it was overtaken: something else came first
                patient.pending = None
                self._let_happen(patient, event.time, event.urgency)

        return act

    def _let_happen(self, patient: Patient, time: float, urgency: int) -> None:
        """One thing happens, and at once what follows at the same instant if nothing else comes before."""
        self._happens[urgency](self, patient, time)
        self._serve_all(time)
        following, kind = self._next(patient)
        while following == time and self.calendar.would_be_next(time, kind, patient.index):
            patient.pending = None
            self._happens[kind](self, patient, time)
            self._serve_all(time)
            following, kind = self._next(patient)
        self._reschedule(patient)

    # Arrival and orientation (T2, T3).

    def _expect_arrival(self) -> None:
        """Put the next arrival on the calendar."""
        patient = next(self.to_come, None)
        if patient is not None:
            self.calendar.at(patient.arrival, UrgencyKind.ARRIVAL, patient.index, lambda _: self._arrives(patient))

    def _arrives(self, patient: Patient) -> None:
        self._expect_arrival()
        time = patient.arrival
        pathway = self._orient(patient)
        patient.pathway = pathway
        patient.settled = time
        patient.awaited = self.entry[pathway]
        patient.status = MOVING
        patient.request_time = time
        self._record(time, patient, Event.ARRIVE, detail=pathway)
        self._reschedule(patient)
        self._serve_all(time)

    def _orient(self, patient: Patient) -> int:
        """T3: the pathway with the least E / share; who refuses it takes its fallback."""
        offered = self.offered[patient.zone][patient.profile]
        best = offered[0][0] if offered else -1
        if len(offered) > 1:  # one alone needs no draw
            least = NEVER
            for pathway, share in offered:
                draw = self.numbers.choice(patient.index, self.orientation_purpose[pathway])
                rank = unit_exponential(draw) / share
                if rank < least:
                    best, least = pathway, rank
        if best >= 0 and self.acceptance[patient.zone][patient.profile][best] < 1.0:
            fallback: int = self.fallback[patient.zone][patient.profile][best]
            draw = self.numbers.choice(patient.index, self.acceptance_purpose[best])
            if draw >= self.acceptance[patient.zone][patient.profile][best] and fallback >= 0:
                return fallback
        return best

    def _reorients(self, patient: Patient, time: float) -> None:
        """T10, T11: who stands in an anchor step takes the pathway that the mix of the profile gives."""
        patient.reorient_time = NEVER
        settled = patient.status in (STAYING, WAITING)
        if not settled or patient.step < 0 or not self.anchor[patient.step]:
            return
        pathway = self._orient(patient)
        if pathway >= 0 and not self._is_on(patient, pathway):
            self._record(time, patient, Event.REORIENT, detail=pathway)
            self._depart(patient, time, self.entry[pathway])
            self._refresh(patient, time)

    def _is_on(self, patient: Patient, pathway: int) -> bool:
        """Whether a patient is on a pathway already: lives on it, or waits for a step of it."""
        awaits = patient.status == WAITING and self.pathway[patient.awaited] == pathway
        return patient.pathway == pathway or awaits

    # From one step to the next (T4, T5, T8).

    def _context(self, step: int, patient: Patient) -> Context:
        return self.contexts[step * self.profiles + patient.profile]

    def _stay_ends(self, patient: Patient, time: float) -> None:
        """T5: the stay has lasted its sampled time; the routing draw says where to."""
        route = patient.route or _chosen(self._context(patient.step, patient).routes, patient.routing)
        self._settle(patient, time)
        self._change(patient, time, route.profile, route.mark, route.mark_time)
        self._depart(patient, time, route.to)
        self._refresh(patient, time)

    def _depart(self, patient: Patient, time: float, target: int) -> None:
        """T1: the request for the next step is a separate event at the same time."""
        self._leave_line(patient)
        if patient.gate_pool >= 0 and not self._keeps_gate(patient, target):
            self._release_gate(patient, time)
        patient.status = MOVING
        patient.awaited = target
        patient.stay_end = NEVER
        patient.request_time = time

    def _requests(self, patient: Patient, time: float) -> None:
        """Ask to enter the awaited step; at an anchor the mix of the profile may send elsewhere (T10)."""
        target = patient.awaited
        patient.request_time = NEVER
        if patient.transfer >= 0 and (patient.status != MOVING or self.anchor[target]):
            self._leave_line(patient)
            target = _row(patient.slots[patient.transfer]).leads_to
            patient.transfer = -1
        elif self.anchor[target]:
            pathway = self._orient(patient)
            if pathway not in (-1, self.pathway[target]):
                self._record(time, patient, Event.REORIENT, detail=pathway)
                target = self.entry[pathway]
        patient.status = MOVING
        self._ask_gate(patient, time, target)

    def _ask_gate(self, patient: Patient, time: float, target: int) -> None:
        """T4: a step with a gate needs units of it; T8: who waits lives on in the former step."""
        patient.awaited = target
        there = self._context(target, patient)
        if patient.gate_pool >= 0 and not self._keeps_gate(patient, target):
            self._release_gate(patient, time)
        if there.gate < 0:
            self._enter(patient, time, None, 0)
            return
        own = self.pools[self.pool_of[patient.zone][there.gate]]
        self._record(time, patient, Event.WAIT, pool=own, units=there.amount, detail=target)
        for slot in patient.slots:
            if slot.state == HELD and self.pools[slot.pool].resource == there.gate and slot.units >= there.amount:
                self._use_unit_in_hand(patient, time, slot, there.amount)
                return
        pool = self._find_pool(own, there.amount, there.level)
        if pool is not None:
            pool.in_use += there.amount
            self._enter(patient, time, pool, there.amount)
        elif 0 <= there.queue_limit <= own.queued:
            self._broken(patient, time, 1)
        else:
            patient.status = WAITING
            patient.asked = time
            patient.asked_units, patient.asked_level, patient.asked_pool = there.amount, there.level, own.index
            patient.patience_end = time + there.patience
            own.join(there.level, (patient.index, _GATE))
            self._refresh(patient, time)

    def _use_unit_in_hand(self, patient: Patient, time: float, slot: Slot, amount: int) -> None:
        """Units held as a service become the gate; what is more than needed is given back."""
        pool, spare = self.pools[slot.pool], slot.units - amount
        self._clear(patient, slot)
        self._record(time, patient, Event.SERVICE_END, pool=pool)
        if spare > 0:
            self._give_back(time, pool, spare)
        self._enter(patient, time, pool, amount)

    def _enter(self, patient: Patient, time: float, pool: PoolOfUnits | None, units: int) -> None:
        """The stay in the awaited step begins; the former step's gate and services end or are kept."""
        target = patient.awaited
        self._settle(patient, time)
        former_pool, former_units = patient.gate_pool, patient.gate_units
        if former_pool >= 0 and not self._needs_as_service(patient, target):
            self._release_gate(patient, time)
            former_pool = -1
        former = patient.step
        patient.step = target
        patient.pathway = self.pathway[target]
        patient.gate_pool, patient.gate_units = (-1 if pool is None else pool.index), units
        patient.patience_end = NEVER
        self._record(time, patient, Event.ENTER, pool=pool, units=units, detail=former)
        if self.exit[target]:
            if former_pool >= 0:
                self._give_gate_back(time, patient, former_pool, former_units)
            self._gone(patient, time, Event.EXIT)
            return
        patient.status = STAYING
        patient.awaited = -1
        patient.entered = time
        patient.request_time = NEVER
        self._draw_stay(patient, time)
        self._begin_services(patient, time, former_pool, former_units)
        if patient.transfer >= 0 and self.anchor[target]:
            patient.request_time = time
        self._refresh(patient, time)

    def _draw_stay(self, patient: Patient, time: float) -> None:
        """T5: length and destination by keyed numbers, the n-th stay in a step of this name."""
        here = self._context(patient.step, patient)
        name = self.step_name[patient.step]
        length, patient.routing = self.numbers.pair(patient.index, self.stay_purpose[name], patient.visits[name])
        patient.visits[name] += 1
        patient.route = None
        law: Context | RouteRow = here
        if here.law == Law.BY_DESTINATION:
            patient.route = _chosen(here.routes, patient.routing)
            if patient.route.law >= 0:
                law = patient.route
        patient.stay_end = time + duration(law.law, law.a, law.b, law.c, length)

    def _broken(self, patient: Patient, time: float, why: int) -> None:
        """T8: patience ran out (0) or the line was full (1): a pathway break."""
        self._record(time, patient, Event.BREAK, units=why, detail=patient.awaited)
        on_break = self._context(patient.awaited, patient).on_break
        if on_break >= 0:
            self._depart(patient, time, on_break)
            self._refresh(patient, time)
        else:
            self._leave_line(patient)
            self._gone(patient, time, Event.LEAVE)

    def _gone(self, patient: Patient, time: float, kind: Event) -> None:
        """The story ends: everything held is given back, every line left."""
        self._record(time, patient, kind, detail=patient.awaited)
        self._release_gate(patient, time)
        for slot in patient.slots:
            self._end_service(patient, time, slot)
        self._settle(patient, time)
        patient.status = GONE
        patient.awaited = -1
        patient.stay_end = patient.patience_end = patient.hazard_time = NEVER
        patient.reorient_time = patient.request_time = NEVER
        patient.marks = [-NEVER] * len(patient.marks)

    # Gates.

    def _keeps_gate(self, patient: Patient, target: int) -> bool:
        """Say whether the gate stays with the patient on the way: held while waiting, or needed as a service."""
        if patient.gate_pool < 0:
            return False
        return self._context(target, patient).hold or self._needs_as_service(patient, target)

    def _needs_as_service(self, patient: Patient, target: int) -> bool:
        resource = self.pools[patient.gate_pool].resource
        return resource in self._context(target, patient).resources

    def _release_gate(self, patient: Patient, time: float) -> None:
        if patient.gate_pool >= 0:
            pool, units = self.pools[patient.gate_pool], patient.gate_units
            patient.gate_pool, patient.gate_units = -1, 0
            self._give_gate_back(time, patient, pool.index, units)

    def _give_gate_back(self, time: float, patient: Patient, number: int, units: int) -> None:
        pool = self.pools[number]
        self._record(time, patient, Event.GATE_END, pool=pool, units=units)
        self._give_back(time, pool, units)

    def _leave_line(self, patient: Patient) -> None:
        if patient.status == WAITING:
            self._unqueue(self.pools[patient.asked_pool], patient.asked_level, (patient.index, _GATE))
            patient.asked_pool = -1
            patient.patience_end = NEVER

    # Hazards (T6).

    def _settle(self, patient: Patient, time: float) -> None:
        """Consume the hazard budgets up to now at the rates in force."""
        elapsed = time - patient.settled
        if elapsed > 0.0 and patient.hazard >= 0:
            for hazard, rate in enumerate(patient.rates):
                if rate > 0.0:
                    patient.budgets[hazard] -= rate * elapsed
        patient.settled = time

    def _applies(self, patient: Patient, row: HazardRow) -> bool:
        if row.slot >= 0:
            return patient.slots[row.slot].acting
        if row.mark_needed >= 0:
            return patient.marks[row.mark_needed] > -NEVER
        return True

    def _rows(self, patient: Patient) -> Iterator[tuple[HazardRow, ...]]:
        """The hazard rows at work: those of the stay and, while waiting, those of the awaited step (T8)."""
        if patient.step >= 0:
            yield self._context(patient.step, patient).stay_hazards
        if patient.status == WAITING:
            yield self._context(patient.awaited, patient).wait_hazards

    def _refresh(self, patient: Patient, time: float) -> None:
        """Settle, take the rates of the present context, and find the next hazard to strike."""
        self._settle(patient, time)
        lives_on = patient.step >= 0 and patient.status != WAITING
        if patient.hazard < 0 and lives_on and not self._context(patient.step, patient).stay_hazards:
            return  # no hazard before, none now
        rates = [0.0] * len(patient.rates)
        for rows in self._rows(patient):
            for row in rows:
                if row.is_rated and self._applies(patient, row):
                    rates[row.hazard] += row.rate * row.factor
            for row in rows:
                if not row.is_rated and self._applies(patient, row):
                    rates[row.hazard] *= row.factor
        patient.rates = rates
        patient.hazard_time, patient.hazard = NEVER, -1
        for hazard, rate in enumerate(rates):
            if rate > 0.0:
                if math.isnan(patient.budgets[hazard]):
                    draw = self.numbers.single(patient.index, self.hazard_purpose[hazard], patient.counts[hazard])
                    patient.budgets[hazard] = unit_exponential(draw)
                strikes = time + max(patient.budgets[hazard], 0.0) / rate
                if strikes < patient.hazard_time:
                    patient.hazard_time, patient.hazard = strikes, hazard

    def _hazard_strikes(self, patient: Patient, time: float) -> None:
        hazard = patient.hazard
        self._settle(patient, time)
        row = self._row_that_strikes(patient, hazard)
        patient.budgets[hazard] = math.nan
        patient.counts[hazard] += 1
        self._record(time, patient, Event.HAZARD, detail=hazard)
        self._change(patient, time, row.profile, row.mark, row.mark_time)
        if row.to >= 0:
            self._depart(patient, time, row.to)
        self._refresh(patient, time)

    def _row_that_strikes(self, patient: Patient, hazard: int) -> HazardRow:
        """Of several rated rows of one hazard the keyed draw takes one in proportion to the rates."""
        candidates = [
            row
            for rows in self._rows(patient)
            for row in rows
            if row.hazard == hazard and row.is_rated and self._applies(patient, row) and row.rate * row.factor > 0.0
        ]
        if len(candidates) == 1:
            return candidates[0]
        total = 0.0
        for row in candidates:
            total += row.rate * row.factor
        _, draw = self.numbers.pair(patient.index, self.hazard_purpose[hazard], patient.counts[hazard])
        left = draw * total
        for row in candidates:
            weight = row.rate * row.factor
            if left < weight:
                return row
            left -= weight
        return candidates[-1]

    def _change(self, patient: Patient, time: float, profile: int, mark: int, mark_time: float) -> None:
        """T10: apply what a move brings, a new profile and a mark; at an anchor a new profile re-orients."""
        if profile not in (-1, patient.profile):
            former, patient.profile = patient.profile, profile
            self._record(time, patient, Event.PROFILE, detail=former)
            if patient.status != MOVING and patient.step >= 0 and self.anchor[patient.step]:
                patient.reorient_time = time
        if mark >= 0:
            patient.marks[mark] = time + mark_time
            self._record(time, patient, Event.MARK, detail=mark)

    # Services (T7).

    def _begin_services(self, patient: Patient, time: float, former_pool: int, former_units: int) -> None:
        """On entry: end or keep what this step does not have, then ask for what it has."""
        here = self._context(patient.step, patient)
        if not patient.slots:
            return
        needed = {row.slot for row in here.services}
        for slot in patient.slots:
            if slot.state != NONE and slot.active and slot.index not in needed:
                keep = _row(slot).keep
                if keep > 0.0:
                    slot.active = False
                    slot.keep_end = time + keep
                    self._record(time, patient, Event.SERVICE_ABSENT, pool=self.pools[slot.pool], units=slot.units)
                else:
                    self._end_service(patient, time, slot)
        for row in here.services:
            self._ask_service(patient, time, row, former_pool, former_units)

    def _ask_service(self, patient: Patient, time: float, row: ServiceRow, former_pool: int, former_units: int) -> None:
        slot = patient.slots[row.slot]
        own = self.pools[self.pool_of[patient.zone][row.resource]]
        from_gate = former_pool >= 0 and self.pools[former_pool].resource == row.resource
        if slot.state != NONE:
            self._resume_service(patient, time, slot, row)
            if from_gate:  # too many: already held or awaited as a service
                self._give_gate_back(time, patient, former_pool, former_units)
            return
        slot.row, slot.level, slot.asked, slot.units, slot.pool = row, row.level, time, row.amount, own.index
        slot.active, slot.acting, slot.keep_end, slot.onset_time = True, False, NEVER, NEVER
        self._record(time, patient, Event.SERVICE_ASK, pool=own, units=row.amount)
        if from_gate:
            gate = self.pools[former_pool]
            self._record(time, patient, Event.GATE_END, pool=gate, units=former_units)
            self._hold(patient, time, slot, gate, former_units)
            if former_units != row.amount:
                self._resume_service(patient, time, slot, row)
            return
        pool = self._find_pool(own, row.amount, row.level)
        if pool is not None:
            pool.in_use += row.amount
            self._hold(patient, time, slot, pool, row.amount)
        else:
            slot.state = IN_LINE
            own.join(row.level, (patient.index, slot.index))

    def _resume_service(self, patient: Patient, time: float, slot: Slot, row: ServiceRow) -> None:
        """A service held or awaited already is needed here too; less is given back, more is taken if free."""
        pool = self.pools[slot.pool]
        if not slot.active:
            slot.active = True
            slot.keep_end = NEVER
            self._record(time, patient, Event.SERVICE_RETURN, pool=pool, units=slot.units)
        slot.row = row
        change = row.amount - slot.units
        if slot.state == IN_LINE:
            slot.units = row.amount
            if change < 0:
                self._soil(pool)
        elif change < 0:
            slot.units = row.amount
            self._record(time, patient, Event.SERVICE_END, pool=pool, units=slot.units)
            self._give_back(time, pool, -change)
        elif change > 0 and pool.queued == 0 and pool.has_room(change):
            pool.in_use += change
            slot.units = row.amount
            self._record(time, patient, Event.SERVICE_GRANT, pool=pool, units=slot.units)
        if slot.state == HELD:
            self._lead_on(patient, time, slot)

    def _hold(self, patient: Patient, time: float, slot: Slot, pool: PoolOfUnits, units: int) -> None:
        """The units of a service are the patient's from now on; it acts after its onset."""
        slot.state, slot.pool, slot.units = HELD, pool.index, units
        self._record(time, patient, Event.SERVICE_GRANT, pool=pool, units=units)
        onset = _row(slot).onset
        if onset > 0.0:
            slot.onset_time = time + onset
        else:
            slot.acting = True
        self._lead_on(patient, time, slot)

    def _lead_on(self, patient: Patient, time: float, slot: Slot) -> None:
        """A unit that leads to a step is taken there at the end of the episode: at once in an anchor step."""
        if _row(slot).leads_to >= 0:
            patient.transfer = slot.index
            if patient.step >= 0 and self.anchor[patient.step] and patient.status != MOVING:
                patient.request_time = time
        elif patient.transfer == slot.index:
            patient.transfer = -1

    def _clear(self, patient: Patient, slot: Slot) -> None:
        slot.state, slot.units = NONE, 0
        slot.active = slot.acting = False
        slot.onset_time = slot.keep_end = NEVER
        if patient.transfer == slot.index:
            patient.transfer = -1
            if patient.status != MOVING:
                patient.request_time = NEVER  # the request was to go where the service leads

    def _end_service(self, patient: Patient, time: float, slot: Slot) -> None:
        """Give a service back, or leave its waiting list."""
        pool, units = self.pools[slot.pool], slot.units
        if slot.state == HELD:
            self._clear(patient, slot)
            self._record(time, patient, Event.SERVICE_END, pool=pool)
            self._give_back(time, pool, units)
        elif slot.state == IN_LINE:
            self._unqueue(pool, slot.level, (patient.index, slot.index))
            self._clear(patient, slot)
            self._record(time, patient, Event.SERVICE_LEAVE, pool=pool, units=units)

    # Clocks that run out.

    def _onset(self, patient: Patient, time: float) -> None:
        """The first service whose onset, or the first mark whose end, has come."""
        self._settle(patient, time)
        for slot in patient.slots:
            if slot.state == HELD and slot.onset_time <= time:
                slot.onset_time = NEVER
                slot.acting = True
                self._record(time, patient, Event.ONSET, pool=self.pools[slot.pool], units=slot.units)
                self._refresh(patient, time)
                return
        for mark, end in enumerate(patient.marks):
            if -NEVER < end <= time:
                patient.marks[mark] = -NEVER
                self._record(time, patient, Event.MARK_END, detail=mark)
                self._refresh(patient, time)
                return

    def _patience_ends(self, patient: Patient, time: float) -> None:
        """A wait longer than patience (T8), or an absence longer than a service is kept (T7)."""
        if patient.status == WAITING and patient.patience_end <= time:
            self._settle(patient, time)
            self._broken(patient, time, 0)
            return
        for slot in patient.slots:
            if slot.state != NONE and slot.keep_end <= time:
                self._end_service(patient, time, slot)
                self._refresh(patient, time)
                return

    # Pools and their lists (T4, T9).

    def _find_pool(self, own: PoolOfUnits, units: int, level: int) -> PoolOfUnits | None:
        """T9: the own pool, else the nearest of the basin with room and nobody waiting."""
        if own.would_head(level) and own.has_room(units):
            return own
        for number in own.neighbours:
            other = self.pools[number]
            if other.queued == 0 and other.has_room(units):
                return other
        return None

    def _give_back(self, time: float, pool: PoolOfUnits, units: int) -> None:
        """Units given back are free at once, or after the time it takes to make them ready."""
        if pool.turnover > 0.0:
            pool.making_ready.append((time + pool.turnover, units))
            if len(pool.making_ready) == 1:
                self._schedule_ready(pool)
        else:
            pool.in_use -= units
            self._soil(pool)

    def _schedule_ready(self, pool: PoolOfUnits) -> None:
        if pool.making_ready:
            time, units = pool.making_ready[0]

            def ready(_: simpy.Event) -> None:
                pool.making_ready.popleft()
                pool.in_use -= units
                self._schedule_ready(pool)
                self._soil(pool)
                self._serve_all(time)

            self.calendar.at(time, UrgencyKind.RELEASE, len(self.patients) + pool.index, ready)

    def _capacity_change(self, pool: PoolOfUnits, units: int) -> Callable[[simpy.Event], None]:
        def change(_: simpy.Event) -> None:
            time = self.calendar.now
            pool.capacity = units
            self.log += _PACK(time, -1, Event.CAPACITY, -1, -1, pool.resource, pool.index, units, -1)
            self._soil(pool)
            self._serve_all(time)

        return change

    def _unqueue(self, pool: PoolOfUnits, level: int, entry: tuple[int, int]) -> None:
        pool.leave(level, entry)
        self._soil(pool)  # the new head may fit where the old one did not

    def _soil(self, pool: PoolOfUnits) -> None:
        """Note that a pool's lists must be served before the next event."""
        if not pool.is_dirty:
            pool.is_dirty = True
            self.dirty.append(pool)

    def _serve_all(self, time: float) -> None:
        while self.dirty:
            pool = self.dirty.popleft()
            pool.is_dirty = False
            self._serve(pool, time)

    def _serve(self, pool: PoolOfUnits, time: float) -> None:
        """T4: grant free units, head of line first; T9: the own list before the basin's."""
        while True:
            entry = pool.head()
            if entry is None:
                entry = self._next_in_basin(pool)
            elif not pool.has_room(self._request_of(entry)[0]):
                entry = None
            if entry is None:
                return
            number, slot = entry
            if slot == _GATE:
                self._grant_gate(self.patients[number], time, pool)
            else:
                self._grant_service(self.patients[number], time, self.patients[number].slots[slot], pool)

    def _request_of(self, entry: tuple[int, int]) -> tuple[int, int, float]:
        """Units, rank and time of asking of a waiting entry."""
        patient = self.patients[entry[0]]
        if entry[1] == _GATE:
            return patient.asked_units, patient.asked_level, patient.asked
        slot = patient.slots[entry[1]]
        return slot.units, slot.level, slot.asked

    def _next_in_basin(self, pool: PoolOfUnits) -> tuple[int, int] | None:
        """T9: whom a freed unit serves when its own list is empty: best rank, first asked, then zone order."""
        best: tuple[int, float, int] | None = None
        chosen = None
        for number in pool.neighbours:
            entry = self.pools[number].head()
            if entry is not None:
                units, level, asked = self._request_of(entry)
                if pool.has_room(units) and (best is None or (level, asked, number) < best):
                    best, chosen = (level, asked, number), entry
        return chosen

    def _grant_gate(self, patient: Patient, time: float, pool: PoolOfUnits) -> None:
        """T8: a waiting patient gets the gate; the former step ends now."""
        units = patient.asked_units
        self._leave_line(patient)
        pool.in_use += units
        if patient.gate_pool >= 0 and not self._needs_as_service(patient, patient.awaited):
            self._release_gate(patient, time)
        self._enter(patient, time, pool, units)
        self._reschedule(patient)

    def _grant_service(self, patient: Patient, time: float, slot: Slot, pool: PoolOfUnits) -> None:
        """T7: a waiting service is granted."""
        units = slot.units
        self._unqueue(self.pools[slot.pool], slot.level, (patient.index, slot.index))
        pool.in_use += units
        self._hold(patient, time, slot, pool, units)
        self._refresh(patient, time)
        self._reschedule(patient)

    _happens: ClassVar[dict[int, Callable[["_Territory", Patient, float], None]]] = {
        UrgencyKind.RELEASE: _stay_ends,
        UrgencyKind.HAZARD: _hazard_strikes,
        UrgencyKind.ONSET: _onset,
        UrgencyKind.PATIENCE: _patience_ends,
        UrgencyKind.REORIENT: _reorients,
        UrgencyKind.REQUEST: _requests,
    }


_ROLLOUT = purpose("rollout")


def _offered(shares: list[float]) -> list[tuple[int, float]]:
    """Return the pathways that have a share, with it."""
    return [(pathway, share) for pathway, share in enumerate(shares) if share > 0.0]


def _chosen(routes: tuple[RouteRow, ...], draw: float) -> RouteRow:
    """Return the route that a routing draw means."""
    for row in routes[:-1]:
        if draw < row.cumulative:
            return row
    return routes[-1]


def _row(slot: Slot) -> ServiceRow:
    """Return the service of a slot in use."""
    if slot.row is None:
        raise LookupError(f"slot {slot.index} is not in use")
    return slot.row
