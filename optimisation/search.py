"""The search: NSGA-II over plans, repair in the loop, an archive of everything evaluated.

`search` yields one `Generation` after another and writes no file; who asks for the next one decides how long it goes
on. Every random number comes from a Philox generator keyed by the seed, the generation and what it is for, so the
records of past generations are all it takes to go on where a search was left.
"""

from collections.abc import Iterator, Sequence
from dataclasses import astuple, dataclass
from itertools import count, zip_longest

import numpy as np

from instances.faults import ConfiguratorError
from instances.instance import Instance
from optimisation.encoding import Genes
from optimisation.evaluation import Evaluates, Evaluation
from optimisation.feasibility.checker import Finding, binding
from optimisation.feasibility.planning import Planning
from optimisation.generators import BREED, NEIGHBOURS, NOISE, generator
from optimisation.ingredients import EVERYTHING, Ingredients
from optimisation.members import Member, front_of, hypervolume_of
from optimisation.problem import Breeder
from optimisation.proposing import Proposed, Proposer
from optimisation.records import GenerationRecord, PlanRecord
from optimisation.screening import Screen
from optimisation.standings import Allowances, Standings
from optimisation.stopping import hypervolume_noise
from simulation.configuration import Configuration

POOL = 16
"""Proposals that are screened, over those that are simulated: half children, half mutants of the front."""
REPAIRS = 1
"""Of these, how many may be repaired at most, over those that are simulated."""


@dataclass(frozen=True)
class SearchSettings:
    """How far to search.

    replications: of each plan; most_replications: of those whose dominance is in doubt (none more than the others
    when it is not greater); budget: component runs in all, never exceeded; None: no limit; ingredients: what the
    search is made of.
    """

    population: int
    replications: int
    seed: int
    most_replications: int = 0
    budget: int | None = None
    ingredients: Ingredients = EVERYTHING


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
    hypervolume_noise: float | None
    """Standard deviation of the hypervolume by what replications vary; None while no plan has two."""
    simulations: int
    """Component runs so far."""
    repeats: int
    """Component runs remembered instead."""
    record: GenerationRecord
    """What it takes to come back here."""
    is_past: bool
    """Whether it was gone through again from its record."""

    @property
    def failures(self) -> tuple[Evaluation, ...]:
        """Evaluations set aside."""
        return tuple(member.evaluation for member in self.archive if member.evaluation.failure)

    @property
    def untouched(self) -> int:
        """Proposals that were plans already, so far."""
        return self.record.untouched

    @property
    def repaired(self) -> int:
        """Proposals that were repaired, so far."""
        return self.record.repaired

    @property
    def refused(self) -> int:
        """Proposals near which no plan was found, so far."""
        return self.record.refused


def search(
    instance: Instance,
    evaluator: Evaluates,
    settings: SearchSettings,
    planning: Planning | None = None,
    past: Sequence[GenerationRecord] = (),
    *,
    workers: int = 1,
) -> Iterator[Generation]:
    """Yield generation after generation until the budget is spent; `NoPlan` when the rules leave no plan at all.

    past: the records of generations done before; they are gone through again without a proposal being repaired, on
    evaluations that the evaluator remembers, and yielded as `is_past`. workers: threads that repair; the answer does
    not depend on how many.
    """
    run = _Search(instance, evaluator, settings, planning or Planning(instance), workers)
    breeder: Breeder | None = None
    for number in count():
        random = generator(settings.seed, number, BREED)
        record = past[number] if number < len(past) else None
        proposals = breeder.children(run.children, random) if breeder else []
        drawn = run.recalled(record) if record else run.drawn(proposals, number)
        told, more = run.evaluated(drawn, number, record)
        if not told:
            if number == 0:
                raise BudgetTooSmall(f"a budget of {settings.budget} component runs does not even simulate today")
            return
        if breeder is None:
            genes = [one.genes for one in told]
            breeder = Breeder(run.proposer.operators, len(instance.optimised), genes, settings.population)
            breeder.ask(random)
        breeder.renew(run.standings.costs_of_genes())
        breeder.tell([one.genes for one in told], *run.standings.told(told), random)
        yield run.generation(number, told, more, record)


def random_plans(
    instance: Instance,
    evaluator: Evaluates,
    count: int,
    settings: SearchSettings,
    planning: Planning | None = None,
    *,
    workers: int = 1,
) -> tuple[Member, ...]:
    """Return so many plans drawn at random and repaired, evaluated as those of a search: what a search must beat."""
    proposer = Proposer(instance, planning or Planning(instance), settings.seed, workers=workers)
    plans = proposer.random_plans(count)
    evaluations = evaluator.evaluate([plan.configuration for plan in plans], range(settings.replications))
    return tuple(Member(plan, one, 0) for plan, one in zip(plans, evaluations, strict=True))


def binding_rules(planning: Planning, configuration: Configuration) -> tuple[Finding, ...]:
    """Return the rules that a plan uses up."""
    return binding(planning, configuration)


