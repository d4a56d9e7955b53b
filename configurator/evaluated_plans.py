"""Evaluations as people see them: objectives with intervals, providers' standings, what became of each plan."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from configurator.firms import firm_standings
from configurator.intervals import objective_intervals
from configurator.results import EvaluatedPlan, Interval
from instances.instance import Instance
from optimisation.evaluation import Evaluation, Judgement
from optimisation.feasibility.planning import Planning
from optimisation.keeping_targets import spending
from optimisation.members import Member
from optimisation.search import binding_rules
from simulation.configuration import Configuration
from simulation.ledgers.chart import FloatArray as Floats
from simulation.objectives import Judge, Objectives


@dataclass(frozen=True)
class EvaluatedPlans:
    """Makes plans to be shown of members and evaluations; an archive is shown often, so what was made is kept."""

    instance: Instance
    judge: Judge

    @cached_property
    def _shown(self) -> dict[tuple[str, tuple[int, ...], bytes], EvaluatedPlan]:
        return {}

    @cached_property
    def _rules(self) -> dict[Configuration, tuple[str, ...]]:
        return {}

    def of_front(self, member: Member, planning: Planning, by_chance: Judgement | None = None) -> EvaluatedPlan:
        """Return a plan of a front, with the rules that it uses up."""
        configuration = member.plan.configuration
        if configuration not in self._rules:
            self._rules[configuration] = tuple(str(finding) for finding in binding_rules(planning, configuration))
        return replace(
            self.of(member.evaluation, by_chance),
            probability_non_dominated=member.probability,
            group=member.group,
            binding_rules=self._rules[configuration],
            repaired_for=member.plan.changed,
            repair_gap=member.plan.gap,
            fate="front",
        )

    def of_archive(
        self, member: Member, front: Collection[str], fallen: Mapping[str, str] | None = None
    ) -> EvaluatedPlan:
        """Return a plan of the archive with what became of it; fallen: why plans are on the front no more, by key."""
        evaluation = member.evaluation
        if member.key in front:
            fate = "front"
        elif evaluation.judgement is None:
            fate = f"failed: {evaluation.failure}"
        elif evaluation.judgement.flags:
            fate = "; ".join(evaluation.judgement.flags)
        else:
            fate = (fallen or {}).get(member.key, "dominated")
        return replace(self.of(evaluation), fate=fate)

    def of(self, evaluation: Evaluation, by_chance: Judgement | None = None) -> EvaluatedPlan:
        """Return an evaluation as people see it: solvency is the cautious value, its interval goes with it."""
        judgement = evaluation.judgement
        if judgement is None:
            return EvaluatedPlan(evaluation.configuration, (), None, len(evaluation.replications))
        if by_chance is not None:
            return self._made(evaluation, judgement, by_chance)
        key = (evaluation.key, evaluation.replications, judgement.point.tobytes())
        if key not in self._shown:
            self._shown[key] = self._made(evaluation, judgement, None)
        return self._shown[key]

    def _made(self, evaluation: Evaluation, judgement: Judgement, by_chance: Judgement | None) -> EvaluatedPlan:
        beside = (None, None) if by_chance is None else (by_chance.values, by_chance.point)
        # an interval stands where its point does, which may be referred to all that is known of today
        values = judgement.values.copy()
        for number in judgement.referred:
            values[:, number] += judgement.made_of[:, number].mean() - judgement.values[:, number].mean()
        objectives: tuple[Interval, ...] = objective_intervals(self.instance, values, judgement.point, *beside)
        firms = firm_standings(self.judge.firms, judgement.books)
        return EvaluatedPlan(
            evaluation.configuration,
            objectives,
            None,
            len(evaluation.replications),
            firms=firms,
            kept=judgement.kept,
            spending=spending(judgement),
        )

    # What a final front goes by: for solvency a quantile over replications.

    def final_values(self, values: Floats) -> Floats:
        """Return the values a final front goes by [plan, objective] of values [plan, replication, objective]."""
        return self.judge.final_values(values)

    def final(self, member: Member) -> Member:
        """Return a member on the values a final front goes by."""
        return replace(member, evaluation=self.with_final_point(member.evaluation))

    def with_final_point(self, evaluation: Evaluation) -> Evaluation:
        """Return an evaluation on the values a final front goes by."""
        judgement = evaluation.judgement
        if judgement is None:
            return evaluation
        judged = Objectives(judgement.values, judgement.point, judgement.flags, np.empty((0, 0)), 0.0, judgement.tie)
        point = self.judge.final_point(judged)
        return replace(evaluation, judgement=replace(judgement, point=point, point_values=None, referred=()))
