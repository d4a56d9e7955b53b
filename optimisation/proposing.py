"""From proposals to plans: the first ones, children of the search, plans at random; repaired, none known already."""

from collections.abc import Collection, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import chain, islice

import numpy as np

from instances.instance import Instance
from optimisation.encoding import Genes
from optimisation.feasibility.checker import violations
from optimisation.feasibility.planning import Planning
from optimisation.feasibility.repair import Repairer
from optimisation.generators import BASELINE, START, generator
from optimisation.ingredients import EVERYTHING, Ingredients
from optimisation.operators import operators_of
from optimisation.plan import Infeasible, NoPlan, Plan
from optimisation.records import PlanRecord
from optimisation.starting_points import anywhere, landmarks, sampled
from simulation.configuration import content_key


@dataclass(frozen=True)
class Proposed:
    """A plan with its genes."""

    genes: Genes
    plan: Plan


class Proposer:
    """Makes plans of proposals and counts what repair met.

    workers: threads that repair. A repair depends on its proposal alone, so those of many proposals are made ahead, at
    once, and settled in order as if each had been made in its turn: the answer does not depend on how many there are.
    """

    def __init__(
        self,
        instance: Instance,
        planning: Planning,
        seed: int,
        ingredients: Ingredients = EVERYTHING,
        *,
        workers: int = 1,
    ) -> None:
        self._planning = planning
        self._repairer = Repairer(planning)
        self._workers = workers
        self._ahead: dict[bytes, Plan | Infeasible] = {}
        self._seed = seed
        self._ingredients = ingredients
        self.operators = operators_of(instance, planning.encoding, blocks=ingredients.blocks)
        self.counts = (0, 0, 0)
        """Proposals that were plans already, that were repaired, near which no plan was found."""

    def first_plans(self, population: int) -> list[Proposed]:
        """Return the first generation: the landmarks, filled up with a sample to a population.

        Distinct repaired plans, fewer if there are not so many. Raises NoPlan when there is none.
        """
        random = generator(self._seed, 0, START)
        points = [self._planning.encoding.today.copy()]
        if self._ingredients.landmarks:
            points = list(landmarks(self._planning, self._repairer))
        sample = sampled(self._planning.encoding, random)
        return self._distinct(chain(points, sample), max(population, len(points)))

    def random_plans(self, count: int) -> list[Plan]:
        """Return distinct repaired plans drawn evenly between all bounds."""
        random = generator(self._seed, 0, BASELINE)
        return [one.plan for one in self._distinct(anywhere(self._planning.encoding, random), count)]

    def plans(self, proposals: Sequence[Genes]) -> list[Proposed]:
        """Return the nearest plans to proposals, those near which none was found left out."""
        self._look_ahead(proposals)
        found = [self._repair(genes) for genes in proposals]
        return [self._proposed(plan) for plan in found if isinstance(plan, Plan)]

    def pool(self, proposals: Sequence[Genes], most_repairs: int, known: Collection[str]) -> list[Proposed]:
        """Return the distinct plans near proposals that are not known, in order.

        most_repairs: proposals that are repaired at most, the first ones; those that are plans already cost nothing.
        """
        found: dict[str, Proposed] = {}
        kept = [self._untouched(genes) for genes in proposals]
        broken = [genes for genes, plan in zip(proposals, kept, strict=True) if plan is None][:most_repairs]
        self._look_ahead(broken)
        repaired = iter([self._repair(genes) for genes in broken])
        for plan in (next(repaired, None) if one is None else one for one in kept):
            if isinstance(plan, Plan) and plan.key not in known:
                found.setdefault(plan.key, self._proposed(plan))
        return list(found.values())

    def recalled(self, record: PlanRecord) -> Proposed:
        """Return a plan of the past from its genes."""
        own = np.array(record.genes, dtype=np.int64)
        configuration = self._planning.encoding.configuration(own)
        return Proposed(own, Plan(configuration, content_key(configuration), record.changed, record.gap))

    def _distinct(self, points: Iterator[Genes], count: int) -> list[Proposed]:
        found: dict[str, Proposed] = {}
        refusal: Infeasible | None = None
        tries = islice(points, 4 * count + 16)
        while batch := list(islice(tries, count - len(found))):
            self._look_ahead(batch)
            for genes in batch:
                plan = self._repair(genes)
                if isinstance(plan, Infeasible):
                    refusal = plan
                else:
                    found.setdefault(plan.key, self._proposed(plan))
        if not found:
            raise NoPlan(refusal or Infeasible(()))
        return list(found.values())

    def _untouched(self, genes: Genes) -> Plan | None:
        """Return a proposal that is a plan already, None where it is not."""
        configuration = self._planning.encoding.configuration(genes)
        if violations(self._planning, configuration):
            return None
        untouched, repaired, refused = self.counts
        self.counts = untouched + 1, repaired, refused
        return Plan(configuration, content_key(configuration))

    def _proposed(self, plan: Plan) -> Proposed:
        return Proposed(self._planning.encoding.genes(plan.configuration), plan)

    def _look_ahead(self, proposals: Sequence[Genes]) -> None:
        """Repair proposals at once where there are several threads; `_repair` then knows the answers."""
        self._ahead.clear()
        if self._workers == 1:
            return
        keys = {genes.tobytes(): genes for genes in proposals}
        threads = ThreadPoolExecutor(self._workers)
        try:
            self._ahead = dict(zip(keys, threads.map(self._repaired, keys.values()), strict=True))
        finally:
            threads.shutdown(cancel_futures=True)  # Ctrl-C does not wait for all of them

    def _repaired(self, genes: Genes) -> Plan | Infeasible:
        return self._repairer.repair(self._planning.encoding.configuration(genes))

    def _repair(self, genes: Genes) -> Plan | Infeasible:
        plan = self._ahead.get(genes.tobytes()) or self._repaired(genes)
        untouched, repaired, refused = self.counts
        if isinstance(plan, Infeasible):
            self.counts = untouched, repaired, refused + 1
        elif plan.changed:
            self.counts = untouched, repaired + 1, refused
        else:
            self.counts = untouched + 1, repaired, refused
        return plan
