"""Parameters: their ranges and their distributions as quantiles, so that no randomness lives here."""

import math
from collections.abc import Callable
from functools import lru_cache

from scipy import special

from instances.faults import ConfiguratorError
from instances.tables import Parameter

# low and high are the 2.5 % and 97.5 % quantiles of the laws without ends.
LOW_QUANTILE = 0.025
HIGH_QUANTILE = 0.975
_STANDARD_NORMAL_HIGH = float(special.ndtri(HIGH_QUANTILE))
_BISECTIONS = 80


class ParameterError(ConfiguratorError):
    """A parameter whose value, range and distribution do not go together."""


def bounds(parameter: Parameter) -> tuple[float, float]:
    """Return the range of a one-way sensitivity: low and high, the value itself where one is not given."""
    low = parameter.value if parameter.low is None else parameter.low
    high = parameter.value if parameter.high is None else parameter.high
    return low, high


def is_uncertain(parameter: Parameter) -> bool:
    """Say whether a probabilistic analysis draws this parameter."""
    return parameter.distribution not in ("", "fixed")


def contradictions(parameter: Parameter) -> list[str]:
    """Say what keeps value, range and distribution from going together; empty when all is well."""
    low, high = bounds(parameter)
    found = []
    if not low <= parameter.value <= high:
        found.append(f"the value {parameter.value:g} lies outside its range {low:g} to {high:g}")
    if is_uncertain(parameter) and (parameter.low is None or parameter.high is None):
        found.append(f"a {parameter.distribution} distribution needs low and high")
    elif is_uncertain(parameter) and low == high:
        found.append(f"a {parameter.distribution} distribution needs low less than high")
    if parameter.distribution in ("lognormal", "gamma", "beta") and low <= 0.0:
        found.append(f"a {parameter.distribution} distribution needs low greater than 0")
    if parameter.distribution == "beta" and high >= 1.0:
        found.append("a beta distribution needs high less than 1")
    return found


def quantile(parameter: Parameter, u: float) -> float:
    """Return the value that the parameter stays under with probability `u` (0 < u < 1).

    uniform and triangular (mode: the value) end at low and high. normal and lognormal are fixed by
    low and high alone; so are beta and gamma, whose two shapes are found by bisection.
    """
    if not 0.0 < u < 1.0:
        raise ValueError(f"a probability strictly between 0 and 1 is needed, found {u}")
    if not is_uncertain(parameter):
        return parameter.value
    faults = contradictions(parameter)
    if faults:
        raise ParameterError(f"parameter {parameter.name}: {'; '.join(faults)}")
    low, high = bounds(parameter)
    match parameter.distribution:
        case "uniform":
            return low + u * (high - low)
        case "triangular":
            return _triangular(low, parameter.value, high, u)
        case "normal":
            return _normal(low, high, u)
        case "lognormal":
            return math.exp(_normal(math.log(low), math.log(high), u))
        case "gamma":
            shape, scale = _gamma_law(low, high)
            return scale * float(special.gammaincinv(shape, u))
        case _:
            first, second = _beta_law(low, high)
            return float(special.betaincinv(first, second, u))


def _triangular(low: float, mode: float, high: float, u: float) -> float:
    rising = (mode - low) / (high - low)
    if u <= rising:
        return low + math.sqrt(u * (high - low) * (mode - low))
    return high - math.sqrt((1.0 - u) * (high - low) * (high - mode))


def _normal(low: float, high: float, u: float) -> float:
    deviation = (high - low) / (2.0 * _STANDARD_NORMAL_HIGH)
    return (low + high) / 2.0 + deviation * float(special.ndtri(u))


@lru_cache(maxsize=4096)
def _gamma_law(low: float, high: float) -> tuple[float, float]:
    """Return shape and scale: the ratio of the two quantiles falls as the shape grows."""

    def excess(log_shape: float) -> float:
        shape = math.exp(log_shape)
        lower = float(special.gammaincinv(shape, LOW_QUANTILE))
        upper = float(special.gammaincinv(shape, HIGH_QUANTILE))
        return high / low - upper / lower if lower > 0.0 else -math.inf

    shape = math.exp(_root(excess, -4.0, 25.0))
    return shape, high / float(special.gammaincinv(shape, HIGH_QUANTILE))


@lru_cache(maxsize=4096)
def _beta_law(low: float, high: float) -> tuple[float, float]:
    """Return both shapes: for each concentration the mean that meets `low`, then the concentration for `high`."""

    def mean_for(concentration: float) -> float:
        return _root(lambda mean: LOW_QUANTILE - _beta_below(mean, concentration, low), 1e-9, 1.0 - 1e-9)

    def excess(log_concentration: float) -> float:
        concentration = math.exp(log_concentration)
        return _beta_below(mean_for(concentration), concentration, high) - HIGH_QUANTILE

    concentration = math.exp(_root(excess, -2.0, 20.0))
    mean = mean_for(concentration)
    return mean * concentration, (1.0 - mean) * concentration


def _beta_below(mean: float, concentration: float, x: float) -> float:
    return float(special.betainc(mean * concentration, (1.0 - mean) * concentration, x))


def _root(increasing: Callable[[float], float], low: float, high: float) -> float:
    for _ in range(_BISECTIONS):
        middle = (low + high) / 2.0
        if increasing(middle) < 0.0:
            low = middle
        else:
            high = middle
    return (low + high) / 2.0
