"""Rules that leave no plan: what conflicts and the smallest relaxations, against every plan of the valley."""

from dataclasses import replace
from functools import cache
from itertools import product

import numpy as np
import pytest

from instances.tables import Rule
from instances.tables.rules import RuleKind
from optimisation.feasibility.amounts import enough
from optimisation.feasibility.checker import findings, violations
from optimisation.feasibility.explanation import explained
from optimisation.feasibility.planning import Planning
from optimisation.feasibility.repair import Repairer
from optimisation.feasibility.room import rooms
from optimisation.plan import Infeasible, NoPlan, Plan
from optimisation.starting_points import spending_terms
from simulation.configuration import todays_configuration
from tests.optimisation.conftest import valley_with

BYSTANDER = Rule(rule="fine", kind="share", profile="frail", pathway="usual", bound=1.0)
IMPOSSIBLE: dict[RuleKind, Rule] = {
    "budget": Rule(rule="pays", kind="budget", payer="insurance", bound=100_000),
    "authorised": Rule(rule="most", kind="authorised", resource="bed", bound=2),
    "opening": Rule(rule="opens", kind="opening", zone="town", resource="helper", bound=40),
    "staffing": Rule(rule="staffs", kind="staffing", resource="helper", other_resource="bed", bound=50),
    "workforce": Rule(rule="recruits", kind="workforce", competence="home_helper", bound=10),
    "requires": Rule(
        rule="needs", kind="requires", zone="town", profile="steady", pathway="usual", other_resource="helper", bound=60
    ),
    "coverage": Rule(rule="served", kind="coverage", resource="bed", bound=1.4),
    "occupancy": Rule(rule="full", kind="occupancy", resource="bed", bound=0.2),
    "equity": Rule(rule="even", kind="equity", resource="helper", bound=0.01),
    "share": Rule(rule="many", kind="share", sense="at_least", profile="frail", pathway="supported", bound=0.9),
    "sharing": Rule(rule="shared", kind="sharing", level="basin", resource="helper", bound=0.5),
}
CONFLICTS = {
    "more helpers than can be recruited": (
        Rule(rule="many", kind="authorised", resource="helper", sense="at_least", bound=40),
        Rule(rule="recruits", kind="workforce", competence="home_helper", bound=30),
    ),
    "a pathway to offer without what it requires": (
        Rule(rule="offered", kind="coverage", zone="town", profile="frail", pathway="supported", bound=0.5),
        Rule(rule="needs", kind="requires", zone="town", pathway="supported", other_resource="helper", bound=35),
    ),
    "helpers nobody can pay": (
        Rule(rule="staffs", kind="staffing", resource="helper", other_resource="bed", bound=5.0),
        Rule(rule="bears", kind="budget", provider="home_service", money="operating", bound=140_000),
    ),
}


@cache
def every_plan():
    """Every configuration within ranges, steps and mixes: the valley has 1,728."""
    planning = Planning(valley_with())
    encoding = planning.encoding
    groups = [np.flatnonzero(encoding.group == group) for group in range(encoding.group.max() + 1)]
    mixes = [
        [mix for mix in product(*(range(encoding.low[c], encoding.high[c] + 1) for c in cells)) if sum(mix) == 0]
        for cells in groups
    ]
    lots = [range(encoding.low[g], encoding.high[g] + 1) for g in range(encoding.shares, encoding.decided)]
    return [
        encoding.configuration(
            np.array([*(v for part in choice[: len(groups)] for v in part), *choice[len(groups) :], 0])
        )
        for choice in product(*mixes, *lots)
    ]


def excesses(planning, configuration):
    """Return how far each rule is broken, over its places."""
    found = {rule.rule: 0.0 for rule in planning.instance.rules}
    for finding in findings(planning, configuration):
        if not finding.is_kept:
            found[finding.rule] += finding.excess
    return found


