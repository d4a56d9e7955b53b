"""The laboratory in earnest: the one place where the doors call the twin and the search."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from configurator.intervals import indicators, objective_intervals, observations
from configurator.laboratory import Effort, Experiment, Precision, Simulated
from configurator.progress import Progress
from configurator.provider_accounts import provider_table, worst_off_table
from configurator.replicating import (
    Replicated,
    Simulating,
    account_workers,
    by_chance_alone,
    twin_of,
    worker_count,
)
from configurator.story import component_of, patient_key, story
from configurator.trace import HEADER, EventNames, trace
from instances.instance import Instance
from optimisation.auditing import audited_events
from simulation.components import components
from simulation.configuration import Configuration, todays_configuration
from simulation.indicators import Catalogue
from simulation.knowledge import Knowledge
from simulation.objectives import Judge
from simulation.precision import Standing, replications_next, standings
from simulation.saved_state import Header, save_states
from simulation.twin import Origin

if TYPE_CHECKING:  # the search brings its library and the solver
    from configurator.runs.past import Past


@dataclass(frozen=True)
class TwinLaboratory:
    """Simulates with the twin, searches with the search."""

    def simulate(
        self,
        knowledge: Knowledge,
        configuration: Configuration,
        effort: Effort,
        origin: Origin | None = None,
        precision: Precision | None = None,
    ) -> Simulated:
        """Simulate one configuration, and today beside it when it is another one."""
        instance = knowledge.central
        for goal in () if precision is None else precision.goals:
            Catalogue.of(instance).expand(goal.expression)  # raises on what cannot be computed
        today = todays_configuration(instance) if origin is None else origin.offer.configuration
        knowledge.rehearse(effort.seed, range(effort.replications))
        found, standing = _replicated(knowledge, configuration, today, effort, origin, precision)
        by_chance = by_chance_alone(knowledge, configuration, today, effort, origin, found)
        audited = _audited(knowledge, configuration, effort, origin)
        judge = Judge.of(instance)
        if knowledge.uncertain:
            judge = judge.expecting(found.today[0])  # replication 0 carries the central values
        judged = judge.judge(found.accounts, found.today)
        chance = None if by_chance is None else judge.judge(by_chance.accounts, by_chance.today)
        return Simulated(
            indicators=indicators(instance, found, by_chance),
            objectives=objective_intervals(
                instance,
                judged.values,
                judge.final_point(judged),
                None if chance is None else chance.values,
                None if chance is None else judge.final_point(chance),
            ),
            observations=observations(instance, found, by_chance),
            flags=judged.flags,
            replications=len(found.accounts),
            precision=standing,
            providers=provider_table(instance, found.accounts, () if by_chance is None else by_chance.accounts),
            worst_off=worst_off_table(instance, found.accounts),
            drawn_parameters=len(knowledge.uncertain),
            audited_events=audited,
        )

    def story(
        self,
        knowledge: Knowledge,
        configuration: Configuration,
        effort: Effort,
        origin: Origin | None,
        patient: str,
        replication: int,
    ) -> str:
        """Return one patient's story; only the component they live in is run."""
        key = patient_key(knowledge.central, patient)
        twin = twin_of(knowledge, effort.seed, effort.engine, origin)
        return story(knowledge.central, twin.run(configuration, component_of(twin, key), replication), key)

    def save(
        self,
        knowledge: Knowledge,
        configuration: Configuration,
        effort: Effort,
        origin: Origin | None,
        path: Path,
        time: float,
    ) -> None:
        """Save the states at a time; runs until then, so that no other simulation has to keep its states."""
        twin = twin_of(knowledge, effort.seed, effort.engine, origin)
        header = Header.of(twin, configuration, effort.replications, time)
        states = (
            (replication, number, twin.state_at(configuration, number, replication, time))
            for replication in range(effort.replications)
            for number in range(len(twin.components))
        )
        save_states(path, header, states)

    def events(
        self, knowledge: Knowledge, configuration: Configuration, effort: Effort, origin: Origin | None = None
    ) -> Iterator[str]:
        """Yield events.csv; runs again, so that no other simulation has to keep its events."""
        twin = twin_of(knowledge, effort.seed, effort.engine, origin)
        names = EventNames.of(knowledge.central)
        yield HEADER
        for replication in range(effort.replications):
            results = [twin.run(configuration, number, replication) for number in range(len(twin.components))]
            yield from trace(names, replication, results)

    def experiment(
        self, knowledge: Knowledge, effort: Effort, progress: Progress, past: "Past | None" = None
    ) -> Experiment:
        """Open a search, or go on with one."""
        # imported here: the search brings its library and the solver, which simulating does without
        from configurator.twin_experiment import TwinExperiment

        return TwinExperiment(knowledge, effort, progress, past)


def _replicated(
    knowledge: Knowledge,
    configuration: Configuration,
    today: Configuration,
    effort: Effort,
    origin: Origin | None,
    precision: Precision | None,
) -> tuple[Replicated, tuple[Standing, ...]]:
    """Return so many replications, or as many as a precision asked for takes, and where its goals stand."""
    with closing(account_workers(knowledge, effort, origin)) as workers:
        simulating = Simulating(workers, knowledge, configuration, today)
        found = simulating.replicated(range(effort.replications))
        if precision is None:
            return found, ()
        while True:
            standing, done = _standings(knowledge.central, precision, found), len(found.accounts)
            wanted = replications_next(standing, done, precision.most)
            if wanted <= done:
                return found, standing
            found += simulating.replicated(range(done, wanted))


def _standings(instance: Instance, precision: Precision, found: Replicated) -> tuple[Standing, ...]:
    catalogue = Catalogue.of(instance)
    values = [
        [catalogue.value(goal.expression, *pair) for pair in zip(found.accounts, found.today, strict=True)]
        for goal in precision.goals
    ]
    return standings(precision.goals, values)


def _audited(knowledge: Knowledge, configuration: Configuration, effort: Effort, origin: Origin | None) -> int:
    """Re-run one replication with SimPy, unless SimPy ran them all; return how many event records agreed."""
    if effort.engine == "simpy":
        return 0
    workers = min(worker_count(effort.workers), len(components(knowledge.central)))
    return audited_events(knowledge, [configuration], seed=effort.seed, workers=workers, origin=origin)[0]
