"""One component at work: its calendar, its people, its pools, and what has been recorded."""

import struct
from collections import OrderedDict, deque
from collections.abc import Callable

from simulation.engines.simpy_engine.calendar import Alarm, Calendar
from simulation.engines.simpy_engine.cast import NO_POOL, Common, Patient, Pool
from simulation.engines.simpy_engine.contexts import PreparedModel, rates_of
from simulation.engines.simpy_engine.keyed_numbers import KeyedNumbers
from simulation.engines.simpy_engine.orientation import Orientation
from simulation.flat_model import FlatModel, FlatPlan
from simulation.state import State

packed = struct.Struct("<dihhhhiii").pack  # a record, see `records.EVENT`


class World:
    """What the rules work on; every rule is a function of it, of a patient and of the time."""

    __slots__ = (
        "calendar",
        "common",
        "contexts",
        "dirty",
        "entry",
        "log",
        "marks_from",
        "model",
        "moved_at",
        "mover",
        "moves",
        "numbers",
        "orientation",
        "outside",
        "patients",
        "pool_is_due",
        "pools",
        "prepared",
        "queue",
        "write",
    )

    def __init__(self, model: FlatModel, plan: FlatPlan, state: State, seed: int, replication: int) -> None:
        self.calendar = Calendar(initial_time=min(state.time, 0.0))
        self.queue = self.calendar.queue
        self.model = model
        self.mover, self.moved_at, self.moves = -1, 0.0, 0  # who asked last, when, how often at that instant before
        self.log = bytearray()
        self.write = self.log.extend
        self.prepared = PreparedModel(model)
        self.contexts = self.prepared.contexts
        self.outside = self.prepared.outside
        self.entry: list[int] = model.entry.tolist()
        self.marks_from = len(model.slot_resource)  # first bit of the marks in a situation
        self.numbers = KeyedNumbers(model, state, seed, replication)
        self.orientation = Orientation(model, plan, state, seed, replication)
        self.pool_is_due: list[Callable[[Alarm], None]] = []  # what the calendar calls
        self.pools = self._pools(model, plan, len(state.patients))
        self.common = Common(
            calendar=self.calendar,
            callbacks=[],
            outside=self.outside,
            pools_of_zone=[
                [self.pools[pool] if pool >= 0 else NO_POOL for pool in own] for own in model.pool_of.tolist()
            ],
            no_rates=rates_of([0.0] * len(model.hazard_names)),
            hazards=len(model.hazard_names),
            marks=len(model.mark_names),
            names=len(model.name_purpose),
        )
        self.dirty: deque[Pool] = deque()  # whose lists must be served before the next event
        self.patients: dict[int, Patient] = {}  # who has come

    def close(self) -> None:
        """Let go of what refers to all this in a circle, so that it ends with its last reader."""
        self.calendar.close()
        self.common.callbacks.clear()
        self.pool_is_due.clear()

    def _pools(self, model: FlatModel, plan: FlatPlan, patients: int) -> list[Pool]:
        """Return the pools, nothing out, nobody waiting."""
        pools = [
            Pool(
                index=index,
                resource=resource,
                turnover=turnover,
                capacity=capacity,
                lines=[OrderedDict() for _ in range(model.levels)],
                alarm=Alarm(self.calendar, patients + index, self.pool_is_due),
            )
            for index, (resource, turnover, capacity) in enumerate(
                zip(model.pool_resource.tolist(), model.pool_turnover.tolist(), plan.capacity.tolist(), strict=True)
            )
        ]
        first = model.neighbour_start.tolist()
        for pool in pools:
            numbers = model.neighbours[first[pool.index] : first[pool.index + 1]].tolist()
            pool.neighbours = tuple(pools[number] for number in numbers)
        return pools


def record(
    w: World, time: float, patient: Patient, kind: int, pool: Pool = NO_POOL, units: int = 0, detail: int = -1
) -> None:
    """Write down what happened to a patient, as the patient is now."""
    write = w.write
    step = patient.here.step
    write(packed(time, patient.number, kind, patient.profile, step, pool.resource, pool.index, units, detail))


def record_capacity(w: World, time: float, pool: Pool, kind: int) -> None:
    """Write down a pool's new capacity."""
    w.write(packed(time, -1, kind, -1, -1, pool.resource, pool.index, pool.capacity, -1))
