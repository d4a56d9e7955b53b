"""Objectives judged against today: solvency of the worst-off, efficiency, flags."""

from dataclasses import replace

import numpy as np
import pytest

from instances.tables import Cost, Objective, Price, Rule
from simulation.ledgers import replay
from simulation.objectives import Judge, evaluate_objectives
from simulation.records import Event
from tests.simulation.event_logs import TOWN, YEAR, Story, tiny


def person(instance=None, **story):
    return Story(instance or tiny(), **story).tell(0.0, Event.PRESENT, detail=0)


@pytest.fixture(scope="module")
def today():
    return person().account()


@pytest.fixture(scope="module")
def judge(today):
    return Judge.of(tiny())


def with_margins(margins):
    """Accounts in which the hospital earns 100 and spends what the margin leaves; nobody else acts."""
    account = person().account()
    found = []
    for margin in margins:
        revenue, kinds = np.zeros_like(account.revenue), np.zeros_like(account.cost_by_kind)
        revenue[0, 0, TOWN, 0, 0] = 100.0
        kinds[0, 0, TOWN, 0, 0] = 100.0 * (1.0 - margin)
        found.append(replace(account, revenue=revenue, cost_by_kind=kinds))
    return found


def test_today_against_itself_is_zero_and_unflagged(judge, today):
    judged = judge.judge([today, today], [today, today])
    assert judged.values.shape == (2, 3)
    assert judged.values[:, 1] == pytest.approx([0.0, 0.0])
    assert judged.flags == ()


def test_solvency_is_mean_less_deviations_of_the_worst_off(judge):
    accounts = with_margins([0.10, 0.20])
    judged = judge.judge(accounts, accounts)
    assert judged.values[:, 2] == pytest.approx([0.10, 0.20])
    assert judged.point[2] == pytest.approx(0.15 - 0.1 / 2**0.5)
    assert np.isnan(judged.margins[:, 1]).all()  # the home service neither earns nor spends


def test_todays_deviation_stands_in_until_ten_replications(judge):
    informed = judge.informed(with_margins([0.0, 0.2, 0.4]))
    few, many = with_margins([0.2]), with_margins([0.1] * 10)
    assert informed.judge(few, few).point[2] == pytest.approx(0.2 - 0.2)
    assert informed.judge(many, many).point[2] == pytest.approx(0.1)


def test_a_replication_bad_for_todays_firms_is_no_fault_of_a_plan(judge):
    informed = judge.informed(with_margins([0.0, 0.2, 0.4]))
    judged = informed.judge(with_margins([0.05]), with_margins([-0.1]))
    assert judged.values[:, 2] == pytest.approx([0.05])
    assert judged.point_values[:, 2] == pytest.approx([0.35])  # 0.15 beyond today's, whose mean is 0.2
    assert judged.point[2] == pytest.approx(0.35 - 0.2)
    assert judged.referred == (2,)


def test_ten_replications_stand_for_themselves(judge):
    informed = judge.informed(with_margins([0.0, 0.2, 0.4]))
    judged = informed.judge(with_margins([0.1] * 10), with_margins([0.0] * 10))
    assert judged.point_values[:, 2] == pytest.approx(judged.values[:, 2])
    assert judged.referred == ()


def test_plans_of_more_replications_are_steadied_too_where_a_search_compares_them(judge):
    informed = replace(judge, steadied_below=13).informed(with_margins([0.0, 0.2, 0.4]))
    judged = informed.judge(with_margins([0.1] * 12), with_margins([0.0] * 12))
    assert judged.point_values[:, 2] == pytest.approx([0.3] * 12)
    assert judged.point[2] == pytest.approx(0.3 - 0.2)


def test_values_are_of_the_plans_own_worst_off_firm_from_ten_replications_on(judge):
    """What a final front is made of hangs on no number that a search knows of today."""
    accounts = with_margins([0.1, -0.3] * 6)
    informed = replace(judge, steadied_below=13).informed(with_margins([0.4, 0.5, 0.6]))
    judged = informed.judge(accounts, with_margins([0.5] * 12))
    assert judged.values[:, 2] == pytest.approx([0.1, -0.3] * 6)
    assert informed.final_point(judged)[2] == pytest.approx(judge.final_point(judge.judge(accounts, accounts))[2])


