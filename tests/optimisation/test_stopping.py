"""When a search stops, by rules asked once a generation."""

from dataclasses import dataclass

import numpy as np
import pytest

from optimisation.stopping import AfterGenerations, AfterTime, WithinNoise, first_reason, hypervolume_noise


@dataclass
class At:
    number: int
    hypervolume: float = 0.0
    hypervolume_noise: float | None = None


def reasons(rule, standings):
    return [bool(rule.reason(standing)) for standing in standings]


def test_after_generations():
    assert reasons(AfterGenerations(3), [At(0), At(1), At(2), At(3)]) == [False, False, True, True]


def test_after_time():
    ticks = iter([1.0, 9.9, 10.0])
    rule = AfterTime(10.0, clock=lambda: next(ticks), start=0.0)
    assert reasons(rule, [At(0), At(1), At(2)]) == [False, False, True]


def test_within_noise_looks_at_the_gain_of_the_last_generations():
    volumes = [0.1, 0.2, 0.3, 0.31, 0.315]
    assert reasons(WithinNoise(2), [At(n, v, 0.02) for n, v in enumerate(volumes)]) == [False] * 4 + [True]


def test_without_known_noise_nothing_stops_a_search_that_stands_still():
    assert reasons(WithinNoise(1), [At(n, 0.1) for n in range(5)]) == [False] * 5


def test_all_rules_are_asked_and_the_first_reason_told():
    noise = WithinNoise(1)
    rules = [AfterGenerations(2), noise]
    assert first_reason(rules, At(0, 0.1, 0.0)) == ""
    assert first_reason(rules, At(1, 0.1, 0.0)) == "2 generations"
    assert noise.volumes == [0.1, 0.1]


def test_the_noise_of_a_hypervolume_is_that_of_its_points():
    """One point in two costs: the volume is (1 - x)(1 - y), its deviation 0.5 x sqrt(2) x 0.01 to first order."""
    random = np.random.Generator(np.random.Philox(1))
    points, errors = np.array([[0.5, 0.5]]), np.array([[0.01, 0.01]])
    noise = np.mean([hypervolume_noise(points, errors, random) for _ in range(50)])
    assert noise == pytest.approx(0.5 * np.sqrt(2.0) * 0.01, rel=0.05)  # 5000 draws: 1 % at one deviation
    assert hypervolume_noise(points, 0.0 * errors, random) == 0.0
