"""Rules T4, T5, T8 and T9: from one step to the next.

Gates and the lines before them (T4); how long a stay lasts and where it leads (T5); what happens to those who wait, and
when they give up (T8); overflow to the other pools of the basin (T9).
"""

import numpy as np
import pytest

from simulation.streams import purpose, uniform_pair
from tests.simulation.rules.expectations import budget, lines
from tests.simulation.rules.worlds import YEAR, ward
from tests.simulation.stories import ends, fixed, scene, world

BASIN = (
    {"zone": "01", "level": "territory", "parent": "B"},
    {"zone": "02", "level": "territory", "parent": "B"},
    {"zone": "03", "level": "territory", "parent": "B"},
    {"zone": "B", "level": "basin"},
)


def test_t4_the_least_priority_first_then_first_come(engine_name):
    steps = [fixed("stay", 2, gate="bed", priority=5), fixed("stay", 2, profile="urgent", gate="bed", priority=1)]
    instance = world(
        steps=steps,
        moves=[ends("stay")],
        profiles=[{"profile": "old"}, {"profile": "urgent"}],
        offers=[{"profile": code, "pathway": "care", "current": 1} for code in ("old", "urgent")],
    )
    people = [(0.0, "01", "old"), (0.25, "01", "old"), (0.5, "01", "urgent"), (0.75, "01", "urgent")]
    story, _ = scene(instance, *people).play(engine_name)
    assert [line for line in story if "ENTER stay" in line] == lines("""
        0 #0 ENTER stay 1 bed
        2 #2 ENTER stay 1 bed
        4 #3 ENTER stay 1 bed
        6 #1 ENTER stay 1 bed
    """)


def test_t4_the_head_of_the_line_blocks_those_behind(engine_name):
    """Who needs two beds waits at the head; a single bed is free, and who needs one waits behind."""
    instance = world(
        beds=2,
        steps=[fixed("stay", 3, gate="bed"), fixed("stay", 1, profile="wide", gate="bed", amount=2)],
        moves=[ends("stay")],
        profiles=[{"profile": "old"}, {"profile": "wide"}],
        offers=[{"profile": code, "pathway": "care", "current": 1} for code in ("old", "wide")],
    )
    story, _ = scene(instance, 0.0, (1.0, "01", "wide"), 2.0).play(engine_name)
    assert [line for line in story if "ENTER stay" in line] == lines("""
        0 #0 ENTER stay 1 bed
        3 #1 ENTER stay 2 bed
        4 #2 ENTER stay 1 bed
    """)


def test_t4_beyond_the_queue_limit_the_wait_breaks_at_once(engine_name):
    story, _ = scene(world(**ward(queue_limit=1)), 0.0, 0.25, 0.5).play(engine_name, until=1.0)
    assert story[-3:] == lines("""
        0.5 #2 WAIT stay
        0.5 #2 BREAK stay line full
        0.5 #2 LEAVE
    """)


def test_t4_a_unit_given_back_is_free_after_its_turnover(engine_name):
    instance = world(resources=[{"resource": "bed", "turnover": 0.5}], **ward(days=2))
    story, end = scene(instance, 0.0, 1.0).play(engine_name, until=2.5)
    assert story[-3:] == ["2 #0 GATE_END 1 bed", "2 #0 ENTER out", "2 #0 EXIT"]
    assert end.turnover_time.tolist() == [2.5]
    story, _ = scene(instance, 0.0, 1.0).play(engine_name, until=3.0)
    assert story[-1] == "2.5 #1 ENTER stay 1 bed"


def test_t5_a_stay_ends_at_its_sampled_length_and_routing_draw(engine_name):
    """The n-th stay in a step takes the pair of uniforms keyed by the step's name and n."""
    instance = world(
        steps=[{"pathway": "care", "step": "stay", "distribution": "exponential", "mean": 2}],
        moves=[ends("stay", "stay", 0.75), ends("stay", "out", 0.25)],
    )
    people = scene(instance, 0.0)
    story, _ = people.play(engine_name)
    expected, time = [], 0.0
    for visit in range(100):
        length, routing = uniform_pair(1, 0, 0, int(people.model.group[0, 0]), purpose("step", "stay"), visit)
        time += -2 * np.log1p(-length)
        expected.append(f"{time:g} #0 ENTER {'stay' if routing < 0.75 else 'out'}")
        if routing >= 0.75:
            break
    assert [line for line in story if "ENTER" in line][1:] == expected


def test_t5_the_length_may_depend_on_where_the_stay_leads(engine_name):
    instance = world(
        steps=[{"pathway": "care", "step": "stay"}, fixed("home", 1)],
        moves=[
            ends("stay", "home", 0.5, distribution="fixed", mean=3),
            ends("stay", "out", 0.5, distribution="fixed", mean=7),
            ends("home"),
        ],
    )
    story, _ = scene(instance, *([0.0] * 20)).play(engine_name)
    routes = {line.split()[0] + line.split()[-1] for line in story if "ENTER home" in line or "7 " in line[:2]}
    assert routes >= {"3home"}
    assert {line.split()[0] for line in story if "ENTER" in line} == {"0", "3", "4", "7"}


