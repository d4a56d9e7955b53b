"""Evaluation by the twin: each run is kept as its essence, which is all that objectives are made of."""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from instances.instance import Instance
from optimisation.evaluation import Evaluator, Judgement, Judges, Remembers
from optimisation.workers import ProcessWorkers, ThreadWorkers, Workers
from simulation.configuration import Configuration
from simulation.indicator_tables import Listing
from simulation.knowledge import Knowledge
from simulation.objectives import ENOUGH_REPLICATIONS, Essence, Judge
from simulation.rounding import FINE, rounded
from simulation.twin import EngineName, Twin


@dataclass(frozen=True)
class EssenceTwin:
    """A twin that answers with the essence of an account instead of the account.

    listed: replications in which today's essence also holds what its long table of indicators is made of.
    """

    twin: Twin
    judge: Judge
    listed: range = range(0)

    def account(self, configuration: Configuration, component: int, replication: int) -> Essence:
        """Run one component and return the essence of its account."""
        own = self.twin.components[component].territories
        is_listed = replication in self.listed and configuration == self.twin.today
        breaks = is_listed or self.judge.reads_breaks
        account = self.twin.own_account(configuration, component, replication, breaks=breaks)
        essence = self.judge.essence(account, own)
        if is_listed:
            essence = replace(essence, listed=rounded(self._listing.read(account, own), FINE))
        return essence

    @cached_property
    def _listing(self) -> Listing:
        return Listing(self.judge.catalogue)


def twin_evaluator(
    instance: Instance | Knowledge,
    *,
    seed: int,
    workers: int = 0,
    engine: EngineName = "compiled",
    twin: Twin | None = None,
    judge: Judge | None = None,
    informing: Sequence[int] = (),
    steadied_below: int = ENOUGH_REPLICATIONS,
    listed: range = range(0),
    memory: Remembers[Essence] | None = None,
    watch: Callable[[int], None] | None = None,
) -> Evaluator[Essence]:
    """Return an evaluator on so many workers (0: one per core).

    instance: or what is known of it: then replication r carries parameter draw r, the same for every plan (T13).
    informing: replications of today, from 0 on, that tell what margins are and vary by, by chance and knowledge; the
    first carries the central values, hence tells what today spends at these.
    steadied_below: replications below which a plan's solvency hangs on them (`Judge.steadied_below`).
    listed: replications of today whose essences hold what indicators.csv is made of.
    memory: where component runs are kept beyond this process.
    twin: the twin of these to work with, that others share; processes have their own. judge: the instance's, likewise:
    what it has looked up for the long table of a department takes as much memory as a generation.
    """
    own = Twin(instance, seed=seed, engine_name=engine) if twin is None else twin
    essences = EssenceTwin(own, Judge.of(own.instance) if judge is None else judge, listed)
    count = workers or os.cpu_count() or 1

    def informed(today: Sequence[Essence]) -> Judges[Essence]:
        judge = essences.judge
        if today:
            judge = replace(judge, steadied_below=steadied_below).informed(today)
        return _judging(judge.expecting(today[0]) if today and essences.twin.knowledge.uncertain else judge)

    return Evaluator(
        essences.twin.instance,
        essences.twin.components,
        _workers(essences, count, (instance, seed, engine, listed)),
        informed,
        informing=informing,
        memory=memory,
        watch=watch,
    )


def essence_twin(
    instance: Instance | Knowledge, seed: int, engine: EngineName, listed: range = range(0)
) -> EssenceTwin:
    """Return a twin of an instance that answers with essences; what is judged by never varies with a draw."""
    twin = Twin(instance, seed=seed, engine_name=engine)
    return EssenceTwin(twin, Judge.of(twin.instance), listed)


def _workers(
    twin: EssenceTwin, count: int, arguments: tuple[Instance | Knowledge, int, EngineName, range]
) -> Workers[Essence]:
    """The compiled engine lets go of Python's lock, SimPy does not."""
    if arguments[2] == "compiled" or count == 1:
        return ThreadWorkers(twin, count)
    return ProcessWorkers(essence_twin, arguments, count)


def _judging(judge: Judge) -> Judges[Essence]:
    def judged(_configuration: Configuration, accounts: Sequence[Essence], today: Sequence[Essence]) -> Judgement:
        found = judge.judge(accounts, today)
        return Judgement(
            found.values,
            found.point,
            found.flags,
            found.violation,
            found.tie,
            found.books,
            found.kept,
            found.point_values,
            found.referred,
        )

    return judged
