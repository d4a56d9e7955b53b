"""The section of RESULTS.md, made from the rows that are kept."""

from collections.abc import Sequence

import numpy as np

from benchmarks.honesty.aimed import CASES, Case
from benchmarks.honesty.handed_out import OURS
from benchmarks.honesty.known_means import STATEMENTS, statements
from benchmarks.honesty.records import Row, rows
from benchmarks.results import Finding, section, write
from optimisation.fronts import MARGIN, Floats

MOST_FLATTERY = 0.2
TELLING = 1.0
"""Standard error over seeds, in percent, above which a mean difference tells nothing of the target."""
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
        "true hypervolume, the mean over seeds as a part of the mean truth: the same parameter draws on both sides,",
        "other chance. Ours keeps up to half of its budget aside for confirming, as `optimise` does; what that takes",
        "is counted, also where it is more: no budget limits it here. It is confirmed on each of several",
        "blocks of replications, reported on that block and held against all other blocks: luck common to all plans",
        "cancels over blocks as far as the same plans stand on each. Where plans that stand on one are reported on",
        "every block in turn, all of it cancels, and with it what picking them on one would flatter: what is left",
        "there is that a hypervolume is curved. The difference's mean size in one run is what one user sees, luck",
        f"included, which intervals state. The target is held against means known to {TELLING:g} % (standard error).",
        f"Dominated: another plan of the same front is nowhere worse and somewhere better by more than {MARGIN:g}",
        "of the scale. Target: probability over fresh draws and chance, counted as kept from the asked one on, less",
        "two standard errors of the count.",
        *(_own_settings(case) for case in CASES.values() if case.scale or case.search),
    ]


def _own_settings(case: Case) -> str:
    scale = (f"{name} from {low:g} to {high:g}" for name, (low, high) in case.scale.items())
    search = (f"{name} = {value:g}" for name, value in case.search.items())
    return f"For all methods on {case.instance}: {', '.join([*search, *scale])}, in place of the instance's own."


def _findings(instance: str, method: str, chosen: Sequence[Row]) -> list[Finding]:
    who, is_ours = f"{instance}, {method}", method == OURS
    reported, true = np.array([row.reported for row in chosen]), np.array([row.true for row in chosen])
    first = np.array([row.first for row in chosen])
    named = [row for row in chosen if row.named]
    difference, error = difference_of(np.array([row.own for row in chosen]), true)
    found = [
        Finding(
            f"{who}: reported minus true hypervolume ({len(chosen)} seeds)",
            difference,
            "%",
            at_most=MOST_FLATTERY if is_ours and error <= TELLING else None,
        ),
        Finding(f"{who}: the same, standard error over seeds", error, "%"),
    ]
    if is_ours:
        with np.errstate(divide="ignore", invalid="ignore"):
            curved, curved_error = difference_of(reported / true - 1.0, true)
        found += [
            Finding(f"{who}: the same plans on every block in turn", curved, "%"),
            Finding(f"{who}: that, standard error over seeds", curved_error, "%"),
        ]
        confirming = float(np.mean([row.confirming for row in chosen]))
        found.append(
            Finding(f"{who}: replications that confirming took, of a budget of {chosen[0].budget}", confirming)
        )
    found += [
        Finding(f"{who}: the difference's mean size in one run", difference_of(np.abs(first), true)[0], "%"),
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


def difference_of(relative: Floats, true: Floats) -> tuple[float, float]:
    """Return the mean difference over the mean truth and its standard error over seeds, in percent.

    A ratio of means: where hardly a plan is sound a seed's own relative difference has no bound. Its standard error is
    that of the linearised ratio (Cochran 1977, "Sampling Techniques", chapter 6); nan of a single seed. relative: of
    each seed, nan where nothing sound was handed out.
    """
    known = ~np.isnan(relative) & (true > 0.0)
    if not known.any():
        return float("nan"), float("nan")
    truth = true[known]
    differences = relative[known] * truth
    ratio = float(differences.sum() / truth.sum())
    if len(truth) < 2:
        return 100.0 * ratio, float("nan")
    error = float(np.std(differences - ratio * truth, ddof=1) / np.sqrt(len(truth)) / truth.mean())
    return 100.0 * ratio, 100.0 * error


def _keeps(row: Row) -> bool:
    return bool(row.probability >= row.asked - 2.0 * (row.asked * (1.0 - row.asked) / row.futures) ** 0.5)


def _statement_findings() -> list[Finding]:
    found = []
    for record in statements():
        label, (low, high) = f"known means, {record['case']}", STATEMENTS.get(record["what"], (None, None))
        found.append(Finding(f"{label}: {record['what']}", float(record["value"]), "%", low, high))
    return found