def test_t8_who_waits_lives_on_in_the_former_step_and_holds_its_bed(engine_name):
    """Bed blocking: #0 holds the bed while waiting for a place; without `hold` it is freed at once."""
    instance = world(
        steps=[fixed("stay", 1, gate="bed"), fixed("place", 5, gate="place", hold=True)],
        moves=[ends("stay", "place"), ends("place")],
        resources=[{"resource": "bed"}, {"resource": "place"}],
        capacities=[{"zone": "01", "resource": code, "current": 1} for code in ("bed", "place")],
    )
    story, _ = scene(instance, 0.0, 1.0, 2.5).play(engine_name, until=7.0)
    assert story == lines("""
        0 #0 ARRIVE care
        0 #0 WAIT stay
        0 #0 ENTER stay 1 bed
        1 #0 WAIT place
        1 #0 GATE_END 1 bed
        1 #0 ENTER place 1 place
        1 #1 ARRIVE care
        1 #1 WAIT stay
        1 #1 ENTER stay 1 bed
        2 #1 WAIT place
        2.5 #2 ARRIVE care
        2.5 #2 WAIT stay
        6 #0 GATE_END 1 place
        6 #1 GATE_END 1 bed
        6 #1 ENTER place 1 place
        6 #2 ENTER stay 1 bed
        6 #0 ENTER out
        6 #0 EXIT
    """)


def test_t8_beyond_patience_the_patient_breaks_to_on_break(engine_name):
    instance = world(
        steps=[fixed("stay", 5, gate="bed", patience=1.5, on_break="home"), fixed("home", 1)],
        moves=[ends("stay"), ends("home")],
    )
    story, _ = scene(instance, 0.0, 1.0).play(engine_name, until=4.0)
    assert story[3:] == lines("""
        1 #1 ARRIVE care
        1 #1 WAIT stay
        2.5 #1 BREAK stay
        2.5 #1 ENTER home
        3.5 #1 ENTER out
        3.5 #1 EXIT
    """)


def test_t8_hazards_of_the_wait_come_on_top_of_those_of_the_former_step(engine_name):
    instance = world(
        steps=[fixed("home", 1), fixed("stay", 50, gate="bed")],
        moves=[
            ends("home", "stay"),
            ends("stay"),
            {"pathway": "care", "step": "home", "hazard": "fall", "rate": 0.01 * YEAR},
            {"pathway": "care", "step": "stay", "phase": "wait", "hazard": "fall", "rate": 0.04 * YEAR},
        ],
        entry="home",
    )
    people = scene(instance, 0.0, 0.0)
    story, _ = people.play(engine_name, until=50.0)
    left = budget(people, "fall", 0, 1)
    assert left > 0.01
    assert next(line for line in story if "#1 HAZARD" in line) == f"{1.0 + (left - 0.01) / 0.05:g} #1 HAZARD fall"


def overflowing(beds: dict[str, int]):
    return world(
        zones=BASIN,
        beds=beds,
        steps=[fixed("stay", 4, gate="bed")],
        moves=[ends("stay")],
        resources=[{"resource": "bed", "overflow": "basin"}],
        travel=[
            {"origin": "01", "destination": "02", "minutes": 30},
            {"origin": "01", "destination": "03", "minutes": 20},
        ],
    )


def test_t9_a_full_pool_overflows_to_the_nearest_free_one(engine_name):
    story, _ = scene(overflowing({"01": 1, "02": 1, "03": 1}), 0.0, 1.0, 2.0, 3.0).play(engine_name, until=4.5)
    assert [line for line in story if "ENTER stay" in line] == lines("""
        0 #0 ENTER stay 1 bed@1
        1 #1 ENTER stay 1 bed@3
        2 #2 ENTER stay 1 bed@2
        4 #3 ENTER stay 1 bed@1
    """)


def test_t9_a_freed_unit_serves_its_own_list_first_then_the_basins(engine_name):
    """At 4 #3 of zone 02 asked after #2 of zone 01, yet its own bed is its own; at 8 a bed serves zone 03."""
    people = [(0.0, "01"), (0.0, "02"), (1.0, "01"), (2.0, "02"), (3.0, "03")]
    instance = overflowing({"01": 1, "02": 1, "03": 0})
    story, _ = scene(instance, *people).play(engine_name, until=9.0)
    assert [line for line in story if "ENTER stay" in line] == lines("""
        0 #0 ENTER stay 1 bed@1
        0 #1 ENTER stay 1 bed@2
        4 #2 ENTER stay 1 bed@1
        4 #3 ENTER stay 1 bed@2
        8 #4 ENTER stay 1 bed@1
    """)


@pytest.mark.parametrize(("asked", "first"), [((1.0, 0.5), "#2"), ((0.5, 1.0), "#1"), ((1.0, 1.0), "#1")])
def test_t9_of_those_waiting_in_the_basin_the_first_asked_is_served_ties_by_zone(engine_name, asked, first):
    """The only bed stands in zone 03; #1 of zone 01 and #2 of zone 02 wait in their own lists."""
    people = [(0.0, "03"), (asked[0], "01"), (asked[1], "02")]
    story, _ = scene(overflowing({"01": 0, "02": 0, "03": 1}), *people).play(engine_name, until=5.0)
    assert [line for line in story if "ENTER stay" in line] == [
        "0 #0 ENTER stay 1 bed@3",
        f"4 {first} ENTER stay 1 bed@3",
    ]
