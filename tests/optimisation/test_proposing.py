"""From proposals to plans: the same whoever repairs them, and however many at once."""

from itertools import islice

import numpy as np
import pytest

from optimisation.feasibility.planning import Planning
from optimisation.proposing import Proposer
from optimisation.starting_points import anywhere
from tests.optimisation.conftest import valley_with
from tests.optimisation.test_repair import TIGHT

WORKERS = (1, 2, 5)


@pytest.fixture(scope="module")
def tight() -> Planning:
    return Planning(valley_with(*TIGHT))


def drawn(planning: Planning, workers: int):
    """Return everything a proposer makes: first and random plans, a pool, and plans of proposals that come twice."""
    proposer = Proposer(planning.instance, planning, seed=5, workers=workers)
    first = proposer.first_plans(20)
    some = list(islice(anywhere(planning.encoding, np.random.default_rng(8)), 25))
    known = {one.plan.key for one in first}
    made = [
        first,
        proposer.pool(some, 6, known),
        proposer.plans([*some[:12], *some[:4], first[0].genes]),
    ]
    found = [[(one.plan, one.genes.tolist()) for one in plans] for plans in made]
    return found, proposer.random_plans(15), proposer.counts


def test_plans_do_not_depend_on_how_many_threads_repair(tight):
    alone, *others = (drawn(tight, workers) for workers in WORKERS)
    assert all(other == alone for other in others)
    (first, pool, plans), random, (untouched, repaired, _) = alone
    assert (len(first), len(plans), len(random)) == (20, 17, 15)
    assert min(untouched, repaired) > 10
    assert 0 < len(pool) <= 25


def test_what_is_proposed_twice_or_known_becomes_the_same_plan(tight):
    (first, _, plans), _, _ = drawn(tight, 1)
    assert plans[12:16] == plans[:4]
    assert plans[-1] == first[0]
