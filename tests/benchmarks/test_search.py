"""The benchmark of searches does its work on the tiny instance; which search is ahead is never asserted."""

from dataclasses import replace

import numpy as np
import pytest

from benchmarks.search import records
from benchmarks.search.ablation import ABLATIONS
from benchmarks.search.cases import CASES
from benchmarks.search.curves import curves
from benchmarks.search.methods import METHODS, is_available
from benchmarks.search.problem import Problem
from benchmarks.search.report import text_of
from benchmarks.search.reporting import Report, at_checkpoints
from benchmarks.search.running import run
from benchmarks.search.truth import StaleTruth, Truth
from simulation.configuration import todays_configuration

BUDGET = 200
CASE = replace(CASES["tiny"], budget=BUDGET, true_replications=10, shares=(0.5, 1.0))


@pytest.fixture(scope="module")
def problem():
    return Problem.of("tiny")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("truth")


@pytest.fixture
def truth(problem, folder):
    found = Truth(problem, 10, folder)
    yield found
    found.close()


@pytest.mark.parametrize("name", [*METHODS, *ABLATIONS])
def test_method_keeps_its_budget_and_its_plans_are_judged(name, problem, truth):
    if not is_available(name):
        pytest.skip("needs optuna")
    rows, plans = run(CASE, problem, truth, name, (METHODS | ABLATIONS)[name], seed=1)
    last = rows[-1]
    assert all(problem.informing <= row.spent <= row.share * BUDGET for row in rows)
    assert last.evaluated >= 5
    assert len(plans) == len(last.plans.split()) >= 1
    assert 0.0 < last.true_hypervolume < 1.0
    assert last.sound == sum(not plan.flags for plan in plans)


def test_valleys_share_nothing():
    several, one = Problem.of("valleys-3"), Problem.of("tiny")
    assert (several.parts, one.parts) == (3, 1)
    assert several.instance.name == "valleys-3"
    assert len(several.instance.territories) == 3 * len(one.instance.territories)
    assert several.planning.encoding.decided == 3 * one.planning.encoding.decided
    today = [each.evaluator(1).evaluate([todays_configuration(each.instance)], range(10))[0] for each in (several, one)]
    mine, theirs = (evaluation.judgement.values[:, 0] for evaluation in today)
    assert mine.mean() == pytest.approx(theirs.mean(), abs=1.0)  # standard error of satisfaction 0.4 at most


def test_of_a_large_front_those_are_handed_out_that_stand_for_it(problem, truth):
    rows, plans = run(replace(CASE, handed_out=3), problem, truth, "random-1", METHODS["random-1"], seed=1)
    whole, _ = run(CASE, problem, truth, "random-1", METHODS["random-1"], seed=1)
    assert len(plans) == 3 < len(whole[-1].plans.split())
    assert set(rows[-1].plans.split()) <= set(whole[-1].plans.split())


def test_a_method_repeats_itself(problem):
    def once():
        return [report.front for report in METHODS["nsga2-1"].reports(problem, 1, BUDGET)]

    keys = [[[member.key for member in front] for front in once()] for _ in range(2)]
    assert keys[0] == keys[1]


def test_truth_simulates_nothing_twice(problem, folder):
    *_, last = METHODS["random-1"].reports(problem, 2, BUDGET)
    found, sizes = [], []
    for _ in range(2):
        truth = Truth(problem, 10, folder)
        found.append([member.evaluation.judgement.point for member in truth.members(last.front)])
        truth.close()
        sizes.append(sum(path.stat().st_size for path in folder.glob("*/*.jsonl")))
    assert sizes[0] == sizes[1]
    assert np.array_equal(found[0], found[1])


def test_truth_of_another_twin_is_refused(problem, tmp_path):
    Truth(problem, 10, tmp_path).close()
    path = next(tmp_path.glob("*/*.jsonl"))
    lines = path.read_text().splitlines(keepends=True)
    kept = [line.split('"values"') for line in lines]
    swapped = [one[0] + '"values"' + other[1] for one, other in zip(kept, [*kept[1:], kept[0]], strict=True)]
    path.write_text("".join(swapped))
    with pytest.raises(StaleTruth, match="remove the file"):
        Truth(problem, 10, tmp_path)


def test_checkpoints_are_the_last_report_in_time():
    reports = [Report(spent, (), 0, 0) for spent in (12.0, 40.0, 50.0, 100.0)]
    found = at_checkpoints(reports, 100, (0.1, 0.5, 1.0))
    assert [(one.share, one.report.spent) for one in found] == [(0.5, 50.0), (1.0, 100.0)]


def test_rows_read_back_the_same_and_are_told(problem, truth, tmp_path):
    rows = [
        row
        for name in ("ours", "nsga2-1")
        for seed in (1, 2)
        for row in run(CASE, problem, truth, name, METHODS[name], seed)[0]
    ]
    path = records.runs_of("tiny", tmp_path)
    for key in dict.fromkeys(row.key for row in rows):
        records.add(path, records.RunRow, [row for row in rows if row.key == key])
    records.add(path, records.RunRow, [row for row in rows if row.key == rows[0].key])
    back = records.read(path, records.RunRow)
    assert sorted(back, key=repr) == sorted(rows, key=repr)
    assert records.every_run(tmp_path) == back
    assert records.done("tiny", tmp_path) == {row.key for row in rows}
    told = text_of([replace(row, budget=CASES["tiny"].budget) for row in back])
    assert "tiny: lead over the best other, nsga2-1" in told
    assert "2 and 2 seeds)" in told


def test_a_curve_reaches_a_hypervolume_at_a_part_of_the_budget(problem, truth):
    rows, _ = run(CASE, problem, truth, "nsga2-1", METHODS["nsga2-1"], seed=1)
    (curve,) = curves(rows, "tiny", BUDGET)
    assert curve.reaches(curve.mean[0]) == 0.5
    assert curve.reaches(1.0) == np.inf
