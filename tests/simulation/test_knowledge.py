"""Which parameters each replication carries (T13): keyed, the same for every plan, central in replication 0."""

import pickle
from dataclasses import replace

import numpy as np
import pytest

from instances.catalogue import read_source
from instances.parameters import quantile
from instances.source import InstanceSource
from simulation.configuration import todays_configuration
from simulation.estimates import estimate
from simulation.knowledge import ImpossibleDraw, Knowledge
from simulation.saved_state import Header, SavedStateError, open_states, save_states
from simulation.streams import purpose, uniform
from simulation.twin import Twin
from tests.mini_instance import TABLES, write_mini_instance
from tests.simulation.test_saved_state import another, told

SEED = 7


@pytest.fixture(scope="module")
def source(tmp_path_factory) -> InstanceSource:
    return read_source(write_mini_instance(tmp_path_factory.mktemp("mini") / "mini"))


@pytest.fixture(scope="module")
def mini(source) -> Knowledge:
    return Knowledge.of(source)


def mini_source(folder, **tables) -> InstanceSource:
    """The mini instance with words of some tables replaced."""
    write_mini_instance(folder)
    for name, (old, new) in tables.items():
        assert old in TABLES[name]
        (folder / f"{name}.csv").write_text(TABLES[name].replace(old, new), encoding="utf-8")
    return read_source(folder)


def test_replication_0_carries_the_central_values(mini, source):
    assert mini.instance(SEED, 0) is mini.central
    assert mini.central.fingerprint == source.today.fingerprint
    assert mini.values(SEED, 0) == {}


def test_every_uncertain_parameter_is_drawn_from_its_own_distribution(mini):
    names = {"fall_rate", "helper_ratio", "stay_home_share", "staffing"}
    draws = [mini.values(SEED, replication) for replication in range(1, 401)]
    assert all(values.keys() == names for values in draws)
    for row in mini.uncertain:
        found = np.sort([values[row.name] for values in draws])
        # Kolmogorov: of 400 draws, 1.63 / sqrt(400) is exceeded once in a hundred times
        places = np.array([quantile(row, (rank + 0.5) / 400.0) for rank in range(400)])
        within = np.searchsorted(found, places) / 400.0 - (np.arange(400) + 0.5) / 400.0
        assert np.abs(within).max() < 1.63 / 20.0


def test_draws_are_keyed_by_seed_replication_and_name(mini, tmp_path):
    assert mini.values(SEED, 3) == mini.values(SEED, 3)
    assert mini.values(SEED, 3) != mini.values(SEED, 4)
    assert mini.values(SEED, 3) != mini.values(SEED + 1, 3)
    more = mini_source(tmp_path / "mini", parameters=("run_years,1", "another,2,1,3,uniform,,,\nrun_years,1"))
    values = Knowledge.of(more).values(SEED, 3)
    assert values.pop("another") > 0.0
    assert values == mini.values(SEED, 3)


def test_keys_beyond_signed_numbers_are_taken_whatever_was_drawn_before(mini):
    before = mini.values(SEED, 1)
    assert 0.0 < uniform(SEED, 1, 0, 1, 2, 0) < 1.0  # compiles the streams for signed numbers
    assert mini.values(SEED, 1) == before
    assert any(purpose("parameter", row.name) >= 2**63 for row in mini.uncertain)


def test_derived_parameters_follow_what_is_drawn(mini):
    drawn = mini.instance(SEED, 1)
    assert drawn.values["frail_fall_rate"] == 2 * drawn.values["fall_rate"] != mini.central.values["frail_fall_rate"]
    falls = {row.profile: row.rate for row in drawn.moves if row.hazard == "fall" and row.rate is not None}
    assert falls == {"robust": drawn.values["fall_rate"], "frail": drawn.values["frail_fall_rate"]}


