"""Laplace transforms of the duration laws, the same laws that the twin draws from (`streams.Law`).

Exponential, gamma, hyperexponential, uniform and fixed laws have closed forms. Lognormal, Weibull, normal (cut at 0)
and triangular laws are summed over Gauss-Legendre nodes: of the standard normal score for the first three, of the
density's two pieces for the last.
"""

from functools import lru_cache
from math import inf
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from simulation.streams import Law

Floats = NDArray[np.float64]
Complexes = NDArray[np.complex128]

_SCORE_LIMIT = 8.2
"""Standard normal scores beyond this have a probability under 2e-16."""
_NODES = 192


class DurationLaw(NamedTuple):
    """A law's code and parameters (see `streams.duration`)."""

    law: int
    a: float
    b: float
    c: float

    @property
    def is_endless(self) -> bool:
        """Whether the stay has no end of its own."""
        return self.law in (Law.ENDLESS, Law.BY_DESTINATION)

    @property
    def is_memoryless(self) -> bool:
        """Whether what is left of a stay never depends on how long it has lasted."""
        return self.is_endless or (self.law == Law.EXPONENTIAL and self.a > 0.0)


def transform(law: DurationLaw, z: Complexes) -> Complexes:
    """Return E(exp(-z X)) at points with a real part of 0 or more; 0 for an endless stay.

    >>> abs(complex(transform(DurationLaw(Law.EXPONENTIAL, 2.0, 0.0, 0.0), np.array([0.5 + 0j]))[0]) - 0.5) < 1e-15
    True
    """
    code, a, b, c = law
    if law.is_endless:
        return np.zeros_like(z)
    if code == Law.FIXED:
        return np.asarray(np.exp(-z * a))
    if code == Law.EXPONENTIAL:
        return np.asarray(1.0 / (1.0 + a * z))
    if code == Law.GAMMA:
        return np.asarray((1.0 + b * z) ** -a)
    if code == Law.HYPEREXPONENTIAL:
        return np.asarray(a / (1.0 + b * z) + (1.0 - a) / (1.0 + c * z))
    if code == Law.UNIFORM:
        return np.asarray(np.exp(-z * a) * _mean_of_decay(z * (b - a)))
    nodes, weights = _quadrature(code, a, b, c)
    return np.asarray(np.exp(-z[..., None] * nodes) @ weights)


def lasting(law: DurationLaw, z: Complexes) -> Complexes:
    """Return the transform of the survival function, the integral of exp(-z t) P(X > t), at points other than 0."""
    if law.is_endless:
        return np.asarray(1.0 / z)
    if law.law == Law.EXPONENTIAL:
        return np.asarray(law.a / (1.0 + law.a * z))
    return np.asarray((1.0 - transform(law, z)) / z)


def mean_of(law: DurationLaw) -> float:
    """Return a law's mean; infinite when the stay is endless.

    >>> mean_of(DurationLaw(Law.UNIFORM, 2.0, 4.0, 0.0))
    3.0
    """
    code, a, b, c = law
    if law.is_endless:
        return inf
    match code:
        case Law.FIXED | Law.EXPONENTIAL:
            return a
        case Law.GAMMA:
            return a * b
        case Law.HYPEREXPONENTIAL:
            return a * b + (1.0 - a) * c
        case Law.UNIFORM:
            return 0.5 * (a + b)
    nodes, weights = _quadrature(code, a, b, c)
    return float(nodes @ weights)


def _mean_of_decay(x: Complexes) -> Complexes:
    """Return (1 - exp(-x)) / x, 1 at 0."""
    small = np.abs(x) < 1e-8
    safe = np.where(small, 1.0, x)
    return np.where(small, 1.0 - 0.5 * x, -np.expm1(-safe) / safe)


@lru_cache(maxsize=4096)
def _quadrature(code: int, a: float, b: float, c: float) -> tuple[Floats, Floats]:
    """Return durations and their probabilities, which add up to one."""
    if code == Law.TRIANGULAR:
        pieces = [_triangle(a, b, 1.0), _triangle(c, b, -1.0)]
        nodes, weights = (np.concatenate(parts) for parts in zip(*pieces, strict=True))
    else:
        lowest = max(-_SCORE_LIMIT, -a / b) if code == Law.NORMAL and b > 0.0 else -_SCORE_LIMIT
        score, width = _legendre(min(lowest, _SCORE_LIMIT), _SCORE_LIMIT)
        nodes, weights = _quantile(code, a, b, score), width * np.exp(-0.5 * score**2)
        weights *= ndtr(-lowest) / weights.sum() if weights.sum() > 0.0 else 0.0
        nodes, weights = np.append(nodes, 0.0), np.append(weights, ndtr(lowest))
    return nodes, weights / weights.sum()


def _quantile(code: int, a: float, b: float, score: Floats) -> Floats:
    if code == Law.LOGNORMAL:
        return np.asarray(np.exp(a + b * score))
    if code == Law.NORMAL:
        return np.maximum(0.0, a + b * score)
    # Weibull: scale b, shape a; -log of the survival of the score
    return np.asarray(b * (-np.log(ndtr(-score))) ** (1.0 / a))


def _triangle(end: float, mode: float, sign: float) -> tuple[Floats, Floats]:
    """Return nodes and unnormalised weights of one side of a triangular density, which is 0 at `end`."""
    x, width = _legendre(min(end, mode), max(end, mode))
    return x, width * sign * (x - end) / (abs(mode - end) or 1.0)


def _legendre(low: float, high: float) -> tuple[Floats, Floats]:
    points, weights = _unit_nodes()
    half = 0.5 * (high - low)
    return low + half * (points + 1.0), half * weights


@lru_cache(maxsize=1)
def _unit_nodes() -> tuple[Floats, Floats]:
    """Return the nodes and weights of Gauss and Legendre on (-1, 1)."""
    points, weights = np.polynomial.legendre.leggauss(_NODES)
    return points, weights
