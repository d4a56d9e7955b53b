"""Arrivals per period, and the census at time 0: exactly those that the needs table wants."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from scipy import stats

from instances.tables import Rhythm
from simulation.compilation import compile_component
from simulation.components import components
from simulation.configuration import todays_configuration
from simulation.records import Event
from simulation.start import COPIES, FOUNDERS, NEWCOMERS, arrival_times, before_warm_up, rate_pieces
from simulation.state import Status
from simulation.twin import Twin
from tests.simulation.engine_runs import states_at_time_zero
from tests.simulation.random_instances import instances
from tests.simulation.written_instances import read_back

CALM = settings(
    deadline=None,
    derandomize=True,
    database=None,
    max_examples=20,
    suppress_health_check=list(HealthCheck),
    phases=(Phase.generate,),
)


def village(**need):
    """One zone, one profile who live at home until they leave."""
    return read_back(
        {
            "zones": [{"zone": "01", "level": "territory"}],
            "resources": [{"resource": "bed"}],
            "capacities": [{"zone": "01", "resource": "bed", "current": 1}],
            "profiles": [{"profile": "old"}],
            "needs": [{"zone": "01", "profile": "old", **need}],
            "pathways": [{"pathway": "life", "entry": "home"}],
            "offers": [{"profile": "old", "pathway": "life", "current": 1}],
            "steps": [
                {"pathway": "life", "step": "home", "anchor": True},
                {"pathway": "life", "step": "dead", "setting": "exit"},
            ],
            "moves": [{"pathway": "life", "step": "home", "hazard": "death", "to": "dead", "rate": 0.1}],
            "rhythms": [
                {"rhythm": "day_and_night", "start": 0, "period": 1, "factor": 0.2},
                {"rhythm": "day_and_night", "start": 0.25, "period": 1, "factor": 2.4},
                {"rhythm": "day_and_night", "start": 0.5, "period": 1, "factor": 0.7},
            ],
        },
        {"warm_up": 100.0, "run": 1461.0},
    )


def all_arrivals(instance, replications):
    need = instance.needs[0]
    pieces = rate_pieces(instance, need.arrivals, need.growth, need.rhythm)
    return np.concatenate(
        [arrival_times(pieces, seed=1, replication=number, group=2) for number in range(replications)]
    )


def test_arrivals_in_each_piece_of_the_rhythm_are_poisson_with_its_rate():
    """Chi-square over the three pieces of the day; expected counts from the table alone. Tolerance: p > 0.001."""
    instance = village(arrivals=3652.5, rhythm="day_and_night")
    hours = np.mod(all_arrivals(instance, 20), 1.0)
    counts = np.histogram(hours, bins=[0.0, 0.25, 0.5, 1.0])[0]
    days = 20 * 1561.0
    expected = 10.0 * days * np.array([0.25 * 0.2, 0.25 * 2.4, 0.5 * 0.7])
    assert np.sum((counts - expected) ** 2 / expected) < stats.chi2(3).ppf(0.999)


def test_arrivals_grow_by_whole_years_from_time_zero():
    """z score of every year's count below 3.5."""
    times = all_arrivals(village(arrivals=1000.0, growth=0.1), 20)
    counts = np.histogram(times, bins=[-100.0, 0.0, 365.25, 730.5, 1095.75, 1461.0])[0]
    expected = 20 * np.array([1000.0 * 100 / 365.25, 1000.0, 1100.0, 1210.0, 1331.0])
    assert np.all(np.abs(counts - expected) / np.sqrt(expected) < 3.5)


def test_counts_of_one_period_are_poisson_over_replications():
    """Index of dispersion of 400 counts against chi-square: two-sided 0.1 %."""
    instance = village(arrivals=365.25)
    need = instance.needs[0]
    pieces = rate_pieces(instance, need.arrivals, need.growth, need.rhythm)
    counts = np.array(
        [
            np.sum((times >= 10.0) & (times < 40.0))
            for times in (arrival_times(pieces, seed=1, replication=number, group=2) for number in range(400))
        ]
    )
    dispersion = np.sum((counts - counts.mean()) ** 2) / counts.mean()
    assert stats.chi2(399).ppf(0.0005) < dispersion < stats.chi2(399).ppf(0.9995)
    assert counts.mean() == pytest.approx(30.0, abs=4 * math.sqrt(30.0 / 400))


def test_pieces_cover_the_run_and_integrate_to_the_year():
    instance = village(arrivals=730.5, rhythm="day_and_night")
    bounds, rates = rate_pieces(instance, 730.5, 0.0, "day_and_night")
    assert (bounds[0], bounds[-1]) == (-100.0, 1461.0)
    assert np.sum(rates * np.diff(bounds)) == pytest.approx(2.0 * 1561.0 * (0.05 + 0.6 + 0.35))


