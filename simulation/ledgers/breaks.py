"""Pathway breaks, counted over an event log, simulated or real, by one function.

`step` names a step, `pathway/step` or a setting (empty: any); `service` a resource (empty: any); `window` is 0
when empty. A break is met:

- readmission: a stay in `step` begins at most `window` after another had ended (moves within it do not count);
- patience: a wait for `step` breaks, or, with `service`, a list is left ungranted;
- blocked: a patient in `step` waits longer than `window` for the next step, which holds the former gate;
- discharge_without_service: from `step` to a step elsewhere, where `service` is asked for and not held `window` later;
- gap_without_service: `service` is asked for in `step` and not held `window` later;
- avoidable_stay: a stay in `step` begins while `service` has been awaited for longer than `window`.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import get_args

import numpy as np
from numba import njit

from instances.tables import Break
from simulation.ledgers.chart import BoolArray, Chart, FloatArray, IntArray
from simulation.ledgers.replay import (
    ARRIVE,
    BREAK,
    ENTER,
    EXIT,
    LEAVE,
    PRESENT,
    SERVICE_ASK,
    SERVICE_END,
    SERVICE_GRANT,
    SERVICE_LEAVE,
    WAIT,
)
from simulation.records import EventArray, People

KINDS: tuple[str, ...] = get_args(Break.model_fields["kind"].annotation)
READMISSION = KINDS.index("readmission")
PATIENCE = KINDS.index("patience")
BLOCKED = KINDS.index("blocked")
DISCHARGE = KINDS.index("discharge_without_service")
GAP = KINDS.index("gap_without_service")
AVOIDABLE = KINDS.index("avoidable_stay")


@dataclass(frozen=True)
class BreakCounter:
    """Counts an instance's breaks; its tables are made once."""

    chart: Chart

    @cached_property
    def _kinds(self) -> IntArray:
        return np.array([KINDS.index(row.kind) for row in self.chart.instance.breaks], dtype=np.int64)

    @cached_property
    def _windows(self) -> FloatArray:
        return np.array([row.window or 0.0 for row in self.chart.instance.breaks], dtype=np.float64)

    @cached_property
    def _steps(self) -> BoolArray:
        """Whether a break looks at a step [breaks, S]."""
        settings = self.chart.step_setting
        return np.array(
            [
                [
                    row.step in ("", step, f"{pathway}/{step}", settings[s])
                    for (pathway, step), s in self.chart.steps.items()
                ]
                for row in self.chart.instance.breaks
            ],
            dtype=np.bool_,
        ).reshape(len(self.chart.instance.breaks), len(self.chart.steps))

    @cached_property
    def _services(self) -> BoolArray:
        """Whether a break looks at a service [breaks, R]."""
        return np.array(
            [[row.service in ("", code) for code in self.chart.resources] for row in self.chart.instance.breaks],
            dtype=np.bool_,
        ).reshape(len(self.chart.instance.breaks), len(self.chart.resources))

    @cached_property
    def _about_services(self) -> BoolArray:
        return np.array([bool(row.service) for row in self.chart.instance.breaks], dtype=np.bool_)

    def count(self, events: EventArray, people: People) -> tuple[FloatArray, FloatArray]:
        """Return how often each break was met, and by how many persons [breaks, Z, P, W]."""
        chart = self.chart
        shape = (len(chart.instance.breaks), len(chart.zones), len(chart.profiles), len(chart.pathways))
        if not chart.instance.breaks or not len(events):
            return np.zeros(shape), np.zeros(shape)
        counted: tuple[FloatArray, FloatArray] = _count(
            events["time"], events["patient"], events["kind"], events["profile"], events["step"], events["resource"],
            events["detail"], people.zone, self._kinds, self._windows, self._steps, self._services,
            self._about_services, chart.hold, chart.step_pathway, chart.run, len(chart.resources), shape,
        )  # fmt: skip
        return counted


