"""The laboratory in earnest: the one place where the doors call the twin and the search."""

import math
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt

from configurator.laboratory import (
    Baseline,
    Effort,
    Experiment,
    NoFeasiblePlan,
    ObservationCheck,
    Precision,
    Simulated,
    SimulationFailed,
)
from configurator.progress import Progress
from configurator.provider_accounts import provider_table, worst_off_table
from configurator.results import EvaluatedPlan, Interval, SearchState
from configurator.story import component_of, patient_key, story
from configurator.tables import Cell, Table, table
from configurator.trace import HEADER, EventNames, trace
from instances.instance import Instance
from optimisation.auditing import audited_events
from optimisation.evaluation import Evaluation, Evaluator
from optimisation.feasibility.planning import Planning
from optimisation.plan import NoPlan
from optimisation.search import (
    FRESH_REPLICATIONS,
    Generation,
    Member,
    SearchSettings,
    binding_rules,
    confirmed,
    front_of,
    hypervolume_of,
    random_plans,
    representatives,
    search,
)
from optimisation.twin_evaluation import twin_evaluator
from optimisation.workers import Failure, ProcessWorkers, Task, ThreadWorkers, Workers
from simulation.components import components
from simulation.configuration import Configuration, content_key, todays_configuration
from simulation.estimates import Estimate, estimate
from simulation.indicators import COLUMN_KEYS, Catalogue, compare_observations, indicator_table
from simulation.ledgers.account import Account, total
from simulation.objectives import ENOUGH_REPLICATIONS, SOLVENCY, Essence, Judge, Objectives
from simulation.precision import Standing, replications_next, standings
from simulation.saved_state import Header, save_states
from simulation.twin import EngineName, Origin, Twin

INDICATOR_COLUMNS = ("indicator", *COLUMN_KEYS, "unit", "mean", "standard_error", "low", "high", "replications")
QUANTILE_RESAMPLES = 2000
MOST_PLANS = 24
"""How many plans of a front are confirmed, audited and shown at most."""

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class TwinLaboratory:
    """Simulates with the twin, searches with the search."""

    def simulate(
        self,
        instance: Instance,
        configuration: Configuration,
        effort: Effort,
        origin: Origin | None = None,
        precision: Precision | None = None,
    ) -> Simulated:
        """Simulate one configuration, and today beside it when it is another one."""
        today = todays_configuration(instance) if origin is None else origin.offer.configuration
        for goal in () if precision is None else precision.goals:
            Catalogue.of(instance).expand(goal.expression)  # raises on what cannot be computed
        runner = _accounts(instance, effort, origin)
        try:
            accounts: list[Account] = []
            reference: list[Account] = []
            standing: tuple[Standing, ...] = ()
            wanted = effort.replications
            while len(accounts) < wanted:
                replications = range(len(accounts), wanted)
                accounts += _whole(runner, instance, configuration, replications)
                if configuration != today:
                    reference += _whole(runner, instance, today, replications)
                if precision is not None:
                    standing = _standings(instance, precision, accounts, reference or accounts)
                    wanted = replications_next(standing, len(accounts), precision.most)
            reference = reference or accounts
        finally:
            runner.close()
        judge = Judge.of(instance)
        judged = judge.judge(accounts, reference)
        return Simulated(
            indicators=_indicators(instance, accounts, reference),
            objectives=_shown(instance, judged.values, judge.final_point(judged)),
            observations=_observations(instance, accounts),
            flags=judged.flags,
            replications=len(accounts),
            precision=standing,
            providers=provider_table(instance, accounts),
            worst_off=worst_off_table(instance, accounts),
        )

    def story(
        self,
        instance: Instance,
        configuration: Configuration,
        effort: Effort,
        origin: Origin | None,
        patient: str,
        replication: int,
    ) -> str:
        """Return one patient's story; only the component they live in is run."""
        key = patient_key(instance, patient)
        twin = _twin(instance, effort.seed, effort.engine, origin)
        return story(instance, twin.run(configuration, component_of(twin, key), replication), key)

    def save(
        self,
        instance: Instance,
        configuration: Configuration,
        effort: Effort,
        origin: Origin | None,
        path: Path,
        time: float,
    ) -> None:
        """Save the states at a time; runs until then, so that no other simulation has to keep its states."""
        twin = _twin(instance, effort.seed, effort.engine, origin)
        header = Header.of(twin, configuration, effort.replications, time)
        states = (
            (replication, number, twin.state_at(configuration, number, replication, time))
            for replication in range(effort.replications)
            for number in range(len(twin.components))
        )
        save_states(path, header, states)

    def events(
        self, instance: Instance, configuration: Configuration, effort: Effort, origin: Origin | None = None
    ) -> Iterator[str]:
        """Yield events.csv; runs again, so that no other simulation has to keep its events."""
        twin = _twin(instance, effort.seed, effort.engine, origin)
        names = EventNames.of(instance)
        yield HEADER
        for replication in range(effort.replications):
            results = [twin.run(configuration, number, replication) for number in range(len(twin.components))]
            yield from trace(names, replication, results)

    def experiment(self, instance: Instance, effort: Effort, progress: Progress) -> Experiment:
        """Open a search."""
        return TwinExperiment(instance, effort, progress)


