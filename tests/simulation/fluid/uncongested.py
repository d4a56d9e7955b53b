"""Random instances where nobody waits and no onset or keep acts, so that the fluid chain is exact; and their twin."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from instances.instance import Instance
from instances.tables import Capacity, Cost, Need, Provider
from simulation.components import pools
from simulation.configuration import Configuration, todays_configuration
from simulation.fluid import FluidFlows
from simulation.ledgers.account import Account
from simulation.ledgers.replay import ENTRIES, PERSON_TIME, POOL_BUSY, QALY
from simulation.twin import Twin

Floats = NDArray[np.float64]
YEAR = 365.25
PLENTY = 100_000


def uncongested(instance: Instance, *, arrivals: float = 20.0) -> Instance:
    """Return an instance with room for all, services that act and end at once, marks for ever, nobody steered."""
    horizon = instance.settings.horizon.model_copy(update={"drain": False})
    resources = [row.resource for row in instance.resources]
    return replace(
        instance,
        settings=instance.settings.model_copy(update={"horizon": horizon}),
        providers=(Provider(id="firm"),),
        capacities=tuple(
            Capacity(zone=zone.zone, resource=resource, provider="firm", current=PLENTY)
            for zone in instance.territories
            for resource in resources
        ),
        needs=tuple(_need(need, arrivals, horizon.warm_up) for need in instance.needs),
        services=tuple(
            row.model_copy(update={"onset": 0.0, "keep": 0.0, "leads_to": row.leads_to if row.step == "home" else ""})
            for row in instance.services
        ),
        moves=tuple(row.model_copy(update={"mark_days": None}) for row in instance.moves if row.phase == "stay"),
        costs=(
            Cost(provider="firm", subject="step:home", basis="day", amount=2.0),
            Cost(provider="firm", subject="step:visit", basis="entry", amount=30.0),
            Cost(subject=f"resource:{resources[0]}", basis="hour", amount=0.5),
        ),
    )


def _need(need: Need, arrivals: float, warm_up: float) -> Need:
    """Nobody is steered: a census stands only where there is no warm-up, and then arrives at time 0."""
    initial = None if warm_up > 0.0 or need.initial is None else int(need.initial * arrivals)
    return need.model_copy(update={"initial": initial, "arrivals": need.arrivals * arrivals})


@dataclass(frozen=True)
class Lived:
    """What was lived through in a run; arrays over territories, (pathway, step), and pools."""

    time: Floats
    qaly: Floats
    entries: Floats
    busy: Floats
    cost: Floats

    def flat(self) -> Floats:
        """Return every figure in one row."""
        return np.concatenate([each.reshape(-1) for each in (self.time, self.qaly, self.entries, self.busy, self.cost)])


def of_twin(instance: Instance, configuration: Configuration, replications: int, seed: int) -> tuple[Floats, Floats]:
    """Return the mean and its standard error of every figure over replications of the twin."""
    twin = Twin(instance, seed=seed)
    rows = np.array([_of_account(twin.whole_account(configuration, number)).flat() for number in range(replications)])
    return rows.mean(axis=0), rows.std(axis=0, ddof=1) / np.sqrt(replications)


def _of_account(account: Account) -> Lived:
    return Lived(
        time=account.persons[..., PERSON_TIME].sum(axis=(1, 2)),
        qaly=account.persons[..., QALY].sum(axis=(1, 2)) / YEAR,
        entries=account.visits[..., ENTRIES].sum(axis=1),
        busy=account.pools[:, POOL_BUSY],
        cost=account.cost.sum(axis=(0, 2, 3)),
    )


def of_fluid(instance: Instance, flows: FluidFlows) -> Lived:
    """Return the figures of the fluid model under its reference mix."""
    territory = np.array([zone for zone, _, _ in flows.cells])
    zones = len(instance.territories)
    inside = (territory[None, :] == np.arange(zones)[:, None]) * flows.reference
    held = inside @ (flows.use - flows.turnover)
    busy = []
    for pool in pools(instance):
        level = instance.resources[pool.resource].level
        mine = [n for n, zone in enumerate(instance.territories) if instance.ancestor(zone.zone, level) == pool.zone]
        busy.append(held[mine, pool.resource].sum())
    money = flows.cost_free.sum(axis=1) + flows.cost_tied.sum(axis=(1, 2))
    return Lived(
        time=inside @ flows.person_time,
        qaly=inside @ flows.qaly,
        entries=inside @ flows.entries,
        busy=np.array(busy),
        cost=inside @ money,
    )


def today(instance: Instance) -> Configuration:
    """Return today's configuration."""
    return todays_configuration(instance)
