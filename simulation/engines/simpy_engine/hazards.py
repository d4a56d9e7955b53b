"""Hazards (T6) and what a move changes (T10)."""

from simulation.engines.simpy_engine.cast import Patient
from simulation.engines.simpy_engine.codes import MARKED, MOVING, NEVER, PROFILE, WAITING
from simulation.engines.simpy_engine.contexts import Context, HazardRow, Rates, RouteRow, rates_of
from simulation.engines.simpy_engine.world import World, record


def settle(patient: Patient, time: float) -> None:
    """Consume the hazard budgets up to now at the rates in force."""
    elapsed = time - patient.settled
    if elapsed > 0.0 and patient.hazard >= 0:
        budgets = patient.budgets
        for hazard, rate in patient.rates.above_zero:
            budgets[hazard] -= rate * elapsed
    patient.settled = time


def refresh(w: World, patient: Patient, time: float) -> None:
    """Settle, take the rates of the present context, and find the next hazard to strike."""
    settle(patient, time)
    is_waiting = patient.status == WAITING
    if patient.here.is_calm and not is_waiting:
        if patient.hazard >= 0:
            patient.rates = w.common.no_rates
            patient.hazard_time, patient.hazard = NEVER, -1
        return
    expect_hazard(w, patient, time, rates_waiting(patient) if is_waiting else rates_staying(patient))


def expect_hazard(w: World, patient: Patient, time: float, rates: Rates) -> None:
    """Take rates, budgets being settled, and find the next hazard to strike."""
    patient.rates = rates
    first, next_hazard = NEVER, -1
    budgets = patient.budgets
    for hazard, rate in rates.above_zero:
        left = budgets[hazard]
        if left != left:  # not a number: not drawn yet
            left = budgets[hazard] = w.numbers.budget(patient, hazard)
        strikes = time + (left if left > 0.0 else 0.0) / rate
        if strikes < first:
            first, next_hazard = strikes, hazard
    patient.hazard_time, patient.hazard = first, next_hazard


def rates_staying(patient: Patient) -> Rates:
    """Return the rates of those in the same step and situation: worked out once for all."""
    here = patient.here
    bits = patient.situation & here.watched
    found = here.rates.get(bits)
    if found is None:
        found = here.rates[bits] = _rates((here.stay_hazards,), bits, len(patient.budgets))
    return found


def rates_waiting(patient: Patient) -> Rates:
    """T8: as `rates_staying`, with those of waiting for the awaited step."""
    here, there = patient.here, patient.there
    bits = patient.situation & (here.watched | there.watched_waiting)
    found = here.rates_waiting.get((there.number, bits))
    if found is None:
        rows = (here.stay_hazards, there.wait_hazards)
        found = here.rates_waiting[there.number, bits] = _rates(rows, bits, len(patient.budgets))
    return found


def _rates(groups: tuple[tuple[HazardRow, ...], ...], situation: int, hazards: int) -> Rates:
    """T6: the sum of the rated rows at work, times the product of those that only multiply.

    groups: the rows of the stay and, while waiting, those of the awaited step (T8).
    """
    rates = [0.0] * hazards
    rated: dict[int, list[HazardRow]] = {}
    for rows in groups:
        at_work = [row for row in rows if row.is_at_work(situation)]
        for row in at_work:
            if row.is_rated:
                rates[row.hazard] += row.rate * row.factor
                if row.rate * row.factor > 0.0:
                    rated.setdefault(row.hazard, []).append(row)
        for row in at_work:
            if not row.is_rated:
                rates[row.hazard] *= row.factor
    return rates_of(rates, rated)


def row_that_strikes(w: World, patient: Patient, hazard: int) -> HazardRow:
    """Of several rated rows of one hazard the keyed draw takes one in proportion to the rates."""
    rows = (rates_waiting(patient) if patient.status == WAITING else rates_staying(patient)).rows[hazard]
    if len(rows) == 1:
        return rows[0]
    total = 0.0
    for row in rows:
        total += row.rate * row.factor
    left = w.numbers.share_of_strike(patient, hazard) * total
    for row in rows:
        weight = row.rate * row.factor
        if left < weight:
            return row
        left -= weight
    return rows[-1]


def apply_change(w: World, patient: Patient, time: float, move: RouteRow | HazardRow) -> None:
    """T10: apply what a move brings, a new profile and a mark; at an anchor a new profile re-orients."""
    if move.profile not in (-1, patient.profile):
        former = patient.profile
        _take_profile(w, patient, move.profile)
        record(w, time, patient, PROFILE, detail=former)
        if patient.status != MOVING and patient.here.is_anchor:
            patient.reorient_time = time
            patient.look_at_other_clocks()
    if move.mark >= 0:
        set_mark(w, patient, move.mark, time + move.mark_time)
        record(w, time, patient, MARKED, detail=move.mark)


def _take_profile(w: World, patient: Patient, profile: int) -> None:
    """From now on the patient lives, and waits, under the rows of another profile."""
    patient.profile = profile
    patient.contexts = w.contexts[profile]
    patient.here, patient.there = (_same_step(w, patient, context) for context in (patient.here, patient.there))


def _same_step(w: World, patient: Patient, context: Context) -> Context:
    return w.outside if context.step < 0 else patient.contexts[context.step]


def set_mark(w: World, patient: Patient, mark: int, end: float) -> None:
    """The patient carries a mark until a time; none from minus infinity."""
    bit = 1 << w.marks_from + mark
    patient.situation = patient.situation | bit if end > -NEVER else patient.situation & ~bit
    patient.marks[mark] = end
    patient.look_at_other_clocks()
