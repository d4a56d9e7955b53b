"""The audit of plans before people see them: the SimPy engine must give the very events of the compiled one."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from instances.instance import Instance
from optimisation.evaluation import Parts
from optimisation.workers import Failure, ProcessWorkers, Task, ThreadWorkers, Workers
from simulation.components import components
from simulation.configuration import Configuration
from simulation.engines.audit import Audit, EnginesDisagree, audit
from simulation.knowledge import Knowledge, known
from simulation.twin import Origin, Twin

REPLICATION = 0
"""Which replication is run by both engines: the one with the central values of parameters."""


@dataclass(frozen=True)
class AuditingTwin:
    """A twin that runs every component with both engines."""

    twin: Twin

    def account(self, configuration: Configuration, component: int, replication: int) -> Audit:
        """Run a component with both engines and compare."""
        return audit(self.twin, configuration, component, replication)


def auditing_twin(instance: Instance | Knowledge, seed: int, origin: Origin | None = None) -> AuditingTwin:
    """Return an auditing twin of an instance."""
    return AuditingTwin(Twin(instance, seed=seed, origin=origin))


def audited_events(
    instance: Instance | Knowledge,
    configurations: Sequence[Configuration],
    *,
    seed: int,
    workers: int,
    origin: Origin | None = None,
    done: Callable[[], None] = lambda: None,
) -> list[int]:
    """Return how many event records of each configuration both engines agreed on, in one whole replication.

    A component that several configurations leave alike is run once. Raises `EnginesDisagree`.
    """
    central = known(instance).central
    parts = Parts(central, components(central))
    keys = [[parts.key(one, part) for part in range(parts.count)] for one in configurations]
    tasks = {
        key: Task(configuration, part, REPLICATION)
        for configuration, row in zip(configurations, keys, strict=True)
        for part, key in enumerate(row)
    }
    crew = _workers((instance, seed, origin), workers)
    try:
        found = dict(zip(tasks, crew.run(list(tasks.values()), done), strict=True))
    finally:
        crew.close()
    return [sum(_agreed(found[key]) for key in row) for row in keys]


def _workers(arguments: tuple[Instance | Knowledge, int, Origin | None], count: int) -> Workers[Audit]:
    """SimPy holds Python's lock: more workers are more processes."""
    if count == 1:
        return ThreadWorkers(auditing_twin(*arguments), 1)
    return ProcessWorkers(auditing_twin, arguments, count)


def _agreed(found: Audit | Failure) -> int:
    if isinstance(found, Failure):
        raise EnginesDisagree(found.message)
    return found.events
