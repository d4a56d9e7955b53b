"""One run: a method searches, what it would have handed out is judged, the rows are made."""

import subprocess
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from benchmarks.search.cases import Case
from benchmarks.search.problem import Problem
from benchmarks.search.records import PlanRow, RunRow
from benchmarks.search.reporting import Checkpoint, Method, at_checkpoints, handed_out
from benchmarks.search.truth import Truth
from optimisation.members import Member, hypervolume_of

DIGITS = 12
"""Of keys and fingerprints, enough to tell thousands of plans apart."""


def run(
    case: Case, problem: Problem, truth: Truth, name: str, method: Method, seed: int
) -> tuple[list[RunRow], list[PlanRow]]:
    """Search once and return what is to be kept."""
    before = time.process_time()
    found = at_checkpoints(method.reports(problem, seed, case.budget), case.budget, case.shares)
    taken = time.process_time() - before
    objectives = problem.instance.optimised
    checkpoints = [replace(one, report=handed_out(one.report, objectives, case.handed_out)) for one in found]
    rows = [_run_row(case, problem, truth, (name, seed), point, taken) for point in checkpoints]
    front = checkpoints[-1].report.front if checkpoints else ()
    return rows, _plan_rows(case, truth, (name, seed), front)


def _run_row(
    case: Case, problem: Problem, truth: Truth, who: tuple[str, int], point: Checkpoint, taken: float
) -> RunRow:
    report, objectives = point.report, problem.instance.optimised
    true = truth.members(report.front)
    return RunRow(
        instance=case.instance,
        method=who[0],
        seed=who[1],
        budget=case.budget,
        share=round(point.share, 4),
        spent=round(report.spent, 2),
        proposed=report.proposed,
        evaluated=report.evaluated,
        reported_hypervolume=hypervolume_of(report.front, objectives),
        true_hypervolume=hypervolume_of(true, objectives),
        true_replications=case.true_replications,
        sound=sum(member.evaluation.is_sound for member in true),
        plans=" ".join(member.key[:DIGITS] for member in report.front),
        cpu_seconds=round(taken, 1),
        fingerprint=problem.instance.fingerprint[:DIGITS],
        commit=commit(),
    )


def _plan_rows(case: Case, truth: Truth, who: tuple[str, int], front: Sequence[Member]) -> list[PlanRow]:
    rows = []
    for member, true in zip(front, truth.members(front), strict=True):
        reported, judged = member.evaluation.judgement, true.evaluation.judgement
        errors = () if judged is None else judged.values.std(axis=0, ddof=1) / np.sqrt(len(judged.values))
        rows.append(
            PlanRow(
                instance=case.instance,
                method=who[0],
                seed=who[1],
                budget=case.budget,
                plan=member.key[:DIGITS],
                replications=len(member.evaluation.replications),
                reported=_numbers(() if reported is None else reported.point),
                true=_numbers(() if judged is None else judged.point),
                true_errors=_numbers(errors),
                flags=true.evaluation.failure if judged is None else "; ".join(judged.flags),
            )
        )
    return rows


def _numbers(values: Sequence[float] | np.ndarray) -> str:
    return " ".join(f"{value:.6g}" for value in values)


def commit() -> str:
    """Return the commit that is checked out, with a + when the rooms or this benchmark differ from it."""
    root = Path(__file__).parents[2]
    rooms = ("instances", "simulation", "optimisation", "benchmarks/search/*.py")
    changed = _git(root, "status", "--porcelain", "--untracked-files=no", "--", *rooms)
    return _git(root, "rev-parse", "--short=9", "HEAD") + ("+" if changed else "")


def _git(root: Path, *arguments: str) -> str:
    found = subprocess.run(["git", *arguments], cwd=root, capture_output=True, text=True, check=False)
    return found.stdout.strip()
