"""Who runs simulations: this thread, threads (the compiled engine lets go of Python), or processes (SimPy)."""

import multiprocessing
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from instances.faults import ConfiguratorError
from simulation.configuration import Configuration

AccountT = TypeVar("AccountT")
AccountOut = TypeVar("AccountOut", covariant=True)

FAILURES = (ConfiguratorError, ArithmeticError, LookupError, ValueError, TypeError, RuntimeError, MemoryError)
"""What a simulation may raise without ending a search: the plan is set aside instead."""


class RunsComponents(Protocol[AccountOut]):
    """A twin: one component of one configuration in one replication."""

    def account(self, configuration: Configuration, component: int, replication: int) -> AccountOut:
        """Run it and return its account."""


@dataclass(frozen=True)
class Task:
    """One simulation to run."""

    configuration: Configuration
    component: int
    replication: int


@dataclass(frozen=True)
class Failure:
    """A simulation that ended in an error."""

    message: str


def _nothing(_answer: object) -> None:
    """Ask for nothing to be done after a task."""


class Workers(Protocol[AccountT]):
    """Runs tasks; answers in the tasks' order, whoever was first."""

    def run(
        self, tasks: Sequence[Task], done: Callable[[AccountT | Failure], None] = _nothing
    ) -> list[AccountT | Failure]:
        """Run all tasks; `done` is told each answer in this order, by this thread, while others are being run."""

    def close(self) -> None:
        """Give threads or processes back."""


class ThreadWorkers(Generic[AccountT]):
    """Threads that share one twin; one worker runs in the calling thread."""

    def __init__(self, twin: RunsComponents[AccountT], count: int) -> None:
        self._twin = twin
        self._pool = ThreadPoolExecutor(count) if count > 1 else None

    def run(
        self, tasks: Sequence[Task], done: Callable[[AccountT | Failure], None] = _nothing
    ) -> list[AccountT | Failure]:
        """Run all tasks."""
        found = []
        for answer in map(self._one, tasks) if self._pool is None else self._pool.map(self._one, tasks):
            found.append(answer)
            done(answer)
        return found

    def close(self) -> None:
        """Give the threads back; what has not started is dropped."""
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)

    def _one(self, task: Task) -> AccountT | Failure:
        return attempt(self._twin, task)


class ProcessWorkers(Generic[AccountT]):
    """Processes on a fork server, each with a twin of its own; `make_twin` must be a picklable function."""

    def __init__(
        self, make_twin: Callable[..., RunsComponents[AccountT]], arguments: tuple[Any, ...], count: int
    ) -> None:
        self._pool = ProcessPoolExecutor(
            count,
            mp_context=multiprocessing.get_context("forkserver"),
            initializer=_start_process,
            initargs=(make_twin, arguments),
        )

    def run(
        self, tasks: Sequence[Task], done: Callable[[AccountT | Failure], None] = _nothing
    ) -> list[AccountT | Failure]:
        """Run all tasks."""
        found: list[AccountT | Failure] = []
        for answer in self._pool.map(_run_in_process, tasks):
            found.append(answer)
            done(answer)
        return found

    def close(self) -> None:
        """Give the processes back; what has not started is dropped."""
        self._pool.shutdown(cancel_futures=True)


def attempt(twin: RunsComponents[AccountT], task: Task) -> AccountT | Failure:
    """Run one task, an error becoming a `Failure`."""
    try:
        return twin.account(task.configuration, task.component, task.replication)
    except FAILURES as error:
        return Failure(f"{type(error).__name__}: {error}")


_process_twin: list[RunsComponents[Any]] = []


def _start_process(make_twin: Callable[..., RunsComponents[Any]], arguments: tuple[Any, ...]) -> None:
    _process_twin[:] = [make_twin(*arguments)]


def _run_in_process(task: Task) -> Any:  # noqa: ANN401 (whatever the twin answers)
    return attempt(_process_twin[0], task)
