"""The chain as matrices: the structure of an instance filled with its numbers."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from simulation.fluid.laws import DurationLaw
from simulation.fluid.lumps import Lumps
from simulation.fluid.states import Landing, Story
from simulation.fluid.structure import Entries, Offered, structure_of

Floats = NDArray[np.float64]
Complexes = NDArray[np.complex128]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Cluster:
    """States of one stay whose length is not memoryless, and the changes among them while it runs on."""

    members: Ints
    law: DurationLaw
    changes: Floats
    """[member, member] generator: rates of changes, less all rates of leaving on the diagonal."""


class Chain:
    """States, ports, and what leads from one to another per time unit (rates) or at the end of a stay (ends)."""

    def __init__(self, story: Story, offered: Offered, profiles: Sequence[int], *, breaks: bool = False) -> None:
        """Follow everybody who comes with one of `profiles`; `offered`: the pathways of each profile.

        breaks: also whoever goes where a broken wait leads, though nobody waits here.
        """
        self.story = story
        self.offered = offered
        self.structure = structure = structure_of(story, offered, profiles, breaks=breaks)
        self.states = structure.states
        self.number = structure.number
        self.ports = structure.ports
        self.memoryless = structure.memoryless
        self.laws = [story.law(state) for state in self.states]
        self._quantities = story.quantities
        self._amounts = self._quantities.products(structure.factors)[structure.amounts]
        mean = np.array([law.a for law in self.laws])
        self._amounts[structure.hastened] /= mean[structure.origins[structure.hastened]]
        size, staying = len(self.states), ~structure.ending
        self.leaving = np.bincount(structure.origins[staying], self._amounts[staying], minlength=size)
        """[state] total rate of leaving, changes inside a stay included."""
        shape = (size, size + len(self.ports))
        self.rates, self.ends = self._matrix(structure.rates, shape), self._matrix(structure.ends, shape)
        self.inside = self._matrix(structure.inside, (size, size))
        self.clusters = self._clusters()

    def _matrix(self, entries: Entries, shape: tuple[int, int]) -> csr_matrix:
        values = self._amounts[entries.ways] * self._quantities.values[entries.parts]
        return csr_matrix((values, (entries.rows, entries.columns)), shape=shape)

    def _clusters(self) -> list[Cluster]:
        size = len(self.states)
        place, label = np.zeros(size, dtype=np.int64), np.zeros(size, dtype=np.int64)
        for number, members in enumerate(self.structure.clusters):
            place[members], label[members] = np.arange(len(members)), number
        changes: list[Floats] = [np.diag(-self.leaving[members]) for members in self.structure.clusters]
        among = self.inside.tocoo()
        for row, column, rate in zip(among.row.tolist(), among.col.tolist(), among.data.tolist(), strict=True):
            changes[label[row]][place[row], place[column]] += rate
        return [
            Cluster(members, self.laws[members[0]], change)
            for members, change in zip(self.structure.clusters, changes, strict=True)
        ]

    def outcomes(self, landing: Landing) -> list[tuple[int, float]]:
        """Return the numbers of the states a landing may begin in, with their probabilities."""
        values = self._quantities.values
        return [(self.number[state], float(values[part])) for part, state in landing.outcomes]

    def hosts(self, taken: Sequence[Collection[int]]) -> dict[tuple[int, int], int]:
        """Return the pathway that somebody in (step, profile) was last oriented to, where there is but one it can be.

        taken: the pathways by profile that orientation leads to.
        """
        return self.structure.hosts(taken)

    def lines(self, lumps: Lumps) -> tuple[csr_matrix, csr_matrix]:
        """Return how often each line of lumps falls per time unit in a state, and at a stay's end [state, line]."""
        numbers = np.array([lumps.number(lump) for lump in self.structure.lumps], dtype=np.int64)
        shape = (len(self.states), len(lumps.lines))
        rates, ends = (
            entries._replace(columns=numbers[entries.columns])
            for entries in (self.structure.lump_rates, self.structure.lump_ends)
        )
        return self._matrix(rates, shape), self._matrix(ends, shape)
