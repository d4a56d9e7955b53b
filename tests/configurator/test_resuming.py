"""A run that is killed anywhere goes on, ends with the front it would have had, and simulates nothing twice."""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time

import pytest

from configurator.asking import Choice, InvalidRequest, MoreEffort, Wish
from configurator.printing import found_text
from configurator.runs.journal import JOURNAL, Journal
from configurator.runs.memory import EVALUATIONS
from configurator.runs.past import BY_CHANCE
from configurator.runs.store import LOCK, RunFolderError, locked
from configurator.searching import optimise, resume
from instances.catalogue import instance_folder
from optimisation.search import BudgetTooSmall
from optimisation.stopping import WithinNoise
from optimisation.workers import ThreadWorkers
from simulation.twin import Twin
from tests.configurator.fakes import FakeLaboratory

SEARCH = Wish(seed=5, generations=3, population=6, workers=1)
SHORT = {
    "run = 731.0": "run = 200.0",
    "warm_up = 365.0": "warm_up = 100.0",
    "final_replications = 100": "final_replications = 3",
}
MEMORIES = (EVALUATIONS, BY_CHANCE)


class Killed(BaseException):
    """Stands for a process that ends between two lines."""


def optimised(out, wish=SEARCH):
    return optimise(Choice(str(short_tiny(out.parent / "short"))), wish, out=out, random_plans=5)


def short_tiny(folder):
    """The tiny valley for two hundred days, its front confirmed on three replications."""
    if not folder.exists():
        shutil.copytree(instance_folder("tiny"), folder)
        settings = folder / "instance.toml"
        text = settings.read_text()
        for long, short in SHORT.items():
            assert long in text
            text = text.replace(long, short)
        settings.write_text(text)
    return folder


def results(run):
    """What a run found, without when and how long."""
    names = ["front.csv", "today.csv", "archive.csv", "indicators.csv"]
    names += sorted(path.relative_to(run).as_posix() for path in (run / "plans").iterdir())
    summary = json.loads((run / "summary.json").read_text())
    del summary["seconds"]
    return {name: (run / name).read_bytes() for name in names} | {"summary": summary}


def evaluated(run):
    held = {name: run / name for name in MEMORIES}  # a budget may leave nothing for the second
    return {name: sorted(path.read_bytes().splitlines()) if path.exists() else [] for name, path in held.items()}


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    run = tmp_path_factory.mktemp("whole") / "run"
    optimised(run)
    return run


@pytest.fixture(scope="module")
def whole_within_budget(tmp_path_factory):
    run = tmp_path_factory.mktemp("within") / "run"
    optimised(run, Wish(seed=5, population=6, replications=1, workers=1, budget=90))
    return run


