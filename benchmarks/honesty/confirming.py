"""Our confirmation again and again: on each of several blocks of replications, held against all the others.

Every block meets the same parameter draws by its own chance: those on which it is decided who stands, and those that
are reported. What the plans that stand on a block are said to be worth is compared with what they are worth on all
other blocks. A block is as lucky for the others as these are for it, so luck common to all plans cancels over the
blocks to first order and what is left is flattery: picking what looks well. Different plans stand on different blocks,
by which some luck stays.

Where the plans that stand on one block are reported on every block in turn, luck cancels whole, and so would flattery:
that tells how much a hypervolume is more than that of the means, because it is curved, and nothing else.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from benchmarks.honesty.handed_out import Stated
from benchmarks.honesty.truth import Simulated
from configurator.evaluated_plans import EvaluatedPlans
from instances.settings import Search
from optimisation.confirmation import confirmed, deciding, fresh
from optimisation.evaluation import Evaluation, Judgement
from optimisation.fronts import Floats
from optimisation.members import Member, front_of
from simulation.configuration import Configuration, content_key
from simulation.objectives import Essence, Judge, Objectives


@dataclass
class Block:
    """Answers as an evaluator does, from what was simulated; rows: of each replication that may be asked for."""

    judge: Judge
    members: Sequence[Member]
    found: Simulated
    rows: Mapping[int, int]
    asked: set[tuple[str, int]] = field(default_factory=set)
    repeats: int = 0

    @property
    def simulations(self) -> int:
        """Replications asked for so far."""
        return len(self.asked)

    def evaluate(self, configurations: Sequence[Configuration], replications: Sequence[int]) -> list[Evaluation]:
        """Return what was simulated of plans."""
        places = {member.key: number for number, member in enumerate(self.members)}
        wanted = [places[content_key(one)] for one in configurations]
        self.found.prepare(wanted, [self.rows[number] for number in replications])
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
        rows = [self.rows[number] for number in replications]
        judged = judged_on(self.judge, self.found.essences(place, rows), self.found.todays(rows))
        return Evaluation(configuration, key, tuple(replications), judged)


def judged_on(judge: Judge, own: Sequence[Essence], today: Sequence[Essence]) -> Judgement:
    """Return the judgement of a plan from its replications and today's."""
    found = judge.judge(own, today)
    return Judgement(
        found.values, found.point, found.flags, found.violation, found.tie, found.books, found.kept,
        found.point_values, found.referred,
    )  # fmt: skip


@dataclass(frozen=True)
class Confirmation:
    """The plans that stand on one block, and what they are worth on the others [plan, objective].

    crossed: the same plans as reported on each block [block, plan, objective], and crossed_true on all but that one.
    spent: replications that it took.
    """

    plans: tuple[Stated, ...]
    true: Floats
    crossed: Floats
    crossed_true: Floats
    spent: int


def block_of(search: Search) -> tuple[int, ...]:
    """Return the replications, hence parameter draws, of a block: those that decide, then those that are reported."""
    size = search.final_replications
    return (*deciding(size, search.deciding_share), *fresh(size))


def confirmations(judge: Judge, members: Sequence[Member], found: Simulated, seed: int) -> list[Confirmation]:
    """Confirm plans on each block; found: all of them in `block_of`, again and again by other chance.

    What a plan is worth on all blocks is simulated of those that stand on one.
    """
    instance = judge.instance
    replications, size = block_of(instance.settings.search), instance.settings.search.final_replications
    shown = EvaluatedPlans(instance, judge)
    blocks = np.arange(found.count).reshape(-1, len(replications))
    reported = blocks[:, -size:]
    long = _LongRun(judge, found, reported)
    results = []
    for number, block in enumerate(blocks):
        evaluator = Block(judge, members, found, dict(zip(replications, block.tolist(), strict=True)))
        confirmation = confirmed(
            instance,
            evaluator,
            members,
            size,
            seed,
            statistic=shown.final_values,
            most=instance.settings.search.final_plans,
        )
        standing = front_of([shown.final(member) for member in confirmation if member.stands], instance.optimised)
        places = {member.key: place for place, member in enumerate(members)}
        numbers = [places[one.key] for one in standing]
        found.prepare(numbers, reported.ravel().tolist())
        own, true = long.reported_of(numbers), long.true_of(numbers)
        results.append(
            Confirmation(tuple(Stated.of(one) for one in standing), true[number], own, true, evaluator.simulations)
        )
    return results


@dataclass
class _LongRun:
    """What plans are worth on each block, and on all blocks but one; there the worst-off firm is that of all blocks."""

    judge: Judge
    found: Simulated
    reported: NDArray[np.int64]
    reports: dict[int, Floats] = field(default_factory=dict)
    truths: dict[int, Floats] = field(default_factory=dict)

    def reported_of(self, plans: Sequence[int]) -> Floats:
        """Return what would be reported of plans on each block [block, plan, objective]."""
        for plan in plans:
            if plan not in self.reports:
                every = [self.judge.final_point(self._judged(plan, block)) for block in self.reported]
                self.reports[plan] = np.array(every)
        return self._together([self.reports[plan] for plan in plans])

    def true_of(self, plans: Sequence[int]) -> Floats:
        """Return what plans are worth, ties apart, without each of the blocks [block, plan, objective]."""
        for plan in plans:
            if plan not in self.truths:
                values = self._judged(plan, self.reported.ravel()).values.reshape(*self.reported.shape, -1)
                without = [np.concatenate(np.delete(values, block, axis=0)) for block in range(len(values))]
                self.truths[plan] = self.judge.final_values(np.array(without))
        return self._together([self.truths[plan] for plan in plans])

    def _judged(self, plan: int, rows: NDArray[np.int64]) -> Objectives:
        return self.judge.judge(self.found.essences(plan, rows.tolist()), self.found.todays(rows.tolist()))

    def _together(self, points: Sequence[Floats]) -> Floats:
        shape = (len(self.reported), 0, len(self.judge.instance.optimised))
        return np.stack(points, axis=1) if points else np.zeros(shape)
