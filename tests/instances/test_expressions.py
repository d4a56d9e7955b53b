"""Cells: numbers, products and quotients of numbers and parameter names."""

import pytest

from instances.expressions import ExpressionError, evaluate, is_plain_number, names_in, parse_expression
from instances.faults import UnknownName

VALUES = {"ratio": 0.5, "two": 2.0, "nothing": 0.0}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("12", 12.0),
        ("0,65", 0.65),
        (".5", 0.5),
        ("1e-3", 0.001),
        ("0.65*ratio", 0.325),
        ("1-ratio", 0.5),
        ("-ratio", -0.5),
        ("--2", 2.0),
        ("8/two/two", 2.0),
        ("8-two-two", 4.0),
        ("2+3*two", 8.0),
        ("(2+3)*two", 10.0),
        (" 2 * ( ratio + 1 ) ", 3.0),
        ("-2*-ratio", 1.0),
    ],
)
def test_an_expression_has_its_value(text: str, value: float) -> None:
    assert evaluate(parse_expression(text), VALUES) == pytest.approx(value, rel=1e-15)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2*",
        "*2",
        "(2",
        "2)",
        "2 3",
        "ratio two",
        "2x",
        "a;b",
        "__import__('os')",
        "2**3",
        "1.2.3",
        "(" * 60 + "1" + ")" * 60,
    ],
)
def test_what_is_no_expression_is_refused(text: str) -> None:
    with pytest.raises(ExpressionError):
        parse_expression(text)


def test_a_text_too_long_is_refused_before_it_is_read() -> None:
    with pytest.raises(ExpressionError, match="500"):
        parse_expression("1+" * 10_000 + "1")


def test_a_division_by_zero_names_the_parameter() -> None:
    with pytest.raises(ExpressionError, match="division by zero: nothing is 0"):
        evaluate(parse_expression("2/nothing"), VALUES)


def test_a_result_that_is_not_finite_is_refused() -> None:
    with pytest.raises(ExpressionError, match="finite"):
        evaluate(parse_expression("1e300*1e300"), VALUES)


def test_an_unknown_name_suggests_the_nearest() -> None:
    with pytest.raises(UnknownName, match="unknown parameter 'rati'; expected 'ratio'"):
        evaluate(parse_expression("2*rati"), VALUES)


def test_names_and_plainness_are_seen() -> None:
    assert names_in(parse_expression("2*a/(b-a)")) == {"a", "b"}
    assert is_plain_number("-3,5")
    assert not is_plain_number("3*ratio")
    assert not is_plain_number("many")
