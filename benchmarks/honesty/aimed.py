"""The instances of the study: shipped ones, to which a target is added that binds."""

import csv
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from benchmarks.search.problem import Problem
from instances.catalogue import instance_folder


@dataclass(frozen=True)
class Case:
    """An instance, the budget of each search in replications of whole plans, and how long the truth is simulated."""

    instance: str
    limit: float
    """Of the share of service need without the service, to be kept with probability ASKED."""
    budget: int
    chances: int
    """Simulations of each plan reported under each of the parameter draws it was reported on."""
    futures: int
    """Fresh parameter draws that tell whether a target is really kept."""


ASKED = 0.9
CASES: Mapping[str, Case] = MappingProxyType(
    {
        "tiny": Case("tiny", 0.40, budget=1500, chances=6, futures=400),
        "synthetic-3": Case("synthetic-3", 0.10, budget=600, chances=2, futures=60),
    }
)
FOLDER = Path("runs/honesty")


def aimed(case: Case, workers: int) -> Problem:
    """Return the problem with its target, from a copy of the instance that is written anew."""
    folder = FOLDER / case.instance
    if folder.exists():
        shutil.rmtree(folder)
    shutil.copytree(instance_folder(case.instance), folder)
    path = folder / "objectives.csv"
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    rows.append(
        {"objective": "unmet", "expression": "unmet_need", "direction": "at_most", "low": "0", "high": "1"}
        | {"target": repr(case.limit), "probability": repr(ASKED)}
    )
    columns = list(dict.fromkeys(name for row in rows for name in row))
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, columns, restval="", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    return Problem.of(str(folder), workers)
