"""Parameters, scenarios, observations, objectives and breaks."""

import re
from collections.abc import Iterator

from instances.checks.examined import Examined
from instances.expressions import ExpressionError, parse_expression
from instances.faults import Fault, expected_name
from instances.parameters import contradictions

# How a term of an indicator expression narrows what it counts: `entries[zone=north|south,step=ward]`.
INDICATOR_KEYS = (
    "zone",
    "urbanicity",
    "profile",
    "pathway",
    "step",
    "setting",
    "resource",
    "provider",
    "sector",
    "payer",
    "hazard",
    "mark",
    "break",
    "component",
    "kind",
    "year",
)
_FILTERS = re.compile(r"\[([^\[\]]*)\]")
_FUNCTION = re.compile(r"[A-Za-z_]\w*\s*(?=\()")


def parameter_at_odds(examined: Examined) -> Iterator[Fault]:
    """A parameter's value, range and distribution contradict one another."""
    for index, row in enumerate(examined.instance.parameters):
        for contradiction in contradictions(row):
            expected = "value, low, high and distribution that go together"
            yield examined.fault("parameters", index, "value", expected, contradiction)


def scenario_row_at_odds(examined: Examined) -> Iterator[Fault]:
    """A scenario names a parameter without a value, or a value without a parameter."""
    for index, row in enumerate(examined.instance.scenarios):
        if row.parameter and row.value is None:
            yield examined.fault("scenarios", index, "value", f"a value of '{row.parameter}'", "empty cell")
        elif row.value is not None and not row.parameter:
            yield examined.fault("scenarios", index, "parameter", "a parameter", "a value of no parameter")


def observation_out_of_range(examined: Examined) -> Iterator[Fault]:
    """Not low <= value <= high."""
    for index, row in enumerate(examined.instance.observations):
        if not row.low <= row.value <= row.high:
            expected = f"between low ({row.low:g}) and high ({row.high:g})"
            yield examined.fault("observations", index, "value", expected, "out of range")


def objective_scale_empty(examined: Examined) -> Iterator[Fault]:
    """An objective's scale has no extent."""
    for index, row in enumerate(examined.instance.objectives):
        if not row.low < row.high:
            yield examined.fault("objectives", index, "high", f"more than low ({row.low:g})", "out of range")


def target_without_probability(examined: Examined) -> Iterator[Fault]:
    """An objective is to be kept, but no target is given."""
    for index, row in enumerate(examined.instance.objectives):
        if row.probability is not None and row.target is None:
            yield examined.fault("objectives", index, "target", "the target to keep", "a probability without target")
        elif row.target is None and not row.is_optimised:
            yield examined.fault("objectives", index, "target", "the target to keep", f"{row.direction} nothing")


def nothing_optimised(examined: Examined) -> Iterator[Fault]:
    """All objectives are only kept: plans that keep them cannot be compared."""
    rows = examined.instance.objectives
    if rows and not any(row.is_optimised for row in rows):
        expected = "maximise or minimise in one row at least"
        yield examined.fault("objectives", 0, "direction", expected, "nothing is optimised")


def break_at_odds(examined: Examined) -> Iterator[Fault]:
    """A break lacks what its kind is counted by."""
    for index, row in enumerate(examined.instance.breaks):
        if row.kind in ("readmission", "gap_without_service") and not row.window:
            yield examined.fault("breaks", index, "window", "a time greater than 0", f"a {row.kind} without window")
        if row.kind in ("discharge_without_service", "gap_without_service") and not row.service:
            yield examined.fault("breaks", index, "service", "a resource", f"a {row.kind} without service")


def unreadable_indicator(examined: Examined) -> Iterator[Fault]:
    """An observation's or objective's expression is malformed, or narrows by a key that does not exist."""
    texts = [
        *(
            ("observations", index, "indicator", row.indicator)
            for index, row in enumerate(examined.instance.observations)
        ),
        *(
            ("objectives", index, "expression", row.expression)
            for index, row in enumerate(examined.instance.objectives)
        ),
    ]
    for table, index, column, text in texts:
        wrong = _wrong_with(text) if text else None
        if wrong is not None:
            expected, message = wrong
            yield examined.fault(table, index, column, expected, message)


def _wrong_with(text: str) -> tuple[str, str] | None:
    """Return (expected, message), or None; names of indicators are the simulation's, not known here."""
    for filters in _FILTERS.findall(text):
        for part in filters.split(","):
            key, equals, values = (piece.strip() for piece in part.partition("="))
            if not equals or not all(value.strip() for value in values.split("|")):
                return "key=value, as in entries[step=ward]", f"'{part.strip()}' narrows nothing"
            if key not in INDICATOR_KEYS:
                return expected_name(key, INDICATOR_KEYS), f"unknown key '{key}'"
    # Without its filters and functions, what is left reads like any cell: names, numbers, operators.
    skeleton = _FUNCTION.sub("", _FILTERS.sub("", text)).replace(",", "+")
    try:
        parse_expression(re.sub(r"(?<=\w)\.(?=[A-Za-z_])", "_", skeleton))
    except ExpressionError as error:
        return "an expression over named indicators", f"cannot be read: {error}"
    return None
