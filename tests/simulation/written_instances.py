"""Instances written in a test: tables as rows, read through the real reader so that every check has its say."""

import csv
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from instances.catalogue import load_instance
from instances.instance import Instance

Row = Mapping[str, object]
Tables = Mapping[str, Sequence[Row]]


def read_back(
    tables: Tables,
    horizon: Mapping[str, object],
    *,
    time_unit: str = "day",
    economics: Mapping[str, object] | None = None,
) -> Instance:
    """Write the tables as an instance folder and load it."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "written"
        folder.mkdir()
        write(folder, tables, horizon, time_unit=time_unit, economics=economics)
        return load_instance(folder)


def write(
    folder: Path,
    tables: Tables,
    horizon: Mapping[str, object],
    *,
    time_unit: str = "day",
    economics: Mapping[str, object] | None = None,
) -> None:
    """Write the tables as an instance folder."""
    (folder / "instance.toml").write_text(_settings(horizon, time_unit, economics or {}), encoding="utf-8")
    for table, rows in tables.items():
        if rows:
            _write(folder / f"{table}.csv", rows)


def _settings(horizon: Mapping[str, object], time_unit: str, economics: Mapping[str, object]) -> str:
    sections = [f'format_version = 1\nname = "written in a test"\ntime_unit = "{time_unit}"\n']
    for name, scalars in (("horizon", horizon), ("economics", economics)):
        cells = "".join(f"{key} = {_cell(value)}\n" for key, value in scalars.items())
        sections.append(f"[{name}]\n{cells}")
    return "\n".join(sections)


def _write(path: Path, rows: Sequence[Row]) -> None:
    columns = list(dict.fromkeys(column for row in rows for column in row))
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns, restval="")
        writer.writeheader()
        writer.writerows({column: _cell(value) for column, value in row.items()} for row in rows)


def _cell(value: object) -> object:
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else value
