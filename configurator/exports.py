"""A run's tables for other programs: one JSON file, a folder of CSV files, one Excel workbook."""

import io
import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from configurator.runs.store import RunFolderError, write_atomically
from configurator.tables import TEXT_COLUMNS, Cell, Table, csv_text

if TYPE_CHECKING:
    from openpyxl.cell import Cell as SheetCell
    from openpyxl.worksheet.worksheet import Worksheet

ExportFormat = Literal["json", "csv", "xlsx"]
EXPORT_FORMATS: tuple[ExportFormat, ...] = ("json", "csv", "xlsx")

SHEET_ROWS = 1_048_576  # Excel's limit, header included
CELL_CHARACTERS = 32_767  # Excel's limit
FORBIDDEN_IN_SHEET_NAMES = re.compile(r"[\[\]:*?/\\]")
CONTROL_CHARACTERS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")


def write_export(tables: Sequence[Table], kind: ExportFormat, out: Path) -> list[Path]:
    """Write the tables in one of the formats and return the files written."""
    if kind == "json":
        write_atomically(out, json_text(tables))
        return [out]
    if kind == "xlsx":
        write_atomically(out, workbook_bytes(tables))
        return [out]
    if out.exists() and not out.is_dir():
        raise RunFolderError(f"{out} is a file; CSV export needs a folder, one file a table")
    paths = [out / f"{content.name}.csv" for content in tables]
    for path, content in zip(paths, tables, strict=True):
        write_atomically(path, csv_text(content))
    return paths


def json_text(tables: Sequence[Table]) -> str:
    """Return an object with one list of records a table."""
    content = {content.name: content.records() for content in tables}
    return json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def workbook_bytes(tables: Sequence[Table]) -> bytes:
    """Return an Excel workbook, one sheet a table; texts stay texts, even those that look like formulas."""
    from openpyxl import Workbook

    workbook = Workbook()
    workbook.remove(workbook.active)
    titles: set[str] = set()
    for content in tables:
        if len(content.rows) >= SHEET_ROWS:
            raise RunFolderError(f"table {content.name} has {len(content.rows)} rows, more than a sheet holds: use csv")
        _fill_sheet(workbook.create_sheet(_sheet_title(content.name, titles)), content)
    out = io.BytesIO()
    workbook.save(out)
    return out.getvalue()


def _sheet_title(name: str, taken: set[str]) -> str:
    stem = FORBIDDEN_IN_SHEET_NAMES.sub("_", name)[:31] or "table"
    title, number = stem, 2
    while title.lower() in taken:
        title = f"{stem[:27]}_{number}"
        number += 1
    taken.add(title.lower())
    return title


def _fill_sheet(sheet: "Worksheet", content: Table) -> None:
    from openpyxl.styles import Font
    from openpyxl.utils import get_column_letter

    for position, name in enumerate(content.columns, start=1):
        sheet.cell(1, position, name).font = Font(bold=True)
        width = max([len(name), *(len(_text(row[position - 1])) for row in content.rows[:200])])
        sheet.column_dimensions[get_column_letter(position)].width = min(width + 2, 80)
    for line, row in enumerate(content.rows, start=2):
        for position, (column, value) in enumerate(zip(content.columns, row, strict=True), start=1):
            _fill_cell(sheet.cell(line, position), value, column in TEXT_COLUMNS)
    sheet.freeze_panes = "A2"
    if content.rows:
        sheet.auto_filter.ref = sheet.dimensions


def _fill_cell(cell: "SheetCell", value: Cell, is_text: bool) -> None:
    if value is None or value == "":
        return
    if isinstance(value, str) or is_text:
        cell.value = CONTROL_CHARACTERS.sub("", str(value))[:CELL_CHARACTERS]
        cell.data_type = "s"  # `=...` or `01004` from outside is a text, never a formula or a number
        cell.number_format = "@"
    else:
        cell.value = value


def _text(value: Cell) -> str:
    return "" if value is None else str(value)
