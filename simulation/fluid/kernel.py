"""The semi-Markov kernel in the Laplace domain: how long states last, and how their stays end.

A memoryless state left at rate q lasts 1/(s + q). A stay of duration law F, during which profile and memories may
change by a generator Q (whose rows lack the rates of leaving), lasts, from state a in state b,

    integral of exp(-s t) P(X > t) exp(Q t) dt = V diag((1 - F(s - l)) / (s - l)) V^-1,

and ends of itself with V diag(F(s - l)) V^-1, where F(.) is the law's transform and Q = V diag(l) V^-1. So hazards
compete with the true law of the stay, whatever it is: no stay is made exponential.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from simulation.fluid.chain import Chain, Cluster
from simulation.fluid.laws import DurationLaw, lasting, transform

Floats = NDArray[np.float64]
Complexes = NDArray[np.complex128]
Ints = NDArray[np.int64]

_ILL_CONDITIONED = 1e8
_NUDGE = 1e-8
"""Relative change of rates that makes a defective generator diagonalisable."""


@dataclass(frozen=True)
class Kernel:
    """Lasting and ending [point, entry] of the pairs (row, column) of states that one stay may pass through."""

    points: Complexes
    rows: Ints
    columns: Ints
    lasting: Complexes
    ending: Complexes
    size: int

    def at(self, point: int) -> tuple[csr_matrix, csr_matrix]:
        """Return lasting and ending [state, state] at one point."""
        shape = (self.size, self.size)
        place = (self.rows, self.columns)
        return csr_matrix((self.lasting[point], place), shape), csr_matrix((self.ending[point], place), shape)


def kernel(chain: Chain, points: Complexes) -> Kernel:
    """Return the chain's kernel at points with a positive real part."""
    alone = np.flatnonzero(chain.memoryless)
    rows, columns = [alone], [alone]
    lasts = [1.0 / (points[:, None] + chain.leaving[alone])]
    ends = [np.zeros_like(lasts[0])]
    for group in _alike(chain.clusters):
        law, values = group[0].law, np.stack([_values(cluster)[0] for cluster in group])
        vectors = np.stack([_values(cluster)[1] for cluster in group])
        inverse = np.linalg.inv(vectors)
        z = points[:, None, None] - values
        for found, function in ((lasts, lasting), (ends, transform)):
            whole = np.einsum("gab,kgb,gbc->kgac", vectors, function(law, z), inverse, optimize=True)
            found.append(whole.reshape(len(points), -1))
        members = np.stack([cluster.members for cluster in group])
        size = members.shape[1]
        rows.append(np.repeat(members, size, axis=1).reshape(-1))
        columns.append(np.tile(members, (1, size)).reshape(-1))
    return Kernel(
        points,
        np.concatenate(rows),
        np.concatenate(columns),
        np.concatenate(lasts, axis=1),
        np.concatenate(ends, axis=1),
        len(chain.states),
    )


def _alike(clusters: list[Cluster]) -> list[list[Cluster]]:
    """Group clusters of one law and size, whose transforms are worked out together."""
    groups: dict[tuple[DurationLaw, int], list[Cluster]] = {}
    for cluster in clusters:
        groups.setdefault((cluster.law, len(cluster.members)), []).append(cluster)
    return list(groups.values())


def _values(cluster: Cluster) -> tuple[Complexes, Complexes]:
    """Return eigenvalues and eigenvectors of a cluster's generator."""
    size = len(cluster.members)
    values, vectors = np.linalg.eig(cluster.changes)
    if size > 1 and np.linalg.cond(vectors) > _ILL_CONDITIONED:
        scale = np.abs(cluster.changes).max()
        nudged = cluster.changes + np.diag(_NUDGE * scale * np.arange(1, size + 1))
        values, vectors = np.linalg.eig(nudged)
    return values.astype(np.complex128), vectors.astype(np.complex128)
