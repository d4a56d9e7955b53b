"""Rounded figures keep their digits, and lose those that hang on how they came about."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulation.rounding import COARSE, rounded

NUMBERS = st.floats(allow_nan=False, allow_infinity=False).filter(
    lambda value: value == 0.0 or 1e-280 < abs(value) < 1e280
)


@given(NUMBERS, st.integers(1, 15))
def test_a_rounded_figure_is_near_and_stays_as_it_is(value, digits):
    once = rounded(np.array([value]), digits)
    assert once[0] == pytest.approx(value, rel=0.5 * 10.0 ** (1 - digits) * (1.0 + 1e-9), abs=0.0)
    assert once[0] == pytest.approx(float(f"{value:.{digits - 1}e}"), rel=10.0 ** (1 - digits))
    assert rounded(once, digits)[0] == pytest.approx(once[0], rel=1e-14)


@given(st.integers(-(10**COARSE) + 1, 10**COARSE - 1), st.integers(-8, 8))
def test_a_figure_of_few_digits_is_kept_to_the_last_bit(whole, power):
    value = float(f"{whole}e{power}")
    assert rounded(np.array([value * (1.0 + 1e-13)]))[0] == value


def test_what_is_no_figure_stays():
    given_ = np.array([0.0, np.inf, -np.inf, np.nan])
    np.testing.assert_array_equal(rounded(given_), given_)
