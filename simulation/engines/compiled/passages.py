"""From one step to the next: stays, gates, waits (T4, T5, T8), services (T7), grants."""

import math

from numba import njit

from simulation.engines.compiled.calendar import reschedule
from simulation.engines.compiled.hazards import apply_change, orient, refresh, row_that_strikes, settle
from simulation.engines.compiled.lines import (
    find_pool,
    give_back,
    has_room,
    head_of_line,
    join_line,
    leave_list,
    next_in_basin,
    request_of,
    soil,
)
from simulation.engines.compiled.world import (
    BREAK,
    BY_DESTINATION,
    ENTER,
    EXIT,
    GATE_END,
    GONE,
    HAZARD_EVENT,
    LEAVE,
    MOVING,
    NEVER,
    REORIENT,
    SERVICE_ABSENT,
    SERVICE_ASK,
    SERVICE_END,
    SERVICE_GRANT,
    SERVICE_LEAVE,
    SERVICE_RETURN,
    SLOT_HELD,
    SLOT_NONE,
    SLOT_WAITING,
    STAYING,
    WAIT,
    WAITING,
    World,
    clock_at,
    context_at,
    dirty_of,
    entry_of,
    hazard_at,
    mark_at,
    patient_at,
    pool_at,
    pool_of_of,
    route_at,
    service_at,
    slot_at,
    stay_at,
    step_at,
    visits_at,
    write_record,
)
from simulation.streams import duration, uniform_pair


@njit(cache=True)
def release_gate(w: World, i: int, time: float) -> None:
    """Give the units of the gate back."""
    p = patient_at(w, i)
    if p.gate_pool >= 0:
        pool, units = p.gate_pool, p.gate_units
        p.gate_pool = -1
        p.gate_units = 0
        give_gate_back(w, time, i, pool, units)


@njit(cache=True)
def give_gate_back(w: World, time: float, i: int, pool: int, units: int) -> None:
    """Give units that were a gate back, for the record too."""
    write_record(w, time, i, GATE_END, pool_at(w, pool).resource, pool, units, -1)
    give_back(w, time, pool, units)


@njit(cache=True, forceinline=True)
def keeps_gate(w: World, i: int, target: int) -> bool:
    """Whether the gate stays with the patient on the way: held while waiting, or needed there as a service."""
    p = patient_at(w, i)
    if p.gate_pool < 0:
        return False
    there = context_at(w, target * w.profiles + p.profile)
    if there.hold == 1:
        return True
    for row in range(there.service_start, there.service_end):
        if service_at(w, row).resource == pool_at(w, p.gate_pool).resource:
            return True
    return False


@njit(cache=True, forceinline=True)
def leave_line(w: World, i: int) -> None:
    """Leave the waiting list of the awaited gate."""
    p = patient_at(w, i)
    if p.status == WAITING:
        slots = w.slots
        leave_list(w, p.asked_pool, p.asked_level, i * (slots + 1) + slots)
        p.asked_pool = -1
        p.patience_end = NEVER


@njit(cache=True, forceinline=True)
def depart(w: World, i: int, time: float, target: int) -> None:
    """End the present episode: the request for the next step is a separate event at the same time (T1)."""
    leave_line(w, i)
    p = patient_at(w, i)
    if not keeps_gate(w, i, target):
        release_gate(w, i, time)
    p.status = MOVING
    p.awaited = target
    p.stay_end = NEVER
    p.request_time = time


@njit(cache=True, forceinline=True)
def stay_ends(w: World, i: int, time: float) -> None:
    """T5: the stay has lasted its sampled time; the routing draw says where to."""
    p = patient_at(w, i)
    here = context_at(w, p.step * w.profiles + p.profile)
    route = p.route
    if route < 0:
        route = chosen_route(w, here.route_start, here.route_end, p.routing)
    move = route_at(w, route)
    target = move.to
    settle(w, i, time)
    apply_change(w, i, time, move.profile, move.mark, move.mark_time)
    depart(w, i, time, target)
    refresh(w, i, time)


