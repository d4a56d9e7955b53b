"""How far the fluid model is from the twin under one configuration, by resource and basin.

The chain is exact where nobody waits. Where pools saturate it is not: people wait at home and use help there, leave for
another ward, or die before their place is free. What is served is min(load, capacity) in each pool. Whoever is not
served a place that is awaited in an anchor step is counted as living there meanwhile, with the help that goes with it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from instances.instance import Instance
from simulation.components import Pool, pools
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
    waiting: float
    """Units that those use who live where they await a place, for want of it."""
    capacity: float
    """Effective units in the twin."""
    served: float
    """Load and waiting once each pool is cut to its capacity, time to make ready left out."""
    used: float
    """Units in use in the twin, mean over the replications."""
    error: float
    """Standard error of that mean; nan with one replication."""

    @property
    def gap(self) -> float:
        """Served less used, as a part of used; nan where the twin uses nothing."""
        return (self.served - self.used) / self.used if self.used > 0.0 else float("nan")


def fluid_gap(instance: Instance, accounts: Sequence[Account], flows: FluidFlows | None = None) -> tuple[PoolGap, ...]:
    """Return the gap of each resource in each basin, from the twin's whole accounts of one configuration.

    flows: the fluid flows under that configuration's mix; today's when none are given.
    """
    if not accounts:
        raise ValueError("a gap needs the account of at least one replication")
    known = flows or fluid_flows(instance)
    run = instance.settings.horizon.run
    use = known.reference[:, None] * known.use / run
    turnover = known.reference[:, None] * known.turnover / run
    territory = np.array([zone for zone, _, _ in known.cells], dtype=np.int64)
    profile = np.array([profile for _, profile, _ in known.cells], dtype=np.int64)
    found_in: Floats = np.array([account.pools for account in accounts]) / run
    twin = found_in.mean(axis=0)
    inside = [np.isin(territory, _territories(instance, pool)) for pool in pools(instance)]
    waiting = np.zeros((len(instance.territories), len(instance.resources)))
    helped = _helped_while_waiting(instance)
    for mine, pool, (_, capacity, _) in zip(inside, pools(instance), twin, strict=True):
        load = float(use[mine, pool.resource].sum())
        for cell in np.flatnonzero(mine & (use[:, pool.resource] > 0.0)) if load > capacity else ():
            unserved = (use - turnover)[cell, pool.resource] * (1.0 - capacity / load)
            waiting[territory[cell]] += unserved * helped[profile[cell], pool.resource]
    found: dict[tuple[int, str], Floats] = {}
    members: dict[tuple[int, str], list[int]] = {}
    for number, (mine, pool) in enumerate(zip(inside, pools(instance), strict=True)):
        level = instance.resources[pool.resource].level
        load, ready = float(use[mine, pool.resource].sum()), float(turnover[mine, pool.resource].sum())
        meanwhile = float(waiting[_territories(instance, pool), pool.resource].sum())
        capacity, busy = float(twin[number, POOL_CAPACITY]), float(twin[number, POOL_BUSY])
        whole = load + meanwhile
        served = min(whole, capacity) * (1.0 - ready / whole) if whole > 0.0 else 0.0
        basin = pool.zone if level == "region" else instance.ancestor(pool.zone, "basin") or pool.zone
        row = found.setdefault((pool.resource, basin), np.zeros(5))
        row += [load, meanwhile, capacity, served, busy]
        members.setdefault((pool.resource, basin), []).append(number)
    gaps = []
    for (resource, zone), row in found.items():
        load, meanwhile, capacity, served, used = (float(each) for each in row)
        error = _error(found_in[:, members[resource, zone], POOL_BUSY])
        name = instance.resources[resource].resource
        gaps.append(PoolGap(name, zone, load, meanwhile, capacity, served, used, error))
    return tuple(gaps)


def _error(busy: Floats) -> float:
    """Return the standard error of the mean over replications of what pools use together [replication, pool]."""
    whole = busy.sum(axis=1)
    return float(whole.std(ddof=1) / np.sqrt(len(whole))) if len(whole) > 1 else float("nan")


def _territories(instance: Instance, pool: Pool) -> list[int]:
    """Return the territories that a pool serves."""
    level = instance.resources[pool.resource].level
    return [n for n, row in enumerate(instance.territories) if instance.ancestor(row.zone, level) == pool.zone]


def _helped_while_waiting(instance: Instance) -> Floats:
    """Return the units of help that go with awaiting one unit of a place in an anchor step [profile, place, help].

    Where several steps of a profile await the place, those of the first pathway count.
    """
    number = {row.resource: place for place, row in enumerate(instance.resources)}
    found = np.zeros((len(instance.profiles), len(number), len(number)))
    for row, profile in enumerate(instance.profiles):
        seen: set[str] = set()
        for key in dict.fromkeys((step.pathway, step.step) for step in instance.expanded.steps if step.anchor):
            services = instance.expanded.service_rows(*key, profile.profile)
            for place in (each for each in services if each.leads_to and each.resource not in seen):
                seen.add(place.resource)
                for each in services:
                    if not each.leads_to:
                        found[row, number[place.resource], number[each.resource]] += each.amount / place.amount
    return found
