"""A rule at one place, as a linear inequality over named terms.

Terms are pairs (family, number): `share` an offer cell's share, `units` a capacity row's units, `served` and `load` a
pool's units in use and asked for, `added` units beyond today's, `open` one when a capacity row has units, and for
single rules `most`, `least` and `present` with a text. The model decides what variables stand behind them.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Family = Literal["share", "units", "served", "load", "added", "open", "most", "least", "present"]
Term = tuple[Family, int | str]


@dataclass(frozen=True)
class Inequality:
    """sum of coefficient * term <= bound, kept by one rule at one place."""

    rule: str
    place: str
    terms: Mapping[Term, float]
    bound: float
    unit: str
    budget: bool = False
    """Whether repaired proposals aim at using a target part of the bound."""
    is_definition: bool = False
    """Whether it only ties a term of the rule's own (most, least, present) to the plan; such a row never gives way."""


def weighted(family: Family, coefficients: NDArray[np.float64], over: Iterable[int] | None = None) -> dict[Term, float]:
    """Return the terms of one family whose coefficient is not zero."""
    numbers = range(len(coefficients)) if over is None else over
    return {(family, number): float(coefficients[number]) for number in numbers if coefficients[number] != 0.0}


def even(family: Family, numbers: Iterable[int], coefficient: float = 1.0) -> dict[Term, float]:
    """Return terms of one family that all have the same coefficient."""
    return {(family, number): coefficient for number in numbers}


def combined(*parts: Mapping[Term, float]) -> dict[Term, float]:
    """Return the sum of linear expressions."""
    total: dict[Term, float] = {}
    for part in parts:
        for term, coefficient in part.items():
            total[term] = total.get(term, 0.0) + coefficient
    return total


def scaled(terms: Mapping[Term, float], factor: float) -> dict[Term, float]:
    """Return a linear expression times a number."""
    return {term: coefficient * factor for term, coefficient in terms.items()}


def loosened(row: Inequality, part: float) -> Inequality:
    """Return a rule held to its bound but for a small part of it; what a rule ties together stays as it is."""
    return row if row.is_definition else replace(row, bound=row.bound + part * max(1.0, abs(row.bound)))


def directed(
    rule: str, place: str, terms: Mapping[Term, float], bound: float, unit: str, *, at_least: bool, budget: bool = False
) -> Inequality:
    """Return terms <= bound, or terms >= bound turned round."""
    sign = -1.0 if at_least else 1.0
    return Inequality(rule, place, scaled(terms, sign), sign * bound, unit, budget and not at_least)
