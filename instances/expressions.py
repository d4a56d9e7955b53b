"""Reads and evaluates a numeric cell: `0.65*box_fall_ratio`, `1-share_of_refusers`, `(a+b)/2`.

Numbers (decimal point or comma), parameter names, `* / + -`, unary minus and parentheses.
"""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from instances.faults import ConfiguratorError, UnknownName

# A cell is one figure: longer or deeper texts are mistakes, and would exhaust the parser's stack.
LONGEST_TEXT = 500
DEEPEST_NESTING = 40

Operator = Literal["+", "-", "*", "/"]

_TOKEN = re.compile(
    r"\s*(?:(?P<number>(?:\d+(?:[.,]\d*)?|[.,]\d+)(?:[eE][+-]?\d+)?)(?!\w)|(?P<name>[^\W\d]\w*)|(?P<sign>[-+*/()]))"
)


class ExpressionError(ConfiguratorError):
    """A cell that is no number and no expression, or one that has no value."""


@dataclass(frozen=True)
class Number:
    """A literal number."""

    value: float


@dataclass(frozen=True)
class Name:
    """A parameter's name."""

    name: str


@dataclass(frozen=True)
class Operation:
    """Two expressions and what joins them; a unary minus is written `0 - x`."""

    operator: Operator
    left: "Expression"
    right: "Expression"


Expression = Number | Name | Operation


@lru_cache(maxsize=65536)
def parse_expression(text: str) -> Expression:
    """Read a cell's text.

    >>> evaluate(parse_expression("0,65*(1-x)"), {"x": 0.5})
    0.325
    """
    if len(text) > LONGEST_TEXT:
        raise ExpressionError(f"an expression of more than {LONGEST_TEXT} characters")
    return _Parser(text).whole()


def names_in(expression: Expression) -> frozenset[str]:
    """Return the parameters an expression depends on."""
    match expression:
        case Number():
            return frozenset()
        case Name(name):
            return frozenset({name})
        case Operation(_, left, right):
            return names_in(left) | names_in(right)


def is_plain_number(text: str) -> bool:
    """Say whether a cell is written as a number, no parameter and no operation but a sign."""
    try:
        expression = parse_expression(text)
    except ExpressionError:
        return False
    match expression:
        case Number() | Operation("-", Number(0.0), Number()):
            return True
        case _:
            return False


def evaluate(expression: Expression, values: Mapping[str, float]) -> float:
    """Give the expression its value; refuse unknown names, divisions by zero and infinite results."""
    result = _value(expression, values)
    if not math.isfinite(result):
        raise ExpressionError("the result is not a finite number")
    return result


def _value(expression: Expression, values: Mapping[str, float]) -> float:
    match expression:
        case Number(value):
            return value
        case Name(name):
            if name not in values:
                raise UnknownName("parameter", name, values)
            return values[name]
        case Operation("+", left, right):
            return _value(left, values) + _value(right, values)
        case Operation("-", left, right):
            return _value(left, values) - _value(right, values)
        case Operation("*", left, right):
            return _value(left, values) * _value(right, values)
        case Operation(_, left, right):
            divisor = _value(right, values)
            if divisor == 0.0:
                raise ExpressionError(f"division by zero{_blame(right, values)}")
            return _value(left, values) / divisor


def _blame(divisor: Expression, values: Mapping[str, float]) -> str:
    if isinstance(divisor, Name):
        return f": {divisor.name} is 0"
    given = ", ".join(f"{name}={values[name]:g}" for name in sorted(names_in(divisor)))
    return f": the divisor is 0 at {given}" if given else ""


class _Parser:
    """Recursive descent over the tokens of one cell."""

    def __init__(self, text: str) -> None:
        self._tokens = _tokens(text)
        self._position = 0
        self._depth = 0

    def whole(self) -> Expression:
        expression = self._sum()
        if self._next is not None:
            raise ExpressionError(f"'{self._next}' is not expected here")
        return expression

    @property
    def _next(self) -> str | None:
        return self._tokens[self._position] if self._position < len(self._tokens) else None

    def _take(self) -> str:
        token = self._next
        if token is None:
            raise ExpressionError("the expression ends too early")
        self._position += 1
        return token

    def _sum(self) -> Expression:
        left = self._product()
        while self._next in ("+", "-"):
            operator: Operator = "+" if self._take() == "+" else "-"
            left = Operation(operator, left, self._product())
        return left

    def _product(self) -> Expression:
        left = self._signed()
        while self._next in ("*", "/"):
            operator: Operator = "*" if self._take() == "*" else "/"
            left = Operation(operator, left, self._signed())
        return left

    def _signed(self) -> Expression:
        negative = False
        while self._next in ("-", "+"):
            negative ^= self._take() == "-"
        inner = self._atom()
        return Operation("-", Number(0.0), inner) if negative else inner

    def _atom(self) -> Expression:
        token = self._take()
        if token == "(":
            return self._parenthesis()
        if token[0].isdecimal() or token[0] in ".,":
            return Number(float(token.replace(",", ".")))
        if token[0].isalpha() or token[0] == "_":
            return Name(token)
        raise ExpressionError(f"'{token}' is not expected here")

    def _parenthesis(self) -> Expression:
        self._depth += 1
        if self._depth > DEEPEST_NESTING:
            raise ExpressionError(f"more than {DEEPEST_NESTING} nested parentheses")
        inner = self._sum()
        if self._next != ")":
            raise ExpressionError("a parenthesis is not closed")
        self._take()
        self._depth -= 1
        return inner


def _tokens(text: str) -> list[str]:
    tokens: list[str] = []
    position = 0
    stripped = text.rstrip()
    while position < len(stripped):
        match = _TOKEN.match(stripped, position)
        if match is None:
            raise ExpressionError(
                f"'{stripped[position:].strip()[:20]}' is neither number, parameter name nor operator"
            )
        tokens.append(match[match.lastgroup or 0])
        position = match.end()
    return tokens
