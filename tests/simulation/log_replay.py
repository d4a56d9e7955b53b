"""Reads a log record by record: who holds what, which pools are how full, who is where for how long."""

from collections import defaultdict
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from simulation.flat_model import FlatModel
from simulation.records import Event, EventArray
from simulation.state import Held, State, Status

GONE = (Event.EXIT, Event.LEAVE)


@dataclass
class Holdings:
    """Units out per pool, recomputed from the log; `overfull` lists grants that went beyond the capacity."""

    turnover: npt.NDArray[np.float64]
    capacity: dict[int, int] = field(default_factory=dict)
    in_use: dict[int, int] = field(default_factory=lambda: defaultdict(int))
    ready: list[tuple[float, int, int]] = field(default_factory=list)  # time, pool, units being made ready
    gates: dict[int, list[tuple[int, int]]] = field(default_factory=lambda: defaultdict(list))
    services: dict[tuple[int, int], tuple[int, int]] = field(default_factory=dict)  # (patient, resource): pool, units
    overfull: list[int] = field(default_factory=list)

    def take(self, number: int, pool: int, units: int, *, checked: bool) -> None:
        self.in_use[pool] += units
        if checked and units > 0 and self.in_use[pool] > self.capacity[pool]:
            self.overfull.append(number)

    def give(self, time: float, pool: int, units: int) -> None:
        if self.turnover[pool] > 0.0:
            self.ready.append((time + self.turnover[pool], pool, units))
        else:
            self.in_use[pool] -= units

    def pass_time(self, time: float) -> None:
        due = [row for row in self.ready if row[0] <= time]
        self.ready = [row for row in self.ready if row[0] > time]
        for _, pool, units in due:
            self.in_use[pool] -= units


def replay_holdings(model: FlatModel, state: State, log: EventArray, opening: int, until: float) -> Holdings:
    """Replay who takes and gives units; the first `opening` records say what is held at the start."""
    held = Holdings(model.pool_turnover)
    for time, pool, units in zip(state.turnover_time, state.turnover_pool, state.turnover_units, strict=True):
        held.ready.append((float(time), int(pool), int(units)))
        held.in_use[int(pool)] += int(units)
    becomes_gate: dict[int, tuple[int, int]] = {}  # units held as a service on their way to be the gate
    becomes_service: dict[int, int] = {}  # and the other way round
    rows = log.tolist()
    for number, (time, patient, kind, _, _, resource, pool, units, _) in enumerate(rows):
        held.pass_time(time)
        if kind == Event.CAPACITY:
            held.capacity[pool] = units
        elif kind in (Event.PRESENT, Event.ENTER) and pool >= 0:
            held.gates[patient].append((pool, units))
            if patient in becomes_gate:
                former_pool, before = becomes_gate.pop(patient)
                assert former_pool == pool
                if before > units:
                    held.give(time, pool, before - units)
            else:
                held.take(number, pool, units, checked=number >= opening)
        elif kind == Event.GATE_END:
            held.gates[patient].remove((pool, units))
            if _passes_on(rows, number, patient, Event.SERVICE_ASK, Event.SERVICE_GRANT, pool):
                becomes_service[patient] = units
            else:
                held.give(time, pool, units)
        elif kind == Event.SERVICE_GRANT:
            former, before = held.services.get((patient, resource), (pool, 0))
            assert former == pool
            before = becomes_service.pop(patient, before)
            held.services[patient, resource] = pool, units
            held.take(number, pool, units - before, checked=number >= opening)
        elif kind == Event.SERVICE_END:
            former, before = held.services.pop((patient, resource))
            assert former == pool
            if units > 0:
                held.services[patient, resource] = pool, units
                held.give(time, pool, before - units)
            elif _passes_on(rows, number, patient, Event.WAIT, Event.ENTER, pool):
                becomes_gate[patient] = pool, before
            else:
                held.give(time, pool, before)
    held.pass_time(np.nextafter(until, -np.inf))
    return held


def _passes_on(rows: list[tuple], number: int, patient: int, asked: Event, taken: Event, pool: int) -> bool:
    """Say whether units let go are taken on by the same patient, who asked just before (gates left apart)."""
    if rows[number - 1][1:3] != (patient, asked):
        return False
    following = next(row for row in rows[number + 1 :] if row[2] != Event.GATE_END)
    return bool(following[1] == patient and following[2] == taken and following[6] == pool)


def units_in_use(model: FlatModel, state: State) -> dict[int, int]:
    """Return the units out per pool as a state has them."""
    units: dict[int, int] = defaultdict(int)
    for row in state.patients:
        if row["gate_pool"] >= 0:
            units[int(row["gate_pool"])] += int(row["gate_units"])
    for slot in state.slots[state.slots["state"] == Held.HELD]:
        units[int(slot["pool"])] += int(slot["units"])
    for pool, amount in zip(state.turnover_pool, state.turnover_units, strict=True):
        units[int(pool)] += int(amount)
    return {pool: units[pool] for pool in range(len(model.pool_resource))}


def sojourns(log: EventArray, until: float) -> dict[int, list[tuple[float, float]]]:
    """Return for each step the (beginning, end) of every sojourn, patient by patient, cut at `until`."""
    since: dict[int, tuple[int, float]] = {}
    result: dict[int, list[tuple[float, float]]] = defaultdict(list)
    for time, patient, kind, _, step, *_ in log.tolist():
        if kind not in (Event.PRESENT, Event.ENTER, *GONE):
            continue
        if patient in since:
            former, beginning = since.pop(patient)
            result[former].append((beginning, time))
        if kind not in GONE and step >= 0:
            since[patient] = step, time
    for step, beginning in since.values():
        result[step].append((beginning, until))
    return result


def population(log: EventArray, step: int) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]]:
    """Return the times at which the number in a step changes, and the number from then on."""
    change = np.zeros(len(log), dtype=np.int64)
    here = log["step"] == step
    kind = log["kind"]
    change += here & ((kind == Event.PRESENT) | (kind == Event.ENTER))
    change -= (kind == Event.ENTER) & (log["detail"] == step)
    change -= here & np.isin(kind, GONE)
    moments = np.flatnonzero(change)
    return log["time"][moments], np.cumsum(change[moments])


def present_by_step(state: State) -> dict[int, int]:
    """Return how many stand in each step."""
    rows = state.patients
    present = (rows["status"] != Status.TO_COME) & (rows["status"] != Status.GONE) & (rows["step"] >= 0)
    return {
        int(step): int(number)
        for step, number in zip(*np.unique(rows["step"][present], return_counts=True), strict=True)
    }
