"""Where people go on from ports in the chain of the remaining value, whatever the mix; found once for all draws.

Crossings into ports are grouped by what decides how they go on: the profile and pathway before, and the port.
"""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from simulation.fluid.contexts import SURE
from simulation.fluid.lumps import Lump
from simulation.fluid.structure import Entries, Structure

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


class Crossings:
    """Groups of crossings, and the candidates for where each group lands.

    groups: (profile, pathway or -1, port). Candidates: `group`, `pathway`, the lump that falls (place in `lumps`), the
    state entered (-1: the row only tells the lump) and the place of its probability among the quantities.
    """

    def __init__(self, structure: Structure) -> None:
        self._structure = structure
        last = structure.hosts(structure.offered)
        before = [(state.profile, last.get((state.step, state.profile), -1)) for state in structure.states]
        kinds = {kind: number for number, kind in enumerate(dict.fromkeys(before))}
        self._kind = np.array([kinds[kind] for kind in before], dtype=np.int64)
        rows, ports = self._pattern()
        self._codes = np.unique(self._code(rows, ports))
        of_kind = list(kinds)
        count = max(1, len(structure.ports))
        self.groups = [(*of_kind[code // count], code % count) for code in self._codes.tolist()]
        self._candidates()
        names = np.array([state.profile * structure.story.steps + state.step for state in structure.states])
        self.place = names.astype(np.int64)
        """[state] profile times steps plus step."""

    def into(self, to_ports: csr_matrix) -> csr_matrix:
        """Return crossings by group [state, group] from crossings by port [state, port]."""
        ways = to_ports.tocoo()
        groups = np.searchsorted(self._codes, self._code(ways.row.astype(np.int64), ways.col.astype(np.int64)))
        return csr_matrix((ways.data, (ways.row, groups)), (to_ports.shape[0], len(self.groups)))

    def _code(self, states: Ints, ports: Ints) -> Ints:
        return np.asarray(self._kind[states] * max(1, len(self._structure.ports)) + ports)

    def _pattern(self) -> tuple[Ints, Ints]:
        """Return the pairs (state, port) that one stay may lead to."""
        structure = self._structure
        size = len(structure.states)
        alone = np.flatnonzero(structure.memoryless)
        rows = np.concatenate([alone, *(np.repeat(members, len(members)) for members in structure.clusters)])
        columns = np.concatenate([alone, *(np.tile(members, len(members)) for members in structure.clusters)])
        staying = csr_matrix((np.ones(len(rows)), (rows, columns)), (size, size))
        shape = (size, size + len(structure.ports))
        leaving = _pattern_of(structure.rates, shape) + _pattern_of(structure.ends, shape)
        pairs = (staying @ leaving).tocsr()[:, size:].tocoo()
        return pairs.row.astype(np.int64), pairs.col.astype(np.int64)

    def _candidates(self) -> None:
        structure = self._structure
        story = structure.story
        lumps: dict[Lump, int] = {}
        rows: list[tuple[int, int, int, int, int]] = []
        for number, (_, host, port) in enumerate(self.groups):
            there = structure.ports[port]
            before = host if host >= 0 else story.pathway[there.step]
            for pathway in structure.offered[there.profile] or (-1,):
                landing = story.land(there, pathway)
                lump = lumps.setdefault(Lump.landing(landing, before), len(lumps))
                rows.append((number, pathway, lump, -1, SURE))
                rows += [(number, pathway, lump, structure.number[state], part) for part, state in landing.outcomes]
        self.lumps = list(lumps)
        self.group, self.pathway, self.lump, self.state, self.part = np.array(rows, dtype=np.int64).reshape(-1, 5).T
        self.is_outcome = self.state >= 0
        there = [structure.ports[port].profile for _, _, port in self.groups]
        offered = np.array([max(1, len(structure.offered[profile])) for profile in there], dtype=np.int64)
        self.rivals = offered[self.group]
        """[candidate] how many pathways the person may be offered."""


@lru_cache(maxsize=8)
def crossings_of(structure: Structure) -> Crossings:
    """Return the crossings of a structure."""
    return Crossings(structure)


def _pattern_of(entries: Entries, shape: tuple[int, int]) -> csr_matrix:
    return csr_matrix((np.ones(len(entries.rows)), (entries.rows, entries.columns)), shape=shape)