def least_excess(planning, rule, keeping):
    """Return the least by which one rule is broken by a plan that keeps some others."""
    found = [excesses(planning, plan) for plan in every_plan()]
    return min((one[rule] for one in found if not any(one[other] for other in keeping)), default=None)


@pytest.mark.parametrize("rule", IMPOSSIBLE.values(), ids=IMPOSSIBLE.keys())
def test_an_impossible_rule_is_named_with_the_least_amount(rule):
    planning = Planning(valley_with(rule, BYSTANDER))
    explanation = explained(planning, "today")
    assert {name for name, _ in explanation.conflict} == {rule.rule}
    assert {relaxation.rule for relaxation in explanation.relaxations} == {rule.rule}
    expected = least_excess(planning, rule.rule, keeping=[BYSTANDER.rule])
    assert sum(relaxation.amount for relaxation in explanation.relaxations) == pytest.approx(expected, rel=1e-4)
    assert explanation.is_proven


def test_no_kind_lacks_an_impossible_rule():
    assert set(IMPOSSIBLE) == {rule.kind for rule in IMPOSSIBLE.values()} == set(RuleKind.__args__)


@pytest.mark.parametrize("rules", CONFLICTS.values(), ids=CONFLICTS.keys())
def test_two_rules_that_conflict_are_named_with_what_each_would_have_to_give(rules):
    planning = Planning(valley_with(BYSTANDER, *rules))
    explanation = explained(planning, "today")
    names = {rule.rule for rule in rules}
    assert {rule for rule, _ in explanation.conflict} == names
    assert len({relaxation.rule for relaxation in explanation.relaxations}) == 1
    ways = (explanation.relaxations, *explanation.instead)
    assert {one.rule for relaxations in ways for one in relaxations} == names
    for relaxations in ways:
        (name,) = {one.rule for one in relaxations}
        expected = least_excess(planning, name, keeping=[BYSTANDER.rule, *(names - {name})])
        assert sum(one.amount for one in relaxations) == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("rules", CONFLICTS.values(), ids=CONFLICTS.keys())
def test_without_any_rule_of_a_conflict_there_is_a_plan(rules):
    for left_out in rules:
        kept = [rule for rule in rules if rule is not left_out]
        assert explained(Planning(valley_with(BYSTANDER, *kept)), "today").conflict == ()


def test_two_separate_impossibilities_need_two_relaxations():
    planning = Planning(valley_with(IMPOSSIBLE["authorised"], IMPOSSIBLE["workforce"], BYSTANDER))
    explanation = explained(planning, "today")
    assert {one.rule: one.amount for one in explanation.relaxations} == pytest.approx({"most": 4.0, "recruits": 6.0})
    assert explanation.conflicts == ((("most", ""),), (("recruits", ""),))


def test_a_rule_that_is_impossible_at_two_places_is_named_at_both():
    """Each territory has at least 16 helpers' worth of room and the rule asks each for 40: 10 and 22 are missing."""
    rule = Rule(rule="many", kind="authorised", level="territory", resource="helper", sense="at_least", bound=40)
    explanation = explained(Planning(valley_with(BYSTANDER, rule)), "today")
    assert explanation.conflicts == ((("many", "town"),), (("many", "hills"),))
    assert {one.place: one.amount for one in explanation.relaxations} == pytest.approx({"town": 10.0, "hills": 22.0})


def test_two_separate_conflicts_are_each_named_with_what_could_give_way_instead():
    """At least 40 helpers of whom 30 can be recruited; 10 beds beside a rule that leaves 8: 12 and 2 apart."""
    beds = (
        Rule(rule="beds", kind="authorised", resource="bed", sense="at_least", bound=10),
        Rule(rule="limit", kind="authorised", resource="bed", bound=8),
    )
    explanation = explained(Planning(valley_with(*CONFLICTS["more helpers than can be recruited"], *beds)), "today")
    assert set(explanation.conflicts) == {(("many", ""), ("recruits", "")), (("beds", ""), ("limit", ""))}
    ways = [{one.rule: round(one.amount, 6) for one in way} for way in (explanation.relaxations, *explanation.instead)]
    assert {"many", "recruits"} & set(ways[0])
    assert {"beds", "limit"} & set(ways[0])
    assert len(ways) == 3
    for way in ways:
        assert sorted(way.values()) == [2.0, 12.0]


