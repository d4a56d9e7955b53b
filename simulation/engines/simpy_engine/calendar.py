"""SimPy's event list in the total order of T1.

SimPy orders what is due by (time, priority, serial number); here the priority is the kind of what happens and the
serial number that of the patient, pool or change it happens to. So the order never depends on who was put there
first. Everyone has one alarm, set to the earliest of their clocks and set anew whenever that changes.
"""

from collections.abc import Callable
from heapq import heappop, heappush
from typing import Any

import simpy

from simulation.engines.simpy_engine.codes import NEVER

UNSET = -1  # kind of an alarm that is not set


class Alarm(simpy.Event):
    """An event of a patient, a pool or the component that may be set again, also before it is due."""

    __slots__ = ("callbacks", "env", "kind", "number", "time")

    def __init__(self, calendar: "Calendar", number: int, callbacks: list[Callable[[Any], None]]) -> None:
        self.env = calendar
        self.callbacks = callbacks
        self.number = number  # of the patient, pool or change
        self.time = NEVER
        self.kind = UNSET


class Calendar(simpy.Environment):
    """A SimPy environment whose events are alarms at absolute times: `now + delay` may differ in the last bit."""

    def set(self, alarm: Alarm, time: float, kind: int) -> None:
        """Set an alarm; what it was set to before is overtaken, which shows when SimPy comes to it."""
        if alarm.kind != kind or alarm.time != time:
            alarm.time, alarm.kind = time, kind
            if time < NEVER:
                entry: Any = (time, kind, alarm.number, alarm)
                heappush(self._queue, entry)

    def has_before(self, time: float, kind: int, number: int) -> bool:
        """Say whether anything on the list comes before something that is not on it."""
        queue = self._queue
        return bool(queue) and queue[0][0] <= time and queue[0][:3] < (time, kind, number)

    def run_before(self, until: float) -> None:
        """Let everything before a time happen: SimPy's own step, but for alarms set anew since."""
        queue: Any = self._queue
        while queue:
            time, kind, _, alarm = entry = heappop(queue)
            if time >= until:
                heappush(queue, entry)
                return
            if kind == alarm.kind and time == alarm.time:
                self._now = time
                for happens in alarm.callbacks:
                    happens(alarm)

    @property
    def queue(self) -> list[tuple[float, int, int, Alarm]]:
        """SimPy's event list: a heap of (time, kind, number, alarm)."""
        queue: Any = self._queue
        return queue

    def close(self) -> None:
        """Drop what is still to come, and with it all that it refers to."""
        self._queue.clear()
