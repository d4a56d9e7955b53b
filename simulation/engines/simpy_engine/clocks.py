"""The clocks of a patient: SimPy's event list holds the earliest of each patient."""

from heapq import heappush

from simulation.engines.simpy_engine.cast import Patient
from simulation.engines.simpy_engine.codes import HAZARD, NEVER, PATIENCE, RELEASE, REQUEST, STAYING, WAITING
from simulation.engines.simpy_engine.world import World


def reschedule(w: World, patient: Patient) -> None:
    """Set the patient's alarm to what comes next (T1: of clocks at one time, that of the lesser kind)."""
    time, kind = patient.hazard_time, HAZARD
    status = patient.status
    if status == STAYING:
        if patient.stay_end <= time:
            time, kind = patient.stay_end, RELEASE
    elif status == WAITING and patient.patience_end < time:
        time, kind = patient.patience_end, PATIENCE
    if patient.other_time <= time and (patient.other_time < time or patient.other_kind < kind):
        time, kind = patient.other_time, patient.other_kind
    if patient.request_time < time:
        time, kind = patient.request_time, REQUEST
    if patient.kind != kind or patient.time != time:
        patient.time, patient.kind = time, kind
        if time < NEVER:
            heappush(w.queue, (time, kind, patient.number, patient))


def asks_at_once(w: World, patient: Patient, time: float) -> bool:
    """Say whether the patient's request of this instant comes before all else on the calendar (T1)."""
    return (
        patient.request_time == time
        and patient.hazard_time > time
        and patient.other_time > time
        and not w.calendar.has_before(time, REQUEST, patient.number)
    )
