"""What is searched: instances with the budgets, seeds and true replications of a benchmark in earnest."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True)
class Case:
    """One instance at one budget."""

    instance: str
    budget: int
    """Replications of whole plans."""
    seeds: int
    true_replications: int
    """Fresh replications on which reported plans are judged."""
    shares: tuple[float, ...]
    """Parts of the budget at which methods are looked at, rising to 1."""
    handed_out: int | None = None
    """Plans that a method hands out at most, those that stand for its front; None: all of it."""


_TENTHS = tuple(number / 10 for number in range(1, 11))
_FEW = (1 / 3, 1.0)
"""On large instances every other look costs as much as a search."""
_HANDED_OUT = 20
"""Of a hundred and more that differ by less than noise; as many as the product looks at first (`LOOKED_AT`)."""

CASES: Mapping[str, Case] = MappingProxyType(
    {
        case.instance: case
        for case in (
            Case("tiny", 2_000, 10, 100, _TENTHS),
            Case("synthetic-10", 600, 3, 10, _FEW, _HANDED_OUT),
            Case("loire", 600, 3, 10, _FEW, _HANDED_OUT),
        )
    }
)
ABLATED: Mapping[str, Case] = MappingProxyType(
    {
        case.instance: case
        for case in (
            Case("tiny", 600, 10, 100, (0.5, 1.0)),
            Case("synthetic-3", 300, 5, 10, (0.5, 1.0)),
            Case("synthetic-10", 200, 3, 10, (1.0,), _HANDED_OUT),
            Case("loire", 200, 5, 10, (1.0,), _HANDED_OUT),
            Case("valleys-8", 300, 10, 20, (1.0,), _HANDED_OUT),
        )
    }
)
"""Where our ingredients are left out in turn; plans can share parts of the last three, and most of the last."""
