"""Measure how proposals become plans, and write what was found to `benchmarks/RESULTS.md`."""

import argparse
import os
import tempfile
from pathlib import Path

from benchmarks.alternation import versions
from benchmarks.plans.measurements import all_findings, share_of_a_search
from benchmarks.results import section, write
from configurator.generating import generate
from instances.catalogue import load_instance
from instances.instance import Instance
from optimisation.search import SearchSettings

_TITLE = "Plans"


def main() -> None:
    """Measure on the Loire and on 10, 30 and 100 synthetic territories; with --quick on tiny, printed only."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.plans", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="the tiny instance, to see that all works")
    parser.add_argument("--proposals", type=int, default=40, help="proposals repaired on each instance (default: 40)")
    parser.add_argument("--territories", type=int, nargs="*", default=[10, 30, 100], help="synthetic sizes")
    parser.add_argument("--generations", type=int, default=6, help="of the search on the Loire (default: 6)")
    options = parser.parse_args()
    workers = os.cpu_count() or 1
    if options.quick:
        findings = all_findings([("tiny", load_instance("tiny"))], 20, print)
        findings += share_of_a_search(load_instance("tiny"), SearchSettings(6, 1, 1), 3, workers)
    else:
        named = [("Loire", load_instance("loire")), *((f"{n} territories", synthetic(n)) for n in options.territories)]
        findings = all_findings(named, options.proposals, print)
        settings = load_instance("loire").settings.search
        search = SearchSettings(settings.population, settings.replications, settings.seed)
        findings += share_of_a_search(load_instance("loire"), search, options.generations, workers)
    notes = (
        versions(("highspy", "pyomo", "numpy")) + ".",
        f"{options.proposals} proposals an instance, a sixth sampled as a search starts, then children and mutants of",
        "plans; one thread. The gap is that of a search, 10 %. CPU time, medians; ways to solve alternate proposal by",
        "proposal, all with the same programme and the same search (next to the relaxation first, which in large",
        "programmes starts from the proposal). A repair also checks before and after. The search is the Loire's",
        "default one, cut short.",
    )
    text = section(_TITLE, notes, findings)
    print(text)
    if not options.quick:
        write(_TITLE, text)


def synthetic(territories: int) -> Instance:
    """Return a synthetic department of so many territories."""
    with tempfile.TemporaryDirectory() as folder:
        generate(territories, 1, Path(folder) / "made")
        return load_instance(Path(folder) / "made")


if __name__ == "__main__":
    main()
