"""The fast engine: lays the world out, lets the compiled rules run, hands back events and state.

The rules are in `compiled/`; they read the same flat model and keyed numbers as the SimPy engine and write
the same event list, to the last bit.
"""

from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from simulation.engines.compiled.calendar import NO_MOMENT
from simulation.engines.compiled.clockwork import advance, begin, draw_stays, units_in_use
from simulation.engines.compiled.world import ENTRY, HEAD, LINK, PLACE, POOL, READY, STEP, WORLD, Arrays
from simulation.engines.endless_moves import MOST_MOVES, EndlessMoves
from simulation.engines.kernel_cache import drop_stale, is_stored
from simulation.flat_model import FlatModel, FlatPlan
from simulation.records import EVENT, EventArray, joined
from simulation.state import STAY, State, StaysAhead
from simulation.streams import purpose, uniform

_CHUNK, _CHUNK_OF_PATIENT = 1 << 19, 16  # event records at least, and a patient; unwritten ones take no memory
_MOST_AHEAD = 32_000_000  # bytes of stays drawn ahead of a component and replication, at most
_NEAR_MEMORY = 4_000_000  # bytes of patients that a processor keeps near by itself
_ENGINE = Path(__file__).parent
drop_stale(
    (advance, begin, draw_stays, units_in_use, uniform), [*_ENGINE.glob("compiled/*.py"), _ENGINE.parent / "streams.py"]
)


def is_ready() -> bool:
    """Say whether the rules are compiled already; else the first run compiles them, for about half a minute."""
    return is_stored(advance)


def run(
    model: FlatModel, plan: FlatPlan, state: State, *, seed: int, replication: int, until: float, rollout: float | None
) -> tuple[EventArray, State]:
    """Run one component from a state until a time; return what happened and the state then.

    Events at `until` itself are left to come. `rollout`: days over which those in an anchor step are
    re-oriented by the plan's mix; None: not at all (a warm-up). The given state is not changed.
    """
    _check_that_they_belong_together(model, state)
    given, state = state, state.copy()
    arrays = _arrays(model, plan, state)
    if given.ahead and given.ahead.hold_for(given.patients, model, seed, replication):
        arrays = arrays._replace(stays=given.ahead.stays)
    table = _table(model, arrays, seed, replication)
    arrivals = _begun(table, state, rollout)
    progress = np.zeros(2, dtype=np.int64)
    room = len(arrays.log) - _margin(state)
    parts = []
    while not advance(table, arrivals, progress, until, room):
        if table["moves"][0] >= MOST_MOVES:
            mover = int(table["mover"][0])
            raise EndlessMoves(model, mover, int(state.patients["step"][mover]), float(table["moved_at"][0]))
        parts.append(_written(table, arrays))
        arrays = arrays._replace(log=np.empty_like(arrays.log))  # a new one costs less than a copy
        table["log_address"], table["logged"] = arrays.log.ctypes.data, 0
    parts.append(_written(table, arrays))
    events = parts[0] if len(parts) == 1 else joined(parts)
    return events, _state_after(arrays, state, model.levels, until)


def with_stays_ahead(model: FlatModel, state: State, *, seed: int, replication: int) -> State:
    """Return the state with everyone's first stays drawn ahead, where that takes little memory: else as it is."""
    stays = np.empty((len(state.patients), len(model.step_codes)), dtype=STAY)
    if stays.nbytes > _MOST_AHEAD:
        return state
    purposes = model.name_purpose[model.step_name]
    draw_stays(state.patients, model.contexts, purposes, model.step_exit, seed, replication, stays)
    return replace(state, ahead=StaysAhead(state.patients, model, seed, replication, stays))


def _begun(table: npt.NDArray[np.void], state: State, rollout: float | None) -> npt.NDArray[np.int64]:
    """Put those present in their places; return who is still to come, by (time, patient)."""
    to_come = np.empty(len(state.patients), dtype=np.int64)
    key = np.uint64(purpose("rollout"))
    count, in_order = begin(table, state.waiting, to_come, state.time, -1.0 if rollout is None else rollout, key)
    arrivals = to_come[:count]
    return arrivals if in_order else arrivals[np.argsort(state.patients["arrival"][arrivals], kind="stable")]


