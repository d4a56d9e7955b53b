"""The search on a stand-in for simulation: sound, repeatable, ahead of chance, never stopped by a failure."""

import json
from dataclasses import replace
from itertools import islice

import numpy as np
import pytest

from instances.tables import Rule
from optimisation.confirmation import FRESH_REPLICATIONS, confirmed, deciding, fresh
from optimisation.feasibility.checker import violations
from optimisation.feasibility.planning import Planning
from optimisation.feasibility.repair import Repairer
from optimisation.fronts import costs, nondominated
from optimisation.members import front_of, hypervolume_of, points_of
from optimisation.plan import NoPlan
from optimisation.records import GenerationRecord
from optimisation.search import BudgetTooSmall, SearchSettings, random_plans, search
from optimisation.standings import DOUBT_SHARE, PILOT, PILOTS, REFUSAL_SHARE
from simulation.configuration import content_key, todays_configuration
from tests.optimisation.conftest import FluidStandIn, valley_instance, valley_with

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


def test_most_plans_are_new():
    """Of 240 after the first generation three quarters; the last of so small a valley are repaired to known ones."""
    new = 0
    for seed in range(1, 5):
        first, *_, last = generations(Planning(valley_instance()), 6, SearchSettings(12, 2, seed))
        new += len(last.archive) - len(first.archive)
    assert new >= 0.75 * 4 * 5 * 12


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


class Refusing(FluidStandIn):
    """Finds some plans likely to overrun a budget, on fresh replications."""

    def __init__(self, planning, refused):
        super().__init__(planning)
        self.refused = refused

    def evaluate(self, configurations, replications):
        found = super().evaluate(configurations, replications)
        return [
            replace(one, judgement=replace(one.judgement, flags=("overrun: by chance",)))
            if one.key in self.refused
            else one
            for one in found
        ]


class Harming(Refusing):
    """Finds some plans harmful, on fresh replications."""

    def evaluate(self, configurations, replications):
        return [
            replace(one, judgement=replace(one.judgement, flags=("harmful: 3 more deaths than today",)))
            if one.judgement.flags
            else one
            for one in super().evaluate(configurations, replications)
        ]


def test_where_a_whole_front_falls_the_plans_behind_it_are_looked_at(planning):
    last = generations(planning, 3)[-1]
    harmful = {member.key for member in last.front}
    stand_in = Harming(planning, harmful)
    alone = confirmed(planning.instance, stand_in, last.front, 5, seed=1, most=4)
    assert not any(member.stands for member in alone)
    found = confirmed(planning.instance, stand_in, last.front, 5, seed=1, most=4, archive=last.archive)
    assert [member.key for member in found[: len(last.front)]] == [member.key for member in last.front]
    assert len({member.key for member in found}) == len(found)
    standing = {member.key for member in found if member.stands}
    behind = front_of([m for m in last.archive if m.key not in harmful], planning.instance.objectives)
    assert standing
    assert standing <= {member.key for member in behind}


def test_plans_behind_a_front_wait_while_enough_of_it_are_left(planning):
    last = generations(planning, 3)[-1]
    harmful = {member.key for member in last.front[::2]}
    for most, are_enough in ((len(last.front) - len(harmful), True), (len(last.front), False)):
        stand_in = Harming(planning, harmful)
        found = confirmed(planning.instance, stand_in, last.front, 5, seed=1, most=most, archive=last.archive)
        looked_at = [member.key for member in found]
        assert looked_at[: len(last.front)] == [member.key for member in last.front]
        assert (len(looked_at) == len(last.front)) == are_enough


def test_plans_that_overrun_a_budget_make_room_too(planning):
    last = generations(planning, 3)[-1]
    stand_in = Refusing(planning, {member.key for member in last.front})
    found = confirmed(planning.instance, stand_in, last.front, 5, seed=1, most=4, archive=last.archive)
    assert any(member.stands for member in found)


@pytest.mark.parametrize("replications_each", [6, 9, 14])
def test_looks_behind_a_front_keep_the_budget(planning, replications_each):
    last = generations(planning, 3)[-1]
    stand_in = Harming(planning, {member.key for member in last.front})
    runs = replications_each * len(last.front)
    found = confirmed(planning.instance, stand_in, last.front, 5, seed=1, most=8, runs_left=runs, archive=last.archive)
    assert stand_in.simulations <= runs
    assert len(found) > len(last.front)


