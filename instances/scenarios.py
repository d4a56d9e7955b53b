"""The parameter values in force: central values, one scenario's, then what the caller sets."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter

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
    needed = {name: sorted(names_in(cell) & cells.keys()) for name, cell in cells.items() if name not in known}
    for circle in _take_out_circles(needed):
        report(circle[0], f"cyclic parameters: {' -> '.join([*circle, circle[0]])}", "no circle")
        unknown.update(circle)
    for name in TopologicalSorter(needed).static_order():
        if name in known or name in unknown:
            continue
        if names_in(cells[name]) & unknown:
            unknown.add(name)
            continue
        try:
            known[name] = evaluate(cells[name], known)
        except UnknownName as error:
            expected = UnknownName("parameter", error.name, everything).expected
            report(name, f"unknown parameter '{error.name}'", expected)
            unknown.add(name)
        except ExpressionError as error:
            report(name, str(error), "an expression that has a value")
            unknown.add(name)
    in_table_order = {name: known[name] for name in cells if name in known}
    return Values({**in_table_order, **{name: known[name] for name in overrides}}, frozenset(unknown))


def _take_out_circles(needed: dict[str, list[str]]) -> Iterator[list[str]]:
    """Yield each circle of names that need one another, taking its members' needs out of `needed`."""
    while True:
        try:
            TopologicalSorter(needed).prepare()
        except CycleError as error:
            circle: list[str] = error.args[1][:-1]
            # graphlib tells a circle from the needed to the needing, and from anywhere in it.
            start = circle.index(min(circle))
            yield [circle[start], *reversed(circle[start + 1 :] + circle[:start])]
            needed.update({name: [] for name in circle})
        else:
            return
