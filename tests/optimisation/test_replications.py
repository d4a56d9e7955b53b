"""Which plans get more replications, on samples whose answer is known by hand."""

import numpy as np
import pytest

from optimisation.replications import Sample, doubts, more_replications, pooled_variance


def sample(*rows, offset=(0.0, 0.0)):
    return Sample(np.array(rows, dtype=np.float64), np.array(offset))


def around(centre, spread, count, seed):
    noise = np.random.Generator(np.random.Philox(seed)).normal(0.0, spread, (count, 2))
    return sample(*(np.array(centre) + noise - noise.mean(axis=0)))


def test_variance_is_pooled_over_plans_that_have_two_replications():
    assert pooled_variance([sample([0, 0]), sample([1, 1])]) is None
    pooled = pooled_variance([sample([0, 0], [2, 4]), sample([5, 5]), sample([1, 0], [1, 0], [1, 0])])
    assert pooled.tolist() == pytest.approx([2.0 / 3.0, 8.0 / 3.0])


def test_a_plan_far_behind_and_plans_far_apart_are_not_in_doubt():
    apart = [around([0, 1], 0.01, 4, 1), around([1, 0], 0.01, 4, 2), around([2, 2], 0.01, 4, 3)]
    assert doubts(apart, 20) == []
    assert more_replications(apart, 20) == []


def test_a_plan_just_behind_another_is_in_doubt_and_gets_what_would_settle_it():
    spread = 0.1
    near = [around([0.0, 0.0], spread, 4, 1), around([0.05, 0.05], spread, 4, 2), around([3, 3], spread, 4, 3)]
    found = doubts(near, 100)
    assert 2 not in {doubt.plan for doubt in found}
    second = next(doubt for doubt in found if doubt.plan == 1)
    assert second.rival == 0
    assert 0.5 < second.probability < 0.95
    assert 10 <= second.wanted <= 40  # 1.645^2 x 2 x 0.1^2 / 0.05^2 = 21.6, variances being estimated
    assert more_replications(near, 100) == [(1, 8), (0, 8)]


def test_the_rival_is_replicated_too_and_nobody_beyond_the_most():
    near = [around([0.0, 0.0], 0.1, 7, 1), around([0.02, 0.02], 0.1, 2, 2)]
    assert dict(more_replications(near, 8)) == {0: 8, 1: 4}
    assert more_replications(near, 2) == []


def test_what_a_value_adds_to_its_mean_counts():
    same = np.array([[0.0, 0.0], [0.1, -0.1], [-0.1, 0.1]])
    cautious = [Sample(same, np.array([0.0, 0.0])), Sample(same + 0.001, np.array([5.0, 5.0]))]
    assert doubts(cautious, 20) == []


def test_equal_plans_are_in_doubt_to_the_end():
    same = [around([0.0, 0.0], 0.1, 4, 1), around([0.0, 0.0], 0.1, 4, 2)]
    assert [doubt.wanted for doubt in doubts(same, 50)] == [50, 50]