class TwinExperiment:
    """A search with the twin: its memory of simulations lives as long as it does."""

    def __init__(self, instance: Instance, effort: Effort, progress: Progress) -> None:
        self._instance = instance
        self._effort = effort
        self._progress = progress
        self._settings = SearchSettings(effort.population, effort.replications, effort.seed)

    @cached_property
    def _planning(self) -> Planning:
        return Planning(self._instance)

    @cached_property
    def _judge(self) -> Judge:
        return Judge.of(self._instance)

    @cached_property
    def _evaluator(self) -> Evaluator[Essence]:
        return twin_evaluator(
            self._instance,
            seed=self._effort.seed,
            workers=worker_count(self._effort.workers),
            engine=self._effort.engine,
            informing=range(max(ENOUGH_REPLICATIONS, self._effort.replications)),
            watch=lambda simulations: self._progress.simulated(self._replications(simulations)),
        )

    def states(self) -> Iterator[SearchState]:
        """Yield each generation, then the front again, re-simulated on replications the search never saw."""
        self._progress.message("simulating today's offer (the first run on a machine compiles the twin before)")
        evaluator = self._evaluator
        self._progress.message("searching")
        last: Generation | None = None
        try:
            for generation in search(self._instance, evaluator, self._settings, self._planning):
                last = generation
                yield self._state(generation)
                if generation.number + 1 >= self._effort.generations:
                    break
        except NoPlan as error:
            raise NoFeasiblePlan(str(error)) from error
        if last is not None:
            plans, count = len(self._candidates(last)), self._effort.final_replications
            self._progress.message(f"confirming {plans} plans on {count} fresh replications")
            yield self._confirmed(last)

    def baseline(self, plans: int) -> Baseline:
        """Evaluate random repaired plans on the replications of the search."""
        members = random_plans(self._instance, self._evaluator, plans, self._settings, self._planning)
        return Baseline(len(members), hypervolume_of(members, self._instance.objectives))

    def indicators(self, plan: EvaluatedPlan) -> Table | None:
        """Return today's indicators; those of other plans were not kept (`simulate --plan` makes them)."""
        if plan.configuration != todays_configuration(self._instance):
            return None
        runner = _accounts(self._instance, self._effort)
        try:
            accounts = _whole(runner, self._instance, plan.configuration, range(plan.replications))
        finally:
            runner.close()
        return _indicators(self._instance, accounts, accounts)

    def close(self) -> None:
        """Give threads or processes back."""
        if "_evaluator" in self.__dict__:
            self._evaluator.close()

    def _state(self, generation: Generation) -> SearchState:
        front = {member.key for member in generation.front}
        return self._search_state(
            generation,
            front=tuple(self._plan(member) for member in generation.front),
            today=self._evaluated(generation.today),
            archive=tuple(self._archived(member, front) for member in generation.archive),
        )

    def _confirmed(self, generation: Generation) -> SearchState:
        """Return the state with the front that stands on fresh replications; what falls off it stays archived."""
        count = self._effort.final_replications
        members = confirmed(self._instance, self._evaluator, self._candidates(generation), count, self._effort.seed)
        fresh = range(FRESH_REPLICATIONS, FRESH_REPLICATIONS + count)
        today = self._evaluator.evaluate([todays_configuration(self._instance)], fresh)[0]
        if today.judgement is None:
            raise SimulationFailed(f"today's offer could not be simulated on fresh replications: {today.failure}")
        standing = front_of([self._final(member) for member in members], self._instance.objectives)
        keys = {member.key for member in standing}
        left_out = {member.key: "near a plan of the front that was confirmed" for member in generation.front}
        fallen = (
            left_out
            | {member.key: "fell off the front on fresh replications" for member in members}
            | {
                member.key: f"fell off the front: {'; '.join(member.evaluation.judgement.flags)}"
                for member in members
                if member.evaluation.judgement is not None and member.evaluation.judgement.flags
            }
        )
        archive = (self._archived(member, keys, fallen) for member in generation.archive)
        agreed = self._audited([member.plan.configuration for member in standing])
        return replace(
            self._search_state(
                generation,
                front=tuple(
                    replace(self._plan(member), audited_events=events)
                    for member, events in zip(standing, agreed, strict=True)
                ),
                today=self._evaluated(self._with_final_point(today)),
                archive=tuple(archive),
            ),
            confirmed=True,
        )

    def _candidates(self, generation: Generation) -> tuple[Member, ...]:
        """Return the plans to confirm: those that stand for the front of the search, and today.

        More plans than anyone would compare are not confirmed; today may stand beside them on fresh replications.
        """
        chosen = representatives(generation.front, self._instance.objectives, MOST_PLANS)
        today = content_key(todays_configuration(self._instance))
        known = {member.key for member in chosen}
        return chosen + tuple(m for m in generation.archive if m.key == today and today not in known)

    def _audited(self, configurations: Sequence[Configuration]) -> list[int]:
        """Re-run every plan that people will see with SimPy, unless SimPy ran the search."""
        if self._effort.engine == "simpy" or not configurations:
            return [0] * len(configurations)
        self._progress.message(f"auditing {len(configurations)} plans with SimPy")
        return audited_events(
            self._instance, configurations, seed=self._effort.seed, workers=worker_count(self._effort.workers)
        )

    def _search_state(
        self,
        generation: Generation,
        front: tuple[EvaluatedPlan, ...],
        today: EvaluatedPlan,
        archive: tuple[EvaluatedPlan, ...],
    ) -> SearchState:
        return SearchState(
            generation=generation.number + 1,
            generations=self._effort.generations,
            evaluations=len(generation.archive),
            replications=self._replications(self._evaluator.simulations),
            hypervolume=generation.hypervolume,
            front=front,
            today=today,
            archive=archive,
            failures=tuple(f"{failed.key[:16]}: {failed.failure}" for failed in generation.failures),
        )

    def _replications(self, simulations: int) -> int:
        """Return how many whole territories so many component runs make."""
        return math.ceil(simulations / len(components(self._instance)))

    def _plan(self, member: Member) -> EvaluatedPlan:
        rules = tuple(str(finding) for finding in binding_rules(self._planning, member.plan.configuration))
        plan = self._evaluated(member.evaluation)
        return replace(plan, probability_non_dominated=member.probability, binding_rules=rules, fate="front")

    def _archived(self, member: Member, front: set[str], fallen: dict[str, str] | None = None) -> EvaluatedPlan:
        evaluation = member.evaluation
        if member.key in front:
            fate = "front"
        elif evaluation.judgement is None:
            fate = f"failed: {evaluation.failure}"
        elif evaluation.judgement.flags:
            fate = "; ".join(evaluation.judgement.flags)
        else:
            fate = (fallen or {}).get(member.key, "dominated")
        return replace(self._evaluated(evaluation), fate=fate)

    def _evaluated(self, evaluation: Evaluation) -> EvaluatedPlan:
        """Return an evaluation as people see it: solvency is the cautious value, its interval goes with it."""
        judgement = evaluation.judgement
        objectives: tuple[Interval, ...] = ()
        if judgement is not None:
            objectives = _shown(self._instance, judgement.values, judgement.point)
        return EvaluatedPlan(evaluation.configuration, objectives, None, len(evaluation.replications))

    def _final(self, member: Member) -> Member:
        return replace(member, evaluation=self._with_final_point(member.evaluation))

    def _with_final_point(self, evaluation: Evaluation) -> Evaluation:
        """Return the evaluation on the values a final front goes by: for solvency a quantile over replications."""
        judgement = evaluation.judgement
        if judgement is None:
            return evaluation
        judged = Objectives(judgement.values, judgement.point, judgement.flags, np.empty((0, 0)), 0.0)
        return replace(evaluation, judgement=replace(judgement, point=self._judge.final_point(judged)))


