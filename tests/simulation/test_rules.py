"""Rules T1 to T13 of the twin, each as the exact list of what happens in a tiny world, on both engines."""

from dataclasses import replace

import numpy as np
import pytest

from instances.catalogue import read_source
from simulation.configuration import Configuration, todays_configuration
from simulation.knowledge import Knowledge
from simulation.start import arrival_times, rate_pieces
from simulation.streams import bulk_exponentials, purpose, uniform, uniform_pair, unit_exponential
from simulation.twin import Twin
from tests.simulation.stories import Scene, ends, fixed, scene, told, world
from tests.simulation.test_streams import numpys_block
from tests.simulation.written_instances import write

YEAR = 365.25
BASIN = (
    {"zone": "01", "level": "territory", "parent": "B"},
    {"zone": "02", "level": "territory", "parent": "B"},
    {"zone": "03", "level": "territory", "parent": "B"},
    {"zone": "B", "level": "basin"},
)


@pytest.fixture(params=["compiled", "simpy"])
def engine_name(request):
    return request.param


def lines(text: str) -> list[str]:
    return [line.strip() for line in text.strip().splitlines()]


def ward(days: float = 2.0, **cells: object) -> dict:
    return {"steps": [fixed("stay", days, gate="bed", **cells)], "moves": [ends("stay")]}


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


def two_pathways(share: float, acceptance: float = 1.0):
    offers = [
        {"profile": "old", "pathway": "care", "current": 1 - share, "minimum": 0, "maximum": 1, "step": 0.05},
        {
            "profile": "old",
            "pathway": "help",
            "current": share,
            "minimum": 0,
            "maximum": 1,
            "step": 0.05,
            "acceptance": acceptance,
            "fallback": "care",
        },
    ]
    return world(
        steps=[{"pathway": "care", "step": "home", "anchor": True}],
        moves=[{"pathway": "care", "step": "home", "hazard": "death", "to": "out", "rate": 0.0001}],
        entry="home",
        pathways=[{"pathway": "care", "entry": "home"}, {"pathway": "help", "base": "care"}],
        offers=offers,
    )


def chosen(story: list[str]) -> list[str]:
    return [line.split()[-1] for line in story if "ARRIVE" in line]


def draws(words: str, number: int, people: Scene) -> list[float]:
    return [luck(people, n, *words.split()) for n in range(number)]


def luck(people: Scene, patient: int, *words: str, count: int = 0) -> float:
    """The uniform number of a patient for a purpose."""
    return uniform(1, 0, np.uint64(patient), people.model.group[0, 0], np.uint64(purpose(*words)), count)


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


def life(*rows: dict, **tables: object):
    """Life at home under hazards, until `death` (hardly ever, when not told otherwise)."""
    death = {"pathway": "care", "step": "home", "hazard": "death", "to": "out", "rate": 0.0001}
    return world(
        entry="home",
        steps=[{"pathway": "care", "step": "home", "anchor": True}, *tables.pop("steps", ())],
        moves=[death, *({"pathway": "care", "step": "home", **row} for row in rows)],
        **tables,
    )


def budget(people: Scene, hazard: str, count: int = 0, patient: int = 0) -> float:
    """The unit exponential of a patient's n-th occurrence of a hazard."""
    return unit_exponential(luck(people, patient, "hazard", hazard, count=count))


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


def more_units(people: Scene, units: int) -> Configuration:
    today = todays_configuration(people.instance)
    return replace(today, capacities=tuple(units for _ in today.capacities))


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


