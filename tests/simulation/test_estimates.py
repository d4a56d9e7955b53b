import math

import numpy as np
import pytest

from simulation.estimates import (
    deviation,
    estimate,
    fewest_for_quantile,
    paired_difference,
    proportion,
    quantile,
    quantile_interval,
)


def test_student_interval():
    found = estimate([1.0, 2.0, 3.0, 4.0])
    assert found.mean == 2.5
    assert found.standard_error == pytest.approx(0.6454972)
    # quantile 0.975 of Student's t with 3 degrees of freedom: 3.1824463
    assert found.high - found.mean == pytest.approx(3.1824463 * 0.6454972, rel=1e-6)


def test_one_replication_has_no_width_and_says_so():
    found = estimate([7.0])
    assert (found.low, found.mean, found.high, found.replications) == (7.0, 7.0, 7.0, 1)


def test_undefined_values_are_left_out():
    assert estimate([1.0, math.nan, 3.0]).replications == 2
    assert math.isnan(estimate([math.nan]).mean)


def test_pairing_takes_the_common_luck_away():
    luck = [0.0, 50.0, -30.0]
    found = paired_difference([each + 1.0 for each in luck], luck)
    assert (found.low, found.high) == (1.0, 1.0)


def test_pairs_need_equal_replications():
    with pytest.raises(ValueError, match="equal replications"):
        paired_difference([1.0], [1.0, 2.0])


def test_quantile_and_deviation():
    # the (n + 1/3) p + 1/3 = 1.667th of five
    assert quantile([0.0, 1.0, 2.0, 3.0, 4.0], 0.25) == pytest.approx(2.0 / 3.0)
    assert deviation([5.0]) == 0.0
    assert deviation([1.0, 3.0]) == pytest.approx(2.0**0.5)


def test_a_probability_has_wilsons_interval():
    # Newcombe (1998), table I: 81 of 263 gives 0.2553 to 0.3662.
    found = proportion(81, 263)
    assert (round(found.low, 4), round(found.high, 4)) == (0.2553, 0.3662)
    assert proportion(0, 10).low == 0.0
    assert proportion(0, 10).high > 0.2


def test_a_quantile_s_interval_from_order_statistics_interpolated():
    """Thirty values 1..30, quantile at -1 deviation: P(Bin(30, 0.159) < 1) = 0.6 %, < 2 = 3.7 %: 2.5 % lies between."""
    low, high = quantile_interval(np.arange(1.0, 31.0), 0.158655)
    assert 1.0 < low < 2.0
    assert 9.0 < high < 10.0


@pytest.mark.parametrize("law", ["normal", "skewed"])
def test_a_quantile_s_interval_covers(law):
    random = np.random.Generator(np.random.Philox(3))
    draws = random.standard_normal((2000, 30))
    values, true = (draws, -1.0) if law == "normal" else (-np.exp(0.5 * draws), -math.exp(0.5))
    held = [low <= true <= high for low, high in (quantile_interval(row, 0.158655) for row in values)]
    assert np.mean(held) == pytest.approx(0.95, abs=0.02)  # standard error 0.5 %


def test_with_few_replications_a_normal_quantile_s_interval_covers():
    random = np.random.Generator(np.random.Philox(4))
    held = [low <= -1.0 <= high for low, high in map(low_quantile_interval, random.standard_normal((1000, 8)))]
    assert np.mean(held) == pytest.approx(0.95, abs=0.02)


@pytest.mark.parametrize(("probability", "fewest"), [(0.158655, 22), (0.841345, 22), (0.02275, 161)])
def test_from_how_many_replications_an_interval_assumes_no_law(probability, fewest):
    """Then how far out the values at the other end lie does not matter; with one value less it does."""
    assert fewest_for_quantile(probability) == fewest
    for count, matters in ((fewest, False), (fewest - 1, True)):
        values = np.arange(1.0, count + 1)
        farther = values.copy()
        farther[0 if probability > 0.5 else -1] *= -1000.0 if probability > 0.5 else 1000.0
        assert (quantile_interval(farther, probability) != quantile_interval(values, probability)) == matters


def low_quantile_interval(values):
    return quantile_interval(values, 0.158655)
