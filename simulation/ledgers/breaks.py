"""Pathway breaks, counted over an event log, simulated or real, by one function.

`step` names a step, `pathway/step` or a setting (empty: any); `service` a resource (empty: any); `window` is 0
when empty. A break is met:

- readmission: a stay in `step` begins at most `window` after another had ended (moves within it do not count);
- patience: a wait for `step` breaks, or, with `service`, a list is left ungranted;
- blocked: a patient in `step` waits longer than `window` for the next step, which holds the former gate;
- discharge_without_service: from `step` to a step elsewhere, where `service` is asked for and not held `window` later;
- gap_without_service: `service` is asked for in `step` and not held `window` later;
- avoidable_stay: a stay in `step` begins while `service` has been awaited for longer than `window`.

Each break is priced by the care around it, at the rates of `break_prices` (production cost and tariffs):

- readmission, avoidable_stay: the stays that it begins, until `step` is left;
- patience before a step: the one stay that follows, unless it is life at home;
- blocked: the time in `step` from asking for the next step on;
- discharge_without_service, gap_without_service, patience before a service: the help that was not given, the units
  asked for from the asking on: what it would have cost, not what was spent.

Prices look at each break by itself: a stay that makes two breaks is priced in both, so that breaks do not add up.
"""

from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple, get_args

import numpy as np
from numba import njit

