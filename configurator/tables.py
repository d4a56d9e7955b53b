"""A plain table, the one shape in which results are printed, written and exported."""

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

Cell = str | int | float | bool | None

TEXT_COLUMNS = frozenset(
    {
        "id", "key", "indicator", "zone", "profile", "pathway", "step", "resource", "provider", "payer", "unit",
        "changes", "contract", "observation", "description", "verdict", "role", "plan", "kind", "subject", "fate",
        "event", "objective", "account", "rule", "name", "source", "binding_rules", "level", "parent", "value_text",
        "break", "priced_by", "detail",
    }
)  # fmt: skip
"""Columns whose cells are codes or words: `01004` stays `01004`. Every other column holds numbers."""


@dataclass(frozen=True)
class Table:
    """Rows of cells under named columns; `name` is its file's stem and its sheet's title."""

    name: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]

    def records(self) -> list[dict[str, Cell]]:
        """Return each row as a mapping from column to cell."""
        return [dict(zip(self.columns, row, strict=True)) for row in self.rows]


def table(name: str, columns: Sequence[str], rows: Iterable[Sequence[Cell]]) -> Table:
    """Return a table made of any sequences."""
    return Table(name, tuple(columns), tuple(tuple(row) for row in rows))


def csv_text(content: Table) -> str:
    """Return the table as CSV: comma, decimal point, line feed, shortest digits that read back to the same number."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(content.columns)
    for row in content.rows:
        writer.writerow([_cell_text(cell) for cell in row])
    return out.getvalue()


def _cell_text(cell: Cell) -> str:
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return "1" if cell else "0"
    return repr(float(cell)) if isinstance(cell, float) else str(cell)  # of a numpy number too, its digits alone


def table_from_csv(name: str, text: str) -> Table:
    """Read back what `csv_text` wrote; an empty cell of a number column is None."""
    lines = list(csv.reader(io.StringIO(text)))
    if not lines:
        return Table(name, (), ())
    columns = tuple(lines[0])
    rows = tuple(
        tuple(cell if column in TEXT_COLUMNS else _number(cell) for column, cell in zip(columns, line, strict=True))
        for line in lines[1:]
    )
    return Table(name, columns, rows)


def _number(cell: str) -> Cell:
    if not cell:
        return None
    try:
        return int(cell)
    except ValueError:
        pass
    try:
        return float(cell)
    except ValueError:
        return cell
