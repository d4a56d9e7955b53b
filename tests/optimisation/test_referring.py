"""Unequally replicated plans, referred to the same replications, on values whose answer is known by hand."""

from dataclasses import replace

import numpy as np
import pytest

from instances.tables import Objective
from optimisation.evaluation import Evaluation, Judgement
from optimisation.referring import referred
from simulation.configuration import Configuration

OBJECTIVES = (
    Objective(objective="wide", expression="a", direction="maximise", low=0, high=100),
    Objective(objective="narrow", expression="b", direction="minimise", low=0, high=1),
)
WIDTHS = np.array([100.0, 1.0])


def evaluated(values, caution=0.0):
    known = np.array(values, dtype=np.float64)
    judgement = Judgement(known, known.mean(axis=0) - caution)
    return Evaluation(Configuration((), (), ""), "key", tuple(range(len(known))), judgement)


def moved(values, plan, shifts):
    """Values [replication, objective] of a plan whose first is given, with the replications' shifts in widths."""
    return [np.array(values), *(np.array(values) + WIDTHS * np.array(shift) + plan for shift in shifts)]


def test_what_a_replication_does_to_all_alike_is_taken_off_exactly():
    shifts = [(0.2, -0.1), (-0.3, 0.4)]
    today = evaluated(moved((50.0, 0.5), 0.0, shifts))
    donors = [evaluated(moved((40.0 + n, 0.2 + n / 20), 0.0, shifts)) for n in range(5)]
    behind = evaluated([(70.0, 0.1)], caution=0.05)
    point = referred([*donors, behind], today, OBJECTIVES)[-1].judgement.point
    assert point == pytest.approx([70.0 - 100.0 * 0.1 / 3 - 0.05, 0.1 + 0.1 - 0.05], abs=1e-12)


def test_plans_that_move_otherwise_than_today_are_guessed_from_plans():
    """All plans but today lose 0.4 of the scale in the second replication, as a control by today alone would miss."""
    today = evaluated([(50.0, 0.5), (50.0, 0.5)])
    donors = [evaluated([(30.0 + n, 0.3), (-10.0 + n, 0.3)]) for n in range(9)]
    found = referred([*donors, evaluated([(34.0, 0.3)])], today, OBJECTIVES)[-1].judgement.point
    assert found[0] == pytest.approx(34.0 - 20.0, abs=2.0)
    assert found[1] == pytest.approx(0.3, abs=0.02)


def test_a_change_that_grows_with_the_value_is_followed_but_not_beyond_the_donors():
    today = evaluated([(0.0, 0.0), (0.0, 0.0)])
    donors = [evaluated([(100.0, n / 40), (100.0, n / 80)]) for n in range(1, 41)]
    inside, outside = (
        referred([*donors, evaluated([(100.0, first)])], today, OBJECTIVES)[-1].judgement.point[1]
        for first in (0.9, 3.0)
    )
    assert inside == pytest.approx(0.9 * 0.75, abs=0.02)
    assert outside == pytest.approx(3.0 - 0.25, abs=0.03)


def test_those_that_had_all_and_failures_stay_as_they_are():
    today = evaluated([(50.0, 0.5), (60.0, 0.5)])
    whole = evaluated([(10.0, 0.1), (90.0, 0.9)])
    failed = replace(whole, judgement=None, failure="no beds")
    short = evaluated([(10.0, 0.1)])
    found = referred([failed, whole, short], today, OBJECTIVES)
    assert found[0] is failed
    assert found[1] is whole
    assert found[2].judgement.point[0] > 10.0
    once = evaluated([(50.0, 0.5)])
    assert referred([short, failed], once, OBJECTIVES) == [short, failed]
    assert referred([short], failed, OBJECTIVES) == [short]


def test_what_the_judge_referred_already_is_not_moved_again():
    today = evaluated(moved((50.0, 0.5), 0.0, [(0.2, -0.1)]))
    behind = evaluated([(70.0, 0.1)])
    settled = replace(behind, judgement=replace(behind.judgement, referred=(1,)))
    point = referred([settled], today, OBJECTIVES)[0].judgement.point
    assert point == pytest.approx([80.0, 0.1], abs=1e-12)
