"""One command and all its processes, watched from outside: processor time, time on the wall, peak memory."""

import os
import subprocess
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

PROCESSES = Path("/proc")
EVERY = 1.0
"""Seconds between two looks at memory: what peaks for less may be missed."""


@dataclass(frozen=True)
class WholeRun:
    """What a command took with all processes it started; memory that several share counts once."""

    cpu_seconds: float
    wall_seconds: float
    peak_gigabytes: float
    status: int


def watched(command: Sequence[str]) -> WholeRun:
    """Run a command to its end and return what it took; its output is kept from the screen."""
    begun, before = time.monotonic(), _children()
    running = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    peak = 0
    while True:
        peak = max(peak, sum(_proportional_set(process) for process in _tree(running.pid)))
        try:
            status = running.wait(EVERY)
        except subprocess.TimeoutExpired:
            continue
        return WholeRun(_children() - before, time.monotonic() - begun, peak / 1e9, status)


def _children() -> float:
    """Return the processor time of all processes waited for so far."""
    used = os.times()
    return used.children_user + used.children_system


def _tree(process: int) -> Iterator[int]:
    yield process
    for listed in (PROCESSES / str(process) / "task").glob("*/children"):
        for child in _text(listed).split():
            yield from _tree(int(child))


def _proportional_set(process: int) -> int:
    """Return the bytes of a process, its part of what it shares (PSS)."""
    for line in _text(PROCESSES / str(process) / "smaps_rollup").splitlines():
        if line.startswith("Pss:"):
            return 1024 * int(line.split()[1])
    return 0


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii")
    except OSError:  # the process has ended meanwhile
        return ""
