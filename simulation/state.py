"""The state of a component at one moment, as arrays: where everyone is, what they hold, wait for and carry.

Rows are patients in the order (zone, profile at arrival, ordinal); those who arrive later stand in the same
table, not yet arrived. Both engines start from such a state and can hand one back.
"""

from dataclasses import dataclass, fields, replace
from enum import IntEnum

import numpy as np
import numpy.typing as npt

from simulation.flat_model import FlatModel
from simulation.records import People


class Status(IntEnum):
    """What a patient is doing."""

    TO_COME = 0
    STAYING = 1
    WAITING = 2  # for the gate of `awaited`, still living in `step`
    MOVING = 3  # between a stay's end and the request, at one instant
    GONE = 4


class Held(IntEnum):
    """What a service slot is."""

    NONE = 0
    WAITING = 1
    HELD = 2


PATIENT = np.dtype(
    [
        ("ordinal", np.uint64),  # first key in the streams
        ("group", np.uint64),  # second key: zone and profile at arrival
        ("chooser", np.uint64),  # first key for the choice of a pathway (a copy chooses as its original)
        ("arrival", np.float64),
        ("entered", np.float64),
        ("stay_end", np.float64),
        ("asked", np.float64),  # when the awaited gate was asked for
        ("patience_end", np.float64),
        ("settled", np.float64),  # until when hazard budgets are consumed
        ("hazard_time", np.float64),  # next hazard
        ("reorient_time", np.float64),
        ("request_time", np.float64),
        ("routing", np.float64),  # the uniform number that decides where the stay leads
        ("zone", np.int32),  # within the component
        ("first_profile", np.int32),
        ("profile", np.int32),
        ("pathway", np.int32),
        ("step", np.int32),  # -1: outside
        ("awaited", np.int32),  # -1: none
        ("status", np.int32),
        ("route", np.int32),  # row of `routes` drawn on entry; -1: at the end
        ("gate_pool", np.int32),  # -1: none
        ("gate_units", np.int32),
        ("asked_units", np.int32),
        ("asked_level", np.int32),
        ("asked_pool", np.int32),  # in whose lists the patient stands
        ("hazard", np.int32),  # the next one to strike
        ("transfer", np.int32),  # slot whose unit leads to another step; -1: none
    ],
    align=True,
)
SLOT = np.dtype(
    [
        ("asked", np.float64),
        ("onset_time", np.float64),  # inf: none pending
        ("keep_end", np.float64),  # inf: not absent, or kept for ever
        ("state", np.int32),
        ("active", np.int32),  # requested by the present step
        ("acting", np.int32),  # held past its onset
        ("pool", np.int32),
        ("units", np.int32),  # held, or asked for while waiting
        ("row", np.int32),  # row of `services`
        ("level", np.int32),
    ],
    align=True,
)
CLOCK = np.dtype(
    [
        ("budget", np.float64),  # unit-exponential still to consume; nan: not drawn
        ("rate", np.float64),  # at present, per time unit
        ("count", np.int64),  # how many have struck
    ],
    align=True,
)


STAY = np.dtype([("length", np.float64), ("routing", np.float64)], align=True)


@dataclass(frozen=True)
class StaysAhead:
    """Keyed numbers drawn ahead for all runs from one state: everyone's first stay in each step.

    They are what a run would draw itself, so they hold for these patients, model, seed and replication only.
    """

    patients: npt.NDArray[np.void]  # of the state they were drawn for
    model: FlatModel
    seed: int
    replication: int
    stays: npt.NDArray[np.void]  # [n, S] `STAY` with the profile at arrival; length nan: to be drawn as it comes

    def hold_for(self, patients: npt.NDArray[np.void], model: FlatModel, seed: int, replication: int) -> bool:
        """Say whether a run from a state with these patients may use them."""
        is_same = self.patients is patients and self.model is model
        return is_same and self.seed == seed and self.replication == replication


@dataclass(frozen=True)
class State:
    """Everyone's state and the units being made ready; n patients, K slots, H hazards, M marks, N step names."""

    time: float
    patients: npt.NDArray[np.void]  # [n]
    slots: npt.NDArray[np.void]  # [n, K]
    clocks: npt.NDArray[np.void]  # [n, H]
    marks: npt.NDArray[np.float64]  # [n, M] end of the mark; -inf: not carried
    visits: npt.NDArray[np.int32]  # [n, N] stays begun, by step name
    turnover_time: npt.NDArray[np.float64]  # units being made ready: when free
    turnover_pool: npt.NDArray[np.int32]
    turnover_units: npt.NDArray[np.int32]
    waiting: npt.NDArray[np.int64]  # [m, 3] pool, level, entry = patient * (K + 1) + slot (K: gate), in order
    ahead: StaysAhead | None = None

    @property
    def nbytes(self) -> int:
        """Memory taken, in bytes."""
        arrays = (getattr(self, each.name) for each in fields(self) if each.name not in ("time", "ahead"))
        return sum(array.nbytes for array in arrays) + (self.ahead.stays.nbytes if self.ahead else 0)

    def copy(self) -> "State":
        """Return a state that shares no memory with this one."""
        return replace(
            self,
            patients=_copied(self.patients),
            slots=_copied(self.slots),
            clocks=_copied(self.clocks),
            marks=self.marks.copy(),
            visits=self.visits.copy(),
            turnover_time=self.turnover_time.copy(),
            turnover_pool=self.turnover_pool.copy(),
            turnover_units=self.turnover_units.copy(),
            waiting=self.waiting.copy(),
        )


def _copied(records: npt.NDArray[np.void]) -> npt.NDArray[np.void]:
    """Copy records as bytes: numpy would copy them one by one, field by field."""
    copy = np.empty(records.shape, dtype=records.dtype)
    copy.view(np.uint8)[...] = np.ascontiguousarray(records).view(np.uint8)
    return copy


def empty_state(model: FlatModel, patients: int, time: float) -> State:
    """Return a state in which nobody has arrived yet."""
    rows = np.zeros(patients, dtype=PATIENT)
    for name in ("stay_end", "patience_end", "hazard_time", "reorient_time", "request_time"):
        rows[name] = np.inf
    for name in ("step", "awaited", "route", "gate_pool", "asked_pool", "hazard", "transfer", "pathway"):
        rows[name] = -1
    slots = np.zeros((patients, len(model.slot_resource)), dtype=SLOT)
    slots["pool"] = -1
    slots["onset_time"] = np.inf
    slots["keep_end"] = np.inf
    clocks = np.zeros((patients, len(model.hazard_names)), dtype=CLOCK)
    clocks["budget"] = np.nan
    return State(
        time=time,
        patients=rows,
        slots=slots,
        clocks=clocks,
        marks=np.full((patients, len(model.mark_names)), -np.inf),
        visits=np.zeros((patients, len(model.name_purpose)), dtype=np.int32),
        turnover_time=np.zeros(0),
        turnover_pool=np.zeros(0, dtype=np.int32),
        turnover_units=np.zeros(0, dtype=np.int32),
        waiting=np.zeros((0, 3), dtype=np.int64),
    )


def people(model: FlatModel, state: State) -> People:
    """Say who the patients of a state are."""
    rows = state.patients
    waiting = rows["status"] == Status.WAITING
    return People(
        zone=model.territories[rows["zone"]],
        profile=rows["first_profile"].astype(np.int32),
        ordinal=rows["ordinal"].astype(np.int64),
        arrival=rows["arrival"].copy(),
        present=(rows["status"] != Status.TO_COME) & (rows["status"] != Status.GONE),
        waiting_since=np.where(waiting, rows["asked"], np.nan),
    )