@njit(cache=True, forceinline=True)
def chosen_route(w: World, start: int, end: int, draw: float) -> int:
    """Return the route that a routing draw means."""
    for row in range(start, end - 1):
        if draw < route_at(w, row).cumulative:
            return row
    return end - 1


@njit(cache=True, forceinline=True)
def count_move(w: World, i: int, time: float) -> None:
    """Count the requests of one patient at one instant, so that a circle without time is noticed."""
    if w.mover != i or w.moved_at != time:
        w.mover = i
        w.moved_at = time
        w.moves = -1
    w.moves += 1


@njit(cache=True)
def request(w: World, i: int, time: float) -> None:
    """Ask to enter the awaited step: orientation at an anchor, then the gate."""
    count_move(w, i, time)
    p = patient_at(w, i)
    target = p.awaited
    p.request_time = NEVER
    if p.transfer >= 0 and (p.status != MOVING or step_at(w, target).is_anchor == 1):
        leave_line(w, i)
        target = service_at(w, slot_at(w, i, p.transfer).row).leads_to
        p.transfer = -1
    elif step_at(w, target).is_anchor == 1:
        pathway = orient(w, i)
        if pathway >= 0 and pathway != step_at(w, target).pathway:
            write_record(w, time, i, REORIENT, -1, -1, 0, pathway)
            target = entry_of(w)[pathway]
    p.status = MOVING
    ask_gate(w, i, time, target)


@njit(cache=True, forceinline=True)
def ask_gate(w: World, i: int, time: float, target: int) -> None:
    """T4: a step with a gate needs units of it; T8: who waits lives on in the former step."""
    p = patient_at(w, i)
    p.awaited = target
    there = context_at(w, target * w.profiles + p.profile)
    if p.gate_pool >= 0 and not keeps_gate(w, i, target):
        release_gate(w, i, time)
    if there.gate < 0:
        enter(w, i, time, -1, 0)
        return
    own = pool_of_of(w)[p.zone, there.gate]
    write_record(w, time, i, WAIT, there.gate, own, there.amount, target)
    for k in range(w.slots):
        slot = slot_at(w, i, k)
        if slot.state == SLOT_HELD and pool_at(w, slot.pool).resource == there.gate and slot.units >= there.amount:
            use_unit_in_hand(w, i, time, k, there.amount)
            return
    pool = find_pool(w, own, there.amount, there.level)
    if pool >= 0:
        pool_at(w, pool).in_use += there.amount
        enter(w, i, time, pool, there.amount)
        return
    if there.queue_limit >= 0 and pool_at(w, own).queued >= there.queue_limit:
        wait_broken(w, i, time, 1)
        return
    slots = w.slots
    p.status = WAITING
    p.asked = time
    p.asked_units = there.amount
    p.asked_level = there.level
    p.asked_pool = own
    p.patience_end = time + there.patience
    join_line(w, own, there.level, i * (slots + 1) + slots)
    refresh(w, i, time)


@njit(cache=True)
def use_unit_in_hand(w: World, i: int, time: float, k: int, amount: int) -> None:
    """The units held as a service become the gate; what is more than needed is given back."""
    slot = slot_at(w, i, k)
    pool = slot.pool
    spare = slot.units - amount
    clear_slot(w, i, k)
    write_record(w, time, i, SERVICE_END, pool_at(w, pool).resource, pool, 0, -1)
    if spare > 0:
        give_back(w, time, pool, spare)
    enter(w, i, time, pool, amount)


@njit(cache=True)
def wait_broken(w: World, i: int, time: float, why: int) -> None:
    """A wait is broken: patience ran out (0) or the line was full (1)."""
    p = patient_at(w, i)
    write_record(w, time, i, BREAK, -1, -1, why, p.awaited)
    there = context_at(w, p.awaited * w.profiles + p.profile)
    if there.on_break >= 0:
        depart(w, i, time, there.on_break)
        refresh(w, i, time)
    else:
        leave_line(w, i)
        gone(w, i, time, LEAVE)


