"""The cast of the SimPy engine: patients, their requests and services, pools and their waiting lists."""

import math
from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from simulation.engines.simpy_engine.calendar import UNSET, Alarm, Calendar
from simulation.engines.simpy_engine.codes import NEVER, NONE, ONSET, PATIENCE, REORIENT, TO_COME
from simulation.engines.simpy_engine.contexts import NO_ROUTE, Context, Rates, ServiceRow


@dataclass(slots=True, eq=False)
class Pool:
    """The units of a resource in a zone: how many there are, how many are out, who waits."""

    index: int
    resource: int
    turnover: float
    capacity: int
    lines: list["OrderedDict[Request, None]"]  # by rank, each first come first served
    alarm: Alarm  # when units are ready
    in_use: int = 0
    queued: int = 0
    is_dirty: bool = False
    neighbours: tuple["Pool", ...] = ()
    making_ready: deque[tuple[float, int]] = field(default_factory=deque)

    def has_room(self, units: int) -> bool:
        """Say whether so many units are free."""
        return self.in_use + units <= self.capacity

    def head(self) -> "Request":
        """Return who heads the lists: the best rank's first; somebody must wait."""
        return next(iter(next(filter(None, self.lines))))

    def would_head(self, level: int) -> bool:
        """Say whether a newcomer of this rank would head the lists."""
        return self.queued == 0 or not any(self.lines[: level + 1])

    def join(self, request: "Request") -> None:
        """Stand last in the line of the request's rank."""
        self.lines[request.level][request] = None
        self.queued += 1


NO_POOL = Pool(index=-1, resource=-1, turnover=0.0, capacity=0, lines=[], alarm=Alarm(Calendar(), -1, []))
"""Stands for the gate of those who hold none, and for the line of those who stand in none."""


@dataclass(slots=True, eq=False)
class Request:
    """What a patient asks of a pool: units of a gate."""

    patient: int
    asked: float
    units: int
    level: int
    pool: Pool  # in whose lists it stands


@dataclass(slots=True, eq=False)
class Slot(Request):
    """A patient's standing with one service: none, waiting or held; the pool and units are those held, once it is."""

    number: int  # among the slots of the model
    row: ServiceRow
    state: int = NONE
    onset_time: float = NEVER
    keep_end: float = NEVER
    active: bool = False
    acting: bool = False


class Patient(Alarm):
    """One person: where, in what state, holding, awaiting and carrying what (columns: see `state.PATIENT`).

    To SimPy, a patient is the event of what comes next to them: an alarm set to the earliest of their clocks.
    """

    __slots__ = (
        "budgets",
        "contexts",
        "counts",
        "entered",
        "gate",
        "gate_units",
        "group",
        "hazard",
        "hazard_time",
        "here",
        "leaves_plainly",
        "marks",
        "ordinal",
        "other_kind",
        "other_time",
        "pathway",
        "patience_end",
        "pools",
        "profile",
        "rates",
        "reorient_time",
        "request",
        "request_time",
        "route",
        "routing",
        "settled",
        "situation",
        "slots",
        "status",
        "stay_end",
        "there",
        "transfer",
        "visits",
    )

    def __init__(
        self, common: "Common", number: int, ordinal: int, group: int, profile: int, contexts: list[Context], zone: int
    ) -> None:
        """Make someone who is to come, to whom nothing has happened yet."""
        self.env = common.calendar
        self.callbacks = common.callbacks
        self.number = number
        self.time = NEVER
        self.kind = UNSET
        self.ordinal, self.group = ordinal, group  # keys of the streams, as signed 64-bit numbers
        self.profile = profile
        self.contexts = contexts  # of the present profile, by step
        self.pools = common.pools_of_zone[zone]  # by resource
        self.pathway = -1
        self.here = self.there = common.outside  # there: awaited
        self.status = TO_COME
        self.leaves_plainly = False  # the present step (see `plain`)
        self.entered = self.routing = self.settled = 0.0
        self.stay_end = self.patience_end = self.reorient_time = self.request_time = self.hazard_time = NEVER
        self.route = NO_ROUTE
        self.gate = NO_POOL
        self.gate_units = 0
        self.request = Request(number, 0.0, 0, 0, NO_POOL)  # for the gate awaited
        self.hazard = self.transfer = -1
        self.budgets = [math.nan] * common.hazards
        self.counts = [0] * common.hazards
        self.rates = common.no_rates
        self.marks = [-NEVER] * common.marks
        self.visits = [0] * common.names
        self.slots: list[Slot] = []  # the services ever asked for, in the order of the model
        self.situation = 0  # bits: services that act, marks carried
        self.other_time, self.other_kind = NEVER, REORIENT

    def look_at_other_clocks(self) -> None:
        """Find the first of the clocks that most do not have: of services, marks and the rollout."""
        clocks = [(self.reorient_time, REORIENT)]
        clocks += [(end, ONSET) for end in self.marks if end > -NEVER]
        for slot in self.slots:
            if slot.state != NONE:
                clocks += ((slot.onset_time, ONSET), (slot.keep_end, PATIENCE))
        self.other_time, self.other_kind = min(clocks)


@dataclass(frozen=True, slots=True)
class Common:
    """What all patients of a component have in common."""

    calendar: Calendar
    callbacks: list[Callable[[Any], None]]  # what SimPy calls when something is due to a patient
    outside: Context
    pools_of_zone: list[list[Pool]]  # by resource
    no_rates: Rates
    hazards: int
    marks: int
    names: int
