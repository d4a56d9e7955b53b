"""The ledger of outcomes: what patients lived, from an event log.

Satisfaction, per person, six components between 0 and 1, each the part of the person's *possible time* in which a
condition holds. Possible time runs from time 0 or arrival to the horizon, or to an exit other than death and other
than after a broken wait. Time after death or after giving up is possible time that is never good, so dying
sooner or leaving a line can only lower a score; while waiting, place and proximity are the lesser of what one has
and what one waits for, so a line never raises one. The mean is over persons, not over person-days.

- access: no request (gate or service) is older than the resource's tolerable wait;
- continuity: no broken wait in the last year, and not kept in a gated step while waiting for the next (blocked);
- preferred place: `Chart.place_value` of the step (of the lesser, when a place is awaited);
- proximity: `Chart.nearness` of the pool whose gate or place is used (1 at home; of the lesser, when awaited);
- fit: part of the services the step asks for that are held; a gate awaited counts as one not held;
- safety: no emergency or hospital ward asked for or entered in the last year.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from simulation.economics import force_of_interest
from simulation.ledgers.chart import Chart
from simulation.ledgers.replay import Calendar, Log, Persons, Tables, Tally, replay
from simulation.records import EventArray, People

COMPONENTS = ("access", "continuity", "preferred_place", "proximity", "fit", "safety")
"""Components of satisfaction, in the order of `Tally.scores`."""

MEMORY_YEARS = 1.0
"""How long satisfaction remembers a broken wait or an acute episode."""


@dataclass(frozen=True)
class Reader:
    """Reads event logs of one instance into tallies; its tables are made once."""

    chart: Chart
    tables: Tables

    def tally(self, events: EventArray, people: People, pool_numbers: npt.NDArray[np.integer]) -> Tally:
        """Return the tally of a log; pool_numbers: index among `chart.pools` of each pool number in the log."""
        log = Log(
            time=events["time"],
            patient=events["patient"],
            kind=events["kind"],
            profile=events["profile"],
            step=events["step"],
            resource=events["resource"],
            pool=events["pool"],
            pool_numbers=np.append(pool_numbers, -1).astype(np.int64),
            units=events["units"],
            detail=events["detail"],
        )
        persons = Persons(people.zone, people.waiting_since)
        tally: Tally = replay(log, persons, self.tables, self._calendar(events))
        return tally

    def _calendar(self, events: EventArray) -> Calendar:
        """The accounts cover the run; when everyone finishes (drain), until the last event."""
        window = self.chart.run
        if self.chart.instance.settings.horizon.drain and len(events):
            window = max(window, float(events["time"][-1]))
        return Calendar(
            window=window,
            per_year=self.chart.per_year,
            years=self.chart.years,
            force=force_of_interest(self.chart.instance.settings.economics.discount_rate),
            memory=MEMORY_YEARS * self.chart.per_year,
        )


def reader(chart: Chart) -> Reader:
    """Return the reader of an instance's event logs."""
    is_service = chart.needs.any(axis=(0, 1))
    tables = Tables(
        step_pathway=chart.step_pathway,
        death=chart.death,
        acute=chart.acute,
        home=chart.home,
        gate=chart.gate,
        hold=chart.hold,
        utility=chart.utility,
        needs=chart.needs,
        served=np.flatnonzero(is_service).astype(np.int64),
        help_of=np.where(is_service, np.cumsum(is_service) - 1, -1).astype(np.int64),
        leads_to=chart.leads_to,
        tolerable=chart.tolerable,
        is_place=chart.is_place,
        home_pool=chart.home_pool,
        channel=chart.channel,
        seat=chart.seats.of_step,
        seat_of_channel=chart.seats.of_channel,
        pool_resource=chart.pool_resource,
        place_value=chart.place_value,
        nearness=chart.nearness,
        sizes=(
            len(chart.zones),
            len(chart.profiles),
            len(chart.pathways),
            len(chart.steps),
            len(chart.resources),
            len(chart.channel_zone),
            len(chart.hazards),
            len(chart.marks),
            len(chart.seats.zone),
        ),
    )
    return Reader(chart, tables)