def test_refused_plans_take_nothing_from_the_probability_of_those_that_stand(planning):
    last = generations(planning, 3)[-1]
    refused = {member.key for member in last.front}
    fresh = confirmed(planning.instance, Refusing(planning, refused), last.archive, 5, seed=1)
    standing = [member for member in fresh if member.stands]
    assert standing
    assert not refused & {member.key for member in standing}
    assert all(member.probability == 1.0 for member in standing)


def test_rules_that_leave_no_plan_are_named():
    instance = valley_with(Rule(rule="most", kind="authorised", resource="bed", bound=2))
    with pytest.raises(NoPlan, match="most by 4 units"):
        generations(Planning(instance), 1)


DOUBTFUL = SearchSettings(population=12, replications=1, seed=7, most_replications=8)


def noisy(planning, count, settings=DOUBTFUL, past=(), stand_in=None):
    evaluator = stand_in or FluidStandIn(planning, luck=0.3, noise=0.05)
    return list(islice(search(planning.instance, evaluator, settings, planning, past), count))


def told(generation):
    return [
        (member.key, len(member.evaluation.replications), member.evaluation.judgement.point.tolist())
        for member in generation.archive
    ]


def test_replications_go_where_dominance_is_in_doubt(planning):
    """Plans of the front and those that only the front dominates get more than those further behind."""
    last = noisy(planning, 5, stand_in=FluidStandIn(planning, luck=0.3, noise=0.02))[-1]
    counts = np.array([len(member.evaluation.replications) for member in last.archive])
    assert counts.min() == 1
    assert 3 <= counts.max() <= 8
    assert counts.sum() < 2 * len(counts)
    later, replicated = last.archive[PILOTS:], counts[PILOTS:]
    points = points_of([member.evaluation for member in later], planning.instance.objectives)
    first = nondominated(points)
    near = first.copy()
    near[~first] = nondominated(points[~first])
    assert min(near.sum(), (~near).sum()) > 10
    assert replicated[near].mean() > replicated[~near].mean()


def test_unequal_luck_is_taken_off_by_todays(planning):
    """Without noise of their own, plans replicated differently stand where they truly are, apart from one luck."""
    found = noisy(planning, 3, stand_in=FluidStandIn(planning, luck=1.0, noise=0.0))[-1]
    stand_in = FluidStandIn(planning)
    shifts = np.array(
        [member.evaluation.judgement.point - stand_in.truth(member.plan.configuration) for member in found.archive]
    )
    assert len({len(member.evaluation.replications) for member in found.archive}) > 1
    assert np.ptp(shifts, axis=0) == pytest.approx(np.zeros(3), abs=1e-6)  # guesses are rounded


class InParts(FluidStandIn):
    """Counts as simulation does: a plan's part in one territory is run once, whatever other parts it comes with.

    first, further: runs on the first replication of plans, and on further ones.
    """

    first, further = 0, 0

    def _parts(self, configuration, replications):
        encoding = self.planning.encoding
        genes = encoding.genes(configuration)
        own = [genes[encoding.block == territory].tobytes() for territory in np.unique(encoding.block)]
        return {(f"{place} {part!r}", number) for place, part in enumerate(own) for number in replications}

    def evaluate(self, configurations, replications):
        found = super().evaluate(configurations, replications)
        plans = {(one.key, number) for one in found for number in replications}
        self.known -= plans
        before = len(self.known)
        self.known |= {run for one in configurations for run in self._parts(one, replications)}
        if len(replications) == 1:
            self.first += len(self.known) - before
        else:
            self.further += len(self.known) - before
        return found

    def needed(self, configurations, replications):
        new, counts = set(), []
        for configuration in configurations:
            new |= self._parts(configuration, replications) - self.known
            counts.append(len(new))
        return counts


def test_doubt_takes_no_more_runs_than_its_share_of_those_of_new_plans(planning):
    """A plan shares most parts with those known and takes few runs; replicated further, it takes all its parts."""
    stand_in = InParts(planning, luck=0.3, noise=0.05)
    spent, plans = [], 0
    for generation in islice(search(planning.instance, stand_in, DOUBTFUL, planning), 24):
        spent.append((stand_in.first, stand_in.further))
        plans = len(generation.archive)
        assert sum(spent[-1]) == generation.simulations
    parts = len(np.unique(planning.encoding.block))
    assert stand_in.first < 0.5 * parts * plans
    first, further = np.array(spent[-1]) - spent[5]  # today and the pilots are done by then
    one_each = parts * DOUBTFUL.most_replications // 2  # what one plan may take beyond what is left, at most doubled
    assert 0 < further <= (REFUSAL_SHARE + DOUBT_SHARE) * first + 2 * one_each


