"""What is served of the fluid flows, and what is not, by territory and profile: served = min(load, capacity) in a pool.

Whoever comes to a pool counts alike: all of its territories and profiles are served the same part of their load.
(Priorities and queues decide otherwise in the twin; `gap` says by how much the pool's total is off.)
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from instances.instance import Instance
from simulation.compilation import effective_units
from simulation.components import Pool, pools
from simulation.configuration import Configuration, todays_configuration
from simulation.fluid.flow_tables import ProfileFlows

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class ServedFlows:
    """Average units over the run [territory, profile, resource], time to make units ready again included."""

    load: Floats
    """In use were nobody made to wait."""
    served: Floats
    """In use once each pool is cut to its capacity."""

    @property
    def unmet(self) -> Floats:
        """What is not served: load less served."""
        return np.asarray(self.load - self.served)


def served_flows(instance: Instance, flows: ProfileFlows, configuration: Configuration) -> ServedFlows:
    """Cut the flows of a configuration to its capacities, pool by pool.

    flows: of the same configuration, not discounted. Where a territory has no pool of a resource nothing is served.
    """
    load = flows.use / instance.settings.horizon.run
    part = np.zeros((len(instance.territories), len(instance.resources)))
    for pool in pools(instance):
        level = instance.resources[pool.resource].level
        inside = [n for n, row in enumerate(instance.territories) if instance.ancestor(row.zone, level) == pool.zone]
        wanted, units = float(load[inside, :, pool.resource].sum()), capacity_over_run(instance, configuration, pool)
        part[inside, pool.resource] = min(1.0, units / wanted) if wanted > 0.0 else 1.0
    return ServedFlows(load, load * part[:, None, :])


def capacity_over_run(instance: Instance, configuration: Configuration, pool: Pool) -> float:
    """Return a pool's effective units, averaged over the run; each row changes after its lead time."""
    run = instance.settings.horizon.run
    now = list(todays_configuration(instance).capacities)
    moving = [row for row in pool.rows if configuration.capacities[row] != now[row]]
    times = sorted({min(instance.capacities[row].lead_time, run) for row in moving})
    total = 0.0
    for begin, end in zip([0.0, *times], [*times, run], strict=True):
        for row in moving:
            if instance.capacities[row].lead_time <= begin:
                now[row] = configuration.capacities[row]
        units = effective_units(instance, Configuration(configuration.shares, tuple(now), ""), pool.rows)
        total += units * (end - begin)
    return total / run
