"""The command as people type it; what it calls is replaced where it would simulate."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from configurator import cli, searching, verbs
from configurator.laboratory import NoFeasiblePlan
from instances.catalogue import instance_folder
from tests.configurator.fakes import FakeLaboratory


@pytest.fixture
def typed(monkeypatch, capsys, tmp_path):
    """Run the command in an empty folder and return (exit status, standard output, standard error)."""
    monkeypatch.chdir(tmp_path)

    def run(*words, laboratory=None):
        for module in (verbs, searching):
            monkeypatch.setattr(module, "twin_laboratory", lambda: laboratory or FakeLaboratory())
        monkeypatch.setattr(sys, "argv", ["configurator", *words])
        with pytest.raises(SystemExit) as stopped:
            cli.main()
        printed = capsys.readouterr()
        return int(stopped.value.code or 0), printed.out, printed.err

    return run


def test_help_loads_nothing_heavy():
    heavy = ("numpy", "numba", "pandas", "plotly", "pyomo", "pymoo", "scipy", "rich", "pydantic", "openpyxl", "simpy")
    code = f"""
import sys
from configurator import cli
sys.argv = ["configurator", "--help"]
try:
    cli.main()
except SystemExit:
    pass
print([name for name in {heavy!r} if name in sys.modules], file=sys.stderr)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "optimise" in done.stdout
    assert done.stderr.strip() == "[]"


@pytest.mark.parametrize(
    "verb", ["list", "describe", "validate", "simulate", "optimise", "resume", "generate", "front", "export"]
)
def test_every_verb_has_help_and_json(typed, verb):
    status, out, _ = typed(verb, "--help")
    assert status == 0
    assert "--json" in out


def test_list_names_shipped_instances(typed):
    status, out, _ = typed("list", "--json")
    assert status == 0
    assert "tiny" in [record["instance"] for record in json.loads(out)]


def test_describe_prints_tables(typed):
    status, out, _ = typed("describe", "tiny")
    assert status == 0
    assert "CAPACITIES (3)" in out
    assert "insurance_budget" in out


def test_validate_says_valid(typed):
    status, out, err = typed("validate", "tiny")
    assert (status, out.splitlines()[0], err) == (0, "tiny is valid", "")


def test_validate_lists_all_faults_as_lines(typed, tmp_path):
    broken = tmp_path / "broken"
    shutil.copytree(instance_folder("tiny"), broken)
    (broken / "zones.csv").unlink()
    (broken / "helpers.csv").write_text("a\n1\n")
    status, out, err = typed("validate", str(broken))
    assert (status, out) == (2, "")
    assert "zones.csv" in err
    assert "helpers.csv" in err
    assert "Traceback" not in err
    status, out, _ = typed("validate", str(broken), "--json")
    document = json.loads(out)
    assert status == 2
    assert not document["valid"]
    assert {"zones.csv", "helpers.csv"} <= {fault["file"] for fault in document["faults"]}


BAD_REQUESTS = {
    "unknown instance": ("describe", "tinny"),
    "unknown scenario": ("describe", "tiny", "--scenario", "futur"),
    "unknown parameter": ("describe", "tiny", "--set", "ward_dais=3"),
    "no value": ("describe", "tiny", "--set", "ward_days"),
    "no number": ("simulate", "tiny", "--set", "ward_days=many"),
    "not finite": ("simulate", "tiny", "--set", "ward_days=nan"),
    "set twice": ("simulate", "tiny", "--set", "ward_days=1", "--set", "ward_days=2"),
    "unknown engine": ("simulate", "tiny", "--engine", "quick"),
    "no plan file": ("simulate", "tiny", "--plan", "nowhere.json"),
    "no run": ("front", "nowhere"),
    "no run to export": ("export", "nowhere"),
    "unknown format": ("export", "nowhere", "--format", "pdf"),
    "negative seed": ("simulate", "tiny", "--seed", "-1"),
    "no replication": ("simulate", "tiny", "--replications", "0"),
}


@pytest.mark.parametrize("words", BAD_REQUESTS.values(), ids=BAD_REQUESTS.keys())
def test_a_bad_request_is_refused_in_words_and_writes_nothing(typed, tmp_path, words):
    status, out, err = typed(*words)
    assert (status, out) == (2, "")
    assert err.strip()
    assert "Traceback" not in err
    assert list(tmp_path.rglob("*")) == []


def test_simulate_prints_observations_against_simulated_values(typed):
    status, out, err = typed("simulate", "tiny", "--seed", "3")
    assert status == 0
    assert "in range" in out
    assert "OUT" in out
    assert "1 of 3 observations are in range" in out
    assert Path("runs/tiny-simulate-1/indicators.csv").is_file()
    assert "simulating tiny" in err


def test_simulate_says_which_intervals_may_be_too_narrow(typed):
    _, out, _ = typed("simulate", "tiny", "--replications", "10")
    assert "from 22 on they assume nothing: ask for --replications 22" in out
    _, out, _ = typed("simulate", "tiny", "--replications", "22")
    assert "too narrow" not in out


def test_simulate_json_is_json_and_nothing_else(typed):
    status, out, err = typed("simulate", "tiny", "--json")
    assert (status, err) == (0, "")
    assert json.loads(out)["observations"][0]["verdict"] == "in range"


def test_optimise_prints_front_and_both_hypervolumes(typed):
    status, out, err = typed("optimise", "tiny", "--generations", "3", "--out", "run")
    assert status == 0
    assert "on its own replications: 0.3000; 20 random repaired plans, 20 of them sound, on the same: 0.0500" in out
    assert "P01: Support at home +6 in The hills" in out
    assert "generation 3/3" in err
    assert Path("run/front.html").is_file()


def test_optimise_stopped_early_ends_with_status_4_and_a_front(typed):
    laboratory = FakeLaboratory(interrupted_after=1)
    status, out, _ = typed("optimise", "tiny", "--out", "run", "--json", laboratory=laboratory)
    assert status == 4
    assert json.loads(out)["status"] == "stopped early"
    status, out, _ = typed("front", "run")
    assert status == 0
    assert "stopped before its end" in out


def test_optimise_stopped_before_any_result_says_so(typed):
    status, out, err = typed("optimise", "tiny", "--out", "run", laboratory=FakeLaboratory(interrupted_after=0))
    assert (status, out) == (130, "")
    assert "Traceback" not in err


def test_rules_that_leave_no_plan_end_with_status_3(typed, tmp_path):
    class Refusing(FakeLaboratory):
        def experiment(self, knowledge, effort, progress, past=None):
            raise NoFeasiblePlan("no plan keeps insurance_budget and support_coverage")

    status, out, err = typed("optimise", "tiny", laboratory=Refusing())
    assert (status, out) == (3, "")
    assert "no plan keeps insurance_budget and support_coverage" in err
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_export_prints_the_file_written(typed):
    typed("optimise", "tiny", "--generations", "2", "--out", "run")
    status, out, _ = typed("export", "run", "--format", "xlsx", "--out", "all.xlsx")
    assert (status, out) == (0, "all.xlsx\n")
    assert Path("all.xlsx").is_file()
