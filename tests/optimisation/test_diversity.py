"""Repair on the Loire keeps proposals apart: it finds plans all over what the rules allow, not only at their limits."""

from collections.abc import Iterator

import numpy as np
import pytest

from instances.catalogue import load_instance
from optimisation.feasibility.checker import findings, violations
from optimisation.feasibility.planning import Planning
from optimisation.feasibility.repair import Repairer
from optimisation.starting_points import anywhere
from simulation.configuration import Configuration

PROPOSALS = 200


def drawn_whole(planning: Planning, random: np.random.Generator) -> Iterator[Configuration]:
    """Every gene evenly between its bounds, each mix evenly among those that sum to one."""
    for genes in anywhere(planning.encoding, random):
        yield planning.encoding.configuration(genes)


def drawn_apart(planning: Planning, random: np.random.Generator) -> Iterator[Configuration]:
    """Every capacity evenly over its lots, every share evenly between its bounds, then each mix divided by its sum."""
    encoding = planning.encoding
    low, high = (encoding.current + encoding.size * ends[: encoding.decided] for ends in (encoding.low, encoding.high))
    shares, mixes = slice(encoding.shares), encoding.group
    while True:
        units = random.integers(encoding.low[:-1], encoding.high[:-1] + 1)[encoding.shares :]
        raw = random.uniform(low[shares], high[shares])
        capacities = encoding.current[encoding.shares :] + encoding.size[encoding.shares :] * units
        yield Configuration(
            tuple(raw / np.bincount(mixes, weights=raw)[mixes]),
            tuple(round(float(value)) for value in capacities),
            encoding.contracts[0],
        )


DRAWS = {"mixes evenly": drawn_whole, "shares apart, normalised": drawn_apart}
LEAST_SPREAD = {drawn_whole: 0.7, drawn_apart: 0.6}
"""Of a capacity, over that proposed. Shares drawn apart load home nursing most: one capacity of 118, the widest of home
nursing in the largest territory, then keeps 0.65, all others 0.71 and more."""


@pytest.fixture(scope="module")
def repairer():
    return Repairer(Planning(load_instance("loire")))


@pytest.fixture(scope="module", params=DRAWS.values(), ids=DRAWS.keys())
def repaired(repairer, request):
    points = request.param(repairer.planning, np.random.default_rng(2026))
    proposals = [next(points) for _ in range(PROPOSALS)]
    return LEAST_SPREAD[request.param], proposals, [repairer.repair(proposal).configuration for proposal in proposals]


@pytest.mark.slow
def test_two_hundred_random_proposals_become_plans_spread_over_what_budgets_allow(repairer, repaired):
    planning, (_, _, plans) = repairer.planning, repaired
    budgets = [rule for rule in planning.instance.rules if rule.kind == "budget"]
    names = [rule.rule for rule in budgets]
    used = np.array(
        [[f.value / f.bound for f in findings(planning, plan) if f.rule in names] for plan in plans]
    )  # [plan, budget]
    assert not any(violations(planning, plan) for plan in plans)
    assert used.min() <= 0.75
    assert used.max() >= 0.999
    # what must be spent whatever the plan leaves some budgets little room: there, use spreads over much of it
    least = np.maximum(repairer.least_use(planning.encoding.contracts[0]), 0.75)
    low, high = used.min(axis=0), used.max(axis=0)
    assert (high >= 0.9).all()
    assert ((high - low) >= 0.4 * (1.0 - least)).all()


@pytest.mark.slow
def test_capacities_stay_as_far_apart_as_proposed(repaired):
    least, proposals, plans = repaired
    before = np.array([proposal.capacities for proposal in proposals]).std(axis=0)
    after = np.array([plan.capacities for plan in plans]).std(axis=0)
    assert (after >= least * before).all()
