"""A search in earnest: its generations, the front confirmed on fresh replications and audited, random plans beside."""

import math
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from functools import cached_property

import numpy as np

from configurator.intervals import indicators, objective_intervals
from configurator.laboratory import Baseline, Effort, NoFeasiblePlan, SimulationFailed
from configurator.progress import Progress
from configurator.replicating import Simulating, account_workers, by_chance_alone, worker_count
from configurator.results import EvaluatedPlan, Interval, SearchState
from configurator.tables import Table
from optimisation.auditing import audited_events
from optimisation.evaluation import Evaluation, Evaluator, Judgement
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
from simulation.components import components
from simulation.configuration import Configuration, content_key, todays_configuration
from simulation.knowledge import Knowledge
from simulation.objectives import ENOUGH_REPLICATIONS, Essence, Judge, Objectives

MOST_PLANS = 24
"""How many plans of a front are confirmed, audited and shown at most."""
CHANCE_REPLICATIONS = 5
"""On how many fresh replications, at most, a front is simulated by chance alone: each takes all its plans."""


class TwinExperiment:
    """A search with the twin: its memory of simulations lives as long as it does."""

    def __init__(self, knowledge: Knowledge, effort: Effort, progress: Progress) -> None:
        self._knowledge = knowledge
        self._instance = knowledge.central
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
            self._knowledge,
            seed=self._effort.seed,
            workers=worker_count(self._effort.workers),
            engine=self._effort.engine,
            informing=range(self._informing),
            watch=lambda simulations: self._progress.simulated(self._replications(simulations)),
        )

    @property
    def _informing(self) -> int:
        """How many replications of today tell how margins vary."""
        return max(ENOUGH_REPLICATIONS, self._effort.replications)

    @property
    def _fresh(self) -> range:
        """The replications on which a front is confirmed."""
        return range(FRESH_REPLICATIONS, FRESH_REPLICATIONS + self._effort.final_replications)

    def states(self) -> Iterator[SearchState]:
        """Yield each generation, then the front again, re-simulated on replications the search never saw."""
        self._knowledge.rehearse(self._effort.seed, (*range(self._informing), *self._fresh))
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
        today, count = plan.configuration, plan.replications
        with closing(account_workers(self._knowledge, self._effort)) as workers:
            found = Simulating(workers, self._knowledge, today, today).replicated(range(count))
        by_chance = by_chance_alone(self._knowledge, today, today, self._effort, None, found)
        return indicators(self._instance, found, by_chance)

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
        today = self._evaluator.evaluate([todays_configuration(self._instance)], self._fresh)[0]
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
        configurations = [member.plan.configuration for member in standing]
        *beside, todays = self._by_chance([*configurations, today.configuration])
        agreed = self._audited(configurations)
        return replace(
            self._search_state(
                generation,
                front=tuple(
                    replace(self._plan(member, chance), audited_events=events)
                    for member, chance, events in zip(standing, beside, agreed, strict=True)
                ),
                today=self._evaluated(self._with_final_point(today), todays),
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

    def _by_chance(self, configurations: Sequence[Configuration]) -> list[Judgement | None]:
        """Return what configurations are worth on fresh replications by chance alone, to be shown beside."""
        replications = self._fresh[:CHANCE_REPLICATIONS]
        if not self._knowledge.uncertain:
            evaluations = self._evaluator.evaluate(configurations, self._fresh)
        elif len(replications) < 2:
            return [None] * len(configurations)
        else:
            self._progress.message(f"simulating the front on {len(replications)} replications by chance alone")
            with closing(self._chance_evaluator()) as evaluator:
                evaluations = evaluator.evaluate(configurations, replications)
        return [self._with_final_point(evaluation).judgement for evaluation in evaluations]

    def _chance_evaluator(self) -> Evaluator[Essence]:
        return twin_evaluator(
            self._knowledge.chance_only,
            seed=self._effort.seed,
            workers=worker_count(self._effort.workers),
            engine=self._effort.engine,
        )

    def _audited(self, configurations: Sequence[Configuration]) -> list[int]:
        """Re-run every plan that people will see with SimPy, unless SimPy ran the search."""
        if self._effort.engine == "simpy" or not configurations:
            return [0] * len(configurations)
        self._progress.message(f"auditing {len(configurations)} plans with SimPy")
        return audited_events(
            self._knowledge, configurations, seed=self._effort.seed, workers=worker_count(self._effort.workers)
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

    def _plan(self, member: Member, by_chance: Judgement | None = None) -> EvaluatedPlan:
        rules = tuple(str(finding) for finding in binding_rules(self._planning, member.plan.configuration))
        plan = self._evaluated(member.evaluation, by_chance)
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

    def _evaluated(self, evaluation: Evaluation, by_chance: Judgement | None = None) -> EvaluatedPlan:
        """Return an evaluation as people see it: solvency is the cautious value, its interval goes with it."""
        judgement = evaluation.judgement
        objectives: tuple[Interval, ...] = ()
        if judgement is not None:
            beside = (None, None) if by_chance is None else (by_chance.values, by_chance.point)
            objectives = objective_intervals(self._instance, judgement.values, judgement.point, *beside)
        return EvaluatedPlan(evaluation.configuration, objectives, None, len(evaluation.replications))

    def _final(self, member: Member) -> Member:
        return replace(member, evaluation=self._with_final_point(member.evaluation))

    def _with_final_point(self, evaluation: Evaluation) -> Evaluation:
        """Return the evaluation on the values a final front goes by: for solvency a quantile over replications."""
        judgement = evaluation.judgement
        if judgement is None:
            return evaluation
        judged = Objectives(judgement.values, judgement.point, judgement.flags, np.empty((0, 0)), 0.0, judgement.tie)
        return replace(evaluation, judgement=replace(judgement, point=self._judge.final_point(judged)))
