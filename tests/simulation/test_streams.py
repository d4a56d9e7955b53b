"""Keyed random numbers: the published generator bit for bit, uniform, and laws equal to their closed forms."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from instances.tables import StayLaw
from simulation.compilation import law_parameters
from simulation.streams import (
    Law,
    bulk_exponentials,
    duration,
    philox,
    purpose,
    purposes,
    uniform,
    uniform_pair,
    uniforms,
    unit_exponential,
)

WORDS = st.integers(0, 2**64 - 1)
CALM = settings(deadline=None, derandomize=True, database=None, max_examples=200)


@given(st.tuples(WORDS, WORDS), st.tuples(WORDS, WORDS, WORDS, WORDS))
@CALM
def test_philox_is_numpys_bit_for_bit(key, counter):
    words = philox(*(np.uint64(word) for word in (*key, *counter)))
    assert [int(word) for word in words] == numpys_block(key, counter)


def numpys_block(key: tuple[int, ...], counter: tuple[int, ...]) -> list[int]:
    """Numpy adds one to its 256-bit counter before each block."""
    number = (sum(word << (64 * place) for place, word in enumerate(counter)) - 1) % 2**256
    before = [(number >> (64 * place)) % 2**64 for place in range(4)]
    generator = np.random.Philox(key=np.array(key, dtype=np.uint64), counter=np.array(before, dtype=np.uint64))
    return generator.random_raw(4).tolist()


def test_uniform_is_the_first_word_of_the_block_keyed_by_patient_purpose_and_occurrence():
    key = purpose("step", "ward")
    first, second, _, _ = numpys_block((3, 5), (11, 13, key, 17))
    expected = tuple(((word >> 12) + 0.5) * 2.0**-52 for word in (first, second))
    patient = np.uint64(11), np.uint64(13), np.uint64(key)
    assert uniform_pair(3, 5, *patient, 17) == expected
    assert uniform(3, 5, *patient, 17) == expected[0]


def test_uniforms_in_bulk_are_those_one_by_one():
    ordinals = np.arange(1000, dtype=np.uint64) + np.uint64(1 << 42)
    groups = np.full(1000, purpose("patients", "01", "frail"), dtype=np.uint64)
    key = purpose("census")
    bulk = uniforms(1, 2, ordinals, groups, np.uint64(key))
    assert bulk.tolist() == [
        uniform(1, 2, ordinal, group, np.uint64(key), 0) for ordinal, group in zip(ordinals, groups, strict=True)
    ]


def test_bulk_exponentials_keep_their_beginning_when_more_are_drawn():
    few, many = (bulk_exponentials(1, 2, 3, purpose("arrivals"), count) for count in (100, 5000))
    assert np.array_equal(few, many[:100])
    assert stats.kstest(many, "expon").pvalue > 0.01


@pytest.mark.parametrize("varied", ["seed", "replication", "patient", "purpose", "occurrence"])
def test_numbers_are_uniform_and_uncorrelated_along_each_key(varied):
    place = ["seed", "replication", "patient", "zone", "purpose", "occurrence"].index(varied)
    key = [1, 2, 3, 4, 5, 6]
    keys = ([*key[:place], n, *key[place + 1 :]] for n in range(20_000))
    numbers = np.array([uniform(s, r, *(np.uint64(word) for word in patient), n) for s, r, *patient, n in keys])
    assert stats.kstest(numbers, "uniform").pvalue > 0.001
    assert numbers.mean() == pytest.approx(0.5, abs=4 * math.sqrt(1 / 12 / 20_000))
    assert abs(np.corrcoef(numbers[:-1], numbers[1:])[0, 1]) < 4 / math.sqrt(20_000)


def test_uniforms_never_reach_the_ends():
    ends = [(word + 0.5) * 2.0**-52 for word in (0, 2**52 - 1)]
    assert 0.0 < ends[0] < ends[1] < 1.0
    assert math.isfinite(unit_exponential(ends[0]))
    assert unit_exponential(ends[1]) > 0.0
    assert all(math.isfinite(duration(Law.WEIBULL, 1.5, 2.0, 0.0, end)) for end in ends)


LAWS = {
    "fixed": (StayLaw(distribution="fixed", mean=3.5), None),
    "exponential": (StayLaw(distribution="exponential", mean=3.0), stats.expon(scale=3.0)),
    "lognormal by mean": (
        StayLaw(distribution="lognormal", mean=8.0, sd=4.0),
        stats.lognorm(math.sqrt(math.log(1.25)), scale=8.0 / math.sqrt(1.25)),
    ),
    "lognormal by median": (StayLaw(distribution="lognormal", median=5.0, shape=0.7), stats.lognorm(0.7, scale=5.0)),
    "uniform": (StayLaw(distribution="uniform", low=2.0, high=5.0), stats.uniform(2.0, 3.0)),
    "triangular": (StayLaw(distribution="triangular", low=1.0, mode=2.0, high=5.0), stats.triang(0.25, 1.0, 4.0)),
    "gamma by mean": (StayLaw(distribution="gamma", mean=6.0, sd=3.0), stats.gamma(4.0, scale=1.5)),
    "gamma by shape": (StayLaw(distribution="gamma", shape=0.4, scale=2.0), stats.gamma(0.4, scale=2.0)),
    "erlang": (StayLaw(distribution="erlang", shape=3, mean=6.0), stats.erlang(3, scale=2.0)),
    "weibull": (StayLaw(distribution="weibull", shape=1.5, scale=2.0), stats.weibull_min(1.5, scale=2.0)),
}


@pytest.mark.parametrize("name", LAWS)
def test_durations_are_the_quantiles_of_their_law(name):
    law, expected = LAWS[name]
    for u in (1e-9, 0.001, 0.1, 0.25, 0.5, 0.9, 0.999, 1 - 1e-9):
        value = duration(*law_parameters(law), u)
        assert value == pytest.approx(3.5 if expected is None else expected.ppf(u), rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("u", [0.001, 0.3, 0.5, 0.99])
def test_normal_durations_are_cut_at_zero(u):
    law = StayLaw(distribution="normal", mean=1.0, sd=2.0)
    assert duration(*law_parameters(law), u) == pytest.approx(max(0.0, stats.norm(1.0, 2.0).ppf(u)), abs=1e-12)


def test_hyperexponential_has_the_moments_of_its_mixture():
    law = law_parameters(StayLaw(distribution="hyperexponential", mixture=0.3, mean=1.0, mean_2=5.0))
    values = np.array([duration(*law, (n + 0.5) / 20_000) for n in range(20_000)])
    assert values.mean() == pytest.approx(0.3 * 1.0 + 0.7 * 5.0, rel=1e-3)
    assert (values**2).mean() == pytest.approx(2 * (0.3 * 1.0 + 0.7 * 25.0), rel=2e-2)


def test_lognormal_by_median_and_deviation_has_that_deviation():
    _, location, spread, _ = law_parameters(StayLaw(distribution="lognormal", median=5.0, sd=4.0))
    expected = stats.lognorm(spread, scale=math.exp(location))
    assert (expected.median(), expected.std()) == (pytest.approx(5.0), pytest.approx(4.0))


def test_no_law_is_endless():
    assert duration(*law_parameters(StayLaw()), 0.5) == math.inf


def test_purposes_differ_where_their_words_do():
    assert purpose("step", "ward") == int(purposes("step", ["ward"])[0])
    assert len({purpose("a", "bc"), purpose("ab", "c"), purpose("abc"), purpose("a", "b", "c")}) == 4
