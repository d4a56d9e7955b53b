"""The plain six-pool network: the one system that every engine simulates, as data.

Poisson arrivals of 10 patients a day for 1,095 days, four to six steps with probabilistic routing over six
first-come-first-served pools of 4 to 52 units, offered load 1.05 to 1.15 before losses, exponential patience
(who loses it leaves), drained at the end. A *model event* is an arrival, a start, a completion or a renege.
"""

from dataclasses import dataclass, replace
from math import log, log1p, sqrt


@dataclass(frozen=True)
class Station:
    """One pool and the stay in it; times in days."""

    name: str
    units: int
    mean: float
    deviation: float | None  # of a lognormal stay; None: exponential
    patience: float  # mean
    routes: tuple[tuple[str, float], ...]  # (next station, probability); the rest is cured

    @property
    def lognormal(self) -> tuple[float, float]:
        """Mean and standard deviation of the logarithm of a lognormal stay."""
        spread = sqrt(log1p(((self.deviation or 0.0) / self.mean) ** 2))
        return log(self.mean) - 0.5 * spread**2, spread


@dataclass(frozen=True)
class Network:
    """Stations (patients enter at the first), arrivals per day, days of arrivals."""

    stations: tuple[Station, ...]
    arrivals: float
    days: float

    @property
    def position(self) -> dict[str, int]:
        """Position of each station by name."""
        return {station.name: number for number, station in enumerate(self.stations)}

    def larger(self, times: int) -> "Network":
        """Return the network of a territory so many times as large."""
        stations = tuple(replace(station, units=times * station.units) for station in self.stations)
        return replace(self, stations=stations, arrivals=times * self.arrivals)

    def longer(self, times: float) -> "Network":
        """Return the network open so many times as long."""
        return replace(self, days=times * self.days)


@dataclass(frozen=True)
class Figures:
    """What one replication did: counts, and mean wait in days over all requests (those reneged included)."""

    arrivals: int
    starts: int
    completions: int
    reneges: int
    mean_wait: float

    @property
    def events(self) -> int:
        """Number of model events."""
        return self.arrivals + self.starts + self.completions + self.reneges

    @property
    def renege_rate(self) -> float:
        """Part of the patients who left a waiting list."""
        return self.reneges / self.arrivals


SIX_POOLS = Network(
    stations=(
        Station("reception", 4, 0.42, None, 4.0, (("imaging", 0.5), ("laboratory", 0.5))),
        Station("imaging", 8, 1.7, 1.0, 8.0, (("laboratory", 0.3), ("ward", 0.7))),
        Station("laboratory", 10, 1.65, None, 8.0, (("ward", 1.0),)),
        Station("ward", 42, 4.7, 4.0, 12.0, (("rehabilitation", 0.4), ("home_care", 0.6))),
        Station("rehabilitation", 22, 6.3, 4.0, 12.0, (("home_care", 1.0),)),
        Station("home_care", 52, 5.9, None, 12.0, ()),
    ),
    arrivals=10.0,
    days=1095.0,
)
