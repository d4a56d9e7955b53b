"""Money from logs told by hand: each basis, each provider's part, each rule of the tariffs."""

from dataclasses import replace

import numpy as np
import pytest

from instances.tables import Capacity, Cost, Price
from simulation.configuration import Configuration, todays_configuration
from simulation.economics import annuity, discounted_duration
from simulation.indicators import Catalogue
from simulation.ledgers.flows import UnpricedSubject
from simulation.records import Event
from tests.simulation.event_logs import FRAIL, YEAR, Story, tiny

RUN = 731.0
YEARS = RUN / YEAR


def price(subject, basis, amount, **more):
    return Price(subject=subject, basis=basis, payer=more.pop("payer", "insurance"), amount=amount, **more)


def cost(subject, basis, amount, **more):
    return Cost(subject=subject, basis=basis, amount=amount, **more)


def ward_story(instance, days=10.0):
    story = Story(instance).tell(0.0, Event.PRESENT, detail=0)
    story.bed(10.0, Event.WAIT, "usual/home", detail="usual/ward").bed(10.0, Event.ENTER, detail="usual/home")
    story.bed(10.0 + days, Event.GATE_END)
    return story.tell(10.0 + days, Event.ENTER, detail="usual/ward")


def supported_story(instance, until=RUN):
    story = Story(instance).tell(0.0, Event.PRESENT, "supported/home", detail=1, profile=FRAIL)
    story.helper(100.0, Event.SERVICE_ASK, profile=FRAIL).helper(100.0, Event.SERVICE_GRANT, profile=FRAIL)
    if until < RUN:
        story.helper(until, Event.SERVICE_END, 0, profile=FRAIL)
    return story


def revenue(story, expression="revenue", configuration=None):
    return Catalogue.of(story.instance).value(expression, story.account(configuration))


@pytest.mark.parametrize(
    ("subject", "basis", "times"),
    [
        ("step:ward", "entry", 1.0),
        ("step:usual/ward", "day", 10.0),
        ("step:supported/ward", "day", 0.0),
        ("resource:bed", "hour", 240.0),
        ("resource:bed", "entry", 1.0),
        ("step:ward", "patient", 1.0),
        ("resource:bed", "capacity-year", 8.0 * YEARS),
    ],
)
def test_what_a_price_is_per(subject, basis, times):
    story = ward_story(tiny(prices=[price(subject, basis, 7.0)], costs=[]))
    assert revenue(story) == pytest.approx(7.0 * times)
    assert revenue(story, "revenue[provider=hospital,payer=insurance]") == pytest.approx(7.0 * times)


def test_a_pathway_is_paid_per_patient_or_per_day():
    instance = tiny(prices=[price("pathway:usual", "patient", 100.0, provider="home_service")], costs=[])
    assert revenue(ward_story(instance)) == pytest.approx(100.0)
    daily = tiny(prices=[price("pathway:usual", "day", 2.0, provider="home_service")], costs=[])
    assert revenue(ward_story(daily)) == pytest.approx(2.0 * RUN)


def test_services_are_paid_while_in_use():
    instance = tiny(prices=[price("service:helper", "day", 3.0)], costs=[])
    assert revenue(supported_story(instance, until=150.0)) == pytest.approx(150.0)


def test_an_amount_without_provider_is_split_by_capacity():
    base = tiny()
    beds = [
        Capacity(zone="town", resource="bed", provider="hospital", current=6),
        Capacity(zone="hills", resource="bed", provider="home_service", current=2),
    ]
    instance = replace(
        base, capacities=(*beds, *base.capacities[1:]), prices=(price("step:ward", "entry", 80.0),), costs=()
    )
    story = ward_story(instance)
    assert revenue(story, "revenue[provider=hospital]") == pytest.approx(60.0)
    assert revenue(story, "revenue[provider=home_service]") == pytest.approx(20.0)


def overflowing():
    """Beds stand in each territory, run by another provider in each, and help one another out."""
    base = tiny()
    beds = [
        Capacity(zone="town", resource="bed", provider="hospital", current=6),
        Capacity(zone="hills", resource="bed", provider="home_service", current=2),
    ]
    resources = [
        row.model_copy(update={"level": "territory", "overflow": "basin"}) if row.resource == "bed" else row
        for row in base.resources
    ]
    rows = [price("step:ward", "entry", 80.0), price("step:ward", "day", 7.0), price("step:ward", "patient", 5.0)]
    return replace(
        base, resources=tuple(resources), capacities=(*beds, *base.capacities[1:]), prices=tuple(rows), costs=()
    )