def test_steadied_margins_stay_within_what_margins_can_be(judge):
    informed = judge.informed(with_margins([0.5] * 29 + [-9.9]))
    judged = informed.judge(with_margins([0.9]), with_margins([-9.9]))
    assert judged.point_values[:, 2] == pytest.approx([1.0])


def test_the_final_solvency_is_a_quantile(judge):
    accounts = with_margins(np.linspace(0.0, 0.3, 31))
    point = judge.final_point(judge.judge(accounts, accounts))
    rank = (31 + 1 / 3) * 0.1586553 + 1 / 3  # Hyndman and Fan (1996), definition 8
    assert point[2] == pytest.approx(0.01 * (rank - 1.0), abs=1e-6)


def test_shortfall_is_what_firms_lack(judge):
    accounts = with_margins([-0.5, 0.1])
    assert judge.judge(accounts, accounts).shortfall == pytest.approx(25.0)


def test_relatives_are_exempt_from_solvency_and_count_in_efficiency():
    base = tiny()
    providers = [
        row.model_copy(update={"sector": "informal" if row.id == "home_service" else row.sector})
        for row in base.providers
    ]
    costs = [Cost(provider="home_service", subject="step:home", basis="day", amount=10.0)]
    prices = [Price(subject="resource:bed", basis="capacity-year", payer="insurance", amount=1.0)]
    instance = replace(base, providers=tuple(providers), costs=tuple(costs), prices=tuple(prices))
    story = person(instance)
    account = story.account()
    judged = evaluate_objectives(instance, [account], [account])
    assert Judge.of(instance).firms == ("hospital",)
    assert judged.values[0, 2] == pytest.approx(1.0)
    free = person(replace(instance, costs=())).account()
    gain = evaluate_objectives(instance, [free], [account]).values[0, 1]
    beyond = account.beyond[..., 1].sum()
    assert beyond > 0.0
    assert gain == pytest.approx((account.cost_discounted.sum() + beyond) / 3300.0)


def test_dying_sooner_is_worse_in_efficiency():
    later, sooner = person().die(700.0).account(), person().die(100.0).account()
    judged = evaluate_objectives(tiny(costs=[]), [sooner], [later])
    assert judged.values[0, 1] < 0.0
    assert judged.values[0, 0] < evaluate_objectives(tiny(), [later], [later]).values[0, 0]


def people(count, dying, instance=None):
    story = Story(instance or tiny(), zones=(TOWN,) * count)
    for who in range(count):
        story.tell(0.0, Event.PRESENT, who=who, detail=0)
    for who in range(dying):
        story.die(100.0, who=who)
    return story.account()


def test_a_plan_that_lets_people_die_is_harmful(judge):
    before, after = people(200, 5), people(200, 150)
    flags = judge.judge([after], [before]).flags
    assert any("more deaths" in flag for flag in flags)
    assert any("fewer QALYs" in flag for flag in flags)
    assert judge.judge([before], [after]).flags == ()


def test_a_death_or_two_more_are_noise(judge):
    assert judge.judge([people(50, 12)], [people(50, 10)]).flags == ()


def growing(step=10.0, count=60):
    story = Story(tiny(), zones=(TOWN,) * count)
    for who in range(count):
        story.tell(0.0, Event.PRESENT, who=who, detail=0)
    for who in range(count):
        story.bed(step * who, Event.WAIT, "usual/home", who=who, detail="usual/ward")
    return story.account()


def test_a_line_that_grows_without_end_is_unstable(judge):
    grown = growing()
    flags = judge.judge([grown, grown], [people(60, 0)] * 2).flags
    assert [flag.split(":")[0] for flag in flags] == ["unstable"]
    assert "bed in valley" in flags[0]


def test_a_line_that_grows_as_today_is_not_the_plans_doing(judge):
    assert judge.judge([growing()], [growing()]).flags == ()


