"""The search: NSGA-II over plans, repair in the loop, an archive of everything evaluated.

`search` yields one `Generation` after another and writes no file; who asks for the next one decides how long it goes
on. Every random number comes from a Philox generator keyed by the seed, the generation and what it is for.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain, islice

import numpy as np

from instances.instance import Instance
from instances.tables import Objective
from optimisation.encoding import Genes
from optimisation.evaluation import Evaluates, Evaluation
from optimisation.feasibility.checker import Finding, binding
from optimisation.feasibility.planning import Planning
from optimisation.feasibility.repair import Repairer
from optimisation.fronts import Floats, costs, hypervolume, nondominated, probability_nondominated, spread_out
from optimisation.operators import operators_of
from optimisation.plan import Infeasible, NoPlan, Plan
from optimisation.problem import REFUSED_COST, Breeder
from optimisation.starting_points import anywhere, landmarks, sampled
from simulation.configuration import Configuration, todays_configuration

REDRAWS = 8
"""How often a proposal that leads to a known plan, or to none, is mutated again before it is let be."""
FRESH_REPLICATIONS = 1_000_000
"""Number of the first replication that no search ever uses."""
_BREED, _REDRAW, _START, _BASELINE, _BOOTSTRAP = range(5)


@dataclass(frozen=True)
class SearchSettings:
    """How far to search."""

    population: int
    replications: int
    seed: int


@dataclass(frozen=True)
class Member:
    """A plan with what it was found to be worth."""

    plan: Plan
    evaluation: Evaluation
    generation: int
    probability: float | None = None
    """Of being non-dominated on its front; None before fresh replications say."""

    @property
    def key(self) -> str:
        """Hash of its configuration."""
        return self.plan.key


@dataclass(frozen=True)
class Generation:
    """Where a search stands."""

    number: int
    front: tuple[Member, ...]
    """The archive's non-dominated sound plans, in the order they were found."""
    archive: tuple[Member, ...]
    """Everything evaluated, failures and refused plans included."""
    today: Evaluation
    hypervolume: float
    simulations: int
    """Component runs so far."""
    repeats: int
    """Component runs remembered instead."""
    untouched: int
    """Proposals that were plans already, so far."""
    repaired: int
    refused: int
    """Proposals near which no plan was found, so far."""

    @property
    def failures(self) -> tuple[Evaluation, ...]:
        """Evaluations set aside."""
        return tuple(member.evaluation for member in self.archive if member.evaluation.failure)


def search(
    instance: Instance, evaluator: Evaluates, settings: SearchSettings, planning: Planning | None = None
) -> Iterator[Generation]:
    """Yield generation after generation, without end; `NoPlan` when the rules leave no plan at all."""
    run = _Search(instance, evaluator, settings, planning or Planning(instance))
    first = run.first_plans()
    genes_of_first = [genes for genes, _ in first]
    breeder = Breeder(run.operators, len(instance.objectives), genes_of_first, settings.population)
    number = 0
    while True:
        random = generator(settings.seed, number, _BREED)
        proposals = breeder.ask(random)
        drawn = first if number == 0 else run.plans(proposals, number)
        evaluations = run.evaluate([plan for _, plan in drawn], number)
        breeder.tell([genes for genes, _ in drawn], *run.told(evaluations), random)
        yield run.generation(number)
        number += 1


def confirmed(
    instance: Instance, evaluator: Evaluates, front: Sequence[Member], replications: int, seed: int
) -> tuple[Member, ...]:
    """Return a front re-simulated on replications its search never saw, with probabilities of being non-dominated.

    All members come back: those that fresh luck shows to be dominated keep a low probability.
    """
    fresh = range(FRESH_REPLICATIONS, FRESH_REPLICATIONS + replications)
    evaluations = evaluator.evaluate([member.plan.configuration for member in front], fresh)
    values = [one.judgement.values for one in evaluations if one.judgement is not None]
    points = costs(np.array(values), instance.objectives) if values else np.zeros((0, 1, 1))
    chances = iter(probability_nondominated(points, generator(seed, 0, _BOOTSTRAP)).tolist())
    return tuple(
        replace(member, evaluation=one, probability=0.0 if one.judgement is None else next(chances))
        for member, one in zip(front, evaluations, strict=True)
    )


def random_plans(
    instance: Instance, evaluator: Evaluates, count: int, settings: SearchSettings, planning: Planning | None = None
) -> tuple[Member, ...]:
    """Return so many plans drawn at random and repaired, evaluated as those of a search: what a search must beat."""
    run = _Search(instance, evaluator, settings, planning or Planning(instance))
    plans = run.random_plans(count)
    evaluations = evaluator.evaluate([plan.configuration for plan in plans], range(settings.replications))
    return tuple(Member(plan, one, 0) for plan, one in zip(plans, evaluations, strict=True))


def front_of(members: Sequence[Member], objectives: Sequence[Objective]) -> tuple[Member, ...]:
    """Return the non-dominated sound members, of those with equal objectives the first, in the order given."""
    sound = [member for member in members if member.evaluation.is_sound]
    points = _points([member.evaluation for member in sound], objectives)
    seen: set[tuple[float, ...]] = set()
    kept = []
    for member, is_kept, point in zip(sound, nondominated(points), points.tolist(), strict=True):
        if is_kept and tuple(point) not in seen:
            seen.add(tuple(point))
            kept.append(member)
    return tuple(kept)


def representatives(front: Sequence[Member], objectives: Sequence[Objective], count: int) -> tuple[Member, ...]:
    """Return at most so many members of a front, spread over all of it."""
    points = _points([member.evaluation for member in front], objectives)
    return tuple(front[number] for number in spread_out(points, count))


