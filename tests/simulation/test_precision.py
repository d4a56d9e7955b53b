"""Replications until intervals are narrow enough."""

import numpy as np
import pytest

from simulation.precision import Goal, replications_next, standings


def run_until_precise(goals, most, seed=1):
    """Replications done in the end when the values are normal, mean 10 and standard deviation 2."""
    values = np.random.default_rng(seed).normal(10.0, 2.0, size=10_000).tolist()
    done = 5
    while True:
        standing = standings(goals, [values[:done]] * len(goals))
        following = replications_next(standing, done, most)
        if following == done:
            return done, standing
        done = following


def test_the_half_width_asked_for_is_reached():
    done, (standing,) = run_until_precise([Goal("deaths", 0.25)], 10_000)
    assert standing.is_reached
    assert standing.half_width <= 0.25
    assert done == pytest.approx((1.96 * 2.0 / 0.25) ** 2, rel=0.3)


def test_a_relative_half_width_is_a_part_of_the_mean():
    done, (standing,) = run_until_precise([Goal("deaths", 0.05, relative=True)], 10_000)
    assert standing.half_width <= 0.05 * standing.estimate.mean
    assert 30 < done < 150


def test_the_hardest_goal_decides():
    alone, _ = run_until_precise([Goal("deaths", 0.25)], 10_000)
    both, _ = run_until_precise([Goal("deaths", 0.25), Goal("falls", 2.0)], 10_000)
    assert alone == both


def test_the_maximum_ends_it():
    done, (standing,) = run_until_precise([Goal("deaths", 0.001)], 40)
    assert done == 40
    assert not standing.is_reached


def test_what_never_varies_is_precise_at_once():
    standing = standings([Goal("deaths", 0.0)], [[3.0, 3.0, 3.0]])
    assert replications_next(standing, 3, 100) == 3


def test_undefined_values_are_never_precise():
    standing = standings([Goal("deaths", 0.1)], [[float("nan")] * 3])
    assert replications_next(standing, 3, 100) == 6
    assert replications_next(standing, 100, 100) == 100
