"""Repair: a proposal becomes the nearest plan, or an explanation."""

from concurrent.futures import ThreadPoolExecutor
from functools import cache
from itertools import product

import numpy as np
import pytest

from instances.tables import Rule
from optimisation.feasibility.checker import State, state_of, violations
from optimisation.feasibility.model import Aims, NearestPlan
from optimisation.feasibility.planning import Planning
from optimisation.feasibility.repair import SEARCH_GAP, Repairer
from optimisation.plan import Infeasible, Plan
from optimisation.starting_points import most_frugal, most_generous, sampled
from simulation.configuration import todays_configuration
from tests.optimisation.conftest import valley_with
from tests.optimisation.test_rules import EXAMPLES

TIGHT = (
    Rule(rule="pays", kind="budget", payer="insurance", money="operating", bound=850_000),
    Rule(rule="served", kind="coverage", level="territory", resource="helper", bound=0.9),
)


@pytest.fixture(scope="module")
def tight() -> Planning:
    return Planning(valley_with(*TIGHT))


def proposals(planning, count, seed=3):
    points = sampled(planning.encoding, np.random.default_rng(seed))
    return [planning.encoding.configuration(next(points)) for _ in range(count)]


def test_a_plan_is_returned_untouched(tight):
    repairer = Repairer(tight)
    for proposal in proposals(tight, 40):
        found = repairer.repair(proposal)
        assert isinstance(found, Plan)
        assert violations(tight, found.configuration) == ()
        assert (found.configuration == proposal) == (not found.changed)
        assert repairer.repair(found.configuration) == Plan(found.configuration, found.key)


def test_every_rule_kind_can_be_repaired():
    for kind, rules in EXAMPLES.items():
        planning = Planning(valley_with(*rules[:1]))
        repairer = Repairer(planning)
        found = [repairer.repair(proposal) for proposal in proposals(planning, 60)]
        assert all(isinstance(plan, Plan) for plan in found), kind
        assert any(plan.changed for plan in found), kind


def test_repair_forgets_what_it_repaired_before(tight):
    wanted = proposals(tight, 20)
    there = [Repairer(tight).repair(one) for one in wanted]
    used = Repairer(tight)
    assert [used.repair(one) for one in reversed(wanted)][::-1] == there
    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(used.repair, wanted)) == there


@pytest.mark.parametrize("gap", [0.0, 0.001, 0.1])
def test_as_near_as_brute_force(tight, gap):
    encoding = tight.encoding
    weights = np.random.default_rng(1).uniform(0.5, 1.5, encoding.decided)
    plans = all_plans(tight)
    model = NearestPlan(tight, "today", gap, exact=True)
    for proposal in proposals(tight, 8, seed=11):
        genes = encoding.genes(proposal)
        found = model.solve(
            genes, Aims(weights, np.ones(1), np.ones(1), np.zeros(1), np.zeros(1)), state_of(tight, proposal)
        )
        nearest = float(distance(encoding, plans, genes, weights).min())
        reached = float(distance(encoding, found.genes[None, :], genes, weights)[0])
        assert found.gap <= gap + 1e-9
        assert nearest - 1e-6 <= reached <= nearest / (1.0 - found.gap) + 1e-6


def test_repair_is_as_near_as_brute_force(tight):
    """With the proposal's own weights and targets, distance and overshoot together, within the gap of the search."""
    encoding, plans = tight.encoding, all_plans(tight)
    (budget,) = [rule for rule in tight.instance.rules if rule.kind == "budget"]
    repairer = Repairer(tight)
    changed = 0
    for proposal in proposals(tight, 40, seed=12):
        found = repairer.repair(proposal)
        if not found.changed:
            continue
        genes = encoding.genes(proposal)
        aims = repairer.asked(genes, "today")

        def cost(some, genes=genes, aims=aims):
            used = np.array([spent(tight, encoding.configuration(one)) for one in some]) / budget.bound
            over, under = np.maximum(0.0, used - aims.most), np.maximum(0.0, aims.least - used)
            return distance(encoding, some, genes, aims.weights) + aims.price * over + aims.thrift * under

        nearest = float(cost(plans).min())
        reached = float(cost(encoding.genes(found.configuration)[None, :])[0])
        assert nearest - 1e-6 <= reached <= nearest / (1.0 - found.gap) + 1e-6
        assert found.gap <= SEARCH_GAP
        changed += 1
    assert changed > 5


def distance(encoding, plans, genes, weights):
    width = np.maximum(1, encoding.high - encoding.low)[: encoding.decided]
    return (np.abs(plans - genes)[:, : encoding.decided] / width) @ weights


