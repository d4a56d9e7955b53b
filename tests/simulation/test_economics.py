import doctest
import math

import pytest

from simulation import economics
from simulation.economics import (
    annuity,
    cost_effectiveness_ratio,
    discount_factor,
    discounted_duration,
    margin_rate,
    net_monetary_benefit,
    occupancy_factor,
    present_value,
)


def test_examples_in_docstrings_hold():
    assert doctest.testmod(economics).failed == 0


@pytest.mark.parametrize(
    ("rate", "timing", "expected"),
    [
        (0.025, "end", "8752.0639"),
        (0.025, "middle", "8860.7894"),
        (0.025, "start", "8970.8655"),
        (0.04, "end", "8110.8958"),
        (0.04, "middle", "8271.5232"),
        (0.04, "start", "8435.3316"),
    ],
)
def test_thousand_a_year_for_ten_years(rate, timing, expected):
    assert f"{present_value(1000.0, 10, rate, timing):.4f}" == expected


def test_an_annuity_repays_its_investment():
    assert present_value(annuity(140_000.0, 30, 0.03), 30, 0.03) == pytest.approx(140_000.0)


def test_a_small_rate_is_near_rate_zero():
    assert annuity(1000.0, 10, 1e-9) == pytest.approx(annuity(1000.0, 10, 0.0), rel=1e-7)


def test_an_annuity_without_life_is_refused():
    with pytest.raises(ValueError, match="life above 0"):
        annuity(1000.0, 0.0, 0.03)


def test_discounted_duration_is_the_integral_of_the_factor():
    steps = 10_000
    factors = [discount_factor(0.025, 1.0 + 2.0 * (n + 0.5) / steps) for n in range(steps)]
    assert discounted_duration(0.025, 1.0, 3.0) == pytest.approx(2.0 * sum(factors) / steps, rel=1e-9)


def test_occupancy_below_the_floor_cuts_half_of_each_point():
    assert occupancy_factor(0.93, 0.95, 0.5) == pytest.approx(0.99)
    assert occupancy_factor(0.0, 0.95, 5.0) == 0.0


def test_margin_of_who_does_nothing_is_undefined_and_losses_are_bounded():
    assert math.isnan(margin_rate(0.0, 0.0))
    assert margin_rate(1.0, 1e9) == economics.LEAST_MARGIN_RATE


@pytest.mark.parametrize(
    ("cost", "qaly", "expected"),
    [(1000.0, 0.32 / 12, 37_500.0), (1020.0, 0.21 / 12, 58_285.71), (420.0, 0.05 / 12, 100_800.0)],
)
def test_hiv_screening_ratios_of_paltiel_2006(cost, qaly, expected):
    assert cost_effectiveness_ratio(cost, qaly) == pytest.approx(expected, abs=0.01)


def test_net_benefit_of_the_closed_form_case():
    assert net_monetary_benefit(0.1, 1500.0, 20_000.0) == pytest.approx(500.0)
