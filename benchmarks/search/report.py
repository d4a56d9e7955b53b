"""The section of `RESULTS.md`: what is known so far, on how many seeds, beside the targets."""

from collections.abc import Iterator, Sequence

from benchmarks.alternation import versions
from benchmarks.results import Finding, section
from benchmarks.search.cases import ABLATED, CASES, Case
from benchmarks.search.curves import Curve, curves
from benchmarks.search.methods import OURS
from benchmarks.search.records import RunRow

TITLE = "Search"
MOST_OF_THE_BUDGET = 1.0 / 3.0
"""Of plain NSGA-II's replications at which ours is to be where that ends."""
PLAIN = "nsga2-"
WITHOUT = "ours-without-"
_EVERYWHERE_AHEAD = ("loire", "synthetic-10")
_NOTES = (
    versions(("pymoo", "optuna", "numpy")) + ".",
    "True hypervolume of the plans that a search would hand out (non-dominated and sound by its own estimates; on the",
    "large instances at most 20 that stand for the others, as the product has): all are simulated again, alike, on",
    "fresh replications that no search saw, parameters drawn anew in each; only plans truly sound count; bounds are",
    "the instance's, and what lies beyond the good one adds nothing. Mean over seeds, with the standard deviation",
    "over seeds at the end.",
    "A replication is that of a whole plan. Ours counts component runs over the number of components: that a part two",
    "plans share is simulated once is one of its ingredients; it has the normal preset's settings and goes on until",
    "the budget is spent, without confirming its front. Today's offer is known to every method, and the replications",
    "of it that the judge knows count for every method: 10 here, where a search of the product knows up to 30. The",
    "others simulate each plan as often as their name ends on. A proposal that breaks a rule is not simulated and",
    "costs nothing, nor does a plan simulated before (at most",
    "5 proposals for a replication of the budget, and 200 free ones in a row: then a method has nothing left to try).",
    "Populations are of 20. Plain proposals have mixes made to sum to one, and start from today and a sample on lines",
    "from today outwards, as ours do: drawn evenly between all bounds, none of 3,000 kept the rules of synthetic-10.",
    "All other rules are constraints there, as is what a plan is refused for.",
    "The ablation of synthetic-3 was run when children that are known plans were still redrawn until they were new.",
    "That was within noise there and on tiny and, over three seeds with and without, on the Loire (0.1557 and 0.1555)",
    "and synthetic-10 (0.2600 and 0.2554), and is gone. Tiny and synthetic-3 are one component each, so that",
    "remembering parts can bring nothing there; the Loire and synthetic-10 have three. The eight valleys",
    "(`valleys-8`) are tiny eight times, with only their firms in common: eight components, made for the ablation.",
    "There, territory blocks make three plans of the simulations that make two without them, and hypervolume is the",
    "same; adaptive replications cost hypervolume, as each of them is one that no new plan gets, and tell which of two",
    "plans is the better one. Rows of before commit f9516af spend doubt's share of replications of whole plans, not of",
    "component runs, and were made with HiGHS 1.15; 3722e945d+ is f9516af before it was committed.",
    "Rows, commits and CPU times: `benchmarks/search/rows/`.",
)


def text_of(rows: Sequence[RunRow]) -> str:
    """Return the section as far as there are rows."""
    known = {name: curves(rows, name, case.budget) for name, case in CASES.items()}
    findings = [finding for name, case in CASES.items() for finding in _findings(case, known[name])]
    tables = [line for name, case in CASES.items() for line in _table(case, known[name])]
    ablation = [line for case in ABLATED.values() for line in _ablation(case, rows)]
    return "\n".join([section(TITLE, _NOTES, findings), *tables, *ablation])


def _findings(case: Case, known: Sequence[Curve]) -> Iterator[Finding]:
    """Yield what the targets speak of: ours beside each other method, and beside plain NSGA-II's replications."""
    named = {curve.method: curve for curve in known}
    if OURS not in named:
        return
    ours = named[OURS]
    others = [curve for curve in known if not curve.method.startswith(OURS)]
    for other in others if case.instance in _EVERYWHERE_AHEAD else others[:1]:
        yield _ahead(case, ours, other)
    plain = [curve for curve in others if curve.method.removeprefix(PLAIN).isdigit()]
    if plain:
        best = plain[0]
        yield Finding(
            f"{case.instance}: part of the budget at which ours is where {best.method} ends ({best.final:.4f})",
            ours.reaches(best.final),
            at_most=MOST_OF_THE_BUDGET if case.instance in _EVERYWHERE_AHEAD else None,
        )