def test_rhythm_before_its_first_start_is_its_last_piece():
    instance = village(arrivals=365.25)
    late = replace(
        instance,
        rhythms=(
            Rhythm(rhythm="late", start=2.0, period=7.0, factor=3.0),
            Rhythm(rhythm="late", start=5.0, period=7.0, factor=0.5),
        ),
    )
    bounds, rates = rate_pieces(late, 365.25, 0.0, "late")
    at = dict(zip(bounds[:-1].tolist(), rates.tolist(), strict=True))
    assert (at[2.0], at[5.0], at[9.0]) == (3.0, 0.5, 3.0)
    assert rates[0] == (0.5 if np.mod(-100.0, 7.0) < 2.0 or np.mod(-100.0, 7.0) >= 5.0 else 3.0)


def test_no_arrivals_at_rate_zero():
    assert len(all_arrivals(village(arrivals=0.0, initial=3), 1)) == 0


@given(instances())
@CALM
def test_census_at_time_zero_is_that_of_the_table(instance):
    starts = states_at_time_zero(instance, 0)
    if instance.settings.horizon.warm_up == 0.0:
        return
    profiles = [row.profile for row in instance.profiles]
    for component, _, state in starts:
        rows = state.patients
        present = (rows["status"] != Status.TO_COME) & (rows["status"] != Status.GONE)
        for need in instance.needs:
            zones = [instance.territories[index].zone for index in component.territories]
            if need.initial is None or need.zone not in zones:
                continue
            here = (rows["zone"] == zones.index(need.zone)) & (rows["profile"] == profiles.index(need.profile))
            newcomers = (rows["ordinal"] >= NEWCOMERS) & (rows["ordinal"] < NEWCOMERS + (1 << 30))
            assert np.sum(here & (present | newcomers)) == need.initial


@pytest.mark.parametrize("initial", [40, 500])
def test_fewer_are_sampled_and_more_are_copied(initial):
    """About 100 founders and arrivals are present at the end of the warm-up."""
    instance = village(initial=initial, arrivals=300.0)
    state = Twin(instance, seed=1).state_at_time_zero(0, 0)
    rows = state.patients
    present = rows[rows["status"] == Status.STAYING]
    copies = present["ordinal"] >= COPIES
    assert len(present) == initial
    assert len(np.unique(present["ordinal"])) == initial
    for copy in present[copies]:
        original = present[present["ordinal"] == copy["chooser"]]
        assert len(original) == 1
        assert (original["step"], original["entered"]) == (copy["step"], copy["entered"])


def test_copies_have_luck_of_their_own():
    """All alike at time 0, yet they die at different times."""
    twin = Twin(village(initial=500, arrivals=10.0), seed=1)
    state = twin.state_at_time_zero(0, 0)
    run = twin.run(twin.today, 0, 0)
    died = run.events["time"][run.events["kind"] == 19]
    assert np.sum(state.patients["ordinal"] >= COPIES) > 0
    assert len(np.unique(died)) == len(died)


def test_census_of_people_whom_the_warm_up_does_not_leave_arrives_at_time_zero():
    instance = village(initial=5, arrivals=0.0)
    moves = tuple(move.model_copy(update={"rate": 36525.0}) for move in instance.moves)
    rows = Twin(replace(instance, moves=moves), seed=1).state_at_time_zero(0, 0).patients
    newcomers = rows[rows["ordinal"] >= NEWCOMERS]
    assert len(newcomers) == 5
    assert set(newcomers["status"].tolist()) == {Status.TO_COME}
    assert set(newcomers["arrival"].tolist()) == {0.0}


def test_founders_come_in_the_first_tenth_of_the_warm_up():
    instance = village(initial=50, arrivals=365.25)
    (component,) = components(instance)
    state = before_warm_up(instance, component, compile_component(instance, component), seed=1, replication=0)
    founders = state.patients[state.patients["ordinal"] >= FOUNDERS]
    assert len(founders) == 50
    assert np.all((founders["arrival"] >= -100.0) & (founders["arrival"] <= -90.0))


def test_everyone_stays_where_the_census_is_empty():
    instance = village(arrivals=365.25)
    (component,) = components(instance)
    state = Twin(instance, seed=1).state_at_time_zero(0, 0)
    before = before_warm_up(instance, component, compile_component(instance, component), seed=1, replication=0)
    came = np.sum(before.patients["arrival"] < 0.0)
    died = np.sum(state.patients["status"] == Status.GONE)
    present = np.sum(state.patients["status"] == Status.STAYING)
    assert died == 0  # those gone are forgotten
    assert 0.9 * came < present <= came


def test_without_a_warm_up_the_census_arrives_at_time_0():
    instance = village(initial=7)
    horizon = instance.settings.horizon.model_copy(update={"warm_up": 0.0})
    instance = replace(instance, settings=instance.settings.model_copy(update={"horizon": horizon}))
    events = Twin(instance, seed=1).run(todays_configuration(instance), 0, 0).events
    assert int(np.sum((events["kind"] == Event.ARRIVE) & (events["time"] == 0.0))) == 7
