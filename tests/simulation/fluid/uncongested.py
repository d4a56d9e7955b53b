"""Random instances where nobody waits and no onset or keep acts, so that the fluid chain is exact; and their twin."""

from dataclasses import dataclass, fields, replace

import numpy as np
from numpy.typing import NDArray

from instances.instance import Instance
from instances.tables import Capacity, Cost, Need, Payer, Price, Provider
from simulation.components import pools
from simulation.configuration import Configuration
from simulation.fluid import FluidModel
from simulation.ledgers.account import Account
from simulation.ledgers.chart import Chart
from simulation.ledgers.replay import (
    ENTRIES,
    GATE_TIME,
    KEPT_TIME,
    PERSON_TIME,
    POOL_BUSY,
    QALY,
    QALY_DISCOUNTED,
    SERVICE_TIME,
)
from simulation.twin import Twin

Floats = NDArray[np.float64]
YEAR = 365.25
PLENTY = 100_000
DISCOUNT_RATE = 1.0
"""A year: what happens at the end of a run of a month counts 6 % less, so that discounting shows."""


def uncongested(instance: Instance, *, arrivals: float = 20.0) -> Instance:
    """Return an instance with room for all, services that act and end at once, marks for ever, nobody steered."""
    horizon = instance.settings.horizon.model_copy(update={"drain": False})
    economics = instance.settings.economics.model_copy(update={"discount_rate": DISCOUNT_RATE})
    resources = [row.resource for row in instance.resources]
    return replace(
        instance,
        settings=instance.settings.model_copy(update={"horizon": horizon, "economics": economics}),
        payers=(Payer(id="state"), Payer(id="town")),
        providers=(Provider(id="firm"), Provider(id="club")),
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
            Cost(provider="club", subject="step:visit", basis="entry", amount=30.0),
            Cost(provider="club", subject="step:s0", profile="a", basis="day", amount=5.0),
            Cost(subject=f"resource:{resources[0]}", basis="hour", amount=0.5),
        ),
        prices=(
            Price(subject="step:home", basis="day", payer="state", provider="club", amount=3.0),
            Price(subject="step:home", profile="b", basis="day", payer="state", provider="club", amount=4.0),
            Price(subject="step:usual/s0", basis="entry", payer="town", provider="club", amount=70.0),
            Price(subject="pathway:more", basis="day", payer="town", provider="club", amount=1.5),
            Price(subject=f"resource:{resources[0]}", basis="day", payer="state", amount=9.0),
            Price(subject="step:s0", basis="entry", payer="town", provider="firm", amount=40.0),
            Price(subject=f"service:{resources[-1]}", basis="hour", payer="town", amount=0.25),
        ),
    )


def _need(need: Need, arrivals: float, warm_up: float) -> Need:
    """Nobody is steered: a census stands only where there is no warm-up, and then arrives at time 0."""
    initial = None if warm_up > 0.0 or need.initial is None else int(need.initial * arrivals)
    return need.model_copy(update={"initial": initial, "arrivals": need.arrivals * arrivals})


@dataclass(frozen=True)
class Lived:
    """What was lived through in a run, by territory and the profile people have at the time, and by pool."""

    time: Floats
    """[territory, profile]."""
    qaly: Floats
    """[territory, profile]."""
    qaly_discounted: Floats
    """[territory, profile]."""
    entries: Floats
    """[territory, profile, (pathway, step)]."""
    use: Floats
    """[territory, profile, resource] unit-time, turnover left out."""
    busy: Floats
    """[pool] unit-time, turnover left out."""
    revenue: Floats
    """[territory, profile, payer, provider]."""
    cost: Floats
    """[territory, profile, provider]."""
    cost_discounted: Floats
    """[territory, profile, provider]."""

    def flat(self) -> Floats:
        """Return every figure in one row."""
        return np.concatenate([getattr(self, each.name).reshape(-1) for each in fields(self)])

    def names(self) -> list[str]:
        """Return what each figure of `flat` is."""
        return [
            f"{each.name}{list(map(int, place))}"
            for each in fields(self)
            for place in np.ndindex(getattr(self, each.name).shape)
        ]


def of_twin(instance: Instance, configuration: Configuration, replications: int, seed: int) -> Floats:
    """Return every figure [replication, figure] in replications of the twin."""
    twin, chart = Twin(instance, seed=seed), Chart(instance)
    return np.array(
        [_of_account(chart, twin.whole_account(configuration, number)).flat() for number in range(replications)]
    )


def _of_account(chart: Chart, account: Account) -> Lived:
    resource = np.array([pool.resource for pool in pools(chart.instance)])[chart.channel_pool]
    held = account.channels[..., [GATE_TIME, SERVICE_TIME, KEPT_TIME]].sum(axis=(2, 3))
    use = np.zeros((len(chart.zones), len(chart.profiles), len(chart.instance.resources)))
    np.add.at(use.transpose(0, 2, 1), (chart.channel_zone, resource), held)
    return Lived(
        time=account.persons[..., PERSON_TIME].sum(axis=2),
        qaly=account.persons[..., QALY].sum(axis=2) / YEAR,
        qaly_discounted=account.persons[..., QALY_DISCOUNTED].sum(axis=2) / YEAR,
        entries=account.visits[..., ENTRIES],
        use=use,
        busy=account.pools[:, POOL_BUSY],
        revenue=account.revenue[:, :, :, :-1].sum(axis=-1).transpose(2, 3, 0, 1),
        cost=account.cost[:, :, :-1].sum(axis=-1).transpose(1, 2, 0),
        cost_discounted=account.cost_discounted[:, :, :-1].sum(axis=-1).transpose(1, 2, 0),
    )


def of_fluid(instance: Instance, configuration: Configuration) -> Lived:
    """Return the figures of the fluid model under a mix."""
    plain = FluidModel(instance, by_profile=True).flows_by_profile(configuration)
    discounted = FluidModel(instance, by_profile=True, discounted=True).flows_by_profile(configuration)
    use = plain.use - plain.turnover
    busy = []
    for pool in pools(instance):
        level = instance.resources[pool.resource].level
        mine = [n for n, zone in enumerate(instance.territories) if instance.ancestor(zone.zone, level) == pool.zone]
        busy.append(use[mine, :, pool.resource].sum())
    return Lived(
        time=plain.person_time,
        qaly=plain.qaly,
        qaly_discounted=discounted.qaly,
        entries=plain.entries,
        use=use,
        busy=np.array(busy),
        revenue=_named(plain.paid[0]),
        cost=_named(plain.cost),
        cost_discounted=_named(discounted.cost),
    )


def _named(money: Floats) -> Floats:
    """Return money by provider, what goes to those who run a resource being the first provider's, who runs all."""
    found = money[..., :-1].copy()
    found[..., 0] += money[..., -1]
    return found
