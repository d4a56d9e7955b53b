"""What happened in a run: JSON lines, only ever appended, and written through to the disk."""

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from configurator.runs.store import RunFolderError, writing

JOURNAL = "journal.jsonl"

JournalEntry = dict[str, object]


@dataclass(frozen=True)
class Journal:
    """An append-only file; a line that is there is whole and on the disk."""

    path: Path

    def append(self, entry: Mapping[str, object]) -> None:
        """Add one line and wait until the disk has it."""
        self.append_all([entry])

    def append_all(self, entries: Sequence[Mapping[str, object]]) -> None:
        """Add some lines and wait until the disk has them; raises RunFolderError where the system does not let it."""
        lines = [json.dumps(entry, ensure_ascii=False, allow_nan=False, sort_keys=True) for entry in entries]
        with writing(self.path), self.path.open("ab") as file:
            file.write("".join(f"{line}\n" for line in lines).encode("utf-8"))
            file.flush()
            os.fsync(file.fileno())

    def mend(self) -> None:
        """Cut off a last line that was not finished (the power went), so that what follows begins a line of its own."""
        if not self.path.is_file():
            return
        with writing(self.path), self.path.open("r+b") as file:
            whole = _end_of_last_line(file.read())
            file.truncate(whole)
            file.flush()
            os.fsync(file.fileno())


def read_journal(path: Path) -> list[JournalEntry]:
    """Return all entries; a torn last line (the power went) is dropped, a torn middle one is an error."""
    return [entry for _, entry in placed_entries(path)]


def placed_entries(path: Path) -> Iterator[tuple[int, JournalEntry]]:
    """Yield (offset in bytes, entry) of each whole line; raise RunFolderError at one that is no entry."""
    offset = 0
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            if not line.endswith(b"\n"):  # it may be torn inside a number, so it is never trusted
                return
            try:
                entry = dict(json.loads(line))
            except (TypeError, ValueError, RecursionError) as error:
                raise RunFolderError(f"{path}, line {number}: not a journal entry ({error})") from error
            yield offset, entry
            offset += len(line)


def _end_of_last_line(content: bytes) -> int:
    return content.rfind(b"\n") + 1