@njit(cache=True, nogil=True)
def _count(
    times: FloatArray,
    patients: IntArray,
    kinds: IntArray,
    profiles: IntArray,
    steps: IntArray,
    resources: IntArray,
    details: IntArray,
    zone: IntArray,
    break_kinds: IntArray,
    windows: FloatArray,
    looked_at: BoolArray,
    served: BoolArray,
    about_services: BoolArray,
    hold: BoolArray,
    step_pathway: IntArray,
    run: float,
    resource_count: int,
    shape: tuple[int, int, int, int],
) -> tuple[FloatArray, FloatArray]:
    met, persons = np.zeros(shape), np.zeros(shape)
    breaks, n = shape[0], zone.shape[0]
    where = np.full(n, -1, dtype=np.int32)
    who = np.zeros(n, dtype=np.int32)
    pathway = np.zeros(n, dtype=np.int32)
    known = np.zeros((n, breaks), dtype=np.bool_)
    left = np.full((n, breaks), -np.inf)  # readmission: when `step` was last left; discharge: likewise
    wait_since = np.full(n, np.nan)
    awaited = np.full(n, -1, dtype=np.int32)
    asked_since = np.full((n, resource_count), np.nan)
    asked_in = np.full((n, resource_count), -1, dtype=np.int32)

    for k in range(times.shape[0] + n):
        if k < times.shape[0]:
            i, t, kind = int(patients[k]), times[k], int(kinds[k])
            if i < 0 or t > run:
                continue
            resource, to = int(resources[k]), int(steps[k])
        else:
            i, t, kind = k - times.shape[0], max(run, times[-1]), -1
            resource, to = -1, -1
        s = int(where[i])
        for b in range(breaks):
            now = False
            what, window = int(break_kinds[b]), windows[b]
            if what == READMISSION and kind == ENTER:
                inside = s >= 0 and looked_at[b, s]
                if inside and not looked_at[b, to]:
                    left[i, b] = t
                now = not inside and looked_at[b, to] and t - left[i, b] <= window
            elif what == PATIENCE:
                if about_services[b]:
                    now = kind == SERVICE_LEAVE and served[b, resource]
                else:
                    now = kind == BREAK and looked_at[b, details[k]]
            elif what == BLOCKED:
                ends = kind in (ENTER, BREAK, EXIT, LEAVE, WAIT) or kind < 0
                if ends and awaited[i] >= 0 and s >= 0 and looked_at[b, s]:
                    now = hold[awaited[i], who[i]] and t - wait_since[i] > window
            elif what in (DISCHARGE, GAP):
                if what == DISCHARGE and kind == ENTER and s >= 0 and looked_at[b, s] and not looked_at[b, to]:
                    left[i, b] = t
                if kind in (SERVICE_GRANT, SERVICE_LEAVE, SERVICE_END) or kind < 0:
                    for r in range(resource_count):
                        about = served[b, r] and (r == resource or kind < 0)
                        if about and t - asked_since[i, r] > window:  # nan: nothing awaited
                            if what == DISCHARGE:
                                now = now or asked_since[i, r] == left[i, b]
                            else:
                                now = now or (asked_in[i, r] >= 0 and looked_at[b, asked_in[i, r]])
            elif what == AVOIDABLE and kind == ENTER and looked_at[b, to] and not (s >= 0 and looked_at[b, s]):
                for r in range(resource_count):
                    if served[b, r] and t - asked_since[i, r] > window:
                        now = True
            if now:
                z, p, w = int(zone[i]), int(who[i]), int(pathway[i])
                met[b, z, p, w] += 1.0
                if not known[i, b]:
                    known[i, b] = True
                    persons[b, z, p, w] += 1.0

        if kind < 0:
            continue
        if kind in (ENTER, BREAK, EXIT, LEAVE):
            awaited[i] = -1
        if kind == WAIT:
            awaited[i], wait_since[i] = details[k], t
        elif kind == SERVICE_ASK:
            asked_since[i, resource], asked_in[i, resource] = t, s
        elif kind in (SERVICE_GRANT, SERVICE_LEAVE):
            asked_since[i, resource] = np.nan
        elif kind in (PRESENT, ARRIVE, ENTER):
            where[i] = to
            pathway[i] = step_pathway[to] if to >= 0 else details[k]
        elif kind in (EXIT, LEAVE):
            where[i] = -1
        who[i] = profiles[k]
    return met, persons
