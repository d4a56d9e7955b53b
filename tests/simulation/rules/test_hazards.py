"""Rules T6 and T10: hazards, and the new profile that one may bring.

Each hazard competes with the others by budgets of its own (T6); a new profile re-orients at once in an anchor step, and
elsewhere at the next one (T10).
"""

import numpy as np
import pytest

from tests.simulation.rules.expectations import budget
from tests.simulation.rules.worlds import YEAR, life
from tests.simulation.stories import ends, fixed, scene, world


def test_t6_each_occurrence_consumes_its_own_unit_exponential(engine_name):
    people = scene(life({"hazard": "fall", "rate": 0.2 * YEAR}), 1.0)
    story, _ = people.play(engine_name, until=40.0)
    falls = np.cumsum([1.0] + [budget(people, "fall", n) / 0.2 for n in range(30)])[1:]
    assert [line for line in story if "fall" in line] == [f"{time:g} #0 HAZARD fall" for time in falls if time < 40.0]


def test_t6_a_rate_that_changes_consumes_the_same_budget_at_its_new_pace(engine_name):
    """From the first fall on, for 3 days, the mark doubles the rate of illness."""
    people = scene(
        life(
            {"hazard": "fall", "rate": 0.5 * YEAR, "mark": "hurt", "mark_days": 3},
            {"hazard": "illness", "rate": 0.1 * YEAR, "to": "out"},
            {"hazard": "illness", "while": "hurt", "factor": 2},
        ),
        0.0,
    )
    story, _ = people.play(engine_name, until=100.0)
    falls = np.cumsum([budget(people, "fall", n) / 0.5 for n in range(200)])
    left, time, hurt_until = budget(people, "illness"), 0.0, -1.0
    for fall in (*falls, np.inf):
        for moment in (min(max(hurt_until, time), fall), fall):
            pace = 0.2 if time < hurt_until else 0.1
            if left <= pace * (moment - time):
                break
            left -= pace * (moment - time)
            time = moment
        else:
            hurt_until = fall + 3.0
            continue
        break
    assert f"{time + left / (0.2 if time < hurt_until else 0.1):g} #0 HAZARD illness" in story


def test_t6_the_first_of_competing_hazards_ends_the_stay(engine_name):
    people = scene(
        life({"hazard": "fall", "rate": YEAR, "to": "fallen"}, {"hazard": "illness", "rate": YEAR, "to": "ill"},
             steps=[{"pathway": "care", "step": code, "setting": "exit"} for code in ("fallen", "ill")]),
        0.0, 0.0, 0.0, 0.0,
    )  # fmt: skip
    story, _ = people.play(engine_name)
    entered = {line.split()[1]: line for line in story if "ENTER fallen" in line or "ENTER ill" in line}
    for patient in range(4):
        fall, illness = budget(people, "fall", 0, patient), budget(people, "illness", 0, patient)
        step = "fallen" if fall < illness else "ill"
        assert entered[f"#{patient}"] == f"{min(fall, illness):g} #{patient} ENTER {step}"


def frailty(to: str = ""):
    """Someone robust becomes frail at home; the frail are offered `help`."""
    return world(
        entry="home",
        steps=[{"pathway": "care", "step": "home", "anchor": True}],
        moves=[
            {"pathway": "care", "step": "home", "hazard": "death", "to": "out", "rate": 0.0001},
            {"pathway": "care", "step": "home", "profile": "old", "hazard": "decline", "rate": YEAR, "to": to,
             "new_profile": "frail"},
        ],
        profiles=[{"profile": "old"}, {"profile": "frail"}],
        pathways=[{"pathway": "care", "entry": "home"}, {"pathway": "help", "base": "care"}],
        offers=[
            {"profile": "old", "pathway": "care", "current": 1},
            {"profile": "frail", "pathway": "help", "current": 1},
        ],
    )  # fmt: skip


@pytest.mark.parametrize("to", ["", "home"])
def test_t10_in_an_anchor_step_a_new_profile_reorients_at_once(engine_name, to):
    people = scene(frailty(to), 0.0)
    story, _ = people.play(engine_name, until=100.0)
    time = f"{budget(people, 'decline'):g}"
    assert story[2:] == [
        f"{time} #0 HAZARD decline",
        f"{time} #0 PROFILE frail",
        f"{time} #0 REORIENT help",
        f"{time} #0 ENTER home",
    ]


def test_t10_elsewhere_the_new_mix_waits_for_the_next_anchor(engine_name):
    instance = world(
        entry="away",
        steps=[fixed("away", 2), {"pathway": "care", "step": "home", "anchor": True}],
        moves=[
            {"pathway": "care", "step": "home", "hazard": "death", "to": "out", "rate": 0.0001},
            {"pathway": "care", "step": "away", "profile": "old", "hazard": "decline", "rate": 10 * YEAR,
             "new_profile": "frail"},
            ends("away", "home"),
        ],
        profiles=[{"profile": "old"}, {"profile": "frail"}],
        pathways=[{"pathway": "care", "entry": "away"}, {"pathway": "help", "base": "care", "entry": "home"}],
        offers=[
            {"profile": "old", "pathway": "care", "current": 1},
            {"profile": "frail", "pathway": "help", "current": 1},
        ],
    )  # fmt: skip
    people = scene(instance, 0.0)
    story, _ = people.play(engine_name, until=10.0)
    time = f"{budget(people, 'decline') / 10:g}"
    assert story[2:] == [
        f"{time} #0 HAZARD decline",
        f"{time} #0 PROFILE frail",
        "2 #0 REORIENT help",
        "2 #0 ENTER home",
    ]
