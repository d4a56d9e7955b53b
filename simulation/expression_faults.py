"""What is wrong with the expressions that an instance is judged and compared by, each with its place."""

from collections.abc import Iterator

from instances.faults import Fault, UnknownName
from instances.instance import Instance
from instances.source import InstanceSource
from simulation.indicator_expressions import InvalidExpression
from simulation.indicators import Catalogue

EXPECTED = "an expression of known indicators"


def expression_faults(source: InstanceSource, instance: Instance) -> tuple[Fault, ...]:
    """Return a fault for each expression of objectives and observations that cannot be computed."""
    return tuple(_faults(source, instance))


def _faults(source: InstanceSource, instance: Instance) -> Iterator[Fault]:
    catalogue = Catalogue.of(instance)
    asked = (
        ("objectives", "expression", [row.expression for row in instance.objectives]),
        ("observations", "indicator", [row.indicator for row in instance.observations]),
    )
    for name, column, texts in asked:
        written = source.written.tables.get(name)
        lines = [] if written is None else [(written.file, row.line) for row in written.rows]
        for (file, line), text in zip(lines, texts, strict=True):
            try:
                if text:
                    catalogue.expand(text)
            except (InvalidExpression, UnknownName) as error:
                yield Fault(file, line, column, text, EXPECTED, str(error))
