"""From proposals to plans: the first ones, children of the search, plans at random; repaired, none known already."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice

import numpy as np

from instances.instance import Instance
from optimisation.encoding import Genes
from optimisation.feasibility.planning import Planning
from optimisation.feasibility.repair import Repairer
from optimisation.generators import BASELINE, REDRAW, START, generator
from optimisation.operators import operators_of
from optimisation.plan import Infeasible, NoPlan, Plan
from optimisation.starting_points import anywhere, landmarks, sampled
from simulation.configuration import content_key

REDRAWS = 8
"""How often a proposal that leads to a known plan, or to none, is mutated again before it is let be."""


@dataclass(frozen=True)
class Proposed:
    """A plan with its genes."""

    genes: Genes
    plan: Plan


class Proposer:
    """Makes plans of proposals and counts what repair met."""

    def __init__(self, instance: Instance, planning: Planning, seed: int) -> None:
        self._planning = planning
        self._repairer = Repairer(planning)
        self._seed = seed
        self.operators = operators_of(instance, planning.encoding)
        self.counts = (0, 0, 0)
        """Proposals that were plans already, that were repaired, near which no plan was found."""

    def first_plans(self, population: int) -> list[Proposed]:
        """Return the first generation: the landmarks, filled up with a sample to a population.

        Distinct repaired plans, fewer if there are not so many. Raises NoPlan when there is none.
        """
        random = generator(self._seed, 0, START)
        points = list(landmarks(self._planning, self._repairer))
        sample = sampled(self._planning.encoding, random)
        return self._distinct(chain(points, sample), max(population, len(points)))

    def random_plans(self, count: int) -> list[Plan]:
        """Return distinct repaired plans drawn evenly between all bounds."""
        random = generator(self._seed, 0, BASELINE)
        return [one.plan for one in self._distinct(anywhere(self._planning.encoding, random), count)]

    def plans(self, proposals: Sequence[Genes], number: int, known: Collection[str]) -> list[Proposed]:
        """Return the nearest plans to proposals; those already known are drawn again by mutation."""
        random = generator(self._seed, number, REDRAW)
        taken: set[str] = set()
        found = []
        for genes in proposals:
            drawn = self._redrawn(genes, known, taken, random)
            if drawn is not None:
                taken.add(drawn.plan.key)
                found.append(drawn)
        return found

    def recalled(self, genes: Sequence[int], changed: tuple[str, ...]) -> Proposed:
        """Return a plan of the past from its genes."""
        own = np.array(genes, dtype=np.int64)
        configuration = self._planning.encoding.configuration(own)
        return Proposed(own, Plan(configuration, content_key(configuration), changed))

    def _distinct(self, points: Iterator[Genes], count: int) -> list[Proposed]:
        found: dict[str, Proposed] = {}
        refusal: Infeasible | None = None
        for genes in islice(points, 4 * count + 16):
            plan = self._repair(genes)
            if isinstance(plan, Infeasible):
                refusal = plan
                continue
            found.setdefault(plan.key, self._proposed(plan))
            if len(found) == count:
                break
        if not found:
            raise NoPlan(refusal or Infeasible(()))
        return list(found.values())

    def _redrawn(
        self, genes: Genes, known: Collection[str], taken: set[str], random: np.random.Generator
    ) -> Proposed | None:
        """Return a plan near the genes that is neither known nor taken; the last one found when there is none."""
        last = None
        for _ in range(REDRAWS):
            plan = self._repair(genes)
            if isinstance(plan, Plan):
                last = self._proposed(plan)
                if plan.key not in known and plan.key not in taken:
                    return last
            genes = self.operators.mutated(last.genes if last else genes, random)
        return last

    def _proposed(self, plan: Plan) -> Proposed:
        return Proposed(self._planning.encoding.genes(plan.configuration), plan)

    def _repair(self, genes: Genes) -> Plan | Infeasible:
        plan = self._repairer.repair(self._planning.encoding.configuration(genes))
        untouched, repaired, refused = self.counts
        if isinstance(plan, Infeasible):
            self.counts = untouched, repaired, refused + 1
        elif plan.changed:
            self.counts = untouched, repaired + 1, refused
        else:
            self.counts = untouched + 1, repaired, refused
        return plan
