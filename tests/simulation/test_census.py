"""A census as the origin of runs: the patients counted stand where they were counted."""

import numpy as np
import pytest

from instances.catalogue import load_instance
from instances.census import CensusRow
from simulation.census import Census
from simulation.configuration import todays_configuration
from simulation.records import Event
from simulation.state import Held, Status
from simulation.twin import Twin
from tests.mini_instance import write_mini_instance
from tests.simulation.engine_runs import assert_same_events

SEED = 7


def row(zone, profile, pathway, step, days, count=1) -> CensusRow:
    return CensusRow(zone=zone, profile=profile, pathway=pathway, step=step, days_elapsed=days, count=count)


@pytest.fixture(scope="module")
def mini(tmp_path_factory):
    return load_instance(write_mini_instance(tmp_path_factory.mktemp("mini") / "mini"))


ROWS = (
    row("01", "robust", "usual", "home", 100, 40),
    row("01", "frail", "helped", "home", 10, 3),
    row("01", "frail", "helped", "home", 3, 9),
    row("01", "frail", "usual", "ward", 4, 8),
    row("01", "frail", "usual", "residence", 300, 10),
    row("02", "frail", "usual", "home", 40, 12),
    row("02", "robust", "usual", "home", 5, 20),
)


@pytest.fixture(scope="module")
def census(mini):
    return Census(mini, ROWS, SEED)


@pytest.fixture(scope="module")
def twin(mini, census):
    return Twin(mini, seed=SEED, origin=census)


def test_everybody_counted_is_present_in_their_step(mini, twin):
    log = twin.run(twin.today, 0, 0).events
    model = twin.model(0)
    present = log[log["kind"] == Event.PRESENT]
    found: dict[tuple, int] = {}
    for record in present:
        key = (mini.profiles[record["profile"]].profile, *model.step_codes[record["step"]])
        found[key] = found.get(key, 0) + 1
    wanted: dict[tuple, int] = {}
    for each in ROWS:
        key = (each.profile, each.pathway, each.step)
        wanted[key] = wanted.get(key, 0) + each.count
    assert found == wanted


def test_units_beyond_capacity_drain(twin):
    """Eight patients in six beds, ten residents in eight places: nobody enters until some have left."""
    state = twin.state_at_time_zero(0, 0)
    model = twin.model(0)
    beds = int(np.flatnonzero(model.pool_resource == 0)[0])
    assert state.patients["gate_units"][state.patients["gate_pool"] == beds].sum() == 8
    places = state.slots[state.slots["state"] == Held.HELD]
    assert sum(model.pool_resource[slot["pool"]] == 2 for slot in places) == 10
    log = twin.run(twin.today, 0, 0).events
    bed_log = log[(log["pool"] == beds) & np.isin(log["kind"], (Event.ENTER, Event.GATE_END))]
    in_use = 8
    for record in bed_log:
        in_use += record["units"] if record["kind"] == Event.ENTER else -record["units"]
        assert record["kind"] == Event.GATE_END or in_use <= 6


def test_services_go_to_those_longest_in_the_step(twin):
    """Nine helpers after travel in zone 01 for twelve who need one: those there for ten days and six of the others."""
    state, model = twin.state_at_time_zero(0, 0), twin.model(0)
    slot = int(np.flatnonzero(model.slot_resource == 1)[0])
    column = state.slots[:, slot]
    held = column["state"] == Held.HELD
    assert held.sum() == 9
    assert (column["state"] == Held.WAITING).sum() == 3
    assert len(state.waiting) == 3
    assert held[state.patients["entered"] == -10.0].all()
    assert set(column["acting"][state.patients["entered"] == -10.0]) == {1}  # past the onset of 7 days
    young = held & (state.patients["entered"] == -3.0)
    assert set(column["onset_time"][young]) == {4.0}


def test_an_unchanged_mix_moves_nobody(twin):
    """Nobody is re-oriented by today's offer but those whose profile changes."""
    log = twin.run(twin.today, 0, 0).events
    moved = log[log["kind"] == Event.REORIENT]
    state = twin.state_at_time_zero(0, 0)
    counted = set(np.flatnonzero(state.patients["status"] == Status.STAYING).tolist())
    changed = {int(record["patient"]) for record in log[log["kind"] == Event.PROFILE]}
    assert {int(record["patient"]) for record in moved} & counted <= changed


def test_stays_and_hazards_are_still_to_come(twin):
    state = twin.state_at_time_zero(0, 0)
    present = state.patients[state.patients["status"] == Status.STAYING]
    assert (present["stay_end"] >= 0.0).all()
    assert (present["hazard_time"] > 0.0).all()
    wards = present["entered"] == -4.0
    assert np.isfinite(present["stay_end"][wards]).all()
    assert len(set(present["stay_end"][wards])) == 8


def test_replications_draw_their_own_luck(twin):
    one, other = (twin.state_at_time_zero(0, replication).patients for replication in (0, 1))
    wards = [rows["stay_end"][rows["entered"] == -4.0] for rows in (one, other)]
    assert not np.array_equal(*wards)


def test_both_engines_start_from_a_census_alike(mini, census):
    runs = [
        Twin(mini, seed=SEED, engine_name=engine, origin=census).run(todays_configuration(mini), 0, 0).events
        for engine in ("compiled", "simpy")
    ]
    assert_same_events(*runs)


def test_accounts_start_with_those_counted(twin):
    account = twin.whole_account(twin.today, 0)
    assert account.persons[..., 7].sum() == sum(each.count for each in ROWS)


def test_a_zone_without_patients_starts_empty(mini):
    alone = Twin(mini, seed=SEED, origin=Census(mini, ROWS[:1], SEED))
    assert (alone.state_at_time_zero(0, 0).patients["status"] == Status.STAYING).sum() == 40
