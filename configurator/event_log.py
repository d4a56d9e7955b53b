"""Reads an event log back, simulated or of real patients, into what the engines write: one array a replication.

The columns are those of `trace`. A log of real patients needs `time`, `patient`, `zone`, `profile` and `event`, and
what its events are about: `pathway` and `step` on entering one, `detail` on waiting for one, `resource` for services.
Rows may stand in any order of time; rows of equal times keep theirs. Decimal commas are read, as in an instance.
"""

import csv
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from configurator.trace import COLUMNS
from instances.faults import ConfiguratorError, Fault, expected_name, in_reading_order
from instances.instance import Instance
from simulation.ledgers.chart import Chart
from simulation.records import EVENT, Event, EventArray, People

REQUIRED = ("time", "patient", "zone", "profile", "event")
LONGEST_LIST = 50
KINDS = {event.name.lower(): event for event in Event}
IN_A_STEP = (Event.ENTER, Event.EXIT)
ABOUT_A_STEP = (Event.WAIT, Event.BREAK)
ABOUT_A_SERVICE = (Event.SERVICE_ASK, Event.SERVICE_GRANT, Event.SERVICE_END, Event.SERVICE_LEAVE)
ABOUT_A_PATHWAY = (Event.PRESENT, Event.ARRIVE)


class InvalidLog(ConfiguratorError):  # noqa: N818 (named for what it says)
    """An event log that cannot be used, with its faults: one of each kind, and how many rows share it."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults: tuple[Fault, ...] = in_reading_order(faults)
        super().__init__(self.faults)

    def __str__(self) -> str:
        return "\n".join(["faults in the event log:", *(f"  {fault}" for fault in self.faults)])


@dataclass(frozen=True)
class LoggedRun:
    """What one replication (of a log of real patients: the only one) recorded; steps as `Chart.steps` counts them."""

    replication: str
    patients: tuple[str, ...]
    people: People
    events: EventArray


def read_event_log(path: Path, instance: Instance) -> tuple[LoggedRun, ...]:
    """Read a log of an instance's patients; raise InvalidLog with all that is wrong with it."""
    reading = _Reading(path.name, Chart(instance))
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            header = file.readline()
            file.seek(0)
            lines = csv.reader(file, delimiter=";" if ";" in header else ",", strict=True)
            reading.read(lines)
    except OSError as error:
        reading.fault(None, "", str(path), "a readable file", f"cannot be read: {error.strerror}")
    except UnicodeDecodeError as error:
        reading.fault(None, "", f"byte 0x{error.object[error.start]:02x}", "a file saved as UTF-8", "not UTF-8 text")
    except csv.Error as error:
        reading.fault(None, "", "", "comma- or semicolon-separated values", f"cannot be parsed: {error}")
    if reading.faults:
        raise InvalidLog(reading.listed())
    return tuple(reading.runs())


@dataclass
class _Gathering:
    """The rows of one replication so far."""

    numbers: dict[str, int] = field(default_factory=dict)
    zones: list[int] = field(default_factory=list)
    rows: list[tuple[float, int, int, int, int, int, int, int, int]] = field(default_factory=list)


