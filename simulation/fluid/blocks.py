"""The chain between ports, solved block by block at the points of a contour.

Between two ports a person passes through states that no mix has a say in, so this part is solved once for all
territories and all plans. States fall into blocks (what hangs together within a pathway, and blocks that lead to one
another in circles are one); blocks are put in an order in which nobody goes back. With K the kernel inside a block,
the occupancy of its states from each entry is (I - K)^-1 times how long states last; what flows out of it goes to ports
or into later blocks, whose passages are known when blocks are taken from last to first.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, identity
from scipy.sparse.csgraph import connected_components
from scipy.sparse.linalg import splu

from simulation.fluid.chain import Chain, Cluster
from simulation.fluid.kernel import Kernel

Floats = NDArray[np.float64]
Complexes = NDArray[np.complex128]
Ints = NDArray[np.int64]

_DENSE = 100
"""Blocks up to this size are solved as dense matrices, all points at once."""


@dataclass(frozen=True)
class Block:
    """States solved together: members, which of them people enter from outside, and where they go from it."""

    members: Ints
    entries: Ints
    """Positions among the members."""
    targets: Ints
    """Columns of the chain's rates outside the block: states of later blocks, then ports."""


class Blocks:
    """The blocks of a chain in order, and where each state stands."""

    def __init__(self, chain: Chain, landings: Ints) -> None:
        """Cut the chain; `landings`: states that people enter from ports or from outside."""
        self.chain = chain
        size = len(chain.states)
        whole = (chain.rates + chain.ends).tocsr()
        inside = whole[:, :size] + chain.inside
        self.block_of = _ordered(_strong(_pathway_parts(chain, inside), inside), inside)
        self.position = np.zeros(size, dtype=np.int64)
        entered = np.zeros(size, dtype=np.bool_)
        entered[landings] = True
        ways = inside.tocoo()
        crossing = self.block_of[ways.row] != self.block_of[ways.col]
        entered[ways.col[crossing]] = True
        self.blocks = []
        order = np.argsort(self.block_of, kind="stable")
        for members in np.split(order, np.cumsum(np.bincount(self.block_of))[:-1]):
            self.position[members] = np.arange(len(members))
            reached = np.unique(whole[members].indices)
            targets = reached[~np.isin(reached, members)]
            self.blocks.append(Block(members, np.flatnonzero(entered[members]), targets))
        self.ports = self._reachable_ports()
        """By block: ports that can be come to from it."""
        self.entry_position = np.full(size, -1, dtype=np.int64)
        for block in self.blocks:
            self.entry_position[block.members[block.entries]] = np.arange(len(block.entries))

    def _reachable_ports(self) -> list[Ints]:
        size = len(self.chain.states)
        found: dict[int, Ints] = {}
        for number in reversed(range(len(self.blocks))):
            targets = self.blocks[number].targets
            later = {int(self.block_of[target]) for target in targets[targets < size].tolist()}
            found[number] = np.unique(
                np.concatenate([targets[targets >= size] - size, *(found[each] for each in later)])
            )
        return [found[number] for number in range(len(self.blocks))]


@dataclass(frozen=True)
class Passage:
    """What becomes of those who enter a block, at each point: which ports they come to, and what they use."""

    ports: Ints
    reaching: Complexes
    """[point, entry, port]."""
    using: Complexes
    """[point, entry, column]."""


