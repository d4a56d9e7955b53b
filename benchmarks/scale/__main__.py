"""Search synthetic departments of growing size with the quick preset: time and memory beside the number of territories.

    python -m benchmarks.scale                            3, 10, 30 and 100 territories, hours when all are done
    python -m benchmarks.scale --territories 3 10         some of them

Linux only. Each size is generated (seed 1) and searched by the command line in a process of its own.
"""

import argparse
import sys
import tempfile
from pathlib import Path

from benchmarks.results import Finding, section, write
from benchmarks.scale.whole_run import WholeRun, watched

_TITLE = "Scale"
MOST_GIGABYTES = 3.0


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.scale", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--territories", type=int, nargs="*", default=[3, 10, 30, 100])
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args()
    findings: list[Finding] = []
    for territories in options.territories:
        found = searched(territories, options.workers)
        findings += of_size(territories, found)
        print(territories, found, flush=True)
    notes = (
        f"`configurator optimise --preset quick --workers {options.workers}` on generated departments (seed 1),",
        "confirmation, audits and random plans included. Processor time and memory are those of all its processes,",
        "memory that they share counted once, looked at every second.",
    )
    text = section(_TITLE, notes, findings)
    print(text)
    write(_TITLE, text)


def searched(territories: int, workers: int) -> WholeRun:
    """Return what a quick search of a department of so many territories takes."""
    with tempfile.TemporaryDirectory() as folder:
        made, run = Path(folder) / "made", Path(folder) / "run"
        configurator = [sys.executable, "-c", "from configurator.cli import main; main()"]
        sized = ["--territories", str(territories), "--seed", "1", "--out", str(made)]
        if watched([*configurator, "generate", *sized]).status:
            raise SystemExit(f"no department of {territories} territories could be generated")
        return watched(
            [*configurator, "optimise", str(made), "--preset", "quick", "--workers", str(workers), "--out", str(run)]
        )


def of_size(territories: int, found: WholeRun) -> list[Finding]:
    """Return the rows of one size."""
    if found.status:
        raise SystemExit(f"the search of {territories} territories ended with status {found.status}")
    return [
        Finding(f"{territories} territories: processor time", found.cpu_seconds, "s"),
        Finding(f"{territories} territories: processor time a territory", found.cpu_seconds / territories, "s"),
        Finding(f"{territories} territories: wall-clock", found.wall_seconds, "s"),
        Finding(f"{territories} territories: peak memory", found.peak_gigabytes, "GB", at_most=MOST_GIGABYTES),
    ]


if __name__ == "__main__":
    main()
