"""`calibrate` on a small instance whose right values are known, and what it refuses."""

import hashlib
import json
import shutil

import pytest
from typer.testing import CliRunner

from configurator import calibrating
from configurator.asking import Choice, Wish
from configurator.cli import STOPPED_EARLY, app
from configurator.tables import table_from_csv
from instances.catalogue import instance_folder, load_instance
from instances.faults import ConfiguratorError
from simulation.indicators import compare_observations
from simulation.twin import Twin

TRUE = {"falls_frail": 1.2, "ward_days": 13.0}
OBSERVED = {
    "falls": "100*events[hazard=fall,profile=frail]/person_years[profile=frail]",
    "stay": "mean_stay[step=ward]",
    "deaths": "100*deaths/person_years",
}
HEADER = "observation,indicator,value,low,high,role\n"


@pytest.fixture(scope="module")
def seen(tmp_path_factory):
    """The tiny instance; observed is what it gives with other values of two parameters, on another seed."""
    folder = tmp_path_factory.mktemp("seen") / "tiny"
    shutil.copytree(instance_folder("tiny"), folder)
    parameters = folder / "parameters.csv"
    parameters.write_text(parameters.read_text().replace(",yes\n", ",\n"))  # nothing is free but what a test names
    rows = [f'{name},"{text}",1,0,2,check' for name, text in OBSERVED.items()]
    (folder / "observations.csv").write_text(HEADER + "\n".join(rows) + "\n")
    instance = load_instance(folder, None, TRUE)
    twin = Twin(instance, seed=99)
    accounts = [twin.whole_account(twin.today, replication) for replication in range(12)]
    values = {row.observation.observation: row.simulated.mean for row in compare_observations(instance, accounts)}
    rows = [
        f'{name},"{OBSERVED[name]}",{value},{0.9 * value},{1.1 * value},{"check" if name == "deaths" else "fit"}'
        for name, value in values.items()
    ]
    (folder / "observations.csv").write_text(HEADER + "\n".join(rows) + "\n")
    return folder


def calibrated(folder, out, **options):
    options.setdefault("free", tuple(TRUE))
    return calibrating.calibrate_instance(
        Choice(str(folder)), Wish(seed=1, replications=6, workers=1), out=out, evaluations=40, **options
    )


def fingerprint(folder):
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()}


def test_known_values_are_recovered(seen, tmp_path):
    """Both within 4 % : six replications against twelve of another seed, some 600 falls each (1 % alone is chance)."""
    before = fingerprint(seen)
    found = calibrated(seen, tmp_path / "run", pull=0.0)
    values = {row["name"]: row["after"] for row in found.parameters.records()}
    assert values == pytest.approx(TRUE, rel=0.04)
    assert found.in_range("fit") == (2, 2)
    assert found.in_range("check") == (1, 1)
    assert found.misfit < 0.01 * found.misfit_before
    assert fingerprint(seen) == before, "the instance itself is never touched"


def test_what_is_written_is_a_table_with_the_new_values_and_why(seen, tmp_path):
    found = calibrated(seen, tmp_path / "run")
    folder = tmp_path / "copy"
    shutil.copytree(seen, folder)
    shutil.copy(tmp_path / "run" / "parameters.csv", folder / "parameters.csv")
    instance, given = load_instance(folder), load_instance(seen)
    values = {row["name"]: row["after"] for row in found.parameters.records()}
    for row, old in zip(instance.parameters, given.parameters, strict=True):
        if row.name in values:
            assert row.value == values[row.name]
            assert row.reason.startswith(f"{old.reason}; calibrated on 2 observations of role fit (seed 1, 6 repl")
            assert row.reason.endswith(f", {old.value:g} before")
        else:
            assert row == old
    trials = table_from_csv("trials", (tmp_path / "run" / "trials.csv").read_text()).records()
    assert len(trials) == found.evaluations
    assert min(row["misfit"] for row in trials) == found.misfit
    manifest = json.loads((tmp_path / "run" / "manifest.json").read_text())
    assert manifest["verb"] == "calibrate"
    assert set(manifest["results"]) == {"calibrated.csv", "observations.csv", "trials.csv", "parameters.csv"}


def test_one_and_two_workers_find_the_same(seen, tmp_path):
    tables = []
    for workers in (1, 2):
        found = calibrating.calibrate_instance(
            Choice(str(seen)), Wish(seed=1, replications=2, workers=workers), free=("ward_days",), evaluations=8,
            out=tmp_path / str(workers),
        )  # fmt: skip
        tables.append((found.parameters, found.observations))
    assert tables[0] == tables[1]


