"""What must follow when one thing changes: money follows prices and nothing else does, care follows places."""

from dataclasses import replace

import numpy as np
import pytest

from instances.tables import Contract, Price
from simulation.configuration import Configuration, todays_configuration
from simulation.indicators import Catalogue
from simulation.ledgers.account import total
from simulation.objectives import Judge
from simulation.twin import Twin
from tests.simulation.event_logs import tiny

CENT = 0.005
MONEY = ("revenue", "revenue_by_year", "cost", "cost_discounted", "cost_by_kind")


def account(instance, configuration=None, replication=0):
    return Twin(instance, seed=1).whole_account(configuration or todays_configuration(instance), replication)


def events(instance, configuration=None):
    twin = Twin(instance, seed=1)
    chosen = configuration or todays_configuration(instance)
    return [twin.run(chosen, number, 0).events for number in range(len(twin.components))]


def same_events(first, second):
    return all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))


def with_units(instance, *units):
    today = todays_configuration(instance)
    return Configuration(today.shares, units, today.contract)


@pytest.fixture(scope="module")
def valley():
    return tiny()


@pytest.fixture(scope="module")
def today(valley):
    return account(valley)


def test_doubling_all_prices_and_costs_doubles_all_money_and_changes_no_event(valley, today):
    def doubled(rows):
        return tuple(row.model_copy(update={"amount": 2.0 * row.amount}) for row in rows)

    double = replace(valley, prices=doubled(valley.prices), costs=doubled(valley.costs))
    found = account(double)
    for name in MONEY:
        assert getattr(today, name).any()
        assert getattr(found, name) == pytest.approx(2.0 * getattr(today, name))
    assert found.beyond[..., 0] == pytest.approx(today.beyond[..., 0])
    assert found.beyond[..., 1] == pytest.approx(2.0 * today.beyond[..., 1])
    assert same_events(events(double), events(valley))


def test_a_contract_switch_changes_money_only(valley):
    bundle = Price(contract="bundle", subject="pathway:supported", basis="patient", payer="insurance",
                   provider="home_service", amount=900.0)  # fmt: skip
    instance = replace(
        valley, contracts=(*valley.contracts, Contract(contract="bundle")), prices=(*valley.prices, bundle)
    )
    now = todays_configuration(instance)
    switched = Configuration(now.shares, now.capacities, "bundle")
    first, second = account(instance, now), account(instance, switched)
    assert same_events(events(instance, now), events(instance, switched))
    differing = {name for name in vars(first) if not np.array_equal(getattr(first, name), getattr(second, name))}
    assert differing == {"revenue", "revenue_by_year", "breaks_money"} & differing
    assert "revenue" in differing


def test_every_euro_paid_is_received(valley, today):
    catalogue = Catalogue.of(valley)
    whole = catalogue.value("revenue", today)
    assert whole > 0.0
    for key, members in (
        ("payer", [row.id for row in valley.payers]),
        ("provider", [row.id for row in valley.providers]),
        ("zone", [row.zone for row in valley.territories]),
        ("profile", [*(row.profile for row in valley.profiles), "-"]),
        ("pathway", [*(row.pathway for row in valley.pathways), "-"]),
        ("year", ["1", "2"]),
    ):
        assert sum(catalogue.value(f"revenue[{key}={member}]", today) for member in members) == pytest.approx(
            whole, abs=CENT
        )


def test_costs_are_the_sum_of_their_parts(valley, today):
    catalogue = Catalogue.of(valley)
    whole = catalogue.value("cost", today)
    kinds = catalogue.value("running_cost+depreciation+interest", today)
    assert kinds == pytest.approx(whole, abs=CENT)
    assert catalogue.value("cost[year=1]+cost[year=2]", today) == pytest.approx(whole, abs=CENT)
    by_zone = sum(catalogue.value(f"cost[zone={row.zone},kind=day|capacity-year]", today) for row in valley.territories)
    assert by_zone == pytest.approx(catalogue.value("cost[kind=day|capacity-year]", today), abs=CENT)


def test_what_components_are_paid_is_what_the_whole_is_paid(valley, today):
    twin = Twin(valley, seed=1)
    parts = [twin.account(todays_configuration(valley), number, 0) for number in range(len(twin.components))]
    assert total(parts).revenue.sum() == pytest.approx(today.revenue.sum(), abs=CENT)


