"""Plans simulated long under stated parameter draws: those on which they were judged, and fresh ones."""

from collections.abc import Sequence
from dataclasses import dataclass, field
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


@dataclass
class Simulated:
    """Plans, and today's offer, under stated draws: each replication is simulated when it is first asked for.

    Replications are numbered from 0 to `count`; number r carries draw `numbers[r mod n]` of the n that these
    replications of a seed carried, by other chance: each block of n meets every draw once.
    """

    twin: Twin
    judge: Judge
    configurations: tuple[Configuration, ...]
    """Today's offer is the last."""
    numbers: tuple[int, ...]
    count: int
    found: dict[tuple[int, int], Essence] = field(default_factory=dict)
    """By plan and replication."""

    @classmethod
    def of(
        cls,
        knowledge: Knowledge,
        configurations: Sequence[Configuration],
        seed: int,
        numbers: tuple[int, ...],
        repeats: int,
    ) -> "Simulated":
        """Return what knows nothing yet, of so many replications under each draw."""
        same = SameDraws(knowledge.central, origin=knowledge, drawn_by=seed, numbers=numbers)
        every = (*configurations, todays_configuration(knowledge.central))
        twin = Twin(same, seed=seed + OTHER_CHANCE)
        return cls(twin, Judge.of(knowledge.central), every, numbers, repeats * len(numbers))

    def essences(self, plan: int, rows: Sequence[int]) -> list[Essence]:
        """Return what some replications of a plan came to."""
        self.prepare([plan], rows)
        return [self.found[plan, row] for row in rows]

    def todays(self, rows: Sequence[int]) -> list[Essence]:
        """Return what some replications of today's offer came to."""
        return self.essences(self._today, rows)

    @property
    def _today(self) -> int:
        return len(self.configurations) - 1

    def prepare(self, plans: Sequence[int], rows: Sequence[int]) -> None:
        """Simulate plans, and today's offer, in some replications, draw by draw: what a draw makes is made once."""
        for row in sorted(rows, key=lambda number: (number % len(self.numbers), number)):
            for plan in (*plans, self._today):
                if (plan, row) not in self.found:
                    self.found[plan, row] = _essence(self.twin, self.judge, self.configurations[plan], row)


def judge_of(knowledge: Knowledge, seed: int) -> Judge:
    """Return the judge of a final front: it knows as much of today, at its central values too, as the product's."""
    judge, twin = Judge.of(knowledge.central), Twin(knowledge, seed=seed)
    offer = todays_configuration(knowledge.central)
    today = [_essence(twin, judge, offer, replication) for replication in range(TODAYS_REPLICATIONS)]
    informed = judge.informed(today)
    return informed.expecting(today[0]) if knowledge.uncertain else informed


def true_probability(knowledge: Knowledge, configuration: Configuration, seed: int, futures: int) -> float:
    """Return how likely a plan keeps its first target, over parameter draws and chance that no search met."""
    found = Simulated.of(knowledge, [configuration], seed, tuple(range(FUTURES, FUTURES + futures)), 1)
    every = range(found.count)
    slack = found.judge.slack(found.essences(0, every), found.todays(every))[:, 0]
    return float((slack >= 0.0).mean())


def _essence(twin: Twin, judge: Judge, configuration: Configuration, replication: int) -> Essence:
    essences = EssenceTwin(twin, judge)
    first, *others = (essences.account(configuration, part, replication) for part in range(len(twin.components)))
    return reduce(add, others, first)
