"""What the terminal shows while a search runs: bars for people, plain lines for logs, nothing for programs."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TextIO

if TYPE_CHECKING:
    from rich.progress import Progress as RichBar
    from rich.progress import TaskID


@dataclass(frozen=True)
class Standing:
    """Where a search stands, as shown.

    seconds: since the search began; seconds_left: at the pace so far, None before the first generation.
    """

    generation: int
    generations: int
    front_size: int
    hypervolume: float
    replications: int
    seconds: float

    @property
    def replications_per_second(self) -> float:
        """Return replications simulated per second of clock time so far."""
        return self.replications / self.seconds if self.seconds > 0 else 0.0

    @property
    def seconds_left(self) -> float | None:
        """Return the time left if the generations to come take as long as those done."""
        if self.generation <= 0:
            return None
        return self.seconds / self.generation * max(self.generations - self.generation, 0)

    def line(self) -> str:
        """Return the standing as one plain line."""
        parts = [
            f"generation {self.generation}/{self.generations}",
            f"front {self.front_size}",
            f"hypervolume {self.hypervolume:.4f}",
            f"{self.replications_per_second:.3g} replications/s",
        ]
        if self.seconds_left is not None:
            parts.append(f"{duration(self.seconds_left)} of search left")
        return ", ".join(parts)


def duration(seconds: float) -> str:
    """Return a duration in the two units that matter.

    >>> duration(3.2), duration(75), duration(7265)
    ('3 s', '1 min 15 s', '2 h 01 min')
    """
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


class Progress(Protocol):
    """Watches a search and never steers it."""

    def message(self, text: str) -> None:
        """Say what is being done now."""

    def simulated(self, replications: int) -> None:
        """Show how many replications have been simulated so far."""

    def generation(self, standing: Standing) -> None:
        """Show a finished generation."""


def compiling_first(engine: str) -> str:
    """Return what to add to a message when the twin has to be compiled before; nothing when it is on disk."""
    if engine != "compiled":
        return ""
    from simulation.engines import compiled_engine  # brings numba, which most verbs do without

    return "" if compiled_engine.is_ready() else " (the twin is compiled before: half a minute, once on a machine)"


class Silent:
    """Shows nothing."""

    def message(self, text: str) -> None:
        """Say nothing."""

    def simulated(self, replications: int) -> None:
        """Show nothing."""

    def generation(self, standing: Standing) -> None:
        """Show nothing."""


@dataclass(frozen=True)
class PlainLines:
    """One line an event, for logs and pipes."""

    out: TextIO

    def message(self, text: str) -> None:
        """Print the text as a line."""
        print(text, file=self.out, flush=True)

    def simulated(self, replications: int) -> None:
        """Print nothing: a line each would drown the rest."""

    def generation(self, standing: Standing) -> None:
        """Print the standing as a line."""
        print(standing.line(), file=self.out, flush=True)


@dataclass(frozen=True)
class Bars:
    """A bar that moves, for a terminal."""

    bar: "RichBar"
    task: "TaskID"

    def message(self, text: str) -> None:
        """Show the text before the bar."""
        self.bar.update(self.task, description=text)

    def simulated(self, replications: int) -> None:
        """Renew the count beside the bar."""
        self.bar.update(self.task, simulated=f"({replications:,} replications)")

    def generation(self, standing: Standing) -> None:
        """Move the bar and renew what stands beside it."""
        self.bar.update(self.task, total=standing.generations, completed=standing.generation, standing=standing.line())


@contextmanager
def shown(quiet: bool, out: TextIO | None = None) -> Iterator[Progress]:
    """Yield the progress that suits the place: none if quiet, bars on a terminal, else plain lines."""
    stream = sys.stderr if out is None else out
    if quiet:
        yield Silent()
    elif stream.isatty():
        from rich.console import Console
        from rich.progress import BarColumn, SpinnerColumn, TextColumn, TimeElapsedColumn
        from rich.progress import Progress as RichBar
        from rich.table import Column

        columns = (
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(bar_width=12),
            TimeElapsedColumn(),
            # what does not fit goes on on the next line: figures are never cut
            TextColumn(
                "{task.fields[standing]} {task.fields[simulated]}", table_column=Column(ratio=1, overflow="fold")
            ),
        )
        with RichBar(*columns, console=Console(file=stream), expand=True) as bar:
            yield Bars(bar, bar.add_task("starting", total=None, standing="", simulated=""))
    else:
        yield PlainLines(stream)


class Stopwatch:
    """Seconds since it was made."""

    def __init__(self) -> None:
        self.start = time.monotonic()

    def seconds(self) -> float:
        """Return the seconds gone by."""
        return time.monotonic() - self.start
