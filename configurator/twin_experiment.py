"""A search in earnest: its generations, the front confirmed on fresh replications and audited, random plans beside."""

import math
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from functools import cached_property

from configurator.evaluated_plans import EvaluatedPlans
from configurator.final_front import CHANCE_REPLICATIONS, FinalFront
from configurator.laboratory import Baseline, Effort, NoFeasiblePlan
from configurator.process_memory import give_back_now_and_then
from configurator.progress import Progress
from configurator.replicating import worker_count
from configurator.results import EvaluatedPlan, SearchState
from configurator.runs.past import Past
from configurator.tables import Table
from optimisation.confirmation import deciding, fresh
from optimisation.evaluation import Evaluator
from optimisation.feasibility.planning import Planning
from optimisation.members import hypervolume_of
from optimisation.plan import NoPlan
from optimisation.search import BudgetTooSmall, Generation, SearchSettings, random_plans, search
from optimisation.stopping import AfterGenerations, AfterTime, Stops, WithinNoise, first_reason
from optimisation.twin_evaluation import twin_evaluator
from simulation.components import components
from simulation.configuration import content_key, todays_configuration
from simulation.kernels_ahead import KernelsAhead
from simulation.knowledge import Knowledge
from simulation.objectives import ENOUGH_REPLICATIONS, Essence, Judge
from simulation.twin import Twin

STATES_IN_SEARCH = 520_000_000
"""Bytes of states at time 0 remembered: a search comes back to the same few replications in every generation."""


