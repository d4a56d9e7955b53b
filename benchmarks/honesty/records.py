"""Raw rows of the study, in a table beside this module that is kept under version control."""

import csv
from dataclasses import asdict, dataclass, fields
from io import StringIO
from pathlib import Path
from typing import Any

from configurator.runs.store import write_atomically

ROWS = Path(__file__).parent / "runs.csv"


@dataclass(frozen=True)
class Measures:
    """What one search was seen to do.

    spent: replications of the search; confirming: those that the confirmation took beside, the mean over blocks.
    reported, true: hypervolumes; of ours the means over blocks, and over all blocks on which the plans that stand on
    one are reported in turn (`confirming`). own: reported over true less 1 where only that block's report is taken; of
    others the same as reported over true. first: that of the first block alone. dominated: share of the plans handed
    out that another one of them truly dominates by more than the margin.
    """

    spent: float
    confirming: float
    plans: float
    reported: float
    true: float
    own: float
    first: float
    dominated: float


@dataclass(frozen=True)
class Row(Measures):
    """One search of one method.

    named: whether a plan is named that keeps the target; probability: with which it truly keeps it.
    """

    instance: str
    method: str
    seed: int
    budget: int
    named: int
    probability: float
    asked: float
    futures: int
    cpu_seconds: float
    commit: str

    @property
    def key(self) -> tuple[str, str, int, int]:
        """What makes two runs the same."""
        return self.instance, self.method, self.seed, self.budget


def rows() -> list[Row]:
    """Return all rows kept."""
    if not ROWS.exists():
        return []
    with ROWS.open(encoding="utf-8", newline="") as file:
        return [_row(record) for record in csv.DictReader(file)]


def keep(row: Row) -> None:
    """Add a row, in place of one of the same run."""
    every = sorted([each for each in rows() if each.key != row.key] + [row], key=lambda each: each.key)
    text = StringIO()
    writer = csv.DictWriter(text, [column.name for column in fields(Row)], lineterminator="\n")
    writer.writeheader()
    writer.writerows(asdict(each) for each in every)
    write_atomically(ROWS, text.getvalue())


def _row(record: dict[str, str]) -> Row:
    texts, counts = {"instance", "method", "commit"}, {"seed", "budget", "named", "futures"}
    read: dict[str, Any] = {
        name: text if name in texts else int(text) if name in counts else float(text) for name, text in record.items()
    }
    return Row(**read)
