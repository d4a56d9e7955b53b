"""Each kind of pathway break, met and not met."""

import pytest

from instances.tables import Break
from simulation.indicators import Catalogue
from simulation.ledgers.break_prices import PAID
from simulation.ledgers.breaks import BreakCounter
from simulation.records import Event
from tests.simulation.event_logs import FRAIL, Story, tiny


def broken(kind, story, **more):
    row = Break(**{"break": "it", "kind": kind, **more})
    told = Story(tiny(breaks=[row]), zones=story.zones, rows=story.rows)
    return Catalogue.of(told.instance).value("pathway_breaks[break=it]", told.account())


def stay(story, start, end, wait=0.0):
    story.bed(start, Event.WAIT, "usual/home", detail="usual/ward")
    story.bed(start + wait, Event.ENTER, detail="usual/home").bed(end, Event.GATE_END)
    return story.tell(end, Event.ENTER, detail="usual/ward")


def present(step="usual/home"):
    return Story().tell(0.0, Event.PRESENT, step, detail=0, profile=FRAIL)


@pytest.mark.parametrize(("back", "expected"), [(45.0, 1.0), (55.0, 0.0)])
def test_readmission(back, expected):
    story = stay(stay(present(), 10.0, 20.0), back, back + 5.0)
    assert broken("readmission", story, step="ward", window=30.0) == expected


def test_patience_before_a_step():
    story = (
        present().bed(10.0, Event.WAIT, "usual/home", detail="usual/ward").tell(15.0, Event.BREAK, detail="usual/ward")
    )
    assert broken("patience", story, step="ward") == 1.0
    assert broken("patience", story, step="emergency") == 0.0


def helped(asked, granted, step="supported/home"):
    story = Story().tell(0.0, Event.PRESENT, step, detail=1, profile=FRAIL)
    return story.helper(asked, Event.SERVICE_ASK).helper(granted, Event.SERVICE_GRANT)


@pytest.mark.parametrize(("granted", "expected"), [(40.0, 1.0), (20.0, 0.0)])
def test_gap_without_service(granted, expected):
    assert broken("gap_without_service", helped(0.0, granted), step="home", service="helper", window=30.0) == expected


def test_a_gap_open_at_the_horizon_counts():
    story = Story().tell(0.0, Event.PRESENT, "supported/home", detail=1).helper(600.0, Event.SERVICE_ASK)
    assert broken("gap_without_service", story, step="home", service="helper", window=30.0) == 1.0


@pytest.mark.parametrize(("granted", "expected"), [(60.0, 1.0), (23.0, 0.0)])
def test_discharge_without_the_planned_support(granted, expected):
    story = Story().tell(0.0, Event.PRESENT, "supported/ward", detail=1).tell(20.0, Event.ENTER, "supported/home")
    story.helper(20.0, Event.SERVICE_ASK).helper(granted, Event.SERVICE_GRANT)
    assert broken("discharge_without_service", story, step="ward", service="helper", window=7.0) == expected


def test_avoidable_stay_begins_while_help_is_awaited():
    story = Story().tell(0.0, Event.PRESENT, "supported/home", detail=1).helper(5.0, Event.SERVICE_ASK)
    story.bed(40.0, Event.WAIT, "supported/home", detail="supported/ward").bed(40.0, Event.ENTER, "supported/ward")
    assert broken("avoidable_stay", story, step="ward", service="helper", window=14.0) == 1.0
    assert broken("avoidable_stay", story, step="ward", service="helper", window=50.0) == 0.0


def test_blocked_bed_needs_a_held_gate():
    base = tiny()
    steps = [row.model_copy(update={"hold": row.step == "home"}) for row in base.steps]
    row = Break(**{"break": "it", "kind": "blocked", "step": "ward", "window": 3.0})
    story = Story(tiny(breaks=[row], steps=steps)).tell(
        0.0, Event.PRESENT, "usual/ward", detail=0, resource="bed", pool=0, units=1
    )
    story.tell(10.0, Event.WAIT, "usual/ward", detail="usual/home").tell(15.0, Event.ENTER, detail="usual/ward")
    catalogue = Catalogue.of(story.instance)
    assert catalogue.value("pathway_breaks[break=it]", story.account()) == 1.0
    assert catalogue.value("blocked_days", story.account()) == pytest.approx(5.0)