def test_raising_a_tariff_moves_the_providers_result_and_the_payers_cost_by_the_same_amount(valley, today):
    dearer = replace(valley, prices=tuple(
        row.model_copy(update={"amount": row.amount + 400.0}) if row.basis == "capacity-year" else row
        for row in valley.prices))  # fmt: skip
    found, catalogue = account(dearer), Catalogue.of(valley)
    paid, earned, rate = (
        catalogue.value(text, found) - catalogue.value(text, today)
        for text in ("payments[payer=insurance]", "result[provider=home_service]", "solvency")
    )
    assert paid > 1000.0
    assert earned == pytest.approx(paid, abs=CENT)
    assert catalogue.value("result[provider=hospital]", found) == pytest.approx(
        catalogue.value("result[provider=hospital]", today)
    )
    assert rate > 0.0  # home_service is the worst-off
    assert same_events(events(dearer), events(valley))


def test_occupancy_below_its_floor_costs_the_provider_half_a_point_a_point(valley, today):
    """4700 a helper and year, less half of each point of occupancy under 90 %, pool by pool and year by year."""
    catalogue = Catalogue.of(valley)
    full = replace(valley, prices=tuple(
        row.model_copy(update={"occupancy_floor": None, "occupancy_slope": 0.0}) for row in valley.prices))  # fmt: skip
    lost = catalogue.value("revenue", account(full)) - catalogue.value("revenue", today)
    occupancies = [catalogue.value(f"occupancy[resource=helper,zone={zone}]", today) for zone in ("town", "hills")]
    assert min(occupancies) < 0.9
    years = 731.0 / 365.25
    nominal = {0: 20, 1: 12}
    least = sum(4700.0 * nominal[z] * years * 0.5 * max(0.0, 0.9 - each) for z, each in enumerate(occupancies))
    assert lost == pytest.approx(least, rel=0.1)  # the floor holds each year, the occupancy here is of the run
    assert lost >= least - CENT


def lines_for_helpers(base):
    """Support lasts as long as life at home, so that helpers are scarce like SSIAD places."""
    shares = {("frail", "usual"): 0.25, ("frail", "supported"): 0.75}
    offers = tuple(
        row.model_copy(update={"current": shares.get((row.profile, row.pathway), row.current)}) for row in base.offers
    )
    neutral = {"factor": 1.0}  # help changes nothing in the lives of those who wait for it or for a bed
    moves = tuple(row.model_copy(update=neutral) if row.while_ == "helper" else row for row in base.moves)
    return replace(base, offers=offers, moves=moves)


def test_more_places_never_lower_access(valley):
    scarce = lines_for_helpers(valley)
    catalogue = Catalogue.of(scarce)
    for replication in range(3):
        access = [
            catalogue.value("access", account(scarce, with_units(scarce, 8, units, units), replication))
            for units in (5, 10, 20, 40, 80)
        ]
        assert access == sorted(access)
        assert access[-1] > access[0] + 1.0


def test_a_box_without_effect_is_never_chosen_on_efficiency(valley):
    """With every effect at ratio 1.0, each step towards the supported pathway costs and brings nothing."""
    idle = replace(
        valley,
        moves=tuple(row.model_copy(update={"factor": 1.0}) if row.while_ == "helper" else row for row in valley.moves),
        steps=valley.steps,
    )
    now = todays_configuration(idle)
    reference = [account(idle, now, replication) for replication in range(2)]
    judge = Judge.of(idle)

    def efficiency(shares, units):
        plan = Configuration(shares, units, now.contract)
        accounts = [account(idle, plan, replication) for replication in range(2)]
        return float(judge.judge(accounts, reference).values[:, 1].mean())

    none = (1.0, 0.0, 1.0, 0.0) * 2
    some = (1.0, 0.0, 0.75, 0.25) * 2
    most = (0.75, 0.25, 0.25, 0.75) * 2
    values = [efficiency(none, (8, 10, 6)), efficiency(some, (8, 20, 12)), efficiency(most, (8, 30, 18))]
    assert values[0] > values[1] > values[2]
    assert efficiency(some, (8, 20, 12)) == pytest.approx(0.0)  # today's mix and capacities


@pytest.mark.parametrize(("share", "units"), [(0.0, 12), (0.1, 10), (0.25, 9)])
def test_a_rural_travel_share_raises_the_need_for_helpers_by_its_factor(valley, share, units):
    """To have E units at people's homes takes E / (1 - travel share) paid ones."""
    zones = tuple(
        row.model_copy(update={"travel_share": share if row.zone == "hills" else row.travel_share})
        for row in valley.zones
    )
    rural = replace(valley, zones=zones)
    catalogue = Catalogue.of(rural)
    here = "units[resource=helper,zone=hills]"
    assert catalogue.value(here, account(rural)) == pytest.approx(units)
    needed = int(np.ceil(units / (1.0 - share)))
    plan = with_units(rural, 8, 20, needed)
    assert catalogue.value(here, account(rural, plan)) == pytest.approx(units)
    fewer = with_units(rural, 8, 20, needed - 1)
    assert catalogue.value(here, account(rural, fewer)) < units
