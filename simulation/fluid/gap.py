"""How far the fluid model is from the twin under today's configuration, by resource and basin.

The chain is exact where nobody waits. Where pools saturate it is not: people wait at home and use help there, leave for
another ward, or die before their place is free. What is served is min(load, capacity) in each pool.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from instances.instance import Instance
from simulation.components import pools
from simulation.fluid.flow_tables import FluidFlows
from simulation.fluid.flows import fluid_flows
from simulation.ledgers.account import Account
from simulation.ledgers.replay import POOL_BUSY, POOL_CAPACITY

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class PoolGap:
    """One resource in one basin (or region): average units over the run."""

    resource: str
    zone: str
    load: float
    """Units the fluid model would use were nobody made to wait, time to make units ready again included."""
    capacity: float
    """Effective units in the twin."""
    served: float
    """Units in use in the fluid model once each pool is cut to its capacity, time to make ready left out."""
    used: float
    """Units in use in the twin, mean over the replications."""

    @property
    def gap(self) -> float:
        """Served less used, as a part of used; nan where the twin uses nothing."""
        return (self.served - self.used) / self.used if self.used > 0.0 else float("nan")


def fluid_gap(instance: Instance, accounts: Sequence[Account], flows: FluidFlows | None = None) -> tuple[PoolGap, ...]:
    """Return the gap of each resource in each basin, from the twin's whole accounts of today's configuration.

    flows: the fluid flows of today, where they are known already.
    """
    if not accounts:
        raise ValueError("a gap needs the account of at least one replication")
    known = flows or fluid_flows(instance)
    run = instance.settings.horizon.run
    use = known.reference[:, None] * known.use / run
    turnover = known.reference[:, None] * known.turnover / run
    territory = np.array([zone for zone, _, _ in known.cells], dtype=np.int64)
    twin: Floats = np.mean([account.pools for account in accounts], axis=0) / run
    found: dict[tuple[int, str], Floats] = {}
    for number, pool in enumerate(pools(instance)):
        resource = instance.resources[pool.resource]
        inside = [
            place
            for place, zone in enumerate(instance.territories)
            if instance.ancestor(zone.zone, resource.level) == pool.zone
        ]
        if not inside:
            continue
        mine = np.isin(territory, inside)
        load, ready = float(use[mine, pool.resource].sum()), float(turnover[mine, pool.resource].sum())
        capacity, busy = float(twin[number, POOL_CAPACITY]), float(twin[number, POOL_BUSY])
        served = min(load, capacity) * (1.0 - ready / load) if load > 0.0 else 0.0
        basin = pool.zone if resource.level == "region" else instance.ancestor(pool.zone, "basin") or pool.zone
        row = found.setdefault((pool.resource, basin), np.zeros(4))
        row += [load, capacity, served, busy]
    return tuple(
        PoolGap(instance.resources[resource].resource, zone, *row.tolist()) for (resource, zone), row in found.items()
    )
