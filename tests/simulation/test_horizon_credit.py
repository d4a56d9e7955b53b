"""Horizon credit: survivors bring what they still have before them into efficiency, and into nothing else."""

from dataclasses import dataclass, replace

import numpy as np
import pytest

from simulation.configuration import todays_configuration
from simulation.indicators import Catalogue
from simulation.ledgers import Bookkeeper
from simulation.ledgers.chart import Chart
from simulation.objectives import Judge, evaluate_objectives
from simulation.records import Event
from tests.simulation.event_logs import FRAIL, HILLS, TOWN, YEAR, Story, tiny

RUN_YEARS = 731.0 / YEAR
HELPED = 2.0


@dataclass(frozen=True)
class Before:
    """Ten QALYs and 30,000 of cost before the steady, four and 50,000 before the frail; twice that when supported."""

    qaly: np.ndarray
    cost: np.ndarray


def before(instance):
    chart = Chart(instance)
    shape = len(chart.zones), len(chart.profiles), len(chart.steps)
    qaly, cost = np.zeros(shape), np.zeros(shape)
    qaly[:, 0], qaly[:, 1] = 10.0, 4.0
    cost[:, 0], cost[:, 1] = 30_000.0, 50_000.0
    supported = chart.step_pathway == chart.pathways["supported"]
    return Before(qaly * np.where(supported, HELPED, 1.0), cost * np.where(supported, HELPED, 1.0))


def worthless(known):
    return Before(0.0 * known.qaly, 0.0 * known.cost)


def account(story, valuation=before):
    keeper = Bookkeeper.of(story.instance, valuation)
    today = todays_configuration(story.instance)
    return keeper.account(today, (TOWN, HILLS), story.people, story.events, np.arange(3))


def present(zones=(TOWN,), instance=None):
    story = Story(instance or tiny(), zones=zones)
    for who in range(len(zones)):
        story.tell(0.0, Event.PRESENT, who=who, detail=0)
    return story


def value(expression, story):
    return Catalogue.of(story.instance).value(expression, account(story))


def test_a_survivor_is_credited_at_the_horizon_discounted_to_time_0():
    assert value("qaly_beyond", present()) == pytest.approx(10.0 * 1.025**-RUN_YEARS)
    assert value("cost_beyond", present()) == pytest.approx(30_000.0 * 1.025**-RUN_YEARS)


def test_the_dead_and_those_gone_are_not_credited():
    assert value("qaly_beyond", present().die(700.0)) == 0.0


def test_who_stands_in_an_anchor_step_is_worth_the_mean_over_todays_mix():
    """A quarter of the frail are offered support today and nine in ten accept; being in it already gives no more."""
    helped, alone = (
        Story(tiny()).tell(0.0, Event.PRESENT, f"{pathway}/home", detail=number, profile=FRAIL)
        for number, pathway in enumerate(("usual", "supported"))
    )
    mean = 0.225 * 8.0 + 0.775 * 4.0
    assert value("qaly_beyond", helped) == pytest.approx(mean * 1.025**-RUN_YEARS)
    assert value("qaly_beyond[pathway=supported,profile=frail]", alone) == pytest.approx(mean * 1.025**-RUN_YEARS)


def test_elsewhere_the_credit_is_that_of_profile_and_step():
    story = Story(tiny()).tell(0.0, Event.PRESENT, "supported/home", detail=1, profile=FRAIL)
    story.bed(700.0, Event.WAIT, "supported/home", detail="supported/ward", profile=FRAIL)
    story.bed(700.0, Event.ENTER, "supported/ward", detail="supported/home", profile=FRAIL)
    assert value("qaly_beyond[pathway=supported,profile=frail]", story) == pytest.approx(8.0 * 1.025**-RUN_YEARS)
    assert value("qaly_beyond[pathway=usual]", story) == 0.0


def test_who_waits_outside_is_worth_todays_mix_too():
    story = Story(tiny()).tell(5.0, Event.ARRIVE, "", detail=1)
    assert value("qaly_beyond[pathway=supported]", story) == pytest.approx(10.0 * 1.025**-RUN_YEARS)


def test_the_credit_is_in_efficiency():
    judged = evaluate_objectives(tiny(costs=[]), [account(present())], [account(present().die(730.0))])
    day = (50_000.0 * 0.8 / YEAR) * 1.025**-RUN_YEARS
    credit = (50_000.0 * 10.0 - 30_000.0) * 1.025**-RUN_YEARS
    assert judged.values[0, 1] == pytest.approx((credit + day) / 3300.0, rel=1e-3)


def test_money_and_solvency_know_nothing_of_it():
    credited, plain = account(present()), account(present(), lambda instance: worthless(before(instance)))
    assert credited.beyond.any()
    assert not plain.beyond.any()
    for name in ("revenue", "cost", "cost_discounted", "cost_by_kind"):
        assert np.array_equal(getattr(credited, name), getattr(plain, name))
    judge = Judge.of(tiny())
    assert np.array_equal(
        judge.judge([credited], [credited]).margins, judge.judge([plain], [plain]).margins, equal_nan=True
    )


def test_letting_people_die_just_before_the_horizon_is_never_a_gain():
    """Sparing the care of the costliest in the last days of the window costs more than it saves."""
    instance = tiny()
    alive, dead = present((TOWN,) * 30, instance), present((TOWN,) * 30, instance)
    for who in range(20):
        dead.die(720.0, who=who)
    judged = Judge.of(instance).judge([account(dead)], [account(alive)])
    assert judged.values[0, 1] < 0.0
    assert any("more deaths" in flag for flag in judged.flags)
    assert any("fewer QALYs" in flag for flag in judged.flags)


def test_where_everyone_finishes_there_is_no_credit():
    base = tiny()
    horizon = base.settings.horizon.model_copy(update={"drain": True})
    instance = replace(base, settings=base.settings.model_copy(update={"horizon": horizon}))
    assert value("qaly_beyond", present(instance=instance)) == 0.0


def test_credits_add_over_components():
    one = account(present())
    whole = account(present((TOWN, TOWN)))
    assert (one + one).beyond == pytest.approx(whole.beyond)


def test_the_fluid_model_values_survivors_by_default():
    """A steady person has more before them than a frail one, and everyone alive has something."""
    steady = Story(tiny()).tell(0.0, Event.PRESENT, detail=0)
    frail = Story(tiny()).tell(0.0, Event.PRESENT, detail=0, profile=FRAIL)
    catalogue = Catalogue.of(tiny())
    worth = [catalogue.value("qaly_beyond", story.account()) for story in (steady, frail)]
    assert worth[0] > worth[1] > 0.0
    assert catalogue.value("cost_beyond", steady.account()) > 0.0