def test_t12_numbers_are_those_of_the_key_and_of_nothing_else(engine_name):
    """Falls and stays by Philox with key (seed, replication) and counter (ordinal, group, purpose, n)."""
    people = scene(
        life(
            {"hazard": "fall", "rate": 0.2 * YEAR, "to": "ward"},
            ends("ward", "home"),
            steps=[{"pathway": "care", "step": "ward", "distribution": "exponential", "mean": 2}],
        ),
        0.0,
        0.5,
    )
    story, _ = people.play(engine_name, until=30.0)
    group = int(people.model.group[0, 0])
    expected = []
    for patient, time in ((0, 0.0), (1, 0.5)):
        expected += [(time, patient, "ARRIVE care"), (time, patient, "ENTER home")]
        for n in range(100):
            time += unit_exponential(by_philox(patient, group, purpose("hazard", "fall"), n)) / 0.2
            expected += [(time, patient, "HAZARD fall"), (time, patient, "ENTER ward")]
            time -= 2 * np.log1p(-by_philox(patient, group, purpose("step", "ward"), n))
            expected.append((time, patient, "ENTER home"))
    told_so = [f"{time:g} #{who} {what}" for time, who, what in sorted(expected, key=lambda one: one[0]) if time < 30.0]
    assert len(told_so) > 10
    assert story == told_so


def by_philox(patient: int, group: int, key: int, n: int) -> float:
    """The first word of NumPy's block: 52 bits, halfway between two values."""
    return ((numpys_block((1, 0), (patient, group, int(key), n))[0] >> 12) + 0.5) * 2.0**-52


def test_t12_a_pathway_share_changes_nobodys_luck(engine_name):
    """The n-th fall of a patient takes the same budget in either pathway."""
    people = scene(life({"hazard": "fall", "rate": 0.2 * YEAR}), 0.0, 0.0)
    story, _ = people.play(engine_name, until=20.0)
    fewer, _ = scene(life({"hazard": "fall", "rate": 0.1 * YEAR}), 0.0, 0.0).play(engine_name, until=40.0)
    falls = [float(line.split()[0]) for line in story if "fall" in line]
    later = [float(line.split()[0]) for line in fewer if "fall" in line]
    assert later == pytest.approx([2 * time for time in falls], rel=1e-5)


def test_t12_the_same_patients_meet_the_same_stays_whatever_the_beds(engine_name):
    """Lengths of stay follow the patient, not the order of service."""
    instance = {
        "steps": [{"pathway": "care", "step": "stay", "gate": "bed", "distribution": "exponential", "mean": 3}],
        "moves": [ends("stay")],
    }
    lengths = []
    for beds in (1, 3):
        story, _ = scene(world(beds=beds, **instance), *range(10)).play(engine_name, until=1000.0)
        entered = {line.split()[1]: float(line.split()[0]) for line in story if "ENTER stay" in line}
        left = {line.split()[1]: float(line.split()[0]) for line in story if "EXIT" in line}
        lengths.append([left[who] - entered[who] for who in sorted(entered)])
    assert lengths[0] == pytest.approx(lengths[1], abs=1e-3)


def test_t13_a_replication_lives_under_its_draw_of_the_parameters(engine_name, tmp_path):
    """Somebody there at time 0 stays for `days`: 2 in replication 0, then what is drawn between 1 and 4."""
    tables = {
        "parameters": [{"name": "days", "value": 2, "low": 1, "high": 4, "distribution": "uniform"}],
        "zones": [{"zone": "01", "level": "territory"}],
        "resources": [{"resource": "bed"}],
        "capacities": [{"zone": "01", "resource": "bed", "current": 1}],
        "profiles": [{"profile": "old"}],
        "needs": [{"zone": "01", "profile": "old", "initial": 1}],
        "pathways": [{"pathway": "care", "entry": "stay"}],
        "offers": [{"profile": "old", "pathway": "care", "current": 1}],
        "steps": [fixed("stay", "days"), {"pathway": "care", "step": "out", "setting": "exit"}],
        "moves": [ends("stay")],
    }
    write(tmp_path, tables, {"run": 10.0})
    twin = Twin(Knowledge.of(read_source(tmp_path)), seed=1, engine_name=engine_name)
    for replication in range(4):
        key = np.uint64(purpose("parameter", "days"))
        drawn = uniform(1, replication, np.uint64(0), np.uint64(purpose("parameters")), key, 0)
        days = 2.0 if replication == 0 else 1.0 + 3.0 * drawn
        result = twin.run(twin.today, 0, replication)
        assert told(twin.instance, result.model, result.events)[1:] == [
            "0 #0 ARRIVE care",
            "0 #0 ENTER stay",
            f"{days:g} #0 ENTER out",
            f"{days:g} #0 EXIT",
        ]
