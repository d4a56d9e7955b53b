"""Targets: how likely a plan keeps them, how sure that is, and what a plan that does not is charged."""

from dataclasses import replace

import numpy as np
import pytest

from instances.instance import Instance
from instances.tables import Objective
from simulation.objectives import Judge
from simulation.targets import Target, jeffreys, keeping, missed
from tests.simulation.event_logs import tiny
from tests.simulation.test_objectives import people

WAIT = Target("wait", "wait_days/waits", limit=30.0, is_ceiling=True, probability=0.9, width=60.0)


def test_what_holds_in_nine_of_ten_replications_is_kept_with_ninety_percent():
    found = keeping(WAIT, np.array([20.0] * 9 + [45.0]))
    assert found.probability == pytest.approx(0.9)
    assert (found.low, found.high) == pytest.approx((0.6187, 0.9890), abs=5e-5)  # quantiles of Beta(9.5, 1.5)
    assert found.excess == 0.0
    assert missed([WAIT], [found]) == ()


def test_one_more_that_fails_is_charged_by_how_far_it_is_over():
    found = keeping(WAIT, np.array([20.0] * 8 + [36.0, 45.0]))
    assert found.probability == pytest.approx(0.8)
    assert found.excess == pytest.approx(6.0 / 60.0)  # one of ten may fail: the lesser of the two failures counts
    assert "wait at most 30 kept with probability 0.80 where 0.9 is asked" in missed([WAIT], [found])[0]


def test_a_floor_is_kept_from_above():
    margin = Target("solvency", "solvency", limit=-0.02, is_ceiling=False, probability=0.5, width=1.0)
    assert keeping(margin, np.linspace(-0.1, 0.06, 10)).probability == pytest.approx(0.5)


def test_assurance_needs_many_replications_near_the_limit():
    """All of n kept: the posterior Beta(n + 1/2, 1/2) has more than 95 % above 0.9 from 18 on."""
    sure = [count for count in range(10, 40) if keeping(WAIT, np.full(count, 10.0)).is_sure]
    assert sure[0] == 18
    assert keeping(WAIT, np.full(10, 40.0)).is_decided
    assert not keeping(WAIT, np.full(10, 10.0)).is_decided


def test_few_replications_borrow_the_spread_of_todays():
    usual = np.array([8.0, 12.0, 10.0, 9.0, 11.0, 7.0, 13.0, 10.0])  # deviation 2
    kept = keeping(WAIT, np.array([26.0]), usual[2:3], usual)
    assert kept.probability == pytest.approx(0.9772, abs=1e-4)  # two deviations from the limit
    near = keeping(WAIT, np.array([29.0]), usual[2:3], usual)
    assert near.probability == pytest.approx(0.6915, abs=1e-4)
    assert near.excess == pytest.approx((1.2816 * 2.0 - 1.0) / 60.0, abs=1e-5)


def test_what_a_draw_did_to_today_is_taken_off():
    usual = np.array([8.0, 12.0, 10.0, 9.0, 11.0, 7.0, 13.0, 10.0])
    lucky = keeping(WAIT, np.array([26.0]), np.array([7.0]), usual)  # in this draw today waits 3 days less than usual
    assert lucky.probability == pytest.approx(0.6915, abs=1e-4)


def test_a_value_that_is_undefined_keeps_nothing():
    assert keeping(WAIT, np.array([np.nan, 10.0])).probability == 0.5


@pytest.mark.parametrize("truth", [0.5, 0.9, 0.97])
def test_jeffreys_intervals_cover_on_average(truth):
    """The interval covers at a rate that swings with n; its mean over n = 20..60 is within 2.5 % of 95 %."""
    from scipy.stats import binom

    rates = []
    for count in range(20, 61):
        held = [low <= truth <= high for low, high in (jeffreys(kept, count) for kept in range(count + 1))]
        rates.append(float(binom.pmf(np.arange(count + 1), count, truth)[held].sum()))
    assert np.mean(rates) == pytest.approx(0.95, abs=0.025)


def aimed_at(direction: str, target: float, probability: float | None) -> Instance:
    asked = {"direction": direction, "target": target, "probability": probability}
    row = Objective(objective="lives", expression="deaths", low=0, high=100, **asked)
    return replace(tiny(), objectives=(*tiny().objectives, row))


def test_a_row_that_is_only_kept_is_no_objective_and_flags_who_misses_it():
    instance = aimed_at("at_most", 10.0, 0.8)
    judge = Judge.of(instance)
    good, bad = judge.judge([people(200, 5)], [people(200, 5)]), judge.judge([people(200, 15)], [people(200, 15)])
    assert good.values.shape == bad.values.shape == (1, len(tiny().objectives))
    assert good.flags == ()
    assert bad.flags == ("target: lives at most 10 kept with probability 0.00 where 0.8 is asked",)
    assert bad.violation == pytest.approx(0.05)


def test_without_a_probability_a_target_may_fail_as_often_as_a_budget():
    judge = Judge.of(aimed_at("at_most", 10.0, None))
    assert judge.targets[0].probability == 1.0 - tiny().settings.economics.overrun_probability
