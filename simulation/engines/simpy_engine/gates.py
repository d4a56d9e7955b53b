"""Gates (T4): units that a step needs, kept on the way or given back."""

from simulation.engines.simpy_engine.cast import NO_POOL, Patient, Pool
from simulation.engines.simpy_engine.codes import GATE_ENDS
from simulation.engines.simpy_engine.contexts import Context
from simulation.engines.simpy_engine.lines import give_back, make_ready
from simulation.engines.simpy_engine.world import World, packed, record


def keeps_gate(patient: Patient, there: Context) -> bool:
    """Say whether the gate held stays with the patient on the way: while waiting, or as a service there."""
    return there.hold or patient.gate.resource in there.resources


def release_gate(w: World, patient: Patient, time: float) -> None:
    """Give the gate held back."""
    pool, units = patient.gate, patient.gate_units
    patient.gate, patient.gate_units = NO_POOL, 0
    step = patient.here.step
    write = w.write
    write(packed(time, patient.number, GATE_ENDS, patient.profile, step, pool.resource, pool.index, units, -1))
    if pool.turnover > 0.0:
        make_ready(w, time, pool, units)
    else:
        pool.in_use -= units
        if not pool.is_dirty:
            pool.is_dirty = True
            w.dirty.append(pool)


def give_gate_back(w: World, time: float, patient: Patient, pool: Pool, units: int) -> None:
    """Give back units that were the gate of a former step."""
    record(w, time, patient, GATE_ENDS, pool, units)
    give_back(w, time, pool, units)
