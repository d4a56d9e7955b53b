"""What is left of a stay that has lasted so long: conditional quantiles of the duration laws (see `streams.Law`)."""

import math

import numpy as np
from scipy.special import gammaincc, ndtr

from simulation.streams import Law, duration

_IMPOSSIBLE = 1e-12  # a stay longer than all but this part of its law ends at once
_LARGEST_UNIFORM = 1.0 - 2.0**-53


def survival(law: int, a: float, b: float, c: float, elapsed: float) -> float:
    """Return the probability that a stay lasts longer than `elapsed` (at 0: 1, whatever the law's mass there)."""
    if elapsed <= 0.0 or law in (Law.ENDLESS, Law.BY_DESTINATION):
        return 1.0
    match law:
        case Law.EXPONENTIAL:
            return math.exp(-elapsed / a) if a > 0.0 else 0.0
        case Law.LOGNORMAL if b > 0.0:
            return float(ndtr((a - math.log(elapsed)) / b))
        case Law.NORMAL if b > 0.0:
            return float(ndtr((a - elapsed) / b))
        case Law.UNIFORM if b > a:
            return min(1.0, max(0.0, (b - elapsed) / (b - a)))
        case Law.TRIANGULAR if c > a:
            return _triangular_survival(a, b, c, elapsed)
        case Law.GAMMA:
            return float(gammaincc(a, elapsed / b))
        case Law.WEIBULL:
            return math.exp(-((elapsed / b) ** a))
        case Law.HYPEREXPONENTIAL:
            return a * math.exp(-elapsed / b) + (1.0 - a) * math.exp(-elapsed / c)
    return 1.0 if duration(law, a, b, c, 0.5) > elapsed else 0.0  # laws of a single value


def _triangular_survival(low: float, mode: float, high: float, elapsed: float) -> float:
    if elapsed <= low:
        return 1.0
    if elapsed >= high:
        return 0.0
    if elapsed < mode:
        return 1.0 - (elapsed - low) ** 2 / ((high - low) * (mode - low))
    return (high - elapsed) ** 2 / ((high - low) * (high - mode))


def residual(law: int, a: float, b: float, c: float, elapsed: float, u: float) -> float:
    """Return the quantile u of what is left of a stay that has lasted `elapsed` already.

    With survival S and quantile function Q it is Q(1 - S(e) + u S(e)) - e. Exponential phases forget: what is left
    is a new one, of two phases the likelier given how long the stay has lasted. A stay past the end of its law
    ends at once.
    """
    if law == Law.EXPONENTIAL:
        return float(duration(law, a, b, c, u))
    left = survival(law, a, b, c, elapsed)
    if left <= _IMPOSSIBLE:
        return 0.0
    if law == Law.HYPEREXPONENTIAL:
        first = a * math.exp(-elapsed / b) / left
        return float(duration(law, first, b, c, u)) if 0.0 < first < 1.0 else -(b if first else c) * math.log(1.0 - u)
    whole = float(duration(law, a, b, c, min(1.0 - left + u * left, _LARGEST_UNIFORM)))
    return max(0.0, whole - elapsed) if np.isfinite(whole) else whole
