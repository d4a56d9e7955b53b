import hashlib
import json
import os
import shutil

import pytest

from configurator import verbs
from configurator.laboratory import NoFeasiblePlan
from configurator.runs.findings import page_of_run
from configurator.runs.journal import read_journal
from configurator.runs.store import RunFolder, RunFolderError
from configurator.tables import table_from_csv
from configurator.verbs import Choice, Wish
from instances.faults import InvalidInstance
from tests.configurator.fakes import FakeLaboratory

WISH = Wish(generations=3)


def optimised(choice, out, laboratory=None, **options):
    return verbs.optimise(choice, WISH, out=out, laboratory=laboratory or FakeLaboratory(), **options)


def test_shipped_instances_are_listed():
    assert "tiny" in [record["instance"] for record in verbs.list_instances().records()]


def test_a_description_names_every_subject(choice):
    document = verbs.describe(choice).document()
    assert {"zones", "profiles", "pathways", "steps", "resources", "capacities"} <= document.keys()
    assert {"rules", "observations", "parameters", "scenarios", "objectives"} <= document.keys()
    json.dumps(document, allow_nan=False)


def test_a_description_shows_the_values_in_force():
    records = verbs.describe(Choice("tiny", overrides={"ward_days": 9.0})).document()["parameters"]
    assert next(record["value"] for record in records if record["name"] == "ward_days") == 9.0


def test_the_meaning_of_a_cautious_value_is_told(choice, tmp_path):
    meanings = {scale.name: scale.meaning for scale in optimised(choice, tmp_path / "run").objectives}
    assert meanings["solvency"].endswith("cautiously: it is higher in 84 % of replications")
    assert "cautiously" not in meanings["satisfaction"]


def test_simulating_keeps_results_with_their_inputs(choice, tmp_path):
    run = tmp_path / "run"
    simulation = verbs.simulate(choice, Wish(seed=7), events=True, out=run, laboratory=FakeLaboratory())
    assert simulation.folder == run
    assert (run / "inputs" / "instance.toml").is_file()
    assert (run / "events.csv").read_text() == "time,replication,patient\n0.5,0,1\n"
    manifest = json.loads((run / "manifest.json").read_text())
    assert manifest["seed"] == 7
    assert manifest["results"]["indicators.csv"] == hashlib.sha256((run / "indicators.csv").read_bytes()).hexdigest()
    observed = table_from_csv("observations", (run / "observations.csv").read_text())
    assert [record["verdict"] for record in observed.records()] == ["in range", "out of range", "not computed"]


class KilledWritingEvents(FakeLaboratory):
    """Ends while the last of the results is written, like a killed process: nothing after is done."""

    def events(self, *_arguments, **_options):
        yield "time"
        os._exit(9)


def test_a_simulation_killed_among_its_results_gives_way_to_the_same_command(choice, tmp_path):
    run = tmp_path / "run"
    process = os.fork()
    if process == 0:
        verbs.simulate(choice, Wish(), events=True, out=run, laboratory=KilledWritingEvents())
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]) == 9
    assert (run / "indicators.csv").is_file()
    assert not (run / "manifest.json").exists()
    verbs.simulate(choice, Wish(), events=True, out=run, laboratory=FakeLaboratory())
    assert json.loads((run / "manifest.json").read_text())["finished"]


def test_a_plan_of_a_run_can_be_simulated(choice, tmp_path):
    optimised(choice, tmp_path / "run")
    laboratory = FakeLaboratory()
    plan = tmp_path / "run" / "plans" / "P01.json"
    verbs.simulate(choice, Wish(), plan=plan, out=tmp_path / "again", laboratory=laboratory)
    assert laboratory.tried[0].capacities == (8, 20, 18)


def test_a_search_leaves_a_whole_run_folder(choice, tmp_path):
    run = tmp_path / "run"
    front = optimised(choice, run, command=("configurator", "optimise", "tiny"))
    names = {path.relative_to(run).as_posix() for path in run.rglob("*") if path.is_file()}
    expected = {"manifest.json", "journal.jsonl", "front.csv", "today.csv", "archive.csv", "indicators.csv"}
    assert expected | {"summary.json", "front.html", "plans/P01.json", "plans/P03.csv"} <= names
    assert not front.stopped
    assert (front.hypervolume, front.random_hypervolume, front.random_plans) == (pytest.approx(0.3), 0.05, 20)
    entries = read_journal(run / "journal.jsonl")
    assert [entry["generation"] for entry in entries if "generation" in entry] == [1, 2, 3]
    assert entries[-1] == {"baseline": {"asked": 20, "plans": 20, "hypervolume": 0.05, "sound": 20}}
    manifest = json.loads((run / "manifest.json").read_text())
    assert manifest["command"] == ["configurator", "optimise", "tiny"]
    assert manifest["inputs"].keys() == {path.name for path in (run / "inputs").iterdir()}


def test_the_front_has_one_row_a_plan_in_a_fixed_order(choice, tmp_path):
    optimised(choice, tmp_path / "run")
    lines = (tmp_path / "run" / "front.csv").read_text().splitlines()
    assert lines[0] == (
        "id,satisfaction,satisfaction_low,satisfaction_high,satisfaction_chance_low,satisfaction_chance_high,"
        "efficiency,efficiency_low,efficiency_high,efficiency_chance_low,efficiency_chance_high,"
        "solvency,solvency_low,solvency_high,solvency_chance_low,solvency_chance_high,"
        "probability_non_dominated,group,replications,changes"
    )
    assert lines[1] == "P01,64.0,63.5,64.5,,,2.0,1.5,2.5,,,-0.03,-0.53,0.47,,,0.9,,4,Support at home +6 in The hills"
    assert [line[:3] for line in lines[1:]] == ["P01", "P02", "P03"]