def _written(table: npt.NDArray[np.void], arrays: Arrays) -> EventArray:
    """Return the records written since the log was last emptied, not copied."""
    written = int(table["logged"][0])
    if written > len(arrays.log):
        raise EventLogOverflowError(written, len(arrays.log))
    return arrays.log[:written]


class ForeignStateError(RuntimeError):
    """A state of another model: compiled code would read and write beside its rows."""


def _check_that_they_belong_together(model: FlatModel, state: State) -> None:
    widths = {
        "services": (state.slots, model.slot_resource),
        "hazards": (state.clocks, model.hazard_names),
        "marks": (state.marks, model.mark_names),
        "step names": (state.visits, model.name_purpose),
    }
    for what, (table, names) in widths.items():
        if table.shape != (len(state.patients), len(names)):
            rows, columns = len(state.patients), len(names)
            raise ForeignStateError(f"{what} of the state: {table.shape}, of the model: {(rows, columns)}")


class EventLogOverflowError(RuntimeError):
    """One instant wrote more events than the margin allows: the log would be cut, so the run is refused."""

    def __init__(self, written: int, room: int) -> None:
        super().__init__(f"one instant wrote {written} event records, more than the {room} there is room for")


def _margin(state: State) -> int:
    return 4096 + 8 * len(state.patients)


def _arrays(model: FlatModel, plan: FlatPlan, state: State) -> Arrays:
    patients, slots = state.slots.shape
    pools = len(model.pool_resource)
    units = _units_in_use(model, state)
    greatest = np.maximum(plan.capacity.astype(np.int64), units)
    np.maximum.at(greatest, plan.change_pool, plan.change_capacity)
    rows = _table_of(
        POOL,
        capacity=plan.capacity,
        in_use=units,
        resource=model.pool_resource,
        turnover=model.pool_turnover,
        neighbour_start=model.neighbour_start[:-1],
        neighbour_end=model.neighbour_start[1:],
    )
    turnover = _rings(model, state, greatest, rows)
    arrays = Arrays(
        contexts=model.contexts,
        services=model.services,
        routes=model.routes,
        hazards=model.hazards,
        steps=_table_of(
            STEP,
            purpose=model.name_purpose[model.step_name],
            name=model.step_name,
            pathway=model.step_pathway,
            is_anchor=model.step_anchor,
            is_exit=model.step_exit,
        ),
        hazard_purpose=model.hazard_purpose,
        entry=model.entry,
        orientation=np.stack([model.orientation_purpose, model.acceptance_purpose], axis=1),
        acceptance=model.acceptance,
        fallback=model.fallback,
        pool_of=model.pool_of,
        neighbours=model.neighbours,
        share=plan.share,
        change_time=plan.change_time,
        change=np.stack([plan.change_pool, plan.change_capacity], axis=1),
        patients=state.patients,
        slots=state.slots,
        clocks=state.clocks,
        stays=np.empty((patients, 0), dtype=STAY),
        marks=state.marks,
        visits=state.visits,
        pools=rows,
        heads=np.full(2 * pools * model.levels, -1, dtype=np.int64).view(HEAD),
        links=np.full(2 * patients * (slots + 1), -1, dtype=np.int32).view(LINK),
        calendar=_calendar(patients + pools),
        free=np.empty(patients + pools, dtype=np.int32),
        place=np.full(patients + pools, -1, dtype=np.int32).view(PLACE),
        dirty=np.zeros(pools, dtype=np.int64),
        turnover=turnover,
        log=np.empty(max(_CHUNK, _CHUNK_OF_PATIENT * patients) + _margin(state), dtype=EVENT),
    )
    return Arrays._make(np.ascontiguousarray(array) for array in arrays)


