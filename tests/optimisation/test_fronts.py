"""Dominance, hypervolume and directions on fronts known by hand."""

import numpy as np
import pytest

from instances.tables import Objective
from optimisation.fronts import (
    alike_groups,
    clearly_dominated,
    costs,
    hypervolume,
    hypervolume_interval,
    nondominated,
    probability_nondominated,
    spread_out,
    undoubted,
)

MORE = Objective(objective="more", expression="a", direction="maximise", low=0, high=10)
LESS = Objective(objective="less", expression="b", direction="minimise", low=-1, high=1)
FLAT = Objective(objective="flat", expression="c", direction="maximise", low=2, high=2)


def test_directions_are_turned_once():
    values = np.array([[10.0, -1.0], [0.0, 1.0], [12.0, 0.0]])
    assert costs(values, [MORE, LESS]).tolist() == [[0, 0], [1, 1], [-0.2, 0.5]]


def test_equal_bounds_divide_nothing_by_zero():
    assert costs(np.array([[2.0], [5.0]]), [FLAT]).tolist() == [[0.0], [-3.0]]


def test_equal_points_are_all_kept():
    points = np.array([[0.0, 1.0], [1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
    assert nondominated(points).tolist() == [True, True, True, False]
    assert nondominated(np.zeros((0, 2))).tolist() == []


@pytest.mark.parametrize(
    ("points", "volume"),
    [
        ([], 0.0),
        ([[1.0, 0.0]], 0.0),
        ([[0.5, 0.5], [0.25, 0.75]], 0.25 + 0.25 * 0.25),
        ([[-1.0, 0.5]], 0.5),
        ([[0.0, 1.5], [0.5, 0.5]], 0.25),
    ],
)
def test_hypervolume_of_staircases(points, volume):
    assert hypervolume(np.array(points).reshape(len(points), 2)) == pytest.approx(volume)


@pytest.mark.parametrize("function", [nondominated, hypervolume])
def test_nan_is_refused(function):
    with pytest.raises(ValueError, match="not a number"):
        function(np.array([[0.0, np.nan]]))


def test_probability_of_being_nondominated():
    random = np.random.default_rng(0)
    noise = random.normal(0.0, 0.1, (20, 1))
    sure = np.zeros((20, 2))
    worse = sure + 1.0
    rival = np.hstack([noise, noise])
    plans = np.array([sure, worse, rival])
    chances = probability_nondominated(lambda numbers: plans[:, numbers].mean(axis=1), (3, 20), random)
    assert chances[1] == 0.0
    assert 0.0 < chances[2] < 1.0
    assert chances[0] + chances[2] == pytest.approx(1.0, abs=0.02)


def test_no_plan_at_all_has_no_probability():
    assert len(probability_nondominated(lambda numbers: np.zeros((0, 2)), (0, 5), np.random.default_rng(0))) == 0


@pytest.mark.parametrize(
    ("shape", "interval"),
    [((0, 0), (0.0, 0.0)), ((2, 1), (0.0, 1.0))],
    ids=["no plan covers anything", "one replication tells nothing"],
)
def test_ends_of_what_is_known_of_a_hypervolume(shape, interval):
    assert hypervolume_interval(lambda numbers: np.full((2, 2), 0.5), shape, np.random.default_rng(0)) == interval


def test_luck_that_plans_share_widens_the_interval_of_their_hypervolume():
    noise = np.random.default_rng(0).normal(0.0, 0.05, (2, 20, 2))

    def width(values):
        low, high = hypervolume_interval(
            lambda numbers: values[:, numbers].mean(axis=1), (2, 20), np.random.default_rng(0)
        )
        assert low < hypervolume(values.mean(axis=1)) < high
        return high - low

    where = np.array([[[0.2, 0.6]], [[0.6, 0.2]]])
    assert width(where + noise[:1]) > 1.2 * width(where + noise)


def test_clearly_dominated_is_beyond_doubt_in_every_objective():
    random = np.random.default_rng(1)
    luck = random.normal(0.0, 1.0, (10, 2))  # the same for all plans: paired differences do not see it
    noise = random.normal(0.0, 0.1, (10, 2))
    best, worse, close, better_once = luck, luck + 1.0 + noise, luck + noise, luck + np.array([1.0, -0.05]) + noise
    assert clearly_dominated(np.array([best, worse, close, better_once])).tolist() == [False, True, False, False]


def test_equal_in_all_but_one_objective_is_dominated_by_that_one():
    first = np.tile([0.2, 0.5], (6, 1))
    second = np.tile([0.2, 0.4], (6, 1))
    assert clearly_dominated(np.array([first, second, second])).tolist() == [True, False, False]


def test_one_replication_leaves_everything_in_doubt():
    assert clearly_dominated(np.array([[[0.0, 0.0]], [[1.0, 1.0]]])).tolist() == [False, False]


def test_plans_that_cannot_be_told_apart_form_groups():
    random = np.random.default_rng(2)
    luck = random.normal(0.0, 1.0, (30, 2))

    def plan(shift):
        return luck + np.array([shift, -shift]) + random.normal(0.0, 0.1, (30, 2))

    plans = np.array([plan(0.0), plan(1.0), plan(0.0), plan(2.0), plan(1.0)])
    assert alike_groups(plans) == [1, 2, 1, 3, 2]


def test_without_noise_only_equal_plans_are_alike():
    plans = np.array([[[0.1, 0.2]] * 3, [[0.1, 0.2]] * 3, [[0.1, 0.2001]] * 3])
    assert alike_groups(plans) == [1, 1, 2]
    assert alike_groups(np.zeros((0, 3, 2))) == []


def test_points_that_stand_for_all_keep_the_best_of_each_cost_and_leave_no_gap():
    angles = np.linspace(0.0, np.pi / 2.0, 101)
    points = np.stack([1.0 - np.cos(angles), 1.0 - np.sin(angles)], axis=1)
    taken = spread_out(points, 5)
    assert len(taken) == 5
    assert {0, 100} <= set(taken)
    gaps = np.min([np.linalg.norm(points - points[index], axis=1) for index in taken], axis=0)
    assert gaps.max() < 0.25  # even spacing leaves 0.2: half of a quarter of the arc


def test_few_points_all_stay():
    assert spread_out(np.array([[0.2, 0.1], [0.1, 0.2]]), 5) == [0, 1]


def test_a_front_keeps_few_plans_that_are_likely_dominated():
    """Of a sure plan and two doubtful ones the likelier dominated falls; twins within the margin both stay."""
    random = np.random.Generator(np.random.Philox(1))
    sure = np.tile([0.0, 1.0], (2000, 1))
    doubtful = np.column_stack([np.full(2000, 0.5), 0.98 + random.normal(0.0, 0.05, 2000)])
    far = np.tile([1.0, 0.0], (2000, 1))
    assert undoubted(np.stack([sure, doubtful, far], axis=1)) == [0, 2]
    twins = np.stack([far, far + random.normal(0.0, 0.001, (2000, 2))], axis=1)
    assert undoubted(twins) == [0, 1]
