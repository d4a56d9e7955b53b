"""Plans that must never look good: one that hides people in a queue, one that lets them die sooner."""

from dataclasses import replace

import numpy as np
import pytest

from instances.tables import Cost, Move, Price
from simulation.configuration import Configuration, todays_configuration
from simulation.indicators import Catalogue
from simulation.ledgers.account import Account
from simulation.objectives import Judge
from simulation.twin import Twin
from tests.simulation.event_logs import tiny

REPLICATIONS = 3
BED, TOWN_HELP, HILLS_HELP = range(3)


def with_capacities(instance, *units):
    today = todays_configuration(instance)
    return Configuration(today.shares, units, today.contract)


def accounts(instance, configuration) -> list[Account]:
    twin = Twin(instance, seed=1)
    return [twin.whole_account(configuration, replication) for replication in range(REPLICATIONS)]


def improvements(instance, judged, today):
    """How much better than today each objective is, in its own direction."""
    signs = np.array([1.0 if row.direction == "maximise" else -1.0 for row in instance.objectives])
    return signs * (judged.point - today.point)


@pytest.fixture(scope="module")
def patient_valley():
    """Twelve beds for an offered load of eight; nobody gives up waiting; a hospital has a fixed cost."""
    base = tiny()
    ward = {"patience": None, "on_break": "", "mean": 14.5}
    steps = [row.model_copy(update=ward) if row.step == "ward" else row for row in base.steps]
    beds = base.capacities[0].model_copy(update={"current": 12, "minimum": 1})
    costs = [*base.costs, Cost(subject="resource:bed", basis="open-site-year", amount=150_000.0)]
    prices = [row.model_copy(update={"amount": 420.0}) if row.amount == 300.0 else row for row in base.prices]
    return replace(
        base, steps=tuple(steps), capacities=(beds, *base.capacities[1:]), costs=tuple(costs), prices=tuple(prices)
    )


@pytest.fixture(scope="module")
def roomy(patient_valley):
    return accounts(patient_valley, todays_configuration(patient_valley))


@pytest.fixture(scope="module")
def one_bed(patient_valley):
    return accounts(patient_valley, with_capacities(patient_valley, 1, 20, 12))


def test_the_offered_load_is_about_eight_beds(patient_valley, roomy):
    catalogue = Catalogue.of(patient_valley)
    loads = [catalogue.value("busy[resource=bed]/days", account) for account in roomy]
    assert np.mean(loads) == pytest.approx(8.0, abs=1.0)
    assert max(catalogue.value("queue[resource=bed]", account) for account in roomy) < 1.0


def test_one_bed_for_a_load_of_eight_makes_a_line_that_ends_with_those_who_may_fall(patient_valley, roomy, one_bed):
    """A hundred and thirty wait, most of the frail there are: it settles, hence is paid for but not endless."""
    lengths = np.mean([account.queues[0] for account in one_bed], axis=0)
    assert lengths[3] > 100.0
    assert lengths[3] - lengths[2] < 0.4 * (lengths[3] - lengths[1])
    assert not any(flag.startswith("unstable") for flag in Judge.of(patient_valley).judge(one_bed, roomy).flags)


def test_those_in_the_line_count_with_their_wait_so_far(patient_valley, one_bed):
    catalogue = Catalogue.of(patient_valley)
    for account in one_bed:
        read = {name: catalogue.value(f"{name}[step=ward]", account) for name in ("waited_days", "wait_days", "waits")}
        assert read["waited_days"] == pytest.approx(read["wait_days"])  # nobody waited at time 0: all of it is here
        assert read["waited_days"] / read["waits"] > 100.0
        assert catalogue.value("waits_late[step=ward]", account) > 0.9 * read["waits"]


def test_hiding_people_in_a_queue_improves_no_objective(patient_valley, roomy, one_bed):
    judge = Judge.of(patient_valley)
    judged, today = judge.judge(one_bed, roomy), judge.judge(roomy, roomy)
    assert (improvements(patient_valley, judged, today) < 0.0).all()


@pytest.fixture(scope="module")
def caring_valley():
    """Most of the frail are offered support at home, and those who hold it die at less than a third of the rate."""
    survival = Move(pathway="supported", step="home", hazard="death", **{"while": "helper"}, factor=0.3)
    base = tiny()
    shares = {("frail", "usual"): 0.25, ("frail", "supported"): 0.75}
    offers = [
        row.model_copy(update={"current": shares.get((row.profile, row.pathway), row.current)}) for row in base.offers
    ]
    return replace(base, moves=(*base.moves, survival), offers=tuple(offers))


@pytest.fixture(scope="module")
def cared_for(caring_valley):
    return accounts(caring_valley, with_capacities(caring_valley, 8, 70, 42))


@pytest.fixture(scope="module")
def neglected(caring_valley):
    return accounts(caring_valley, with_capacities(caring_valley, 8, 2, 1))


def test_a_plan_that_lets_people_die_sooner_is_harmful(caring_valley, cared_for, neglected):
    judged = Judge.of(caring_valley).judge(neglected, cared_for)
    catalogue = Catalogue.of(caring_valley)
    deaths = [sum(catalogue.value("deaths", account) for account in each) for each in (cared_for, neglected)]
    assert deaths[1] > deaths[0] + 10
    assert any(flag.startswith("harmful") for flag in judged.flags)


def test_letting_people_die_sooner_improves_no_objective(caring_valley, cared_for, neglected):
    judge = Judge.of(caring_valley)
    judged, today = judge.judge(neglected, cared_for), judge.judge(cared_for, cared_for)
    gains = improvements(caring_valley, judged, today)
    assert (gains < 0.0).all()
    spared = [np.mean([account.cost_discounted.sum() for account in each]) for each in (cared_for, neglected)]
    assert spared[1] < spared[0]  # it does save money, and is worse all the same


def test_raising_the_tariff_of_a_bad_plan_does_not_unflag_it(caring_valley, cared_for):
    rich = replace(caring_valley, prices=(*caring_valley.prices, Price(
        subject="resource:bed", basis="capacity-year", payer="insurance", amount=1e6)))  # fmt: skip
    flags = Judge.of(rich).judge(accounts(rich, with_capacities(rich, 8, 2, 1)), cared_for).flags
    assert any(flag.startswith("harmful") for flag in flags)
