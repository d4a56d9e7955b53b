import math

import pytest

from simulation.estimates import deviation, estimate, paired_difference, proportion, quantile


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
    assert quantile([0.0, 1.0, 2.0, 3.0, 4.0], 0.25) == 1.0
    assert deviation([5.0]) == 0.0
    assert deviation([1.0, 3.0]) == pytest.approx(2.0**0.5)


def test_a_probability_has_wilsons_interval():
    # Newcombe (1998), table I: 81 of 263 gives 0.2553 to 0.3662.
    found = proportion(81, 263)
    assert (round(found.low, 4), round(found.high, 4)) == (0.2553, 0.3662)
    assert proportion(0, 10).low == 0.0
    assert proportion(0, 10).high > 0.2
