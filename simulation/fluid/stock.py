"""Those present at time 0: where they stand at the end of the warm-up, and what becomes of them.

The census of a territory and profile takes exactly `initial` of those present (T11), so expected numbers are scaled by
initial / expected number present; where nothing steers everybody stays. Where nobody is expected, the census arrives at
time 0. People stand in the states of the chain, and keep what they chose.

How long a stay that is not memoryless has lasted at time 0 is taken in equilibrium, as if people had entered at a
constant rate for longer than the stay: the stay's remainder then has the transform (F(0) - F(s)) / s of its entries.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulation.fluid.chain import Chain
from simulation.fluid.kernel import Kernel, kernel

Floats = NDArray[np.float64]
Complexes = NDArray[np.complex128]

_LEAST_VARIABLE = 1e-10
"""In place of 0 in the kernel, per time unit; stays have means far below its inverse."""


@dataclass(frozen=True)
class Group:
    """People present at time 0 of one cell: profile, pathway (-1 where it is not known), in an anchor step or not."""

    profile: int
    pathway: int
    is_anchored: bool


class Stock:
    """The people present at time 0 by state, as flows of a chain that starts then."""

    def __init__(self, chain: Chain, present: Floats, taken: Sequence[Collection[int]]) -> None:
        """present: expected number [territory, state]; taken: the pathways by profile that people were oriented to."""
        self.chain = chain
        self.present = present
        self.profile = np.array([state.profile for state in chain.states], dtype=np.int64)
        self.taken = taken
        last = chain.hosts(taken)
        hosts = [last.get((state.step, state.profile), -1) for state in chain.states]
        pairs = [
            Group(state.profile, host, chain.story.anchor[state.step] and host >= 0)
            for state, host in zip(chain.states, hosts, strict=True)
        ]
        self.groups = list(dict.fromkeys(pairs))
        number = {group: place for place, group in enumerate(self.groups)}
        self.group_of = np.array([number[pair] for pair in pairs], dtype=np.int64)

    def by_profile(self, profiles: int) -> Floats:
        """Return how many are present [territory, profile]."""
        found = np.zeros((len(self.present), profiles))
        for profile in range(profiles):
            found[:, profile] = self.present[:, self.profile == profile].sum(axis=1)
        return found

    def scaled(self, factor: Floats) -> "Stock":
        """Return the stock times a factor [territory, profile]."""
        return Stock(self.chain, self.present * factor[:, self.profile], self.taken)

    def of(self, zones: Sequence[int]) -> "Stock":
        """Return the stock of some territories."""
        return Stock(self.chain, self.present[zones], self.taken)

    def rest(self, still: Kernel, moving: Kernel) -> tuple[Complexes, Complexes]:
        """Return what is left of the stays that are not memoryless: occupancy and ends [point, territory, state].

        still, moving: the kernel at (next to) 0, and at the points.
        """
        points = moving.points
        occupancy = np.zeros((len(points), *self.present.shape), dtype=np.complex128)
        ended = np.zeros_like(occupancy)
        for cluster, mine in zip(self.chain.clusters, still.pairs_of(self.chain.clusters), strict=True):
            members = cluster.members
            present = self.present[:, members]
            if not present.any():
                continue
            shape = (len(members), len(members))
            rate = present @ np.linalg.pinv(still.lasting[0, mine].real.reshape(shape))
            for found, before, after in (
                (occupancy, still.lasting, moving.lasting),
                (ended, still.ending, moving.ending),
            ):
                left = (before[:, mine] - after[:, mine]) / points[:, None]
                found[:, :, members] = rate @ left.reshape(-1, *shape)
        return occupancy, ended


def at_rest(chain: Chain) -> Kernel:
    """Return the kernel next to 0."""
    return kernel(chain, np.array([_LEAST_VARIABLE], dtype=np.complex128))
