"""Means, quantiles, intervals and paired differences over replications."""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import bdtr, nctdtrit, ndtri, stdtrit


@dataclass(frozen=True)
class Estimate:
    """A mean over replications with its Student interval.

    With one replication nothing is known of the spread: standard error 0, low = high = mean, and
    `replications` says so; with none (all values undefined) everything is nan.
    """

    mean: float
    standard_error: float
    low: float
    high: float
    replications: int


def estimate(values: npt.ArrayLike, confidence: float = 0.95) -> Estimate:
    """Return mean and t interval of one value per replication; undefined (nan) values are left out."""
    given = np.asarray(values, dtype=np.float64).ravel()
    known = given[~np.isnan(given)]
    count = known.size
    if count == 0:
        return Estimate(np.nan, np.nan, np.nan, np.nan, 0)
    mean = float(known.mean())
    if count == 1:
        return Estimate(mean, 0.0, mean, mean, 1)
    error = float(known.std(ddof=1)) / count**0.5
    half = float(stdtrit(count - 1, 0.5 + confidence / 2)) * error
    return Estimate(mean, error, mean - half, mean + half, count)


def paired_difference(values: npt.ArrayLike, others: npt.ArrayLike, confidence: float = 0.95) -> Estimate:
    """Return the estimate of values - others, replication by replication (same people, same luck)."""
    first, second = np.asarray(values, dtype=np.float64), np.asarray(others, dtype=np.float64)
    if first.shape != second.shape:
        raise ValueError(f"paired values need equal replications, not {first.shape} and {second.shape}")
    return estimate(first - second, confidence)


def proportion(successes: int, count: int, confidence: float = 0.95) -> Estimate:
    """Return the estimate of a probability from how often it happened; Wilson's score interval (1927).

    It stays between 0 and 1, and is not empty when it happened always or never.
    """
    if count == 0:
        return Estimate(np.nan, np.nan, np.nan, np.nan, 0)
    share = successes / count
    if count == 1:
        return Estimate(share, 0.0, share, share, 1)
    z = float(ndtri(0.5 + confidence / 2))
    centre = (share + z * z / (2 * count)) / (1 + z * z / count)
    half = z / (1 + z * z / count) * (share * (1 - share) / count + z * z / (4 * count * count)) ** 0.5
    error = (share * (1 - share) / count) ** 0.5
    return Estimate(share, error, max(0.0, centre - half), min(1.0, centre + half), count)


def quantile(values: npt.ArrayLike, probability: float) -> float:
    """Return the value that a share `probability` of replications stays under.

    Median-unbiased whatever the distribution (Hyndman and Fan 1996, "Sample quantiles in statistical packages", The
    American Statistician 50(4): 361-365, definition 8). The common definition 7 lies nearer to the middle: of 30
    values its quantile at -1 deviation is a tenth of a deviation too high, which flatters a cautious value.
    """
    return float(np.quantile(np.asarray(values, dtype=np.float64), probability, method="median_unbiased"))


def quantile_interval(values: npt.ArrayLike, probability: float, confidence: float = 0.95) -> tuple[float, float]:
    """Return an interval of the quantile that a share `probability` of replications stays under.

    From order statistics, interpolated (Nyblom 1992, "Note on interpolated order statistics", Statistics & Probability
    Letters 14(2): 129-131): whatever the distribution, it covers within a percent of the confidence. Where no order
    statistic lies far enough out (`fewest_for_quantile`: 22 for a quantile at -1 deviation) a normal distribution is
    assumed, under which sqrt(n) (mean - quantile) / deviation is noncentral t; it is too narrow for skewed values.
    With fewer than two replications nothing is known: the ends are nan.
    """
    ordered = np.sort(np.asarray(values, dtype=np.float64).ravel())
    if ordered.size < 2:
        return np.nan, np.nan
    tail = (1.0 - confidence) / 2.0
    low = _lower_limit(ordered, probability, tail)
    high = _lower_limit(-ordered[::-1], 1.0 - probability, tail)
    if low is None or high is None:
        return _normal_quantile_interval(ordered, probability, tail)
    return low, -high


def fewest_for_quantile(probability: float, confidence: float = 0.95) -> int:
    """Return from how many replications on `quantile_interval` assumes no distribution.

    All n lie on the same side of the quantile with probability p^n and (1 - p)^n; both are then in the tails.
    """
    return math.ceil(math.log((1.0 - confidence) / 2.0) / math.log(max(probability, 1.0 - probability)))


def _lower_limit(ordered: npt.NDArray[np.float64], probability: float, tail: float) -> float | None:
    """Return what the quantile is below with probability `tail` (Nyblom 1992, eq. 2); None: no order statistic is.

    The r-th order statistic is above the quantile with probability P(Bin(n, probability) < r).
    """
    count = ordered.size
    above = bdtr(np.arange(count, dtype=np.float64), count, probability)
    rank = int(np.searchsorted(above, tail, side="right"))
    if rank == 0 or rank >= count:
        return None
    nearer, farther = float(above[rank]), float(above[rank - 1])
    odds = rank * (1.0 - probability) * (nearer - tail) / ((count - rank) * probability)
    weight = (tail - farther) / (tail - farther + odds)
    return float((1.0 - weight) * ordered[rank - 1] + weight * ordered[rank])


def _normal_quantile_interval(values: npt.NDArray[np.float64], probability: float, tail: float) -> tuple[float, float]:
    """Return the interval of a normal quantile from the noncentral t distribution of the standardised mean."""
    count, spread = values.size, float(values.std(ddof=1)) / values.size**0.5
    away = -float(ndtri(probability)) * count**0.5
    far, near = (float(nctdtrit(count - 1, away, share)) for share in (1.0 - tail, tail))
    mean = float(values.mean())
    return mean - far * spread, mean - near * spread


def deviation(values: npt.ArrayLike) -> float:
    """Return the standard deviation over replications (n - 1); 0 with fewer than two."""
    given = np.asarray(values, dtype=np.float64)
    return float(given.std(ddof=1)) if given.size > 1 else 0.0
