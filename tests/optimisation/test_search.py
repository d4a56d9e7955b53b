"""The search on a stand-in for simulation: sound, repeatable, ahead of chance, never stopped by a failure."""

from itertools import islice

import numpy as np
import pytest

from instances.tables import Rule
from optimisation.feasibility.checker import violations
from optimisation.feasibility.planning import Planning
from optimisation.plan import NoPlan
from optimisation.search import (
    FRESH_REPLICATIONS,
    SearchSettings,
    confirmed,
    front_of,
    hypervolume_of,
    random_plans,
    search,
)
from simulation.configuration import content_key, todays_configuration
from tests.optimisation.conftest import FluidStandIn, valley_with

SETTINGS = SearchSettings(population=12, replications=2, seed=7)


def generations(planning, count, settings=SETTINGS, fails=()):
    stand_in = FluidStandIn(planning, fails)
    return list(islice(search(planning.instance, stand_in, settings, planning), count))


def test_every_plan_keeps_every_rule(planning):
    last = generations(planning, 6)[-1]
    assert len(last.archive) > 40
    for member in last.archive:
        assert violations(planning, member.plan.configuration) == ()


def test_the_front_is_the_archives_and_only_grows_in_volume(planning):
    found = generations(planning, 8)
    volumes = [generation.hypervolume for generation in found]
    assert volumes == sorted(volumes)
    assert volumes[-1] > volumes[0]
    last = found[-1]
    assert last.front == front_of(last.archive, planning.instance.objectives)
    assert {member.key for member in found[0].archive} <= {member.key for member in last.archive}


def test_today_is_in_the_archive_from_the_start(planning):
    first = generations(planning, 1)[0]
    assert content_key(todays_configuration(planning.instance)) in {member.key for member in first.archive}
    assert first.today.configuration == todays_configuration(planning.instance)


def test_known_plans_are_drawn_again(planning):
    found = generations(planning, 6)
    sizes = [len(generation.archive) for generation in found]
    assert np.diff(sizes).min() >= 11


def test_the_same_seed_gives_the_same_search(planning):
    first, second = generations(planning, 4), generations(Planning(planning.instance), 4)
    assert [m.key for m in first[-1].archive] == [m.key for m in second[-1].archive]
    other = generations(planning, 4, SearchSettings(12, 2, 8))
    assert [m.key for m in first[-1].archive] != [m.key for m in other[-1].archive]


def test_ahead_of_random_repaired_plans(planning):
    found = generations(planning, 8)[-1]
    drawn = random_plans(planning.instance, FluidStandIn(planning), len(found.archive), SETTINGS, planning)
    assert len({member.key for member in drawn}) == len(found.archive)
    assert found.hypervolume > hypervolume_of(drawn, planning.instance.objectives)


def test_a_failing_plan_is_listed_and_kept_off_the_front(planning):
    key = content_key(todays_configuration(planning.instance))
    last = generations(planning, 3, fails=[key])[-1]
    assert [failure.key for failure in last.failures] == [key]
    assert key not in {member.key for member in last.front}


def test_a_confirmed_front_is_judged_on_fresh_replications(planning):
    stand_in = FluidStandIn(planning)
    front = generations(planning, 3)[-1].front
    fresh = confirmed(planning.instance, stand_in, front, 5, seed=1)
    assert [member.key for member in fresh] == [member.key for member in front]
    assert all(member.evaluation.replications[0] == FRESH_REPLICATIONS for member in fresh)
    assert all(member.probability == 1.0 for member in fresh)


def test_rules_that_leave_no_plan_are_named():
    instance = valley_with(Rule(rule="most", kind="authorised", resource="bed", bound=2))
    with pytest.raises(NoPlan, match="most by 4 units"):
        generations(Planning(instance), 1)
