"""Rules T1 to T3: who comes when, and where to.

Events at equal times, arrivals last, and what falls on the end itself (T1); arrivals by the cumulative rate (T2); the
pathway that each patient takes of those offered (T3).
"""

import numpy as np
import pytest

from simulation.start import arrival_times, rate_pieces
from simulation.streams import bulk_exponentials, purpose, unit_exponential
from simulation.twin import Twin
from tests.simulation.rules.expectations import draws, lines
from tests.simulation.rules.worlds import YEAR, two_pathways, ward
from tests.simulation.stories import scene, told, world


def test_t1_a_bed_freed_when_patience_runs_out_is_still_granted(engine_name):
    """Releases come before expiries, arrivals last: at time 2 the bed is freed, granted, then someone arrives."""
    story, _ = scene(world(**ward(patience=2)), 0.0, 0.0, 2.0).play(engine_name, until=3.0)
    assert story == lines("""
        0 #0 ARRIVE care
        0 #0 WAIT stay
        0 #0 ENTER stay 1 bed
        0 #1 ARRIVE care
        0 #1 WAIT stay
        2 #0 GATE_END 1 bed
        2 #1 ENTER stay 1 bed
        2 #0 ENTER out
        2 #0 EXIT
        2 #2 ARRIVE care
        2 #2 WAIT stay
    """)


def test_t1_equal_requests_are_served_by_patient_number(engine_name):
    story, _ = scene(world(beds=1, **ward()), 1.0, 1.0).play(engine_name, until=1.5)
    assert [line for line in story if "ENTER" in line] == ["1 #0 ENTER stay 1 bed"]


def test_t1_what_happens_at_the_end_is_left_to_come(engine_name):
    begun = scene(world(**ward(days=2.0)), 0.0)
    assert "2 #0 GATE_END 1 bed" not in begun.play(engine_name, until=2.0)[0]
    assert begun.after(engine_name, 2.0).play(engine_name, until=2.5)[0] == lines("""
        2 #0 GATE_END 1 bed
        2 #0 ENTER out
        2 #0 EXIT
    """)


def test_t2_arrivals_come_where_the_cumulative_rate_reaches_sums_of_exponentials():
    """Rate 10 a day for the first half of each day, 0 for the rest: no arrival then, the luck kept."""
    half = [
        {"rhythm": "half", "start": 0, "period": 1, "factor": 1},
        {"rhythm": "half", "start": 0.5, "period": 1, "factor": 0},
    ]
    instance = world(rhythms=half, **ward())
    even = arrival_times(rate_pieces(instance, 10 * YEAR, 0.0, ""), seed=1, replication=0, group=5)
    halved = arrival_times(rate_pieces(instance, 10 * YEAR, 0.0, "half"), seed=1, replication=0, group=5)
    days, hours = np.divmod(even[: len(halved)], 0.5)
    assert np.all(np.mod(halved, 1.0) < 0.5)
    assert halved == pytest.approx(days + hours, abs=1e-9)


@pytest.mark.parametrize("growth", [0.0, 1.0])
def test_t2_arrivals_are_told_at_their_times(engine_name, growth):
    """The n-th comes where the integral of the rate, (1 + growth) as much every year, reaches E1 + ... + En."""
    people = [{"zone": "01", "profile": "old", "arrivals": 2, "growth": growth}]
    steps = [{"pathway": "care", "step": "stay"}]
    moves = [{"pathway": "care", "step": "stay", "hazard": "death", "to": "out", "rate": 1e-9}]
    twin = Twin(world(needs=people, steps=steps, moves=moves), seed=1, engine_name=engine_name)
    result = twin.run(twin.today, 0, 0)
    due = np.cumsum(bulk_exponentials(1, 0, int(result.model.group[0, 0]), purpose("arrivals"), 20))
    reached = np.cumsum([0.0, *(2.0 * (1.0 + growth) ** year for year in range(3))])
    years = np.interp(due, reached, range(4), right=np.inf)
    expected = [
        line
        for number, time in enumerate(YEAR * years[YEAR * years < 1000.0])
        for line in (f"{time:g} #{number} ARRIVE care", f"{time:g} #{number} ENTER stay")
    ]
    assert len(expected) >= 6
    assert [line for line in told(twin.instance, result.model, result.events) if "CAPACITY" not in line] == expected


def chosen(story: list[str]) -> list[str]:
    return [line.split()[-1] for line in story if "ARRIVE" in line]


def test_t3_patients_take_the_pathway_of_least_exponential_over_share(engine_name):
    people = scene(two_pathways(0.3), *range(40))
    story, _ = people.play(engine_name, until=50.0)
    usual, helped = (
        [unit_exponential(u) for u in draws(f"orientation {name}", 40, people)] for name in ("care", "help")
    )
    assert chosen(story) == ["help" if h / 0.3 < c / 0.7 else "care" for c, h in zip(usual, helped, strict=True)]


def test_t3_a_larger_share_only_moves_people_towards_it(engine_name):
    before, after = (
        chosen(scene(two_pathways(share), *range(60)).play(engine_name, until=70.0)[0]) for share in (0.3, 0.4)
    )
    moved = {(one, other) for one, other in zip(before, after, strict=True) if one != other}
    assert moved == {("care", "help")}


def test_t3_refusers_take_the_fallback(engine_name):
    people = scene(two_pathways(1.0, acceptance=0.5), *range(40))
    story, _ = people.play(engine_name, until=50.0)
    assert chosen(story) == ["help" if u < 0.5 else "care" for u in draws("acceptance help", 40, people)]
