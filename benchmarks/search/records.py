"""Raw rows of finished runs, in tables under `rows/` that are kept under version control.

`INSTANCE-runs.csv` has one row per checkpoint of a run, `INSTANCE-plans.csv` one per plan handed out at the end.
Numbers are written so that they read back the same. One process writes those of an instance (see `truth`).
"""

import csv
from collections.abc import Collection, Sequence
from dataclasses import astuple, dataclass, fields
from io import StringIO
from pathlib import Path
from typing import Any, TypeVar

from configurator.runs.store import write_atomically

ROWS = Path(__file__).parent / "rows"


@dataclass(frozen=True)
class RunKey:
    """What makes two runs the same."""

    instance: str
    method: str
    seed: int
    budget: int


@dataclass(frozen=True)
class RunRow:
    """Where a run stood at one checkpoint."""

    instance: str
    method: str
    seed: int
    budget: int
    share: float
    """Part of the budget."""
    spent: float
    """Replications of whole plans at the last report within that part."""
    proposed: int
    evaluated: int
    reported_hypervolume: float
    true_hypervolume: float
    true_replications: int
    sound: int
    """Of the plans reported, those truly so."""
    plans: str
    """First digits of the plans' keys, with spaces."""
    cpu_seconds: float
    """Of the whole run until its end, true simulations left out."""
    fingerprint: str
    """First digits of the instance's."""
    commit: str

    @property
    def key(self) -> RunKey:
        """The run it belongs to."""
        return RunKey(self.instance, self.method, self.seed, self.budget)


@dataclass(frozen=True)
class PlanRow:
    """A plan handed out at the end of a run; values of the objectives in table order, with spaces."""

    instance: str
    method: str
    seed: int
    budget: int
    plan: str
    """First digits of its key."""
    replications: int
    reported: str
    true: str
    true_errors: str
    """Standard errors of the mean."""
    flags: str
    """Why it is truly not sound, if so."""

    @property
    def key(self) -> RunKey:
        """The run it belongs to."""
        return RunKey(self.instance, self.method, self.seed, self.budget)


Row = TypeVar("Row", RunRow, PlanRow)


def runs_of(instance: str, folder: Path = ROWS) -> Path:
    """Return where the runs of an instance stand."""
    return folder / f"{instance}-runs.csv"


def plans_of(instance: str, folder: Path = ROWS) -> Path:
    """Return where the plans that its runs handed out stand."""
    return folder / f"{instance}-plans.csv"


def read(path: Path, kind: type[Row]) -> list[Row]:
    """Return the rows of a table; none when there is no file."""
    if not path.exists():
        return []
    with path.open(encoding="utf-8", newline="") as file:
        found = list(csv.DictReader(file))
    types = {field.name: str(field.type) for field in fields(kind)}
    return [kind(**{name: _value(types[name], text) for name, text in row.items()}) for row in found]


def add(path: Path, kind: type[Row], rows: Sequence[Row]) -> None:
    """Add the rows of one run; those it had before are replaced."""
    own = {row.key for row in rows}
    text = StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([field.name for field in fields(kind)])
    writer.writerows(astuple(row) for row in read(path, kind) if row.key not in own)
    writer.writerows(astuple(row) for row in rows)
    path.parent.mkdir(exist_ok=True)
    write_atomically(path, text.getvalue())


def done(instance: str, folder: Path = ROWS) -> Collection[RunKey]:
    """Return the runs of an instance of which there are rows."""
    return {row.key for row in read(runs_of(instance, folder), RunRow)}


def every_run(folder: Path = ROWS) -> list[RunRow]:
    """Return the rows of all instances."""
    return [row for path in sorted(folder.glob("*-runs.csv")) for row in read(path, RunRow)]


def _value(kind: str, text: str) -> Any:
    if "int" in kind:
        return int(text)
    return float(text) if "float" in kind else text