def test_a_budget_overrun_more_often_than_accepted_is_flagged():
    rule = Rule(rule="cap", kind="budget", payer="insurance", money="operating", level="territory", bound=1000.0)
    price = Price(subject="step:home", basis="day", payer="insurance", provider="hospital", amount=10.0)
    instance = tiny(rules=[rule], prices=[price], costs=[])
    account = person(instance).account()
    judged = evaluate_objectives(instance, [account], [account])
    assert judged.flags == (f"overrun: cap in town, {10.0 * YEAR:.0f} a year against 1000",)


def test_the_amount_of_an_overrun_leaves_out_the_replications_that_may_overrun():
    """With alpha 0.1, one of ten replications may: the second greatest amount counts."""
    rule = Rule(rule="cap", kind="budget", payer="insurance", money="operating", level="territory", bound=1000.0)
    judge = Judge.of(tiny(rules=[rule], costs=[]))
    account = person(tiny(rules=[rule], costs=[])).account()

    def judged(*amounts):
        accounts = []
        for amount in amounts:
            revenue = np.zeros_like(account.revenue)
            revenue[0, 0, TOWN, 0, 0] = amount * judge.catalogue.chart.run / judge.catalogue.chart.per_year
            accounts.append(replace(account, revenue=revenue))
        found = judge.judge(accounts, accounts)
        return found.violation, len(found.flags)

    assert judged(1200.0) == (pytest.approx(0.2), 1)
    assert judged(*[900.0] * 9, 1200.0) == (0.0, 0)
    assert judged(*[900.0] * 8, 1100.0, 1200.0) == (pytest.approx(0.1), 1)


def test_objectives_are_data():
    row = Objective(objective="alive", expression="deaths/person_years", direction="minimise", low=0, high=1)
    judged = evaluate_objectives(tiny(objectives=[row]), [people(10, 0)], [people(10, 0)])
    assert judged.values == pytest.approx(np.zeros((1, 1)))
    assert judged.estimates()[0].mean == 0.0


def test_essences_add_over_components(judge):
    account = people(3, 1)
    whole = judge.judge([account + account], [account + account])
    parts = judge.essence(account) + judge.essence(account)
    assert judge.judge([parts], [parts]).values == pytest.approx(whole.values)
    assert parts.values.nbytes < account.persons.nbytes


def test_measures_fit_their_arrays(today):
    assert today.persons.shape[-1] == replay.PERSON_MEASURES
    assert today.visits.shape[-1] == replay.VISIT_MEASURES
    assert today.services.shape[-1] == replay.SERVICE_MEASURES


def two_firms(hospital, home):
    """An account in which each firm earns 100 and spends what its margin leaves."""
    account = person().account()
    revenue, kinds = np.zeros_like(account.revenue), np.zeros_like(account.cost_by_kind)
    for provider, margin in enumerate((hospital, home)):
        revenue[0, provider, TOWN, 0, 0] = 100.0
        kinds[provider, 0, TOWN, 0, 0] = 100.0 * (1.0 - margin)
    return replace(account, revenue=revenue, cost_by_kind=kinds)


def test_a_tie_in_solvency_goes_to_the_least_total_shortfall(judge):
    today = [two_firms(-0.1, -0.1)]
    less, more = (judge.judge([two_firms(-0.1, other)], today) for other in (-0.02, -0.09))
    assert np.array_equal(less.values, more.values)
    assert less.shortfall == pytest.approx(12.0)
    assert less.point[2] > more.point[2]
    assert judge.final_point(less)[2] > judge.final_point(more)[2]
    assert less.point[2] == pytest.approx(-0.1, abs=1e-6)


def test_a_tie_never_outweighs_a_margin(judge):
    today = [two_firms(0.0, 0.0)]
    poorer = judge.judge([two_firms(-0.100002, 0.5)], today)
    richer = judge.judge([two_firms(-0.1, -0.1)], today)
    assert poorer.shortfall < richer.shortfall
    assert poorer.point[2] < richer.point[2]
