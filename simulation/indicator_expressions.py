"""The grammar of expressions over named indicators, as observations and objectives hold them.

    expression = term { ("+" | "-") term }
    term       = factor { ("*" | "/") factor }
    factor     = number | name [ filters ] | function "(" expression { "," expression } ")"
               | "(" expression ")" | "-" factor
    filters    = "[" key "=" value { "|" value } { "," key "=" value { "|" value } } "]"

`100*entries[step=ward_surgery]/entries[setting=ward]`; `today.net_benefit` reads the same indicator under
today's configuration. A decimal point, no decimal comma: a comma separates arguments. Dividing by zero gives nan.
"""

import math
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from instances.faults import ConfiguratorError
from simulation.economics import margin_rate
from simulation.inequality import dependence, extreme_ratio, gap, gini


class InvalidExpression(ConfiguratorError):  # noqa: N818 (named for what it says)
    """An expression that cannot be read, with the place where it goes wrong."""


@dataclass(frozen=True)
class Filter:
    """One key of an indicator with the values it may have."""

    key: str
    values: tuple[str, ...]


@dataclass(frozen=True)
class Term:
    """A named indicator, perhaps filtered; `today` when read under today's configuration."""

    name: str
    filters: tuple[Filter, ...] = ()
    today: bool = False

    def __str__(self) -> str:
        """Return the term as an expression holds it."""
        inside = ",".join(f"{each.key}={'|'.join(each.values)}" for each in self.filters)
        return f"{'today.' if self.today else ''}{self.name}{f'[{inside}]' if inside else ''}"


@dataclass(frozen=True)
class Number:
    """A constant."""

    value: float


@dataclass(frozen=True)
class Call:
    """An operator or function and its arguments."""

    function: str
    arguments: tuple["Expression", ...]


Expression = Number | Term | Call


def _least(*values: float) -> float:
    known = [value for value in values if not math.isnan(value)]
    return min(known) if known else math.nan


def _greatest(*values: float) -> float:
    known = [value for value in values if not math.isnan(value)]
    return max(known) if known else math.nan


def _quotient(first: float, second: float) -> float:
    return first / second if second != 0.0 else math.nan


def _rows(cells: tuple[float, ...], columns: int) -> list[tuple[float, ...]]:
    return [cells[start : start + columns] for start in range(0, len(cells), columns)]


OPERATORS: dict[str, Callable[..., float]] = {
    "+": lambda first, second: first + second,
    "-": lambda first, second: first - second,
    "*": lambda first, second: first * second,
    "/": _quotient,
    "negative": lambda value: -value,
}
FUNCTIONS: dict[str, Callable[..., float]] = {
    "min": _least,
    "max": _greatest,
    "abs": abs,
    "margin": margin_rate,
    "defined": lambda value, otherwise: otherwise if math.isnan(value) else value,
    "below": lambda value, limit: math.nan if math.isnan(value) else float(value < limit),
    "gini": lambda *pairs: gini(pairs[::2], pairs[1::2]),
    "extreme_ratio": lambda *pairs: extreme_ratio(pairs[::2], pairs[1::2]),
    "gap": lambda *pairs: gap(pairs[::2], pairs[1::2]),
    "dependence": lambda columns, *cells: dependence(_rows(cells, int(columns))),
}
"""min and max leave undefined values out; margin(revenue, cost) is `economics.margin_rate`; below(value, limit) is 1
where it is, so that its mean over replications is a probability. gini, extreme_ratio and gap (`inequality`) are
written with a key, `gini(access,zone)`, and stand for the value and the persons of each of its groups; `dependence`
with two, `dependence(joined,profile,pathway)`, for the number of columns and the cells of the table they make."""

ARGUMENTS = {"abs": 1, "margin": 2, "defined": 2, "below": 2, "gini": 2, "extreme_ratio": 2, "gap": 2, "dependence": 3}
SPREADS = ("gini", "extreme_ratio", "gap", "dependence")

_TOKEN = re.compile(
    r"\s*(?:(?P<number>\d+(?:\.\d*)?(?:[eE][+-]?\d+)?|\.\d+)|(?P<name>[A-Za-z_][\w.]*)|(?P<filters>\[[^\]]*\])|(?P<sign>[-+*/(),]))"
)


def parse(text: str) -> Expression:
    """Read an expression; `InvalidExpression` says where it goes wrong."""
    reader = _Reader(text)
    expression = reader.expression()
    reader.expect_end()
    return expression


def terms(expression: Expression) -> Iterator[Term]:
    """Yield the named indicators of an expression, in order, repeats included."""
    if isinstance(expression, Term):
        yield expression
    elif isinstance(expression, Call):
        for argument in expression.arguments:
            yield from terms(argument)


