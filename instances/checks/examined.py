"""What checks look at: the rows that could be built, and where each was written."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property

from instances.builder import Built
from instances.expressions import is_plain_number
from instances.faults import Fault
from instances.inheritance import CyclicBaseError, Inherited, ancestry, expanded_rows, move_key, service_key, step_key
from instances.instance import Instance
from instances.table_format import columns_of
from instances.tables import TABLES, Move, Service, Step
from instances.written import SETTINGS_FILE, WrittenRow


@dataclass(frozen=True)
class Examined:
    """An instance under examination; tables in `unread` could not be read at all, in `broken` not wholly."""

    built: Built
    unread: frozenset[str] = field(default_factory=frozenset)

    @property
    def instance(self) -> Instance:
        """The rows that could be built."""
        return self.built.instance

    @cached_property
    def broken(self) -> frozenset[str]:
        """Tables that lack rows they should have."""
        return self.unread | self.built.broken

    def codes(self, table: str, column: str) -> frozenset[str] | None:
        """Return the codes that a table's column holds, those of faulty rows included; None when unknown."""
        written = self.built.written.tables.get(table)
        if written is None:
            return None if table in self.unread else frozenset()
        if column not in written.columns:
            is_required = any(known.is_required for known in columns_of(TABLES[table]) if known.name == column)
            return None if is_required else frozenset()
        return frozenset(cell for cell in written.column(column) if cell)

    def cell(self, table: str, index: int, column: str) -> str:
        """Return the text of a built row's cell, empty when the table has no such column."""
        columns = self.built.written.tables[table].columns
        return self._row(table, index).cells[columns.index(column)] if column in columns else ""

    def is_plain(self, table: str, index: int, *columns: str) -> bool:
        """Say whether these cells are plain numbers (or empty), so that no parameter value can shift them."""
        cells = [self.cell(table, index, column) for column in columns]
        return all(not cell or is_plain_number(cell) for cell in cells)

    def fault(self, table: str, index: int, column: str, expected: str, message: str) -> Fault:
        """Return a fault at a built row's cell."""
        file = self.built.written.tables[table].file
        found = self.cell(table, index, column) if column else ""
        return Fault(file, self._row(table, index).line, column, found, expected, message)

    def setting_fault(self, key: str, found: str, expected: str, message: str) -> Fault:
        """Return a fault of the settings."""
        return Fault(SETTINGS_FILE, None, key, found, expected, message)

    def _row(self, table: str, index: int) -> WrittenRow:
        return self.built.rows[table][index]

    # Derived pathways in full, each row with the index of the row it was written as.

    @cached_property
    def has_sound_bases(self) -> bool:
        """Whether every base exists and none extends itself."""
        codes = {row.pathway for row in self.instance.pathways}
        try:
            lines = [ancestry(row.pathway, self.instance.pathways) for row in self.instance.pathways]
        except CyclicBaseError:
            return False
        bases = {row.base for row in self.instance.pathways if row.base}
        return bases <= codes and bool(lines)

    @cached_property
    def steps(self) -> tuple[tuple[Inherited, Step], ...]:
        """All steps in full."""
        return expanded_rows(self.instance.pathways, self.instance.steps, step_key)

    @cached_property
    def services(self) -> tuple[tuple[Inherited, Service], ...]:
        """All services in full."""
        return expanded_rows(self.instance.pathways, self.instance.services, service_key)

    @cached_property
    def moves(self) -> tuple[tuple[Inherited, Move], ...]:
        """All moves in full."""
        return expanded_rows(self.instance.pathways, self.instance.moves, move_key)

    @cached_property
    def step_codes(self) -> frozenset[tuple[str, str]]:
        """All (pathway, step), derived pathways in full."""
        return frozenset((row.pathway, row.step) for _, row in self.steps)

    @cached_property
    def marks(self) -> frozenset[str]:
        """Marks that some move gives."""
        return frozenset(row.mark for row in self.instance.moves if row.mark)


Check = Callable[[Examined], Iterator[Fault]]