def cut(whole, run, keep_generations, memory_lines):
    """Make the run that a process killed there leaves: whole lines so far, the next one torn."""
    shutil.copytree(whole, run)
    for name in ("front.csv", "summary.json", "front.html", "archive.csv", "today.csv", "indicators.csv"):
        (run / name).unlink()
    shutil.rmtree(run / "plans")
    for name, kept in ((JOURNAL, keep_generations), (EVALUATIONS, memory_lines), (BY_CHANCE, 0)):
        lines = (run / name).read_bytes().splitlines(keepends=True)
        torn = lines[kept][: len(lines[kept]) // 2] if kept < len(lines) else b'{"torn'
        (run / name).write_bytes(b"".join(lines[:kept]) + torn)


@pytest.mark.parametrize("journal_lines", [0, 1, 2, 3, 4, 5])
def test_a_run_cut_after_any_line_of_its_journal_ends_the_same(whole, tmp_path, journal_lines):
    lines = (whole / JOURNAL).read_bytes().splitlines()
    assert len(lines) == 5  # three generations, the front confirmed, random plans
    run = tmp_path / "run"
    cut(whole, run, journal_lines, memory_lines=20 * (journal_lines + 1) if journal_lines < 4 else 10_000)
    resume(run, MoreEffort(workers=1))
    assert results(run) == results(whole)
    assert evaluated(run) == evaluated(whole)
    assert (run / JOURNAL).read_bytes().splitlines()[: len(lines)] == lines


def test_two_workers_end_as_one(whole, tmp_path):
    run = tmp_path / "run"
    cut(whole, run, 1, 25)
    resume(run, MoreEffort(workers=2))
    assert results(run) == results(whole)


def test_a_finished_run_is_gone_through_without_a_simulation(whole, tmp_path, monkeypatch):
    run = tmp_path / "run"
    shutil.copytree(whole, run)
    asked = []
    run_all = ThreadWorkers.run
    monkeypatch.setattr(
        ThreadWorkers, "run", lambda self, tasks, *done: asked.extend(tasks) or run_all(self, tasks, *done)
    )
    front = resume(run, MoreEffort(workers=1))
    assert asked == []
    assert not front.stopped
    assert results(run) == results(whole)
    assert evaluated(run) == evaluated(whole)
    assert (run / JOURNAL).read_bytes() == (whole / JOURNAL).read_bytes()
    manifest = json.loads((run / "manifest.json").read_text())
    assert len(manifest["resumed"]) == 1
    assert manifest["finished"]


def test_a_run_killed_after_gains_within_noise_ended_it_ends_there_again(tmp_path, monkeypatch):
    def twice(rule, standing):
        rule.volumes.append(standing.hypervolume)
        return "noise" if len(rule.volumes) == 2 else ""

    monkeypatch.setattr(WithinNoise, "reason", twice)
    run, again = tmp_path / "run", tmp_path / "again"
    front = optimised(run, Wish(seed=5, generations=5, population=6, replications=1, workers=1))
    assert (front.generations, front.ended) == (2, "noise")
    for lines in (2, 3, 4):  # before its front was confirmed, after, and after the random plans
        cut(run, again, lines, memory_lines=10_000)
        resume(again, MoreEffort(workers=1))
        assert results(again) == results(run)
        assert (again / JOURNAL).read_bytes() == (run / JOURNAL).read_bytes()
        shutil.rmtree(again)
    front = resume(run, MoreEffort(final_replications=4, workers=1))  # confirmed on more, not searched on
    assert (front.generations, front.ended) == (2, "noise")
    assert {row.replications for row in front.rows} == {4}
    assert resume(run, MoreEffort(generations=6, workers=1)).generations == 4  # two more: gains count anew
    found = results(run)
    assert resume(run, MoreEffort(workers=1)).generations == 4
    assert results(run) == found


def test_time_counts_for_new_generations_only(whole, tmp_path):
    run = tmp_path / "run"
    shutil.copytree(whole, run)
    assert resume(run, MoreEffort(minutes=1e-9, workers=1)).generations == 3


def test_a_larger_budget_simulates_only_what_is_new(whole, tmp_path):
    run, at_once = tmp_path / "run", tmp_path / "at_once"
    shutil.copytree(whole, run)
    before = evaluated(whole)[EVALUATIONS]
    front = resume(run, MoreEffort(generations=4, workers=1))
    after = evaluated(run)[EVALUATIONS]
    assert front.generations == 4
    assert set(before) <= set(after)
    assert len({(line[:80], json.loads(line)["replication"]) for line in after}) == len(after) > len(before)
    optimised(at_once, Wish(seed=5, generations=4, population=6, workers=1))
    assert (run / "front.csv").read_bytes() == (at_once / "front.csv").read_bytes()


@pytest.fixture
def simulated(monkeypatch):
    """Every component run that is accounted for, of whatever twin; audits by the other engine keep no accounts."""
    runs = []
    account = Twin.own_account

    def counted(self, configuration, component, replication, **asked):
        runs.append((bool(self.knowledge.uncertain), configuration, component, replication))
        return account(self, configuration, component, replication, **asked)

    monkeypatch.setattr(Twin, "own_account", counted)
    return runs


@pytest.mark.parametrize("budget", [30, 45, 90, 200])
def test_a_budget_of_replications_is_never_exceeded(tmp_path, simulated, budget):
    """The valley is one component, so a run is a replication; search, front, today, chance, random plans all count."""
    run = tmp_path / "run"
    wish = Wish(seed=5, population=6, replications=1, workers=1, budget=budget)
    front = optimise(Choice(str(short_tiny(tmp_path / "short"))), wish, out=run, random_plans=5)
    assert 0 < len(simulated) <= budget
    assert len(simulated) == len(set(simulated)) == front.replications
    assert len(simulated) == sum(len(lines) for lines in evaluated(run).values())
    assert len(front.rows) > 0
    assert all(row.replications >= 2 for row in front.rows)
    assert front.random_plans > 0 or len(simulated) == budget


def test_a_budget_too_small_for_today_is_one_clear_message(tmp_path, simulated):
    run = tmp_path / "run"
    with pytest.raises(BudgetTooSmall, match=r"--budget 7: today's .* 10 replications.*ask for 19 at least"):
        optimised(run, Wish(seed=5, workers=1, replications=1, budget=7))
    assert not simulated
    assert not run.exists()
    front = optimised(run, Wish(seed=5, workers=1, replications=1, budget=19))
    assert len(simulated) == front.replications <= 19


@pytest.mark.parametrize("journal_lines", [2, 4, 6])
def test_a_run_cut_within_its_budget_spends_the_rest_as_if_it_never_was(
    whole_within_budget, tmp_path, simulated, journal_lines
):
    whole, run = whole_within_budget, tmp_path / "run"
    generations = sum("record" in line for line in (whole / JOURNAL).read_text().splitlines())
    held = [len((whole / name).read_bytes().splitlines()) for name in MEMORIES]
    cut(whole, run, min(journal_lines, generations), memory_lines=held[0] - 10 * (7 - journal_lines))
    resume(run, MoreEffort(workers=1))
    assert results(run) == results(whole)
    assert evaluated(run) == evaluated(whole)
    assert len(simulated) == 10 * (7 - journal_lines) + held[1]


def test_a_run_asked_for_a_larger_budget_counts_what_it_has_done(whole_within_budget, tmp_path, simulated):
    run = tmp_path / "run"
    shutil.copytree(whole_within_budget, run)
    done = sum(len(lines) for lines in evaluated(run).values())
    front = resume(run, MoreEffort(budget=250, generations=40, workers=1))
    assert done < done + len(simulated) == front.replications <= 250
    assert len(simulated) == len(set(simulated))


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (MoreEffort(generations=2), "--generations 2: the run was asked for 3"),
        (MoreEffort(final_replications=1), "--final-replications 1: the run was asked for"),
    ],
)
def test_less_than_before_is_refused(whole, tmp_path, more, message):
    run = tmp_path / "run"
    shutil.copytree(whole, run)
    with pytest.raises(InvalidRequest, match=message):
        resume(run, more)