class Solution:
    """Blocks solved at the points of a contour."""

    def __init__(self, blocks: Blocks, kernel: Kernel, per_time: csr_matrix, per_end: csr_matrix) -> None:
        """Solve; per_time, per_end: columns [state, column] gained per time unit in a state, and per stay ended."""
        self.blocks = blocks
        self.kernel = kernel
        self.points = kernel.points
        self.passages: list[Passage] = []
        self._inner = [_Inner(blocks.chain, block, kernel) for block in blocks.blocks]
        later: dict[int, Passage] = {}
        for number in reversed(range(len(blocks.blocks))):
            inner = self._inner[number]
            whole = inner.solved(inner.block.entries)
            later[number] = self._passed(number, inner.spent(whole), later, per_time, per_end)
        self.passages = [later[number] for number in range(len(blocks.blocks))]

    def onward(self, number: int, inflow: Complexes, per_time: csr_matrix, per_end: csr_matrix) -> Passage:
        """Return what becomes of those who appear within a block: inflow [point, row, member]."""
        inner = self._inner[number]
        known = dict(enumerate(self.passages))
        return self._passed(number, inner.spent(inner.carried(inflow)), known, per_time, per_end)

    def occupied(self, inflow: Complexes) -> tuple[Complexes, Complexes]:
        """Return occupancy and stays ended [point, row, state] from an inflow into states [point, row, state]."""
        chain = self.blocks.chain
        size = len(chain.states)
        coming = inflow.copy()
        occupancy, ended = np.zeros_like(coming), np.zeros_like(coming)
        for inner in self._inner:
            members = inner.block.members
            spent = inner.spent(inner.carried(coming[:, :, members]))
            occupancy[:, :, members], ended[:, :, members] = spent
            within = inner.block.targets < size
            coming[:, :, inner.block.targets[within]] += inner.out(spent)[:, :, within]
        return occupancy, ended

    def _passed(
        self,
        number: int,
        spent: tuple[Complexes, Complexes],
        later: dict[int, Passage],
        per_time: csr_matrix,
        per_end: csr_matrix,
    ) -> Passage:
        inner = self._inner[number]
        block, size = inner.block, len(self.blocks.chain.states)
        out = inner.out(spent)
        using = times(spent[0], per_time[block.members]) + times(spent[1], per_end[block.members])
        direct = [(place, target - size) for place, target in enumerate(block.targets.tolist()) if target >= size]
        onward: dict[int, list[tuple[int, int]]] = {}
        for place, target in enumerate(block.targets.tolist()):
            if target < size:
                into = int(self.blocks.block_of[target])
                onward.setdefault(into, []).append((place, int(self.blocks.entry_position[target])))
        ports = self.blocks.ports[number]
        reaching = np.zeros((*out.shape[:2], len(ports)), dtype=np.complex128)
        reaching[:, :, np.searchsorted(ports, [port for _, port in direct])] = out[:, :, [place for place, _ in direct]]
        for into, ways in onward.items():
            places, entries = (list(each) for each in zip(*ways, strict=True))
            passage = later[into]
            reaching[:, :, np.searchsorted(ports, passage.ports)] += out[:, :, places] @ passage.reaching[:, entries]
            using = using + out[:, :, places] @ passage.using[:, entries]
        return Passage(ports, reaching, using)


class _Inner:
    """One block at the points: (I - K)^-1, how long its states last and how their stays end."""

    def __init__(self, chain: Chain, block: Block, kernel: Kernel) -> None:
        self.block = block
        members = block.members
        place = np.full(len(chain.states), -1, dtype=np.int64)
        place[members] = np.arange(len(members))
        mine = np.flatnonzero(place[kernel.rows] >= 0)
        self._rows, self._columns = place[kernel.rows[mine]], place[kernel.columns[mine]]
        self._lasting, self._ending = kernel.lasting[:, mine], kernel.ending[:, mine]
        rates, ends = chain.rates[members], chain.ends[members]
        self._rates, self._ends = rates[:, members], ends[:, members]
        self._rates_out, self._ends_out = rates[:, block.targets], ends[:, block.targets]
        size = len(members)
        mine_alone = chain.memoryless[members]
        self._alone = np.flatnonzero(mine_alone)
        self._lasting_alone = 1.0 / (kernel.points[:, None] + chain.leaving[members[mine_alone]])
        clusters = [cluster for cluster in chain.clusters if place[cluster.members[0]] >= 0]
        self._stays = self._by_stay(clusters, kernel, place)
        self._circles = bool(self._rates.nnz or self._ends.nnz)
        self._factors = self._factored() if self._circles and size > _DENSE else []
        self._inverse = self._inverted() if self._circles and size <= _DENSE else None

    def _kernel_at(self, point: int) -> csr_matrix:
        shape = (len(self.block.members),) * 2
        lasting = csr_matrix((self._lasting[point], (self._rows, self._columns)), shape)
        ending = csr_matrix((self._ending[point], (self._rows, self._columns)), shape)
        return (lasting @ self._rates + ending @ self._ends).tocsr()

    def _factored(self) -> list[Any]:
        unit = identity(len(self.block.members), format="csr")
        return [splu((unit - self._kernel_at(point)).T.tocsc()) for point in range(len(self._lasting))]

    def _inverted(self) -> Complexes:
        size = len(self.block.members)
        lasting = np.zeros((len(self._lasting), size, size), dtype=np.complex128)
        ending = np.zeros_like(lasting)
        lasting[:, self._rows, self._columns] = self._lasting
        ending[:, self._rows, self._columns] = self._ending
        passing = lasting @ self._rates.toarray() + ending @ self._ends.toarray()
        return np.asarray(np.linalg.inv(np.eye(size) - passing), dtype=np.complex128)

    def solved(self, entries: Ints) -> Complexes:
        """Return inflow [point, entry, member] when one person comes by each entry."""
        size = len(self.block.members)
        unit = np.zeros((len(self._lasting), len(entries), size), dtype=np.complex128)
        unit[:, np.arange(len(entries)), entries] = 1.0
        return self.carried(unit)

    def carried(self, inflow: Complexes) -> Complexes:
        """Return the inflow [point, row, member] once people have gone round inside the block."""
        if not self._circles:
            return inflow
        if self._inverse is not None:
            return np.asarray(inflow @ self._inverse)
        return np.stack(
            [solver.solve(np.ascontiguousarray(rows.T)).T for solver, rows in zip(self._factors, inflow, strict=True)]
        )

    def spent(self, inflow: Complexes) -> tuple[Complexes, Complexes]:
        """Return occupancy and stays ended [point, row, member] from an inflow."""
        occupancy, ended = np.zeros_like(inflow), np.zeros_like(inflow)
        alone = self._alone
        occupancy[:, :, alone] = inflow[:, :, alone] * self._lasting_alone[:, None, :]
        for members, lasting, ending in self._stays:
            coming = inflow[:, :, members].transpose(0, 2, 1, 3)
            for found, part in ((occupancy, coming @ lasting), (ended, coming @ ending)):
                found[:, :, members.reshape(-1)] = part.transpose(0, 2, 1, 3).reshape(*inflow.shape[:2], -1)
        return occupancy, ended

    def _by_stay(
        self, clusters: Sequence[Cluster], kernel: Kernel, place: Ints
    ) -> list[tuple[Ints, Complexes, Complexes]]:
        """Return the block's stays that are not memoryless, those of one size together.

        Members [stay, member], lasting and ending [point, stay, member, member].
        """
        pairs = kernel.pairs_of(clusters)
        found = []
        for size in sorted({len(cluster.members) for cluster in clusters}):
            mine = [number for number, cluster in enumerate(clusters) if len(cluster.members) == size]
            members = np.stack([place[clusters[number].members] for number in mine])
            shape = (len(kernel.points), len(mine), size, size)
            numbers = np.concatenate([pairs[number] for number in mine])
            found.append((members, kernel.lasting[:, numbers].reshape(shape), kernel.ending[:, numbers].reshape(shape)))
        return found

    def out(self, spent: tuple[Complexes, Complexes]) -> Complexes:
        """Return what leaves for each target [point, row, target]."""
        return times(spent[0], self._rates_out) + times(spent[1], self._ends_out)