def spent(planning, configuration) -> float:
    state = state_of(planning, configuration)
    money = planning.paid("insurance", (0, 1), "today")
    return float(money.served @ state.served + money.share @ state.shares + money.units @ state.units)


@cache
def all_plans(planning):
    encoding = planning.encoding
    groups = [np.flatnonzero(encoding.group == group) for group in range(encoding.group.max() + 1)]
    mixes = [
        [mix for mix in product(*(range(encoding.low[c], encoding.high[c] + 1) for c in cells)) if sum(mix) == 0]
        for cells in groups
    ]
    lots = [range(encoding.low[g], encoding.high[g] + 1) for g in range(encoding.shares, encoding.decided)]
    found = []
    for choice in product(*mixes, *lots):
        parts = [value for part in choice[: len(groups)] for value in part]
        genes = np.array([*parts, *choice[len(groups) :], 0])
        if not violations(planning, encoding.configuration(genes)):
            found.append(genes)
    return np.array(found)


def test_nobody_is_left_unserved_to_save_money(tight):
    """A budget below what today's load costs cannot be met on paper by serving fewer."""
    repairer = Repairer(Planning(valley_with(Rule(rule="pays", kind="budget", payer="household", bound=80_000))))
    generous = repairer.planning.encoding.configuration(most_generous(repairer.planning.encoding))
    found = repairer.repair(generous)
    assert isinstance(found, Plan)
    state: State = state_of(repairer.planning, found.configuration)
    money = repairer.planning.paid("household", (0, 1), "today")
    spent = float(money.served @ np.minimum(state.load, state.capacity) + money.share @ state.shares)
    assert spent <= 80_000 * (1 + 1e-6)


@pytest.mark.parametrize(
    ("rules", "guilty"),
    [
        ([Rule(rule="pays", kind="budget", payer="insurance", bound=100_000)], {"pays"}),
        ([Rule(rule="staffs", kind="staffing", resource="helper", other_resource="bed", bound=50)], {"staffs"}),
        ([Rule(rule="most", kind="authorised", resource="bed", bound=2)], {"most"}),
        (
            [
                Rule(rule="many", kind="authorised", resource="helper", sense="at_least", bound=40),
                Rule(rule="cheap", kind="budget", provider="home_service", money="operating", bound=1_000),
                Rule(rule="fine", kind="share", profile="frail", pathway="usual", bound=1.0),
            ],
            {"cheap"},
        ),
    ],
)
def test_infeasible_rules_are_named_with_amounts(rules, guilty):
    planning = Planning(valley_with(*rules))
    found = Repairer(planning).repair(todays_configuration(planning.instance))
    assert isinstance(found, Infeasible)
    assert {relaxation.rule for relaxation in found.relaxations} == guilty
    assert all(relaxation.amount > 0 for relaxation in found.relaxations)


def test_a_capacity_that_no_rule_speaks_of_stays_as_proposed():
    """The only rule is a home service's budget: the solver is never told of beds."""
    helpers = Rule(rule="bears", kind="budget", provider="home_service", money="operating", bound=160_000)
    planning = Planning(valley_with(helpers))
    encoding = planning.encoding
    proposal = encoding.today.copy()
    proposal[encoding.shares : encoding.decided] = encoding.high[encoding.shares : encoding.decided]
    found = Repairer(planning).repair(encoding.configuration(proposal))
    assert isinstance(found, Plan)
    assert violations(planning, found.configuration) == ()
    beds = [row for row, capacity in enumerate(planning.instance.capacities) if capacity.resource == "bed"]
    typed = encoding.configuration(proposal).capacities
    assert found.changed == ("bears",)
    assert [found.configuration.capacities[row] for row in beds] == [typed[row] for row in beds]


def test_beds_short_of_the_authorised_are_counted_in_beds():
    planning = Planning(valley_with(Rule(rule="most", kind="authorised", resource="bed", bound=2)))
    (relaxation,) = Repairer(planning).explain("today").relaxations
    assert relaxation.amount == pytest.approx(4.0)
    assert str(relaxation) == "most by 4 units"


def test_the_most_frugal_plan_costs_least(tight):
    repairer = Repairer(tight, gap=0.0)
    frugal = tight.encoding.configuration(most_frugal(tight, repairer))
    assert violations(tight, frugal) == ()

    def cost(configuration):
        state = state_of(tight, configuration)
        paid, borne = tight.paid("", (0, 1), "today"), tight.operated("", (0, 1))
        return float(
            (paid.served + borne.served) @ state.served
            + (paid.share + borne.share) @ state.shares
            + (paid.units + borne.units) @ state.units
            + borne.sites @ (state.units > 0)
        )

    others = [repairer.repair(one).configuration for one in proposals(tight, 20)]
    assert cost(frugal) <= min(map(cost, others)) + 1e-6
