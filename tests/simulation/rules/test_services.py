"""Rule T7: services beside the step.

Asked for, kept through an absence or lost, leading to a step and becoming its gate, taken over from a gate, and at work
on hazards.
"""

from dataclasses import replace

import numpy as np
import pytest

from tests.simulation.rules.expectations import budget, lines
from tests.simulation.rules.worlds import YEAR, life, more_units
from tests.simulation.stories import ends, fixed, scene, world


@pytest.fixture
def at_home():
    """A world of two days at home with a helper, a day away, home again, for ever (all but)."""

    def build(**cells: object):
        return world(
            entry="home",
            steps=[fixed("home", 2), fixed("away", 1)],
            moves=[ends("home", "away"), ends("away", "home", 0.999999), ends("away", "out", 0.000001)],
            resources=[{"resource": "helper"}],
            capacities=[{"zone": "01", "resource": "helper", "current": 1}],
            services=[{"pathway": "care", "step": "home", "resource": "helper", **cells}],
        )

    return build


def test_t7_a_service_is_kept_through_an_absence_and_its_onset_runs_on(engine_name, at_home):
    story, _ = scene(at_home(onset=2.5, keep=1.5), 0.0).play(engine_name, until=3.5)
    assert story == lines("""
        0 #0 ARRIVE care
        0 #0 ENTER home
        0 #0 SERVICE_ASK 1 helper
        0 #0 SERVICE_GRANT 1 helper
        2 #0 ENTER away
        2 #0 SERVICE_ABSENT 1 helper
        2.5 #0 ONSET 1 helper
        3 #0 ENTER home
        3 #0 SERVICE_RETURN 1 helper
    """)


def test_t7_a_service_ends_when_the_absence_outlasts_its_keep(engine_name, at_home):
    """The helper is freed at 2.5 and goes to who waits in the list; back home, the first waits in turn."""
    story, _ = scene(at_home(keep=0.5), 0.0, 1.0).play(engine_name, until=3.25)
    assert story[4:] == lines("""
        1 #1 ARRIVE care
        1 #1 ENTER home
        1 #1 SERVICE_ASK 1 helper
        2 #0 ENTER away
        2 #0 SERVICE_ABSENT 1 helper
        2.5 #0 SERVICE_END 0 helper
        2.5 #1 SERVICE_GRANT 1 helper
        3 #0 ENTER home
        3 #0 SERVICE_ASK 1 helper
        3 #1 ENTER away
        3 #1 SERVICE_ABSENT 1 helper
    """)


def test_t7_without_keep_a_service_ends_with_the_step(engine_name, at_home):
    story, _ = scene(at_home(), 0.0).play(engine_name, until=2.5)
    assert story[-2:] == ["2 #0 ENTER away", "2 #0 SERVICE_END 0 helper"]


def test_t7_who_awaits_a_service_keeps_the_rank_through_an_absence(engine_name, at_home):
    """#1 asks at 1, is away from 3 to 4, and still comes before #2 who asks at 2.5, when #0 leaves at 4."""
    instance = at_home(keep=9)
    capacities = tuple(
        row.model_copy(update={"current": 0, "maximum": 1, "lead_time": 3.5}) for row in instance.capacities
    )
    people = scene(replace(instance, capacities=capacities), 1.0, 2.5)
    story, _ = people.play(engine_name, until=3.75, configuration=more_units(people, 1))
    assert story[2:] == lines("""
        1 #0 SERVICE_ASK 1 helper
        2.5 #1 ARRIVE care
        2.5 #1 ENTER home
        2.5 #1 SERVICE_ASK 1 helper
        3 #0 ENTER away
        3 #0 SERVICE_ABSENT 1 helper
        3.5 - CAPACITY 1 helper
        3.5 #0 SERVICE_GRANT 1 helper
    """)


def nursing(place_amount: int = 1, **residence: object):
    """Home until a nursing-home place is there; the place is the gate of admission, then a service."""
    return world(
        entry="home",
        steps=[
            {"pathway": "care", "step": "home", "anchor": True},
            fixed("ward", 3),
            fixed("admission", 1, gate="place", amount=place_amount, hold=True),
            {"pathway": "care", "step": "residence"},
        ],
        moves=[
            {"pathway": "care", "step": "home", "hazard": "fall", "to": "ward", "rate": 0.0001},
            ends("ward", "home"),
            ends("admission", "residence"),
            {"pathway": "care", "step": "residence", "hazard": "death", "to": "out", "rate": 0.0001},
        ],
        resources=[{"resource": "place"}],
        capacities=[{"zone": "01", "resource": "place", "current": 0, "minimum": 0, "maximum": 9, "lead_time": 2}],
        services=[
            {"pathway": "care", "step": "home", "resource": "place", "amount": 1, "keep": 9, "leads_to": "admission"},
            {"pathway": "care", "step": "residence", "resource": "place", **residence},
        ],
    )


