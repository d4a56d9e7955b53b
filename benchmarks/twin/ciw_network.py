"""The network in Ciw 3: nodes, routing matrix, reneging."""

import math
from typing import Any

import ciw

from benchmarks.twin.network import Figures, Network, Station

_DRAINING = 365.0  # days after the last arrival


class ArrivalsUntil(ciw.dists.Exponential):
    """Exponential gaps, and none after the last day."""

    def __init__(self, rate: float, days: float) -> None:
        super().__init__(rate)
        self.days = days

    def sample(self, t: float | None = None, ind: Any = None) -> float:
        gap = super().sample(t, ind)
        return math.inf if (t or 0.0) + gap >= self.days else gap


def run(network: Network, seed: int) -> ciw.Simulation:
    """Run one replication."""
    ciw.seed(seed)
    simulation = ciw.Simulation(_network(network))
    simulation.simulate_until_max_time(network.days + _DRAINING)
    return simulation


def _network(network: Network) -> ciw.network.Network:
    stations = network.stations
    routing = [[0.0] * len(stations) for _ in stations]
    for number, station in enumerate(stations):
        for name, probability in station.routes:
            routing[number][network.position[name]] = probability
    arrivals = [ArrivalsUntil(network.arrivals, network.days), *[None] * (len(stations) - 1)]
    return ciw.create_network(
        arrival_distributions=arrivals,
        service_distributions=[_stay(station) for station in stations],
        reneging_time_distributions=[ciw.dists.Exponential(1.0 / station.patience) for station in stations],
        routing=routing,
        number_of_servers=[station.units for station in stations],
    )


def _stay(station: Station) -> ciw.dists.Distribution:
    if station.deviation is None:
        return ciw.dists.Exponential(1.0 / station.mean)
    return ciw.dists.Lognormal(*station.lognormal)


def figures(simulation: ciw.Simulation) -> Figures:
    """Count the model events from Ciw's records."""
    records = simulation.get_all_records()
    served = [record for record in records if record.record_type == "service"]
    reneged = [record for record in records if record.record_type == "renege"]
    waited = sum(record.waiting_time for record in (*served, *reneged))
    return Figures(
        arrivals=simulation.nodes[0].number_of_individuals,
        starts=len(served),
        completions=len(served),
        reneges=len(reneged),
        mean_wait=waited / (len(served) + len(reneged)),
    )