def times(stack: Complexes, matrix: csr_matrix) -> Complexes:
    """Return a stack [point, row, a] times a sparse matrix [a, b]."""
    flat = stack.reshape(-1, stack.shape[-1])
    product: Complexes = np.asarray((matrix.T @ flat.T).T, dtype=np.complex128)
    return product.reshape(*stack.shape[:-1], matrix.shape[1])


def _pathway_parts(chain: Chain, inside: csr_matrix) -> Ints:
    """Return a number for each state: states linked within one pathway share it."""
    pathway = np.array([chain.story.pathway[state.step] for state in chain.states], dtype=np.int64)
    ways = inside.tocoo()
    within = pathway[ways.row] == pathway[ways.col]
    shape = inside.shape
    kept = csr_matrix((np.ones(int(within.sum())), (ways.row[within], ways.col[within])), shape=shape)
    return np.asarray(connected_components(kept, directed=False)[1], dtype=np.int64)


def _strong(parts: Ints, inside: csr_matrix) -> Ints:
    """Return parts with those that lead to one another in circles made one."""
    ways = inside.tocoo()
    count = int(parts.max()) + 1
    between = csr_matrix((np.ones(ways.nnz), (parts[ways.row], parts[ways.col])), shape=(count, count))
    return np.asarray(connected_components(between, directed=True, connection="strong")[1], dtype=np.int64)[parts]


def _ordered(parts: Ints, inside: csr_matrix) -> Ints:
    """Return parts renumbered so that people only go to higher numbers."""
    ways = inside.tocoo()
    pairs = {
        pair for pair in zip(parts[ways.row].tolist(), parts[ways.col].tolist(), strict=True) if pair[0] != pair[1]
    }
    count = int(parts.max()) + 1
    before = np.zeros(count, dtype=np.int64)
    leads: dict[int, list[int]] = {}
    for origin, target in pairs:
        before[target] += 1
        leads.setdefault(origin, []).append(target)
    rank, ready, given = np.zeros(count, dtype=np.int64), np.flatnonzero(before == 0).tolist(), 0
    while ready:
        part = ready.pop()
        rank[part] = given
        given += 1
        for target in leads.get(part, ()):
            before[target] -= 1
            if before[target] == 0:
                ready.append(target)
    return np.asarray(rank[parts])
