"""How unevenly something is spread over groups of people, and how far one thing depends on another; formulae only.

Sources: Brown, Using Gini-style indices to evaluate the spatial patterns of health practitioners, Social Science and
Medicine 38 (1994), eq. 1 (weighted Gini); WHO, Handbook on health inequality monitoring (2013), ch. 4 (difference and
ratio of extremes); Theil, On the estimation of relationships involving qualitative variables, American Journal of
Sociology 76 (1970) (uncertainty coefficient).
"""

import math
from collections.abc import Sequence

GREATEST_RATIO = 1000.0
"""An extreme ratio whose least value is (next to) nothing counts as this, no more."""


def gini(values: Sequence[float], weights: Sequence[float]) -> float:
    """Return the Gini index of values over groups of these sizes: 0 all alike, towards 1 all in one place.

    G = sum_i sum_j w_i w_j |x_i - x_j| / (2 mean (sum w)^2); undefined values are left out, nan when none has weight
    or the mean is 0.

    >>> round(gini([1, 2, 3, 4, 5], [1, 1, 1, 1, 1]), 6)
    0.266667
    >>> gini([0, 1], [3, 1])
    0.75
    """
    known = _known(values, weights)
    size = math.fsum(weight for _, weight in known)
    mean = math.fsum(value * weight for value, weight in known) / size if size > 0.0 else 0.0
    if mean == 0.0:
        return math.nan
    apart = math.fsum(w * v * abs(x - y) for x, w in known for y, v in known)
    return apart / (2.0 * mean * size * size)


def extreme_ratio(values: Sequence[float], weights: Sequence[float]) -> float:
    """Return the greatest value over the least of the groups that have people; `GREATEST_RATIO` at most.

    >>> extreme_ratio([2.0, 8.0, 99.0], [1, 1, 0])
    4.0
    """
    known = [value for value, _ in _known(values, weights)]
    if not known or min(known) < 0.0 or max(known) == 0.0:
        return math.nan
    return min(GREATEST_RATIO, max(known) / min(known)) if min(known) > 0.0 else GREATEST_RATIO


def gap(values: Sequence[float], weights: Sequence[float]) -> float:
    """Return the greatest value less the least of the groups that have people.

    >>> gap([70.0, 95.0], [1, 1])
    25.0
    """
    known = [value for value, _ in _known(values, weights)]
    return max(known) - min(known) if known else math.nan


def dependence(counts: Sequence[Sequence[float]]) -> float:
    """Return how far the column depends on the row: Theil's uncertainty coefficient, 0 not at all, 1 wholly.

    U = (H(column) - H(column given row)) / H(column), from counts by row and column; 0 when all fall in one column.

    >>> dependence([[10, 0], [0, 30]]), dependence([[10, 30], [1, 3]])
    (1.0, 0.0)
    """
    columns = [math.fsum(column) for column in zip(*counts, strict=True)]
    size = math.fsum(columns)
    if size == 0.0:
        return math.nan
    whole = _entropy(columns)
    within = math.fsum(math.fsum(row) / size * _entropy(row) for row in counts)
    return max(0.0, 1.0 - within / whole) if whole > 0.0 else 0.0


def _entropy(counts: Sequence[float]) -> float:
    size = math.fsum(counts)
    return -math.fsum(count / size * math.log(count / size) for count in counts if count > 0.0)


def _known(values: Sequence[float], weights: Sequence[float]) -> list[tuple[float, float]]:
    return [pair for pair in zip(values, weights, strict=True) if pair[1] > 0.0 and not math.isnan(pair[0])]
