"""Fair timing on a machine that does other things too: alternate what is compared, take medians of paired ratios."""

import gc
import os
import platform
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from statistics import median
from typing import Any, Generic, TypeVar

Outcome = TypeVar("Outcome")


@dataclass(frozen=True)
class Timed(Generic[Outcome]):
    """What one call took, in seconds of CPU time and of wall-clock time, and what it returned."""

    cpu: float
    wall: float
    outcome: Outcome


def timed(call: Callable[[], Any], read: Callable[[Any], Outcome]) -> Timed[Outcome]:
    """Call once and take the times of the whole process; what it returned is read outside them, and dropped.

    What calls before it left lying about is cleared away first: that is not this call's work.
    """
    gc.collect()
    wall, cpu = time.perf_counter(), time.process_time()
    result = call()
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    return Timed(cpu, wall, read(result))


def median_ratio(one: Sequence[float], other: Sequence[float]) -> float:
    """Return the median of the ratios of a round."""
    return median(a / b for a, b in zip(one, other, strict=True))


def machine() -> str:
    """Describe the machine and what else it was doing."""
    cpu = next(
        (line.split(":", 1)[1].strip() for line in _lines("/proc/cpuinfo") if line.startswith("model name")),
        platform.processor() or "unknown processor",
    )
    memory = next((int(line.split()[1]) / 1024**2 for line in _lines("/proc/meminfo") if "MemTotal" in line), 0.0)
    load = os.getloadavg()[0]
    return (
        f"{cpu}, {os.cpu_count()} cores seen, {memory:.0f} GiB, {platform.system()} {platform.machine()}, "
        f"Python {platform.python_version()}; load average {load:.1f} when measured"
    )


def versions(packages: Sequence[str]) -> str:
    """Name the versions of packages, as far as they are installed."""
    found = []
    for package in packages:
        try:
            found.append(f"{package} {version(package)}")
        except PackageNotFoundError:
            found.append(f"{package} not installed")
    return ", ".join(found)


def _lines(path: str) -> list[str]:
    file = Path(path)
    return file.read_text(encoding="utf-8").splitlines() if file.exists() else []
