"""What a run's folder remembers of it, so that it can go on where it was left."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from configurator.laboratory import Baseline
from configurator.runs.audits import AUDITS, AuditMemory
from configurator.runs.journal import JOURNAL, Journal, JournalEntry, read_journal
from configurator.runs.memory import EVALUATIONS, RunMemory
from configurator.runs.store import RunFolder, RunFolderError
from optimisation.records import GenerationRecord

BY_CHANCE = "evaluations_by_chance.jsonl"
"""Component runs with every parameter at its central value, shown beside those of the front."""


@dataclass(frozen=True)
class Past:
    """Component runs, generations and audits of a run so far."""

    memory: RunMemory
    memory_by_chance: RunMemory
    audits: AuditMemory
    records: tuple[GenerationRecord, ...] = ()
    ended: int = 0
    """Generations after which the search last came to its end; 0: never."""
    ended_before: int = 0
    """The same, before the run was last asked to search for longer; 0: it never was, or had come to no end."""
    audited: Mapping[str, int] = field(default_factory=dict)
    """Event records in which both engines agreed, by plan of a front that was confirmed."""
    baselines: Mapping[int, Baseline] = field(default_factory=dict)
    """Random plans evaluated to compare with, by how many were asked for."""


def past_of(folder: RunFolder) -> Past:
    """Return what a folder remembers; nothing yet in a new one.

    Last lines that were not finished are cut off. Raises RunFolderError with the place of what cannot be read.
    """
    path = folder.inside(JOURNAL)
    Journal(path).mend()
    entries = read_journal(path) if path.is_file() else []
    generations = [(line, entry) for line, entry in enumerate(entries, start=1) if "record" in entry]
    records = tuple(_record(folder, line, entry) for line, entry in generations)
    for number, (line, _) in enumerate(generations):
        if records[number].number != number:
            found = records[number].number + 1
            raise RunFolderError(f"{path}, line {line}: generation {found}, expected generation {number + 1}")
    memory, by_chance = RunMemory(folder.inside(EVALUATIONS)), RunMemory(folder.inside(BY_CHANCE))
    for settled, settled_by_chance in (_settled(entry) for entry in entries if "asked_more" in entry):
        memory.settle(settled)
        by_chance.settle(settled_by_chance)
    return Past(
        memory=memory,
        memory_by_chance=by_chance,
        audits=AuditMemory(folder.inside(AUDITS)),
        records=records,
        ended=_ended(entries),
        ended_before=_ended(entries[: max((n for n, entry in enumerate(entries) if _searches(entry)), default=0)]),
        audited={key: events for entry in entries for key, events in _audits(entry)},
        baselines={asked: found for entry in entries for asked, found in _baselines(entry)},
    )


def asking_more(folder: RunFolder, *, searches: bool) -> None:
    """Note that the run is asked for more than before: what it has simulated so far counts from here on.

    searches: it is to search for longer; more fresh replications alone let a search that has ended stay ended.
    Within one asking, runs count when they are asked for: one that is killed there and goes on decides as it had.
    """
    past = past_of(folder)
    counts = {"evaluations": past.memory.count, "by_chance": past.memory_by_chance.count}
    Journal(folder.inside(JOURNAL)).append({"asked_more": {**counts, "searches": searches}})


def baseline_entry(asked: int, found: Baseline) -> JournalEntry:
    """Return the journal's line about random plans that were evaluated."""
    return {"baseline": {"asked": asked, "plans": found.plans, "hypervolume": found.hypervolume, "sound": found.sound}}


def _record(folder: RunFolder, line: int, entry: JournalEntry) -> GenerationRecord:
    document: Any = entry["record"]
    try:
        return GenerationRecord.of(document)
    except (KeyError, TypeError, ValueError) as error:
        raise RunFolderError(f"{folder.inside(JOURNAL)}, line {line}: no record of a generation ({error})") from error


def _ended(entries: Iterable[JournalEntry]) -> int:
    return max((_whole(entry["generation"]) for entry in entries if entry.get("ended")), default=0)


def _audits(entry: JournalEntry) -> Iterable[tuple[str, int]]:
    found = entry.get("audited")
    return [(str(key), _whole(events)) for key, events in found.items()] if isinstance(found, dict) else []


def _baselines(entry: JournalEntry) -> Iterable[tuple[int, Baseline]]:
    found = entry.get("baseline")
    if not isinstance(found, dict):
        return []
    plans, sound = _whole(found["plans"]), _whole(found["sound"])
    return [(_whole(found["asked"]), Baseline(plans, float(found["hypervolume"]), sound))]


def _searches(entry: JournalEntry) -> bool:
    """Say whether the run was asked here to search for longer."""
    asked: Any = entry.get("asked_more")
    return asked is not None and bool(asked.get("searches", True))


def _settled(entry: JournalEntry) -> tuple[int, int]:
    """Return how many runs, and runs by chance alone, were held when the run was asked for more."""
    found: Any = entry["asked_more"]
    return _whole(found["evaluations"]), _whole(found["by_chance"])


def _whole(value: object) -> int:
    return int(str(value))
