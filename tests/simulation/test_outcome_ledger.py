"""Outcomes from logs told by hand: what a person lived, waited for, was helped with."""

import numpy as np
import pytest

from simulation.economics import discounted_duration
from simulation.indicators import Catalogue
from simulation.ledgers.outcomes import COMPONENTS
from simulation.records import Event
from tests.simulation.event_logs import FRAIL, HILLS, STEADY, TOWN, YEAR, Story

RUN = 731.0


def read(story, *expressions):
    catalogue, account = Catalogue.of(story.instance), story.account()
    return [catalogue.value(each, account) for each in expressions]


def scores(story):
    return dict(zip(COMPONENTS, read(story, *COMPONENTS), strict=True))


def alone():
    return Story().tell(0.0, Event.PRESENT, detail=0)


def in_ward(at=10.0, served=12.0, home=22.0):
    story = alone().bed(at, Event.WAIT, "usual/home", detail="usual/ward")
    story.bed(served, Event.ENTER, detail="usual/home")
    return story.bed(home, Event.GATE_END).tell(home, Event.ENTER, detail="usual/ward")


def test_time_is_that_inside_the_run():
    assert read(alone(), "person_years", "initial", "final") == [pytest.approx(RUN / YEAR), 1.0, 1.0]
    late = Story().tell(700.0, Event.ARRIVE, "", detail=0).tell(700.0, Event.ENTER)
    assert read(late, "person_years", "arrivals") == [pytest.approx(31.0 / YEAR), 1.0]


def test_qaly_is_utility_times_time_discounted_continuously():
    story = in_ward().die(400.0)
    plain = 0.8 * (390.0 + 10.0 * 0.7) / YEAR
    times = [(0.0, 12.0, 0.8), (12.0, 22.0, 0.56), (22.0, 400.0, 0.8)]
    discounted = sum(u * discounted_duration(0.025, a / YEAR, b / YEAR) for a, b, u in times)
    assert read(story, "qaly", "qaly_discounted") == [pytest.approx(plain), pytest.approx(discounted)]


def test_death_is_counted_where_it_happens():
    story = alone().tell(50.0, Event.HAZARD, detail=2).die(50.0)
    assert read(story, "deaths", "exits", "events[hazard=death]", "entries[step=dead]") == [1.0, 0.0, 1.0, 1.0]


def test_waits_and_stays():
    found = read(
        in_ward(), "waits", "waits_within", "mean_wait[resource=bed]", "stay_days[setting=ward]",
        "mean_stay[step=ward]", "hospital_days", "busy[resource=bed]",
    )  # fmt: skip
    assert found == pytest.approx([1.0, 0.0, 2.0, 10.0, 10.0, 10.0, 10.0])


def test_who_still_waits_at_the_horizon_counts_with_the_wait_so_far():
    story = alone().bed(700.0, Event.WAIT, "usual/home", detail="usual/ward")
    assert read(story, "waited_days", "waits_late", "overdue_days") == pytest.approx([31.0, 1.0, 30.0])


def test_who_waits_at_time_zero_has_waited_before():
    story = Story(since={0: -20.0}).tell(0.0, Event.PRESENT, detail=0)
    story.bed(0.0, Event.WAIT, "usual/home", detail="usual/ward").bed(5.0, Event.ENTER, detail="usual/home")
    assert read(story, "waited_days", "wait_days", "waits_within") == pytest.approx([25.0, 5.0, 0.0])


def test_capacity_and_line_of_a_pool():
    story = in_ward().capacity(100.0, 0, 10)
    assert read(story, "capacity[resource=bed]") == pytest.approx([8 * 100.0 + 10 * 631.0])
    assert read(story, "queue[resource=bed]") == pytest.approx([2.0 / RUN])


def test_units_beyond_a_reduced_capacity_drain():
    story = alone().bed(10.0, Event.WAIT, "usual/home", detail="usual/ward").bed(10.0, Event.ENTER, detail="usual/home")
    story.capacity(20.0, 0, 0)
    assert read(story, "draining[resource=bed]") == pytest.approx([RUN - 20.0])


def supported():
    return Story().tell(0.0, Event.PRESENT, "supported/home", detail=1, profile=FRAIL)


def test_a_service_awaited_is_unmet_need():
    story = supported().helper(0.0, Event.SERVICE_ASK, profile=FRAIL).helper(31.0, Event.SERVICE_GRANT, profile=FRAIL)
    found = read(story, "need_days", "unmet_days", "service_days", "service_within", "mean_service_wait")
    assert found == pytest.approx([RUN, 31.0, RUN - 31.0, 0.0, 31.0])


def test_a_service_held_at_time_zero_was_not_asked_for_in_the_run():
    story = supported().helper(0.0, Event.SERVICE_ASK).helper(0.0, Event.SERVICE_GRANT)
    assert read(story, "service_asks", "service_grants", "unmet_days") == [0.0, 0.0, 0.0]


