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
from scipy.sparse import csr_matrix

from simulation.fluid.blocks import Solution, times
from simulation.fluid.chain import Chain
from simulation.fluid.inversion import Contour
from simulation.fluid.kernel import Kernel, kernel

Floats = NDArray[np.float64]
Complexes = NDArray[np.complex128]
Ints = NDArray[np.int64]

TERRITORIES_AT_ONCE = 16
"""Transforms of so many territories are held at a time: memory does not grow with the size of a department."""
_LEAST_VARIABLE = 1e-10
"""In place of 0 in the kernel, per time unit; stays have means far below its inverse."""


@dataclass(frozen=True)
class Group:
    """People present at time 0 of one cell: profile, pathway (-1 where it is not known), in an anchor step or not."""

    profile: int
    pathway: int
    is_anchored: bool


def territory_batches(count: int) -> list[slice]:
    """Return territories in batches, in their order.

    >>> territory_batches(20)
    [slice(0, 16, None), slice(16, 20, None)]
    """
    starts = range(0, count, TERRITORIES_AT_ONCE)
    return [slice(start, min(start + TERRITORIES_AT_ONCE, count)) for start in starts]


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


@dataclass(frozen=True)
class Resumed:
    """What becomes of one group of the stock until they next come to a port, were no mix to change."""

    group: Group
    members: Ints
    """States they stand in."""
    columns: Floats
    """[territory, column] what they use until then, within the run."""
    ports: Ints
    reaching: Complexes
    """[point, territory, port] when they come to ports."""


def resumed(
    stock: Stock, still: Kernel, grid: Contour, solution: Solution, per_time: csr_matrix, per_end: csr_matrix
) -> list[Resumed]:
    """Let those present go on to their next port; no mix has a say in it."""
    goers = [_Goers.of(stock, number, solution) for number in range(len(stock.groups))]
    goers = [each for each in goers if len(each.members)]
    batches = [
        _resumed_in(stock, goers, zones, still, grid, solution, per_time, per_end)
        for zones in territory_batches(len(stock.present))
    ]
    found = []
    for each, parts in zip(goers, zip(*batches, strict=True), strict=True):
        columns = np.concatenate([part[0] for part in parts])
        reaching = np.concatenate([part[1] for part in parts], axis=1)
        come = np.flatnonzero(np.abs(reaching).any(axis=(0, 1)))
        found.append(Resumed(each.group, each.members, columns, each.ports[come], reaching[:, :, come]))
    return found


@dataclass(frozen=True)
class _Goers:
    """A group of the stock that is present somewhere, and where it may go."""

    group: Group
    members: Ints
    blocks: frozenset[int]
    """In which they stand."""
    reached: Ints
    """States and ports that their stays may lead to."""
    into: Ints
    """[reached] block of each; -1: a port."""
    ports: Ints
    """Those they may come to next, in order."""

    @classmethod
    def of(cls, stock: Stock, number: int, solution: Solution) -> "_Goers":
        chain, blocks = stock.chain, solution.blocks
        size = len(chain.states)
        mine = np.flatnonzero((stock.group_of == number) & stock.present.any(axis=0))
        reached: Ints = np.union1d(chain.rates[mine].indices, chain.ends[mine].indices).astype(np.int64)
        into = np.where(reached < size, blocks.block_of[np.minimum(reached, size - 1)], -1)
        own = frozenset(blocks.block_of[mine].tolist())
        passed = [blocks.ports[block] for block in sorted(own | set(into.tolist()) - {-1})]
        ports = np.unique(np.concatenate([reached[reached >= size] - size, *passed]))
        return cls(stock.groups[number], mine, own, reached, into, ports)


def _resumed_in(
    stock: Stock,
    goers: Sequence[_Goers],
    zones: slice,
    still: Kernel,
    grid: Contour,
    solution: Solution,
    per_time: csr_matrix,
    per_end: csr_matrix,
) -> list[tuple[Floats, Complexes]]:
    """Return columns [territory, column] and comings [point, territory, port] of each group in some territories."""
    chain, blocks = stock.chain, solution.blocks
    here = Stock(chain, stock.present[zones], stock.taken)
    size, count = len(chain.states), len(here.present)
    occupancy, ended = here.rest(still, solution.kernel)
    parts: list[tuple[Complexes, Complexes]] = []
    going: dict[int, list[tuple[int, Complexes]]] = {}
    for number, each in enumerate(goers):
        mine, reached, into = each.members, each.reached, each.into
        lasting, ending = occupancy[:, :, mine], ended[:, :, mine]
        out = times(lasting, chain.rates[mine][:, reached]) + times(ending, chain.ends[mine][:, reached])
        ports = np.zeros((len(grid.points), count, len(each.ports)), dtype=np.complex128)
        ports[:, :, np.searchsorted(each.ports, reached[reached >= size] - size)] = out[:, :, reached >= size]
        used = times(lasting, per_time[mine]) + times(ending, per_end[mine])
        for block in each.blocks:
            inflow = np.zeros((len(grid.points), count, len(blocks.blocks[block].members)), dtype=np.complex128)
            inflow[:, :, blocks.position[reached[into == block]]] = out[:, :, into == block]
            begun = mine[(blocks.block_of[mine] == block) & chain.memoryless[mine]]
            inflow[:, :, blocks.position[begun]] += here.present[:, begun]
            going.setdefault(block, []).append((number, inflow))
        for block in set(into.tolist()) - each.blocks - {-1}:
            passage, entries = solution.passages[block], blocks.entry_position[reached[into == block]]
            used += out[:, :, into == block] @ passage.using[:, entries]
            ports[:, :, np.searchsorted(each.ports, passage.ports)] += (
                out[:, :, into == block] @ passage.reaching[:, entries]
            )
        parts.append((used, ports))
    for block in list(going):
        rows = going.pop(block)
        passage = solution.onward(block, np.concatenate([inflow for _, inflow in rows], axis=1), per_time, per_end)
        for place, (number, _) in enumerate(rows):
            used, ports = parts[number]
            used += passage.using[:, place * count : (place + 1) * count]
            reaching = passage.reaching[:, place * count : (place + 1) * count]
            ports[:, :, np.searchsorted(goers[number].ports, passage.ports)] += reaching
    return [(grid.total(used), ports) for used, ports in parts]


def at_rest(chain: Chain) -> Kernel:
    """Return the kernel next to 0."""
    return kernel(chain, np.array([_LEAST_VARIABLE], dtype=np.complex128))