def test_places_that_can_stand_in_for_each_other_are_one_conflict():
    """Helpers of the valley are at least 16: a rule for each territory leaves 15 of them, whichever place gives way."""
    rules = (
        Rule(rule="enough", kind="authorised", resource="helper", sense="at_least", bound=40),
        Rule(rule="few", kind="authorised", level="territory", resource="helper", bound=18),
    )
    explanation = explained(Planning(valley_with(*rules)), "today")
    assert len(explanation.conflicts) == 1
    assert {rule for rule, _ in explanation.conflict} == {"enough", "few"}


def test_nothing_is_explained_where_there_is_a_plan():
    assert explained(Planning(valley_with(BYSTANDER)), "today").lines == ()


def test_repair_says_what_conflicts_line_by_line():
    rules = CONFLICTS["more helpers than can be recruited"]
    planning = Planning(valley_with(*rules))
    found = Repairer(planning).repair(todays_configuration(planning.instance))
    assert isinstance(found, Infeasible)
    assert str(NoPlan(found)).splitlines() == [
        "no plan keeps every rule",
        "  cannot be kept together: many; recruits",
        "  smallest relaxation: many by 12 units",
        "  or instead: recruits by 12 staff",
    ]


def two_contracts(*rules):
    """The valley with a second contract to choose, under which all prices are a third of today's."""
    instance = valley_with(*rules)
    third = [row.model_copy(update={"contract": "third", "amount": row.amount / 3}) for row in instance.prices]
    return replace(
        instance,
        contracts=(*instance.contracts, instance.contracts[0].model_copy(update={"contract": "third"})),
        prices=(*instance.prices, *third),
        settings=instance.settings.model_copy(update={"decide_contract": True}),
    )


def test_a_plan_under_another_contract_is_found_by_repair_and_as_the_most_frugal_one():
    planning = Planning(two_contracts(Rule(rule="pays", kind="budget", payer="insurance", bound=400_000)))
    repairer = Repairer(planning)
    found = repairer.frugal(lambda contract: spending_terms(planning, contract))
    assert not isinstance(found, Infeasible)
    assert violations(planning, found[0]) == ()
    assert found[0].contract == "third"
    assert repairer.repair(todays_configuration(planning.instance)).configuration.contract == "third"


def test_where_budgets_leave_no_plan_every_contract_that_may_be_chosen_is_explained():
    planning = Planning(two_contracts(IMPOSSIBLE["budget"]))
    repairer = Repairer(planning)
    least = {contract: repairer.explain(contract).relaxations[0].amount for contract in ("today", "third")}
    assert least["third"] < least["today"]
    for found in (
        repairer.repair(todays_configuration(planning.instance)),
        repairer.frugal(lambda contract: spending_terms(planning, contract)),
    ):
        assert isinstance(found, Infeasible)
        assert found.lines == (
            "cannot be kept: pays",
            f"smallest relaxation: pays by {enough(least['today'])} EUR/year",
            "under contract third: cannot be kept: pays",
            f"under contract third: smallest relaxation: pays by {enough(least['third'])} EUR/year",
        )


def test_a_conflict_without_money_is_the_same_under_every_contract():
    planning = Planning(two_contracts(IMPOSSIBLE["workforce"]))
    found = Repairer(planning).frugal(lambda contract: spending_terms(planning, contract))
    assert isinstance(found, Infeasible)
    assert found.lines == ("cannot be kept: recruits", "smallest relaxation: recruits by 6 staff")


