"""The plain passage: leave a step, ask for the next, enter it, where all but that is ruled out beforehand.

Most visits of a plain model, and some of any, are plain: neither step is an anchor, has services, hazards of the
stay, a limit to its line or holds a gate, nothing changes on the way, and the patient has no service nor any other
clock running. The rules are those that `passages` tells at length; here they are told without what cannot happen,
which `contexts` finds out once for every step. Whatever leaves the plain way goes on there.
"""

from heapq import heappush

from simulation.engines.simpy_engine.cast import NO_POOL, Patient, Pool
from simulation.engines.simpy_engine.codes import (
    ENTERS,
    EXITS,
    GONE,
    HAZARD,
    NEVER,
    PATIENCE,
    RELEASE,
    STAYING,
    WAITING,
    WAITS,
)
from simulation.engines.simpy_engine.contexts import NO_ROUTE, Context
from simulation.engines.simpy_engine.hazards import expect_hazard, rates_waiting, settle
from simulation.engines.simpy_engine.lines import find_pool
from simulation.engines.simpy_engine.world import World, packed


def ask_plainly(w: World, patient: Patient, time: float, there: Context) -> None:
    """T4: a step with a gate needs units of it; T8: who waits lives on in the former step."""
    if there.gate < 0:
        enter_plainly(w, patient, time, there, NO_POOL, 0)
        return
    own, units = patient.pools[there.gate], there.amount
    number, profile, step = patient.number, patient.profile, patient.here.step
    write = w.write
    write(packed(time, number, WAITS, profile, step, own.resource, own.index, units, there.step))
    pool = own if own.queued == 0 and own.in_use + units <= own.capacity else find_pool(own, units, there.level)
    if pool is not NO_POOL:
        pool.in_use += units
        enter_plainly(w, patient, time, there, pool, units)
        return
    patient.status = WAITING
    patient.there = there
    patient.stay_end = NEVER
    patient.patience_end = time + there.patience
    request = patient.request
    request.asked, request.units, request.level, request.pool = time, units, there.level, own
    own.join(request)
    patient.settled = time
    expect_hazard(w, patient, time, rates_waiting(patient))
    end, kind = patient.hazard_time, HAZARD
    if patient.patience_end < end:
        end, kind = patient.patience_end, PATIENCE
    patient.time, patient.kind = end, kind
    if end < NEVER:
        heappush(w.queue, (end, kind, number, patient))


def enter_plainly(w: World, patient: Patient, time: float, here: Context, pool: Pool, units: int) -> None:
    """The stay begins; its end is what comes next."""
    former = patient.here
    if patient.hazard >= 0:  # while waiting
        settle(patient, time)
        patient.rates = w.common.no_rates
        patient.hazard_time, patient.hazard = NEVER, -1
    else:
        patient.settled = time
    patient.here = here
    patient.pathway = here.pathway
    patient.gate, patient.gate_units = pool, units
    number, profile = patient.number, patient.profile
    write = w.write
    write(packed(time, number, ENTERS, profile, here.step, pool.resource, pool.index, units, former.step))
    if here.is_exit:
        write(packed(time, number, EXITS, profile, here.step, -1, -1, 0, here.step))
        patient.status = GONE
        patient.stay_end = NEVER
        patient.marks = [-NEVER] * len(patient.marks)
        return
    patient.status = STAYING
    patient.leaves_plainly = here.leads_plainly  # for nothing else can happen before
    patient.entered = time
    visits, name = patient.visits, here.name
    visit = visits[name]
    visits[name] = visit + 1
    if visit or not w.numbers.draws_in_bulk:
        length, patient.routing = w.numbers.stay(patient, here, visit)
    else:
        if here.first_stays is None:
            here.first_stays = w.numbers.first_stays(here)
        lengths, routings = here.first_stays
        length, patient.routing = lengths[number], routings[number]
    patient.route = NO_ROUTE
    patient.time = patient.stay_end = end = time + length
    patient.kind = RELEASE
    if end < NEVER:
        heappush(w.queue, (end, RELEASE, number, patient))
