"""From proposals to plans."""

from itertools import islice

import numpy as np
import pytest

from optimisation.feasibility.planning import Planning
from optimisation.proposing import Proposer
from optimisation.starting_points import anywhere
from tests.optimisation.conftest import valley_with
from tests.optimisation.test_repair import TIGHT


@pytest.fixture(scope="module")
def tight() -> Planning:
    return Planning(valley_with(*TIGHT))


def drawn(planning: Planning):
    """Return everything a proposer makes: first and random plans, a pool, and plans of proposals that come twice."""
    proposer = Proposer(planning.instance, planning, seed=5)
    first = proposer.first_plans(20)
    some = list(islice(anywhere(planning.encoding, np.random.default_rng(8)), 25))
    known = {one.plan.key for one in first}
    made = [
        first,
        proposer.pool(some, 6, known),
        proposer.plans([*some[:12], *some[:4], first[0].genes], 3, known),
    ]
    found = [[(one.plan, one.genes.tolist()) for one in plans] for plans in made]
    return found, proposer.random_plans(15), proposer.counts


def test_every_proposer_of_a_seed_makes_the_same_plans(tight):
    alone = drawn(tight)
    assert drawn(tight) == alone
    (first, pool, plans), random, (untouched, repaired, _) = alone
    assert (len(first), len(plans), len(random)) == (20, 17, 15)
    assert min(untouched, repaired) > 10
    assert 0 < len(pool) <= 25


def test_plans_already_known_or_proposed_twice_are_drawn_again(tight):
    (first, _, plans), _, _ = drawn(tight)
    keys = [plan.key for plan, _ in plans]
    assert len(set(keys)) == len(keys)
    assert not {plan.key for plan, _ in first} & set(keys)
