"""The cheapest plan that keeps its targets is the cheapest of those of which that is sure."""

from dataclasses import dataclass, replace

import numpy as np

from optimisation.keeping_targets import cheapest_that_keeps, too_few
from simulation.targets import SURE, Keeping, Target, keeping

WAIT = Target("wait", "wait", limit=30.0, is_ceiling=True, probability=0.9, width=60.0)


@dataclass(frozen=True)
class Plan:
    spending: float
    kept: tuple[Keeping, ...]


def plan(spending: float, failures: int, count: int = 30) -> Plan:
    return Plan(spending, (keeping(WAIT, np.array([40.0] * failures + [20.0] * (count - failures))),))


def test_the_cheapest_of_the_sure_ones_is_named():
    lucky, sure, dear = plan(1.0, failures=2), plan(2.0, failures=0), plan(3.0, failures=0)
    assert lucky.kept[0].probability > 0.9
    assert cheapest_that_keeps([dear, lucky, sure]) is sure


def test_nobody_is_named_when_none_is_sure_or_nothing_is_asked():
    assert cheapest_that_keeps([plan(1.0, failures=0, count=10)]) is None
    assert cheapest_that_keeps([Plan(1.0, ())]) is None


def test_a_target_that_so_few_replications_can_never_make_sure_of_is_said_to_be_one():
    assert (
        too_few([WAIT, replace(WAIT, probability=0.95)], 30, 1 / 3) == ""
    )  # 40 with those decided on; 18 and 38 are needed
    said = too_few([WAIT, replace(WAIT, probability=0.99)], 30, 1 / 3)
    assert said == (
        "wait at most 30 with probability 0.99 can be sure on 191 replications or more, all of which keep it; "
        "these are 40: ask for --final-replications 143"
    )
    assert keeping(replace(WAIT, probability=0.99), np.full(190, 20.0)).assurance < SURE
    assert keeping(replace(WAIT, probability=0.99), np.full(191, 20.0)).assurance >= SURE
    assert too_few([replace(WAIT, probability=1.0)], 100, 1 / 3) == "that wait at most 30 always holds is never sure"


def test_a_plan_named_falls_short_of_what_is_asked_less_often_than_one_in_twenty():
    """Ten plans that keep the target with 85 %, where 90 % is asked, judged on thirty replications alike."""
    random = np.random.Generator(np.random.Philox(2))
    named = 0
    for _ in range(400):
        waits = np.where(random.random((10, 30)) < 0.85, 20.0, 40.0)
        named += cheapest_that_keeps([Plan(1.0, (keeping(WAIT, row),)) for row in waits]) is not None
    assert named / 400 < 0.12  # all ten at once; one alone is named in 0.85^30 = 0.8 % of cases
