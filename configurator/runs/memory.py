"""What a run has simulated, kept in its folder: each component run by what was decided for it and its replication.

A line is `{"component": hash, "replication": n, "values": ..., "lines": ..., "pools": ...}`, with `listed` for today's
runs that indicators.csv is made of; the arrays are the bytes of their numbers, compressed, so that a run read back is
the run that was written, to the last bit. A run that failed is kept with its message and is not tried again.
"""

import base64
import json
import zlib
from collections.abc import Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path

import numpy as np
import numpy.typing as npt

from configurator.runs.journal import Journal, JournalEntry, placed_entries
from configurator.runs.store import RunFolderError
from optimisation.evaluation import RunKey
from optimisation.workers import Failure
from simulation.instability import PER_LINE
from simulation.objectives import Essence

EVALUATIONS = "evaluations.jsonl"


class RunMemory:
    """The component runs of one run folder; only their places in the file are held in memory."""

    def __init__(self, path: Path) -> None:
        self._journal = Journal(path)
        self._journal.mend()
        self._places: dict[RunKey, int] = {}
        if path.is_file():
            for offset, entry in placed_entries(path):
                self._places[_key(path, entry)] = offset
        self._end = path.stat().st_size if path.is_file() else 0
        self._settled: frozenset[RunKey] = frozenset()

    @property
    def count(self) -> int:
        """Component runs it holds."""
        return len(self._places)

    @property
    def settled(self) -> int:
        """Component runs that count as simulated whether they are asked for or not."""
        return len(self._settled)

    def settle(self, count: int) -> None:
        """Settle the first runs that were kept, so many of them."""
        self._settled = frozenset(islice(self._places, count))

    def is_settled(self, key: RunKey) -> bool:
        """Say whether a run counts as simulated whether it is asked for or not."""
        return key in self._settled

    def recall(self, key: RunKey) -> Essence | Failure | None:
        """Return a run if it is held."""
        place = self._places.get(key)
        if place is None:
            return None
        with self._journal.path.open("rb") as file:
            file.seek(place)
            line = file.readline()
        try:
            return _found(json.loads(line))
        except (KeyError, ValueError, zlib.error) as error:
            raise RunFolderError(
                f"{self._journal.path}, at byte {place}: a component run is damaged ({error})"
            ) from error

    def keep(self, found: Sequence[tuple[RunKey, Essence | Failure]]) -> None:
        """Hold some runs; they are on the disk when this returns."""
        new = [(key, answer) for key, answer in found if key not in self._places]
        if not new:
            return
        self._journal.append_all([_entry(key, answer) for key, answer in new])
        with self._journal.path.open("rb") as file:
            file.seek(self._end)
            for key, _ in new:
                self._places[key] = file.tell()
                file.readline()
            self._end = file.tell()


def _key(path: Path, entry: JournalEntry) -> RunKey:
    component, replication = entry.get("component"), entry.get("replication")
    if not isinstance(component, str) or not isinstance(replication, int):
        raise RunFolderError(f"{path}: an entry without component and replication")
    return component, replication


def _entry(key: RunKey, answer: Essence | Failure) -> JournalEntry:
    entry: JournalEntry = {"component": key[0], "replication": key[1]}
    if isinstance(answer, Failure):
        return entry | {"failure": answer.message}
    listed = {"listed": _packed(answer.listed)} if len(answer.listed) else {}
    known = {"values": _packed(answer.values), "lines": _packed(answer.lines), "pools": answer.pools.tolist()}
    return entry | known | listed


def _found(entry: JournalEntry) -> Essence | Failure:
    if "failure" in entry:
        return Failure(str(entry["failure"]))
    lines = _unpacked(entry["lines"]).reshape(-1, PER_LINE)
    essence = Essence(_unpacked(entry["values"]), lines, _numbers(entry.get("pools"), len(lines)))
    return replace(essence, listed=_unpacked(entry["listed"])) if "listed" in entry else essence


def _packed(numbers: npt.NDArray[np.float64]) -> str:
    return base64.b64encode(zlib.compress(np.ascontiguousarray(numbers, dtype="<f8").tobytes(), 1)).decode("ascii")


def _numbers(found: object, count: int) -> npt.NDArray[np.int64]:
    if found is None:  # as runs were kept once: the lines of every pool
        return np.arange(count, dtype=np.int64)
    if not isinstance(found, list) or len(found) != count:
        raise ValueError(f"expected the pools of {count} lines")
    return np.array(found, dtype=np.int64)


def _unpacked(text: object) -> npt.NDArray[np.float64]:
    content = zlib.decompress(base64.b64decode(str(text)))
    return np.frombuffer(content, dtype="<f8").astype(np.float64)
