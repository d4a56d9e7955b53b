"""Provider accounts: what directors read, and that it adds up to the ledger to the cent."""

from dataclasses import replace

import pytest

from instances.settings import ProviderAccounts
from instances.tables import Cost, Price
from simulation.configuration import Configuration, todays_configuration
from simulation.economics import annuity
from simulation.indicators import Catalogue
from simulation.provider_accounts import WHOLE_RUN, account_lines, worst_off
from simulation.records import Event
from tests.simulation.event_logs import YEAR, Story, tiny

YEARS = 731.0 / YEAR
CENT = 0.005

PRICES = (
    Price(subject="resource:bed", basis="capacity-year", payer="insurance", amount=1000.0),
    Price(subject="step:ward", basis="day", payer="household", amount=20.0),
)
COSTS = (
    Cost(subject="resource:bed", basis="capacity-year", amount=880.0),
    Cost(subject="resource:bed", basis="capacity-year", amount=60.0, nature="depreciation"),
    Cost(subject="resource:bed", basis="capacity-year", amount=25.0, nature="interest"),
    Cost(subject="resource:bed", basis="added-unit", amount=900.0, life=30.0, rate=0.03),
)


def stay(instance, days=10.0):
    story = Story(instance).tell(0.0, Event.PRESENT, detail=0)
    story.bed(10.0, Event.WAIT, "usual/home", detail="usual/ward").bed(10.0, Event.ENTER, detail="usual/home")
    return story.bed(10.0 + days, Event.GATE_END).tell(10.0 + days, Event.ENTER, detail="usual/ward")


def valley(**economics):
    instance = tiny(prices=PRICES, costs=COSTS)
    settings = instance.settings.model_copy(update={"provider_accounts": ProviderAccounts(**economics)})
    return replace(instance, settings=settings)


def book(lines, provider="hospital", year=WHOLE_RUN):
    return {
        (line.account, line.payer or line.kind): line
        for line in lines
        if line.provider == provider and line.year == year
    }


def test_margins_leave_out_what_their_names_say():
    instance = valley()
    lines = book(account_lines(instance, [stay(instance).account()]))
    revenue = 8 * 1000.0 * YEARS + 200.0
    running, depreciation, interest = (8 * each * YEARS for each in (880.0, 60.0, 25.0))
    expected = {
        "gross_margin": revenue - running,
        "self_financing": revenue - running - interest,
        "margin": revenue - running - depreciation,
        "result": revenue - running - depreciation - interest,
    }
    for name, amount in expected.items():
        assert lines[name, ""].estimate.mean == pytest.approx(amount)
    assert lines["margin_rate", ""].estimate.mean == pytest.approx(expected["margin"] / revenue)


def test_an_added_unit_weighs_on_the_result_by_its_annuity():
    instance = valley()
    today = todays_configuration(instance)
    larger = Configuration(today.shares, (9, *today.capacities[1:]), today.contract)
    lines = book(account_lines(instance, [stay(instance).account(larger)]))
    written_off = 900.0 / 30.0 * YEARS
    assert lines["cost", "added-depreciation"].estimate.mean == pytest.approx(written_off)
    interest = annuity(900.0, 30.0, 0.03) * YEARS - written_off
    assert lines["cost", "added-interest"].estimate.mean == pytest.approx(interest)


def test_parts_years_and_providers_add_up_to_the_ledger():
    base = tiny()
    accounts = [stay(base, days).account() for days in (10.0, 40.0, 300.0)]
    lines = account_lines(base, accounts)
    catalogue = Catalogue.of(base)
    for account in ("revenue", "cost"):
        rows = [line for line in lines if line.account == account]
        parts = sum(r.estimate.mean for r in rows if (r.payer or r.kind) and r.year == WHOLE_RUN)
        totals = sum(r.estimate.mean for r in rows if not (r.payer or r.kind) and r.year == WHOLE_RUN)
        years = sum(r.estimate.mean for r in rows if not (r.payer or r.kind) and r.year != WHOLE_RUN)
        ledger = sum(catalogue.value(account, each) for each in accounts) / 3
        assert ledger > 0.0
        assert parts == pytest.approx(ledger, abs=CENT)
        assert totals == pytest.approx(ledger, abs=CENT)
        assert years == pytest.approx(ledger, abs=CENT)


def test_lines_are_the_indicators_of_the_same_name():
    instance = valley()
    account = stay(instance).account()
    catalogue = Catalogue.of(instance)
    lines = book(account_lines(instance, [account]))
    for name in ("gross_margin", "gross_margin_rate", "self_financing", "self_financing_rate", "margin", "margin_rate",
                 "result", "result_rate", "deficit"):  # fmt: skip
        assert lines[name, ""].estimate.mean == pytest.approx(
            catalogue.value(f"{name}[provider=hospital]", account), abs=1e-9
        )


def test_a_deficit_has_the_probability_of_its_replications():
    priced = replace(valley(), prices=(PRICES[1],), costs=(Cost(subject="step:ward", basis="entry", amount=500.0),))
    accounts = [stay(priced, days).account() for days in (5.0, 20.0, 24.9, 25.1)]
    deficit = book(account_lines(priced, accounts))["deficit", ""].estimate
    assert deficit.mean == 0.75
    assert 0.0 < deficit.low < 0.75 < deficit.high < 1.0


@pytest.mark.parametrize(
    ("least", "target", "verdict"),
    [(0.2, 0.5, "self-financing insufficient"), (0.02, 0.5, "self-financing fragile"), (0.0, 0.02, "satisfactory")],
)
def test_self_financing_is_read_against_the_thresholds_of_the_instance(least, target, verdict):
    instance = valley(self_financing_least=least, self_financing_target=target, gross_margin_target=0.08)
    account = stay(instance).account()
    lines = book(account_lines(instance, [account]))
    assert verdict in lines["self_financing_rate", ""].verdict
    assert lines["self_financing_rate", ""].threshold == target
    assert "reaches its target" in lines["gross_margin_rate", ""].verdict
    assert verdict in worst_off(instance, [account])[0].verdict


def test_the_worst_off_comes_first_and_who_does_nothing_is_left_out():
    accounts = [stay(valley()).account()]
    assert [one.provider for one in worst_off(valley(), accounts)] == ["hospital"]
    helped = tiny()
    both = worst_off(helped, [stay(helped).account()])
    assert len(both) == 2
    assert both[0].margin_rate.mean < both[1].margin_rate.mean


def test_relatives_have_a_cost_and_no_margin():
    base = tiny()
    providers = [row.model_copy(update={"sector": "informal"}) for row in base.providers]
    instance = replace(base, providers=tuple(providers), prices=())
    lines = account_lines(instance, [stay(instance).account()])
    assert {line.account for line in lines} == {"revenue", "cost"}
    assert worst_off(instance, [stay(instance).account()]) == ()
