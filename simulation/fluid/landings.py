"""The chain from port to port under one mix: who lands where after whom, and how many.

A *landing* is (label, profile, pathway, state): people oriented with a profile to a pathway, remembered by a label (see
`orientation`), who begin in a state. At each point s of a contour

    x = x0 + x M(s),  M(s)[l, l'] = sum over ports q of P(s)[l, q] * chance(label and profile of l, profile of q -> l'),

where P is the passage of the blocks and x0 those oriented for the first time (or present at time 0, see `stock`).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, identity
from scipy.sparse.linalg import splu

from simulation.fluid.blocks import Blocks, Solution
from simulation.fluid.lumps import Lumps
from simulation.fluid.orientation import Choices

Complexes = NDArray[np.complex128]
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


NOBODY = -1


class Origin(NamedTuple):
    """People who are to be oriented: what is remembered of their choices, and the profile and pathway of the last."""

    label: int
    profile: int
    pathway: int


class Start(NamedTuple):
    """A landing: people who begin in a state after an orientation."""

    label: int
    profile: int
    pathway: int
    state: int


class Count(NamedTuple):
    """Something counted when people land: in which cell (profile, pathway), which line of lumps, and whether anew."""

    profile: int
    pathway: int
    line: int
    anew: bool


@dataclass
class _Ways:
    """Sparse entries (row, column, value) under way."""

    rows: list[int]
    columns: list[int]
    values: list[float]

    def add(self, row: int, column: int, value: float) -> None:
        self.rows.append(row)
        self.columns.append(column)
        self.values.append(value)

    def matrix(self, shape: tuple[int, int]) -> csr_matrix:
        return csr_matrix((np.array(self.values), (self.rows, self.columns)), shape=shape)


class Landings:
    """The landings of one mix, and what is counted on the way to each."""

    def __init__(self, blocks: Blocks, choice: Choices, lumps: Lumps, profiles: Iterable[int]) -> None:
        """Follow everybody who comes with one of `profiles`."""
        self.blocks, self.choice, self._lumps = blocks, choice, lumps
        self.starts: list[Start] = []
        self.counts: list[Count] = []
        self._start_number: dict[Start, int] = {}
        self._count_number: dict[Count, int] = {}
        self._onward: dict[tuple[Origin, int], tuple[list[tuple[int, float]], list[tuple[int, float]]]] = {}
        self._ways, self._tally = _Ways([], [], []), _Ways([], [], [])
        self._sources: list[tuple[int, int]] = []
        self._followed = 0
        self.first = {profile: self._oriented_first(profile) for profile in profiles}
        self.complete()

    def complete(self) -> None:
        """Follow the landings found since, until there are no new ones."""
        while self._followed < len(self.starts):
            self._follow(self._followed)
            self._followed += 1

    def _oriented_first(self, profile: int) -> tuple[list[tuple[int, float]], list[tuple[int, float]]]:
        """Return landings and counts with their chances of one person who arrives with a profile."""
        story = self.blocks.chain.story
        landed, counted = [], []
        for label, pathway, chance in self.choice.labels(profile):
            if chance > 0.0 and pathway >= 0:
                landing = story.enter(story.entry[pathway], profile, 0)
                line = self._lumps.of_landing(landing, NOBODY)
                counted.append((self._count(Count(profile, pathway, line, True)), chance))
                landed += [
                    (self._start(Start(label, profile, pathway, state)), chance * part)
                    for state, part in self.blocks.chain.outcomes(landing)
                ]
        return landed, counted

    def redirected(self, origin: Origin, memory: int) -> tuple[list[tuple[int, float]], list[tuple[int, float]]]:
        """Return landings and counts of somebody in an anchor step whom a new mix sends to another pathway.

        origin: the label and pathway that the new mix gives.
        """
        chain = self.blocks.chain
        landing = chain.story.enter(chain.story.entry[origin.pathway], origin.profile, memory)
        line = self._lumps.of_landing(landing, NOBODY)
        counted = [(self._count(Count(origin.profile, origin.pathway, line, False)), 1.0)]
        return [(self._start(Start(*origin, state)), part) for state, part in chain.outcomes(landing)], counted

    def onward(self, origin: Origin, port: int) -> tuple[list[tuple[int, float]], list[tuple[int, float]]]:
        """Return landings and counts with their chances of somebody who comes to a port."""
        if (origin, port) not in self._onward:
            self._onward[origin, port] = self._led_on(origin, port)
        return self._onward[origin, port]

    def _led_on(self, origin: Origin, port: int) -> tuple[list[tuple[int, float]], list[tuple[int, float]]]:
        chain = self.blocks.chain
        there = chain.ports[port]
        landed, counted = [], []
        for label, pathway, chance in self.choice.following(origin.profile, origin.label, there.profile):
            if chance > 0.0:
                landing = chain.story.land(there, pathway)
                line = self._lumps.of_landing(landing, origin.pathway)
                anew = there.profile != origin.profile
                counted.append((self._count(Count(there.profile, pathway, line, anew)), chance))
                landed += [
                    (self._start(Start(label, there.profile, pathway, state)), chance * part)
                    for state, part in chain.outcomes(landing)
                ]
        return landed, counted

    def _follow(self, number: int) -> None:
        start = self.starts[number]
        block = int(self.blocks.block_of[start.state])
        for port in self.blocks.ports[block].tolist():
            source = len(self._sources)
            self._sources.append((number, port))
            landed, counted = self.onward(Origin(start.label, start.profile, start.pathway), port)
            for target, chance in landed:
                self._ways.add(source, target, chance)
            for count, chance in counted:
                self._tally.add(source, count, chance)

    def _start(self, start: Start) -> int:
        if start not in self._start_number:
            self._start_number[start] = len(self.starts)
            self.starts.append(start)
        return self._start_number[start]

    def _count(self, count: Count) -> int:
        if count not in self._count_number:
            self._count_number[count] = len(self.counts)
            self.counts.append(count)
        return self._count_number[count]

    def solve(self, solution: Solution, first: Complexes) -> tuple[Complexes, Complexes]:
        """Return landings [point, start, row] and counts on the way to a later one [point, count, row].

        first [point, start, row]: landings that no other landing came before.
        """
        size = len(self.starts)
        reaching = self._reaching(solution)
        sources = np.array([number for number, _ in self._sources], dtype=np.int64)
        ways = self._ways.matrix((len(self._sources), size)).T.tocsr()
        tally = self._tally.matrix((len(self._sources), len(self.counts))).T.tocsr()
        unit = identity(size, format="csc")
        shape = (len(self._sources), size)
        landed = np.zeros_like(first)
        counted = np.zeros((len(first), len(self.counts), first.shape[2]), dtype=np.complex128)
        for point, values in enumerate(reaching):
            spread = csr_matrix((values, (np.arange(len(sources)), sources)), shape=shape)
            landed[point] = splu((unit - ways @ spread).tocsc()).solve(first[point])
            counted[point] = tally @ (spread @ landed[point])
        return landed, counted

    def _reaching(self, solution: Solution) -> Complexes:
        """Return the passage from each landing to each port it may come to [point, source]."""
        found = np.zeros((len(solution.points), len(self._sources)), dtype=np.complex128)
        place = 0
        for start in self.starts:
            passage = solution.passages[int(self.blocks.block_of[start.state])]
            entry = int(self.blocks.entry_position[start.state])
            found[:, place : place + len(passage.ports)] = passage.reaching[:, entry]
            place += len(passage.ports)
        return found

    def using(self, solution: Solution) -> Complexes:
        """Return what one person uses from each landing to the next port [point, start, column]."""
        blocks = self.blocks
        return np.stack(
            [
                solution.passages[int(blocks.block_of[start.state])].using[:, int(blocks.entry_position[start.state])]
                for start in self.starts
            ],
            axis=1,
        )