def test_t7_a_service_granted_leads_to_its_step_and_becomes_the_gate(engine_name):
    people = scene(nursing(), 0.0, 1.0)
    story, end = people.play(engine_name, until=9.0, configuration=more_units(people, 1))
    assert story == lines("""
        0 #0 ARRIVE care
        0 #0 ENTER home
        0 #0 SERVICE_ASK 1 place
        1 #1 ARRIVE care
        1 #1 ENTER home
        1 #1 SERVICE_ASK 1 place
        2 - CAPACITY 1 place
        2 #0 SERVICE_GRANT 1 place
        2 #0 WAIT admission
        2 #0 SERVICE_END 0 place
        2 #0 ENTER admission 1 place
        3 #0 ENTER residence
        3 #0 SERVICE_ASK 1 place
        3 #0 GATE_END 1 place
        3 #0 SERVICE_GRANT 1 place
    """)
    assert end.patients["transfer"].tolist() == [-1, -1]


def test_t7_granted_away_from_home_it_leads_on_at_the_end_of_the_episode(engine_name):
    people = scene(nursing(), 0.0)
    moved = people.after(engine_name, 1.0)
    moved.state.patients["hazard_time"][0] = 1.5  # the fall that takes to the ward from 1.5 to 4.5
    moved.state.patients["hazard"][0] = people.model.hazard_names.index("fall")
    story, _ = moved.play(engine_name, until=4.75, configuration=more_units(people, 1))
    assert story == lines("""
        1.5 #0 HAZARD fall
        1.5 #0 ENTER ward
        1.5 #0 SERVICE_ABSENT 1 place
        2 - CAPACITY 1 place
        2 #0 SERVICE_GRANT 1 place
        4.5 #0 WAIT admission
        4.5 #0 SERVICE_END 0 place
        4.5 #0 ENTER admission 1 place
    """)


@pytest.mark.parametrize(
    ("needed", "brought"), [(2, []), (1, ["1 #0 SERVICE_END 1 bed"]), (3, ["1 #0 SERVICE_GRANT 3 bed"])]
)
def test_t7_a_gate_kept_as_a_service_is_brought_to_the_amount_needed(engine_name, needed, brought):
    """The ward takes two beds; the stay after it keeps them as a service that needs two, one or three."""
    instance = world(
        beds=3,
        entry="ward",
        steps=[fixed("ward", 1, gate="bed", amount=2), fixed("stay", 1)],
        moves=[ends("ward", "stay"), ends("stay")],
        services=[{"pathway": "care", "step": "stay", "resource": "bed", "amount": needed}],
    )
    story, _ = scene(instance, 0.0).play(engine_name, until=1.5)
    assert story[3:] == [
        "1 #0 ENTER stay",
        f"1 #0 SERVICE_ASK {needed} bed",
        "1 #0 GATE_END 2 bed",
        "1 #0 SERVICE_GRANT 2 bed",
        *brought,
    ]


def test_t7_a_gate_left_for_a_service_already_held_is_given_back(engine_name):
    """A bed held as a service is no gate in hand when one is too few: two more are taken, and given back."""
    instance = world(
        beds=3,
        entry="home",
        steps=[fixed("home", 1), fixed("ward", 1, gate="bed", amount=2), fixed("stay", 1)],
        moves=[ends("home", "ward"), ends("ward", "stay"), ends("stay")],
        services=[{"pathway": "care", "step": step, "resource": "bed", "keep": 9} for step in ("home", "stay")],
    )
    story, end = scene(instance, 0.0).play(engine_name, until=2.5)
    assert story[4:] == lines("""
        1 #0 WAIT ward
        1 #0 ENTER ward 2 bed
        1 #0 SERVICE_ABSENT 1 bed
        2 #0 ENTER stay
        2 #0 SERVICE_RETURN 1 bed
        2 #0 GATE_END 2 bed
    """)
    assert (end.patients["gate_pool"][0], end.slots["units"][0, 0]) == (-1, 1)


def test_t7_a_grant_undone_at_the_same_instant_leads_nowhere(engine_name):
    """At 2 the place is granted to someone away, whose keep ends at that very instant."""
    people = scene(nursing(), 0.0).after(engine_name, 1.0)
    slot = people.state.slots[0, 0]
    slot["active"], slot["keep_end"] = 0, 2.0  # as if absent, its keep ending when it is granted
    story, end = people.play(engine_name, until=3.0, configuration=more_units(people, 1))
    assert story == ["2 - CAPACITY 1 place", "2 #0 SERVICE_GRANT 1 place", "2 #0 SERVICE_END 0 place"]
    assert (end.patients["step"][0], end.patients["request_time"][0]) == (0, np.inf)


def test_t7_an_acting_service_multiplies_the_hazard_named(engine_name):
    """Rate 0.1 a day, a tenth of it once the helper has been there for 2 days."""
    people = scene(
        life(
            {"hazard": "fall", "rate": 0.1 * YEAR},
            {"hazard": "fall", "while": "helper", "factor": 0.1},
            resources=[{"resource": "helper"}],
            capacities=[{"zone": "01", "resource": "helper", "current": 1}],
            services=[{"pathway": "care", "step": "home", "resource": "helper", "onset": 2}],
        ),
        0.0,
    )
    story, _ = people.play(engine_name, until=1000.0)
    first = budget(people, "fall")
    time = first / 0.1 if first < 0.2 else 2.0 + (first - 0.2) / 0.01
    assert next(line for line in story if "fall" in line) == f"{time:g} #0 HAZARD fall"
