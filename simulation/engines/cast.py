"""The cast of the SimPy engine: model rows, patients and pools as plain objects, from the flat arrays and back."""

import math
from collections import deque
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from simulation.flat_model import FlatModel, FlatPlan
from simulation.state import Held, State, Status


@dataclass(frozen=True, slots=True)
class ServiceRow:
    """A service of a context (columns: see `compilation.SERVICE`)."""

    number: int  # row of the model's table
    onset: float
    keep: float
    resource: int
    slot: int
    amount: int
    level: int
    leads_to: int


@dataclass(frozen=True, slots=True)
class RouteRow:
    """A route out of a context (columns: see `compilation.ROUTE`)."""

    number: int  # row of the model's table
    cumulative: float
    mark_time: float
    law: int
    a: float
    b: float
    c: float
    to: int
    profile: int
    mark: int


@dataclass(frozen=True, slots=True)
class HazardRow:
    """A hazard row of a context (columns: see `compilation.HAZARD`)."""

    rate: float
    factor: float
    mark_time: float
    hazard: int
    slot: int
    mark_needed: int
    to: int
    profile: int
    mark: int

    @property
    def is_rated(self) -> bool:
        """Whether the row has a rate of its own, rather than multiplying others."""
        return not math.isnan(self.rate)


@dataclass(frozen=True, slots=True)
class Context:
    """A (step, profile) pair: law of the stay, gate, services, routes, hazards."""

    law: int
    a: float
    b: float
    c: float
    patience: float
    gate: int
    amount: int
    level: int
    queue_limit: int
    on_break: int
    hold: bool
    services: tuple[ServiceRow, ...]
    resources: frozenset[int]  # of the services
    routes: tuple[RouteRow, ...]
    stay_hazards: tuple[HazardRow, ...]
    wait_hazards: tuple[HazardRow, ...]


@dataclass(slots=True)
class Slot:
    """A patient's standing with one service: none, waiting or held."""

    index: int
    state: int = Held.NONE
    asked: float = 0.0
    onset_time: float = math.inf
    keep_end: float = math.inf
    active: bool = False
    acting: bool = False
    pool: int = -1
    units: int = 0
    row: ServiceRow | None = None
    level: int = 0


@dataclass(slots=True, eq=False)
class Patient:
    """One person: where, in what state, holding, awaiting and carrying what (columns: see `state.PATIENT`)."""

    index: int
    ordinal: np.uint64
    group: np.uint64
    chooser: np.uint64
    arrival: float
    zone: int
    first_profile: int
    profile: int
    pathway: int
    step: int
    status: int
    entered: float
    stay_end: float
    settled: float
    awaited: int
    route: RouteRow | None
    routing: float
    gate_pool: int
    gate_units: int
    asked: float
    asked_units: int
    asked_level: int
    asked_pool: int
    patience_end: float
    reorient_time: float
    request_time: float
    hazard_time: float
    hazard: int
    transfer: int
    slots: list[Slot]
    budgets: list[float]
    rates: list[float]
    counts: list[int]
    marks: list[float]
    visits: list[int]
    pending: Any = None  # what is on the calendar
    acts: Any = None  # what the calendar calls


@dataclass(slots=True)
class Line:
    """One rank of a pool's waiting list, first come first served; keys are (patient, slot), slot -1 the gate."""

    entries: dict[tuple[int, int], None] = field(default_factory=dict)

    def head(self) -> tuple[int, int] | None:
        """Return who stands first."""
        return next(iter(self.entries), None)


@dataclass(slots=True)
class PoolOfUnits:
    """The units of a resource in a zone: how many there are, how many are out, who waits."""

    index: int
    resource: int
    turnover: float
    neighbours: tuple[int, ...]
    capacity: int
    in_use: int
    lines: list[Line]
    queued: int = 0
    is_dirty: bool = False
    making_ready: deque[tuple[float, int]] = field(default_factory=deque)
    pending: object = None

    def has_room(self, units: int) -> bool:
        """Say whether so many units are free."""
        return self.in_use + units <= self.capacity

    def head(self) -> tuple[int, int] | None:
        """Return who heads the lists: the best rank's first."""
        if self.queued:
            for line in self.lines:
                first = line.head()
                if first is not None:
                    return first
        return None

    def would_head(self, level: int) -> bool:
        """Say whether a newcomer of this rank would head the lists."""
        return self.queued == 0 or all(not line.entries for line in self.lines[: level + 1])

    def join(self, level: int, entry: tuple[int, int]) -> None:
        """Stand last in the line of a rank."""
        self.lines[level].entries[entry] = None
        self.queued += 1

    def leave(self, level: int, entry: tuple[int, int]) -> None:
        """Leave the line of a rank."""
        del self.lines[level].entries[entry]
        self.queued -= 1


def contexts(model: FlatModel) -> list[Context]:
    """Return the model's contexts as objects."""
    services = [ServiceRow(number, *row) for number, row in enumerate(model.services.tolist())]
    routes = [RouteRow(number, *row) for number, row in enumerate(model.routes.tolist())]
    hazards = [HazardRow(*row) for row in model.hazards.tolist()]
    names = model.contexts.dtype.names or ()
    cast = []
    for values in model.contexts.tolist():
        row = dict(zip(names, values, strict=True))
        cast.append(
            Context(
                law=row["law"],
                a=row["a"],
                b=row["b"],
                c=row["c"],
                patience=row["patience"],
                gate=row["gate"],
                amount=row["amount"],
                level=row["level"],
                queue_limit=row["queue_limit"],
                on_break=row["on_break"],
                hold=row["hold"] == 1,
                services=tuple(services[row["service_start"] : row["service_end"]]),
                resources=frozenset(each.resource for each in services[row["service_start"] : row["service_end"]]),
                routes=tuple(routes[row["route_start"] : row["route_end"]]),
                stay_hazards=tuple(hazards[row["stay_start"] : row["stay_end"]]),
                wait_hazards=tuple(hazards[row["wait_start"] : row["wait_end"]]),
            )
        )
    return cast