class BudgetTooSmall(ConfiguratorError):  # noqa: N818 (named for what it says)
    """A budget that leaves nothing to search with."""


class _Search:
    """What a search knows between generations."""

    def __init__(
        self, instance: Instance, evaluator: Evaluates, settings: SearchSettings, planning: Planning, workers: int
    ) -> None:
        self._instance = instance
        self._evaluator = evaluator
        self._settings = settings
        self._encoding = planning.encoding
        self.proposer = Proposer(instance, planning, settings.seed, settings.ingredients, workers=workers)
        self.standings = Standings(
            instance,
            evaluator,
            planning.encoding,
            replications=settings.replications,
            most=settings.most_replications,
            budget=settings.budget,
        )

    @property
    def children(self) -> int:
        """How many children a generation is drawn from: with mutants of the front they make up the pool."""
        whole = self._settings.population * (POOL if self._settings.ingredients.screening else 1)
        return whole - self._mutated

    @property
    def _mutated(self) -> int:
        """How many mutants of plans of the front stand beside the children."""
        whole = self._settings.population * (POOL if self._settings.ingredients.screening else 1)
        return whole // 2 if self._settings.ingredients.neighbours else 0

    def drawn(self, proposals: Sequence[np.ndarray], number: int) -> list[Proposed]:
        """Return the plans of a new generation: the first ones, or those nearest to proposals."""
        if number == 0:
            return self.proposer.first_plans(self._settings.population)
        if not self._settings.ingredients.screening:
            return self.proposer.plans([*self._mutants(number), *proposals])
        return self._screened(proposals, number)

    def _screened(self, proposals: Sequence[Genes], number: int) -> list[Proposed]:
        """Return the most promising new plans near proposals and mutants of the front, filled up with children."""
        known, count = self.standings.keys, self._settings.population
        mixed = [one for pair in zip_longest(self._mutants(number), proposals) for one in pair if one is not None]
        pool = self.proposer.pool(mixed, REPAIRS * count, known)
        screen = Screen(self._encoding, self.standings.known())
        chosen = [pool[index] for index in screen.best([one.genes for one in pool], count)]
        return chosen + self.proposer.plans(proposals[: count - len(chosen)])

    def _mutants(self, number: int) -> list[Genes]:
        """Return copies of plans of the front, drawn evenly, a few genes of each changed."""
        front = front_of(self.standings.archive(), self._instance.optimised)
        if not front:
            return []
        random = generator(self._settings.seed, number, NEIGHBOURS)
        parents = [
            self._encoding.genes(front[n].plan.configuration) for n in random.integers(len(front), size=self._mutated)
        ]
        return [self.proposer.operators.mutated(genes, random) for genes in parents]

    def recalled(self, record: GenerationRecord) -> list[Proposed]:
        """Return the plans of a past generation, without repairing anything."""
        self.proposer.counts = record.untouched, record.repaired, record.refused
        return [self.proposer.recalled(plan) for plan in record.plans]

    def evaluated(
        self, drawn: Sequence[Proposed], number: int, record: GenerationRecord | None
    ) -> tuple[list[Proposed], tuple[tuple[str, int], ...]]:
        """Evaluate the plans of a generation that the budget allows, then those in doubt again; return both."""
        affordable = self.standings.affordable(drawn) if record is None else list(drawn)
        if not affordable:
            return [], ()
        self.standings.evaluate([one.plan for one in affordable], number)
        if record is not None:
            self.standings.replicate(record.more)
            self.standings.allowances = Allowances(*record.allowances)
            return affordable, record.more
        return affordable, self.standings.replicate_doubtful()

    def generation(
        self, number: int, told: Sequence[Proposed], more: tuple[tuple[str, int], ...], record: GenerationRecord | None
    ) -> Generation:
        """Return where the search stands."""
        untouched, repaired, refused = self.proposer.counts
        archive = self.standings.archive()
        front = front_of(archive, self._instance.optimised)
        return Generation(
            number=number,
            front=front,
            archive=archive,
            today=self.standings.today(),
            hypervolume=hypervolume_of(front, self._instance.optimised),
            hypervolume_noise=self._noise(front, number),
            simulations=self._evaluator.simulations,
            repeats=self._evaluator.repeats,
            is_past=record is not None,
            record=record
            or GenerationRecord(
                number=number,
                plans=tuple(PlanRecord(tuple(one.genes.tolist()), one.plan.changed, one.plan.gap) for one in told),
                more=more,
                allowances=astuple(self.standings.allowances),
                untouched=untouched,
                repaired=repaired,
                refused=refused,
            ),
        )

    def _noise(self, front: Sequence[Member], number: int) -> float | None:
        errors = self.standings.errors(front)
        if errors is None or not len(errors[0]):
            return None
        return hypervolume_noise(*errors, generator(self._settings.seed, number, NOISE))