def replace_terms(expression: Expression, replacement: Callable[[Term], Expression]) -> Expression:
    """Return the expression with every term replaced."""
    if isinstance(expression, Term):
        return replacement(expression)
    if isinstance(expression, Call):
        return Call(expression.function, tuple(replace_terms(each, replacement) for each in expression.arguments))
    return expression


def evaluate(expression: Expression, value_of: Callable[[Term], float]) -> float:
    """Return the value of an expression, given that of each term."""
    if isinstance(expression, Number):
        return expression.value
    if isinstance(expression, Term):
        return value_of(expression)
    function = OPERATORS.get(expression.function) or FUNCTIONS[expression.function]
    return function(*(evaluate(argument, value_of) for argument in expression.arguments))


class _Reader:
    """Reads tokens left to right, one function a rule of the grammar."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = _tokens(text)
        self._position = 0

    def expression(self) -> Expression:
        left = self._term()
        while self._next() in ("+", "-"):
            sign = self._take()
            left = Call(sign, (left, self._term()))
        return left

    def expect_end(self) -> None:
        if self._position < len(self._tokens):
            raise self._fault("end of the expression")

    def _term(self) -> Expression:
        left = self._factor()
        while self._next() in ("*", "/"):
            sign = self._take()
            left = Call(sign, (left, self._factor()))
        return left

    def _factor(self) -> Expression:
        kind = self._kind()
        if kind == "number":
            return Number(float(self._take()))
        if kind == "name":
            return self._named()
        if self._next() == "-":
            self._take()
            return Call("negative", (self._factor(),))
        if self._next() == "(":
            self._take()
            inside = self.expression()
            self._expect(")")
            return inside
        raise self._fault("a number, an indicator or '('")

    def _named(self) -> Expression:
        name = self._take()
        if self._next() == "(":
            return self._call(name)
        today = name.startswith("today.")
        if today:
            name = name.removeprefix("today.")
        if "." in name:
            raise InvalidExpression(f"{self._text!r}: unknown prefix in {name!r}; only 'today.' is known")
        filters: tuple[Filter, ...] = ()
        if self._kind() == "filters":
            filters = _filters(self._take(), self._text)
        return Term(name, filters, today)

    def _call(self, name: str) -> Expression:
        if name not in FUNCTIONS:
            raise InvalidExpression(f"{self._text!r}: unknown function {name!r}; known: {', '.join(FUNCTIONS)}")
        self._expect("(")
        arguments = [self.expression()]
        while self._next() == ",":
            self._take()
            arguments.append(self.expression())
        self._expect(")")
        if len(arguments) != ARGUMENTS.get(name, len(arguments)):
            raise InvalidExpression(
                f"{self._text!r}: {name} takes {ARGUMENTS[name]} argument(s), found {len(arguments)}"
            )
        return Call(name, tuple(arguments))

    def _kind(self) -> str:
        return self._tokens[self._position][0] if self._position < len(self._tokens) else ""

    def _next(self) -> str:
        return self._tokens[self._position][1] if self._position < len(self._tokens) else ""

    def _take(self) -> str:
        text = self._next()
        self._position += 1
        return text

    def _expect(self, sign: str) -> None:
        if self._next() != sign:
            raise self._fault(f"{sign!r}")
        self._take()

    def _fault(self, expected: str) -> InvalidExpression:
        if self._position < len(self._tokens):
            _, found, column = self._tokens[self._position]
            return InvalidExpression(f"{self._text!r}: found {found!r} at character {column + 1}, expected {expected}")
        return InvalidExpression(f"{self._text!r}: ends where {expected} was expected")


def _tokens(text: str) -> list[tuple[str, str, int]]:
    found = []
    position = 0
    while text[position:].strip():
        match = _TOKEN.match(text, position)
        if match is None or match.lastgroup is None:
            raise InvalidExpression(f"{text!r}: cannot read {text[position:].strip()[:12]!r}")
        found.append((match.lastgroup, match.group(match.lastgroup), match.start(match.lastgroup)))
        position = match.end()
    return found


def _filters(text: str, whole: str) -> tuple[Filter, ...]:
    filters = []
    for part in text[1:-1].split(","):
        key, sign, values = part.partition("=")
        each = tuple(value.strip() for value in values.split("|"))
        if not sign or not key.strip() or not all(each):
            raise InvalidExpression(f"{whole!r}: {part!r} is no filter, expected key=value or key=value|value")
        filters.append(Filter(key.strip(), each))
    repeated = {each.key for each in filters if sum(other.key == each.key for other in filters) > 1}
    if repeated:
        raise InvalidExpression(f"{whole!r}: key {sorted(repeated)[0]!r} given twice in {text}")
    return tuple(filters)
