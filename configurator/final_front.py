"""The front of a search simulated again: on fresh replications, by chance alone beside, and audited by SimPy.

In order, so that a plan that falls costs little: two and a half times as many plans as the instance asks for are looked
at on five fresh replications (where thirty are reported), then others that were behind them, where too few are left; it
is decided on ten, or as the instance says, which of those that contend stand; only these are simulated on the thirty
from which all their values come (`optimisation.confirmation`), by chance alone, and audited. The hypervolume is that of
the values reported.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from configurator.evaluated_plans import EvaluatedPlans
from configurator.intervals import indicators_beside
from configurator.laboratory import Effort, SimulationFailed
from configurator.process_memory import give_back_free_memory, give_back_now_and_then
from configurator.progress import Progress
from configurator.replicating import worker_count
from configurator.results import EvaluatedPlan, Interval
from configurator.runs.past import Past
from configurator.tables import Table
from optimisation.auditing import audited_events
from optimisation.comparing import Comparing
from optimisation.confirmation import confirmed, fresh
from optimisation.evaluation import Evaluator, Judgement
from optimisation.feasibility.marginal_values import marginal_values
from optimisation.feasibility.planning import Planning
from optimisation.keeping_targets import undecided
from optimisation.members import Member, front_of, hypervolume_of, representatives
from optimisation.search import Generation
from optimisation.twin_evaluation import twin_evaluator
from optimisation.workers import Failure
from simulation.components import components
from simulation.configuration import Configuration, content_key, todays_configuration
from simulation.indicator_tables import IndicatorRow, Listing
from simulation.knowledge import Knowledge
from simulation.objectives import Essence
from simulation.twin import Twin

LOOKED_AT = 2.5
"""How many plans get the first look, over those that may go on: many a plan of a search's front falls there, its harm
or a line that grows not having been seen on one replication."""
AROUND_TARGETS = 0.2
"""Part of the first looks for plans that may or may not keep a target."""
FEWEST_PLANS = 3
ENOUGH_TO_CONFIRM = 15
"""Where the budget is short fewer plans are confirmed, so that each has so many fresh replications: those decided on
and those reported."""
CHANCE_REPLICATIONS = 5
"""On how many fresh replications, at most, a front is simulated by chance alone: each takes all its plans."""
FELL = "fell off the front on fresh replications"
LOOKED_AT_ONLY = "looked at, not on the front on fresh replications"
"""What is said of plans that were not on the search's front, but looked at for others that fell."""
STATES_IN_FINAL = 250_000_000
"""Bytes of states at time 0 remembered: fresh replications follow one another and none comes again."""


@dataclass(frozen=True)
class FinalPlans:
    """A front that stands on fresh replications."""

    front: tuple[EvaluatedPlan, ...]
    today: EvaluatedPlan
    archive: tuple[EvaluatedPlan, ...]
    hypervolume: Interval


