"""Plans simulated long under stated parameter draws: those on which they were judged, and fresh ones."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from operator import add

from configurator.asking import TODAYS_REPLICATIONS
from instances.instance import Instance
from optimisation.confirmation import FRESH_REPLICATIONS
from optimisation.twin_evaluation import EssenceTwin
from simulation.configuration import Configuration, todays_configuration
from simulation.knowledge import Knowledge
from simulation.objectives import Essence, Judge
from simulation.twin import Twin

OTHER_CHANCE = 77_000
"""Added to the seed of a search: chance that it never met."""
FUTURES = FRESH_REPLICATIONS + 20_000
"""Number of the first fresh parameter draw."""


@dataclass(frozen=True)
class SameDraws(Knowledge):
    """Knowledge of which replication r carries the draw `numbers[r mod n]` of another seed."""

    origin: Knowledge | None = None
    drawn_by: int = 0
    numbers: tuple[int, ...] = (0,)

    def draw(self, replication: int) -> int:
        """Return the number of the draw that a replication carries."""
        return self._known.draw(self.numbers[replication % len(self.numbers)])

    def instance(self, seed: int, replication: int) -> Instance:
        """Return the instance that a replication carries."""
        return self._known.instance(self.drawn_by, self.numbers[replication % len(self.numbers)])

    @property
    def _known(self) -> Knowledge:
        return Knowledge(self.central) if self.origin is None else self.origin


@dataclass(frozen=True)
class Simulated:
    """Plans and today's offer in the same replications, numbered from 0, as essences [plan][replication]."""

    plans: tuple[tuple[Essence, ...], ...]
    today: tuple[Essence, ...]


def simulated(
    knowledge: Knowledge, configurations: Sequence[Configuration], seed: int, numbers: tuple[int, ...], repeats: int
) -> Simulated:
    """Simulate plans so many times under each draw that these replications of a seed carried, by other chance.

    Replication r carries draw `numbers[r mod n]`: each block of n replications meets every draw once.
    """
    same = SameDraws(knowledge.central, origin=knowledge, drawn_by=seed, numbers=numbers)
    twin, judge = Twin(same, seed=seed + OTHER_CHANCE), Judge.of(knowledge.central)
    every = [*configurations, todays_configuration(knowledge.central)]
    found: dict[int, list[Essence]] = {}
    count = len(numbers) * repeats
    for replication in sorted(range(count), key=lambda number: (number % len(numbers), number)):  # draw by draw
        found[replication] = [_essence(twin, judge, configuration, replication) for configuration in every]
    columns = [tuple(found[number][plan] for number in range(count)) for plan in range(len(every))]
    return Simulated(tuple(columns[:-1]), columns[-1])


def judge_of(knowledge: Knowledge, seed: int) -> Judge:
    """Return the judge of a final front: it knows as much of today, at its central values too, as the product's."""
    judge, twin = Judge.of(knowledge.central), Twin(knowledge, seed=seed)
    offer = todays_configuration(knowledge.central)
    today = [_essence(twin, judge, offer, replication) for replication in range(TODAYS_REPLICATIONS)]
    informed = judge.informed(today)
    return informed.expecting(today[0]) if knowledge.uncertain else informed


def true_probability(knowledge: Knowledge, configuration: Configuration, seed: int, futures: int) -> float:
    """Return how likely a plan keeps its first target, over parameter draws and chance that no search met."""
    found = simulated(knowledge, [configuration], seed, tuple(range(FUTURES, FUTURES + futures)), 1)
    slack = Judge.of(knowledge.central).slack(found.plans[0], found.today)[:, 0]
    return float((slack >= 0.0).mean())


def _essence(twin: Twin, judge: Judge, configuration: Configuration, replication: int) -> Essence:
    essences = EssenceTwin(twin, judge)
    first, *others = (essences.account(configuration, part, replication) for part in range(len(twin.components)))
    return reduce(add, others, first)
