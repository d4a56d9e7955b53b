"""A configuration as integer genes, and back.

One gene per offer cell (share steps away from today), one per capacity row (lots away from today) and one for the
contract (its place among those that may be chosen). Today is the zero of all shares and capacities, so every value is
a whole number of steps from what exists and no rounding builds up on the way.
"""

from dataclasses import dataclass
from math import ceil, floor

import numpy as np
from numpy.typing import NDArray

from instances.instance import Instance
from instances.tables import Capacity
from simulation.configuration import Configuration, offer_cells

Genes = NDArray[np.int64]
ROUNDING = 1e-9
SHARE_DIGITS = 9


@dataclass(frozen=True)
class Encoding:
    """How the decisions of one instance are laid out as genes: shares, capacities, contract."""

    contracts: tuple[str, ...]
    """Contracts that may be chosen."""
    current: NDArray[np.float64]
    """[share and capacity gene] value today."""
    size: NDArray[np.float64]
    """[share and capacity gene] value of one step or lot."""
    low: Genes
    """[gene] least value."""
    high: Genes
    """[gene] greatest value."""
    block: Genes
    """[gene] territory, or -1 for the contract."""
    group: Genes
    """[share gene] which of them must sum to one together: one group per (territory, profile)."""
    today: Genes
    """[gene] today's configuration."""

    @property
    def shares(self) -> int:
        """Number of share genes."""
        return len(self.group)

    @property
    def decided(self) -> int:
        """Number of share and capacity genes."""
        return len(self.current)

    def configuration(self, genes: Genes) -> Configuration:
        """Return the configuration that genes stand for."""
        values = self.current + self.size * genes[: self.decided]
        return Configuration(
            shares=tuple(_tidy(value) for value in values[: self.shares]),
            capacities=tuple(round(value) for value in values[self.shares :]),
            contract=self.contracts[int(genes[-1])],
        )

    def genes(self, configuration: Configuration) -> Genes:
        """Return the genes nearest to a configuration; values between two steps go to the nearest one."""
        values = np.array([*configuration.shares, *configuration.capacities], dtype=np.float64)
        steps = np.rint((values - self.current) / self.size).astype(np.int64)
        contract = self.contracts.index(configuration.contract) if configuration.contract in self.contracts else 0
        return np.append(steps, contract)

    def is_exact(self, configuration: Configuration) -> bool:
        """Say whether a configuration lies on the steps and lots, and its contract may be chosen."""
        values = np.array([*configuration.shares, *configuration.capacities], dtype=np.float64)
        steps = (values - self.current) / self.size
        on_grid = bool(np.all(np.abs(steps - np.rint(steps)) < 1e-6))
        return on_grid and configuration.contract in self.contracts


def encoding_of(instance: Instance) -> Encoding:
    """Lay out an instance's decisions."""
    cells = offer_cells(instance)
    territories = [zone.zone for zone in instance.territories]
    profiles = [row.profile for row in instance.profiles]
    contracts = instance.contract_codes if instance.settings.decide_contract else (instance.settings.contract,)
    ranges = [_steps(cell.current, cell.minimum, cell.maximum, cell.step) for cell in cells]
    ranges += [_lots(row) for row in instance.capacities]
    currents = [*(cell.current for cell in cells), *(row.current for row in instance.capacities)]
    sizes = [*(cell.step for cell in cells), *(row.lot for row in instance.capacities)]
    today = np.zeros(len(ranges) + 1, dtype=np.int64)
    today[-1] = contracts.index(instance.settings.contract)
    groups: dict[tuple[int, int], int] = {}
    keys = [(territories.index(cell.zone), profiles.index(cell.profile)) for cell in cells]
    return Encoding(
        contracts=contracts,
        current=np.array(currents, dtype=np.float64),
        size=np.array(sizes, dtype=np.float64),
        low=np.array([*(low for low, _ in ranges), 0], dtype=np.int64),
        high=np.array([*(high for _, high in ranges), len(contracts) - 1], dtype=np.int64),
        block=np.array(
            [*(zone for zone, _ in keys), *(territories.index(row.zone) for row in instance.capacities), -1],
            dtype=np.int64,
        ),
        group=np.array([groups.setdefault(key, len(groups)) for key in keys], dtype=np.int64),
        today=today,
    )


def _lots(row: Capacity) -> tuple[int, int]:
    minimum = row.current if row.minimum is None else row.minimum
    maximum = row.current if row.maximum is None else row.maximum
    return _steps(row.current, minimum, maximum, row.lot)


def _steps(current: float, minimum: float, maximum: float, size: float) -> tuple[int, int]:
    """Return the least and greatest whole number of steps from today that stay within bounds.

    >>> _steps(0.3, 0.0, 1.0, 0.25)
    (-1, 2)
    """
    return ceil((minimum - current) / size - ROUNDING), floor((maximum - current) / size + ROUNDING)


def _tidy(share: float) -> float:
    """Return a share without the dust of floating point, so that equal mixes are equal texts."""
    return round(float(share), SHARE_DIGITS) + 0.0
