"""Our confirmation again and again: on each of several blocks of replications, held against all the others.

Every block meets the same parameter draws by its own chance. What the plans that stand on a block are said to be worth
is compared with what they are worth on all other blocks. A block is as lucky for the others as these are for it, so
luck common to all plans cancels over the blocks to first order and what is left is flattery: picking what looks well.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from benchmarks.honesty.handed_out import Stated
from benchmarks.honesty.truth import Simulated
from configurator.evaluated_plans import EvaluatedPlans
from instances.instance import Instance
from optimisation.confirmation import FRESH_REPLICATIONS, confirmed
from optimisation.evaluation import Evaluation, Judgement
from optimisation.fronts import Floats
from optimisation.members import Member, front_of
from simulation.configuration import Configuration, content_key
from simulation.objectives import Essence, Judge


@dataclass
class Block:
    """Answers as an evaluator does, from what was simulated: replication FRESH + r is the block's r-th."""

    judge: Judge
    members: Sequence[Member]
    found: Simulated
    numbers: Sequence[int]
    asked: set[tuple[str, int]] = field(default_factory=set)
    repeats: int = 0

    @property
    def simulations(self) -> int:
        """Replications asked for so far."""
        return len(self.asked)

    def evaluate(self, configurations: Sequence[Configuration], replications: Sequence[int]) -> list[Evaluation]:
        """Return what was simulated of plans."""
        places = {member.key: number for number, member in enumerate(self.members)}
        return [self._evaluation(one, places[content_key(one)], replications) for one in configurations]

    def needed(self, configurations: Sequence[Configuration], replications: Sequence[int]) -> list[int]:
        """Return how many replications are new."""
        new: set[tuple[str, int]] = set()
        counts = []
        for configuration in configurations:
            new |= {(content_key(configuration), number) for number in replications} - self.asked
            counts.append(len(new))
        return counts

    def _evaluation(self, configuration: Configuration, place: int, replications: Sequence[int]) -> Evaluation:
        key = content_key(configuration)
        self.asked |= {(key, number) for number in replications}
        rows = [self.numbers[number - FRESH_REPLICATIONS] for number in replications]
        judged = judged_on(self.judge, self.found.plans[place], self.found.today, rows)
        return Evaluation(configuration, key, tuple(replications), judged)


def judged_on(judge: Judge, own: Sequence[Essence], today: Sequence[Essence], rows: Sequence[int]) -> Judgement:
    """Return the judgement of a plan on some replications."""
    found = judge.judge([own[row] for row in rows], [today[row] for row in rows])
    return Judgement(
        found.values, found.point, found.flags, found.violation, found.tie, found.books, found.kept
    )  # fmt: skip


@dataclass(frozen=True)
class Confirmation:
    """The plans that stand on one block, and what they are worth on the others [plan, objective]."""

    plans: tuple[Stated, ...]
    true: Floats


def confirmations(
    instance: Instance, members: Sequence[Member], found: Simulated, size: int, seed: int
) -> list[Confirmation]:
    """Confirm plans on each block of so many replications."""
    judge = Judge.of(instance)
    shown = EvaluatedPlans(instance, judge)
    blocks = np.arange(len(found.today)).reshape(-1, size)
    results = []
    for number, block in enumerate(blocks):
        evaluator = Block(judge, members, found, block.tolist())
        fresh = confirmed(
            instance,
            evaluator,
            members,
            size,
            seed,
            statistic=shown.final_values,
            most=instance.settings.search.final_plans,
        )
        standing = front_of([shown.final(member) for member in fresh if member.stands], instance.optimised)
        others = np.delete(blocks, number, axis=0).ravel().tolist()
        places = {member.key: place for place, member in enumerate(members)}
        true = [
            judge.final_point(judge.judge([found.plans[places[one.key]][row] for row in others], _rows(found, others)))
            for one in standing
        ]
        results.append(Confirmation(tuple(Stated.of(one) for one in standing), np.array(true)))
    return results


def _rows(found: Simulated, rows: Sequence[int]) -> list[Essence]:
    return [found.today[row] for row in rows]