def _calendar(entities: int) -> npt.NDArray[np.void]:
    """Return an empty calendar, of one leaf, with room for all."""
    calendar = np.empty(2 << entities.bit_length(), dtype=ENTRY)
    calendar[:2] = (NO_MOMENT, NO_MOMENT)
    return calendar


def _table(model: FlatModel, arrays: Arrays, seed: int, replication: int) -> npt.NDArray[np.void]:
    """Return the world's record, as an array of one, over the arrays, which must outlive it."""
    numbers = dict.fromkeys(WORLD.names or (), 0) | {
        "seed": seed,
        "replication": replication,
        "profiles": model.profiles,
        "pathways": model.pathways,
        "levels": model.levels,
        "slots": len(model.slot_resource),
        "patients": len(arrays.patients),
        "pools": len(arrays.pools),
        "hazards": len(model.hazard_names),
        "marks": len(model.mark_names),
        "names": len(model.name_purpose),
        "resources": model.resources,
        "changes": len(arrays.change_time),
        "steps": arrays.stays.shape[1],
        "room": len(arrays.log),
        "leaves": 1,
        "is_large": int(arrays.patients.nbytes + arrays.slots.nbytes + arrays.clocks.nbytes > _NEAR_MEMORY),
    }
    numbers |= {f"{name}_address": array.ctypes.data for name, array in arrays._asdict().items()}
    return np.array([*numbers.values()], dtype=np.int64).view(WORLD)


def _units_in_use(model: FlatModel, state: State) -> npt.NDArray[np.int64]:
    """Return the units each pool has out: gates, services held, units being made ready."""
    units = np.zeros(len(model.pool_resource), dtype=np.int64)
    units_in_use(state.patients, state.slots, units)
    np.add.at(units, state.turnover_pool, state.turnover_units)
    return units


def _rings(
    model: FlatModel, state: State, greatest: npt.NDArray[np.int64], pools: npt.NDArray[np.void]
) -> npt.NDArray[np.void]:
    """Lay out the rings of units being made ready; each entry is a unit or more out of a pool's greatest number."""
    room = np.where(model.pool_turnover > 0.0, greatest + 1, 1)
    waiting = np.bincount(state.turnover_pool, minlength=len(pools))
    room = np.where(waiting > 0, np.maximum(room, waiting + 1), room)
    pools["room"] = room
    pools["start"] = np.cumsum(room) - room
    turnover = np.zeros(int(room.sum()), dtype=READY)
    for time, pool, units in zip(state.turnover_time, state.turnover_pool, state.turnover_units, strict=True):
        turnover[pools["start"][pool] + pools["count"][pool]] = (time, units)
        pools["count"][pool] += 1
    return turnover


def _table_of(layout: np.dtype[np.void], **columns: npt.NDArray[np.generic]) -> npt.NDArray[np.void]:
    """Return a table with these columns; the others are 0."""
    table = np.zeros(len(next(iter(columns.values()))), dtype=layout)
    for name, column in columns.items():
        table[name] = column
    return table


def _state_after(arrays: Arrays, state: State, levels: int, until: float) -> State:
    times, pools, units = [], [], []
    for pool, ring in enumerate(arrays.pools):
        for number in range(ring["count"]):
            ready = arrays.turnover[ring["start"] + (ring["first"] + number) % ring["room"]]
            times.append(ready["time"])
            pools.append(pool)
            units.append(ready["units"])
    waiting = []
    for row, head in enumerate(arrays.heads["first"].tolist()):
        entry = head
        while entry >= 0:
            waiting.append((row // levels, row % levels, entry))
            entry = int(arrays.links[entry]["following"])
    return State(
        time=until,
        patients=state.patients,
        slots=state.slots,
        clocks=state.clocks,
        marks=state.marks,
        visits=state.visits,
        turnover_time=np.array(times, dtype=np.float64),
        turnover_pool=np.array(pools, dtype=np.int32),
        turnover_units=np.array(units, dtype=np.int32),
        waiting=np.array(waiting, dtype=np.int64).reshape(-1, 3),
    )