def test_parameters_set_by_a_scenario_or_the_caller_are_given(source):
    known = Knowledge.of(source, "shortage", {"fall_rate": 0.5})
    assert {row.name for row in known.uncertain} == {"stay_home_share"}
    assert known.instance(SEED, 2).values["fall_rate"] == 0.5
    assert known.instance(SEED, 2).values["staffing"] == 0.75


def test_decisions_keep_their_values_under_every_draw(mini):
    """6*staffing beds are a decision; the drawn staffing changes none of them."""
    drawn = mini.instance(SEED, 1)
    assert drawn.values["staffing"] != 1.0
    assert drawn.capacities == mini.central.capacities
    assert drawn.rules == mini.central.rules
    assert todays_configuration(drawn) == todays_configuration(mini.central)
    assert drawn.settings == mini.central.settings


def test_chance_only_carries_the_central_values_everywhere(mini):
    assert all(mini.chance_only.instance(SEED, replication) is mini.central for replication in range(4))
    assert mini.chance_only.draw(3) == 0


def test_knowledge_travels_to_another_process(mini):
    again = pickle.loads(pickle.dumps(mini))
    assert again.instance(SEED, 5).fingerprint == mini.instance(SEED, 5).fingerprint


def test_an_impossible_draw_names_replication_parameters_and_check(tmp_path):
    """A share of up to 1.2 goes home: not beyond 1 at its central value, so that reading finds nothing wrong."""
    old = "stay_home_share,0.7,0.5,0.9,beta"
    known = Knowledge.of(mini_source(tmp_path / "mini", parameters=(old, "stay_home_share,0.7,0.5,1.2,uniform")))
    broken = next(number for number in range(1, 50) if known.values(SEED, number)["stay_home_share"] > 1.0)
    with pytest.raises(ImpossibleDraw, match=rf"replication {broken}, seed 7: moves\.csv, row 8.*\(drawn: stay_home_"):
        known.rehearse(SEED, range(50))


def test_a_parameter_that_divides_by_zero_in_a_draw_is_refused(tmp_path):
    texts = ("frail_fall_rate,2*fall_rate", "frail_fall_rate,1/(helper_ratio-helper_ratio*fall_rate/0.8+1/1000000)")
    known = Knowledge.of(mini_source(tmp_path / "mini", parameters=texts))
    with pytest.raises(ImpossibleDraw, match=r"moves\.csv"):  # a negative rate
        known.rehearse(SEED, range(30))


def test_a_draw_that_changes_the_structure_is_refused(source, mini):
    class Forgetful(InstanceSource):
        def drawn(self, scenario, overrides, values):
            return replace(super().drawn(scenario, overrides, values), needs=self.today.needs[:-1])

    forgetful = replace(mini, source=Forgetful(source.written))
    with pytest.raises(ImpossibleDraw, match=r"replication 1, seed 7: .*\(needs\)"):
        forgetful.instance(SEED, 1)


@pytest.mark.parametrize("name", ["tiny", "monks-stroke", "treatment-centre"])
def test_small_shipped_instances_survive_200_draws(name):
    Knowledge.of(read_source(name)).rehearse(1, range(201))


@pytest.mark.slow
def test_the_loire_survives_200_draws():
    """So do the synthetic departments, which have its parameters."""
    Knowledge.of(read_source("loire")).rehearse(1, range(201))


def test_a_replication_runs_on_what_it_carries(mini):
    """Replication 0 is the run of the instance alone; replication 1 is that of its drawn instance."""
    twin, today = Twin(mini, seed=SEED), todays_configuration(mini.central)
    for replication in (0, 1):
        alone = Twin(mini.instance(SEED, replication), seed=SEED)
        for component in range(len(twin.components)):
            assert np.array_equal(
                twin.run(today, component, replication).events, alone.run(today, component, replication).events
            )
            one, other = twin.account(today, component, replication), alone.account(today, component, replication)
            assert np.array_equal(one.cost, other.cost)
    chance = Twin(mini.chance_only, seed=SEED)
    assert not np.array_equal(chance.run(today, 0, 1).events, twin.run(today, 0, 1).events)


