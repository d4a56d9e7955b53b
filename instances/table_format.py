"""The columns of each table as data: what the reader converts to, checks and documents by."""

from dataclasses import dataclass
from functools import cache
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic.fields import FieldInfo

from instances.tables import Row

ColumnKind = Literal["text", "number", "whole", "boolean", "choice"]


@dataclass(frozen=True)
class Column:
    """One column of a table, as its row type declares it."""

    name: str
    field: str
    kind: ColumnKind
    choices: tuple[str, ...]
    is_required: bool
    default: object
    unit: str
    description: str


@cache
def columns_of(row_type: type[Row]) -> tuple[Column, ...]:
    """Return a table's columns, in the order of its row type."""
    return tuple(_column(field, info) for field, info in row_type.model_fields.items())


@cache
def column_names(row_type: type[Row]) -> tuple[str, ...]:
    """Return the names of a table's columns."""
    return tuple(column.name for column in columns_of(row_type))


def _column(field: str, info: FieldInfo) -> Column:
    bare = _bare_type(info.annotation)
    choices = tuple(str(choice) for choice in get_args(bare)) if get_origin(bare) is Literal else ()
    extra = info.json_schema_extra
    unit = extra.get("unit", "") if isinstance(extra, dict) else ""
    return Column(
        name=info.alias or field,
        field=field,
        kind="choice" if choices else _KINDS[bare],
        choices=choices,
        is_required=info.is_required(),
        default=None if info.is_required() else info.default,
        unit=str(unit),
        description=info.description or "",
    )


_KINDS: dict[Any, ColumnKind] = {str: "text", float: "number", int: "whole", bool: "boolean"}


def _bare_type(annotation: Any) -> Any:  # noqa: ANN401 (a type form: no narrower type exists before Python 3.14)
    """Strip `Annotated` and `| None`."""
    if get_origin(annotation) is Annotated:
        return _bare_type(get_args(annotation)[0])
    if get_origin(annotation) in (Union, UnionType):
        inner = [part for part in get_args(annotation) if part is not NoneType]
        return _bare_type(inner[0])
    return annotation
