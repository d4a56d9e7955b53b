"""What prices and costs count: stays, time, units and persons, by place, profile, pathway and year of accounts.

| subject       | entry               | day, hour                                  | patient                        |
|---------------|---------------------|--------------------------------------------|--------------------------------|
| step:S        | stays begun         | time of persons in the step                | each person's first stay       |
| service:R     | units granted       | unit-time held and in use (not kept idle)  | each person's first grant      |
| resource:R    | units taken as gate or service | unit-time taken, kept idle included | each person's first grant   |
| pathway:W     | persons who join it | time of persons in its steps               | each person who joins it       |

An hour is an hour of the clock. outcome: per person who joined a pathway, but for those who first met the break named
while they were on it: what goes wrong on another pathway is not its doing.
"""

from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from instances.faults import ConfiguratorError
from instances.references import Subject, subject
from instances.tables import Cost, Price
from simulation.ledgers.chart import Chart, FloatArray, IntArray
from simulation.ledgers.replay import (
    FLOW_ENTRIES,
    FLOW_PERSONS,
    FLOW_TIME,
    GATE_ENTRIES,
    GATE_TIME,
    KEPT_TIME,
    SERVICE_ENTRIES,
    SERVICE_PERSONS,
    SERVICE_TIME,
    Tally,
)

HOURS_PER_DAY = 24.0
STEP_FLOWS = {"entry": FLOW_ENTRIES, "patient": FLOW_PERSONS, "day": FLOW_TIME, "hour": FLOW_TIME}
SERVICE_FLOWS = {
    "entry": [SERVICE_ENTRIES],
    "patient": [SERVICE_PERSONS],
    "day": [SERVICE_TIME],
    "hour": [SERVICE_TIME],
}
GATE_FLOWS = {"entry": [GATE_ENTRIES], "patient": [], "day": [GATE_TIME, KEPT_TIME], "hour": [GATE_TIME, KEPT_TIME]}


class UnpricedSubject(ConfiguratorError):  # noqa: N818 (named for what it says)
    """A price or cost whose subject, basis and provider do not say what is paid to whom."""


@dataclass(frozen=True)
class Flow:
    """Amounts of something: K places, each a territory and perhaps the pool that served it; L pathways concerned."""

    zone: IntArray  # [K]
    pool: IntArray  # [K], -1 none
    pathways: IntArray  # [L]
    values: FloatArray  # [K, P, L, Y, 2] plain and discounted

    @cached_property
    def by_person(self) -> FloatArray:
        """Amounts over all years [K, P, L, 2]."""
        return self.values.sum(axis=3)

    @cached_property
    def by_year(self) -> FloatArray:
        """Amounts over all pathways [K, P, Y, 2]."""
        return self.values.sum(axis=2)

    def reduced(self, factor: FloatArray) -> "Flow":
        """Return this flow times a factor by pool and year [Q + 1, Y]; last: no pool."""
        return replace(self, values=self.values * factor[self.pool][:, None, None, :, None])


@dataclass
class Flows:
    """Counts what the prices and costs of one component are per; each flow is counted once."""

    chart: Chart
    territories: tuple[int, ...]
    tally: Tally
    broken: FloatArray  # [breaks, Z, P, W] persons who met each break
    _known: dict[tuple[str, str, str], Flow] = field(default_factory=dict)

    def of(self, row: Price | Cost) -> Flow:
        """Return what a row is per, whatever its profile."""
        key = (row.subject, row.basis, row.outcome if isinstance(row, Price) else "")
        if key not in self._known:
            self._known[key] = self._counted(row)
        return self._known[key]

    def _counted(self, row: Price | Cost) -> Flow:
        about = subject(row.subject)
        scale = 1.0
        if row.basis in ("day", "hour"):
            scale = (HOURS_PER_DAY if row.basis == "hour" else 1.0) / self.chart.per_day
        if row.basis == "outcome":
            return self._outcomes(row, about)
        if about.kind == "step":
            return self._of_step(about, row.basis, scale)
        if about.kind == "pathway":
            return self._of_pathway(about, row.basis, scale)
        return self._of_resource(about, row.basis, scale)

    def _of_step(self, about: Subject, basis: str, scale: float) -> Flow:
        """Stays in a step, by the pool that served them."""
        chart, seats = self.chart, self.chart.seats
        steps = [
            s for (pathway, step), s in chart.steps.items() if step == about.name and about.pathway in ("", pathway)
        ]
        pathways = np.unique(chart.step_pathway[steps])
        chosen = np.flatnonzero(np.isin(seats.step, steps) & np.isin(seats.zone, self.territories))
        values = np.zeros((len(chosen), len(chart.profiles), len(pathways), chart.years, 2))
        place = np.searchsorted(pathways, chart.step_pathway[seats.step[chosen]])
        values[np.arange(len(chosen)), :, place] = scale * self.tally.seat_flow[chosen, :, STEP_FLOWS[basis]]
        return Flow(seats.zone[chosen], seats.pool[chosen], pathways, values)

    def _of_pathway(self, about: Subject, basis: str, scale: float) -> Flow:
        """Persons who join a pathway, or time in its steps; served by no one pool."""
        chart, seats = self.chart, self.chart.seats
        w = chart.pathways[about.name]
        zones = np.array(self.territories, dtype=np.int64)
        if basis in ("entry", "patient"):
            amounts = self.tally.joined_flow[zones, :, w]
        else:
            chosen = np.flatnonzero(chart.step_pathway[seats.step] == w)
            every = np.zeros((len(chart.zones), len(chart.profiles), chart.years, 2))
            np.add.at(every, seats.zone[chosen], scale * self.tally.seat_flow[chosen, :, FLOW_TIME])
            amounts = every[zones]
        return Flow(zones, np.full(len(zones), -1, dtype=np.int64), np.array([w]), amounts[:, :, None])

    def _of_resource(self, about: Subject, basis: str, scale: float) -> Flow:
        """Units of a resource, by the pool they are of; as a service alone, or as a gate too."""
        chart = self.chart
        of_resource = chart.pool_resource[chart.channel_pool] == chart.resources[about.name]
        chosen = np.flatnonzero(of_resource & np.isin(chart.channel_zone, self.territories))
        counted = SERVICE_FLOWS[basis] + (GATE_FLOWS[basis] if about.kind == "resource" else [])
        values = scale * self.tally.channel_flow[chosen][:, :, :, counted].sum(axis=3)
        every = np.arange(len(chart.pathways))
        return Flow(chart.channel_zone[chosen], chart.channel_pool[chosen], every, values)

    def _outcomes(self, row: Price | Cost, about: Subject) -> Flow:
        """Persons who joined a pathway and never met a break, paid in the year they joined."""
        chart = self.chart
        outcome = row.outcome if isinstance(row, Price) else ""
        names = [each.break_ for each in chart.instance.breaks]
        if about.kind != "pathway" or outcome not in names:
            raise UnpricedSubject(f"{row.subject}: an outcome is paid for a pathway and the absence of a known break")
        flow = self._of_pathway(about, "patient", 1.0)
        w = int(flow.pathways[0])
        joined = self.tally.joined_flow[flow.zone, :, w, :, 0].sum(axis=-1)
        met = np.minimum(self.broken[names.index(outcome)][flow.zone, :, w], joined)
        kept = np.divide(joined - met, joined, out=np.zeros_like(joined), where=joined > 0.0)
        return Flow(flow.zone, flow.pool, flow.pathways, flow.values * kept[:, :, None, None, None])