def test_persons_are_counted_once():
    story = stay(stay(stay(present(), 10.0, 20.0), 30.0, 40.0), 50.0, 60.0)
    row = Break(**{"break": "it", "kind": "readmission", "step": "ward", "window": 30.0})
    told = Story(tiny(breaks=[row]), rows=story.rows)
    catalogue, account = Catalogue.of(told.instance), told.account()
    assert catalogue.value("pathway_breaks", account) == 2.0
    assert catalogue.value("broken", account) == 1.0


# What the care around a break costs and is paid. On the tiny instance a day in the ward costs 60 EUR and its bed
# 74,000 EUR a year, and is paid 300 + 20 EUR; a day of help costs 1.50 EUR and a helper 4,200 EUR a year, and is
# paid 3 EUR by the household and 4,700 EUR a year by the insurance.
WARD_COST = 60.0 + 74_000.0 / 365.25
WARD_PAID = 320.0
HELP_COST = 1.5 + 4_200.0 / 365.25
HELP_PAID = 3.0 + 4_700.0 / 365.25


def around(kind, story, **more):
    row = Break(**{"break": "it", "kind": kind, **more})
    told = Story(tiny(breaks=[row]), zones=story.zones, rows=story.rows)
    catalogue, account = Catalogue.of(told.instance), told.account()
    return tuple(catalogue.value(f"{name}[break=it]", account) for name in ("break_cost", "break_payments"))


def test_a_readmission_is_priced_by_the_stay_again():
    story = stay(stay(present(), 10.0, 20.0), 30.0, 37.0)
    assert around("readmission", story, step="ward", window=30.0) == pytest.approx((7 * WARD_COST, 7 * WARD_PAID))


def test_a_stay_open_at_the_horizon_is_priced_until_then():
    story = stay(present(), 10.0, 20.0).bed(30.0, Event.ENTER, detail="usual/home")
    assert around("readmission", story, step="ward", window=30.0) == pytest.approx((701 * WARD_COST, 701 * WARD_PAID))


def test_a_stay_elsewhere_after_lost_patience_is_priced():
    base = tiny()
    other = next(row for row in base.steps if row.step == "ward").model_copy(
        update={"step": "other_ward", "gate": "", "setting": "ward"}
    )
    own = {"subject": "step:other_ward", "provider": "hospital"}
    prices = [row.model_copy(update=own) for row in base.prices if "ward" in row.subject]
    row = Break(**{"break": "it", "kind": "patience", "step": "usual/ward"})
    told = Story(tiny(breaks=[row], steps=[*base.steps, other], prices=prices))
    told.tell(0.0, Event.PRESENT, "usual/home", detail=0, profile=FRAIL)
    told.bed(10.0, Event.WAIT, "usual/home", detail="usual/ward").tell(15.0, Event.BREAK, detail="usual/ward")
    told.tell(15.0, Event.ENTER, "usual/other_ward", detail="usual/home")
    told.tell(19.0, Event.ENTER, "usual/home", detail="usual/other_ward")
    catalogue = Catalogue.of(told.instance)
    assert catalogue.value("break_payments[break=it]", told.account()) == pytest.approx(4 * WARD_PAID)


def test_going_home_after_lost_patience_costs_nothing():
    story = (
        present().bed(10.0, Event.WAIT, "usual/home", detail="usual/ward").tell(15.0, Event.BREAK, detail="usual/ward")
    )
    story.tell(15.0, Event.ENTER, "usual/home", detail="usual/home")
    assert around("patience", story, step="ward") == (0.0, 0.0)