@pytest.mark.parametrize("engine", ["compiled", "simpy"])
def test_from_a_saved_state_a_replication_goes_on_with_its_draw(mini, engine, tmp_path):
    twin = Twin(mini, seed=SEED, engine_name=engine)
    plan = another(mini.central)
    path = tmp_path / "states.npz"
    states = [(r, c, twin.state_at(plan, c, r, 20.0)) for r in range(3) for c in range(len(twin.components))]
    save_states(path, Header.of(twin, plan, 3, 20.0), states)
    onward = Twin(mini, seed=SEED, engine_name=engine, origin=open_states(path, mini, SEED))
    for replication in range(3):
        for component in range(len(twin.components)):
            whole = told(twin.run(plan, component, replication), 20.0, twin.instance.settings.horizon.run)
            one = told(onward.run(plan, component, replication), 20.0, twin.instance.settings.horizon.run)
            assert one[-len(whole) :] == whole
            assert len(whole) > 50


def test_saved_states_are_not_mixed_with_other_parameters(mini, tmp_path):
    today = todays_configuration(mini.central)
    for knowledge, name in ((mini, "drawn"), (mini.chance_only, "central")):
        twin = Twin(knowledge, seed=SEED)
        states = [(r, c, twin.state_at_time_zero(c, r)) for r in range(2) for c in range(len(twin.components))]
        save_states(tmp_path / name, Header.of(twin, today, 2, 0.0), states)
    with pytest.raises(SavedStateError, match=r"replication 1 was saved with parameters drawn; .* central \(leave out"):
        open_states(tmp_path / "drawn", mini.chance_only, SEED)
    with pytest.raises(SavedStateError, match=r"replication 1 was saved with parameters at their central .*\(add"):
        open_states(tmp_path / "central", mini, SEED)
    assert open_states(tmp_path / "central", mini.chance_only, SEED).header.replications == 2


UNCERTAIN_RATE = {
    "parameters": ("fall_rate,0.8", "busy,200,150,250,uniform,,,\nfall_rate,0.8"),
    "needs": ("01,robust,60,10,0,seasons", "01,robust,0,busy,0,"),
}


def arrivals(twin: Twin, replications: int) -> np.ndarray:
    """How many robust people come to the north during the run, from replication 1 on."""
    rows = [twin.state_at_time_zero(0, number).patients for number in range(1, replications + 1)]
    return np.array([((row["zone"] == 0) & (row["first_profile"] == 0) & (row["arrival"] > 0.0)).sum() for row in rows])


def test_the_variance_of_arrivals_at_an_uncertain_rate_is_that_of_the_mixture(tmp_path):
    """Poisson arrivals of mean 200 a year, the rate uniform from 150 to 250.

    Variance: mean of the Poisson variance plus variance of its mean (law of total variance), 200 + 100^2 / 12 =
    1033.3; by chance alone 200. A variance of 400 normal values has a standard error of 7 %: within 25 %.
    """
    known = Knowledge.of(mini_source(tmp_path / "mini", **UNCERTAIN_RATE), None, {"run_years": 1.0})
    drawn, chance = (arrivals(Twin(each, seed=SEED), 400) for each in (known, known.chance_only))
    assert drawn.var(ddof=1) == pytest.approx(200.0 + 100.0**2 / 12.0, rel=0.25)
    assert chance.var(ddof=1) == pytest.approx(200.0, rel=0.25)
    assert drawn.mean() == pytest.approx(200.0, abs=4.0 * (1033.3 / 400.0) ** 0.5)
    assert chance.mean() == pytest.approx(200.0, abs=4.0 * (200.0 / 400.0) ** 0.5)
    wider = (estimate(drawn).high - estimate(drawn).mean) / (estimate(chance).high - estimate(chance).mean)
    assert wider == pytest.approx((1033.3 / 200.0) ** 0.5, rel=0.25)
