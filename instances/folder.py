"""The folder form of an instance: `instance.toml` and one CSV a table. Knows the format, not the domain."""

import csv
import io
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from instances.faults import Fault, expected_name
from instances.table_format import column_names, columns_of
from instances.tables import REQUIRED_TABLES, TABLES, Row
from instances.written import SETTINGS_FILE, WrittenInstance, WrittenRow, WrittenTable

# Refused before a byte is read: the largest real table (travel between 2,000 zones) has under 50 MB.
LARGEST_FILE = 50_000_000


@dataclass(frozen=True)
class Reading:
    """What was read of a folder, and what could not be; tables that lack rows are `broken`."""

    written: WrittenInstance
    faults: tuple[Fault, ...]
    broken: frozenset[str]


def read_folder(folder: Path) -> Reading:
    """Read an instance folder; every fault of form is listed, nothing is raised."""
    faults: list[Fault] = []
    settings_text = _read_text(folder / SETTINGS_FILE, faults) if _is_present(folder / SETTINGS_FILE, faults) else ""
    settings = _parse_toml(settings_text, faults)
    broken = {SETTINGS_FILE} if faults else set()
    faults += _unknown_tables(folder)
    tables: dict[str, WrittenTable] = {}
    for name, row_type in TABLES.items():
        own: list[Fault] = []
        table = _read_table(folder, name, row_type, own)
        if table is not None:
            tables[name] = table
        # A fault of the header leaves the rows readable: what can be checked between them still is.
        if table is None or any(fault.row != 1 for fault in own):
            broken.add(name)
        faults += own
    name = folder.resolve().name
    return Reading(WrittenInstance(name, settings, settings_text, tables), tuple(faults), frozenset(broken))


def write_folder(written: WrittenInstance, folder: Path) -> None:
    """Write an instance as a folder: commas, decimal points as they stand, UTF-8, LF."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / SETTINGS_FILE).write_text(written.settings_text, encoding="utf-8", newline="\n")
    for name, table in written.tables.items():
        with (folder / f"{name}.csv").open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(table.columns)
            writer.writerows(row.cells for row in table.rows)


def _unknown_tables(folder: Path) -> list[Fault]:
    files = sorted(path.name for path in folder.iterdir() if path.suffix.lower() == ".csv") if folder.is_dir() else []
    known = [f"{name}.csv" for name in TABLES]
    return [
        Fault(file, None, "", file, expected_name(file, known), "unknown table") for file in files if file not in known
    ]


def _is_present(path: Path, faults: list[Fault]) -> bool:
    if path.is_file():
        return True
    faults.append(Fault(path.name, None, "", "", f"a file {path.name} in {path.parent}", "missing file"))
    return False


def _read_text(path: Path, faults: list[Fault]) -> str:
    """Return a file's text, or an empty one and a fault."""
    try:
        size = path.stat().st_size
        if size > LARGEST_FILE:
            limit = f"at most {LARGEST_FILE:,} bytes"
            faults.append(Fault(path.name, None, "", f"{size:,} bytes", limit, "file too large, not read"))
            return ""
        content = path.read_bytes()
    except OSError as error:
        faults.append(Fault(path.name, None, "", "", "a readable file", f"cannot be read: {error.strerror}"))
        return ""
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        byte = f"byte 0x{content[error.start]:02x}"
        faults.append(Fault(path.name, line, "", byte, "a file saved as UTF-8", "not UTF-8 text"))
        return ""


def _parse_toml(text: str, faults: list[Fault]) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    # tomllib lets these through: ValueError for integers of thousands of digits, RecursionError for deep nesting.
    except (ValueError, RecursionError) as error:
        faults.append(Fault(SETTINGS_FILE, None, "", "", "a TOML document", f"cannot be parsed: {error}"))
        return {}


def _read_table(folder: Path, name: str, row_type: type[Row], faults: list[Fault]) -> WrittenTable | None:
    path = folder / f"{name}.csv"
    if not path.exists() and name not in REQUIRED_TABLES:
        return None
    return read_table(path, name, row_type, faults, may_be_empty=name not in REQUIRED_TABLES)


def read_table(
    path: Path, name: str, row_type: type[Row], faults: list[Fault], *, may_be_empty: bool
) -> WrittenTable | None:
    """Read one CSV as a table of the given columns; what is wrong with its form joins `faults`."""
    if not _is_present(path, faults):
        return None
    text = _read_text(path, faults)
    if faults:
        return None
    records = list(_records(text, path.name, faults))
    if faults:
        return None
    if not records:
        faults.append(Fault(path.name, None, "", "", f"a header: {', '.join(column_names(row_type))}", "empty file"))
        return None
    (_, header), *body = records
    columns = tuple(cell.strip() for cell in header)
    faults += _header_faults(path.name, columns, row_type)
    rows = tuple(_rows(body, columns, path.name, faults))
    if not body and not may_be_empty:
        faults.append(Fault(path.name, None, "", "", "at least one row", "empty table"))
    return WrittenTable(name, path.name, columns, rows)


def _records(text: str, file: str, faults: list[Fault]) -> Iterator[tuple[int, list[str]]]:
    """Yield (first line, cells) of each record that is not blank."""
    header = text.split("\n", 1)[0]
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=";" if ";" in header else ",", strict=True)
    line = 1
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                yield line, cells
            line = reader.line_num + 1
    except csv.Error as error:
        faults.append(Fault(file, line, "", "", "comma- or semicolon-separated values", f"cannot be parsed: {error}"))


def _header_faults(file: str, columns: Sequence[str], row_type: type[Row]) -> list[Fault]:
    known = column_names(row_type)
    absent = [name for name in known if name not in columns]
    faults = []
    for index, name in enumerate(columns):
        if not name:
            faults.append(Fault(file, 1, f"number {index + 1}", "", "a column name", "column without a name"))
        elif name not in known:
            faults.append(Fault(file, 1, name, name, expected_name(name, absent or known), "unknown column"))
        elif name in columns[:index]:
            faults.append(Fault(file, 1, name, name, "each column once", "column given twice"))
    required = [column.name for column in columns_of(row_type) if column.is_required]
    faults += [
        Fault(file, 1, name, "", f"a column '{name}'", "missing column") for name in required if name not in columns
    ]
    return faults


def _rows(
    body: Sequence[tuple[int, list[str]]], columns: Sequence[str], file: str, faults: list[Fault]
) -> Iterator[WrittenRow]:
    for line, cells in body:
        if len(cells) == len(columns):
            yield WrittenRow(line, tuple(cell.strip() for cell in cells))
        else:
            expected = f"{len(columns)} cells, as the header has (a decimal comma needs quotes or semicolons)"
            faults.append(Fault(file, line, "", f"{len(cells)} cells", expected, "row of another length"))
