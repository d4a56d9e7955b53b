"""The parameter values in force: central values, one scenario's, then what the caller sets."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from instances.expressions import Expression, ExpressionError, evaluate, names_in
from instances.faults import UnknownName

# The scenario that changes nothing, there under this name even when no table lists it.
TODAY = "today"

# How an expression that has no value is reported: parameter name, what is wrong, what was expected.
Report = Callable[[str, str, str], None]


@dataclass(frozen=True)
class Values:
    """Parameter values in force; `unknown` are parameters whose own cell is at fault (reported already)."""

    known: Mapping[str, float]
    unknown: frozenset[str]


def values_in_force(
    cells: Mapping[str, Expression], overrides: Mapping[str, float], unreadable: Iterable[str], report: Report
) -> Values:
    """Evaluate parameters that may depend on one another; an override takes the place of a parameter's cell.

    Circles, unknown names and divisions by zero are reported once, at the parameter they stand in.
    """
    known: dict[str, float] = dict(overrides)
    unknown: set[str] = set(unreadable) - known.keys()
    everything = cells.keys() | known.keys() | unknown

    def settle(name: str, line: tuple[str, ...]) -> None:
        if name in known or name in unknown:
            return
        if name in line:
            circle = line[line.index(name) :]
            report(name, f"cyclic parameters: {' -> '.join([*circle, name])}", "no circle")
            unknown.update(circle)
            return
        needed = names_in(cells[name])
        for other in sorted(needed & cells.keys()):
            settle(other, (*line, name))
        if name in unknown or needed & unknown:
            unknown.add(name)
            return
        try:
            known[name] = evaluate(cells[name], known)
        except UnknownName as error:
            report(name, f"unknown parameter '{error.name}'", UnknownName("", error.name, everything).expected)
            unknown.add(name)
        except ExpressionError as error:
            report(name, str(error), "an expression that has a value")
            unknown.add(name)

    for name in cells:
        settle(name, ())
    in_table_order = {name: known[name] for name in cells if name in known}
    return Values({**in_table_order, **{name: known[name] for name in overrides}}, frozenset(unknown))