def test_parameters_marked_free_move_without_being_named(seen, tmp_path):
    folder = tmp_path / "marked"
    shutil.copytree(seen, folder)
    lines = (folder / "parameters.csv").read_text().splitlines()
    marked = [f"{line}yes" if line.startswith("ward_days") else line for line in lines]
    (folder / "parameters.csv").write_text("\n".join(marked) + "\n")
    found = calibrating.calibrate_instance(
        Choice(str(folder)), Wish(seed=1, replications=1, workers=1), evaluations=5, out=tmp_path / "run"
    )
    assert [row["name"] for row in found.parameters.records()] == ["ward_days"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"free": ()}, "no parameter is free: name some with --free"),
        ({"free": ("ward_dais",)}, "expected 'ward_days', perhaps"),
        ({"free": ("doubled",)}, "follows from others"),
        ({"free": ("alone",)}, "has no range"),
        ({"free": ("ward_days", "falls_frail"), "evaluations": 3}, "3 evaluations are too few"),
    ],
)
def test_parameters_that_cannot_move_are_refused(options, message, seen, tmp_path):
    folder = tmp_path / "bad"
    shutil.copytree(seen, folder)
    with (folder / "parameters.csv").open("a") as file:
        file.write("doubled,2*ward_days,,,,,,,\nalone,1,,,,,,,\n")
    with pytest.raises(ConfiguratorError, match=message):
        calibrating.calibrate_instance(Choice(str(folder)), Wish(workers=1), out=tmp_path / "run", **options)
    assert not (tmp_path / "run").exists()


def test_a_start_outside_the_range_is_refused(seen, tmp_path):
    choice = Choice(str(seen), overrides={"ward_days": 40.0})
    with pytest.raises(ConfiguratorError, match="starts at 40, outside its range 10 to 14"):
        calibrating.calibrate_instance(choice, Wish(workers=1), free=("ward_days",), out=tmp_path / "run")


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ("deaths,deaths,1,0,2,check\n", "no observation of role 'fit'"),
        ("deaths,,1,0,2,fit\n", "no observation of role 'fit'"),
        ("deaths,deaths,1,1,1,fit\n", "has no range"),
        ("deaths,deaths[profile=steady]/service_asks[profile=steady],1,0,2,fit\n", "cannot be computed with ward_days"),
    ],
)
def test_observations_that_cannot_be_fitted_are_refused(rows, message, seen, tmp_path):
    folder = tmp_path / "bad"
    shutil.copytree(seen, folder)
    (folder / "observations.csv").write_text(HEADER + rows)
    with pytest.raises(ConfiguratorError, match=message):
        calibrating.calibrate_instance(
            Choice(str(folder)), Wish(replications=1, workers=1), free=("ward_days",), out=tmp_path / "run"
        )
    assert not (tmp_path / "run").exists()


def test_the_command_shows_progress_and_ends_with_4_when_stopped(seen, tmp_path, monkeypatch):
    real, count = calibrating.compare_observations, iter(range(100))

    def until_the_third(*arguments):
        if next(count) == 2:
            raise KeyboardInterrupt
        return real(*arguments)

    monkeypatch.setattr(calibrating, "compare_observations", until_the_third)
    arguments = ["calibrate", str(seen), "--free", "ward_days", "--replications", "1", "--workers", "1"]
    result = CliRunner().invoke(app, [*arguments, "--out", str(tmp_path / "run")])
    assert result.exit_code == STOPPED_EARLY
    assert "evaluation 2 of at most 100: misfit" in result.stderr
    assert "after 2 evaluations (stopped)" in result.stdout
    assert (tmp_path / "run" / "parameters.csv").exists()


def test_the_command_prints_json_and_nothing_else(seen, tmp_path):
    arguments = ["calibrate", str(seen), "--free", "ward_days", "--replications", "1", "--evaluations", "4", "--json"]
    result = CliRunner().invoke(app, [*arguments, "--out", str(tmp_path / "run")])
    assert result.exit_code == 0
    document = json.loads(result.stdout)
    assert [row["name"] for row in document["parameters"]] == ["ward_days"]
    assert {row["observation"] for row in document["observations"]} == set(OBSERVED)
