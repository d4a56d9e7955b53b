import math

import pytest

from simulation.indicator_expressions import Filter, InvalidExpression, Term, evaluate, parse, terms

NAMED = {"a": 6.0, "b": 3.0, "zero": 0.0}


def value(text):
    return evaluate(parse(text), lambda term: NAMED[term.name])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1+2*3", 7.0),
        ("(1+2)*3", 9.0),
        ("8-2-1", 5.0),
        ("8/2/2", 2.0),
        ("-a+b", -3.0),
        ("100*a/b", 200.0),
        ("2e2*.5", 100.0),
        ("min(a,b,zero/zero)", 3.0),
        ("max(a,b)", 6.0),
        ("abs(b-a)", 3.0),
        ("margin(a,b)", 0.5),
        ("defined(a/zero,b)", 3.0),
    ],
)
def test_values(text, expected):
    assert value(text) == expected


def test_dividing_by_zero_is_undefined():
    assert math.isnan(value("a/zero"))


def test_filters_are_read_as_written():
    (term,) = terms(parse("today.entries[step=home/ward|ward, zone=01004]"))
    assert term == Term("entries", (Filter("step", ("home/ward", "ward")), Filter("zone", ("01004",))), today=True)
    assert str(term) == "today.entries[step=home/ward|ward,zone=01004]"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "ends where"),
        ("1+", "ends where"),
        ("a b", "end of the expression"),
        ("(a", r"'\)'"),
        ("a[step]", "no filter"),
        ("a[step=]", "no filter"),
        ("a[step=x,step=y]", "given twice"),
        ("a$", "cannot read"),
        ("sqrt(a)", "unknown function"),
        ("abs(a,b)", "takes 1 argument"),
        ("tomorrow.a", "unknown prefix"),
    ],
)
def test_what_cannot_be_read_says_where(text, says):
    with pytest.raises(InvalidExpression, match=says):
        parse(text)