def test_inputs_that_were_changed_are_refused(whole, tmp_path):
    run = tmp_path / "run"
    shutil.copytree(whole, run)
    needs = run / "inputs" / "needs.csv"
    text = needs.read_text()
    needs.write_text(text.replace(",".join(text.splitlines()[1].split(",")[:3]), "town,steady,61", 1))
    with pytest.raises(RunFolderError, match="was changed since the run began"):
        resume(run, MoreEffort())


def test_a_second_process_is_refused_and_a_dead_ones_lock_is_not(whole, tmp_path):
    run = tmp_path / "run"
    shutil.copytree(whole, run)
    assert (run / LOCK).exists()  # left by a process that is gone
    with locked(run), pytest.raises(RunFolderError, match="another process is working in"):
        resume(run, MoreEffort())


def test_only_a_search_goes_on(tmp_path):
    from configurator import verbs

    verbs.simulate(Choice("tiny"), Wish(), out=tmp_path / "run", laboratory=FakeLaboratory())
    with pytest.raises(RunFolderError, match="only a run of `optimise` can go on"):
        resume(tmp_path / "run", MoreEffort())


def test_a_journal_torn_in_its_middle_is_an_error_with_its_place(whole, tmp_path):
    run = tmp_path / "run"
    shutil.copytree(whole, run)
    lines = (run / JOURNAL).read_bytes().splitlines(keepends=True)
    (run / JOURNAL).write_bytes(lines[0] + lines[2])
    with pytest.raises(RunFolderError, match=r"line 2: generation 3, expected generation 2"):
        resume(run, MoreEffort())


@pytest.mark.parametrize("content", ["{bad", "{}", "[]", "3"])
def test_a_damaged_manifest_is_one_clear_message(whole, tmp_path, content):
    run = tmp_path / "run"
    shutil.copytree(whole, run)
    (run / "manifest.json").write_text(content)
    with pytest.raises(RunFolderError, match=r"manifest\.json: not the manifest of a run"):
        resume(run, MoreEffort(workers=1))


def test_ctrl_c_keeps_a_front_and_the_run_goes_on(whole, tmp_path, monkeypatch):
    run = tmp_path / "run"
    append = Journal.append

    def interrupted(self, entry):
        append(self, entry)
        if entry.get("generation") == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr(Journal, "append", interrupted)
    front = optimised(run)
    assert front.stopped
    assert "not audited by the SimPy engine yet" in found_text(front)
    assert len(front.rows) > 0
    monkeypatch.setattr(Journal, "append", append)
    assert "not audited" not in found_text(resume(run, MoreEffort(workers=1)))
    assert results(run) == results(whole)


COMMAND = """
import sys
from configurator.asking import Choice, MoreEffort, Wish
from configurator.searching import optimise, resume
from instances.catalogue import instance_folder
from pathlib import Path
run = Path(sys.argv[1])
if (run / "manifest.json").exists():
    resume(run, MoreEffort(workers=2))
else:
    optimise(Choice(sys.argv[2]), Wish(seed=5, generations=3, population=6, workers=2), out=run, random_plans=5)
"""


@pytest.mark.slow
def test_killed_at_ten_random_moments_a_run_ends_the_same(whole, tmp_path):
    """Ten processes are killed, each at a moment of its own; the eleventh ends with the front of the whole run."""
    run, instance = tmp_path / "run", short_tiny(tmp_path / "short")
    moments = random.Random(1)
    killed = 0
    while killed < 10:
        process = subprocess.Popen([sys.executable, "-c", COMMAND, str(run), str(instance)], env={**os.environ})
        time.sleep(moments.uniform(0.5, 6.0))
        if process.poll() is not None:
            assert process.returncode == 0
            shutil.rmtree(run)  # it came to its end before its moment: once more from the start
            continue
        process.send_signal(signal.SIGKILL)
        process.wait()
        killed += 1
    if not (run / "manifest.json").exists() and run.exists():
        shutil.rmtree(run)
    subprocess.run([sys.executable, "-c", COMMAND, str(run), str(instance)], check=True)
    assert results(run) == results(whole)
    assert evaluated(run) == evaluated(whole)
