"""The semi-Markov kernel in the Laplace domain: how long states last, and how their stays end.

A memoryless state left at rate q lasts 1/(s + q). A stay of duration law F, during which profile and memories may
change by a generator Q (whose rows lack the rates of leaving), lasts, from state a in state b,

    integral of exp(-s t) P(X > t) exp(Q t) dt = V diag((1 - F(s - l)) / (s - l)) V^-1,

and ends of itself with V diag(F(s - l)) V^-1, where F(.) is the law's transform and Q = V diag(l) V^-1. So hazards
compete with the true law of the stay, whatever it is: no stay is made exponential.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from simulation.fluid.chain import Chain, Cluster
from simulation.fluid.laws import DurationLaw, transform

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

    @cached_property
    def _by_row(self) -> tuple[Ints, Ints]:
        """Numbers of the pairs by row, and where each row begins among them."""
        order = np.argsort(self.rows, kind="stable")
        return order, np.searchsorted(self.rows[order], np.arange(self.size))

    def pairs_of(self, clusters: Sequence[Cluster]) -> list[Ints]:
        """Return the numbers of each cluster's pairs, by row and then column."""
        order, first = self._by_row
        found = []
        for cluster in clusters:
            size = len(cluster.members)
            found.append(np.concatenate([order[first[member] : first[member] + size] for member in cluster.members]))
        return found


def kernel(chain: Chain, points: Complexes) -> Kernel:
    """Return the chain's kernel at points with a positive real part."""
    alone = np.flatnonzero(chain.memoryless)
    rows, columns = [alone], [alone]
    lasts = [1.0 / (points[:, None] + chain.leaving[alone])]
    ends = [np.zeros_like(lasts[0])]
    for group in _alike(chain.clusters):
        lasts_alike, ends_alike = _stay(group[0], points)
        members = np.stack([cluster.members for cluster in group])
        size = members.shape[1]
        rows.append(np.repeat(members, size, axis=1).reshape(-1))
        columns.append(np.tile(members, (1, size)).reshape(-1))
        lasts.append(np.tile(lasts_alike, (1, len(group))))
        ends.append(np.tile(ends_alike, (1, len(group))))
    return Kernel(
        points,
        np.concatenate(rows),
        np.concatenate(columns),
        np.concatenate(lasts, axis=1),
        np.concatenate(ends, axis=1),
        len(chain.states),
    )


def _alike(clusters: list[Cluster]) -> list[list[Cluster]]:
    """Group clusters of the same law and changes: most stays last alike whoever stays."""
    groups: dict[tuple[DurationLaw, bytes], list[Cluster]] = {}
    for cluster in clusters:
        groups.setdefault((cluster.law, cluster.changes.tobytes()), []).append(cluster)
    return list(groups.values())


def _stay(cluster: Cluster, points: Complexes) -> tuple[Complexes, Complexes]:
    """Return lasting and ending [point, pair of members] of one stay."""
    values, vectors = _values(cluster)
    inverse = np.linalg.inv(vectors)
    z = points[:, None] - values
    ending = transform(cluster.law, z)
    found = []
    for each in ((1.0 - ending) / z, ending):
        whole: Complexes = (vectors * each[:, None, :]) @ inverse
        found.append(whole.reshape(len(points), -1))
    return found[0], found[1]


def _values(cluster: Cluster) -> tuple[Complexes, Complexes]:
    """Return eigenvalues and eigenvectors of a cluster's generator."""
    size = len(cluster.members)
    values, vectors = np.linalg.eig(cluster.changes)
    if size > 1 and np.linalg.cond(vectors) > _ILL_CONDITIONED:
        scale = np.abs(cluster.changes).max()
        nudged = cluster.changes + np.diag(_NUDGE * scale * np.arange(1, size + 1))
        values, vectors = np.linalg.eig(nudged)
    return values.astype(np.complex128), vectors.astype(np.complex128)
