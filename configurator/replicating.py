"""Accounts of whole territories, replication by replication, on all cores."""

import os
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass

from configurator.laboratory import Effort, SimulationFailed
from optimisation.workers import Failure, ProcessWorkers, Task, ThreadWorkers, Workers
from simulation.components import components
from simulation.configuration import Configuration, content_key
from simulation.knowledge import Knowledge
from simulation.ledgers.account import Account
from simulation.ledgers.chart import Chart
from simulation.ledgers.parts import together
from simulation.twin import EngineName, Origin, Twin

CHANCE_REPLICATIONS = 10
"""Replications at most that tell how far chance alone spreads results: each costs as much as any other."""
STATE_MEMORY = 150_000_000
"""Bytes of states at time 0 remembered: each is asked for by one or two configurations, one right after the other."""


@dataclass(frozen=True)
class Replicated:
    """The accounts of a configuration and of today in the same replications."""

    accounts: tuple[Account, ...] = ()
    today: tuple[Account, ...] = ()

    def __add__(self, other: "Replicated") -> "Replicated":
        """Return the replications of both, one after the other."""
        return Replicated(self.accounts + other.accounts, self.today + other.today)

    def first(self, count: int) -> "Replicated":
        """Return the first replications."""
        return Replicated(self.accounts[:count], self.today[:count])


@dataclass(frozen=True)
class Simulating:
    """A configuration to simulate, and what is offered where its runs start, on workers."""

    workers: Workers[Account]
    knowledge: Knowledge
    configuration: Configuration
    today: Configuration

    def replicated(self, replications: Sequence[int]) -> Replicated:
        """Simulate the configuration, and today beside it when it is another one."""
        chosen = [self.configuration] if self.configuration == self.today else [self.configuration, self.today]
        central = self.knowledge.central
        charts, whole = [Chart(central, each.territories) for each in components(central)], Chart(central)
        parts = len(charts)
        tasks = [Task(one, part, number) for number in replications for one in chosen for part in range(parts)]
        accounts = []
        for task, answer in zip(tasks, self.workers.run(tasks), strict=True):
            if isinstance(answer, Failure):
                key = content_key(task.configuration)[:16]
                raise SimulationFailed(f"the simulation of {key} failed: {answer.message}")
            accounts.append(answer)
        starts = range(0, len(accounts), parts)
        wholes = [together(accounts[start : start + parts], charts, whole) for start in starts]
        return Replicated(tuple(wholes[:: len(chosen)]), tuple(wholes[len(chosen) - 1 :: len(chosen)]))


def by_chance_alone(
    knowledge: Knowledge,
    configuration: Configuration,
    today: Configuration,
    effort: Effort,
    origin: Origin | None,
    found: Replicated,
) -> Replicated | None:
    """Return the replications that tell chance alone: all at the central values of the parameters.

    Replication 0 of those found carries these values already. None: a single replication tells nothing of spread,
    and states that were saved with drawn parameters have no central counterpart.
    """
    count = len(found.accounts)
    if not knowledge.uncertain or count < 2:
        return found
    if origin is not None and origin.is_drawn:
        return None
    with closing(account_workers(knowledge.chance_only, effort, origin)) as workers:
        others = Simulating(workers, knowledge.chance_only, configuration, today)
        return found.first(1) + others.replicated(range(1, min(count, CHANCE_REPLICATIONS)))


def twin_of(knowledge: Knowledge, seed: int, engine_name: EngineName, origin: Origin | None) -> Twin:
    """Return a twin; a function that processes can be given."""
    return Twin(knowledge, seed=seed, engine_name=engine_name, origin=origin, state_memory=STATE_MEMORY)


@dataclass(frozen=True)
class OwnBooks:
    """A twin that answers with accounts over each component's own territories: no larger than these."""

    twin: Twin

    def account(self, configuration: Configuration, component: int, replication: int) -> Account:
        """Simulate one component and return its account over its own territories."""
        return self.twin.own_account(configuration, component, replication)


def own_books(knowledge: Knowledge, seed: int, engine_name: EngineName, origin: Origin | None) -> OwnBooks:
    """Return a twin that answers with accounts of components alone; a function that processes can be given."""
    return OwnBooks(twin_of(knowledge, seed, engine_name, origin))


def account_workers(knowledge: Knowledge, effort: Effort, origin: Origin | None = None) -> Workers[Account]:
    """Return workers that keep components' own accounts; only the compiled engine lets go of Python's lock."""
    arguments = (knowledge, effort.seed, effort.engine, origin)
    if effort.engine == "simpy" and worker_count(effort.workers) > 1:
        return ProcessWorkers(own_books, arguments, worker_count(effort.workers))
    return ThreadWorkers(own_books(*arguments), worker_count(effort.workers))


def worker_count(asked: int) -> int:
    """Return how many workers to use: as many as asked, or one per core this process may use."""
    if asked > 0:
        return asked
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
