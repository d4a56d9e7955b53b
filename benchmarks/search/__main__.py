"""Compare searches at equal budgets, a piece at a time, and write what is known so far to `benchmarks/RESULTS.md`.

    python -m benchmarks.search --instances tiny --methods nsga2-1 random-1 --seeds 1 2 3
    python -m benchmarks.search --ablation
    python -m benchmarks.search --report

A run that has its rows in `benchmarks/search/rows/` is not done again, unless asked by --again.
"""

import argparse
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from benchmarks.results import write
from benchmarks.search import records
from benchmarks.search.ablation import ABLATIONS
from benchmarks.search.cases import ABLATED, CASES, Case
from benchmarks.search.methods import METHODS, OURS, is_available
from benchmarks.search.problem import Problem
from benchmarks.search.report import TITLE, text_of
from benchmarks.search.reporting import Method
from benchmarks.search.running import run
from benchmarks.search.truth import MEMORY, Truth


def main() -> None:
    """Run the pieces asked for, then tell."""
    options = _parser().parse_args()
    if not options.report:
        cases = ABLATED if options.ablation else CASES
        methods = {OURS: METHODS[OURS]} | dict(ABLATIONS) if options.ablation else METHODS
        for name in options.instances or list(cases):
            case = cases[name] if options.budget is None else replace(cases[name], budget=options.budget)
            seeds = options.seeds or list(range(1, case.seeds + 1))
            chosen = {one: methods[one] for one in options.methods or methods}
            run_all(case, chosen, seeds, options.workers, options.memory, again=options.again)
    text = text_of(records.every_run())
    print(text)
    if options.report:
        write(TITLE, text)


def run_all(
    case: Case, methods: Mapping[str, Method], seeds: Sequence[int], workers: int, memory: Path, *, again: bool
) -> None:
    """Do the runs that have no rows yet, seed by seed, and keep each as soon as it is done."""
    known = () if again else records.done(case.instance)
    wanted = [
        (seed, name)
        for seed in seeds
        for name in methods
        if is_available(name) and records.RunKey(case.instance, name, seed, case.budget) not in known
    ]
    if not wanted:
        return
    problem = Problem.of(case.instance, workers)
    with closing(Truth(problem, case.true_replications, memory)) as truth:
        for seed, name in wanted:
            rows, plans = run(case, problem, truth, name, methods[name], seed)
            records.add(records.runs_of(case.instance), records.RunRow, rows)
            records.add(records.plans_of(case.instance), records.PlanRow, plans)
            last = rows[-1]
            found = f"{len(plans)} plans, true hypervolume {last.true_hypervolume:.4f}"
            print(
                f"{case.instance} {name} seed {seed}: {last.spent:g} replications, {found}"
                f" (reported {last.reported_hypervolume:.4f}), {last.cpu_seconds:.0f} CPU s",
                flush=True,
            )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.search",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--instances", nargs="*", help=f"of {', '.join([*CASES, *(ABLATED.keys() - CASES.keys())])}")
    parser.add_argument("--methods", nargs="*", help=f"of {', '.join([*METHODS, *ABLATIONS])}")
    parser.add_argument("--seeds", nargs="*", type=int, help="default: as many as the target asks for, from 1 on")
    parser.add_argument("--budget", type=int, help="replications of whole plans (default: the target's)")
    parser.add_argument("--ablation", action="store_true", help="ours without each of its ingredients, smaller budgets")
    parser.add_argument("--again", action="store_true", help="also runs that have their rows")
    parser.add_argument("--report", action="store_true", help="run nothing, write the section of RESULTS.md")
    parser.add_argument("--workers", type=int, default=1, help="threads (default: 1)")
    parser.add_argument("--memory", type=Path, default=MEMORY, help=f"where true simulations are kept ({MEMORY})")
    return parser


if __name__ == "__main__":
    main()
