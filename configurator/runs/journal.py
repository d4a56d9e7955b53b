"""What happened in a run: one JSON line a generation, appended and written through to the disk."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from configurator.runs.store import RunFolderError

JOURNAL = "journal.jsonl"

JournalEntry = dict[str, object]


@dataclass(frozen=True)
class Journal:
    """An append-only file; a line that is there is whole and on the disk."""

    path: Path

    def append(self, entry: Mapping[str, object]) -> None:
        """Add one line and wait until the disk has it."""
        line = json.dumps(entry, ensure_ascii=False, allow_nan=False, sort_keys=True)
        with self.path.open("ab") as file:
            file.write(line.encode("utf-8") + b"\n")
            file.flush()
            os.fsync(file.fileno())


def read_journal(path: Path) -> list[JournalEntry]:
    """Return all entries; a torn last line (the power went) is dropped, a torn middle one is an error."""
    *lines, _unfinished = path.read_bytes().split(b"\n")
    # what follows the last line end may be torn inside a number, so it is never trusted
    entries: list[JournalEntry] = []
    for number, line in enumerate(lines, start=1):
        try:
            entries.append(dict(json.loads(line)))
        except (TypeError, ValueError) as error:
            raise RunFolderError(f"{path}, line {number}: not a journal entry ({error})") from error
    return entries
