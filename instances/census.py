"""A census: the patients present on a day, each in a step since so many days, as a CSV beside the instance."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from instances.builder import build_table
from instances.faults import ConfiguratorError, Fault, expected_name, in_reading_order
from instances.folder import read_table
from instances.instance import Instance
from instances.tables.columns import Code, NonNegative, Row, column
from instances.written import WrittenRow, WrittenTable

LARGEST_COUNT = 10_000_000


class CensusRow(Row):
    """Patients of one profile who live in one zone and have been in one step for equally long."""

    zone: Code = column("territory where the patient lives")
    profile: Code = column("profile today")
    pathway: Code = column("pathway")
    step: Code = column("step of the pathway")
    days_elapsed: NonNegative = column("days since the step was entered, whatever the time unit", unit="days")
    count: int = column("how many patients the row stands for", unit="patients", default=1, ge=1, le=LARGEST_COUNT)


class InvalidCensus(ConfiguratorError):  # noqa: N818 (named for what it says)
    """A census that cannot be used, with all its faults."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults: tuple[Fault, ...] = in_reading_order(faults)
        super().__init__(self.faults)

    def __str__(self) -> str:
        count = len(self.faults)
        title = "1 fault in the census" if count == 1 else f"{count} faults in the census"
        return "\n".join([f"{title}:", *(f"  {fault}" for fault in self.faults)])


def read_census(path: Path, instance: Instance) -> tuple[CensusRow, ...]:
    """Read a census of an instance's patients; raise InvalidCensus with all that is wrong with it."""
    faults: list[Fault] = []
    table = read_table(path, "census", CensusRow, faults, may_be_empty=False)
    if table is None:
        raise InvalidCensus(faults)
    built, wrong = build_table(table, CensusRow, instance.values)
    rows = [(place, row) for place, row in built if isinstance(row, CensusRow)]
    faults += wrong
    known = _Known.of(instance)
    for place, row in rows:
        faults += known.faults(table, place, row)
    if faults:
        raise InvalidCensus(faults)
    return tuple(row for _, row in rows)


@dataclass(frozen=True)
class _Known:
    """The names a census may use."""

    instance: Instance
    zones: tuple[str, ...]
    profiles: tuple[str, ...]
    steps: dict[str, dict[str, str]]  # setting by pathway and step

    @classmethod
    def of(cls, instance: Instance) -> "_Known":
        steps: dict[str, dict[str, str]] = {row.pathway: {} for row in instance.pathways}
        for step in instance.expanded.steps:
            steps[step.pathway][step.step] = step.setting
        zones = tuple(zone.zone for zone in instance.territories)
        return cls(instance, zones, tuple(row.profile for row in instance.profiles), steps)

    def faults(self, table: WrittenTable, place: WrittenRow, row: CensusRow) -> Iterator[Fault]:
        """Yield what is unknown or impossible in one row."""

        def fault(name: str, found: str, expected: str, message: str) -> Fault:
            return Fault(table.file, place.line, name, found, expected, message)

        if row.zone not in self.zones:
            yield fault("zone", row.zone, expected_name(row.zone, self.zones), "unknown territory")
        if row.profile not in self.profiles:
            yield fault("profile", row.profile, expected_name(row.profile, self.profiles), "unknown profile")
        if row.pathway not in self.steps:
            yield fault("pathway", row.pathway, expected_name(row.pathway, self.steps), "unknown pathway")
            return
        inside = [step for step, setting in self.steps[row.pathway].items() if setting != "exit"]
        if row.step not in self.steps[row.pathway]:
            yield fault("step", row.step, expected_name(row.step, inside), f"unknown step of pathway '{row.pathway}'")
        elif row.step not in inside:
            yield fault("step", row.step, "a step that patients live in", "nobody is present in an exit step")
        elif (
            row.profile in self.profiles and self.instance.expanded.step_row(row.pathway, row.step, row.profile) is None
        ):
            yield fault("profile", row.profile, "a profile for which the step has a row", "the step is not for them")
