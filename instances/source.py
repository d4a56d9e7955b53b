"""An instance's source: its cells as written, from which instances are built under any parameter values."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from instances.builder import Built, build, parameter_names, scenario_names
from instances.checks import faults_between_tables
from instances.expressions import ExpressionError, names_in, parse_expression
from instances.faults import Fault, InvalidInstance, UnknownName
from instances.folder import Reading, read_folder
from instances.instance import Instance
from instances.scenarios import TODAY
from instances.written import WrittenInstance


@dataclass(frozen=True)
class InstanceSource:
    """A valid instance as written; `instance` gives it under a scenario and other parameter values."""

    written: WrittenInstance

    @property
    def name(self) -> str:
        """The folder's name."""
        return self.written.name

    @cached_property
    def scenarios(self) -> tuple[str, ...]:
        """The scenarios that may be asked for."""
        return scenario_names(self.written)

    @cached_property
    def today(self) -> Instance:
        """The instance with its parameters at their central values."""
        return self._built(None, {})

    def instance(self, scenario: str | None = None, overrides: Mapping[str, float] | None = None) -> Instance:
        """Build and check the instance under a scenario and parameter values set by the caller (which win).

        Raises UnknownName for an unknown scenario or parameter, InvalidInstance when the values break a check.
        """
        known = parameter_names(self.written)
        for name in overrides or {}:
            if name not in known:
                raise UnknownName("parameter", name, known)
        if scenario in (None, TODAY) and not overrides:
            return self.today
        return self._built(scenario, overrides or {})

    def drawn(self, scenario: str | None, overrides: Mapping[str, float], values: Mapping[str, float]) -> Instance:
        """Build and check the instance with values drawn for uncertain parameters; decisions keep theirs.

        Raises InvalidInstance when the values drawn break a check.
        """
        return self._built(scenario, overrides, values)

    def parameters_behind(self, fault: Fault) -> tuple[str, ...]:
        """Return the parameters that the row at fault depends on, those they depend on in turn included."""
        tables = [table for table in self.written.tables.values() if table.file == fault.file]
        cells = [cell for table in tables for row in table.rows if row.line == fault.row for cell in row.cells]
        found: dict[str, None] = {}
        frontier = [name for cell in cells for name in _names(cell)]
        while frontier:
            name = frontier.pop()
            if name in self._parameter_cells and name not in found:
                found[name] = None
                frontier += _names(self._parameter_cells[name])
        return tuple(name for name in self._parameter_cells if name in found)

    @cached_property
    def _parameter_cells(self) -> Mapping[str, str]:
        table = self.written.tables.get("parameters")
        return {} if table is None else dict(zip(table.column("name"), table.column("value"), strict=False))

    def scenario_faults(self) -> tuple[Fault, ...]:
        """List what is wrong under each scenario, its name in the message."""
        found: list[Fault] = []
        for scenario in self.scenarios:
            try:
                self.instance(scenario)
            except InvalidInstance as error:
                found += [
                    Fault(
                        fault.file, fault.row, fault.column, fault.found, fault.expected, f"{scenario}: {fault.message}"
                    )
                    for fault in error.faults
                ]
        return tuple(found)

    def _built(
        self, scenario: str | None, overrides: Mapping[str, float], drawn: Mapping[str, float] | None = None
    ) -> Instance:
        built = build(self.written, scenario, overrides, drawn)
        faults = (*built.faults, *faults_between_tables(built, frozenset()))
        if faults:
            raise InvalidInstance(faults)
        return built.instance


def read_source_folder(folder: Path) -> InstanceSource:
    """Read an instance folder; raise InvalidInstance with all faults of form, of type and between tables."""
    reading = read_folder(folder)
    built = build(reading.written)
    faults = _faults(reading, built)
    if faults:
        raise InvalidInstance(faults)
    source = InstanceSource(reading.written)
    # Seeds the cached property: what was just built and checked need not be built again.
    source.__dict__["today"] = built.instance
    return source


def _names(cell: str) -> list[str]:
    try:
        return sorted(names_in(parse_expression(cell)))
    except ExpressionError:  # a text: codes name no parameter
        return []


def _faults(reading: Reading, built: Built) -> tuple[Fault, ...]:
    return (*reading.faults, *built.faults, *faults_between_tables(built, reading.broken))
