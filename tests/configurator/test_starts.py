"""Runs that start from saved states or a census, replicate to a precision, follow a patient; the warm-up shown."""

import json
import sys
from dataclasses import replace

import numpy as np
import pytest

from configurator import cli, verbs
from configurator.asking import InvalidRequest
from configurator.story import NoSuchPatient
from configurator.tables import table_from_csv
from configurator.verbs import SimulateOptions, Wish
from configurator.warm_up_page import sparkline
from instances.census import InvalidCensus
from simulation.saved_state import SavedStateError

TWO = Wish(seed=1, replications=2)


def simulate(choice, folder, wish=TWO, **options):
    return verbs.simulate(choice, wish, out=folder, events=True, options=SimulateOptions(**options))


def told(folder, since=0.0):
    rows = table_from_csv("events", (folder / "events.csv").read_text(encoding="utf-8")).records()
    return [row for row in rows if row["time"] > since]


def without_chance(folder, name):
    """The table, but the intervals by chance alone: states that carry drawn parameters have none."""
    text = (folder / f"{name}.csv").read_text(encoding="utf-8")
    rows = table_from_csv(name, text).records()
    return [{key: cell for key, cell in row.items() if not key.startswith("chance_")} for row in rows]


@pytest.mark.parametrize("chance_only", [True, False])
def test_from_the_state_at_time_0_everything_is_as_without_it(choice, chance_only, tmp_path):
    asked = replace(choice, chance_only=chance_only)
    simulate(asked, tmp_path / "one", save_state=tmp_path / "states.npz", save_at=0.0)
    again = simulate(asked, tmp_path / "two", wish=Wish(), from_state=tmp_path / "states.npz")
    assert again.replications == 2  # those of the file, under its seed
    assert (tmp_path / "one" / "events.csv").read_bytes() == (tmp_path / "two" / "events.csv").read_bytes()
    for name in ("indicators", "observations"):
        assert without_chance(tmp_path / "one", name) == without_chance(tmp_path / "two", name)
        same = (tmp_path / "one" / f"{name}.csv").read_bytes() == (tmp_path / "two" / f"{name}.csv").read_bytes()
        assert same == chance_only
    assert (tmp_path / "two" / "inputs" / "start" / "states.npz").is_file()
    assert json.loads((tmp_path / "two" / "manifest.json").read_text())["seed"] == 1


def test_a_run_goes_on_where_it_was_saved(choice, tmp_path):
    simulate(choice, tmp_path / "one", save_state=tmp_path / "states.npz", save_at=400.0)
    simulate(choice, tmp_path / "two", wish=Wish(), from_state=tmp_path / "states.npz")
    before = told(tmp_path / "one", since=400.0)
    after = [row for row in told(tmp_path / "two", since=400.0) if row["time"] < 731.0]
    assert len(before) > 100
    assert after == before
    assert max(row["time"] for row in told(tmp_path / "two")) > 1000.0


def test_states_are_saved_at_the_end_unless_asked_otherwise(choice, tmp_path):
    saved = simulate(choice, tmp_path / "one", save_state=tmp_path / "states.npz")
    assert any("day 731" in note for note in saved.notes)
    onward = simulate(choice, tmp_path / "two", wish=Wish(), from_state=tmp_path / "states.npz")
    assert any("day 731, and went on to 1462" in note for note in onward.notes)


def test_a_plan_is_simulated_from_a_saved_state_against_what_was_offered(choice, tmp_path):
    simulate(choice, tmp_path / "one", save_state=tmp_path / "states.npz")
    document = json.loads((tmp_path / "one" / "plans" / "simulated.json").read_text())
    plan = tmp_path / "plan.json"
    plan.write_text(json.dumps(document))
    same = verbs.simulate(
        choice, Wish(), plan=plan, out=tmp_path / "two", options=SimulateOptions(from_state=tmp_path / "states.npz")
    )
    efficiency = same.simulated.objectives[1]
    assert (efficiency.low, efficiency.high) == (0.0, 0.0)


