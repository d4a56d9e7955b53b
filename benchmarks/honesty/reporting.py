"""The section of RESULTS.md, made from the rows that are kept."""

from collections.abc import Sequence

import numpy as np

from benchmarks.honesty.aimed import CASES
from benchmarks.honesty.handed_out import OURS
from benchmarks.honesty.known_means import STATEMENTS, statements
from benchmarks.honesty.records import Row, rows
from benchmarks.results import Finding, section, write
from optimisation.fronts import MARGIN, Floats

MOST_FLATTERY = 0.2
SYMMETRIC = 2
"""Blocks of which each is held against the other alone, so that nothing but rounding can be left."""
TITLE = "Honesty: is what is reported true?"


def write_report() -> None:
    """Write the section from all rows."""
    kept = rows()
    findings: list[Finding] = []
    instances = sorted({row.instance for row in kept})
    for instance in instances:
        methods = sorted(
            {row.method for row in kept if row.instance == instance}, key=lambda name: (name != OURS, name)
        )
        for method in methods:
            chosen = [row for row in kept if (row.instance, row.method) == (instance, method)]
            findings += _findings(instance, method, chosen)
    findings += _statement_findings()
    write(TITLE, section(TITLE, _notes(kept), findings))


def _notes(kept: Sequence[Row]) -> list[str]:
    return [
        f"{len(kept)} searches, the seeds of each counted below; rows in `benchmarks/honesty/runs.csv`.",
        "A target is added to each instance (unmet need at most a limit, with probability 0.9). Reported minus",
        "true hypervolume: the same parameter draws on both sides, other chance. Ours is confirmed on each of several",
        "blocks of replications, those that stand are reported on each block in turn and held against the others, so",
        "that luck common to all plans cancels (of two blocks, as on synthetic-3, it cannot but cancel: there only",
        "their own block tells); the mean size in one run is what one user sees, luck included, which intervals state.",
        f"Dominated: another plan of the same front is nowhere worse and somewhere better by more than {MARGIN:g}",
        "of the scale. Target: probability over fresh draws and chance, counted as kept from the asked one on, less",
        "two standard errors of the count.",
    ]


def _findings(instance: str, method: str, chosen: Sequence[Row]) -> list[Finding]:
    who, is_ours = f"{instance}, {method}", method == OURS
    reported, true = np.array([row.reported for row in chosen]), np.array([row.true for row in chosen])
    first = np.array([row.first for row in chosen])
    named = [row for row in chosen if row.named]
    # a plan of no hypervolume at all (nothing sound was handed out) has no relative error
    flattery = 100.0 * float(reported.sum() / true.sum() - 1.0) if true.sum() else float("nan")
    errors = 100.0 * np.array([row.own for row in chosen])
    found = [
        Finding(
            f"{who}: reported minus true hypervolume ({len(chosen)} seeds)",
            flattery,
            "%",
            at_most=MOST_FLATTERY if is_ours and CASES[instance].chances > SYMMETRIC else None,
        ),
        Finding(f"{who}: the same, standard error over seeds", _error(reported, true), "%"),
        Finding(f"{who}: the same, on their own block alone", float(np.nanmean(errors)), "%"),
        Finding(f"{who}: that, standard error over seeds", _spread(errors), "%"),
        Finding(f"{who}: the same, mean size in one run", 100.0 * float(np.nanmean(np.abs(first))), "%"),
        Finding(
            f"{who}: plans truly dominated",
            100.0 * float(np.nanmean([row.dominated for row in chosen])),
            "%",
            at_most=5.0 if is_ours else None,
        ),
        Finding(f"{who}: seeds in which a plan is named", 100.0 * len(named) / len(chosen), "%"),
    ]
    if named:
        share = 100.0 * float(np.mean([_keeps(row) for row in named]))
        found.append(
            Finding(f"{who}: named plans that keep the target", share, "%", at_least=95.0 if is_ours else None)
        )
    return found


def _error(reported: Floats, true: Floats) -> float:
    """Return the standard error over seeds of a relative difference, in percent; nan of a single one."""
    known = true > 0.0
    return _spread(100.0 * (reported[known] / true[known] - 1.0))


def _spread(values: Floats) -> float:
    """Return the standard error of the mean of values; nan of a single one."""
    known = values[~np.isnan(values)]
    return float(np.std(known, ddof=1) / np.sqrt(len(known))) if len(known) > 1 else float("nan")


def _keeps(row: Row) -> bool:
    return bool(row.probability >= row.asked - 2.0 * (row.asked * (1.0 - row.asked) / row.futures) ** 0.5)


def _statement_findings() -> list[Finding]:
    found = []
    for record in statements():
        label, (low, high) = f"known means, {record['case']}", STATEMENTS.get(record["what"], (None, None))
        found.append(Finding(f"{label}: {record['what']}", float(record["value"]), "%", low, high))
    return found
