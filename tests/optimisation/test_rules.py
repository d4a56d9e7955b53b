"""Every rule kind: the inequality of the MILP and the independent check say the same."""

from typing import get_args

import numpy as np
import pyomo.environ as pyo
import pytest

from instances.catalogue import load_instance
from instances.tables import Rule
from instances.tables.rules import RuleKind
from optimisation.feasibility.checker import CHECKS, findings, state_of, violations
from optimisation.feasibility.highs import PersistentSolver, SilentHighs, Status
from optimisation.feasibility.near_relaxation import WholeColumns
from optimisation.feasibility.planning import Planning
from optimisation.feasibility.rules import RULE_KINDS, inequalities
from optimisation.feasibility.variables import Variables
from optimisation.starting_points import sampled
from simulation.configuration import todays_configuration
from tests.optimisation.conftest import valley_with

EXAMPLES = {
    "budget": [
        Rule(rule="pays", kind="budget", level="territory", payer="insurance", money="operating", bound=560_000),
        Rule(rule="bears", kind="budget", provider="hospital", bound=700_000),
        Rule(rule="invests", kind="budget", money="investment", bound=5_000),
        Rule(rule="spends", kind="budget", payer="household", sense="at_least", bound=60_000),
        Rule(rule="grows", kind="budget", money="investment", sense="at_least", bound=4_000),
    ],
    "authorised": [Rule(rule="most", kind="authorised", level="basin", resource="helper", bound=36)],
    "opening": [Rule(rule="opens", kind="opening", level="territory", resource="helper", bound=12)],
    "staffing": [Rule(rule="staffs", kind="staffing", resource="helper", other_resource="bed", bound=4.0)],
    "workforce": [Rule(rule="recruits", kind="workforce", level="territory", competence="home_helper", bound=18)],
    "requires": [
        Rule(rule="needs", kind="requires", pathway="supported", profile="frail", other_resource="helper", bound=20),
        Rule(rule="nearby", kind="requires", level="basin", pathway="supported", competence="home_helper", bound=40),
    ],
    "coverage": [
        Rule(rule="served", kind="coverage", level="basin", resource="bed", bound=0.95),
        Rule(rule="served_frail", kind="coverage", resource="helper", profile="frail", bound=0.9),
        Rule(rule="offered", kind="coverage", level="territory", profile="frail", pathway="supported", bound=0.3),
    ],
    "occupancy": [
        Rule(rule="full", kind="occupancy", resource="bed", bound=0.85),
        Rule(rule="empty", kind="occupancy", level="territory", resource="helper", sense="at_least", bound=0.5),
    ],
    "equity": [Rule(rule="even", kind="equity", resource="helper", bound=0.4)],
    "share": [Rule(rule="few", kind="share", profile="frail", pathway="supported", bound=0.3)],
    "sharing": [Rule(rule="shared", kind="sharing", resource="helper", bound=0.6)],
}
CASES = [pytest.param(rule, id=f"{kind}-{rule.rule}") for kind, rules in EXAMPLES.items() for rule in rules]


def test_no_kind_lacks_a_function_a_check_or_an_example():
    kinds = set(get_args(RuleKind))
    assert kinds == set(RULE_KINDS) == set(CHECKS) == set(EXAMPLES)


def is_kept(planning, configuration) -> bool:
    """Whether the inequalities hold for a configuration, the single terms chosen as well as can be."""
    state = state_of(planning, configuration)
    today = np.array([row.current for row in planning.instance.capacities])
    known = {
        "share": state.shares,
        "units": state.units,
        "served": state.served,
        "load": state.load,
        "added": np.maximum(0.0, state.units - today),
        "open": (state.units > 0).astype(float),
    }
    per_head = [
        1000.0 * state.units[planning.rows_of("helper", (zone,))].sum() / planning.heads((zone,)) for zone in (0, 1)
    ]

    def value(term, offered):
        family, number = term
        if family in known:
            return known[family][number]
        return {"most": max(per_head), "least": min(per_head), "present": float(offered)}[family]

    def holds(offered):
        rows = inequalities(planning, configuration.contract)
        return [
            (row.place, sum(factor * value(term, offered) for term, factor in row.terms.items()) <= row.bound + 1e-9)
            for row in rows
        ]

    without, with_ = holds(False), holds(True)
    places = {place for place, _ in with_}
    return all(
        all(kept for p, kept in without if p == place) or all(kept for p, kept in with_ if p == place)
        for place in places
    )


