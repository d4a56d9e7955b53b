"""Which component runs SimPy has agreed on, kept in the folder of the run: none is audited twice.

A line is `{"component": hash, "events": n}`: what was decided for the component, and its event records.
"""

from collections.abc import Mapping
from pathlib import Path

from configurator.runs.journal import Journal, read_journal
from configurator.runs.store import RunFolderError

AUDITS = "audits.jsonl"


class AuditMemory:
    """The audits of one run."""

    def __init__(self, path: Path) -> None:
        self._journal = Journal(path)
        self._journal.mend()
        self._events: dict[str, int] = {}
        for number, entry in enumerate(read_journal(path) if path.is_file() else (), start=1):
            component, events = entry.get("component"), entry.get("events")
            if not isinstance(component, str) or not isinstance(events, int):
                raise RunFolderError(f"{path}, line {number}: an audit without component and events")
            self._events[component] = events

    @property
    def known(self) -> Mapping[str, int]:
        """Event records in which both engines agreed, by what was decided for the component."""
        return self._events

    def keep(self, component: str, events: int) -> None:
        """Hold an audit; it is on the disk when this returns."""
        self._journal.append({"component": component, "events": events})
        self._events[component] = events