class Doubting(FluidStandIn):
    """Refuses every plan but today's on fewer than two replications."""

    def evaluate(self, configurations, replications):
        today = todays_configuration(self.planning.instance)
        return [
            replace(one, judgement=replace(one.judgement, flags=("unstable: a line, as far as one can tell",)))
            if len(one.replications) < 2 and one.configuration != today
            else one
            for one in super().evaluate(configurations, replications)
        ]


def test_plans_refused_on_few_replications_are_looked_at_again_where_they_would_add_to_the_front(planning):
    found = noisy(planning, 4, stand_in=Doubting(planning, luck=0.3, noise=0.001))
    archive = found[-1].archive
    sound = [member for member in archive if member.evaluation.is_sound]
    assert len(sound) > PILOTS + 4
    assert {len(member.evaluation.replications) for member in archive if not member.evaluation.is_sound} == {1}
    assert found[-1].hypervolume > found[0].hypervolume
    asked = sum(len(member.evaluation.replications) - 1 for member in archive)
    assert asked < 0.8 * len(archive) + PILOTS * PILOT


def test_without_doubt_nothing_is_replicated_twice(planning):
    last = generations(planning, 3, SearchSettings(population=12, replications=2, seed=7))[-1]
    assert {len(member.evaluation.replications) for member in last.archive} == {2}
    assert last.hypervolume_noise == pytest.approx(0.0, abs=1e-12)
    assert generations(planning, 1, SearchSettings(population=12, replications=1, seed=7))[0].hypervolume_noise is None


def test_a_search_goes_on_from_its_records_as_if_never_left(planning):
    whole = noisy(planning, 3)
    for done in (1, 2):
        past = [GenerationRecord.of(json.loads(json.dumps(one.record.document()))) for one in whole[:done]]
        again = noisy(planning, 3, past=past)
        assert [one.is_past for one in again] == [number < done for number in range(3)]
        assert [told(one) for one in again] == [told(one) for one in whole]
        assert [one.record for one in again] == [one.record for one in whole]
        assert [one.hypervolume_noise for one in again] == [one.hypervolume_noise for one in whole]


def test_going_on_repairs_nothing_of_the_past(planning, monkeypatch):
    whole = noisy(planning, 2)
    monkeypatch.setattr(Repairer, "repair", lambda *_: pytest.fail("repaired again"))
    again = noisy(planning, 2, past=[one.record for one in whole])
    assert told(again[-1]) == told(whole[-1])


@pytest.mark.parametrize("budget", [37, 60])
def test_the_budget_is_never_exceeded_and_nearly_spent(planning, budget):
    stand_in = FluidStandIn(planning, luck=0.3, noise=0.05)
    settings = SearchSettings(population=12, replications=1, seed=7, most_replications=8, budget=budget)
    found = list(search(planning.instance, stand_in, settings, planning))
    assert stand_in.simulations <= budget
    assert stand_in.simulations > budget - 12
    assert found[-1].simulations == stand_in.simulations


def test_a_budget_for_nothing_is_refused(planning):
    settings = SearchSettings(population=12, replications=2, seed=7, budget=1)
    with pytest.raises(BudgetTooSmall, match="1 component runs"):
        next(search(planning.instance, FluidStandIn(planning), settings, planning))


def test_plans_clearly_dominated_at_a_first_look_get_no_more_replications(planning):
    archive = noisy(planning, 3)[-1].archive
    stand_in = FluidStandIn(planning, luck=0.3, noise=0.02)
    fresh = confirmed(planning.instance, stand_in, archive, 30, seed=1)
    counts = [len(member.evaluation.replications) for member in fresh]
    assert set(counts) == {5, 10, 30}  # looked at on a sixth as many, decided on a third
    assert all(member.probability < 0.05 for count, member in zip(counts, fresh, strict=True) if count == 5)
    assert all((count == 30) == member.stands for count, member in zip(counts, fresh, strict=True))
    assert sum(member.probability for member in fresh) > 1.0
    assert all((member.group is None) == (len(member.evaluation.replications) < 30) for member in fresh)
    truth = costs(
        np.array([stand_in.truth(member.plan.configuration) for member in fresh]), planning.instance.objectives
    )
    really = nondominated(truth)
    assert all(member.probability >= 0.05 for member, is_kept in zip(fresh, really, strict=True) if is_kept)


