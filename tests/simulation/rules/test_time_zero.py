"""Rule T11: what a plan changes from time 0 on.

Capacities after their lead time, nobody evicted, and the new mix over the rollout for those whom it sends elsewhere.
"""

from dataclasses import replace

from simulation.configuration import todays_configuration
from simulation.streams import unit_exponential
from tests.simulation.rules.expectations import draws, lines, luck
from tests.simulation.rules.worlds import YEAR, more_units, two_pathways, ward
from tests.simulation.stories import Scene, ends, fixed, scene, world


def test_t11_a_reduced_pool_drains_and_evicts_nobody(engine_name):
    """Two beds in use, one from time 1 on: the first one freed stays empty, who waits gets the second."""
    begun = scene(world(beds=2, **ward(days=3)), 0.0, 0.5, 0.75)
    begun = replace(begun, instance=lead_time(begun, 1.0))
    story, _ = begun.play(engine_name, until=4.0, configuration=more_units(begun, 1))
    assert story[7:] == lines("""
        0.75 #2 WAIT stay
        1 - CAPACITY 1 bed
        3 #0 GATE_END 1 bed
        3 #0 ENTER out
        3 #0 EXIT
        3.5 #1 GATE_END 1 bed
        3.5 #2 ENTER stay 1 bed
        3.5 #1 ENTER out
        3.5 #1 EXIT
    """)


def lead_time(people: Scene, days: float):
    rows = tuple(row.model_copy(update={"lead_time": days}) for row in people.instance.capacities)
    return replace(people.instance, capacities=rows)


def test_t11_added_units_serve_those_who_wait_after_their_lead_time(engine_name):
    begun = scene(world(beds=1, **ward(days=9)), 0.0, 0.5)
    begun = replace(begun, instance=lead_time(begun, 2.25))
    story, _ = begun.play(engine_name, until=3.0, configuration=more_units(begun, 2))
    assert story[-2:] == ["2.25 - CAPACITY 2 bed", "2.25 #1 ENTER stay 1 bed"]


def test_t11_over_the_rollout_those_at_home_follow_the_new_mix_at_keyed_times(engine_name):
    """Everyone whom the new mix sends elsewhere moves once, within the rollout; nobody else moves."""
    people = scene(two_pathways(0.25), *([0.0] * 30))
    settled = people.after(engine_name, 1.0)
    today = todays_configuration(people.instance)
    shares = tuple(0.75 if cell == 0.25 else 0.25 for cell in today.shares)
    story, _ = settled.play(engine_name, until=50.0, configuration=replace(today, shares=shares), rollout=10.0)
    care, help_ = ([unit_exponential(u) for u in draws(f"orientation {name}", 30, people)] for name in ("care", "help"))
    expected = {
        number: 1.0 + 10.0 * luck(people, number, "rollout")
        for number in range(30)
        if help_[number] / 0.25 >= care[number] / 0.75 and help_[number] / 0.75 < care[number] / 0.25
    }
    moved = {int(line.split()[1][1:]): line.split()[0] for line in story if "REORIENT help" in line}
    assert moved == {number: f"{time:g}" for number, time in expected.items()}
    assert moved
    assert [line for line in story if "REORIENT" in line and "help" not in line] == []


def test_t11_who_waits_to_enter_the_pathway_of_the_mix_keeps_the_place_in_line(engine_name):
    """At home, sent to `help`, whose first step is behind a full gate: rollout of the same mix changes nothing."""
    instance = world(
        entry="home",
        beds=0,
        steps=[{"pathway": "care", "step": "home", "anchor": True}, fixed("stay", 1, gate="bed")],
        moves=[
            {"pathway": "care", "step": "home", "hazard": "death", "to": "out", "rate": 0.0001},
            {"pathway": "care", "step": "home", "hazard": "decline", "rate": 9 * YEAR, "new_profile": "frail"},
            {"pathway": "care", "step": "home", "profile": "frail", "hazard": "fall", "to": "stay", "rate": 0.0001},
            ends("stay", "home"),
        ],
        profiles=[{"profile": "old"}, {"profile": "frail"}],
        pathways=[{"pathway": "care", "entry": "home"}, {"pathway": "help", "base": "care", "entry": "stay"}],
        offers=[
            {"profile": "old", "pathway": "care", "current": 1},
            {"profile": "frail", "pathway": "help", "current": 1},
        ],
    )
    waiting = scene(instance, 0.0).after(engine_name, 5.0)
    assert waiting.state.patients["asked"][0] > 0.0
    assert [line for line in waiting.play(engine_name, until=9.0, rollout=1.0)[0] if "decline" not in line] == []
