"""Plans that may or may not keep a target: fresh replications are to decide about them."""

from types import SimpleNamespace

import pytest

from instances.catalogue import load_instance
from optimisation.keeping_targets import undecided
from simulation.targets import Keeping

OBJECTIVES = load_instance("tiny").optimised
"""Satisfaction and solvency are the higher the better, efficiency too."""
MISSED = "target: satisfaction at least 75 kept with probability 0.80 where 0.9 is asked"


def member(point, *flags, assurance=0.5):
    kept = (Keeping(0.8, 0.6, 0.95, assurance, 0.1),)
    judgement = SimpleNamespace(point=point, flags=flags, kept=kept)
    return SimpleNamespace(evaluation=SimpleNamespace(judgement=judgement))


FRONT = [member([77.0, 1000.0, 0.0])]
BEST = [78.0, 2000.0, 0.05]


def test_a_plan_that_may_keep_its_target_is_to_be_looked_at_again():
    near = member(BEST, MISSED)
    assert undecided([*FRONT, near], FRONT, OBJECTIVES) == (near,)


@pytest.mark.parametrize(
    "other",
    [
        member(BEST),
        member(BEST, MISSED, assurance=0.01),
        member(BEST, MISSED, "harmful: 6 more deaths than today"),
        member([76.0, 500.0, -0.1], MISSED),
    ],
    ids=["sound", "surely missed", "refused for harm too", "no better than the front"],
)
def test_other_plans_are_let_be(other):
    assert undecided([*FRONT, other], FRONT, OBJECTIVES) == ()
