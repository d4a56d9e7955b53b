"""The instances of the study: shipped ones, to which a target is added that binds."""

import csv
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
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
    theirs: int
    """Simulations of each plan of another method, over the parameter draws that it was judged on."""
    scale: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    """Low and high of objectives in place of the instance's, so that the hypervolume holds all that is reported: what
    lies beyond the scale counts nothing, and a mean that may fall on either side of an end then differs from the truth
    by more than what is wrong with it."""
    search: Mapping[str, float] = field(default_factory=dict)
    """Settings of the search in place of the instance's."""


ASKED = 0.9
CASES: Mapping[str, Case] = MappingProxyType(
    {
        "tiny": Case("tiny", 0.40, budget=1500, chances=6, futures=400, theirs=180),
        "synthetic-3": Case(
            "synthetic-3",
            0.10,
            budget=600,
            chances=2,
            futures=60,
            theirs=30,
            scale={"efficiency": (-600.0, 1800.0), "solvency": (-0.5, 0.1)},
            search={"final_replications": 100},
        ),
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
        rows = [_scaled(row, case) for row in csv.DictReader(file)]
    rows.append(
        {"objective": "unmet", "expression": "unmet_need", "direction": "at_most", "low": "0", "high": "1"}
        | {"target": repr(case.limit), "probability": repr(ASKED)}
    )
    columns = list(dict.fromkeys(name for row in rows for name in row))
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, columns, restval="", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    _set(folder / "instance.toml", case.search)
    return Problem.of(str(folder), workers)


def _scaled(row: dict[str, str], case: Case) -> dict[str, str]:
    if row["objective"] not in case.scale:
        return row
    low, high = case.scale[row["objective"]]
    return row | {"low": repr(low), "high": repr(high)}


def _set(path: Path, settings: Mapping[str, float]) -> None:
    """Write settings of the search in place of those that an instance has."""
    text = path.read_text(encoding="utf-8")
    for name, value in settings.items():
        text = re.sub(rf"(?m)^{name} = .*\n", "", text)
        text = text.replace("[search]\n", f"[search]\n{name} = {value!r}\n")
    path.write_text(text, encoding="utf-8")
