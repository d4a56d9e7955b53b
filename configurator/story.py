"""One patient's story in words, from the event log."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from configurator.trace import EventNames
from instances.faults import ConfiguratorError, UnknownName
from instances.instance import Instance
from simulation.records import Event
from simulation.twin import RunResult, Twin


class NoSuchPatient(ConfiguratorError):  # noqa: N818 (named for what it says)
    """A patient who is not in the run."""


@dataclass(frozen=True)
class PatientKey:
    """Who a patient is, as events.csv names them: home territory, profile at arrival, number among those."""

    zone: int
    profile: int
    ordinal: int
    text: str


def patient_key(instance: Instance, text: str) -> PatientKey:
    """Read `ZONE/PROFILE/NUMBER`."""
    parts = text.split("/")
    if len(parts) != 3 or not parts[2].isdecimal():
        raise NoSuchPatient(f"'{text}' names no patient; expected ZONE/PROFILE/NUMBER, as in events.csv")
    zones = [row.zone for row in instance.territories]
    profiles = [row.profile for row in instance.profiles]
    for kind, name, known in (("territory", parts[0], zones), ("profile", parts[1], profiles)):
        if name not in known:
            raise UnknownName(kind, name, known)
    return PatientKey(zones.index(parts[0]), profiles.index(parts[1]), int(parts[2]), text)


def component_of(twin: Twin, key: PatientKey) -> int:
    """Return the component that a patient lives in."""
    return next(part.index for part in twin.components if key.zone in part.territories)


def story(instance: Instance, result: RunResult, key: PatientKey) -> str:
    """Return what happened to a patient in one run, a line a moment."""
    people = result.people
    who = np.flatnonzero((people.zone == key.zone) & (people.profile == key.profile) & (people.ordinal == key.ordinal))
    if len(who) == 0:
        same = people.ordinal[(people.zone == key.zone) & (people.profile == key.profile)]
        known = f"; there are {key.text.rsplit('/', 1)[0]}/{same.min()} and {len(same) - 1} others" if len(same) else ""
        raise NoSuchPatient(f"no patient {key.text} in replication {result.replication}{known}")
    number = int(who[0])
    told = _Teller(instance, result)
    lines = list(told.lines(number))
    if not lines:
        unit = instance.settings.time_unit
        lines = [f"arrives at {unit} {people.arrival[number]:.2f}, after the end of the run"]
    return "\n".join([f"Patient {key.text}, replication {result.replication}", *(f"  {line}" for line in lines)])


class _Teller:
    """Turns records into sentences."""

    def __init__(self, instance: Instance, result: RunResult) -> None:
        self.result, self.model = result, result.model
        self.unit = instance.settings.time_unit
        codes = EventNames.of(instance)
        self.zones, self.profiles, self.pathways = (
            codes.zones,
            codes.profiles,
            [row.pathway for row in instance.pathways],
        )
        names = {(row.pathway, row.step): row.name for row in instance.expanded.steps}
        self.steps = [f"{names[place] or place[1]} ({'/'.join(place)})" for place in result.model.step_codes]
        self.resources = [row.name or row.resource for row in instance.resources]
        self.ends_at = None if instance.settings.horizon.drain else result.end.time

    def lines(self, patient: int) -> Iterator[str]:
        """Yield one line for each thing that happened."""
        log = self.result.events[self.result.events["patient"] == patient]
        since: dict[str, float] = {}
        for record in log:
            yield f"{self.unit} {record['time']:9.2f}  {self._sentence(record, patient, since)}"
        if len(log) and log["kind"][-1] not in (Event.EXIT, Event.LEAVE) and self.ends_at is not None:
            yield f"{self.unit} {self.ends_at:9.2f}  the run ends; {self._whereabouts(log[-1])}"

    def _whereabouts(self, record: np.void) -> str:
        return f"still in {self.steps[record['step']]}" if record["step"] >= 0 else "still outside, waiting"

    def _waited(self, time: float, since: float | None) -> str:
        if since is None or time <= since:
            return ""
        return f" after {time - since:.2f} {self.unit}s of waiting"

    def _units(self, record: np.void) -> str:
        return f"{record['units']} x {self.resources[record['resource']]}"

    def _sentence(self, record: np.void, patient: int, since: dict[str, float]) -> str:
        """Return the sentence of one record; `since`: when what is being waited for was asked for."""
        kind, time, detail = Event(int(record["kind"])), float(record["time"]), int(record["detail"])
        resource = self.resources[record["resource"]] if record["resource"] >= 0 else ""
        match kind:
            case Event.PRESENT:
                profile = self.profiles[record["profile"]]
                where = f"in {self.steps[record['step']]}" if record["step"] >= 0 else "waiting to come in"
                return f"present at the start, profile {profile}, {where}" + (
                    f", with {self._units(record)}" if record["units"] else ""
                )
            case Event.ARRIVE:
                zone = self.zones[self.result.people.zone[patient]]
                return (
                    f"arrives in {zone} with profile {self.profiles[record['profile']]}; "
                    f"oriented to pathway {self.pathways[detail]}"
                )
            case Event.WAIT:
                asked = self.result.people.waiting_since[patient]
                since["gate"] = float(asked) if time == self.result.events["time"][0] and asked == asked else time
                return f"asks for {self._units(record)}, to enter {self.steps[detail]}"
            case Event.ENTER:
                taken = f" with {self._units(record)}" if record["units"] else ""
                return f"enters {self.steps[record['step']]}{taken}{self._waited(time, since.pop('gate', None))}"
            case Event.BREAK:
                why = "the line is full" if record["units"] else "patience has run out"
                return f"gives up {self.steps[detail]}: {why}{self._waited(time, since.pop('gate', None))}"
            case Event.HAZARD:
                return f"{self.model.hazard_names[detail]} strikes"
            case Event.PROFILE:
                return f"profile changes from {self.profiles[detail]} to {self.profiles[record['profile']]}"
            case Event.SERVICE_ASK:
                since[resource] = time
                return f"asks for {self._units(record)} as a service"
            case Event.SERVICE_GRANT:
                return f"has {self._units(record)} as a service{self._waited(time, since.pop(resource, None))}"
            case Event.SERVICE_END if record["units"]:
                return f"gives some of {resource} back, keeps {record['units']}"
            case Event.SERVICE_END:
                return f"the service {resource} ends"
            case Event.SERVICE_LEAVE:
                return f"leaves the list for {resource} without it{self._waited(time, since.pop(resource, None))}"
            case Event.SERVICE_ABSENT:
                return f"does without {resource} for now; what was held or awaited is kept"
            case Event.SERVICE_RETURN:
                return f"comes back to {resource}"
            case Event.ONSET:
                return f"{resource} acts from now on"
            case Event.GATE_END:
                return f"gives {self._units(record)} back"
            case Event.MARK:
                return f"carries the mark {self.model.mark_names[detail]}"
            case Event.MARK_END:
                return f"the mark {self.model.mark_names[detail]} has run out"
            case Event.REORIENT:
                return f"the mix sends to pathway {self.pathways[detail]}"
            case Event.EXIT:
                return f"the story ends in {self.steps[record['step']]}"
            case _:
                return "leaves, with nowhere to go to"