def test_the_archive_names_the_plans_of_the_front(choice, tmp_path):
    optimised(choice, tmp_path / "run")
    archive = table_from_csv("archive", (tmp_path / "run" / "archive.csv").read_text())
    assert [record["id"] for record in archive.records()] == ["", "P02", "P01", "P03"]


def test_a_front_is_read_back_as_it_was(choice, tmp_path):
    front = optimised(choice, tmp_path / "run")
    again = verbs.front(tmp_path / "run")
    assert again.rows == front.rows
    assert again.today == front.today
    assert again.document()["front"] == front.document()["front"]


def test_the_page_can_be_drawn_again_from_the_folder(choice, tmp_path):
    optimised(choice, tmp_path / "run")
    page = tmp_path / "run" / "front.html"
    before = page.read_text(encoding="utf-8")
    page.unlink()
    verbs.front(tmp_path / "run")
    assert page.read_text(encoding="utf-8") == before == page_of_run(RunFolder(tmp_path / "run"))


def test_ctrl_c_keeps_what_was_found(choice, tmp_path):
    front = optimised(choice, tmp_path / "run", FakeLaboratory(interrupted_after=2))
    assert front.stopped
    assert front.generations == 2
    assert front.random_hypervolume is None
    assert len(verbs.front(tmp_path / "run").rows) == 2
    assert json.loads((tmp_path / "run" / "summary.json").read_text())["status"] == "stopped early"


def test_ctrl_c_before_the_first_generation_is_passed_on(choice, tmp_path):
    with pytest.raises(KeyboardInterrupt):
        optimised(choice, tmp_path / "run", FakeLaboratory(interrupted_after=0))


def test_options_left_out_come_from_the_instance(choice, tiny, tmp_path):
    laboratory = FakeLaboratory()
    verbs.optimise(choice, Wish(), out=tmp_path / "run", laboratory=laboratory)
    search = tiny.settings.search
    (effort,) = laboratory.asked
    assert (effort.seed, effort.generations, effort.population) == (search.seed, search.generations, search.population)
    assert (effort.replications, effort.final_replications) == (search.replications, search.final_replications)


def test_a_run_folder_is_used_once(choice, tmp_path):
    optimised(choice, tmp_path / "run")
    before = (tmp_path / "run" / "front.csv").read_bytes()
    with pytest.raises(RunFolderError, match="already holds a run"):
        optimised(choice, tmp_path / "run")
    assert (tmp_path / "run" / "front.csv").read_bytes() == before


def test_rules_that_leave_no_plan_leave_no_folder(choice, tmp_path):
    class Refusing(FakeLaboratory):
        def experiment(self, knowledge, effort, progress, past=None):
            raise NoFeasiblePlan("no plan keeps insurance_budget and support_coverage")

    with pytest.raises(NoFeasiblePlan):
        optimised(choice, tmp_path / "run", Refusing())
    assert list(tmp_path.iterdir()) == []


def test_a_bad_instance_leaves_nothing(tmp_path):
    (tmp_path / "bad").mkdir()
    with pytest.raises(InvalidInstance):
        optimised(Choice(str(tmp_path / "bad")), tmp_path / "run")
    assert [path.name for path in tmp_path.iterdir()] == ["bad"]


@pytest.mark.parametrize(("kind", "name"), [("json", "export.json"), ("xlsx", "export.xlsx"), ("csv", "front.csv")])
def test_a_run_is_exported(choice, tmp_path, kind, name):
    optimised(choice, tmp_path / "run")
    written = verbs.export(tmp_path / "run", kind)
    assert name in [path.name for path in written]
    assert all(path.is_file() for path in written)


def test_an_export_holds_plans_and_what_made_them(choice, tmp_path):
    optimised(choice, tmp_path / "run")
    (path,) = verbs.export(tmp_path / "run", "json", tmp_path / "all.json")
    content = json.loads(path.read_text(encoding="utf-8"))
    assert list(content) == ["front", "today", "plans", "indicators", "margins", "archive", "run"]
    assert {record["plan"] for record in content["plans"]} == {"P01", "P02", "P03"}
    assert "instance fingerprint" in [record["name"] for record in content["run"]]


@pytest.fixture(scope="module")
def searched(tmp_path_factory):
    run = tmp_path_factory.mktemp("searched") / "run"
    optimised(Choice("tiny"), run)
    return run


DAMAGES = (b"", bytes(range(256)), b"[]\n", b"3\n", b"[" * 20_000, b"a,b,c\n1,2\n")


@pytest.mark.parametrize("content", DAMAGES, ids=["empty", "binary", "list", "number", "deep", "another table"])
@pytest.mark.parametrize("name", ["front.csv", "today.csv", "summary.json", "manifest.json"])
def test_a_damaged_file_is_named_in_one_line(name, content, searched, tmp_path):
    shutil.copytree(searched, tmp_path / "run")
    (tmp_path / "run" / name).write_bytes(content)
    with pytest.raises(RunFolderError) as caught:
        verbs.front(tmp_path / "run")
    assert name in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["plans/P01.csv", "archive.csv", "indicators.csv"])
def test_a_damaged_table_is_not_exported(name, searched, tmp_path):
    shutil.copytree(searched, tmp_path / "run")
    (tmp_path / "run" / name).write_bytes(b"a,b\n1\n")
    with pytest.raises(RunFolderError, match=name):
        verbs.export(tmp_path / "run", "csv", tmp_path / "out")
