"""How new proposals come from old ones: whole territories are swapped, few of them are changed.

Territories that stay as they were need no new simulation where they share nothing with the changed ones, and a good
local mix survives in one piece.
"""

from dataclasses import dataclass

import numpy as np

from instances.instance import Instance
from optimisation.encoding import Encoding, Genes

BASIN_SWAP = 0.25
"""Part of the crossovers that swap whole basins."""
BLEND = 0.1
"""Part of the territories that mix the genes of both parents."""
ANOTHER_CHANGE = 0.5
"""Chance that a mutation is followed by another one."""
MOST_CHANGES = 6
CONTRACT_CHANGE = 0.1


@dataclass(frozen=True)
class Operators:
    """Crossover and mutation over the decisions of one instance."""

    encoding: Encoding
    basins: tuple[tuple[int, ...], ...]
    """Territories that lie together."""
    blocks: bool = True
    """Whether territories are swapped whole and changed one at a time; else single genes anywhere."""

    def crossed(self, first: Genes, second: Genes, random: np.random.Generator) -> tuple[Genes, Genes]:
        """Return two children: every territory (or basin) of each comes whole from one parent, few are blends."""
        swapped = np.zeros(self.encoding.block.shape, dtype=bool)
        together = self.basins if random.random() < BASIN_SWAP else [(t,) for basin in self.basins for t in basin]
        for territories in together:
            if random.random() < 0.5:
                swapped |= np.isin(self.encoding.block, territories)
        for territory in (t for basin in self.basins for t in basin):
            if not self.blocks or random.random() < BLEND:
                self._blend(swapped, territory, random)
        swapped[-1] = random.random() < 0.5
        return np.where(swapped, second, first), np.where(swapped, first, second)

    def mutated(self, genes: Genes, random: np.random.Generator) -> Genes:
        """Return a copy with a few shares, capacities or the contract changed, most often within one territory."""
        child = genes.copy()
        free = np.flatnonzero(self.encoding.low < self.encoding.high)
        if not len(free):
            return child
        territory = int(self.encoding.block[random.choice(free)])
        for _ in range(MOST_CHANGES):
            self._change(child, territory, random)
            if not self.blocks:
                territory = int(self.encoding.block[random.choice(free)])
            if random.random() >= ANOTHER_CHANGE:
                break
        if self.encoding.high[-1] > 0 and random.random() < CONTRACT_CHANGE:
            child[-1] = random.integers(self.encoding.high[-1] + 1)
        return child

    def _blend(self, swapped: np.ndarray, territory: int, random: np.random.Generator) -> None:
        """Draw each profile's mix and each capacity of a territory from either parent."""
        encoding = self.encoding
        mine = encoding.block[: encoding.decided] == territory
        for group in np.unique(encoding.group[mine[: encoding.shares]]):
            swapped[np.flatnonzero(encoding.group == group)] = random.random() < 0.5
        capacities = encoding.shares + np.flatnonzero(mine[encoding.shares :])
        swapped[capacities] = random.random(len(capacities)) < 0.5

    def _change(self, genes: Genes, territory: int, random: np.random.Generator) -> None:
        encoding = self.encoding
        free = (encoding.low < encoding.high) & (encoding.block == territory)
        groups = np.unique(encoding.group[free[: encoding.shares]])
        capacities = encoding.shares + np.flatnonzero(free[encoding.shares : encoding.decided])
        if len(groups) and (not len(capacities) or random.random() < 0.5):
            self._move_share(genes, int(random.choice(groups)), random)
        elif len(capacities):
            self._resize(genes, int(random.choice(capacities)), random)

    def _move_share(self, genes: Genes, group: int, random: np.random.Generator) -> None:
        """Move some steps of share from one pathway of a profile to another."""
        cells = np.flatnonzero(self.encoding.group == group)
        givers = [cell for cell in cells if genes[cell] > self.encoding.low[cell]]
        takers = [cell for cell in cells if genes[cell] < self.encoding.high[cell]]
        pairs = [(giver, taker) for giver in givers for taker in takers if giver != taker]
        if pairs:
            giver, taker = pairs[int(random.integers(len(pairs)))]
            most = min(genes[giver] - self.encoding.low[giver], self.encoding.high[taker] - genes[taker])
            steps = int(random.integers(1, most + 1))
            genes[giver] -= steps
            genes[taker] += steps

    def _resize(self, genes: Genes, gene: int, random: np.random.Generator) -> None:
        """Add or take some lots, seldom more than a quarter of the range."""
        low, high = int(self.encoding.low[gene]), int(self.encoding.high[gene])
        most = max(1, (high - low) // 4)
        lots = int(random.integers(1, most + 1)) * (1 if random.random() < 0.5 else -1)
        moved = genes[gene] + lots
        genes[gene] = min(max(moved if low <= moved <= high else genes[gene] - lots, low), high)


def operators_of(instance: Instance, encoding: Encoding, *, blocks: bool = True) -> Operators:
    """Return the operators of an instance: territories of one basin lie together, others stand alone."""
    basins: dict[str, list[int]] = {}
    for number, zone in enumerate(instance.territories):
        basins.setdefault(instance.ancestor(zone.zone, "basin") or zone.zone, []).append(number)
    return Operators(encoding, tuple(tuple(group) for group in basins.values()), blocks)