def patients(model: FlatModel, state: State) -> list[Patient]:
    """Return the patients of a state as objects."""
    routes = [RouteRow(number, *row) for number, row in enumerate(model.routes.tolist())]
    services = [ServiceRow(number, *row) for number, row in enumerate(model.services.tolist())]
    names = state.patients.dtype.names or ()
    keys = {name: state.patients[name] for name in ("ordinal", "group", "chooser")}
    slot_rows = state.slots.tolist()
    budgets, rates, counts = (state.clocks[name].tolist() for name in ("budget", "rate", "count"))
    marks, visits = state.marks.tolist(), state.visits.tolist()
    cast = []
    for index, values in enumerate(state.patients.tolist()):
        row = dict(zip(names, values, strict=True))
        row.update({name: column[index] for name, column in keys.items()})
        route = row.pop("route")
        cast.append(
            Patient(
                index=index,
                route=routes[route] if route >= 0 else None,
                slots=[_slot(number, values, services) for number, values in enumerate(slot_rows[index])],
                budgets=budgets[index],
                rates=rates[index],
                counts=counts[index],
                marks=marks[index],
                visits=visits[index],
                **row,
            )
        )
    return cast


def _slot(index: int, values: tuple[float, ...], services: list[ServiceRow]) -> Slot:
    asked, onset_time, keep_end, state, active, acting, pool, units, row, level = values
    return Slot(
        index=index,
        state=int(state),
        asked=asked,
        onset_time=onset_time,
        keep_end=keep_end,
        active=active == 1,
        acting=acting == 1,
        pool=int(pool),
        units=int(units),
        row=services[int(row)] if services else None,
        level=int(level),
    )


def pools(model: FlatModel, plan: FlatPlan, state: State, cast: list[Patient]) -> list[PoolOfUnits]:
    """Return the pools with the units out and the lines as the state has them."""
    result = [
        PoolOfUnits(
            index=index,
            resource=int(model.pool_resource[index]),
            turnover=float(model.pool_turnover[index]),
            neighbours=tuple(
                model.neighbours[model.neighbour_start[index] : model.neighbour_start[index + 1]].tolist()
            ),
            capacity=int(plan.capacity[index]),
            in_use=0,
            lines=[Line() for _ in range(model.levels)],
        )
        for index in range(len(model.pool_resource))
    ]
    for patient in cast:
        if patient.gate_pool >= 0:
            result[patient.gate_pool].in_use += patient.gate_units
        for slot in patient.slots:
            if slot.state == Held.HELD:
                result[slot.pool].in_use += slot.units
    for time, pool, units in zip(
        state.turnover_time.tolist(), state.turnover_pool.tolist(), state.turnover_units.tolist(), strict=True
    ):
        result[pool].in_use += units
        result[pool].making_ready.append((time, units))
    width = state.slots.shape[1] + 1
    for pool, level, entry in state.waiting.tolist():
        patient_index, slot_index = divmod(entry, width)
        result[pool].join(level, (patient_index, -1 if slot_index == width - 1 else slot_index))
    return result


def state_of(before: State, cast: list[Patient], units: list[PoolOfUnits], time: float) -> State:
    """Return the cast as a state at a time."""
    after = before.copy()
    if cast:
        _write(after, cast)
    ready = [(when, pool.index, amount) for pool in units for when, amount in pool.making_ready]
    width = before.slots.shape[1] + 1
    waiting = [
        (pool.index, level, patient * width + (slot if slot >= 0 else width - 1))
        for pool in units
        for level, line in enumerate(pool.lines)
        for patient, slot in line.entries
    ]
    return State(
        time=time,
        patients=after.patients,
        slots=after.slots,
        clocks=after.clocks,
        marks=after.marks,
        visits=after.visits,
        turnover_time=np.array([row[0] for row in ready], dtype=np.float64),
        turnover_pool=_ints([row[1] for row in ready]),
        turnover_units=_ints([row[2] for row in ready]),
        waiting=np.array(waiting, dtype=np.int64).reshape(-1, 3),
    )


def _write(after: State, cast: list[Patient]) -> None:
    """Write the cast into a state's tables, column by column."""
    for name in after.patients.dtype.names or ():
        if name != "route":
            after.patients[name] = [getattr(patient, name) for patient in cast]
    after.patients["route"] = [-1 if patient.route is None else patient.route.number for patient in cast]
    if after.slots.size:
        after.slots[:] = [[_slot_row(slot) for slot in patient.slots] for patient in cast]
    after.clocks["budget"] = [patient.budgets for patient in cast]
    after.clocks["rate"] = [patient.rates for patient in cast]
    after.clocks["count"] = [patient.counts for patient in cast]
    after.marks[:] = [patient.marks for patient in cast]
    after.visits[:] = [patient.visits for patient in cast]


def _slot_row(slot: Slot) -> tuple[float | int, ...]:
    return (
        slot.asked,
        slot.onset_time,
        slot.keep_end,
        slot.state,
        slot.active,
        slot.acting,
        slot.pool,
        slot.units,
        0 if slot.row is None else slot.row.number,
        slot.level,
    )


def _ints(values: list[int]) -> npt.NDArray[np.int32]:
    return np.array(values, dtype=np.int32)


def is_present(patient: Patient) -> bool:
    """Say whether a patient has come and not gone."""
    return patient.status not in (Status.TO_COME, Status.GONE)
