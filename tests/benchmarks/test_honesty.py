"""What a front says of its plans is so, on a problem whose answers are known."""

import numpy as np
import pytest

from benchmarks.honesty.known_means import LAWS, study

REPETITIONS = 700
"""Standard error of a coverage of 95 %: at most 0.8 %."""


@pytest.mark.parametrize("law", LAWS)
def test_intervals_and_probabilities_of_thirty_replications_are_as_stated(law):
    found = study(law, replications=30, repetitions=REPETITIONS, seed=1)
    assert np.mean(found.covered) == pytest.approx(0.95, abs=0.02)
    assert np.mean(found.quantile_covered) == pytest.approx(0.95, abs=0.02)
    assert found.error < 0.02
    for stated, true, count in found.reliability():
        assert abs(stated - true) < 0.1 + 2.0 * np.sqrt(0.25 / count)


def test_probabilities_of_ten_replications_never_flatter():
    """A plan said to be non-dominated with some probability is so at least as often, within noise."""
    found = study("normal", replications=10, repetitions=300, seed=2)
    for stated, true, count in found.reliability():
        assert true > stated - 2.0 * np.sqrt(0.25 / count)
