"""What a run shows, read from its event log with numpy and nothing else of ours: waits, stays, time averages."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from simulation.records import Event, EventArray
from simulation.twin import RunResult

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

_LEAVING = (Event.ENTER, Event.LEAVE, Event.EXIT)
SERVED, LOST, OPEN = 0, 1, 2  # how a request ended: open when the log ends before it does


@dataclass(frozen=True)
class Requests:
    """Everyone who asked for a gated step: arrays over requests, in no order."""

    patient: IntArray
    profile: IntArray
    step: IntArray
    asked: FloatArray
    ended: FloatArray  # inf: open
    outcome: IntArray
    at_once: npt.NDArray[np.bool_]  # resolved at the instant of asking: no wait
    asked_pool: IntArray
    pool: IntArray  # -1 unless served
    since_start: npt.NDArray[np.bool_]  # asked within the log, not before it

    @property
    def wait(self) -> FloatArray:
        return self.ended - self.asked

    def at(self, chosen: npt.NDArray[np.bool_]) -> "Requests":
        return Requests(*(getattr(self, name)[chosen] for name in self.__dataclass_fields__))


@dataclass(frozen=True)
class Stays:
    """Everyone who was in a step: arrays over stays.

    ready: the care is over; end: its gate is given back, later when it is held until the next one is free.
    """

    patient: IntArray
    profile: IntArray
    step: IntArray
    pool: IntArray  # of the gate; -1: none
    units: IntArray
    start: FloatArray
    ready: FloatArray
    end: FloatArray  # both: inf after the log

    def at(self, chosen: npt.NDArray[np.bool_]) -> "Stays":
        return Stays(*(getattr(self, name)[chosen] for name in self.__dataclass_fields__))


class Log:
    """One run's log, measured over [0, length)."""

    def __init__(self, result: RunResult, length: float) -> None:
        self.length = length
        self.people = result.people
        self.steps = {code: number for number, (_, code) in reversed(list(enumerate(result.model.step_codes)))}
        self._step_name = np.array([self.steps[code] for _, code in result.model.step_codes], dtype=np.int64)
        events = result.events
        events = events[events["patient"] >= 0]
        kinds = [*_LEAVING, Event.PRESENT, Event.WAIT, Event.BREAK, Event.GATE_END]
        events = events[np.isin(events["kind"], kinds)]
        self._events = _without_gates_that_became_services(events[np.argsort(events["patient"], kind="stable")])
        self._kind = self._events["kind"]
        same = np.zeros(len(self._events), dtype=bool)
        same[:-1] = self._events["patient"][:-1] == self._events["patient"][1:]
        self._has_next = same
        self._found: dict[tuple[str, str, int | None], Requests | Stays] = {}

    def _name(self, steps: npt.NDArray[np.integer]) -> IntArray:
        """The same step in a derived pathway counts as one."""
        return self._step_name[steps]

    def _next_of(self, kinds: Sequence[Event]) -> IntArray:
        """For each record the position of the same patient's next record of these kinds, -1 when there is none."""
        events = self._events
        positions = np.where(np.isin(self._kind, kinds), np.arange(len(events)), len(events))
        following = np.full(len(events), len(events))
        following[:-1] = np.minimum.accumulate(positions[::-1])[::-1][1:]
        found = following < len(events)
        found[found] = events["patient"][found] == events["patient"][following[found]]
        return np.where(found, following, -1)

    @cached_property
    def requests(self) -> Requests:
        events = self._events
        asks = np.flatnonzero(self._kind == Event.WAIT)
        next_one = self._next_of([Event.ENTER, Event.BREAK, Event.LEAVE])[asks]
        closed = next_one >= 0
        following = events[np.maximum(next_one, 0)]
        awaited = events["detail"][asks]
        served = closed & (following["kind"] == Event.ENTER) & (following["step"] == awaited)
        ended = np.where(closed, following["time"], np.inf)
        asked = events["time"][asks]
        opening = np.zeros(len(events), dtype=bool)
        opening[1:] = self._kind[:-1] == Event.PRESENT
        opening = opening[asks] & (asked == 0.0)
        return Requests(
            patient=events["patient"][asks].astype(np.int64),
            profile=events["profile"][asks].astype(np.int64),
            step=self._name(awaited),
            asked=asked,
            ended=ended,
            outcome=np.where(served, SERVED, np.where(closed, LOST, OPEN)),
            at_once=ended == asked,
            asked_pool=events["pool"][asks].astype(np.int64),
            pool=np.where(served, following["pool"], -1).astype(np.int64),
            since_start=~opening,
        )

    @cached_property
    def stays(self) -> Stays:
        events = self._events
        starts = np.flatnonzero(((self._kind == Event.ENTER) | (self._kind == Event.PRESENT)) & (events["step"] >= 0))
        times = np.append(events["time"], np.inf)
        ready = times[self._next_of([*_LEAVING, Event.WAIT, Event.GATE_END])[starts]]
        released = times[self._next_of([*_LEAVING, Event.GATE_END])[starts]]
        return Stays(
            patient=events["patient"][starts].astype(np.int64),
            profile=events["profile"][starts].astype(np.int64),
            step=self._name(events["step"][starts]),
            pool=events["pool"][starts].astype(np.int64),
            units=events["units"][starts].astype(np.int64),
            start=events["time"][starts],
            ready=ready,
            # Who waits for the next step without a gate to keep is counted there, not here.
            end=np.where(events["pool"][starts] >= 0, released, ready),
        )

    @cached_property
    def sojourns(self) -> tuple[FloatArray, FloatArray]:
        """Arrival and leaving times of everyone who arrived in the window; inf: still there when the log ends."""
        first = np.flatnonzero(np.isin(self._kind, [Event.WAIT, Event.ENTER]) & ~self._follows_itself)
        arrival = self._events["time"][first]
        last = self._next_of([Event.EXIT, Event.LEAVE])[first]
        leaving = np.append(self._events["time"], np.inf)[last]
        inside = (arrival > 0.0) & (arrival < self.length)
        return arrival[inside], leaving[inside]

    @cached_property
    def _follows_itself(self) -> npt.NDArray[np.bool_]:
        """Whether the record before is of the same patient."""
        return np.concatenate([[False], self._has_next[:-1]])

    def asked(self, step: str, profile: int | None = None) -> Requests:
        """Return those who asked for a step within the window; all must have been answered by the end of the log."""
        key = ("asked", step, profile)
        if key not in self._found:
            self._found[key] = self._all_who_asked(step, profile)
        found = self._found[key]
        if not isinstance(found, Requests):
            raise TypeError(step)
        return found

    def _all_who_asked(self, step: str, profile: int | None) -> Requests:
        every = self.requests
        chosen = (every.step == self.steps[step]) & every.since_start & (every.asked < self.length)
        if profile is not None:
            chosen &= every.profile == profile
        found = every.at(chosen)
        if (found.outcome == OPEN).any():
            raise UnansweredError(step, int((found.outcome == OPEN).sum()))
        return found

    def in_step(self, step: str, profile: int | None = None) -> Stays:
        key = ("in_step", step, profile)
        if key not in self._found:
            chosen = self.stays.step == self.steps[step]
            if profile is not None:
                chosen &= self.stays.profile == profile
            self._found[key] = self.stays.at(chosen)
        found = self._found[key]
        if not isinstance(found, Stays):
            raise TypeError(step)
        return found

    def waiting(self, step: str) -> Requests:
        """Every wait for a step, those from before time 0 included."""
        return self.requests.at((self.requests.step == self.steps[step]) & ~self.requests.at_once)

    # Time averages over [0, length).

    def mean_number(self, start: FloatArray, end: FloatArray, units: IntArray | None = None) -> float:
        overlap = np.minimum(end, self.length) - np.maximum(start, 0.0)
        overlap = np.maximum(overlap, 0.0)
        return float((overlap if units is None else overlap * units).sum() / self.length)

    def mean_queue(self, step: str) -> float:
        waits = self.waiting(step)
        return self.mean_number(waits.asked, waits.ended)

    def mean_busy(self, step: str, profile: int | None = None) -> float:
        stays = self.in_step(step, profile)
        return self.mean_number(stays.start, stays.end, np.maximum(stays.units, 1))

    def mean_in_care(self, step: str, profile: int | None = None) -> float:
        stays = self.in_step(step, profile)
        return self.mean_number(stays.start, stays.ready)

    def mean_blocked(self, step: str) -> float:
        stays = self.in_step(step)
        stays = stays.at(stays.end > stays.ready)
        return self.mean_number(stays.ready, stays.end)

    def number_shares(self, start: FloatArray, end: FloatArray, units: IntArray | None = None) -> FloatArray:
        """Shares of the window's time with 0, 1, 2, ... present."""
        start, end = np.clip(start, 0.0, self.length), np.clip(end, 0.0, self.length)
        weight = np.ones(len(start), dtype=np.int64) if units is None else units
        times = np.concatenate([start, end, [0.0, self.length]])
        steps = np.concatenate([weight, -weight, [0, 0]])
        order = np.argsort(times, kind="stable")
        level = np.cumsum(steps[order])[:-1]
        lasting = np.diff(times[order])
        kept = lasting > 0.0
        return np.bincount(level[kept], weights=lasting[kept]) / self.length

    def present_at(self, time: float, patient: IntArray, start: FloatArray, end: FloatArray) -> IntArray:
        """How many are present in each zone at a time."""
        present = patient[(start <= time) & (end > time)]
        return np.bincount(self.people.zone[present], minlength=int(self.people.zone.max()) + 1)

    def share_full(self, step: str, servers: int, pool: int | None = None) -> float:
        stays = self.in_step(step)
        if pool is not None:
            stays = stays.at(stays.pool == pool)
        shares = self.number_shares(stays.start, stays.end, np.maximum(stays.units, 1))
        return float(shares[servers]) if len(shares) > servers else 0.0


def _without_gates_that_became_services(events: EventArray) -> EventArray:
    """Leave out ends of gates that are not the present stay's: units of the gate before, kept as a service now."""
    is_entry = np.isin(events["kind"], [Event.ENTER, Event.PRESENT])
    entry = np.maximum.accumulate(np.where(is_entry, np.arange(len(events)), 0))
    return events[(events["kind"] != Event.GATE_END) | (events["pool"] == events["pool"][entry])]


class UnansweredError(AssertionError):
    """The margin after the window is too short for a mean wait without bias."""

    def __init__(self, step: str, count: int) -> None:
        super().__init__(f"{count} of those who asked for {step} had no answer when the log ended: longer margin")