from instances.tables import Break
from simulation.ledgers.break_prices import BreakPrices, Rates
from simulation.ledgers.chart import BoolArray, Chart, FloatArray, IntArray
from simulation.ledgers.replay import (
    AHEAD,
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
from simulation.near_memory import LINE, bring_near
from simulation.records import Event, EventArray, People

PROFILE = int(Event.PROFILE)
KINDS: tuple[str, ...] = get_args(Break.model_fields["kind"].annotation)
READMISSION = KINDS.index("readmission")
PATIENCE = KINDS.index("patience")
BLOCKED = KINDS.index("blocked")
DISCHARGE = KINDS.index("discharge_without_service")
GAP = KINDS.index("gap_without_service")
AVOIDABLE = KINDS.index("avoidable_stay")

# What of a person's stays a break that was met is priced by.
STAYS_IN_STEP, NEXT_STAY, THIS_STAY = 1, 2, 4


class Counted(NamedTuple):
    """Breaks by the person's territory, and profile and pathway at the break."""

    times: FloatArray  # [breaks, Z, P, W] how often each break was met
    persons: FloatArray  # [breaks, Z, P, W] persons who met it, where they first did
    money: FloatArray  # [breaks, Z, P, W, 2] production cost, tariffs paid


@dataclass(frozen=True)
class BreakCounter:
    """Counts and prices an instance's breaks; its tables are made once."""

    chart: Chart
    _rates: dict[str, Rates] = field(default_factory=dict, compare=False)

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

    def count(
        self, events: EventArray, people: People, contract: str | None = None, until: float | None = None
    ) -> Counted:
        """Return how often each break was met, by how many persons, and the money around it.

        contract: whose tariffs hold, by default today's; until: the end of what was observed, in the instance's
        unit, by default the end of the run (of the log, when everyone finishes); later events are left out.
        """
        chart, shape = self.chart, self._shape
        if not chart.instance.breaks or not len(events):
            return self.none()
        rates = self.rates(chart.instance.settings.contract if contract is None else contract)
        counted: tuple[FloatArray, FloatArray, FloatArray] = _count(
            events["time"], events["patient"], events["kind"], events["profile"], events["step"], events["resource"],
            events["units"], events["detail"], people.zone, self._kinds, self._windows, self._steps, self._services,
            self._about_services, chart.hold, chart.home, chart.step_pathway, rates.entry, rates.time, rates.service,
            self._window(events) if until is None else until, len(chart.resources), shape,
        )  # fmt: skip
        return Counted(*counted)

    def none(self) -> Counted:
        """Return the counts of nothing."""
        return Counted(np.zeros(self._shape), np.zeros(self._shape), np.zeros((*self._shape, 2)))

    @cached_property
    def _shape(self) -> tuple[int, int, int, int]:
        chart = self.chart
        return len(chart.instance.breaks), len(chart.zones), len(chart.profiles), len(chart.pathways)

    def rates(self, contract: str) -> Rates:
        """Return what care costs and is paid under a contract."""
        if contract not in self._rates:
            self._rates[contract] = BreakPrices(self.chart, contract).rates
        return self._rates[contract]

    def _window(self, events: EventArray) -> float:
        if self.chart.instance.settings.horizon.drain:
            return max(self.chart.run, float(events["time"][-1]))
        return self.chart.run


@njit(cache=True, nogil=True)
def _count(
    times: FloatArray,
    patients: IntArray,
    kinds: IntArray,
    profiles: IntArray,
    steps: IntArray,
    resources: IntArray,
    units: IntArray,
    details: IntArray,
    zone: IntArray,
    break_kinds: IntArray,
    windows: FloatArray,
    looked_at: BoolArray,
    served: BoolArray,
    about_services: BoolArray,
    hold: BoolArray,
    home: BoolArray,
    step_pathway: IntArray,
    entry_rates: FloatArray,
    time_rates: FloatArray,
    service_rates: FloatArray,
    until: float,
    resource_count: int,
    shape: tuple[int, int, int, int],
) -> tuple[FloatArray, FloatArray, FloatArray]:
    met, persons = np.zeros(shape), np.zeros(shape)
    breaks, zones, profiles_count, pathways = shape
    money = np.zeros((breaks, zones, profiles_count, pathways, 2))
    n = zone.shape[0]
    where = np.full(n, -1, dtype=np.int32)
    who = np.zeros(n, dtype=np.int32)
    pathway = np.zeros(n, dtype=np.int32)
    known = np.zeros((n, breaks), dtype=np.bool_)
    left = np.full((n, breaks), -np.inf)  # readmission: when `step` was last left; discharge: likewise
    wait_since = np.full(n, np.nan)
    awaited = np.full(n, -1, dtype=np.int32)
    asked_since = np.full((n, resource_count), np.nan)
    asked_in = np.full((n, resource_count), -1, dtype=np.int32)
    asked_units = np.zeros((n, resource_count), dtype=np.int32)
    priced = np.zeros((n, breaks), dtype=np.uint8)  # what of the person's stays each break is priced by
    pricing = np.zeros(n, dtype=np.int32)  # of how many breaks
    cell_profile = np.zeros((n, breaks), dtype=np.int32)  # the person at the break
    cell_pathway = np.zeros((n, breaks), dtype=np.int32)
    since = np.zeros(n)  # the stay, or this part of it, began

    addresses = (where.ctypes.data, who.ctypes.data, pathway.ctypes.data, awaited.ctypes.data, pricing.ctypes.data)
    asked_at, left_at = asked_since.ctypes.data, left.ctypes.data

    for k in range(times.shape[0] + n):
        if k < times.shape[0]:
            i, t, kind = int(patients[k]), times[k], int(kinds[k])
            if i < 0 or t > until:
                continue
            resource, to = int(resources[k]), int(steps[k])
            if k + AHEAD < times.shape[0]:
                coming = int(patients[k + AHEAD])
                for address in addresses:
                    bring_near(address + 4 * coming)
                for offset in range(0, 8 * resource_count, LINE):
                    bring_near(asked_at + 8 * resource_count * coming + offset)
                for offset in range(0, 8 * breaks, LINE):
                    bring_near(left_at + 8 * breaks * coming + offset)
        else:
            i, t, kind = k - times.shape[0], until, -1
            resource, to = -1, -1
        s, z = int(where[i]), int(zone[i])

        # Price the part of a stay that ends now.
        moves = kind in (ENTER, EXIT, LEAVE) or kind < 0
        if pricing[i] > 0 and (moves or kind == PROFILE):
            for b in range(breaks):
                what = priced[i, b]
                if what == 0:
                    continue
                p, w = cell_profile[i, b], cell_pathway[i, b]
                if what & (STAYS_IN_STEP | THIS_STAY) and s >= 0:
                    for m in range(2):
                        money[b, z, p, w, m] += time_rates[z, s, who[i], m] * (t - since[i])
                if not moves:
                    continue
                after = 0
                if kind == ENTER and what & STAYS_IN_STEP and looked_at[b, to]:
                    after = STAYS_IN_STEP
                if kind == ENTER and what & NEXT_STAY and not home[to]:
                    after |= THIS_STAY
                if after:
                    for m in range(2):
                        money[b, z, p, w, m] += entry_rates[z, to, profiles[k], m]
                else:
                    pricing[i] -= 1
                priced[i, b] = after
        is_looked_at = kind in (ENTER, BREAK, EXIT, LEAVE, WAIT, SERVICE_GRANT, SERVICE_LEAVE, SERVICE_END) or kind < 0
        for b in range(breaks if is_looked_at else 0):  # no break is met at other events
            now, begins = False, 0
            what, window = int(break_kinds[b]), windows[b]
            p, w = int(who[i]), int(pathway[i])
            if what == READMISSION and kind == ENTER:
                inside = s >= 0 and looked_at[b, s]
                if inside and not looked_at[b, to]:
                    left[i, b] = t
                now = not inside and looked_at[b, to] and t - left[i, b] <= window
                begins = STAYS_IN_STEP
            elif what == PATIENCE:
                if about_services[b]:
                    now = kind == SERVICE_LEAVE and served[b, resource]
                    if now and asked_since[i, resource] <= t:  # nan: the asking was not seen
                        for m in range(2):
                            rate = service_rates[z, resource, p, m] * asked_units[i, resource]
                            money[b, z, p, w, m] += rate * (t - asked_since[i, resource])
                else:
                    now = kind == BREAK and looked_at[b, details[k]]
                    begins = NEXT_STAY
            elif what == BLOCKED:
                ends = kind in (ENTER, BREAK, EXIT, LEAVE, WAIT) or kind < 0
                if ends and awaited[i] >= 0 and s >= 0 and looked_at[b, s]:
                    now = hold[awaited[i], p] and t - wait_since[i] > window
                    if now:
                        for m in range(2):
                            money[b, z, p, w, m] += time_rates[z, s, p, m] * (t - wait_since[i])
            elif what in (DISCHARGE, GAP):
                if what == DISCHARGE and kind == ENTER and s >= 0 and looked_at[b, s] and not looked_at[b, to]:
                    left[i, b] = t
                if kind in (SERVICE_GRANT, SERVICE_LEAVE, SERVICE_END) or kind < 0:
                    for r in range(resource_count):
                        about = served[b, r] and (r == resource or kind < 0)
                        if about and t - asked_since[i, r] > window:  # nan: nothing awaited
                            if what == DISCHARGE:
                                without = asked_since[i, r] == left[i, b]
                            else:
                                without = asked_in[i, r] >= 0 and looked_at[b, asked_in[i, r]]
                            if without:
                                now = True
                                for m in range(2):
                                    rate = service_rates[z, r, p, m] * asked_units[i, r]
                                    money[b, z, p, w, m] += rate * (t - asked_since[i, r])
            elif what == AVOIDABLE and kind == ENTER and looked_at[b, to] and not (s >= 0 and looked_at[b, s]):
                for r in range(resource_count):
                    if served[b, r] and t - asked_since[i, r] > window:
                        now = True
                begins = STAYS_IN_STEP
            if now:
                met[b, z, p, w] += 1.0
                if begins != 0:
                    if priced[i, b] == 0:
                        pricing[i] += 1
                        cell_profile[i, b], cell_pathway[i, b] = p, w
                    priced[i, b] |= begins
                    if begins == STAYS_IN_STEP:
                        for m in range(2):
                            money[b, z, p, w, m] += entry_rates[z, to, profiles[k], m]
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
            asked_since[i, resource], asked_in[i, resource], asked_units[i, resource] = t, s, units[k]
        elif kind in (SERVICE_GRANT, SERVICE_LEAVE):
            asked_since[i, resource] = np.nan
        elif kind in (PRESENT, ARRIVE, ENTER):
            where[i] = to
            pathway[i] = step_pathway[to] if to >= 0 else details[k]
        elif kind in (EXIT, LEAVE):
            where[i] = -1
        if kind in (PRESENT, ENTER, PROFILE):
            since[i] = t
        who[i] = profiles[k]
    return met, persons, money