def _standings(
    instance: Instance, precision: Precision, accounts: Sequence[Account], today: Sequence[Account]
) -> tuple[Standing, ...]:
    catalogue = Catalogue.of(instance)
    values = [
        [catalogue.value(goal.expression, *pair) for pair in zip(accounts, today, strict=True)]
        for goal in precision.goals
    ]
    return standings(precision.goals, values)


def _twin(instance: Instance, seed: int, engine_name: EngineName, origin: Origin | None) -> Twin:
    return Twin(instance, seed=seed, engine_name=engine_name, origin=origin)


def _accounts(instance: Instance, effort: Effort, origin: Origin | None = None) -> Workers[Account]:
    """Return workers that keep whole accounts; only the compiled engine lets go of Python's lock."""
    arguments = (instance, effort.seed, effort.engine, origin)
    if effort.engine == "simpy" and worker_count(effort.workers) > 1:
        return ProcessWorkers(_twin, arguments, worker_count(effort.workers))
    return ThreadWorkers(_twin(*arguments), worker_count(effort.workers))


def worker_count(asked: int) -> int:
    """Return how many workers to use: as many as asked, or one per core this process may use."""
    if asked > 0:
        return asked
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _whole(
    workers: Workers[Account], instance: Instance, configuration: Configuration, replications: Sequence[int]
) -> list[Account]:
    """Return the account of the whole territory in each replication."""
    parts = len(components(instance))
    tasks = [Task(configuration, part, replication) for replication in replications for part in range(parts)]
    answers = workers.run(tasks, lambda: None)
    accounts = []
    for answer in answers:
        if isinstance(answer, Failure):
            raise SimulationFailed(f"the simulation of {content_key(configuration)[:16]} failed: {answer.message}")
        accounts.append(answer)
    return [total(accounts[start : start + parts]) for start in range(0, len(accounts), parts)]


