"""States saved and taken up again: from a saved state a run goes on as if it had never stopped, to the last bit."""

import zipfile
from dataclasses import replace

import numpy as np
import pytest

from instances.catalogue import load_instance
from instances.faults import ConfiguratorError
from instances.instance import Instance
from simulation.configuration import Configuration, todays_configuration
from simulation.offer_in_force import todays_offer
from simulation.records import Event
from simulation.saved_state import Header, SavedStateError, open_states, save_states
from simulation.twin import RunResult, Twin
from tests.mini_instance import write_mini_instance
from tests.simulation.engine_runs import assert_same_state

SEED = 7


@pytest.fixture(scope="module")
def tiny() -> Instance:
    return shortened(load_instance("tiny"), 120.0)


@pytest.fixture(scope="module")
def mini(tmp_path_factory) -> Instance:
    return shortened(load_instance(write_mini_instance(tmp_path_factory.mktemp("mini") / "mini")), 120.0)


def shortened(instance: Instance, run: float) -> Instance:
    horizon = instance.settings.horizon.model_copy(update={"run": run})
    return replace(instance, settings=instance.settings.model_copy(update={"horizon": horizon}))


def save(path, twin: Twin, configuration: Configuration, time: float, replications: int = 1):
    states = [
        (replication, number, twin.state_at(configuration, number, replication, time))
        for replication in range(replications)
        for number in range(len(twin.components))
    ]
    save_states(path, Header.of(twin, configuration, replications, time), states)
    return states


def told(result: RunResult, since: float, until: float) -> list[tuple]:
    """What happened in a window, patients named by who they are, not by their row."""
    log = result.events[(result.events["time"] >= since) & (result.events["time"] < until)]
    names = [*zip(result.people.zone, result.people.profile, result.people.ordinal, strict=True), None]
    opening = (Event.PRESENT,)
    return [(row[0], names[row[1]], *row.tolist()[2:]) for row in log if row["kind"] not in opening]


def another(instance: Instance) -> Configuration:
    """A plan that moves a share and a capacity."""
    today = todays_configuration(instance)
    shares = (today.shares[0] - 0.2, today.shares[1] + 0.2, *today.shares[2:])
    capacities = tuple(
        units + row.lot if (row.maximum or 0) >= units + row.lot else units
        for units, row in zip(today.capacities, instance.capacities, strict=True)
    )
    return Configuration(shares, capacities, today.contract)


@pytest.mark.parametrize("engine", ["compiled", "simpy"])
@pytest.mark.parametrize("name", ["tiny", "mini"])
@pytest.mark.parametrize("time", [0.0, 13.7, 120.0])
def test_a_run_from_a_saved_state_is_the_uninterrupted_run(name, time, engine, request, tmp_path):
    instance = request.getfixturevalue(name)
    today = todays_configuration(instance)
    save(tmp_path / "states.npz", Twin(instance, seed=SEED, engine_name=engine), today, time)
    onward = Twin(instance, seed=SEED, engine_name=engine, origin=open_states(tmp_path / "states.npz", instance, SEED))
    uninterrupted = Twin(shortened(instance, 240.0), seed=SEED, engine_name=engine)
    for component in range(len(onward.components)):
        one = onward.run(today, component, 0)
        whole = uninterrupted.run(today, component, 0)
        opening = sum(row["time"] == time and row["kind"] != Event.ENTER for row in one.events)
        later = told(whole, time, time + 120.0)
        assert told(one, time, time + 120.0)[-len(later) :] == later
        assert len(later) > 10
        assert opening > 0


def test_a_plan_goes_on_with_what_it_had_decided(mini, tmp_path):
    plan = another(mini)
    twin = Twin(mini, seed=SEED)
    save(tmp_path / "states.npz", twin, plan, 20.0)  # between lead times, within the rollout
    onward = Twin(mini, seed=SEED, origin=open_states(tmp_path / "states.npz", mini, SEED))
    assert onward.offer.configuration == plan
    for component in range(len(twin.components)):
        whole = twin.run(plan, component, 0)
        later = told(whole, 20.0, 120.0)
        one = told(onward.run(plan, component, 0), 20.0, 120.0)
        assert one[-len(later) :] == later
        assert any(row[2] == Event.CAPACITY for row in later)


def test_another_plan_takes_over_from_the_state(mini, tmp_path):
    today = todays_configuration(mini)
    save(tmp_path / "states.npz", Twin(mini, seed=SEED), today, 50.0)
    onward = Twin(mini, seed=SEED, origin=open_states(tmp_path / "states.npz", mini, SEED))
    log = onward.run(another(mini), 0, 0).events
    changes = log[(log["kind"] == Event.CAPACITY) & (log["time"] > 50.0)]
    assert set(changes["time"]) == {80.0}  # the helpers' lead time of 30 after 50; nursing homes open later
    assert np.isin(Event.REORIENT, log["kind"])