def test_a_blocked_bed_is_priced_from_the_asking_on():
    steps = [row.model_copy(update={"hold": row.step == "home"}) for row in tiny().steps]
    row = Break(**{"break": "it", "kind": "blocked", "step": "ward", "window": 3.0})
    story = Story(tiny(breaks=[row], steps=steps)).tell(
        0.0, Event.PRESENT, "usual/ward", detail=0, resource="bed", pool=0, units=1
    )
    story.tell(10.0, Event.WAIT, "usual/ward", detail="usual/home").tell(15.0, Event.ENTER, detail="usual/ward")
    catalogue = Catalogue.of(story.instance)
    assert catalogue.value("break_cost[break=it]", story.account()) == pytest.approx(5 * WARD_COST)


@pytest.mark.parametrize("kind", ["gap_without_service", "discharge_without_service"])
def test_help_not_given_is_priced_at_what_it_would_have_cost(kind):
    story = Story().tell(0.0, Event.PRESENT, "supported/ward", detail=1).tell(20.0, Event.ENTER, "supported/home")
    story.helper(20.0, Event.SERVICE_ASK, units=2).helper(60.0, Event.SERVICE_GRANT, units=2)
    step = "ward" if kind == "discharge_without_service" else "home"
    assert around(kind, story, step=step, service="helper", window=7.0) == pytest.approx(
        (40 * 2 * HELP_COST, 40 * 2 * HELP_PAID)
    )


def test_an_avoidable_stay_is_priced_and_a_second_profile_pays_its_own_tariff():
    base = tiny()
    dear = next(row for row in base.prices if row.amount == 300.0).model_copy(
        update={"profile": "frail", "amount": 1e3}
    )
    row = Break(**{"break": "it", "kind": "avoidable_stay", "step": "ward", "service": "helper", "window": 14.0})
    told = Story(tiny(breaks=[row], prices=[*base.prices, dear]))
    told.tell(0.0, Event.PRESENT, "supported/home", detail=1, profile=FRAIL)
    told.helper(5.0, Event.SERVICE_ASK, profile=FRAIL)
    told.bed(40.0, Event.ENTER, "supported/ward", detail="supported/home", profile=FRAIL)
    told.tell(46.0, Event.ENTER, "supported/home", detail="supported/ward", profile=FRAIL)
    catalogue = Catalogue.of(told.instance)
    assert catalogue.value("break_payments[break=it]", told.account()) == pytest.approx(6 * 1_020.0)


def test_stays_are_priced_as_the_ledger_of_money_pays_them():
    """A log in which every paid day is a readmission's: the tariffs around breaks are all that is paid by the day."""
    row = Break(**{"break": "it", "kind": "readmission", "step": "ward", "window": 1.0})
    prices = [row for row in tiny().prices if row.subject == "step:ward"]
    told = Story(tiny(breaks=[row], prices=prices, costs=[]))
    told.tell(0.0, Event.PRESENT, "usual/ward", detail=0).tell(0.0, Event.ENTER, "usual/home", detail="usual/ward")
    told.bed(0.5, Event.ENTER, detail="usual/home").tell(9.5, Event.ENTER, "usual/home", detail="usual/ward")
    catalogue, account = Catalogue.of(told.instance), told.account()
    assert catalogue.value("break_payments", account) == pytest.approx(catalogue.value("revenue", account))
    assert catalogue.value("revenue", account) == pytest.approx(9 * WARD_PAID)


def test_events_after_the_end_of_observation_are_left_out():
    row = Break(**{"break": "it", "kind": "readmission", "step": "ward", "window": 30.0})
    told = Story(tiny(breaks=[row]), rows=stay(stay(present(), 10.0, 20.0), 30.0, 37.0).rows)
    counter = BreakCounter(told.chart)
    whole = counter.count(told.events, told.people)
    part = counter.count(told.events, told.people, until=34.0)
    before = counter.count(told.events, told.people, until=29.0)
    assert (whole.times.sum(), part.times.sum(), before.times.sum()) == (1.0, 1.0, 0.0)
    assert part.money[..., PAID].sum() == pytest.approx(4 * WARD_PAID)