def hypervolume_of(members: Sequence[Member], objectives: Sequence[Objective]) -> float:
    """Return the hypervolume that the sound members cover, between the bounds of the instance's objectives."""
    return hypervolume(_points([m.evaluation for m in members if m.evaluation.is_sound], objectives))


def binding_rules(planning: Planning, configuration: Configuration) -> tuple[Finding, ...]:
    """Return the rules that a plan uses up."""
    return binding(planning, configuration)


def generator(seed: int, number: int, purpose: int) -> np.random.Generator:
    """Return the generator of one purpose in one generation of one seed."""
    return np.random.Generator(np.random.Philox(np.random.SeedSequence([seed, number, purpose])))


class _Search:
    """What a search knows between generations."""

    def __init__(self, instance: Instance, evaluator: Evaluates, settings: SearchSettings, planning: Planning) -> None:
        self._instance = instance
        self._evaluator = evaluator
        self._settings = settings
        self._planning = planning
        self._repairer = Repairer(planning)
        self._archive: dict[str, Member] = {}
        self._untouched = self._repaired = self._refused = 0
        self.operators = operators_of(instance, planning.encoding)

    def first_plans(self) -> list[tuple[Genes, Plan]]:
        """Return the first generation: the landmarks, filled up with a sample to a population.

        Distinct repaired plans, fewer if there are not so many.
        """
        random = generator(self._settings.seed, 0, _START)
        points = list(landmarks(self._planning, self._repairer))
        sample = sampled(self._planning.encoding, random)
        return self._distinct(chain(points, sample), max(self._settings.population, len(points)))

    def random_plans(self, count: int) -> list[Plan]:
        """Return distinct repaired plans drawn evenly between all bounds."""
        random = generator(self._settings.seed, 0, _BASELINE)
        return [plan for _, plan in self._distinct(anywhere(self._planning.encoding, random), count)]

    def plans(self, proposals: Sequence[Genes], number: int) -> list[tuple[Genes, Plan]]:
        """Return the nearest plans to proposals; those already known are drawn again by mutation."""
        random = generator(self._settings.seed, number, _REDRAW)
        taken: set[str] = set()
        found = []
        for genes in proposals:
            drawn = self._redrawn(genes, taken, random)
            if drawn is not None:
                taken.add(drawn[1].key)
                found.append(drawn)
        return found

    def evaluate(self, plans: Sequence[Plan], number: int) -> list[Evaluation]:
        """Evaluate plans and put them in the archive."""
        replications = range(self._settings.replications)
        evaluations = self._evaluator.evaluate([plan.configuration for plan in plans], replications)
        for plan, evaluation in zip(plans, evaluations, strict=True):
            self._archive.setdefault(plan.key, Member(plan, evaluation, number))
        return evaluations

    def told(self, evaluations: Sequence[Evaluation]) -> tuple[Floats, Floats]:
        """Return costs [plan, objective] and refusals [plan], as the breeder wants them."""
        objectives = self._instance.objectives
        found = np.full((len(evaluations), len(objectives)), REFUSED_COST)
        refused = np.ones(len(evaluations))
        for number, evaluation in enumerate(evaluations):
            if evaluation.judgement is not None:
                found[number] = costs(evaluation.judgement.point, objectives)
                refused[number] = float(not evaluation.is_sound)
        return found, refused

    def generation(self, number: int) -> Generation:
        """Return where the search stands."""
        archive = tuple(self._archive.values())
        objectives = self._instance.objectives
        today = self._evaluator.evaluate([todays_configuration(self._instance)], range(self._settings.replications))[0]
        front = front_of(archive, objectives)
        return Generation(
            number=number,
            front=front,
            archive=archive,
            today=today,
            hypervolume=hypervolume_of(front, objectives),
            simulations=self._evaluator.simulations,
            repeats=self._evaluator.repeats,
            untouched=self._untouched,
            repaired=self._repaired,
            refused=self._refused,
        )

    def _distinct(self, points: Iterator[Genes], count: int) -> list[tuple[Genes, Plan]]:
        found: dict[str, tuple[Genes, Plan]] = {}
        refusal: Infeasible | None = None
        for genes in islice(points, 4 * count + 16):
            plan = self._repair(genes)
            if isinstance(plan, Infeasible):
                refusal = plan
                continue
            found.setdefault(plan.key, (self._planning.encoding.genes(plan.configuration), plan))
            if len(found) == count:
                break
        if not found:
            raise NoPlan(refusal or Infeasible(()))
        return list(found.values())

    def _redrawn(self, genes: Genes, taken: set[str], random: np.random.Generator) -> tuple[Genes, Plan] | None:
        """Return a plan near the genes that is neither known nor taken; the last one found when there is none."""
        last = None
        for _ in range(REDRAWS):
            plan = self._repair(genes)
            if isinstance(plan, Plan):
                last = self._planning.encoding.genes(plan.configuration), plan
                if plan.key not in self._archive and plan.key not in taken:
                    return last
            genes = self.operators.mutated(last[0] if last else genes, random)
        return last

    def _repair(self, genes: Genes) -> Plan | Infeasible:
        plan = self._repairer.repair(self._planning.encoding.configuration(genes))
        if isinstance(plan, Infeasible):
            self._refused += 1
        elif plan.changed:
            self._repaired += 1
        else:
            self._untouched += 1
        return plan


def _points(evaluations: Sequence[Evaluation], objectives: Sequence[Objective]) -> Floats:
    found = [one.judgement.point for one in evaluations if one.judgement is not None]
    return costs(np.array(found).reshape(len(found), len(objectives)), objectives)