def test_what_is_read_is_what_was_saved(tiny, tmp_path):
    twin = Twin(tiny, seed=SEED)
    states = save(tmp_path / "states.npz", twin, twin.today, 0.0, replications=2)
    origin = open_states(tmp_path / "states.npz", tiny, SEED)
    for replication, component, state in states:
        read = origin.state(tiny, twin.components[component], twin.model(component), replication)
        assert_same_state(read, state)
    save(tmp_path / "again.npz", twin, twin.today, 0.0, replications=2)
    assert (tmp_path / "again.npz").read_bytes() == (tmp_path / "states.npz").read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["again.npz", "states.npz"]


def test_states_need_no_pickle(tiny, tmp_path):
    twin = Twin(tiny, seed=SEED)
    save(tmp_path / "states.npz", twin, twin.today, 0.0)
    with np.load(tmp_path / "states.npz", allow_pickle=False) as archive:
        assert all(archive[name].dtype != object for name in archive.files)


def test_accounts_of_a_continued_run_count_from_its_start(tiny, tmp_path):
    twin = Twin(tiny, seed=SEED)
    save(tmp_path / "states.npz", twin, twin.today, 120.0)
    onward = Twin(tiny, seed=SEED, origin=open_states(tmp_path / "states.npz", tiny, SEED))
    whole = Twin(shortened(tiny, 240.0), seed=SEED).whole_account(twin.today, 0)
    parts = twin.whole_account(twin.today, 0), onward.whole_account(twin.today, 0)
    person_time = [account.persons[..., 0].sum() for account in (*parts, whole)]
    assert person_time[0] + person_time[1] == pytest.approx(person_time[2])
    assert sum(account.pools[:, 1].sum() for account in parts) == pytest.approx(whole.pools[:, 1].sum())
    assert sum(account.revenue.sum() for account in parts) == pytest.approx(whole.revenue.sum(), rel=1e-6)
    assert sum(account.cost.sum() for account in parts) == pytest.approx(whole.cost.sum(), rel=1e-6)


@pytest.fixture(scope="module")
def saved(tiny, tmp_path_factory):
    path = tmp_path_factory.mktemp("saved") / "states.npz"
    twin = Twin(tiny, seed=SEED)
    save(path, twin, twin.today, 0.0)
    return path.read_bytes()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda content: content[: len(content) // 2], "no whole file of saved states"),
        (lambda content: b"", "no whole file of saved states"),
        (lambda content: b"time,replication\n", "no whole file of saved states"),
        (lambda content: content[:3000] + bytes(200) + content[3200:], "damaged|no whole file"),
    ],
)
def test_a_file_that_is_not_whole_is_refused(change, message, saved, tiny, tmp_path):
    (tmp_path / "states.npz").write_bytes(change(saved))
    with pytest.raises(ConfiguratorError, match=message):
        open_states(tmp_path / "states.npz", tiny, SEED)


def test_an_archive_of_something_else_is_refused(tiny, tmp_path):
    np.savez(tmp_path / "other.npz", numbers=np.arange(3))
    with pytest.raises(SavedStateError, match="no whole file of saved states"):
        open_states(tmp_path / "other.npz", tiny)
    with pytest.raises(SavedStateError, match="no such file"):
        open_states(tmp_path / "none.npz", tiny)


def test_states_of_another_instance_seed_or_with_too_few_replications_are_refused(saved, tiny, mini, tmp_path):
    path = tmp_path / "states.npz"
    path.write_bytes(saved)
    with pytest.raises(SavedStateError, match="fingerprint"):
        open_states(path, mini)
    with pytest.raises(SavedStateError, match="seed 7; this run has seed 8"):
        open_states(path, tiny, 8)
    twin = Twin(tiny, seed=SEED, origin=open_states(path, tiny, SEED))
    with pytest.raises(SavedStateError, match="holds 1 replications"):
        twin.run(twin.today, 0, 1)


def test_a_file_that_lacks_a_state_is_refused(saved, tiny, tmp_path):
    (tmp_path / "whole.npz").write_bytes(saved)
    with zipfile.ZipFile(tmp_path / "whole.npz") as whole, zipfile.ZipFile(tmp_path / "part.npz", "w") as part:
        for name in whole.namelist():
            if not name.startswith("0/0/slots"):
                part.writestr(name, whole.read(name))
    with pytest.raises(SavedStateError, match="states are missing"):
        open_states(tmp_path / "part.npz", tiny)


def test_nothing_is_left_of_a_save_that_fails(tiny, tmp_path):
    def states():
        yield 0, 0, Twin(tiny, seed=SEED).state_at_time_zero(0, 0)
        raise KeyboardInterrupt

    header = Header("tiny", "", 1, "day", ("",), 1, 0.0, todays_offer(tiny))
    with pytest.raises(KeyboardInterrupt):
        save_states(tmp_path / "states.npz", header, states())
    assert list(tmp_path.iterdir()) == []