@njit(cache=True)
def gone(w: World, i: int, time: float, kind: int) -> None:
    """The story ends: everything held is given back, every line left."""
    p = patient_at(w, i)
    write_record(w, time, i, kind, -1, -1, 0, p.awaited)
    release_gate(w, i, time)
    for k in range(w.slots):
        end_service(w, i, time, k)
    settle(w, i, time)
    p.status = GONE
    p.awaited = -1
    p.stay_end = NEVER
    p.patience_end = NEVER
    p.hazard_time = NEVER
    p.reorient_time = NEVER
    p.request_time = NEVER
    for m in range(w.marks):
        mark_at(w, i, m).end = -NEVER


@njit(cache=True)
def grant_gate(w: World, time: float, i: int, pool: int) -> None:
    """A waiting patient gets the gate: the former step ends now."""
    p = patient_at(w, i)
    units = p.asked_units
    leave_line(w, i)
    pool_at(w, pool).in_use += units
    if p.gate_pool >= 0 and not needs_as_service(w, i, p.awaited):
        release_gate(w, i, time)
    enter(w, i, time, pool, units)
    reschedule(w, i)


@njit(cache=True, forceinline=True)
def needs_as_service(w: World, i: int, target: int) -> bool:
    """Say whether a step needs as a service what the patient holds as gate."""
    p = patient_at(w, i)
    there = context_at(w, target * w.profiles + p.profile)
    for row in range(there.service_start, there.service_end):
        if service_at(w, row).resource == pool_at(w, p.gate_pool).resource:
            return True
    return False


@njit(cache=True)
def enter(w: World, i: int, time: float, pool: int, units: int) -> None:
    """Begin the stay in the awaited step, with the gate's units taken."""
    p = patient_at(w, i)
    target = p.awaited
    settle(w, i, time)
    former_pool, former_units = p.gate_pool, p.gate_units
    if former_pool >= 0 and not needs_as_service(w, i, target):
        release_gate(w, i, time)
        former_pool = -1
    former = p.step
    p.step = target
    p.pathway = step_at(w, target).pathway
    p.gate_pool = pool
    p.gate_units = units
    p.patience_end = NEVER
    write_record(w, time, i, ENTER, -1 if pool < 0 else pool_at(w, pool).resource, pool, units, former)
    if step_at(w, target).is_exit == 1:
        if former_pool >= 0:
            give_gate_back(w, time, i, former_pool, former_units)
        p.awaited = target
        gone(w, i, time, EXIT)
        return
    p.status = STAYING
    p.awaited = -1
    p.entered = time
    p.request_time = NEVER
    draw_stay(w, i, time)
    begin_services(w, i, time, former_pool, former_units)
    if p.transfer >= 0 and step_at(w, target).is_anchor == 1:
        p.request_time = time
    refresh(w, i, time)


@njit(cache=True, forceinline=True)
def draw_stay(w: World, i: int, time: float) -> None:
    """T5: length and destination by keyed numbers, the n-th stay in a step of this name."""
    p = patient_at(w, i)
    here = context_at(w, p.step * w.profiles + p.profile)
    step = step_at(w, p.step)
    visits = visits_at(w, i, step.name)
    number = visits.count
    visits.count = number + 1
    if w.steps > 0 and number == 0 and p.profile == p.first_profile:
        drawn = stay_at(w, i, p.step)
        if not math.isnan(drawn.length):
            p.routing = drawn.routing
            p.route = -1
            p.stay_end = time + drawn.length
            return
    length, routing = uniform_pair(w.seed, w.replication, p.ordinal, p.group, step.purpose, number)
    p.routing = routing
    p.route = -1
    if here.law == BY_DESTINATION:
        p.route = chosen_route(w, here.route_start, here.route_end, routing)
        move = route_at(w, p.route)
        if move.law >= 0:
            p.stay_end = time + duration(move.law, move.a, move.b, move.c, length)
            return
    p.stay_end = time + duration(here.law, here.a, here.b, here.c, length)


