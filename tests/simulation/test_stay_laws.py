"""What is left of a stay: against what the same law gives when stays are drawn whole and the short ones left out."""

import math

import numpy as np
import pytest

from simulation.stay_laws import residual, survival
from simulation.streams import Law, duration

LAWS = {
    "lognormal": (Law.LOGNORMAL, 2.0, 0.5, 0.0),
    "normal": (Law.NORMAL, 10.0, 3.0, 0.0),
    "uniform": (Law.UNIFORM, 2.0, 20.0, 0.0),
    "triangular": (Law.TRIANGULAR, 2.0, 6.0, 20.0),
    "triangular at its mode": (Law.TRIANGULAR, 2.0, 2.0, 20.0),
    "gamma": (Law.GAMMA, 2.5, 4.0, 0.0),
    "weibull": (Law.WEIBULL, 1.7, 9.0, 0.0),
    "exponential": (Law.EXPONENTIAL, 8.0, 0.0, 0.0),
    "hyperexponential": (Law.HYPEREXPONENTIAL, 0.3, 2.0, 12.0),
}


@pytest.mark.parametrize("law", LAWS.values(), ids=LAWS)
@pytest.mark.parametrize("elapsed", [0.0, 5.0, 9.0])
def test_residual_stays_are_those_of_the_long_ones(law, elapsed):
    numbers = (np.arange(20_000) + 0.5) / 20_000
    whole = np.array([duration(*law, u) for u in numbers])
    longer = np.sort(whole[whole >= elapsed] - elapsed)
    assert survival(*law, elapsed) == pytest.approx(len(longer) / len(whole), abs=2e-4)
    left = np.sort([residual(*law, elapsed, u) for u in numbers])
    probabilities = np.array([0.05, 0.25, 0.5, 0.75, 0.95])
    assert np.quantile(left, probabilities) == pytest.approx(np.quantile(longer, probabilities), rel=0.02, abs=0.02)


def test_nothing_elapsed_changes_nothing():
    for law in LAWS.values():
        assert residual(*law, 0.0, 0.37) == duration(*law, 0.37)


def test_a_fixed_stay_has_the_rest_of_its_length():
    assert residual(Law.FIXED, 10.0, 0.0, 0.0, 4.0, 0.9) == 6.0


@pytest.mark.parametrize("law", [(Law.FIXED, 10.0, 0.0, 0.0), LAWS["uniform"], LAWS["triangular"], LAWS["lognormal"]])
def test_a_stay_past_its_law_ends_at_once(law):
    assert residual(*law, 1e9, 0.5) == 0.0


def test_an_endless_stay_is_endless():
    assert residual(Law.ENDLESS, 0.0, 0.0, 0.0, 1000.0, 0.5) == math.inf


@pytest.mark.parametrize("law", LAWS.values(), ids=LAWS)
def test_the_largest_numbers_give_finite_stays(law):
    assert math.isfinite(residual(*law, 3.0, 1.0 - 2.0**-53))