def test_a_service_kept_through_an_absence_stays_busy_and_is_no_need():
    story = supported().helper(0.0, Event.SERVICE_ASK).helper(0.0, Event.SERVICE_GRANT)
    story.bed(100.0, Event.WAIT, "supported/home", detail="supported/ward")
    story.bed(100.0, Event.ENTER, "supported/ward", detail="supported/home")
    story.helper(100.0, Event.SERVICE_ABSENT, step="supported/ward").helper(
        121.0, Event.SERVICE_END, 0, step="supported/ward"
    )
    found = read(story, "busy[resource=helper]", "service_days", "need_days", "unmet_days")
    assert found == pytest.approx([121.0, 100.0, 100.0, 0.0])


def test_busy_units_are_those_that_people_hold():
    story = in_ward()
    assert read(story, "busy[resource=bed]-used[resource=bed]") == pytest.approx([0.0])


def test_a_profile_change_moves_the_account_at_once():
    story = alone().tell(100.0, Event.PROFILE, profile=FRAIL, detail=STEADY)
    found = read(story, "person_years[profile=steady]", "person_years[profile=frail]")
    assert found == pytest.approx([100.0 / YEAR, (RUN - 100.0) / YEAR])


def test_deaths_while_carrying_a_mark():
    story = Story(zones=(TOWN, TOWN))
    for who in (0, 1):
        story.tell(0.0, Event.PRESENT, who=who, detail=0).tell(10.0, Event.MARK, who=who, detail=0)
    story.tell(130.0, Event.MARK_END, who=1, detail=0).die(100.0, who=0).die(200.0, who=1)
    story.rows.sort(key=lambda row: row[0])
    assert read(story, "marks[mark=after_fall]", "deaths[mark=after_fall]", "deaths") == [2.0, 1.0, 2.0]


def test_broken_waits():
    story = alone().bed(10.0, Event.WAIT, "usual/home", detail="usual/ward")
    story.tell(15.0, Event.BREAK, detail="usual/ward").tell(15.0, Event.ENTER, detail="usual/home")
    assert read(story, "patience_breaks", "waits_served", "gate_breaks[resource=bed]") == [1.0, 0.0, 1.0]
    assert scores(story)["continuity"] == pytest.approx(100.0 * (1.0 - YEAR / RUN))


# Satisfaction.


def test_life_at_home_without_needs_scores_full_but_for_preference():
    found = scores(alone())
    assert found.pop("preferred_place") == pytest.approx(60.0)  # preference 0.6 for usual care
    assert found == pytest.approx(dict.fromkeys(found, 100.0))


@pytest.mark.parametrize("death", [30.0, 200.0, 700.0])
def test_dying_sooner_never_raises_a_component(death):
    later, sooner = scores(in_ward().die(death + 20.0)), scores(in_ward().die(death))
    assert all(sooner[name] <= later[name] + 1e-9 for name in COMPONENTS)


def test_dying_before_a_bad_episode_does_not_pay():
    lived, died = scores(in_ward(at=100.0, served=120.0, home=140.0)), scores(alone().die(90.0))
    assert all(died[name] <= lived[name] + 1e-9 for name in COMPONENTS)


def test_a_line_never_pays():
    served = in_ward(at=10.0, served=10.0, home=731.0)
    hidden = alone().bed(10.0, Event.WAIT, "usual/home", detail="usual/ward")
    first, second = scores(served), scores(hidden)
    assert all(second[name] <= first[name] + 1e-9 for name in COMPONENTS)
    assert second["access"] < first["access"]


def test_leaving_after_a_broken_wait_is_no_good_time():
    story = alone().bed(10.0, Event.WAIT, "usual/home", detail="usual/ward")
    story.tell(15.0, Event.BREAK, detail="usual/ward").tell(15.0, Event.LEAVE, "usual/home")
    assert max(scores(story).values()) <= 100.0 * 15.0 / RUN + 1e-9


def test_the_mean_is_over_persons():
    story = Story(zones=(TOWN, HILLS)).tell(0.0, Event.PRESENT, detail=0)
    story.tell(700.0, Event.ARRIVE, "", who=1, detail=0).tell(700.0, Event.ENTER, who=1)
    story.bed(700.0, Event.WAIT, "usual/home", who=1, detail="usual/ward")
    # the second is overdue for 30 of 31 days, the first never: half the people's scores each
    assert read(story, "access")[0] == pytest.approx(100.0 * (1.0 + 1.0 / 31.0) / 2.0)
    assert read(story, "access[zone=hills]")[0] == pytest.approx(100.0 / 31.0)


def test_accounts_add_up():
    one = Story(zones=(TOWN,)).tell(0.0, Event.PRESENT, detail=0)
    account = one.account()
    both = account + account
    assert np.array_equal(both.persons, 2.0 * account.persons)