class _Reading:
    """Reads rows and gathers faults."""

    def __init__(self, file: str, chart: Chart) -> None:
        self.file = file
        self.faults: dict[tuple[str, str, str], tuple[Fault, int]] = {}
        self._zones = chart.zones
        self._profiles = chart.profiles
        self._pathways = chart.pathways
        self._steps = chart.steps
        self._places = {f"{pathway}/{step}": number for (pathway, step), number in chart.steps.items()}
        self._resources = chart.resources
        self._gathered: dict[str, _Gathering] = {}
        self._row = 1

    def fault(self, row: int | None, column: str, found: str, expected: str, message: str) -> None:
        """Note a fault; the first of its kind stands for all."""
        key = (column, found, message)
        first, count = self.faults.get(key, (Fault(self.file, row, column, found, expected, message), 0))
        self.faults[key] = (first, count + 1)

    def listed(self) -> Iterator[Fault]:
        """Yield one fault of each kind with the number of its rows; of very many kinds the first ones."""
        for number, (fault, count) in enumerate(self.faults.values()):
            if number == LONGEST_LIST:
                more = len(self.faults) - LONGEST_LIST
                yield Fault(self.file, None, "", "", "", f"and {more} more kinds of fault")
                return
            message = fault.message if count == 1 else f"{fault.message}, in {count:,} rows"
            yield Fault(fault.file, fault.row, fault.column, fault.found, fault.expected, message)

    def read(self, lines: Iterator[list[str]]) -> None:
        """Read a header and all rows."""
        columns = tuple(cell.strip() for cell in next(lines, []))
        if not self._header(columns):
            return
        place = {name: columns.index(name) for name in columns}
        blank = len(columns)
        order = [place.get(name, blank) for name in COLUMNS]  # a column that is not there reads as empty
        for cells in lines:
            self._row += 1
            if not any(cells):
                continue
            if len(cells) != len(columns):
                expected = f"{len(columns)} cells, as the header has"
                self.fault(self._row, "", f"{len(cells)} cells", expected, "row of another length")
                continue
            cells.append("")
            self._record([cells[index].strip() for index in order])
        if not self.faults and not any(each.rows for each in self._gathered.values()):
            self.fault(None, "", "", "at least one event of a patient", "empty log")

    def _header(self, columns: Sequence[str]) -> bool:
        if not columns:
            self.fault(None, "", "", f"a header: {', '.join(COLUMNS)}", "empty file")
            return False
        for index, name in enumerate(columns):
            if name not in COLUMNS:
                self.fault(1, name, name, expected_name(name, COLUMNS), "unknown column")
            elif name in columns[:index]:
                self.fault(1, name, name, "each column once", "column given twice")
        for name in REQUIRED:
            if name not in columns:
                self.fault(1, name, "", f"a column '{name}'", "missing column")
        return not self.faults

    def _record(self, cells: Sequence[str]) -> None:
        time, replication, patient, zone, profile, pathway, step, event, resource, units, detail = cells
        if not patient and event == "capacity":
            return
        before = len(self.faults)
        moment = self._moment(time)
        z = self._named("zone", zone, self._zones)
        p = self._named("profile", profile, self._profiles)
        kind = self._named("event", event, KINDS)
        if not patient:
            self.fault(self._row, "patient", "", "a name for each patient", "empty cell")
        if len(self.faults) > before or kind is None or z is None or p is None or moment is None:
            return
        s, about = self._step(kind, pathway, step), self._detail(kind, pathway, detail)
        r = self._resource(kind, resource)
        amount = self._amount(units, event)
        run = self._gathered.setdefault(replication, _Gathering())
        number = run.numbers.setdefault(patient, len(run.numbers))
        if number == len(run.zones):
            run.zones.append(z)
        elif run.zones[number] != z:
            self.fault(self._row, "zone", zone, f"the zone that patient {patient} lives in", "patient in two zones")
        run.rows.append((moment, number, int(kind), p, s, r, -1, amount, about))

    def _moment(self, text: str) -> float | None:
        try:
            moment = float(text.replace(",", "."))
        except ValueError:
            moment = math.nan
        if math.isfinite(moment):
            return moment
        self.fault(self._row, "time", text, "a number in the instance's time unit", "not a time")
        return None

    def _named(self, column: str, text: str, known: Mapping[str, int]) -> int | None:
        number = known.get(text)
        if number is None:
            expected = expected_name(text, known)
            self.fault(self._row, column, text, expected, f"unknown {column}" if text else "empty cell")
        return number

    def _step(self, kind: int, pathway: str, step: str) -> int:
        if not step:
            if kind in IN_A_STEP:
                self.fault(self._row, "step", "", "the step entered", "empty cell")
            return -1
        number = self._steps.get((pathway, step))
        if number is None:
            if pathway not in self._pathways:
                expected = expected_name(pathway, self._pathways)
                self.fault(self._row, "pathway", pathway, expected, "unknown pathway" if pathway else "empty cell")
            else:
                own = [name for way, name in self._steps if way == pathway]
                self.fault(self._row, "step", step, expected_name(step, own), f"unknown step of pathway '{pathway}'")
            return -1
        return number

    def _detail(self, kind: int, pathway: str, detail: str) -> int:
        if kind in ABOUT_A_STEP:
            number = self._places.get(detail)
            if number is None:
                expected = expected_name(detail, self._places) if detail else "the step awaited, as PATHWAY/STEP"
                self.fault(self._row, "detail", detail, expected, "unknown step" if detail else "empty cell")
                return -1
            return number
        if kind in ABOUT_A_PATHWAY:
            number = self._pathways.get(detail or pathway)
            if number is None:
                expected = expected_name(detail, self._pathways) if detail else "the pathway, here or in its column"
                self.fault(self._row, "detail", detail, expected, "unknown pathway" if detail else "empty cell")
                return -1
            return number
        return -1

    def _resource(self, kind: int, resource: str) -> int:
        if not resource and kind not in ABOUT_A_SERVICE:
            return -1
        number = self._named("resource", resource, self._resources)
        return -1 if number is None else number

    def _amount(self, units: str, event: str) -> int:
        if not units:
            return int(event == "service_ask")  # one unit, unless more are named
        try:
            return int(units)
        except ValueError:
            self.fault(self._row, "units", units, "a whole number of units", "not a number of units")
            return 0

    def runs(self) -> Iterator[LoggedRun]:
        """Yield each replication, its events by time."""
        for replication, gathered in self._gathered.items():
            events = np.array(gathered.rows, dtype=EVENT)
            events = events[np.argsort(events["time"], kind="stable")]
            count = len(gathered.zones)
            first = np.zeros(count, dtype=np.int32)
            arrival = np.full(count, np.nan)
            patients, starts = np.unique(events["patient"], return_index=True)
            first[patients], arrival[patients] = events["profile"][starts], events["time"][starts]
            people = People(
                zone=np.array(gathered.zones, dtype=np.int32),
                profile=first,
                ordinal=np.arange(count, dtype=np.int64),
                arrival=arrival,
                present=events["kind"][starts] == Event.PRESENT,
                waiting_since=np.full(count, np.nan),
            )
            yield LoggedRun(replication, tuple(gathered.numbers), people, events)
