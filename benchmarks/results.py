"""The table of results: targets beside what was measured, one section per benchmark in `RESULTS.md`."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.alternation import machine

RESULTS = Path(__file__).parent / "RESULTS.md"
_TITLE = "# Measured\n\nWritten by the benchmarks themselves; ratios, not milliseconds, carry over to other machines.\n"


@dataclass(frozen=True)
class Finding:
    """One thing measured, with the target it has, if any."""

    what: str
    measured: float
    unit: str = ""
    at_least: float | None = None
    at_most: float | None = None

    @property
    def target(self) -> str:
        """The target in words."""
        if self.at_least is not None:
            return f"at least {self.at_least:g} {self.unit}".strip()
        return f"at most {self.at_most:g} {self.unit}".strip() if self.at_most is not None else ""

    @property
    def verdict(self) -> str:
        """Whether the target is kept."""
        if self.at_least is None and self.at_most is None:
            return ""
        kept = self.measured >= (self.at_least or float("-inf")) and (
            self.at_most is None or self.measured <= self.at_most
        )
        return "kept" if kept else "**not kept**"

    @property
    def row(self) -> str:
        """The finding as a row of the table."""
        return f"| {self.what} | {self.target} | {self.measured:.3g} {self.unit}".rstrip() + f" | {self.verdict} |"


def section(title: str, notes: Sequence[str], findings: Sequence[Finding]) -> str:
    """Return a section of the results."""
    when = datetime.now(UTC).date().isoformat()
    table = ["| | target | measured | |", "| --- | --- | --- | --- |", *(finding.row for finding in findings)]
    return "\n".join([f"## {title}", "", f"{when}. {machine()}.", *notes, "", *table, ""])


def write(title: str, text: str) -> None:
    """Replace the section of that title in the results, or add it."""
    before = RESULTS.read_text(encoding="utf-8") if RESULTS.exists() else _TITLE
    parts = [part for part in re.split(r"(?m)^(?=## )", before) if not part.startswith(f"## {title}\n")]
    RESULTS.write_text("\n".join(part.strip() + "\n" for part in [*parts, text]), encoding="utf-8")