@njit(cache=True, forceinline=True)
def begin_services(w: World, i: int, time: float, former_pool: int, former_units: int) -> None:
    """On entry: end or keep what this step does not have, then ask for what it has."""
    p = patient_at(w, i)
    here = context_at(w, p.step * w.profiles + p.profile)
    for k in range(w.slots):
        slot = slot_at(w, i, k)
        if slot.state == SLOT_NONE or slot.active == 0:
            continue
        needed = False
        for row in range(here.service_start, here.service_end):
            if service_at(w, row).slot == k:
                needed = True
        if not needed:
            if service_at(w, slot.row).keep > 0.0:
                slot.active = 0
                slot.keep_end = time + service_at(w, slot.row).keep
                write_record(w, time, i, SERVICE_ABSENT, pool_at(w, slot.pool).resource, slot.pool, slot.units, -1)
            else:
                end_service(w, i, time, k)
    for row in range(here.service_start, here.service_end):
        ask_service(w, i, time, row, former_pool, former_units)


@njit(cache=True)
def ask_service(w: World, i: int, time: float, row: int, former_pool: int, former_units: int) -> None:
    """Ask for one service of the step just entered, with the gate just left if that is the resource."""
    p = patient_at(w, i)
    service = service_at(w, row)
    k = service.slot
    slot = slot_at(w, i, k)
    own = pool_of_of(w)[p.zone, service.resource]
    if slot.state != SLOT_NONE:
        resume_service(w, i, time, k, row)
        if former_pool >= 0 and pool_at(w, former_pool).resource == service.resource:
            give_gate_back(w, time, i, former_pool, former_units)  # too many: already held or awaited as a service
        return
    slot.row = row
    slot.active = 1
    slot.acting = 0
    slot.keep_end = NEVER
    slot.onset_time = NEVER
    slot.level = service.level
    slot.asked = time
    slot.units = service.amount
    slot.pool = own
    write_record(w, time, i, SERVICE_ASK, service.resource, own, service.amount, -1)
    if former_pool >= 0 and pool_at(w, former_pool).resource == service.resource:
        write_record(w, time, i, GATE_END, service.resource, former_pool, former_units, -1)
        hold_service(w, i, time, k, former_pool, former_units)
        if former_units != service.amount:
            resume_service(w, i, time, k, row)
        return
    pool = find_pool(w, own, service.amount, service.level)
    if pool >= 0:
        pool_at(w, pool).in_use += service.amount
        hold_service(w, i, time, k, pool, service.amount)
        return
    slot.state = SLOT_WAITING
    join_line(w, own, service.level, i * (w.slots + 1) + k)


@njit(cache=True)
def resume_service(w: World, i: int, time: float, k: int, row: int) -> None:
    """A service already held or awaited is needed here too; less is given back, more is taken if free."""
    slot = slot_at(w, i, k)
    service = service_at(w, row)
    if slot.active == 0:
        slot.active = 1
        slot.keep_end = NEVER
        write_record(w, time, i, SERVICE_RETURN, service.resource, slot.pool, slot.units, -1)
    slot.row = row
    change = service.amount - slot.units
    if slot.state == SLOT_WAITING:
        slot.units = service.amount
        if change < 0:
            soil(w, slot.pool)
    elif change < 0:
        slot.units = service.amount
        write_record(w, time, i, SERVICE_END, service.resource, slot.pool, slot.units, -1)
        give_back(w, time, slot.pool, -change)
    elif change > 0 and pool_at(w, slot.pool).queued == 0 and has_room(w, slot.pool, change):
        pool_at(w, slot.pool).in_use += change
        slot.units = service.amount
        write_record(w, time, i, SERVICE_GRANT, service.resource, slot.pool, slot.units, -1)
    if slot.state == SLOT_HELD:
        lead_on(w, i, time, k)


@njit(cache=True)
def lead_on(w: World, i: int, time: float, k: int) -> None:
    """A unit that leads to a step is taken there at the end of the episode: at once in an anchor step."""
    p = patient_at(w, i)
    if service_at(w, slot_at(w, i, k).row).leads_to >= 0:
        p.transfer = k
        if p.step >= 0 and step_at(w, p.step).is_anchor == 1 and p.status != MOVING:
            p.request_time = time
    elif p.transfer == k:
        p.transfer = -1