class TwinExperiment:
    """A search with the twin: its memory of simulations is the past's, else lives as long as it does."""

    def __init__(self, knowledge: Knowledge, effort: Effort, progress: Progress, past: Past | None = None) -> None:
        self._knowledge = knowledge
        self._instance = knowledge.central
        self._effort = effort
        self._progress = progress
        self._past = past
        self._parts = len(components(self._instance))
        self._kernels: KernelsAhead | None = None
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
        return Twin(
            self._knowledge,
            seed=self._effort.seed,
            engine_name=self._effort.engine,
            state_memory=STATES_IN_SEARCH,
        )

    @cached_property
    def _shown(self) -> EvaluatedPlans:
        return EvaluatedPlans(self._instance, self._judge)

    @cached_property
    def _final(self) -> FinalFront:
        return FinalFront(
            self._knowledge, self._effort, self._evaluator, self._twin, self._shown, self._progress, self._past
        )

    @cached_property
    def _evaluator(self) -> Evaluator[Essence]:
        return twin_evaluator(
            self._knowledge,
            seed=self._effort.seed,
            workers=worker_count(self._effort.workers),
            engine=self._effort.engine,
            twin=self._twin,
            judge=self._judge,
            informing=range(self._informing),
            steadied_below=self._steadied_below,
            listed=fresh(self._effort.final_replications),
            memory=None if self._past is None else self._past.memory,
            watch=self._watch,
        )

    def _watch(self, simulations: int) -> None:
        """Tell how far it is, and keep what was freed from piling up."""
        self._progress.simulated(self._replications(simulations))
        give_back_now_and_then(simulations)

    @property
    def _informing(self) -> int:
        """How many replications of today tell what margins are and vary by."""
        effort = self._effort
        return max(ENOUGH_REPLICATIONS, effort.replications, effort.most_replications, effort.todays_replications)

    @property
    def _steadied_below(self) -> int:
        """Below how many replications solvency hangs on today's: for all plans of the search, or for none."""
        effort = self._effort
        if effort.replications >= ENOUGH_REPLICATIONS:
            return ENOUGH_REPLICATIONS
        return max(ENOUGH_REPLICATIONS, effort.most_replications + 1)

    def states(self) -> Iterator[SearchState]:
        """Yield each generation, then the front again, re-simulated on replications the search never saw."""
        if worker_count(self._effort.workers) > 1 and self._effort.engine == "compiled":
            self._kernels = KernelsAhead(self._instance)
        # the draws asked for last are the first to be remembered: those of the search, then the first fresh ones
        count, share = self._effort.final_replications, self._instance.settings.search.deciding_share
        self._knowledge.rehearse(
            self._effort.seed, (*reversed((*deciding(count, share), *fresh(count))), *range(self._informing))
        )
        self._progress.message("simulating today's offer (the first run on a machine compiles the twin before)")
        last: Generation | None = None
        ended = ""
        past = 0 if self._past is None else len(self._past.records)
        rules = self._rules()
        try:
            for generation in self._generations():
                last = generation
                if generation.number + 1 >= past:
                    yield self._state(generation)
                ended = self._reason(rules, generation)
                if ended:
                    break
        except NoPlan as error:
            raise NoFeasiblePlan(str(error)) from error
        if last is not None:
            self._progress.message(f"ended by {ended or 'the budget'}")
            plans, count = len(self._final.candidates(last)), self._effort.final_replications
            self._progress.message(f"confirming {plans} plans on {count} fresh replications")
            found = replace(self._confirmed(last), ended=ended or "the budget")
            yield replace(found, is_past=self._was_confirmed(found))

    def _generations(self) -> Iterator[Generation]:
        """Yield the generations; today is simulated while the rules are made into a programme, where there are hands.

        What the judge is to know of today takes as long as that, and neither needs the other. Nothing depends on
        which comes first.
        """
        records = () if self._past is None else self._past.records
        with self._informing_meanwhile():
            planning = self._planning
            self._progress.message("searching")
            generations = search(
                self._instance,
                self._evaluator,
                self._settings,
                planning,
                records,
                workers=worker_count(self._effort.workers),
            )
            first = next(generations, None)
        if first is not None:
            yield first
            yield from generations

    @contextmanager
    def _informing_meanwhile(self) -> Iterator[None]:
        evaluator, today = self._evaluator, todays_configuration(self._instance)
        needed, budget = evaluator.needed([today], range(self._informing))[-1], self._settings.budget
        if budget is not None and needed > budget:
            raise BudgetTooSmall(self._too_small())
        if worker_count(self._effort.workers) == 1:
            evaluator.inform()
            yield
            return
        with ThreadPoolExecutor(1) as beside:
            informed = beside.submit(evaluator.inform, *(() if self._kernels is None else (self._kernels.wait,)))
            try:
                yield
            except BaseException:
                self.close()  # Ctrl-C ends what is beside too
                raise
            informed.result()

    def baseline(self, plans: int) -> Baseline | None:
        """Evaluate random repaired plans on the replications of the search, as many as the budget allows."""
        left = self._runs_left()
        if left is not None:
            plans = min(plans, left // (self._parts * self._effort.replications))
        if plans < 1:
            return None
        workers = worker_count(self._effort.workers)
        members = random_plans(self._instance, self._evaluator, plans, self._settings, self._planning, workers=workers)
        sound = sum(member.evaluation.is_sound for member in members)
        return Baseline(len(members), hypervolume_of(members, self._instance.optimised), sound)

    def _was_confirmed(self, found: SearchState) -> bool:
        """Say whether an earlier session of the run came to its end here, with these plans audited."""
        if self._past is None or self._past.ended != found.generation:
            return False
        return all(content_key(plan.configuration) in self._past.audited for plan in found.front)

    def replications(self) -> int:
        """Return the replications simulated so far, in all sessions of the run."""
        if self._past is None:
            return self._replications(self._simulations())
        return self._replications(self._past.memory.count + self._past.memory_by_chance.count)

    def _rules(self) -> list[Stops]:
        """Return the rules for stopping."""
        rules: list[Stops] = [AfterGenerations(self._effort.generations)]
        if self._effort.seconds:
            rules.append(AfterTime(self._effort.seconds))
        if self._effort.patience:
            rules.append(WithinNoise(self._effort.patience))
        return rules

    def _reason(self, rules: Sequence[Stops], generation: Generation) -> str:
        """Say why to stop now.

        Gains count from where the run had come to its end when it was last asked for more: one that was killed after
        its end stops there again. Time counts for new generations only, not for those gone through again.
        """
        return first_reason([rule for rule in rules if self._counts(rule, generation)], generation)

    def _counts(self, rule: Stops, generation: Generation) -> bool:
        if self._past is None:
            return True
        if isinstance(rule, AfterTime):
            return generation.number + 1 >= len(self._past.records)
        return not isinstance(rule, WithinNoise) or generation.number >= self._past.ended_before

    def _search_budget(self) -> int | None:
        """Return the component runs that the search may use: what confirming its front needs is kept, half at most."""
        return self._for_search(self._effort.budget) * self._parts if self._effort.budget else None

    def _for_search(self, budget: int) -> int:
        plans, per_plan = self._effort.final_plans + 2, self._effort.final_replications + CHANCE_REPLICATIONS
        return budget - min(budget // 2, plans * per_plan)

    def _too_small(self) -> str:
        least = next(b for b in range(1, 2 * self._informing + 1) if self._for_search(b) >= self._informing)
        return (
            f"--budget {self._effort.budget}: today's offer alone is simulated in {self._informing} replications, and "
            f"up to half of a budget is kept to confirm what is found; ask for {least} at least, better ten times that"
        )

    def _runs_left(self) -> int | None:
        if not self._effort.budget:
            return None
        return max(0, self._effort.budget * self._parts - self._simulations())

    def _simulations(self) -> int:
        return self._evaluator.simulations + self._final.simulations

    def indicators(self, plan: EvaluatedPlan) -> Table | None:
        """Return today's indicators; those of other plans were not kept (`simulate --plan` makes them)."""
        if plan.configuration != todays_configuration(self._instance):
            return None
        return self._final.todays_indicators(plan.replications)

    def close(self) -> None:
        """Give threads or processes back."""
        if self._kernels is not None:
            self._kernels.close()
        if "_evaluator" in self.__dict__:
            self._evaluator.close()
        if "_final" in self.__dict__:
            self._final.close()

    def _state(self, generation: Generation) -> SearchState:
        front = {member.key for member in generation.front}
        return self._search_state(
            generation,
            front=tuple(self._shown.of_front(member, self._planning) for member in generation.front),
            today=self._shown.of(generation.today),
            archive=tuple(self._shown.of_archive(member, front) for member in generation.archive),
        )

    def _confirmed(self, generation: Generation) -> SearchState:
        """Return the state with the front that stands on fresh replications."""
        found = self._final.confirmed(generation, self._planning)
        state = self._search_state(generation, found.front, found.today, found.archive)
        return replace(state, confirmed_hypervolume=found.hypervolume, confirmed=True, record=None)

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
