"""An instance as written: text cells with their line numbers, nothing interpreted yet."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

SETTINGS_FILE = "instance.toml"


@dataclass(frozen=True)
class WrittenRow:
    """One row of a table: its line in the file and its cells, one a column, stripped."""

    line: int
    cells: tuple[str, ...]


@dataclass(frozen=True)
class WrittenTable:
    """One table: its name in the format, the file it stands in, header and rows."""

    name: str
    file: str
    columns: tuple[str, ...]
    rows: tuple[WrittenRow, ...]

    def column(self, name: str) -> Iterator[str]:
        """Yield the cells of a column; nothing when the table lacks it."""
        if name in self.columns:
            index = self.columns.index(name)
            yield from (row.cells[index] for row in self.rows)


@dataclass(frozen=True)
class WrittenInstance:
    """All tables and the settings document of an instance; `settings_text` keeps the latter's comments."""

    name: str
    settings: Mapping[str, Any]
    settings_text: str
    tables: Mapping[str, WrittenTable]
