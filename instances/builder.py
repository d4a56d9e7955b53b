"""Builds typed rows and settings from written cells. Knows the domain's types, not the format on disk."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from instances.decided import is_decided
from instances.expressions import (
    Expression,
    ExpressionError,
    evaluate,
    is_plain_number,
    names_in,
    parse_expression,
)
from instances.faults import Fault, UnknownName, expected_name
from instances.instance import Instance
from instances.scenarios import TODAY, Values, values_in_force
from instances.settings import Settings
from instances.table_format import Column, columns_of
from instances.tables import TABLES, Parameter, Row
from instances.written import SETTINGS_FILE, WrittenInstance, WrittenRow, WrittenTable

_TRUE = frozenset({"1", "true", "yes"})
_FALSE = frozenset({"0", "false", "no"})


@dataclass(frozen=True)
class Built:
    """An instance of the rows that could be built, the faults of the others, and where each row was written.

    `rows` gives the written row of each built one, by table; `broken` names tables with a row left out.
    """

    instance: Instance
    faults: tuple[Fault, ...]
    written: WrittenInstance
    rows: Mapping[str, tuple[WrittenRow, ...]]
    broken: frozenset[str]


@dataclass
class _Builder:
    """What one building gathers on its way."""

    written: WrittenInstance
    faults: list[Fault] = field(default_factory=list)
    broken: set[str] = field(default_factory=set)

    def report(
        self, table: WrittenTable, row: WrittenRow, column: str, found: str, expected: str, message: str
    ) -> None:
        self.faults.append(Fault(table.file, row.line, column, found, expected, message))
        self.broken.add(table.name)


def build(
    written: WrittenInstance,
    scenario: str | None = None,
    overrides: Mapping[str, float] | None = None,
    drawn: Mapping[str, float] | None = None,
) -> Built:
    """Build the instance under a scenario and values set by the caller (which win).

    drawn: values of uncertain parameters, which everything but decisions follows (see `decided`).
    """
    builder = _Builder(written)
    central = _parameter_values(builder, {})
    changed = {**_scenario_values(builder, scenario, central), **(overrides or {})}
    stated = _changed_values(builder, changed) if changed else central
    changed.update(drawn or {})
    values = _changed_values(builder, changed) if drawn else stated
    tables: dict[str, Any] = {}
    places: dict[str, tuple[WrittenRow, ...]] = {}
    for name, table in written.tables.items():
        own = (values, stated) if name != "scenarios" else (central, central)
        rows = list(_rows(builder, table, TABLES[name], *own))
        tables[name] = tuple(row for _, row in rows)
        places[name] = tuple(place for place, _ in rows)
    tables["parameters"] = tuple(_in_force(row, changed) for row in tables.get("parameters", ()))
    settings = _settings(builder, stated)
    instance = Instance(name=written.name, settings=settings, values=dict(values.known), **tables)
    return Built(instance, tuple(builder.faults), written, MappingProxyType(places), frozenset(builder.broken))


def _changed_values(builder: _Builder, changed: Mapping[str, float]) -> Values:
    """Return all values when some are changed; a fault of theirs is reported unless the cells as written have some."""
    return _parameter_values(_Builder(builder.written) if builder.faults else builder, changed)


def build_table(
    table: WrittenTable, row_type: type[Row], values: Mapping[str, float]
) -> tuple[tuple[tuple[WrittenRow, Row], ...], tuple[Fault, ...]]:
    """Build the rows of a table that belongs to no instance, each with its place, and list the faults of others."""
    builder = _Builder(WrittenInstance(table.name, {}, "", {table.name: table}))
    known = Values(values, frozenset())
    rows = tuple(_rows(builder, table, row_type, known, known))
    return rows, tuple(builder.faults)


def scenario_names(written: WrittenInstance) -> tuple[str, ...]:
    """Return the scenarios as written, in table order, each once; `today` first when no row names it."""
    table = written.tables.get("scenarios")
    names = [name for name in dict.fromkeys(table.column("scenario") if table else ()) if name]
    return tuple(names) if TODAY in names else (TODAY, *names)


def parameter_names(written: WrittenInstance) -> tuple[str, ...]:
    """Return the parameters as written, in table order."""
    table = written.tables.get("parameters")
    return tuple(name for name in (table.column("name") if table else ()) if name)


def _parameter_values(builder: _Builder, overrides: Mapping[str, float]) -> Values:
    table = builder.written.tables.get("parameters")
    if table is None or not {"name", "value"} <= set(table.columns):
        return Values(dict(overrides), frozenset())
    cells: dict[str, Expression] = {}
    places: dict[str, WrittenRow] = {}
    unreadable: set[str] = set()
    name_at, value_at = table.columns.index("name"), table.columns.index("value")
    for row in table.rows:
        name, text = row.cells[name_at], row.cells[value_at]
        places[name] = row
        if name and not name.isidentifier():
            expected = "letters, digits and _, not starting with a digit"
            builder.report(table, row, "name", name, expected, "a name that cells could not use")
        try:
            cells[name] = parse_expression(text)
        except ExpressionError:
            unreadable.add(name)  # reported with the other cells of its row

    def report(name: str, message: str, expected: str) -> None:
        row = places[name]
        builder.report(table, row, "value", row.cells[value_at], expected, message)

    return values_in_force(cells, overrides, unreadable, report)


def _scenario_values(builder: _Builder, scenario: str | None, central: Values) -> dict[str, float]:
    """Return the values a scenario sets; its cells may use parameters, at their central values."""
    if scenario is None:
        return {}
    known = scenario_names(builder.written)
    if scenario not in known:
        raise UnknownName("scenario", scenario, known)
    table = builder.written.tables.get("scenarios")
    if table is None or not {"scenario", "parameter", "value"} <= set(table.columns):
        return {}
    values: dict[str, float] = {}
    parameters = set(parameter_names(builder.written))
    for code, name, text in zip(
        table.column("scenario"), table.column("parameter"), table.column("value"), strict=True
    ):
        if code != scenario or name not in parameters:
            continue
        try:
            values[name] = evaluate(parse_expression(text), central.known)
        except (ExpressionError, UnknownName):
            continue  # reported with the other cells of its row
    return values


def _in_force(row: Row, changed: Mapping[str, float]) -> Row:
    """Return a parameter as it holds now: one that was set is given, hence no longer uncertain."""
    if not isinstance(row, Parameter) or row.name not in changed:
        return row
    return row.model_copy(update={"value": changed[row.name], "low": None, "high": None, "distribution": ""})


def _rows(
    builder: _Builder, table: WrittenTable, row_type: type[Row], values: Values, stated: Values
) -> Iterator[tuple[WrittenRow, Row]]:
    columns = {column.name: column for column in columns_of(row_type)}
    present = [
        (index, columns[name], stated if is_decided(table.name, name) else values)
        for index, name in enumerate(table.columns)
        if name in columns
    ]
    if any(column.is_required and column.name not in table.columns for column in columns.values()):
        builder.broken.add(table.name)
        return
    for row in table.rows:
        before = len(builder.faults)
        cells: dict[str, Any] = {}
        has_all = True
        for index, column, in_force in present:
            has_all &= _convert(builder, table, row, column, row.cells[index], in_force, cells)
        if len(builder.faults) > before or not has_all:
            builder.broken.add(table.name)
            continue
        try:
            yield row, row_type.model_validate(cells)
        except ValidationError as error:
            for details in error.errors(include_url=False, include_context=False):
                name = str(details["loc"][0]) if details["loc"] else ""
                found = row.cells[table.columns.index(name)] if name in table.columns else ""
                evaluated = cells.get(name)
                if isinstance(evaluated, float | int) and not is_plain_number(found):
                    found = f"{found} = {evaluated:g}"
                builder.report(table, row, name, found, _expected(details), _message(details))


def _convert(
    builder: _Builder,
    table: WrittenTable,
    row: WrittenRow,
    column: Column,
    text: str,
    values: Values,
    cells: dict[str, Any],
) -> bool:
    """Convert one cell into `cells`; False when it depends on a parameter at fault elsewhere."""
    if not text:
        if column.is_required:
            builder.report(table, row, column.name, "", _type_in_words(column), "empty cell")
        return True
    match column.kind:
        case "text":
            cells[column.name] = text
        case "choice":
            if text in column.choices:
                cells[column.name] = text
            else:
                expected = expected_name(text, [choice for choice in column.choices if choice])
                builder.report(table, row, column.name, text, expected, "unknown value")
        case "boolean":
            if text.lower() in _TRUE | _FALSE:
                cells[column.name] = text.lower() in _TRUE
            else:
                builder.report(table, row, column.name, text, _type_in_words(column), "wrong type")
        case _:
            return _convert_number(builder, table, row, column, text, values, cells)
    return True


def _convert_number(
    builder: _Builder,
    table: WrittenTable,
    row: WrittenRow,
    column: Column,
    text: str,
    values: Values,
    cells: dict[str, Any],
) -> bool:
    try:
        expression = parse_expression(text)
    except ExpressionError as error:
        builder.report(table, row, column.name, text, _type_in_words(column), f"wrong type: {error}")
        return True
    if names_in(expression) & values.unknown:
        return False
    if table.name == "parameters" and column.name == "value":
        return _set_parameter_value(row, table, values, cells)
    try:
        number = evaluate(expression, values.known)
    except UnknownName as error:
        expected = f"a number, or a parameter: {expected_name(error.name, [*values.known, *values.unknown])}"
        builder.report(table, row, column.name, text, expected, f"unknown parameter '{error.name}'")
        return True
    except ExpressionError as error:
        builder.report(table, row, column.name, text, "an expression that has a value", str(error))
        return True
    if column.kind == "number":
        cells[column.name] = number
    elif number == round(number):
        cells[column.name] = round(number)
    elif is_plain_number(text):
        builder.report(table, row, column.name, text, _type_in_words(column), "wrong type")
    else:
        # Units that follow from a parameter (`412*staff_ratio`) are the nearest whole number, halves up.
        cells[column.name] = math.floor(number + 0.5)
    return True


def _set_parameter_value(row: WrittenRow, table: WrittenTable, values: Values, cells: dict[str, Any]) -> bool:
    name = row.cells[table.columns.index("name")]
    if name not in values.known:
        return False
    cells["value"] = values.known[name]
    return True


def _type_in_words(column: Column) -> str:
    match column.kind:
        case "number":
            words = "a number or an expression over parameters"
        case "whole":
            words = "a whole number"
        case "boolean":
            words = "yes or no (1, 0, true, false)"
        case "choice":
            words = f"one of {', '.join(choice for choice in column.choices if choice)}"
        case _:
            words = "a text"
    return f"{words} ({column.description})" if column.description else words


def _settings(builder: _Builder, values: Values) -> Settings:
    if not builder.written.settings:
        return Settings(format_version=1)
    before = len(builder.faults)
    document = _evaluated(builder, builder.written.settings, Settings, values, "")
    if len(builder.faults) == before:
        try:
            return Settings.model_validate(document)
        except ValidationError as error:
            for details in error.errors(include_url=False, include_context=False):
                _report_setting(builder, details)
    builder.broken.add(SETTINGS_FILE)
    return Settings(format_version=1)


def _evaluated(
    builder: _Builder, document: Mapping[str, Any], section: type[BaseModel], values: Values, place: str
) -> dict[str, Any]:
    """Replace texts by numbers where the section wants a number."""
    result: dict[str, Any] = {}
    for key, given in document.items():
        info = section.model_fields.get(key)
        wanted = info.annotation if info else None
        value = given
        if isinstance(given, Mapping) and isinstance(wanted, type) and issubclass(wanted, BaseModel):
            value = _evaluated(builder, given, wanted, values, f"{place}{key}.")
        elif isinstance(given, str) and wanted in (int, float):
            value = _evaluated_scalar(builder, given, values, f"{place}{key}")
            if wanted is int:
                value = math.floor(value + 0.5)
        result[key] = value
    return result


def _evaluated_scalar(builder: _Builder, text: str, values: Values, place: str) -> float:
    try:
        return evaluate(parse_expression(text), values.known)
    except UnknownName as error:
        if error.name not in values.unknown:
            builder.faults.append(
                Fault(SETTINGS_FILE, None, place, text, error.expected, f"unknown parameter '{error.name}'")
            )
    except ExpressionError as error:
        expected = "a number or an expression over parameters"
        builder.faults.append(Fault(SETTINGS_FILE, None, place, text, expected, f"wrong type: {error}"))
    builder.broken.add(SETTINGS_FILE)
    return 1.0


def _report_setting(builder: _Builder, details: ErrorDetails) -> None:
    path = [str(part) for part in details["loc"]]
    place = ".".join(path)
    if details["type"] == "extra_forbidden":
        expected = expected_name(path[-1], _keys_at(path[:-1]))
        builder.faults.append(Fault(SETTINGS_FILE, None, place, path[-1], expected, "unknown key"))
        return
    found = "" if details["type"] == "missing" else str(details["input"])
    message = "missing key" if details["type"] == "missing" else _message(details)
    builder.faults.append(Fault(SETTINGS_FILE, None, place, found, _expected(details), message))


def _keys_at(path: Sequence[str]) -> list[str]:
    section: type[BaseModel] = Settings
    for part in path:
        inner = section.model_fields[part].annotation
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            section = inner
    return list(section.model_fields)


def _message(details: ErrorDetails) -> str:
    return "out of range" if details["type"] in _RANGE_ERRORS else "wrong type"


def _expected(details: ErrorDetails) -> str:
    """Turn pydantic's sentence (`Input should be greater than 0`) into what was expected."""
    sentence = details["msg"].removeprefix("Input should be ").removeprefix("String should ")
    if details["type"] == "string_pattern_mismatch":
        return "a code without space, comma, semicolon, |, =, [ or ]"
    return sentence[:1].lower() + sentence[1:]


_RANGE_ERRORS = frozenset({"greater_than", "greater_than_equal", "less_than", "less_than_equal"})
