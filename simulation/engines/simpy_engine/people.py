"""From the tables of a state to patients and back."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import chain
from operator import attrgetter
from typing import Any

import numpy as np
import numpy.typing as npt

from simulation.engines.simpy_engine.cast import Patient, Slot
from simulation.engines.simpy_engine.codes import GONE, NEVER
from simulation.engines.simpy_engine.contexts import rates_of
from simulation.engines.simpy_engine.keyed_numbers import signed
from simulation.engines.simpy_engine.world import World
from simulation.flat_model import FlatModel
from simulation.state import SLOT, Held, State, Status

_Places = npt.NDArray[np.int64] | tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]
_PATHS = {  # where a patient has what the column of another name holds
    "step": "here.step",
    "awaited": "there.step",
    "route": "route.number",
    "gate_pool": "gate.index",
    "asked": "request.asked",
    "asked_units": "request.units",
    "asked_level": "request.level",
    "asked_pool": "request.pool.index",
}
_FOR_GOOD = ("ordinal", "group", "chooser", "arrival", "zone", "first_profile")  # columns that never change
_OF_THE_GONE = {  # what these columns hold of everyone who is gone
    "status": GONE,
    "awaited": -1,
    "gate_pool": -1,
    "gate_units": 0,
    "asked_pool": -1,
    "stay_end": NEVER,
    "patience_end": NEVER,
    "hazard_time": NEVER,
    "reorient_time": NEVER,
    "request_time": NEVER,
}


class People:
    """The people of a component: those present at first, those to come, and all of them as a state."""

    def __init__(self, w: World, model: FlatModel, state: State) -> None:
        self._w, self._before = w, state
        self._status = state.patients["status"]
        self._keys = [
            signed(state.patients["ordinal"]).tolist(),
            signed(state.patients["group"]).tolist(),
            state.patients["profile"].tolist(),
            state.patients["zone"].tolist(),
        ]

    def to_come(self) -> list[tuple[float, int]]:
        """Return time and number of those to come, in the order of their coming."""
        numbers = np.flatnonzero(self._status == Status.TO_COME)
        times = self._before.patients["arrival"][numbers]
        order = np.lexsort((numbers, times))
        return list(zip(times[order].tolist(), numbers[order].tolist(), strict=True))

    def arriving(self, number: int) -> Patient:
        """Bring in someone to whom nothing has happened yet."""
        ordinals, groups, profiles, zones = self._keys
        profile = profiles[number]
        patient = self._w.patients[number] = Patient(
            self._w.common,
            number,
            ordinals[number],
            groups[number],
            profile,
            self._w.contexts[profile],
            zones[number],
        )
        return patient

    def enter_present(self) -> None:
        """Bring in those present at first, with what they hold, await and carry."""
        w, state = self._w, self._before
        present = np.flatnonzero((self._status != Status.TO_COME) & (self._status != Status.GONE))
        names = state.patients.dtype.names or ()
        lists = (
            state.clocks["budget"][present].tolist(),
            state.clocks["rate"][present].tolist(),
            state.clocks["count"][present].tolist(),
            state.marks[present].tolist(),
            state.visits[present].tolist(),
        )
        rows = state.patients[present].tolist()
        for number, row, budgets, rates, counts, marks, visits in zip(present.tolist(), rows, *lists, strict=True):
            patient = self.arriving(number)
            self._take_up(patient, dict(zip(names, row, strict=True)))
            patient.budgets, patient.counts, patient.marks, patient.visits = budgets, counts, marks, visits
            for mark, end in enumerate(marks):
                if end > -NEVER:
                    patient.situation |= 1 << w.marks_from + mark
            patient.rates = rates_of(rates)
        for index, number in np.argwhere(state.slots["state"] != Held.NONE).tolist():
            if index in w.patients:
                self._take_up_service(w.patients[index], number)
        for patient in w.patients.values():
            patient.look_at_other_clocks()
        self._fill_pools()

    def _take_up(self, patient: Patient, row: dict[str, Any]) -> None:
        """Where a patient is, in what state, and holding what gate."""
        w = self._w
        for name in ("entered", "stay_end", "patience_end", "settled", "hazard_time", "reorient_time", "request_time"):
            setattr(patient, name, row[name])
        for name in ("routing", "pathway", "status", "gate_units", "hazard", "transfer"):
            setattr(patient, name, row[name])
        if row["step"] >= 0:
            patient.here = patient.contexts[row["step"]]
        if row["awaited"] >= 0:
            patient.there = patient.contexts[row["awaited"]]
        if row["route"] >= 0:
            patient.route = w.prepared.routes[row["route"]]
        if row["gate_pool"] >= 0:
            patient.gate = w.pools[row["gate_pool"]]
            patient.gate.in_use += patient.gate_units
        request = patient.request
        request.asked, request.units, request.level = row["asked"], row["asked_units"], row["asked_level"]
        if row["asked_pool"] >= 0:
            request.pool = w.pools[row["asked_pool"]]

    def _take_up_service(self, patient: Patient, number: int) -> None:
        """A service held or awaited from before."""
        w = self._w
        row = dict(zip(SLOT.names or (), self._before.slots[patient.number, number].item(), strict=True))
        patient.slots.append(
            Slot(
                patient=patient.number,
                asked=row["asked"],
                units=row["units"],
                level=row["level"],
                pool=w.pools[row["pool"]],
                number=number,
                row=w.prepared.services[row["row"]],
                state=row["state"],
                onset_time=row["onset_time"],
                keep_end=row["keep_end"],
                active=row["active"] == 1,
                acting=row["acting"] == 1,
            )
        )
        if row["acting"]:
            patient.situation |= 1 << number
        if row["state"] == Held.HELD:
            w.pools[row["pool"]].in_use += row["units"]

    def _fill_pools(self) -> None:
        """Units being made ready, and the waiting lists."""
        pools, state = self._w.pools, self._before
        for time, pool, units in zip(
            state.turnover_time.tolist(), state.turnover_pool.tolist(), state.turnover_units.tolist(), strict=True
        ):
            pools[pool].in_use += units
            pools[pool].making_ready.append((time, units))
        slots = state.slots.shape[1]
        for pool, _, entry in state.waiting.tolist():
            index, number = divmod(entry, slots + 1)
            patient = self._w.patients[index]
            if number == slots:
                pools[pool].join(patient.request)
            else:
                pools[pool].join(next(slot for slot in patient.slots if slot.number == number))

    def state_at(self, time: float) -> State:
        """Return everyone as a state at a time."""
        after = self._before.copy()
        who = list(self._w.patients.values())
        numbers = np.fromiter(self._w.patients, dtype=np.int64, count=len(who))
        gone = np.fromiter((patient.status == GONE for patient in who), dtype=np.bool_, count=len(who))
        others = [patient for patient in who if patient.status != GONE]
        for name in after.patients.dtype.names or ():
            if name in _OF_THE_GONE:
                after.patients[name][numbers[gone]] = _OF_THE_GONE[name]
                _write(after.patients[name], numbers[~gone], others, _PATHS.get(name, name))
            elif name not in _FOR_GOOD:
                _write(after.patients[name], numbers, who, _PATHS.get(name, name))
        asked = [slot for patient in who for slot in patient.slots]
        places = (
            np.fromiter((slot.patient for slot in asked), dtype=np.int64, count=len(asked)),
            np.fromiter((slot.number for slot in asked), dtype=np.int64, count=len(asked)),
        )
        for name in SLOT.names or ():
            _write(after.slots[name], places, asked, {"pool": "pool.index", "row": "row.number"}.get(name, name))
        for name, path in (("budget", "budgets"), ("rate", "rates.of_hazard"), ("count", "counts")):
            _write_lists(after.clocks[name], numbers, who, path)
        _write_lists(after.marks, numbers, who, "marks")
        _write_lists(after.visits, numbers, who, "visits")
        return replace(after, time=time, **self._lines(after.slots.shape[1]))

    def _lines(self, slots: int) -> dict[str, Any]:
        """The state's units being made ready, and its waiting lists."""
        pools = self._w.pools
        ready = [(when, pool.index, units) for pool in pools for when, units in pool.making_ready]
        waiting = [
            (
                pool.index,
                level,
                request.patient * (slots + 1) + (request.number if isinstance(request, Slot) else slots),
            )
            for pool in pools
            for level, line in enumerate(pool.lines)
            for request in line
        ]
        return {
            "turnover_time": np.array([row[0] for row in ready], dtype=np.float64),
            "turnover_pool": np.array([row[1] for row in ready], dtype=np.int32),
            "turnover_units": np.array([row[2] for row in ready], dtype=np.int32),
            "waiting": np.array(waiting, dtype=np.int64).reshape(-1, 3),
        }


def _write(column: npt.NDArray[Any], places: _Places, entries: Sequence[object], path: str) -> None:
    """Write one attribute of patients or services into a column."""
    column[places] = np.fromiter(map(attrgetter(path), entries), dtype=column.dtype, count=len(entries))


def _write_lists(table: npt.NDArray[Any], numbers: npt.NDArray[np.int64], who: Sequence[Patient], path: str) -> None:
    """Write one list each of patients into a table [patients, width]."""
    width = table.shape[1]
    flat = chain.from_iterable(map(attrgetter(path), who))
    table[numbers] = np.fromiter(flat, dtype=table.dtype, count=len(who) * width).reshape(len(who), width)