def test_what_is_reported_comes_from_replications_that_decided_nothing(planning):
    archive = noisy(planning, 3)[-1].archive
    stand_in = Recording(planning, luck=0.3, noise=0.02)
    found = confirmed(planning.instance, stand_in, archive, 30, seed=1)
    standing = [member for member in found if member.stands]
    assert standing
    assert {member.evaluation.replications for member in standing} == {tuple(fresh(30))}
    fallen = {member.evaluation.replications for member in found if not member.stands}
    decided = deciding(30, 1 / 3)
    assert fallen <= {tuple(decided), tuple(decided)[:5]}
    assert not set(fresh(30)) & set(decided)
    reported = {key for key, number in stand_in.asked if number in fresh(30)}
    assert reported == {member.key for member in standing}


@pytest.mark.parametrize(("share", "looked_at", "decided"), [(1.0, 5, 30), (0.5, 5, 15), (0.1, 5, 5)])
def test_an_instance_says_on_how_many_fresh_replications_it_is_decided(planning, share, looked_at, decided):
    archive = noisy(planning, 3)[-1].archive
    search = planning.instance.settings.search.model_copy(update={"deciding_share": share})
    settings = planning.instance.settings.model_copy(update={"search": search})
    instance = replace(planning.instance, settings=settings)
    found = confirmed(instance, FluidStandIn(planning, luck=0.3, noise=0.02), archive, 30, seed=1)
    assert {member.evaluation.replications for member in found if member.stands} == {tuple(fresh(30))}
    fallen = {member.evaluation.replications for member in found if not member.stands}
    assert fallen == {tuple(deciding(30, share)), tuple(deciding(30, 1.0)[:looked_at])}
    assert len(deciding(30, share)) == decided


class Recording(FluidStandIn):
    """Remembers which plan was asked for in which replication."""

    def __init__(self, planning, **noises):
        super().__init__(planning, **noises)
        self.asked = set()

    def evaluate(self, configurations, replications):
        found = super().evaluate(configurations, replications)
        self.asked |= {(one.key, number) for one in found for number in replications}
        return found


class RefusingLate(FluidStandIn):
    """Flags some plans once they are judged on the replications that are reported too."""

    def __init__(self, planning, refused, **noises):
        super().__init__(planning, **noises)
        self.refused = refused

    def evaluate(self, configurations, replications):
        late = len(replications) > 15 and not set(replications) <= set(fresh(30))
        return [
            replace(one, judgement=replace(one.judgement, flags=("harmful: 3 more deaths than today",)))
            if late and one.key in self.refused
            else one
            for one in super().evaluate(configurations, replications)
        ]


def test_a_plan_flagged_on_all_fresh_replications_falls_and_makes_room(planning):
    archive = noisy(planning, 3)[-1].archive
    before = confirmed(planning.instance, FluidStandIn(planning, luck=0.3, noise=0.02), archive, 30, seed=1)
    first = next(member for member in before if member.stands)
    stand_in = RefusingLate(planning, {first.key}, luck=0.3, noise=0.02)
    after = {m.key: m for m in confirmed(planning.instance, stand_in, archive, 30, seed=1)}
    assert not after[first.key].stands
    assert after[first.key].evaluation.judgement.flags == ("harmful: 3 more deaths than today",)
    others = {member.key for member in before if member.stands} - {first.key}
    assert others <= {member.key for member in after.values() if member.stands}


def test_confirming_within_a_budget_takes_fewer_replications(planning):
    front = noisy(planning, 3)[-1].front
    stand_in = FluidStandIn(planning, noise=0.02)
    fresh = confirmed(planning.instance, stand_in, front, 30, seed=1, runs_left=12 * len(front))
    assert stand_in.simulations <= 12 * len(front)
    counts = {len(member.evaluation.replications) for member in fresh}
    assert counts <= {5, max(counts)}
    assert 7 < max(counts) <= 30  # 5 to decide on and 7 for all; what those that fall save goes to the others
    assert confirmed(planning.instance, FluidStandIn(planning), front, 30, seed=1, runs_left=1) == ()
