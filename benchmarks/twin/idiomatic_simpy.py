"""The network as a SimPy user writes it: `Resource`, and each request raced against patience with AnyOf."""

from collections.abc import Generator
from random import Random
from typing import Any

import simpy

from benchmarks.twin.network import Figures, Network, Station


def run(network: Network, seed: int) -> Figures:
    """Run one replication."""
    return _Hospital(network, seed).run()


class _Hospital:
    def __init__(self, network: Network, seed: int) -> None:
        self.network = network
        self.environment = simpy.Environment()
        self.random = Random(seed)
        self.pools = {station.name: simpy.Resource(self.environment, station.units) for station in network.stations}
        self.stations = {station.name: station for station in network.stations}
        self.arrivals = self.starts = self.completions = self.reneges = 0
        self.wait = 0.0

    def run(self) -> Figures:
        self.environment.process(self.source())
        self.environment.run()
        return Figures(
            self.arrivals, self.starts, self.completions, self.reneges, self.wait / (self.starts + self.reneges)
        )

    def source(self) -> Generator[simpy.Event, Any, None]:
        while True:
            yield self.environment.timeout(self.random.expovariate(self.network.arrivals))
            if self.environment.now >= self.network.days:
                return
            self.arrivals += 1
            self.environment.process(self.patient())

    def patient(self) -> Generator[simpy.Event, Any, None]:
        station: Station | None = self.network.stations[0]
        while station is not None:
            with self.pools[station.name].request() as request:
                asked = self.environment.now
                patience = self.environment.timeout(self.random.expovariate(1.0 / station.patience))
                outcome = yield request | patience
                self.wait += self.environment.now - asked
                if request not in outcome:
                    self.reneges += 1
                    return
                self.starts += 1
                yield self.environment.timeout(self.stay(station))
                self.completions += 1
            station = self.next_station(station)

    def stay(self, station: Station) -> float:
        if station.deviation is None:
            return self.random.expovariate(1.0 / station.mean)
        return self.random.lognormvariate(*station.lognormal)

    def next_station(self, station: Station) -> Station | None:
        draw = self.random.random()
        for name, probability in station.routes:
            draw -= probability
            if draw < 0.0:
                return self.stations[name]
        return None