def test_ranges_that_leave_nothing_are_told_from_rules():
    """A profile each of whose shares must be at its most, which sum to more than one."""
    instance = valley_with(BYSTANDER)
    offers = tuple(
        row.model_copy(update={"minimum": row.maximum}) if row.profile == "frail" else row for row in instance.offers
    )
    planning = Planning(replace(instance, offers=offers))
    explanation = explained(planning, "today")
    assert explanation.is_beyond_rules
    assert explanation.lines == ("ranges, steps and mixes that sum to one leave no plan, whatever the rules",)


@pytest.mark.parametrize("kind", ["coverage", "occupancy"])
def test_a_pool_that_serves_several_places_is_asked_for_once(kind):
    """The valley's beds serve both territories: a rule for each of these is one rule for the beds."""
    each = IMPOSSIBLE[kind].model_copy(update={"level": "territory"})
    whole = IMPOSSIBLE[kind].model_copy(update={"level": "basin"})
    by_territory, by_basin = (explained(Planning(valley_with(BYSTANDER, rule)), "today") for rule in (each, whole))
    assert by_territory.relaxations == by_basin.relaxations
    assert by_territory.conflicts == by_basin.conflicts == (((each.rule, "valley"),),)


def test_the_most_frugal_plan_and_the_least_use_of_budgets_are_those_of_any_contract():
    purse = Rule(rule="pays", kind="budget", payer="insurance", money="operating", bound=2_000_000)
    chosen = two_contracts(purse)
    planning = Planning(chosen)
    found = Repairer(planning).most_frugal(lambda contract: spending_terms(planning, contract))
    third = replace(chosen, settings=chosen.settings.model_copy(update={"contract": "third", "decide_contract": False}))
    only = Planning(third)
    alone = Repairer(only).most_frugal(lambda contract: spending_terms(only, contract))
    assert found[0].contract == alone[0].contract == "third"
    assert found[1] == pytest.approx(alone[1], rel=1e-6)
    (room,), (there,) = rooms(planning), rooms(only)
    assert (room.contract, room.least) == ("third", pytest.approx(there.least, abs=1e-3))


@pytest.mark.parametrize("part", [1e-7, 3e-7, 6e-7, 9e-7])
def test_a_bound_that_is_met_but_for_rounding_leaves_a_plan(part):
    """Ten beds where their annuity exceeds what may be invested by less than is let pass: to the cent, as typed."""
    beds = Rule(rule="beds", kind="authorised", resource="bed", sense="at_least", bound=10)
    free = Planning(valley_with(beds))
    invested = Rule(rule="invested", kind="budget", money="investment", bound=1e9)
    (needed,) = [
        finding.value
        for finding in findings(
            Planning(valley_with(invested), free.flows),
            Repairer(free).repair(todays_configuration(free.instance)).configuration,
        )
        if finding.rule == "invested"
    ]
    tight = invested.model_copy(update={"bound": needed * (1.0 - part)})
    planning = Planning(valley_with(beds, tight), free.flows)
    repairer = Repairer(planning)
    assert isinstance(repairer.repair(todays_configuration(planning.instance)), Plan)
    assert not isinstance(repairer.frugal(lambda contract: spending_terms(planning, contract)), Infeasible)


@pytest.mark.parametrize("bound", [0.0, 1.0])
def test_a_bound_that_is_missed_beyond_rounding_leaves_none_and_is_named(bound):
    beds = Rule(rule="beds", kind="authorised", resource="bed", sense="at_least", bound=10)
    nothing = Rule(rule="invested", kind="budget", money="investment", bound=bound)
    planning = Planning(valley_with(beds, nothing))
    found = Repairer(planning).repair(todays_configuration(planning.instance))
    assert isinstance(found, Infeasible)
    assert {rule for rule, _ in found.explanation.conflict} == {"beds", "invested"}
