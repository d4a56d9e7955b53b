"""Evaluation by component: what is run, what is remembered, what is set aside."""

from dataclasses import dataclass, replace

import numpy as np
import pytest

from optimisation.evaluation import Evaluator, Judgement
from optimisation.workers import ThreadWorkers
from simulation.components import Component
from simulation.configuration import todays_configuration

COMPONENTS = (Component(0, (0,)), Component(1, (1,)))


@dataclass
class CountingTwin:
    """Answers with the capacities of a component; breaks down where it is told to."""

    fails_at: int = -1
    runs: int = 0

    def account(self, configuration, component, replication):
        self.runs += 1
        own = configuration.capacities[:2] if component == 0 else configuration.capacities[2:]
        if sum(own) == self.fails_at:
            raise ArithmeticError("made to fail")
        return np.array([float(sum(own)) + 0.1 * replication])


def judged(configuration, accounts, today):
    values = np.array([one - two for one, two in zip(accounts, today, strict=True)])
    return Judgement(values, values.mean(axis=0))


def evaluator_of(valley, twin, workers=1, judge=judged):
    return Evaluator(valley, COMPONENTS, ThreadWorkers(twin, workers), lambda today: judge)


@pytest.fixture
def today(valley):
    return todays_configuration(valley)


def grown(configuration, row, units):
    capacities = list(configuration.capacities)
    capacities[row] += units
    return replace(configuration, capacities=tuple(capacities))


def test_a_change_in_one_component_runs_one_component(valley, today):
    twin = CountingTwin()
    evaluator = evaluator_of(valley, twin)
    evaluator.evaluate([today], [0, 1])
    assert twin.runs == 4
    found = evaluator.evaluate([grown(today, 2, 6)], [0, 1])
    assert twin.runs == 6
    assert found[0].judgement.point.tolist() == pytest.approx([6.0])
    assert (evaluator.simulations, evaluator.repeats) == (6, 6)


def test_the_same_plan_is_not_run_again(valley, today):
    twin = CountingTwin()
    evaluator = evaluator_of(valley, twin)
    first = evaluator.evaluate([today, today, grown(today, 0, 2)], [0])
    runs = twin.runs
    assert evaluator.evaluate([grown(today, 0, 2), today], [0]) == [first[2], first[0]]
    assert twin.runs == runs


def test_a_failed_run_sets_its_plan_aside_and_no_other(valley, today):
    evaluator = evaluator_of(valley, CountingTwin(fails_at=18))
    failed, sound = evaluator.evaluate([grown(today, 2, 6), grown(today, 0, 2)], [0])
    assert failed.failure == "ArithmeticError: made to fail"
    assert not failed.is_sound
    assert sound.is_sound


def test_nan_never_passes(valley, today):
    nothing = Judgement(np.array([[np.nan]]), np.array([np.nan]))
    evaluator = evaluator_of(valley, CountingTwin(), judge=lambda *_: nothing)
    (found,) = evaluator.evaluate([today], [0])
    assert found.failure == "an objective is not a finite number"


def test_two_workers_answer_as_one(valley, today):
    plans = [grown(today, row, units) for row, units in ((0, 2), (1, 10), (2, 6), (2, -6), (0, -2))]
    one = evaluator_of(valley, CountingTwin()).evaluate(plans, [0, 1, 2])
    two = evaluator_of(valley, CountingTwin(), workers=2).evaluate(plans, [0, 1, 2])
    assert [e.judgement.values.tolist() for e in one] == [e.judgement.values.tolist() for e in two]


def test_the_judge_is_told_of_today_first(valley, today):
    told = []

    def informed(accounts):
        told.extend(accounts)
        return judged

    evaluator = Evaluator(valley, COMPONENTS, ThreadWorkers(CountingTwin(), 1), informed, informing=[7, 8])
    evaluator.evaluate([today], [0])
    assert [account.tolist() for account in told] == [pytest.approx([41.4]), pytest.approx([41.6])]
