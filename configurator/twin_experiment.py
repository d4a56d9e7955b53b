"""A search in earnest: its generations, the front confirmed on fresh replications and audited, random plans beside."""

import math
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from functools import cached_property

import numpy as np

from configurator.firms import firm_standings
from configurator.intervals import indicators, objective_intervals
from configurator.laboratory import Baseline, Effort, NoFeasiblePlan, SimulationFailed
from configurator.progress import Progress
from configurator.replicating import Replicated, Simulating, account_workers, worker_count
from configurator.results import EvaluatedPlan, Interval, SearchState
from configurator.runs.past import Past
from configurator.tables import Table
from optimisation.auditing import audited_events
from optimisation.confirmation import FRESH_REPLICATIONS, confirmed
from optimisation.evaluation import Evaluation, Evaluator, Judgement
from optimisation.feasibility.marginal_values import MarginalValue, marginal_values
from optimisation.feasibility.planning import Planning
from optimisation.members import Member, front_of, hypervolume_of, representatives
from optimisation.plan import NoPlan
from optimisation.search import Generation, SearchSettings, binding_rules, random_plans, search
from optimisation.stopping import AfterGenerations, AfterTime, Stops, WithinNoise, first_reason
from optimisation.twin_evaluation import twin_evaluator
from simulation.components import components
from simulation.configuration import Configuration, content_key, todays_configuration
from simulation.knowledge import Knowledge
from simulation.ledgers.chart import FloatArray as Floats
from simulation.objectives import ENOUGH_REPLICATIONS, Essence, Judge, Objectives
from simulation.twin import Twin

MOST_PLANS = 16
"""How many plans of a front are confirmed, audited and shown at most."""
FEWEST_PLANS = 3
ENOUGH_TO_CONFIRM = 10
"""Where the budget is short fewer plans are confirmed, so that each has so many fresh replications."""
CHANCE_REPLICATIONS = 5
"""On how many fresh replications, at most, a front is simulated by chance alone: each takes all its plans."""


