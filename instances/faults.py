"""A fault with its place, and the error that lists them all."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches


class ConfiguratorError(Exception):
    """What every error raised on purpose by the offer configurator is."""


@dataclass(frozen=True)
class Fault:
    """One thing wrong with an instance: where it is, what was found there and what was expected.

    `row` is the line in the file (the header is line 1), None when the fault is the whole file's.
    """

    file: str
    row: int | None
    column: str
    found: str
    expected: str
    message: str

    @property
    def place(self) -> str:
        """The place in words: `needs.csv, row 12, column profile`."""
        parts = [self.file]
        if self.row is not None:
            parts.append(f"row {self.row}")
        if self.column:
            parts.append(f"{'key' if self.file.endswith('.toml') else 'column'} {self.column}")
        return ", ".join(parts)

    def __str__(self) -> str:
        details = []
        if self.found:
            details.append(f"found '{_shortened(self.found)}'")
        if self.expected:
            details.append(f"expected {self.expected}")
        return f"{self.place}: {self.message}" + (f" ({'; '.join(details)})" if details else "")


class InvalidInstance(ConfiguratorError):  # noqa: N818 (named for what it says)
    """An instance that cannot be used, with all its faults."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults: tuple[Fault, ...] = in_reading_order(faults)
        super().__init__(self.faults)

    def __str__(self) -> str:
        count = len(self.faults)
        title = "1 fault in the instance" if count == 1 else f"{count} faults in the instance"
        return "\n".join([f"{title}:", *(f"  {fault}" for fault in self.faults)])


class UnknownName(ConfiguratorError):  # noqa: N818 (named for what it says)
    """A name asked for that nothing bears: a scenario, a parameter, an instance."""

    def __init__(self, kind: str, name: str, known: Iterable[str]) -> None:
        self.kind = kind
        self.name = name
        self.known = tuple(known)
        super().__init__(kind, name, self.known)

    @property
    def expected(self) -> str:
        """The name that may have been meant."""
        return expected_name(self.name, self.known)

    def __str__(self) -> str:
        return f"unknown {self.kind} '{_shortened(self.name)}'; expected {self.expected}"


def in_reading_order(faults: Iterable[Fault]) -> tuple[Fault, ...]:
    """Sort faults by file and row, each once."""
    return tuple(sorted(dict.fromkeys(faults), key=lambda fault: (fault.file, fault.row or 0, fault.column)))


def nearest(name: str, known: Iterable[str]) -> str | None:
    """Return the known name most like `name`, or None when none is close."""
    by_lower_case = {candidate.lower(): candidate for candidate in known}
    matches = get_close_matches(name.lower(), list(by_lower_case), n=1, cutoff=0.5)
    return by_lower_case[matches[0]] if matches else None


def expected_name(name: str, known: Sequence[str] | Iterable[str]) -> str:
    """Say which name was expected: the nearest one, else the first few known."""
    candidates = list(known)
    close = nearest(name, candidates)
    if close is not None:
        return f"'{close}', perhaps"
    if not candidates:
        return "a name, but none is known"
    shown = ", ".join(f"'{candidate}'" for candidate in candidates[:8])
    return f"one of {shown}" + (", ..." if len(candidates) > 8 else "")


def _shortened(text: str) -> str:
    line = text.replace("\n", "\\n").replace("\r", "\\r")  # a fault is one line
    return line if len(line) <= 80 else line[:77] + "..."
