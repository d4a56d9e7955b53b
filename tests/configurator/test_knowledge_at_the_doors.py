"""Knowledge beside chance at the doors: simulate, optimise and validate."""

import json
import subprocess
import sys
from dataclasses import replace

import pytest
from typer.testing import CliRunner

from configurator import verbs
from configurator.cli import app
from configurator.tables import table_from_csv
from configurator.verbs import Choice, Wish
from optimisation import auditing
from simulation.knowledge import ImpossibleDraw
from tests.mini_instance import TABLES, write_mini_instance

TEN = Wish(seed=1, replications=10, workers=1)
KEYS = ("indicator", "zone", "profile", "pathway", "step", "resource", "provider", "payer")


@pytest.fixture(scope="module")
def uncertain(tmp_path_factory) -> Choice:
    """The mini instance, whose rate of falls is known to within half of it."""
    return Choice(str(write_mini_instance(tmp_path_factory.mktemp("mini") / "mini")))


def rows(folder, name):
    return table_from_csv(name, (folder / f"{name}.csv").read_text(encoding="utf-8")).records()


def test_intervals_with_knowledge_are_wider_than_by_chance_alone(uncertain, tmp_path):
    simulation = verbs.simulate(uncertain, TEN, out=tmp_path / "run")
    falls = next(row for row in rows(tmp_path / "run", "indicators") if row["indicator"] == "falls" and not row["zone"])
    # 124 falls with a standard deviation of about 11 by chance; their rate alone spreads them by 20 %
    assert falls["high"] - falls["low"] > 1.4 * (falls["chance_high"] - falls["chance_low"]) > 0.0
    assert simulation.simulated.drawn_parameters == 4
    observed = rows(tmp_path / "run", "observations")
    assert all(row["chance_low"] < row["chance_high"] for row in observed)
    for objective, interval in zip(simulation.objectives, simulation.simulated.objectives, strict=True):
        assert interval.chance_low <= interval.chance_high, objective.name


def test_chance_only_is_the_interval_beside(uncertain, tmp_path):
    """Ten replications at the central values: the same that stand beside the drawn ones."""
    verbs.simulate(uncertain, TEN, out=tmp_path / "drawn")
    verbs.simulate(replace(uncertain, chance_only=True), TEN, out=tmp_path / "chance")
    chance, drawn = (
        {tuple(row[key] for key in KEYS): row for row in rows(tmp_path / name, "indicators")}
        for name in ("chance", "drawn")
    )
    assert len(chance) > 400
    for key in chance.keys() & drawn.keys():
        ends = (chance[key]["low"], chance[key]["high"])
        if chance[key]["replications"] == drawn[key]["replications"] == 10:
            assert (chance[key]["chance_low"], chance[key]["chance_high"]) == pytest.approx(ends)
            assert (drawn[key]["chance_low"], drawn[key]["chance_high"]) == pytest.approx(ends)
    manifests = [json.loads((tmp_path / name / "manifest.json").read_text()) for name in ("drawn", "chance")]
    assert [manifest["settings"]["chance_only"] for manifest in manifests] == [False, True]


def test_one_replication_has_no_interval_by_chance(uncertain, tmp_path):
    verbs.simulate(uncertain, replace(TEN, replications=1), out=tmp_path / "run")
    assert all(row["chance_low"] is row["chance_high"] is None for row in rows(tmp_path / "run", "indicators"))


@pytest.mark.slow
def test_processes_and_threads_draw_the_same(uncertain, tmp_path):
    """The readable engine in two processes, the compiled one in this thread."""
    three = replace(TEN, replications=3)
    verbs.simulate(uncertain, three, out=tmp_path / "one", events=True)
    verbs.simulate(uncertain, replace(three, workers=2, engine="simpy"), out=tmp_path / "two", events=True)
    for name in ("events", "indicators", "observations"):
        assert (tmp_path / "one" / f"{name}.csv").read_bytes() == (tmp_path / "two" / f"{name}.csv").read_bytes()


def test_what_simulate_shows_was_audited(uncertain, tmp_path, monkeypatch):
    simulated = verbs.simulate(uncertain, replace(TEN, replications=2), out=tmp_path / "one", events=True).simulated
    first = [row for row in rows(tmp_path / "one", "events") if row["replication"] == 0]
    assert simulated.audited_events >= len(first) > 500

    def disagree(*_):
        raise auditing.EnginesDisagree("the engines disagree from event 3 on\ncompiled:\nSimPy:")

    monkeypatch.setattr(auditing, "audit", disagree)
    with pytest.raises(auditing.EnginesDisagree, match="from event 3"):
        verbs.simulate(uncertain, replace(TEN, replications=2), out=tmp_path / "two")


@pytest.fixture(scope="module")
def beyond(tmp_path_factory) -> Choice:
    """A probability that is drawn beyond 1 now and then."""
    folder = write_mini_instance(tmp_path_factory.mktemp("beyond") / "mini")
    text = TABLES["parameters"].replace("stay_home_share,0.7,0.5,0.9,beta", "stay_home_share,0.7,0.5,1.2,uniform")
    (folder / "parameters.csv").write_text(text, encoding="utf-8")
    return Choice(str(folder))


def test_validate_tries_draws_and_names_the_parameter(beyond):
    assert verbs.validate(beyond, draws=0).is_valid
    found = verbs.validate(beyond)
    assert not found.is_valid
    assert any("stay_home_share=1." in text and "moves.csv" in text for text in found.impossible_draws)
    result = CliRunner().invoke(app, ["validate", beyond.instance])
    assert result.exit_code == 2
    assert "stay_home_share" in result.output


def test_an_impossible_draw_stops_a_run_before_anything_is_simulated(beyond, tmp_path):
    with pytest.raises(ImpossibleDraw, match="stay_home_share"):
        verbs.simulate(beyond, replace(TEN, replications=20), out=tmp_path / "run")
    assert verbs.simulate(replace(beyond, chance_only=True), TEN, out=tmp_path / "central").replications == 10


def test_simulating_loads_neither_solver_nor_search():
    program = "import sys, configurator.twin_laboratory; print(*sys.modules)"
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    loaded = set(found.stdout.split())
    assert "configurator.twin_laboratory" in loaded
    assert loaded.isdisjoint({"pyomo", "pymoo", "moocore", "scipy.stats"})