@pytest.mark.parametrize(
    "options",
    [
        {"save_at": 10.0},
        {"save_state": "states.npz", "save_at": -1.0},
        {"save_state": "states.npz", "save_at": 1e6},
        {"save_state": "."},
        {"census": "a.csv", "from_state": "b.npz"},
        {"precision": ("satisfaction",)},
        {"precision": ("satisfaction=0",)},
        {"precision": ("satisfaction=wide",)},
    ],
)
def test_requests_that_cannot_be_met(options, choice, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    paths = {name: tmp_path / value if isinstance(value, str) else value for name, value in options.items()}
    with pytest.raises(InvalidRequest):
        verbs.simulate(choice, TWO, out=tmp_path / "run", options=SimulateOptions(**paths))
    assert list(tmp_path.iterdir()) == []


def test_states_of_too_few_replications(choice, tmp_path):
    simulate(choice, tmp_path / "one", save_state=tmp_path / "states.npz", save_at=0.0)
    with pytest.raises(InvalidRequest, match="holds the states of 2 replications"):
        simulate(choice, tmp_path / "two", wish=Wish(replications=3), from_state=tmp_path / "states.npz")
    with pytest.raises(SavedStateError, match="seed"):
        simulate(choice, tmp_path / "two", wish=Wish(seed=2), from_state=tmp_path / "states.npz")
    assert not (tmp_path / "two").exists()


CENSUS = """\
zone,profile,pathway,step,days_elapsed,count
town,steady,usual,home,200,50
town,frail,supported,home,30,12
hills,frail,usual,ward,3,2
"""


def test_a_run_from_a_census_starts_with_its_patients(choice, tmp_path):
    path = tmp_path / "patients.csv"
    path.write_text(CENSUS)
    simulate(choice, tmp_path / "run", census=path)
    present = [row for row in told(tmp_path / "run", since=-1.0) if row["event"] == "present"]
    assert len(present) == 2 * 64
    found = {(row["zone"], row["profile"], row["pathway"], row["step"]) for row in present}
    assert ("town", "frail", "supported", "home") in found
    assert (tmp_path / "run" / "inputs" / "start" / "patients.csv").read_text() == CENSUS


def test_a_census_with_faults_lists_them_and_writes_nothing(choice, tmp_path):
    path = tmp_path / "patients.csv"
    path.write_text(CENSUS.replace("hills", "hils").replace("supported", "suported"))
    with pytest.raises(InvalidCensus) as caught:
        simulate(choice, tmp_path / "run", census=path)
    assert [fault.row for fault in caught.value.faults] == [3, 4]
    assert not (tmp_path / "run").exists()


def test_replications_go_on_until_the_intervals_are_narrow(choice, tmp_path):
    simulation = verbs.simulate(
        choice, Wish(seed=1), out=tmp_path / "run",
        options=SimulateOptions(precision=("satisfaction=1", "busy[resource=bed]/capacity[resource=bed]=10%")),
    )  # fmt: skip
    assert all(standing.is_reached for standing in simulation.simulated.precision)
    assert simulation.replications >= 5
    indicators = table_from_csv("indicators", (tmp_path / "run" / "indicators.csv").read_text()).records()
    assert {row["replications"] for row in indicators if row["indicator"] == "deaths"} == {simulation.replications}
    rows = table_from_csv("precision", (tmp_path / "run" / "precision.csv").read_text()).records()
    assert [row["verdict"] for row in rows] == ["reached", "reached"]


def test_the_maximum_of_replications_is_kept_and_said(choice, tmp_path):
    simulation = verbs.simulate(
        choice, Wish(seed=1, replications=2), out=tmp_path / "run",
        options=SimulateOptions(precision=("satisfaction=0.0001",), most_replications=4),
    )  # fmt: skip
    assert simulation.replications == 4
    assert not simulation.simulated.precision[0].is_reached


def test_a_patient_is_followed_in_words(choice, tmp_path):
    simulate(choice, tmp_path / "first")
    rows = [row for row in told(tmp_path / "first", since=-1.0) if row["replication"] == 1]
    fallen = next(row["patient"] for row in rows if row["step"] == "ward" and row["event"] == "enter")
    simulation = simulate(choice, tmp_path / "run", follow=fallen, follow_in=1)
    own = [row for row in rows if row["patient"] == fallen]
    lines = simulation.story.splitlines()
    assert lines[0] == f"Patient {fallen}, replication 1"
    assert "/ward) with 1 x Ward bed" in simulation.story
    assert len(own) <= len(lines[1:]) <= len(own) + 1  # and, perhaps, the end of the run
    assert (tmp_path / "run" / "story.txt").read_text() == simulation.story + "\n"


@pytest.mark.parametrize("patient", ["nobody", "town/frail", "town/frail/7000000", "town/frail/x"])
def test_a_patient_who_is_not_there(patient, choice, tmp_path):
    with pytest.raises(NoSuchPatient):
        simulate(choice, tmp_path / "run", follow=patient)
    assert not (tmp_path / "run").exists()


def test_the_options_can_be_typed(monkeypatch, capsys, tmp_path):
    monkeypatch.chdir(tmp_path)

    def typed(*words):
        monkeypatch.setattr(sys, "argv", ["configurator", *words])
        with pytest.raises(SystemExit) as stopped:
            cli.main()
        printed = capsys.readouterr()
        return int(stopped.value.code or 0), printed.out, printed.err

    words = ("simulate", "tiny", "--replications", "2", "--save-state", "end.npz", "--out", "one")
    status, out, err = typed(*words)
    assert (status, "day 731" in out) == (0, True), err
    status, _, err = typed("simulate", "tiny", "--from-state", "end.npz", "--seed", "99")
    assert status == 2
    assert "seed 1; this run has seed 99" in err
    status, out, err = typed("simulate", "tiny", "--from-state", "end.npz", "--precision", "deaths=50%", "--json")
    assert status == 0, err
    assert json.loads(out)["precision"][0]["indicator"] == "deaths"


def test_describe_shows_whether_the_warm_up_is_enough(monkeypatch, capsys, tmp_path):
    monkeypatch.chdir(tmp_path)
    words = ["configurator", "describe", "tiny", "--warm-up", "--replications", "2", "--out", "warm-up.html"]
    for extra in ([], ["--json"]):
        monkeypatch.setattr(sys, "argv", [*words, *extra])
        with pytest.raises(SystemExit):
            cli.main()
        out = capsys.readouterr().out
        if extra:
            rows = json.loads(out)["warm_up"]["indicators"]
            assert {"census home", "occupancy bed", "waiting helper"} <= {row["indicator"] for row in rows}
        else:
            assert "The warm-up of 365 days is" in out
    page = (tmp_path / "warm-up.html").read_text(encoding="utf-8")
    assert "census ward" in page
    assert "cdn.plot.ly" not in page.split("<script")[0]


def test_sparklines():
    assert sparkline(np.array([0.0, 1.0, 2.0, 7.0]), 4) == "▁▂▃█"
    assert sparkline(np.zeros(3)) == "▁▁▁"
    assert len(sparkline(np.arange(1000.0))) == 40
