"""How each provider stands under a plan, from the books that judging keeps."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from configurator.results import FirmStanding, Interval
from simulation.economics import margin_rate
from simulation.estimates import Estimate, estimate
from simulation.objectives import OPERATING, REVENUE, SPENT


def firm_standings(firms: Sequence[str], books: npt.NDArray[np.float64]) -> tuple[FirmStanding, ...]:
    """Return the standing of each firm from its books [replication, firm, 3] (`Objectives.books`)."""
    if not len(books):
        return ()
    return tuple(_standing(firm, books[:, number]) for number, firm in enumerate(firms))


def _standing(firm: str, books: npt.NDArray[np.float64]) -> FirmStanding:
    rates = estimate([margin_rate(row[REVENUE], row[OPERATING]) for row in books.tolist()])
    results = books[:, REVENUE] - books[:, SPENT]
    known = _interval(rates) if rates.replications else None
    return FirmStanding(firm, known, _interval(estimate(results)), float((results < 0.0).mean()))


def _interval(found: Estimate) -> Interval:
    return Interval(found.mean, found.low, found.high)
