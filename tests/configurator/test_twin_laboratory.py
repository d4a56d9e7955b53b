"""The doors on the real twin and search, on the tiny instance."""

import json
import os
import signal
import subprocess
import sys

import pytest

from configurator import verbs
from configurator.results import Interval
from configurator.tables import table_from_csv
from configurator.verbs import Wish

SMALL = {"generations": 2, "population": 6, "replications": 1, "seed": 3}


def test_today_is_simulated_with_indicators_and_observations(choice, tmp_path):
    simulation = verbs.simulate(choice, Wish(seed=1, replications=3), out=tmp_path / "run", events=True)
    efficiency = simulation.simulated.objectives[1]
    assert (efficiency.mean, efficiency.low, efficiency.high) == (0.0, 0.0, 0.0)
    assert [check.observation for check in simulation.simulated.observations] == ["bed_occupancy", "deaths"]
    indicators = table_from_csv("indicators", (tmp_path / "run" / "indicators.csv").read_text(encoding="utf-8"))
    whole = [row for row in indicators.records() if row["indicator"] == "deaths" and not row["zone"]]
    assert whole[0]["replications"] == 3
    assert ",nan" not in (tmp_path / "run" / "indicators.csv").read_text(encoding="utf-8")


def test_events_tell_who_where_and_what(choice, tmp_path):
    verbs.simulate(choice, Wish(seed=1, replications=2), out=tmp_path / "run", events=True)
    lines = (tmp_path / "run" / "events.csv").read_text(encoding="utf-8").splitlines()
    assert lines[0] == "time,replication,patient,zone,profile,pathway,step,event,resource,units,detail"
    events = table_from_csv("events", "\n".join(lines)).records()
    assert {event["replication"] for event in events} == {0, 1}
    assert {"present", "enter", "hazard", "exit"} <= {event["event"] for event in events}
    present = next(event for event in events if event["event"] == "present")
    assert str(present["patient"]).startswith(f"{present['zone']}/")
    times = [float(str(event["time"])) for event in events if event["replication"] == 1]
    assert times == sorted(times)


def test_both_engines_write_the_same_results(choice, tmp_path):
    for engine in ("compiled", "simpy"):
        wish = Wish(seed=5, replications=1, workers=1, engine=engine)
        verbs.simulate(choice, wish, out=tmp_path / engine, events=True)
    for name in ("events.csv", "indicators.csv", "observations.csv"):
        assert (tmp_path / "compiled" / name).read_bytes() == (tmp_path / "simpy" / name).read_bytes()


def test_one_and_two_workers_find_the_same_front(choice, tmp_path):
    for workers in (1, 2):
        verbs.optimise(choice, Wish(**SMALL, workers=workers), out=tmp_path / str(workers), random_plans=4)
    for name in ("front.csv", "today.csv", "archive.csv"):
        assert (tmp_path / "1" / name).read_bytes() == (tmp_path / "2" / name).read_bytes()
    summaries = [json.loads((tmp_path / str(workers) / "summary.json").read_text()) for workers in (1, 2)]
    for name in ("random_hypervolume", "confirmed_hypervolume_low", "confirmed_hypervolume_high"):
        assert summaries[0][name] == summaries[1][name]


def test_a_front_is_confirmed_on_fresh_replications(choice, tiny, tmp_path):
    front = verbs.optimise(choice, Wish(**SMALL), out=tmp_path / "run", random_plans=0)
    assert {row.replications for row in front.rows} == {tiny.settings.search.final_replications}
    assert all(row.probability_non_dominated is not None for row in front.rows)
    assert front.random_hypervolume is None
    confirmed = front.confirmed_hypervolume
    assert 0.0 < confirmed.low < confirmed.mean < confirmed.high < 1.0
    assert verbs.front(tmp_path / "run").confirmed_hypervolume == confirmed


def test_a_summary_without_the_ends_of_the_hypervolume_leaves_them_open(choice, tmp_path):
    run = tmp_path / "run"
    mean = verbs.optimise(choice, Wish(**SMALL), out=run, random_plans=0).confirmed_hypervolume.mean
    summary = json.loads((run / "summary.json").read_text())
    kept = {name: value for name, value in summary.items() if not name.startswith("confirmed_hypervolume_")}
    (run / "summary.json").write_text(json.dumps(kept))
    assert verbs.front(run).confirmed_hypervolume == Interval(mean, 0.0, 1.0)


def test_a_plan_simulated_on_its_own_shows_what_the_search_promised(choice, tmp_path):
    """Other replications, same people: close, not equal."""
    front = verbs.optimise(choice, Wish(**SMALL), out=tmp_path / "run", random_plans=0)
    plan = tmp_path / "run" / "plans" / f"{front.rows[0].id}.json"
    again = verbs.simulate(choice, Wish(seed=3, replications=20), plan=plan, out=tmp_path / "again")
    for searched, simulated in zip(front.rows[0].objectives, again.simulated.objectives, strict=True):
        assert abs(searched.mean - simulated.mean) < 3 * max(
            searched.high - searched.low, simulated.high - simulated.low, 1e-9
        )


def _deaf_to_ctrl_c():
    """As the background jobs of a script are born; a search hears it all the same."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


@pytest.mark.skipif(sys.platform == "win32", reason="Ctrl-C is sent as a signal")
def test_ctrl_c_during_a_search_ends_with_status_4_and_usable_files(tmp_path):
    command = [sys.executable, "-c", "from configurator.cli import main; main()", "optimise", "tiny"]
    options = ["--generations", "5000", "--population", "4", "--replications", "1", "--out", "run"]
    searching = subprocess.Popen(
        [*command, *options],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
        preexec_fn=_deaf_to_ctrl_c,
    )
    with searching:
        assert searching.stderr is not None
        for line in searching.stderr:
            if line.startswith("generation 2/"):
                searching.send_signal(signal.SIGINT)
                break
        out, err = searching.communicate(timeout=60)
    assert searching.returncode == 4, err
    assert "stopped before its end" in out
    assert "Traceback" not in err
    assert (tmp_path / "run" / "front.html").is_file()
    assert verbs.front(tmp_path / "run").stopped
