"""Measure the twin and write what was found to `benchmarks/RESULTS.md`."""

import argparse

from benchmarks.alternation import versions
from benchmarks.results import section, write
from benchmarks.twin import measurements
from benchmarks.twin.network import SIX_POOLS

_TITLE = "Twin"
_NOTES = (
    versions(("simpy", "ciw", "cimba", "numba", "numpy")) + ".",
    "The six-pool network: 10 patients a day for 1,095 days, 4 to 6 steps, pools of 4 to 52 units, offered load 1.05",
    "to 1.15 before losses, exponential patience, drained. A model event is an arrival, a start, a completion or a",
    "renege. CPU time, medians over rounds in which all cases alternate, the quick ones with several replications a",
    "round; our engines write their full event log, from a start (arrivals and first stays drawn) that all",
    "configurations share.",
)


def main() -> None:
    """Run all measurements; with --quick on tiny sizes, printed only."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.twin", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="tiny sizes, to see that all works; nothing is written")
    parser.add_argument("--rounds", type=int, default=7, help="rounds of the comparison (default: 7)")
    options = parser.parse_args()
    if options.quick:
        network = SIX_POOLS.longer(0.05)
        findings = [
            *measurements.side_by_side(network, rounds=3),
            *measurements.growth(network, times=2, rounds=1),
            *measurements.threads(network, replications=2, rounds=1),
            *measurements.loire("tiny", rounds=1),
        ]
    else:
        findings = [
            *measurements.side_by_side(SIX_POOLS, options.rounds),
            *measurements.growth(SIX_POOLS, times=10, rounds=5),
            *measurements.threads(SIX_POOLS.larger(4), replications=12, rounds=5),
            *measurements.loire("loire", rounds=3),
            *measurements.memory(),
        ]
    text = section(_TITLE, _NOTES, findings)
    print(text)
    if not options.quick:
        write(_TITLE, text)


if __name__ == "__main__":
    main()
