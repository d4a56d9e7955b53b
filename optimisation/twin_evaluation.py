"""Evaluation by the twin: each run is kept as its essence, which is all that objectives are made of."""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from instances.instance import Instance
from optimisation.evaluation import Evaluator, Judgement, Judges
from optimisation.workers import ProcessWorkers, ThreadWorkers, Workers
from simulation.configuration import Configuration
from simulation.objectives import Essence, Judge
from simulation.twin import EngineName, Twin


@dataclass(frozen=True)
class EssenceTwin:
    """A twin that answers with the essence of an account instead of the account."""

    twin: Twin
    judge: Judge

    def account(self, configuration: Configuration, component: int, replication: int) -> Essence:
        """Run one component and return the essence of its account."""
        return self.judge.essence(self.twin.account(configuration, component, replication))


def twin_evaluator(
    instance: Instance,
    *,
    seed: int,
    workers: int = 0,
    engine: EngineName = "compiled",
    informing: Sequence[int] = (),
    watch: Callable[[int], None] | None = None,
) -> Evaluator[Essence]:
    """Return an evaluator on so many workers (0: one per core).

    informing: replications of today that tell how much margins vary by chance and knowledge.
    """
    twin = essence_twin(instance, seed, engine)
    count = workers or os.cpu_count() or 1
    return Evaluator(
        instance,
        twin.twin.components,
        _workers(twin, count, (instance, seed, engine)),
        lambda today: _judging(twin.judge.informed(today) if today else twin.judge),
        informing=informing,
        watch=watch,
    )


def essence_twin(instance: Instance, seed: int, engine: EngineName) -> EssenceTwin:
    """Return a twin of an instance that answers with essences."""
    return EssenceTwin(Twin(instance, seed=seed, engine_name=engine), Judge.of(instance))


def _workers(twin: EssenceTwin, count: int, arguments: tuple[Instance, int, EngineName]) -> Workers[Essence]:
    """The compiled engine lets go of Python's lock, SimPy does not."""
    if arguments[2] == "compiled" or count == 1:
        return ThreadWorkers(twin, count)
    return ProcessWorkers(essence_twin, arguments, count)


def _judging(judge: Judge) -> Judges[Essence]:
    def judged(_configuration: Configuration, accounts: Sequence[Essence], today: Sequence[Essence]) -> Judgement:
        found = judge.judge(accounts, today)
        return Judgement(found.values, found.point, found.flags)

    return judged