@njit(cache=True)
def hold_service(w: World, i: int, time: float, k: int, pool: int, units: int) -> None:
    """The units of a service are the patient's from now on; it acts after its onset."""
    slot = slot_at(w, i, k)
    service = service_at(w, slot.row)
    slot.state = SLOT_HELD
    slot.pool = pool
    slot.units = units
    write_record(w, time, i, SERVICE_GRANT, service.resource, pool, units, -1)
    if service.onset > 0.0:
        slot.onset_time = time + service.onset
    else:
        slot.acting = 1
    lead_on(w, i, time, k)


@njit(cache=True)
def grant_service(w: World, time: float, i: int, k: int, pool: int) -> None:
    """A waiting service is granted."""
    slot = slot_at(w, i, k)
    units = slot.units
    leave_list(w, slot.pool, slot.level, i * (w.slots + 1) + k)
    pool_at(w, pool).in_use += units
    hold_service(w, i, time, k, pool, units)
    refresh(w, i, time)
    reschedule(w, i)


@njit(cache=True)
def clear_slot(w: World, i: int, k: int) -> None:
    """Forget a service."""
    slot = slot_at(w, i, k)
    slot.state = SLOT_NONE
    slot.active = 0
    slot.acting = 0
    slot.onset_time = NEVER
    slot.keep_end = NEVER
    slot.units = 0
    p = patient_at(w, i)
    if p.transfer == k:
        p.transfer = -1
        if p.status != MOVING:
            p.request_time = NEVER  # the request was to go where the service leads


@njit(cache=True)
def end_service(w: World, i: int, time: float, k: int) -> None:
    """Give a service back, or leave its waiting list."""
    slot = slot_at(w, i, k)
    if slot.state == SLOT_NONE:
        return
    pool, units = slot.pool, slot.units
    resource = service_at(w, slot.row).resource
    if slot.state == SLOT_HELD:
        clear_slot(w, i, k)
        write_record(w, time, i, SERVICE_END, resource, pool, 0, -1)
        give_back(w, time, pool, units)
    else:
        leave_list(w, pool, slot.level, i * (w.slots + 1) + k)
        clear_slot(w, i, k)
        write_record(w, time, i, SERVICE_LEAVE, resource, pool, units, -1)


@njit(cache=True)
def hazard_strikes(w: World, i: int, time: float) -> None:
    """T6: a budget is consumed; the row that strikes says what follows."""
    p = patient_at(w, i)
    hazard = p.hazard
    settle(w, i, time)
    row = row_that_strikes(w, i, hazard)
    clock_at(w, i, hazard).budget = math.nan
    clock_at(w, i, hazard).count += 1
    write_record(w, time, i, HAZARD_EVENT, -1, -1, 0, hazard)
    move = hazard_at(w, row)
    apply_change(w, i, time, move.profile, move.mark, move.mark_time)
    if move.to >= 0:
        depart(w, i, time, move.to)
    refresh(w, i, time)


@njit(cache=True)
def serve(w: World, time: float, pool: int) -> None:
    """Grant a pool's free units, head of line first; the own list before the basin's."""
    while True:
        entry = head_of_line(w, pool)
        if entry >= 0:
            units, _, _ = request_of(w, entry)
            if not has_room(w, pool, units):
                return
        else:
            entry = next_in_basin(w, pool)
            if entry < 0:
                return
        i, k = divmod(entry, w.slots + 1)
        if k == w.slots:
            grant_gate(w, time, i, pool)
        else:
            grant_service(w, time, i, k, pool)


@njit(cache=True)
def serve_all(w: World, time: float) -> None:
    """Serve the pools where something changed, in the order of change."""
    while w.dirty_count > 0:
        pool = dirty_of(w)[w.dirty_first]
        w.dirty_first = 0 if w.dirty_first + 1 == w.pools else w.dirty_first + 1
        w.dirty_count -= 1
        pool_at(w, pool).is_dirty = 0
        serve(w, time, pool)