@pytest.mark.parametrize(("pool", "paid"), [("town", "hospital"), ("hills", "home_service")])
def test_the_provider_that_serves_a_stay_is_paid_for_it(pool, paid):
    story = Story(overflowing())
    number = next(q for q, each in enumerate(story.chart.pools) if each.zone == pool and each.resource == 0)
    where = {"resource": "bed", "pool": number, "units": 1}
    story.tell(0.0, Event.PRESENT, detail=0).tell(10.0, Event.WAIT, resource="bed", pool=number, detail="usual/ward")
    story.tell(10.0, Event.ENTER, "usual/ward", detail="usual/home", **where)
    story.tell(30.0, Event.GATE_END, "usual/ward", **where).tell(30.0, Event.ENTER, detail="usual/ward")
    assert revenue(story, f"revenue[provider={paid}]") == pytest.approx(80.0 + 20.0 * 7.0 + 5.0)
    assert revenue(story, "revenue[zone=town]") == pytest.approx(225.0)  # of who is treated, wherever it is
    assert revenue(story) == pytest.approx(225.0)


def test_occupancy_below_the_floor_cuts_the_allocation():
    rule = {"occupancy_floor": 0.9, "occupancy_slope": 0.5}
    full = ward_story(tiny(prices=[price("resource:bed", "capacity-year", 1000.0)], costs=[]))
    cut = ward_story(tiny(prices=[price("resource:bed", "capacity-year", 1000.0, **rule)], costs=[]))
    first_year = 10.0 / (8.0 * YEAR)  # the only stay lies in the first year of accounts
    second = YEARS - 1.0
    expected = 8000.0 * ((1.0 - 0.5 * (0.9 - first_year)) + second * (1.0 - 0.5 * 0.9))
    assert revenue(full) == pytest.approx(8000.0 * YEARS)
    assert revenue(cut) == pytest.approx(expected)


def test_capacity_is_todays_until_the_lead_time():
    base = tiny()
    slow = base.capacities[0].model_copy(update={"lead_time": 100.0})
    rows = (slow, *base.capacities[1:])
    costs = [
        cost("resource:bed", "capacity-year", 1000.0),
        cost("resource:bed", "added-unit", 50_000.0, life=20.0, rate=0.03),
    ]
    instance = replace(base, capacities=rows, prices=(), costs=tuple(costs))
    today = todays_configuration(instance)
    plan = Configuration(today.shares, (10, *today.capacities[1:]), today.contract)
    story = ward_story(instance)
    running = 1000.0 * (8 * 100.0 + 10 * 631.0) / YEAR
    invested = 2 * annuity(50_000.0, 20.0, 0.03) * 631.0 / YEAR
    written_off = 2 * 50_000.0 / 20.0 * 631.0 / YEAR
    assert revenue(story, "running_cost", plan) == pytest.approx(running)
    assert revenue(story, "investment", plan) == pytest.approx(invested)
    assert revenue(story, "depreciation", plan) == pytest.approx(written_off)
    assert revenue(story, "interest", plan) == pytest.approx(invested - written_off)
    assert revenue(story, "operating_cost", plan) == pytest.approx(running + written_off)
    assert revenue(story, "cost", plan) == pytest.approx(running + invested)
    assert revenue(story, "cost[kind=added-*]", today) == 0.0


def test_an_investment_without_life_is_borne_at_once():
    instance = tiny(prices=[], costs=[cost("resource:bed", "added-unit", 500.0)])
    today = todays_configuration(instance)
    plan = Configuration(today.shares, (10, *today.capacities[1:]), today.contract)
    assert revenue(ward_story(instance), "investment", plan) == pytest.approx(1000.0)


def test_draining_units_keep_costing():
    instance = tiny(prices=[], costs=[cost("resource:bed", "capacity-year", YEAR)])
    today = todays_configuration(instance)
    closed = Configuration(today.shares, (0, *today.capacities[1:]), today.contract)
    story = Story(instance).tell(0.0, Event.PRESENT, detail=0).bed(0.0, Event.WAIT, "usual/home", detail="usual/ward")
    story.bed(0.0, Event.ENTER, detail="usual/home").capacity(0.0, 0, 0).bed(30.0, Event.GATE_END)
    assert revenue(story, "cost", closed) == pytest.approx(30.0)


def test_a_closed_site_costs_nothing():
    instance = tiny(prices=[], costs=[cost("resource:helper", "open-site-year", 9000.0)])
    today = todays_configuration(instance)
    closed = Configuration(today.shares, (8, 0, 12), today.contract)
    story = supported_story(instance)
    assert revenue(story, "cost", today) == pytest.approx(2 * 9000.0 * YEARS)
    assert revenue(story, "cost", closed) == pytest.approx(9000.0 * YEARS)


