"""The audit of plans before people see them: the SimPy engine must give the very events of the compiled one."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass

from instances.instance import Instance
from optimisation.evaluation import Parts
from optimisation.workers import Failure, ProcessWorkers, Task, ThreadWorkers, Workers
from simulation.components import components
from simulation.configuration import Configuration
from simulation.engines.audit import Audit, EnginesDisagree, audit
from simulation.knowledge import Knowledge
from simulation.knowledge import known as knowledge_of
from simulation.twin import Origin, Twin

REPLICATION = 0
"""Which replication is run by both engines: the one with the central values of parameters."""
STATES_IN_AUDIT = 100_000_000
"""Bytes of states at time 0 that a process remembers: components are audited one after the other."""


def _nothing(_key: str, _events: int) -> None:
    """Keep nothing."""


@dataclass(frozen=True)
class AuditingTwin:
    """A twin that runs every component with both engines."""

    twin: Twin

    def account(self, configuration: Configuration, component: int, replication: int) -> Audit:
        """Run a component with both engines and compare."""
        return audit(self.twin, configuration, component, replication)


def auditing_twin(instance: Instance | Knowledge, seed: int, origin: Origin | None = None) -> AuditingTwin:
    """Return an auditing twin of an instance."""
    return AuditingTwin(Twin(instance, seed=seed, origin=origin, state_memory=STATES_IN_AUDIT))


def audited_events(
    instance: Instance | Knowledge,
    configurations: Sequence[Configuration],
    *,
    seed: int,
    workers: int,
    origin: Origin | None = None,
    known: Mapping[str, int] | None = None,
    keep: Callable[[str, int], None] = _nothing,
) -> list[int]:
    """Return how many event records of each configuration both engines agreed on, in one whole replication.

    A component that several configurations leave alike is run once; one that is known to agree is not run again.
    known: event records by what was decided for a component (`Parts.key`); keep: is told of each that is found.
    Raises `EnginesDisagree`.
    """
    parts = _parts(instance)
    rows = [[parts.key(one, part) for part in range(parts.count)] for one in configurations]
    events = dict(known or {})
    tasks = {
        key: Task(configuration, part, REPLICATION)
        for configuration, row in zip(configurations, rows, strict=True)
        for part, key in enumerate(row)
        if key not in events
    }
    order = sorted(tasks, key=lambda key: tasks[key].component)  # the same state at time 0 for those near one another
    coming = iter(order)

    def agreed(found: Audit | Failure) -> None:
        key = next(coming)
        if isinstance(found, Failure):
            raise EnginesDisagree(found.message)
        events[key] = found.events
        keep(key, found.events)

    if order:
        with closing(_workers((instance, seed, origin), workers)) as crew:
            crew.run([tasks[key] for key in order], agreed)
    return [sum(events[key] for key in row) for row in rows]


def are_audited(instance: Instance | Knowledge, configuration: Configuration, known: Mapping[str, int]) -> bool:
    """Say whether every component of a configuration is known to agree."""
    parts = _parts(instance)
    return all(parts.key(configuration, part) in known for part in range(parts.count))


def _parts(instance: Instance | Knowledge) -> Parts:
    central = knowledge_of(instance).central
    return Parts(central, components(central))


def _workers(arguments: tuple[Instance | Knowledge, int, Origin | None], count: int) -> Workers[Audit]:
    """SimPy holds Python's lock: more workers are more processes."""
    if count == 1:
        return ThreadWorkers(auditing_twin(*arguments), 1)
    return ProcessWorkers(auditing_twin, arguments, count)