def _ahead(case: Case, ours: Curve, other: Curve) -> Finding:
    """Say by how much ours is ahead at the end, in the greater standard deviation over seeds.

    On tiny the target is not to be behind the best by more than noise, two standard errors of the difference.
    """
    spread = max(ours.spread, other.spread)
    lead = ours.final - other.final
    whom = f"{other.method} ({lead:+.4f}; {_seeds(ours)} and {_seeds(other)} seeds)"
    if case.instance in _EVERYWHERE_AHEAD:
        what = f"{case.instance}: lead over {whom}"
        return Finding(what, lead / spread if spread else float("nan"), "spreads over seeds", at_least=1.0)
    error = (ours.spread**2 / len(ours.seeds) + other.spread**2 / len(other.seeds)) ** 0.5
    what = f"{case.instance}: lead over the best other, {whom}"
    return Finding(what, lead / error if error else float("nan"), "standard errors", at_least=-2.0)


def _seeds(curve: Curve) -> int:
    return len(curve.seeds)


def _table(case: Case, known: Sequence[Curve]) -> Iterator[str]:
    """Yield hypervolumes over replications."""
    known = [curve for curve in known if not curve.method.startswith(WITHOUT)]
    if not known:
        return
    shares = sorted({share for curve in known for share in curve.shares})
    heads = [f"{share * case.budget:.0f}" for share in shares]
    yield f"**{case.instance}**: true hypervolume ({case.true_replications} fresh replications) by replications spent"
    yield ""
    yield "| | seeds | " + " | ".join(heads) + " | spread | reported | plans | truly sound | CPU s |"
    yield "| --- " * (len(heads) + 7) + "|"
    for curve in known:
        at = dict(zip(curve.shares, curve.mean.tolist(), strict=True))
        cells = [f"{at[share]:.4f}" if share in at else "" for share in shares]
        ends = [_figure(curve.spread), f"{curve.reported[:, -1].mean():.4f}", f"{curve.plans:.0f}"]
        ends += [f"{100 * curve.sound:.0f} %" if curve.sound == curve.sound else "", f"{curve.cpu:.0f}"]
        yield "| " + " | ".join([curve.method, str(_seeds(curve)), *cells, *ends]) + " |"
    yield ""


def _ablation(case: Case, rows: Sequence[RunRow]) -> Iterator[str]:
    """Yield what ours loses without each ingredient, on the seeds that both have."""
    known = {curve.method: curve for curve in curves(rows, case.instance, case.budget)}
    variants = [curve for name, curve in known.items() if name.startswith(WITHOUT)]
    if OURS not in known or not variants:
        return
    whole = known[OURS]
    yield f"**{case.instance}, {case.budget} replications**: ours without one ingredient, true hypervolume at the end"
    yield ""
    yield "| without | seeds | mean | loss, same seeds | standard error of the loss | brings |"
    yield "| --- | --- | --- | --- | --- | --- |"
    yield f"| nothing | {_seeds(whole)} | {whole.final:.4f} | | | |"
    for curve in sorted(variants, key=lambda one: one.final):
        both = [seed for seed in whole.seeds if seed in curve.seeds]
        losses = [whole.true[whole.seeds.index(seed), -1] - curve.true[curve.seeds.index(seed), -1] for seed in both]
        loss, error = _mean_and_error(losses)
        brings = "" if error != error else ("yes" if loss > 2 * error else "costs" if loss < -2 * error else "in noise")
        name = curve.method.removeprefix(WITHOUT).replace("-", " ")
        yield f"| {name} | {len(both)} | {curve.final:.4f} | {loss:+.4f} | {_figure(error)} | {brings} |"
    yield ""


def _mean_and_error(values: Sequence[float]) -> tuple[float, float]:
    mean = sum(values) / len(values) if values else float("nan")
    if len(values) < 2:
        return mean, float("nan")
    variance = sum((value - mean) ** 2 for value in values) / (len(values) - 1)
    return mean, (variance / len(values)) ** 0.5


def _figure(value: float) -> str:
    return "" if value != value else f"{value:.4f}"