class FinalFront:
    """Confirms the front of a search, with its evaluator.

    The evaluator lists today's indicators on fresh replications (`twin_evaluation`), so that they take no runs more.
    """

    def __init__(
        self,
        knowledge: Knowledge,
        effort: Effort,
        evaluator: Evaluator[Essence],
        twin: Twin,
        shown: EvaluatedPlans,
        progress: Progress,
        past: Past | None,
    ) -> None:
        self._knowledge = knowledge
        self._instance = knowledge.central
        self._effort = effort
        self._evaluator = evaluator
        self._twins = [twin]
        self._shown = shown
        self._progress = progress
        self._past = past
        self._today = todays_configuration(knowledge.central)
        self._parts = len(components(knowledge.central))
        self._todays_indicators: Table | None = None
        self._chance_count = 0

    @property
    def simulations(self) -> int:
        """Component runs done by chance alone."""
        if "_by_chance" in self.__dict__:
            return self._by_chance.simulations
        return 0 if self._past is None else self._past.memory_by_chance.settled

    def candidates(self, generation: Generation) -> tuple[Member, ...]:
        """Return the plans to confirm: those that stand for the front of the search, around a target, and today.

        More plans than anyone would compare are not confirmed; today may stand beside them on fresh replications.
        Plans that would be on the front but for a target they may well keep get a fifth of the places, or what the
        front leaves free: fresh replications decide.
        """
        most, left = round(LOOKED_AT * self._effort.final_plans), self._runs_left()
        if left is not None:
            most = max(FEWEST_PLANS, min(most, left // (self._parts * ENOUGH_TO_CONFIRM) - 1))
        objectives = self._instance.optimised
        around = undecided(generation.archive, generation.front, objectives)
        places = min(len(around), max(round(AROUND_TARGETS * most), most - len(generation.front)))
        chosen = representatives(generation.front, objectives, most - places)
        chosen += representatives(around, objectives, places)
        today = content_key(self._today)
        known = {member.key for member in chosen}
        return chosen + tuple(m for m in generation.archive if m.key == today and today not in known)

    def confirmed(self, generation: Generation, planning: Planning) -> FinalPlans:
        """Return the front that stands on fresh replications; what falls off it stays archived."""
        wanted = self._effort.final_replications
        self._let_go()
        members = confirmed(
            self._instance,
            self._evaluator,
            self.candidates(generation),
            wanted,
            self._effort.seed,
            statistic=self._shown.final_values,
            most=self._effort.final_plans,
            runs_left=self._runs_left(),
            archive=generation.archive,
            kept_back=self._for_chance() if self._knowledge.uncertain else 0,
        )
        left = self._runs_left()
        affordable = wanted if left is None else min(wanted, left // self._parts)
        count = max((len(member.evaluation.replications) for member in members if member.stands), default=affordable)
        today = self._evaluator.evaluate([self._today], fresh(count))[0] if count else generation.today
        if today.judgement is None:
            raise SimulationFailed(f"today's offer could not be simulated on fresh replications: {today.failure}")
        final = [self._shown.final(member) for member in members if member.stands]
        standing = front_of(final, self._instance.optimised)
        configurations = [member.plan.configuration for member in standing]
        *beside, todays = self._judged_by_chance([*configurations, self._today], count)
        self._let_go()  # what audits needs memory of its own
        agreed = self._audited(configurations)
        keys, fallen = {member.key for member in standing}, _fallen(generation, members)
        return FinalPlans(
            front=tuple(
                replace(
                    self._shown.of_front(member, planning, chance),
                    audited_events=events,
                    marginal_values=marginal_values(planning, member.plan.configuration, whole=False),
                )
                for member, chance, events in zip(standing, beside, agreed, strict=True)
            ),
            today=self._shown.of(self._shown.with_final_point(today), todays),
            archive=tuple(self._shown.of_archive(member, keys, fallen) for member in generation.archive),
            hypervolume=self._hypervolume(standing),
        )

    def todays_indicators(self, count: int) -> Table:
        """Return today's indicators on so many fresh replications, those on which the front was confirmed."""
        if self._todays_indicators is None:
            rows = self._listed(self._evaluator, count)
            beside: tuple[IndicatorRow, ...] = ()
            if not self._knowledge.uncertain:
                beside = rows
            elif self._chance_count > 1:
                beside = self._listed(self._by_chance, self._chance_count)
            self._todays_indicators = indicators_beside(rows, beside)
        return self._todays_indicators

    def close(self) -> None:
        """Give threads or processes back."""
        if "_by_chance" in self.__dict__:
            self._by_chance.close()

    def _hypervolume(self, standing: Sequence[Member]) -> Interval:
        comparing = Comparing(self._instance, self._effort.seed, self._shown.final_values)
        interval = comparing.hypervolume_interval([member.evaluation for member in standing])
        return Interval(hypervolume_of(standing, self._instance.optimised), *interval)

    def _listed(self, evaluator: Evaluator[Essence], count: int) -> tuple[IndicatorRow, ...]:
        found = [one for one in evaluator.todays(fresh(count)) if not isinstance(one, Failure)]
        return Listing(self._shown.judge.catalogue).rows([one.listed for one in found])

    def _runs_left(self) -> int | None:
        if not self._effort.budget:
            return None
        return max(0, self._effort.budget * self._parts - self._evaluator.simulations - self.simulations)

    def _let_go(self) -> None:
        """Give back what simulations left behind: no state at time 0 that they started from is asked for again."""
        for twin in self._twins:
            twin.forget_states(STATES_IN_FINAL)
        give_back_free_memory()

    # By chance alone.

    @cached_property
    def _by_chance(self) -> Evaluator[Essence]:
        knowledge, effort = self._knowledge.chance_only, self._effort
        twin = Twin(knowledge, seed=effort.seed, engine_name=effort.engine, state_memory=STATES_IN_FINAL)
        self._twins.append(twin)
        return twin_evaluator(
            knowledge,
            seed=effort.seed,
            workers=worker_count(effort.workers),
            engine=effort.engine,
            twin=twin,
            judge=self._shown.judge,
            listed=fresh(CHANCE_REPLICATIONS),
            memory=None if self._past is None else self._past.memory_by_chance,
            watch=give_back_now_and_then,
        )

    def _judged_by_chance(self, configurations: Sequence[Configuration], count: int) -> list[Judgement | None]:
        """Return what configurations are worth on fresh replications by chance alone, to be shown beside."""
        if not self._knowledge.uncertain:
            evaluations = self._evaluator.evaluate(configurations, fresh(count))
            return [self._shown.with_final_point(one).judgement for one in evaluations]
        self._chance_count = self._affordable_by_chance(configurations, count)
        if self._chance_count < 2:
            return [None] * len(configurations)
        self._progress.message(f"simulating the front on {self._chance_count} replications by chance alone")
        evaluations = self._by_chance.evaluate(configurations, fresh(self._chance_count))
        return [self._shown.with_final_point(one).judgement for one in evaluations]

    def _for_chance(self) -> int:
        """Return the component runs that simulating a front and today by chance alone takes at most."""
        return CHANCE_REPLICATIONS * (self._effort.final_plans + 1) * self._parts

    def _affordable_by_chance(self, configurations: Sequence[Configuration], count: int) -> int:
        """Return on how many replications, today's included, configurations can be simulated by chance alone."""
        most, left = min(count, CHANCE_REPLICATIONS), self._runs_left()
        if left is None:
            return most
        return min(most, left // (self._parts * (len(configurations) + 1)))

    # The audit.

    def _audited(self, configurations: Sequence[Configuration]) -> list[int]:
        """Re-run every plan that people will see with SimPy, unless SimPy ran the search; what was audited is not."""
        if self._effort.engine == "simpy" or not configurations:
            return [0] * len(configurations)
        self._progress.message(f"auditing {len(configurations)} plans with SimPy")
        audits = None if self._past is None else self._past.audits
        return audited_events(
            self._knowledge,
            configurations,
            seed=self._effort.seed,
            workers=worker_count(self._effort.workers),
            known={} if audits is None else audits.known,
            keep=_forget if audits is None else audits.keep,
        )


def _forget(_component: str, _events: int) -> None:
    """Keep no audit: there is no run folder."""


def _fallen(generation: Generation, members: Sequence[Member]) -> dict[str, str]:
    """Return why plans of the search's front, and those looked at for them, are not on the final one, by key."""
    found = {member.key: "near a plan of the front that was confirmed" for member in generation.front}
    of_front = {member.key for member in generation.front}
    for member in members:
        judgement = member.evaluation.judgement
        flags = () if judgement is None else judgement.flags
        fell, refused = (
            (FELL, "fell off the front") if member.key in of_front else (LOOKED_AT_ONLY, "looked at, refused")
        )
        found[member.key] = f"{refused}: {'; '.join(flags)}" if flags else fell
    return found