def test_the_row_that_names_a_profile_replaces_the_one_for_all():
    rows = [price("service:helper", "day", 3.0), price("service:helper", "day", 5.0, profile="frail")]
    assert revenue(supported_story(tiny(prices=rows, costs=[]), until=200.0)) == pytest.approx(500.0)


def test_a_contract_switch_changes_money_only():
    rows = [price("step:ward", "entry", 100.0, contract="today"), price("step:ward", "entry", 40.0, contract="bundle")]
    instance = tiny(prices=rows, costs=[])
    story = ward_story(instance)
    today = todays_configuration(instance)
    other = Configuration(today.shares, today.capacities, "bundle")
    assert revenue(story, "revenue", today) == pytest.approx(100.0)
    assert revenue(story, "revenue", other) == pytest.approx(40.0)
    assert np.array_equal(story.account(today).visits, story.account(other).visits)


def test_outcomes_are_paid_for_who_never_met_the_break():
    rows = [price("pathway:usual", "outcome", 90.0, provider="home_service", outcome="back_within_30_days")]
    instance = tiny(prices=rows, costs=[])
    once = ward_story(instance)
    again = ward_story(instance).bed(40.0, Event.WAIT, "usual/home", detail="usual/ward")
    again.bed(40.0, Event.ENTER, detail="usual/home")
    assert revenue(once) == pytest.approx(90.0)
    assert revenue(again) == 0.0


def test_every_euro_paid_is_received_and_parts_make_the_whole():
    story = ward_story(tiny())
    account = story.account()
    by_year = account.revenue_by_year[..., 0].sum()
    assert by_year == pytest.approx(account.revenue.sum(), abs=0.005)
    assert account.cost_by_kind[..., 0].sum() == pytest.approx(account.cost.sum(), abs=0.005)
    catalogue = Catalogue.of(story.instance)
    payers = sum(catalogue.value(f"revenue[payer={row.id}]", account) for row in story.instance.payers)
    providers = sum(catalogue.value(f"revenue[provider={row.id}]", account) for row in story.instance.providers)
    zones = sum(catalogue.value(f"revenue[zone={row.zone}]", account) for row in story.instance.territories)
    assert payers == pytest.approx(providers, abs=0.005)
    assert payers == pytest.approx(zones, abs=0.005)


def test_doubling_all_prices_and_costs_doubles_all_money():
    base = tiny()
    double = replace(
        base,
        prices=tuple(row.model_copy(update={"amount": 2.0 * row.amount}) for row in base.prices),
        costs=tuple(row.model_copy(update={"amount": 2.0 * row.amount}) for row in base.costs),
    )
    one, two = ward_story(base).account(), ward_story(double).account()
    assert two.revenue == pytest.approx(2.0 * one.revenue)
    assert two.cost_discounted == pytest.approx(2.0 * one.cost_discounted)
    assert np.array_equal(one.persons, two.persons)


def test_raising_a_tariff_moves_payer_and_provider_by_the_same():
    low, high = (ward_story(tiny(prices=[price("step:ward", "entry", each)], costs=[])) for each in (100.0, 130.0))
    gained = revenue(high, "margin[provider=hospital]") - revenue(low, "margin[provider=hospital]")
    paid = revenue(high, "payments[payer=insurance]") - revenue(low, "payments[payer=insurance]")
    assert gained == pytest.approx(30.0)
    assert paid == pytest.approx(30.0)


def test_a_subject_that_nobody_runs_needs_a_provider():
    story = ward_story(tiny(prices=[price("step:home", "day", 1.0)], costs=[]))
    with pytest.raises(UnpricedSubject, match="provider must be named"):
        story.account()


def test_discounted_revenue_is_that_of_the_moment():
    paid = [price("step:ward", "entry", 100.0), price("resource:helper", "capacity-year", 10.0)]
    story = ward_story(tiny(prices=paid, costs=[]))
    assert revenue(story, "revenue_discounted[provider=hospital]") == pytest.approx(100.0 * 1.025 ** (-10.0 / YEAR))
    helpers = 32 * 10.0 * discounted_duration(0.025, 0.0, YEARS)
    assert revenue(story, "revenue_discounted[provider=home_service]") == pytest.approx(helpers)
    assert revenue(story, "revenue_discounted[year=2]") < revenue(story, "revenue[year=2]")


def test_discounted_cost_is_that_of_the_moment():
    story = ward_story(tiny(prices=[], costs=[cost("step:ward", "entry", 100.0)]))
    assert revenue(story, "cost_discounted") == pytest.approx(100.0 * 1.025 ** (-10.0 / YEAR))