class TwinExperiment:
    """A search with the twin: its memory of simulations is the past's, else lives as long as it does."""

    def __init__(self, knowledge: Knowledge, effort: Effort, progress: Progress, past: Past | None = None) -> None:
        self._knowledge = knowledge
        self._instance = knowledge.central
        self._effort = effort
        self._progress = progress
        self._past = past
        self._chance_simulations = 0
        self._todays_indicators: Table | None = None
        self._parts = len(components(self._instance))
        self._settings = SearchSettings(
            effort.population, effort.replications, effort.seed, effort.most_replications, self._search_budget()
        )

    @cached_property
    def _planning(self) -> Planning:
        return Planning(self._instance)

    @cached_property
    def _judge(self) -> Judge:
        return Judge.of(self._instance)

    @cached_property
    def _twin(self) -> Twin:
        return Twin(self._knowledge, seed=self._effort.seed, engine_name=self._effort.engine)

    @cached_property
    def _chance_twin(self) -> Twin:
        return Twin(self._knowledge.chance_only, seed=self._effort.seed, engine_name=self._effort.engine)

    @cached_property
    def _evaluator(self) -> Evaluator[Essence]:
        return twin_evaluator(
            self._knowledge,
            seed=self._effort.seed,
            workers=worker_count(self._effort.workers),
            engine=self._effort.engine,
            twin=self._twin,
            informing=range(self._informing),
            memory=None if self._past is None else self._past.memory,
            watch=lambda simulations: self._progress.simulated(self._replications(simulations)),
        )

    @property
    def _informing(self) -> int:
        """How many replications of today tell how margins vary."""
        return max(ENOUGH_REPLICATIONS, self._effort.replications, self._effort.most_replications)

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
        ended = ""
        records = () if self._past is None else self._past.records
        rules = self._rules()
        try:
            for generation in search(self._instance, evaluator, self._settings, self._planning, records):
                last = generation
                if generation.number + 1 >= len(records):
                    yield self._state(generation)
                ended = self._reason(rules, generation)
                if ended:
                    break
        except NoPlan as error:
            raise NoFeasiblePlan(str(error)) from error
        if last is not None:
            self._progress.message(f"ended by {ended or 'the budget'}")
            plans, count = len(self._candidates(last)), self._effort.final_replications
            self._progress.message(f"confirming {plans} plans on {count} fresh replications")
            found = replace(self._confirmed(last), ended=ended or "the budget")
            yield replace(found, is_past=self._was_confirmed(found))

    def baseline(self, plans: int) -> Baseline | None:
        """Evaluate random repaired plans on the replications of the search, as many as the budget allows."""
        left = self._runs_left()
        if left is not None:
            plans = min(plans, left // (self._parts * self._effort.replications))
        if plans < 1:
            return None
        members = random_plans(self._instance, self._evaluator, plans, self._settings, self._planning)
        sound = sum(member.evaluation.is_sound for member in members)
        return Baseline(len(members), hypervolume_of(members, self._instance.optimised), sound)

    def _was_confirmed(self, found: SearchState) -> bool:
        """Say whether an earlier session of the run came to its end here, with these plans audited."""
        if self._past is None or self._past.ended != found.generation:
            return False
        return all(content_key(plan.configuration) in self._past.audited for plan in found.front)

    def replications(self) -> int:
        """Return the replications simulated so far, in all sessions of the run."""
        return self._replications(self._simulations())

    def _rules(self) -> list[Stops]:
        """Return the rules for stopping, that of generations first: it holds in every session of a run."""
        rules: list[Stops] = [AfterGenerations(self._effort.generations)]
        if self._effort.seconds:
            rules.append(AfterTime(self._effort.seconds))
        if self._effort.patience:
            rules.append(WithinNoise(self._effort.patience))
        return rules

    def _reason(self, rules: Sequence[Stops], generation: Generation) -> str:
        """Say why to stop now; a run that is asked for more looks at gains only since it last ended."""
        ended = 0 if self._past is None else self._past.ended
        return first_reason(rules if generation.number >= ended else rules[:1], generation)

    def _search_budget(self) -> int | None:
        """Return the component runs that the search may use: what confirming its front needs is kept, half at most."""
        budget = self._effort.budget
        if not budget:
            return None
        plans, per_plan = MOST_PLANS + 2, self._effort.final_replications + CHANCE_REPLICATIONS
        return (budget - min(budget // 2, plans * per_plan)) * self._parts

    def _runs_left(self) -> int | None:
        if not self._effort.budget:
            return None
        return max(0, self._effort.budget * self._parts - self._simulations())

    def _simulations(self) -> int:
        return self._evaluator.simulations + self._chance_simulations

    def indicators(self, plan: EvaluatedPlan) -> Table | None:
        """Return today's indicators; those of other plans were not kept (`simulate --plan` makes them)."""
        if plan.configuration != todays_configuration(self._instance):
            return None
        if self._todays_indicators is None:
            found = self._todays_accounts(self._twin, plan.replications)
            by_chance = None
            if not self._knowledge.uncertain:
                by_chance = found
            elif plan.replications > 1:
                by_chance = self._todays_accounts(self._chance_twin, min(plan.replications, CHANCE_REPLICATIONS))
            self._todays_indicators = indicators(self._instance, found, by_chance)
        return self._todays_indicators

    def _todays_accounts(self, twin: Twin, count: int) -> Replicated:
        """Return today's accounts on the replications on which the front was confirmed."""
        today = todays_configuration(self._instance)
        with closing(account_workers(twin.knowledge, self._effort, twin=twin)) as workers:
            return Simulating(workers, twin.knowledge, today, today).replicated(self._fresh[:count])

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
        members = confirmed(
            self._instance,
            self._evaluator,
            self._candidates(generation),
            self._effort.final_replications,
            self._effort.seed,
            statistic=self._final_values,
            runs_left=self._runs_left(),
        )
        count = max(
            (len(member.evaluation.replications) for member in members), default=self._effort.final_replications
        )
        today = self._evaluator.evaluate([todays_configuration(self._instance)], self._fresh[:count])[0]
        if today.judgement is None:
            raise SimulationFailed(f"today's offer could not be simulated on fresh replications: {today.failure}")
        # those that stand in no group were not replicated as often as the others: they do not compare
        compared = [self._final(member) for member in members if member.group is not None]
        standing = front_of(compared, self._instance.optimised)
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
        *beside, todays = self._by_chance([*configurations, today.configuration], count)
        agreed = self._audited(configurations)
        return replace(
            self._search_state(
                generation,
                front=tuple(
                    replace(self._plan(member, chance), audited_events=events, marginal_values=self._marginal(member))
                    for member, chance, events in zip(standing, beside, agreed, strict=True)
                ),
                today=self._evaluated(self._with_final_point(today), todays),
                archive=tuple(archive),
            ),
            confirmed=True,
            record=None,
        )

    def _candidates(self, generation: Generation) -> tuple[Member, ...]:
        """Return the plans to confirm: those that stand for the front of the search, and today.

        More plans than anyone would compare are not confirmed; today may stand beside them on fresh replications.
        """
        most, left = MOST_PLANS, self._runs_left()
        if left is not None:
            most = max(FEWEST_PLANS, min(most, left // (self._parts * ENOUGH_TO_CONFIRM) - 1))
        chosen = representatives(generation.front, self._instance.optimised, most)
        today = content_key(todays_configuration(self._instance))
        known = {member.key for member in chosen}
        return chosen + tuple(m for m in generation.archive if m.key == today and today not in known)

    def _by_chance(self, configurations: Sequence[Configuration], count: int) -> list[Judgement | None]:
        """Return what configurations are worth on fresh replications by chance alone, to be shown beside."""
        replications = self._fresh[:CHANCE_REPLICATIONS]
        left = self._runs_left()
        if left is not None:
            replications = replications[: left // (self._parts * (len(configurations) + 1))]
        if not self._knowledge.uncertain:
            evaluations = self._evaluator.evaluate(configurations, self._fresh[:count])
        elif len(replications) < 2:
            return [None] * len(configurations)
        else:
            self._progress.message(f"simulating the front on {len(replications)} replications by chance alone")
            with closing(self._chance_evaluator()) as evaluator:
                evaluations = evaluator.evaluate(configurations, replications)
                self._chance_simulations = evaluator.simulations
        return [self._with_final_point(evaluation).judgement for evaluation in evaluations]

    def _chance_evaluator(self) -> Evaluator[Essence]:
        return twin_evaluator(
            self._knowledge.chance_only,
            seed=self._effort.seed,
            workers=worker_count(self._effort.workers),
            engine=self._effort.engine,
            twin=self._chance_twin,
            memory=None if self._past is None else self._past.memory_by_chance,
        )

    def _audited(self, configurations: Sequence[Configuration]) -> list[int]:
        """Re-run every plan that people will see with SimPy, unless SimPy ran the search or it was done before."""
        known = {} if self._past is None else dict(self._past.audited)
        new = [one for one in configurations if content_key(one) not in known]
        if self._effort.engine == "simpy":
            return [0] * len(configurations)
        if new:
            self._progress.message(f"auditing {len(new)} plans with SimPy")
            workers = worker_count(self._effort.workers)
            found = audited_events(self._knowledge, new, seed=self._effort.seed, workers=workers)
            known |= {content_key(one): events for one, events in zip(new, found, strict=True)}
        return [known[content_key(one)] for one in configurations]

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
            replications=self._replications(self._simulations()),
            hypervolume=generation.hypervolume,
            front=front,
            today=today,
            archive=archive,
            failures=tuple(f"{failed.key[:16]}: {failed.failure}" for failed in generation.failures),
            is_past=generation.is_past,
            record=generation.record.document(),
        )

    def _replications(self, simulations: int) -> int:
        """Return how many whole territories so many component runs make."""
        return math.ceil(simulations / self._parts)

    def _plan(self, member: Member, by_chance: Judgement | None = None) -> EvaluatedPlan:
        rules = tuple(str(finding) for finding in binding_rules(self._planning, member.plan.configuration))
        plan = self._evaluated(member.evaluation, by_chance)
        return replace(
            plan, probability_non_dominated=member.probability, group=member.group, binding_rules=rules, fate="front"
        )

    def _marginal(self, member: Member) -> tuple[MarginalValue, ...]:
        """Return what a little more of each bound would buy; `repair --marginal` also solves for whole steps."""
        return marginal_values(self._planning, member.plan.configuration, whole=False)

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
        firms = () if judgement is None else firm_standings(self._judge.firms, judgement.books)
        return EvaluatedPlan(evaluation.configuration, objectives, None, len(evaluation.replications), firms=firms)

    def _final_values(self, values: Floats) -> Floats:
        """Return the values a final front goes by [plan, objective] of values [plan, replication, objective]."""
        flat = np.empty((0, 0))
        rows = [self._judge.final_point(Objectives(one, one.mean(axis=0), (), flat, 0.0)) for one in values]
        return np.array(rows).reshape(len(values), len(self._instance.optimised))

    def _final(self, member: Member) -> Member:
        return replace(member, evaluation=self._with_final_point(member.evaluation))

    def _with_final_point(self, evaluation: Evaluation) -> Evaluation:
        """Return the evaluation on the values a final front goes by: for solvency a quantile over replications."""
        judgement = evaluation.judgement
        if judgement is None:
            return evaluation
        judged = Objectives(judgement.values, judgement.point, judgement.flags, np.empty((0, 0)), 0.0, judgement.tie)
        return replace(evaluation, judgement=replace(judgement, point=self._judge.final_point(judged)))
