"""Event logs written by hand on the tiny instance, to check what the ledgers make of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from instances.catalogue import load_instance
from instances.instance import Instance
from simulation.configuration import Configuration, todays_configuration
from simulation.ledgers import Account, Bookkeeper
from simulation.ledgers.chart import Chart
from simulation.records import EVENT, Event, EventArray, People

TOWN, HILLS = 0, 1
STEADY, FRAIL = 0, 1
YEAR = 365.25


POPULATION = {"town": 2200.0, "hills": 1100.0}
UNITS = {("town", "bed"): 8, ("town", "helper"): 20, ("hills", "helper"): 12}
UTILITY = {"steady": 0.8, "frail": 0.55}
PREFERENCE = {
    ("steady", "usual"): 0.6,
    ("steady", "supported"): 0.5,
    ("frail", "usual"): 0.3,
    ("frail", "supported"): 0.8,
}


def tiny(**tables: Sequence[object]) -> Instance:
    """The tiny instance with the figures that these tests count on, perhaps with other rows in some tables."""
    shipped = load_instance("tiny")
    own = {
        "zones": [row.model_copy(update={"population": POPULATION.get(row.zone)}) for row in shipped.zones],
        "capacities": [
            row.model_copy(update={"current": UNITS[row.zone, row.resource], "lead_time": 0.0, "reserved": 0.0})
            for row in shipped.capacities
        ],
        "profiles": [row.model_copy(update={"utility": UTILITY[row.profile]}) for row in shipped.profiles],
        "offers": [
            row.model_copy(update={"preference": PREFERENCE[row.profile, row.pathway]}) for row in shipped.offers
        ],
        "rules": [],
    }
    return replace(shipped, **{name: tuple(rows) for name, rows in (own | tables).items()})


@dataclass
class Story:
    """Writes events in the words of the tiny instance."""

    instance: Instance = field(default_factory=tiny)
    zones: Sequence[int] = (TOWN,)
    rows: list[tuple[object, ...]] = field(default_factory=list)
    since: Mapping[int, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.chart = Chart(self.instance)
        if not self.rows:
            for pool, units in enumerate((8, 20, 10)):
                self.capacity(0, pool, units)

    def capacity(self, time: float, pool: int, units: int) -> "Story":
        self.rows.append((time, -1, Event.CAPACITY, -1, -1, int(self.chart.pool_resource[pool]), pool, units, -1))
        return self

    def tell(
        self,
        time: float,
        kind: Event,
        step: str = "usual/home",
        *,
        who: int = 0,
        profile: int = STEADY,
        resource: str = "",
        pool: int = -1,
        units: int = 0,
        detail: int | str = -1,
    ) -> "Story":
        if isinstance(detail, str):
            detail = self.step(detail)
        number = self.chart.resources[resource] if resource else -1
        self.rows.append((time, who, kind, profile, self.step(step), number, pool, units, detail))
        return self

    def step(self, text: str) -> int:
        if not text:
            return -1
        pathway, step = text.split("/")
        return self.chart.steps[pathway, step]

    def bed(self, time: float, kind: Event, step: str = "usual/ward", **more: object) -> "Story":
        return self.tell(time, kind, step, resource="bed", pool=0, units=1, **more)  # type: ignore[arg-type]

    def helper(self, time: float, kind: Event, units: int = 1, **more: object) -> "Story":
        more.setdefault("step", "supported/home")
        return self.tell(time, kind, resource="helper", pool=1, units=units, **more)  # type: ignore[arg-type]

    def die(self, time: float, who: int = 0, step: str = "usual/dead", profile: int = STEADY) -> "Story":
        self.tell(time, Event.ENTER, step, who=who, profile=profile)
        return self.tell(time, Event.EXIT, step, who=who, profile=profile)

    @property
    def events(self) -> EventArray:
        return np.array(self.rows, dtype=EVENT)

    @property
    def people(self) -> People:
        count = len(self.zones)
        since = np.full(count, np.nan)
        for who, time in self.since.items():
            since[who] = time
        return People(
            zone=np.array(self.zones, dtype=np.int32),
            profile=np.zeros(count, dtype=np.int32),
            ordinal=np.arange(count, dtype=np.int64),
            arrival=np.zeros(count),
            present=np.ones(count, dtype=np.bool_),
            waiting_since=since,
        )

    def account(self, configuration: Configuration | None = None) -> Account:
        keeper = Bookkeeper.of(self.instance)
        configuration = configuration or todays_configuration(self.instance)
        return keeper.account(configuration, (TOWN, HILLS), self.people, self.events, np.arange(len(self.chart.pools)))
