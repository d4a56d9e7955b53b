"""What a plan would be worth, guessed from those simulated: Gaussian process regression, in numpy alone.

Rasmussen and Williams 2006, *Gaussian Processes for Machine Learning*: predictions are equations 2.25 and 2.26 by
algorithm 2.1, hyperparameters those of a small fixed grid with the greatest marginal likelihood (equation 2.30, its
scale maximised in closed form). The kernel is a linear one (what territories add up to) plus a Matérn 5/2 one.
"""

from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import LinAlgError, cho_solve, cholesky, solve_triangular

Floats = NDArray[np.float64]

LENGTHS = (0.7, 1.5, 4.0)
"""Correlation lengths tried, in median distances between the plans known."""
LINEAR = (0.1, 0.6, 0.95)
"""Parts of the variance tried that the linear kernel bears."""
NOISE = (0.003, 0.05, 0.3)
"""Variances of noise tried, over that of the process."""


@dataclass(frozen=True)
class _Kernel:
    """A covariance of plans, of mean variance one; `centre` and `spread` scale the linear part."""

    centre: Floats
    spread: float
    length: float
    linear: float

    def between(self, first: Floats, second: Floats) -> Floats:
        """Return covariances [first, second]."""
        straight = (first - self.centre) @ (second - self.centre).T / self.spread
        reach = np.sqrt(5.0) * _distances(first, second) / self.length
        curved = (1.0 + reach + reach**2 / 3.0) * np.exp(-reach)
        found: Floats = self.linear * straight + (1.0 - self.linear) * curved
        return found

    def variances(self, points: Floats) -> Floats:
        """Return the variance of each point before anything is known."""
        straight = ((points - self.centre) ** 2).sum(axis=1) / self.spread
        found: Floats = self.linear * straight + (1.0 - self.linear)
        return found


@dataclass(frozen=True)
class Surrogate:
    """A guess at one figure of any plan."""

    points: Floats
    mean: float
    scale: float
    """Standard deviation of the process."""
    kernel: _Kernel
    factor: Floats
    """Lower Cholesky factor of the covariance of the known, noise included."""
    weights: Floats

    def guess(self, points: Floats) -> tuple[Floats, Floats]:
        """Return mean and standard deviation [point] of the figure itself, noise left out."""
        covariances = self.kernel.between(self.points, points)
        known = solve_triangular(self.factor, covariances, lower=True)
        left = np.maximum(self.kernel.variances(points) - (known**2).sum(axis=0), 0.0)
        return self.mean + covariances.T @ self.weights, self.scale * np.sqrt(left)


def fitted(points: Floats, values: Floats) -> Surrogate | None:
    """Return the likeliest surrogate of values [plan] at points [plan, coordinate]; None when values are all equal."""
    distances = _distances(points, points)
    apart = distances[np.triu_indices(len(points), 1)]
    if len(points) < 2 or np.ptp(values) == 0.0 or not apart.any():
        return None
    mean, typical = float(values.mean()), float(np.median(apart[apart > 0.0]))
    centre = points.mean(axis=0)
    spread = float(((points - centre) ** 2).sum(axis=1).mean())
    best, found = -np.inf, None
    for length, linear in product(LENGTHS, LINEAR):
        kernel = _Kernel(centre, spread, length * typical, linear)
        covariance = kernel.between(points, points)
        for noise in NOISE:
            tried = _conditioned(points, values - mean, kernel, covariance + noise * np.eye(len(points)))
            if tried is not None and tried[0] > best:
                best, found = tried[0], (kernel, *tried[1:])
    if found is None:
        return None
    kernel, factor, weights, scale = found
    return Surrogate(points, mean, scale, kernel, factor, weights)


def _conditioned(
    points: Floats, values: Floats, kernel: _Kernel, covariance: Floats
) -> tuple[float, Floats, Floats, float] | None:
    """Return log marginal likelihood (but for a constant), Cholesky factor, weights and scale; None: singular."""
    try:
        factor = cholesky(covariance, lower=True)
    except LinAlgError:
        return None
    weights = cho_solve((factor, True), values)
    variance = float(values @ weights) / len(points)
    if variance <= 0.0:
        return None
    likelihood = -0.5 * len(points) * np.log(variance) - float(np.log(np.diag(factor)).sum())
    return likelihood, factor, weights, float(np.sqrt(variance))


def _distances(first: Floats, second: Floats) -> Floats:
    squares = (first**2).sum(axis=1)[:, None] + (second**2).sum(axis=1)[None, :] - 2.0 * first @ second.T
    found: Floats = np.sqrt(np.maximum(squares, 0.0))
    return found
