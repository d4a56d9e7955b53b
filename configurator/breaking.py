"""`breaks`: the pathway breaks of an event log, simulated or real, counted, priced and ranked."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt

from configurator.asking import Choice, InvalidRequest
from configurator.event_log import LoggedRun, read_event_log
from configurator.runs.store import write_atomically
from configurator.tables import Table, csv_text, table
from instances.faults import UnknownName
from instances.instance import Instance
from simulation.estimates import Estimate, estimate
from simulation.ledgers.breaks import BreakCounter
from simulation.ledgers.chart import Chart

Breakdown = Literal["", "zone", "profile", "pathway"]
BREAKDOWNS: tuple[Breakdown, ...] = ("", "zone", "profile", "pathway")
EUROS = {
    "readmission": "the stays again",
    "patience": "the stay instead, or the help not given",
    "blocked": "the time blocked",
    "discharge_without_service": "the help not given",
    "gap_without_service": "the help not given",
    "avoidable_stay": "the stays begun",
}
"""What the money of each kind of break is the price of (`simulation.ledgers.breaks` has the rules)."""

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class BreaksFound:
    """The breaks of a log, most people first; `table` has one row a break (and zone, profile or pathway)."""

    log: Path
    people: float
    replications: int
    until: float
    left_out: int
    contract: str
    currency: str
    time_unit: str
    table: Table

    @property
    def sentence(self) -> str:
        """How the figures came about."""
        over = f", mean of {self.replications} replications" if self.replications > 1 else ""
        later = f"; {self.left_out:,} later events left out" if self.left_out else ""
        tariffs = f", tariffs of contract '{self.contract}'" if self.contract else ""
        people = "1 person" if self.people == 1 else f"{self.people:,.0f} people"
        return (
            f"{people} observed until {self.time_unit} {self.until:g}{over}{tariffs}; money in {self.currency}{later}"
        )

    def document(self) -> dict[str, object]:
        """Return everything as one JSON-able object."""
        return {
            "log": str(self.log),
            "people": self.people,
            "replications": self.replications,
            "observed_until": self.until,
            "later_events_left_out": self.left_out,
            "contract": self.contract,
            "currency": self.currency,
            "time_unit": self.time_unit,
            "breaks": self.table.records(),
        }


def breakdown_named(name: str | None) -> Breakdown:
    """Return what breaks are counted by; nothing when no name is given."""
    for known in BREAKDOWNS:
        if known == (name or ""):
            return known
    raise UnknownName("breakdown", name or "", BREAKDOWNS[1:])


def breaks(
    choice: Choice,
    log: Path,
    *,
    until: float | None = None,
    contract: str | None = None,
    by: Breakdown = "",
    out: Path | None = None,
) -> BreaksFound:
    """Count, price and rank the breaks of an event log; `out`: also write them to a CSV file.

    until: the end of observation, by default the end of the instance's run, or the last event when that is later.
    """
    if until is not None and not math.isfinite(until):
        raise InvalidRequest(f"--until {until:g}: expected a number in the instance's time unit")
    instance = choice.load()
    if not instance.breaks:
        raise InvalidRequest(f"{instance.name} names no pathway break: it has no table breaks.csv")
    if contract is not None and contract not in instance.contract_codes:
        raise UnknownName("contract", contract, instance.contract_codes)
    runs = read_event_log(log, instance)
    last = max(float(run.events["time"][-1]) for run in runs)
    end = max(instance.settings.horizon.run, last) if until is None else until
    if end <= min(float(run.events["time"][0]) for run in runs):
        raise InvalidRequest(f"--until {end:g}: nothing in {log} happens before")
    in_force = instance.settings.contract if contract is None else contract
    counter = BreakCounter(Chart(instance))
    counted = [counter.count(run.events, run.people, in_force, end) for run in runs]
    seen = [_seen(run, end) for run in runs]
    found = BreaksFound(
        log=log,
        people=float(np.mean([each.sum() for each in seen])),
        replications=len(runs),
        until=end,
        left_out=sum(int((run.events["time"] > end).sum()) for run in runs),
        contract=in_force,
        currency=instance.settings.currency,
        time_unit=instance.settings.time_unit,
        table=_ranked(
            instance,
            by,
            [np.stack([each.persons, each.times, *np.moveaxis(each.money, -1, 0)]) for each in counted],
            seen,
        ),
    )
    if out is not None:
        write_atomically(out, csv_text(found.table))
    return found


def _seen(run: LoggedRun, until: float) -> FloatArray:
    """Return the persons observed, by territory [Z] (persons who arrive after the end are not)."""
    first = np.full(len(run.people.zone), np.inf)
    np.minimum.at(first, run.events["patient"], run.events["time"])
    return np.bincount(run.people.zone, weights=first <= until).astype(np.float64)


def _ranked(instance: Instance, by: Breakdown, counted: Sequence[FloatArray], seen: Sequence[FloatArray]) -> Table:
    """Return one row a break, and a place where `by` says so, most people first.

    counted: [(persons, times, cost, paid), breaks, Z, P, W] of each replication; seen: persons observed [Z].
    """
    axis = BREAKDOWNS.index(by)
    others = tuple(other for other in (2, 3, 4) if other != axis + 1)
    values = np.array([each.sum(axis=others) for each in counted])  # [replication, 4, breaks(, places)]
    if not by:
        values = values[..., None]
    places, observed = _places(instance, by, np.array(seen))
    found = []
    for b, row in enumerate(instance.breaks):
        for number, place in enumerate(places):
            persons, times, cost, paid = (estimate(values[:, measure, b, number]) for measure in range(4))
            if by and persons.mean == 0.0:
                continue
            people = None if observed is None else 100.0 * persons.mean / max(1.0, float(observed[number]))
            found.append(_Found(row.break_, row.kind, place, persons, times, cost, paid, people))
    dear = sorted(range(len(found)), key=lambda index: -found[index].cost.mean)
    rank_euros = {index: rank for rank, index in enumerate(dear, start=1)}
    many = sorted(range(len(found)), key=lambda index: -found[index].persons.mean)
    columns = [
        "rank_people", "rank_euros", "break", *([by] if by else []), "persons", "persons_low", "persons_high",
        *(["per_100_people"] if observed is not None else []), "times", "cost", "cost_low", "cost_high", "paid",
        "kind", "priced_by",
    ]  # fmt: skip
    rows = []
    for rank, index in enumerate(many, start=1):
        each = found[index]
        rows.append(
            [
                rank, rank_euros[index], each.name, *([each.place] if by else []),
                each.persons.mean, *_spread(each.persons),
                *([each.per_100] if observed is not None else []), each.times.mean,
                each.cost.mean, *_spread(each.cost), each.paid.mean, each.kind, EUROS[each.kind],
            ]
        )  # fmt: skip
    return table("breaks", columns, rows)


@dataclass(frozen=True)
class _Found:
    name: str
    kind: str
    place: str
    persons: Estimate
    times: Estimate
    cost: Estimate
    paid: Estimate
    per_100: float | None


def _places(instance: Instance, by: Breakdown, seen: FloatArray) -> tuple[list[str], FloatArray | None]:
    """Return what breaks are told apart by, and the mean persons observed there where that is known."""
    match by:
        case "zone":
            return [row.zone for row in instance.territories], seen.mean(axis=0)
        case "profile":
            return [row.profile for row in instance.profiles], None
        case "pathway":
            return [row.pathway for row in instance.pathways], None
    return [""], seen.sum(axis=1).mean(keepdims=True)


def _spread(value: Estimate) -> tuple[float | None, float | None]:
    """Return the interval; of one log nothing is known of chance."""
    return (value.low, value.high) if value.replications > 1 else (None, None)