def _indicators(instance: Instance, accounts: Sequence[Account], today: Sequence[Account]) -> Table:
    rows = (row.cells() for row in indicator_table(instance, accounts, today))
    return table(
        "indicators", INDICATOR_COLUMNS, ([_known(cells[name]) for name in INDICATOR_COLUMNS] for cells in rows)
    )


def _known(cell: Cell) -> Cell:
    """Return an undefined figure as an empty cell: nan never passes."""
    return None if isinstance(cell, float) and not math.isfinite(cell) else cell


def _observations(instance: Instance, accounts: Sequence[Account]) -> tuple[ObservationCheck, ...]:
    compared = {each.observation.observation: each.simulated for each in compare_observations(instance, accounts)}
    checks = []
    for row in instance.observations:
        simulated = compared.get(row.observation)
        checks.append(
            ObservationCheck(
                observation=row.observation,
                description=row.description,
                unit=row.unit,
                role=row.role,
                value=row.value,
                low=row.low,
                high=row.high,
                simulated=None if simulated is None or not simulated.replications else _interval(simulated),
            )
        )
    return tuple(checks)


def _interval(value: Estimate) -> Interval:
    return Interval(value.mean, value.low, value.high)


def _shown(instance: Instance, values: Floats, point: Floats) -> tuple[Interval, ...]:
    """Return objectives as people see them, from values [replication, objective] and the point a front goes by.

    Solvency is the cautious value, with an interval as wide as the quantile it stands for is uncertain.
    """
    intervals = []
    for number, row in enumerate(instance.objectives):
        if row.expression.strip() == SOLVENCY:
            cautious = float(point[number])
            low, high = _around(values[:, number], cautious, instance.settings.economics.solvency_deviations)
            intervals.append(Interval(cautious, low, high))
        else:
            intervals.append(_interval(estimate(values[:, number])))
    return tuple(intervals)


def _around(values: Floats, point: float, deviations: float) -> tuple[float, float]:
    """Return a 95 % interval of a cautious value.

    It is as wide as the quantile at -`deviations` is uncertain: how far it moves when replications are redrawn.
    """
    if len(values) < 2:
        return point, point
    probability = 0.5 * math.erfc(deviations / math.sqrt(2.0))
    drawn = np.random.Generator(np.random.Philox(0)).choice(values, size=(QUANTILE_RESAMPLES, len(values)))
    moved = np.quantile(drawn, probability, axis=1) - np.quantile(values, probability)
    low, high = np.quantile(moved, [0.025, 0.975])
    return point + float(low), point + float(high)
