"""Services (T7): asked for on entry, granted, kept through an absence, ended."""

from bisect import insort

from simulation.engines.simpy_engine.cast import NO_POOL, Patient, Pool, Slot
from simulation.engines.simpy_engine.codes import (
    GATE_ENDS,
    HELD,
    IN_LINE,
    MOVING,
    NEVER,
    NONE,
    SERVICE_ABSENT,
    SERVICE_ASKED,
    SERVICE_ENDS,
    SERVICE_GRANTED,
    SERVICE_LEFT,
    SERVICE_RETURNS,
)
from simulation.engines.simpy_engine.contexts import ServiceRow
from simulation.engines.simpy_engine.gates import give_gate_back
from simulation.engines.simpy_engine.lines import find_pool, give_back, leave_line, soil
from simulation.engines.simpy_engine.world import World, record


def begin_services(w: World, patient: Patient, time: float, former_gate: Pool, former_units: int) -> None:
    """On entry: end or keep what this step does not have, then ask for what it has.

    former_gate: the gate just left, if a service of this step is on the same resource.
    """
    here = patient.here
    for slot in patient.slots:
        if slot.active and slot.state != NONE and slot.number not in here.slots:
            if slot.row.keep > 0.0:
                slot.active = False
                slot.keep_end = time + slot.row.keep
                record(w, time, patient, SERVICE_ABSENT, slot.pool, slot.units)
            else:
                end_service(w, patient, time, slot)
    for row in here.services:
        ask_service(w, patient, time, row, former_gate, former_units)
    patient.look_at_other_clocks()


def ask_service(w: World, patient: Patient, time: float, row: ServiceRow, former_gate: Pool, former_units: int) -> None:
    """Ask for one service of the step just entered, with the gate just left if that is the resource."""
    slot = slot_for(patient, row)
    from_gate = former_gate.resource == row.resource
    if slot.state != NONE:
        resume_service(w, patient, time, slot, row)
        if from_gate:  # too many: already held or awaited as a service
            give_gate_back(w, time, patient, former_gate, former_units)
        return
    own = patient.pools[row.resource]
    slot.row, slot.level, slot.asked, slot.units, slot.pool = row, row.level, time, row.amount, own
    slot.active = True
    record(w, time, patient, SERVICE_ASKED, own, row.amount)
    if from_gate:
        record(w, time, patient, GATE_ENDS, former_gate, former_units)
        hold(w, patient, time, slot, former_gate, former_units)
        if former_units != row.amount:
            resume_service(w, patient, time, slot, row)
        return
    pool = find_pool(own, row.amount, row.level)
    if pool is NO_POOL:
        slot.state = IN_LINE
        own.join(slot)
    else:
        pool.in_use += row.amount
        hold(w, patient, time, slot, pool, row.amount)


def slot_for(patient: Patient, row: ServiceRow) -> Slot:
    """Return the patient's standing with a service, at first none."""
    for slot in patient.slots:
        if slot.number == row.slot:
            return slot
    slot = Slot(patient.number, 0.0, 0, row.level, NO_POOL, row.slot, row)
    insort(patient.slots, slot, key=lambda each: each.number)
    return slot


def resume_service(w: World, patient: Patient, time: float, slot: Slot, row: ServiceRow) -> None:
    """A service held or awaited already is needed here too; less is given back, more is taken if free."""
    pool = slot.pool
    if not slot.active:
        slot.active = True
        slot.keep_end = NEVER
        record(w, time, patient, SERVICE_RETURNS, pool, slot.units)
    slot.row = row
    change = row.amount - slot.units
    if slot.state == IN_LINE:
        slot.units = row.amount
        if change < 0:
            soil(w, pool)
    elif change < 0:
        slot.units = row.amount
        record(w, time, patient, SERVICE_ENDS, pool, slot.units)
        give_back(w, time, pool, -change)
    elif change > 0 and pool.queued == 0 and pool.has_room(change):
        pool.in_use += change
        slot.units = row.amount
        record(w, time, patient, SERVICE_GRANTED, pool, slot.units)
    if slot.state == HELD:
        lead_on(patient, time, slot)


def hold(w: World, patient: Patient, time: float, slot: Slot, pool: Pool, units: int) -> None:
    """The units of a service are the patient's from now on; it acts after its onset."""
    slot.state, slot.pool, slot.units = HELD, pool, units
    record(w, time, patient, SERVICE_GRANTED, pool, units)
    if slot.row.onset > 0.0:
        slot.onset_time = time + slot.row.onset
    else:
        let_act(patient, slot)
    lead_on(patient, time, slot)


def let_act(patient: Patient, slot: Slot) -> None:
    """From now on the service switches hazard rows."""
    slot.acting = True
    patient.situation |= 1 << slot.number


def lead_on(patient: Patient, time: float, slot: Slot) -> None:
    """A unit that leads to a step is taken there at the end of the episode: at once in an anchor step."""
    if slot.row.leads_to >= 0:
        patient.transfer = slot.number
        if patient.here.is_anchor and patient.status != MOVING:
            patient.request_time = time
    elif patient.transfer == slot.number:
        patient.transfer = -1


def clear(patient: Patient, slot: Slot) -> None:
    """Forget a service."""
    slot.state, slot.units = NONE, 0
    slot.active = slot.acting = False
    slot.onset_time = slot.keep_end = NEVER
    patient.situation &= ~(1 << slot.number)
    if patient.transfer == slot.number:
        patient.transfer = -1
        if patient.status != MOVING:
            patient.request_time = NEVER  # the request was to go where the service leads


def end_service(w: World, patient: Patient, time: float, slot: Slot) -> None:
    """Give a service back, or leave its waiting list."""
    pool, units = slot.pool, slot.units
    if slot.state == HELD:
        clear(patient, slot)
        record(w, time, patient, SERVICE_ENDS, pool)
        give_back(w, time, pool, units)
    elif slot.state == IN_LINE:
        leave_line(w, slot)
        clear(patient, slot)
        record(w, time, patient, SERVICE_LEFT, pool, units)
