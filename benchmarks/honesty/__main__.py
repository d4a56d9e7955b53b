"""Is what is reported true? The study of honesty, in pieces:

    python -m benchmarks.honesty --instance tiny --seeds 1-20                       ours
    python -m benchmarks.honesty --instance tiny --seeds 1-20 --methods nsga2-1 nsga2-repaired-1 optuna-tpe-1 random-1
    python -m benchmarks.honesty --known-means 3000                                 intervals and probabilities
    python -m benchmarks.honesty --report                                           RESULTS.md

Each run adds a row to `runs.csv`; runs that have one are not done again (`--again` does). The report is made from rows.
"""

import argparse
from itertools import product

from benchmarks.honesty.aimed import CASES, aimed
from benchmarks.honesty.handed_out import OURS
from benchmarks.honesty.known_means import write_study
from benchmarks.honesty.records import keep, rows
from benchmarks.honesty.reporting import write_report
from benchmarks.honesty.study import run
from benchmarks.search.methods import METHODS


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--instance", choices=sorted(CASES))
    arguments.add_argument("--seeds", default="1-20", help="like 3 or 1-20")
    arguments.add_argument("--methods", nargs="*", default=[OURS], choices=[OURS, *METHODS])
    arguments.add_argument("--known-means", type=int, metavar="REPETITIONS")
    arguments.add_argument("--workers", type=int, default=1)
    arguments.add_argument("--again", action="store_true")
    arguments.add_argument("--report", action="store_true")
    asked = arguments.parse_args()
    if asked.instance:
        _search(asked.instance, _seeds(asked.seeds), asked.methods, asked.workers, asked.again)
    if asked.known_means:
        write_study(asked.known_means)
    if asked.report:
        write_report()


def _search(instance: str, seeds: range, methods: list[str], workers: int, again: bool) -> None:
    case, problem = CASES[instance], aimed(CASES[instance], workers)
    done = set() if again else {row.key for row in rows()}
    for seed, name in product(seeds, methods):
        if (instance, name, seed, case.budget) not in done:
            row = run(case, problem, name, seed)
            keep(row)
            print(row, flush=True)


def _seeds(text: str) -> range:
    first, _, last = text.partition("-")
    return range(int(first), int(last or first) + 1)


if __name__ == "__main__":
    main()