@pytest.mark.parametrize("rule", CASES)
def test_inequality_and_check_agree_on_random_plans(rule):
    planning = Planning(valley_with(rule))
    points = sampled(planning.encoding, np.random.default_rng(5))
    outcomes = set()
    for _ in range(150):
        configuration = planning.encoding.configuration(next(points))
        kept = not violations(planning, configuration)
        assert is_kept(planning, configuration) == kept
        outcomes.add(kept)
    assert outcomes == {True, False}, "the example should be kept by some plans and broken by others"


@pytest.mark.slow
def test_checker_and_milp_agree_on_a_thousand_random_plans():
    """Twenty-two instances, rules of two kinds each: a plan fixed in the MILP is feasible when the check says so."""
    outcomes = []
    kinds = list(EXAMPLES)
    for number in range(2 * len(kinds)):
        random = np.random.default_rng(number)
        two = [EXAMPLES[(kinds * 4)[number + place]] for place in (0, 1 + 3 * (number // len(kinds)))]
        chosen = [rules[int(random.integers(len(rules)))] for rules in two]
        planning = Planning(valley_with(*chosen))
        model = FixedPlan(planning)
        points = sampled(planning.encoding, random)
        for _ in range(46):
            genes = next(points)
            kept = not violations(planning, planning.encoding.configuration(genes))
            assert model.is_feasible(genes) == kept, (number, genes)
            outcomes.append(kept)
    assert len(outcomes) > 1000
    assert 100 < sum(outcomes) < 900


class FixedPlan:
    """The variables and rules of the MILP with nothing to minimise; each gene is held at a given value."""

    def __init__(self, planning: Planning) -> None:
        rows = tuple(inequalities(planning, "today"))
        variables = Variables(planning, rows, exact=True)
        variables.add_rules(rows)
        model = variables.model
        model.held = pyo.Param(model.genes, mutable=True, initialize=0)
        model.hold = pyo.Constraint(model.genes, rule=lambda m, g: m.steps[g] + m.never == m.held[g])
        model.nothing = pyo.Objective(expr=model.never)
        self._model, self._solver = model, PersistentSolver(model, gap=0.0)

    def is_feasible(self, genes) -> bool:
        for gene in self._model.genes:
            self._model.held[gene] = int(genes[gene])
        return self._solver.solve() is Status.SOLVED


def test_a_rule_without_bound_only_says_what_always_holds():
    planning = Planning(valley_with(Rule(rule="limits", kind="authorised", level="territory", resource="bed")))
    assert findings(planning, todays_configuration(planning.instance)) == ()


def test_values_off_the_steps_beyond_bounds_or_off_the_sum_are_found(planning):
    today = todays_configuration(planning.instance)
    wrong = type(today)((0.6, 0.0, *today.shares[2:]), (9, 40, 12), today.contract)
    found = {finding.rule for finding in violations(planning, wrong)}
    assert {"step", "minimum", "maximum", "shares"} <= found


@pytest.mark.parametrize("name", ["tiny", "loire"])
def test_today_keeps_the_rules_of_the_shipped_instances(name):
    instance = load_instance(name)
    assert violations(Planning(instance), todays_configuration(instance)) == ()


def test_a_model_without_whole_columns_has_none():
    solver = SilentHighs()
    solver.addVar(0.0, 1.0)
    solver.addRow(0.5, 0.5, 1, np.array([0], dtype=np.int32), np.array([1.0]))
    whole = WholeColumns.of(solver)
    assert (len(whole.numbers), len(whole.tie)) == (0, 0)
