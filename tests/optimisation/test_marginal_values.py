"""What a little more buys near a plan, against every plan near it."""

from dataclasses import replace
from itertools import product

import numpy as np
import pytest

from instances.tables import Rule
from optimisation.feasibility.checker import state_of, violations
from optimisation.feasibility.marginal_values import NEAR, marginal_values
from optimisation.feasibility.planning import Planning
from simulation.configuration import todays_configuration
from tests.optimisation.conftest import valley_with

BOUND = 900_000.0
RECRUITS = Rule(rule="recruits", kind="workforce", competence="home_helper", bound=32)


def best_near(planning, plan):
    """Return the most units in use on average of any plan near one, by trying them all."""
    encoding = planning.encoding
    genes = encoding.genes(plan)
    groups = [np.flatnonzero(encoding.group == group) for group in range(encoding.group.max() + 1)]
    low, high = np.maximum(encoding.low, genes - NEAR), np.minimum(encoding.high, genes + NEAR)
    mixes = [
        [mix for mix in product(*(range(low[c], high[c] + 1) for c in cells)) if sum(mix) == 0] for cells in groups
    ]
    lots = [range(low[g], high[g] + 1) for g in range(encoding.shares, encoding.decided)]
    best = 0.0
    for choice in product(*mixes, *lots):
        some = np.array([*(v for part in choice[: len(groups)] for v in part), *choice[len(groups) :], 0])
        configuration = encoding.configuration(some)
        if not violations(planning, configuration):
            best = max(best, float(state_of(planning, configuration).served.sum()))
    return best


def test_another_lot_of_recruits_buys_what_the_best_plan_near_gains():
    planning = Planning(valley_with(RECRUITS))
    today = todays_configuration(planning.instance)
    (found,) = [value for value in marginal_values(planning, today) if value.value == "served"]
    assert (found.rule, found.unit, found.per, found.more) == ("recruits", "staff", 1.0, 10.0)
    richer = Planning(valley_with(RECRUITS.model_copy(update={"bound": RECRUITS.bound + found.more})), planning.flows)
    gained = best_near(richer, today) - best_near(planning, today)
    assert gained > 0.0
    assert found.whole == pytest.approx(gained / found.more, rel=0.02)
    assert abs(found.whole - gained / found.more) <= found.error + 1e-9
    assert 0.0 < found.relaxed <= 1.0  # a recruit serves one at most


def test_a_budget_buys_what_the_best_plan_near_gains_whichever_pools_it_fills():
    """Held to the pools that are full today the same money would seem to buy forty times as much."""
    purse = Rule(rule="purse", kind="budget", payer="insurance", money="operating", bound=BOUND)
    planning = Planning(valley_with(purse))
    today = todays_configuration(planning.instance)
    (found,) = [value for value in marginal_values(planning, today) if value.value == "served"]
    assert found.per == 1e6
    richer = Planning(valley_with(purse.model_copy(update={"bound": BOUND + found.more})), planning.flows)
    gained = best_near(richer, today) - best_near(planning, today)
    assert found.whole == pytest.approx(gained / found.more * found.per, rel=1e-4, abs=0.01)


def test_a_budget_of_nothing_is_raised_by_what_a_lot_costs():
    nothing = Rule(rule="nothing", kind="budget", money="investment", bound=0.0)
    valley = valley_with(nothing)
    beds, *others = valley.capacities
    scarce = replace(valley, capacities=(beds.model_copy(update={"current": 6}), *others))
    planning = Planning(scarce)
    today = todays_configuration(planning.instance)
    (found,) = [value for value in marginal_values(planning, today) if value.value == "served"]
    assert found.more > 0.0
    richer = Planning(replace(scarce, rules=(nothing.model_copy(update={"bound": found.more}),)), planning.flows)
    gained = best_near(richer, today) - best_near(planning, today)
    assert gained > 0.0
    assert found.whole == pytest.approx(gained / found.more * found.per, rel=1e-4, abs=0.01)


def test_what_is_not_scarce_buys_nothing():
    planning = Planning(valley_with(RECRUITS.model_copy(update={"bound": 1000})))
    assert marginal_values(planning, todays_configuration(planning.instance)) == ()


def test_without_whole_steps_only_the_slope_is_told():
    planning = Planning(valley_with(RECRUITS))
    values = marginal_values(planning, todays_configuration(planning.instance), whole=False)
    assert values
    assert all(value.whole is None and value.relaxed > 0.0 for value in values)
