"""The network in the package `cimba`: compiled processes on the Cimba engine, patience as a timer."""

import cimba as cb
import numpy as np

from benchmarks.twin.network import Figures, Network

_OUT_OF_PATIENCE = 7
_DRAINING = 365.0  # days after the last arrival


class Station(cb.Model):
    """One pool; where patients go from it is drawn between two next stations, -1 being home."""

    pool: cb.Resource
    mean: cb.Param[float]
    location: cb.Param[float]  # of a lognormal stay
    spread: cb.Param[float]  # 0: the stay is exponential
    patience: cb.Param[float]
    first_share: cb.Param[float]
    first: cb.Param[int]
    second: cb.Param[int]
    starts: cb.Output[int]
    reneges: cb.Output[int]
    completions: cb.Output[int]
    waited: cb.Output[float]

    @cb.on_start
    def clear(self) -> None:
        self.waited = 0.0


class Hospital(cb.Model):
    """The source of patients, and the stations."""

    stations: list[Station]
    gap: cb.Param[float]
    days: cb.Param[float]
    arrivals: cb.Output[int]

    @cb.process
    def source(self) -> None:
        cb.hold(cb.random.exponential(self.gap))
        while cb.now() < self.days:
            self.arrivals += 1
            cb.spawn(Patient, hospital=self)
            cb.hold(cb.random.exponential(self.gap))


class Patient(cb.Model):
    """One patient, from arrival to the last step or to lost patience."""

    hospital: cb.Ref[Hospital]

    @cb.process
    def live(self) -> None:
        number = 0
        while number >= 0:
            station = self.hospital.stations[number]
            asked = cb.now()
            process = cb.this_process()
            process.timer_set(cb.random.exponential(station.patience), _OUT_OF_PATIENCE)
            signal = station.pool.acquire()
            station.waited += cb.now() - asked
            if signal == _OUT_OF_PATIENCE:
                station.reneges += 1
                break
            process.timers_clear()
            station.starts += 1
            if station.spread > 0.0:
                cb.hold(cb.random.lognormal(station.location, station.spread))
            else:
                cb.hold(cb.random.exponential(station.mean))
            station.pool.release()
            station.completions += 1
            number = station.first if cb.random.uniform(0.0, 1.0) < station.first_share else station.second
        cb.release(self)


def hospital_of(network: Network) -> Hospital:
    """Configure the model, which is compiled when first run."""
    hospital = Hospital()
    hospital.gap, hospital.days = 1.0 / network.arrivals, network.days
    hospital.stations = [_station(network, number) for number in range(len(network.stations))]
    return hospital


def _station(network: Network, number: int) -> Station:
    given = network.stations[number]
    station = Station()
    station.pool = cb.Resource(capacity=given.units)
    station.mean, station.patience = given.mean, given.patience
    station.location, station.spread = given.lognormal if given.deviation is not None else (0.0, 0.0)
    targets = [network.position[name] for name, _ in given.routes]
    station.first, station.second = ([*targets, -1, -1])[:2]
    station.first_share = given.routes[0][1] if given.routes else 1.0
    return station


def run(hospital: Hospital, seed: int) -> Figures:
    """Run one replication."""
    window = cb.Window(duration=hospital.days + _DRAINING)
    results = cb.Experiment(hospital, window=window, seeds=np.array([seed], dtype=np.uint64)).run(workers=1)

    def total(name: str) -> float:
        return sum(float(getattr(results[station], name).values.sum()) for station in hospital.stations)

    starts, reneges = int(total("starts")), int(total("reneges"))
    return Figures(
        arrivals=int(results[hospital].arrivals.values.sum()),
        starts=starts,
        completions=int(total("completions")),
        reneges=reneges,
        mean_wait=total("waited") / (starts + reneges),
    )
