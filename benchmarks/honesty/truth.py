"""What plans are truly worth under the very parameter draws on which they were judged, and on fresh ones."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.honesty.handed_out import HandedOut
from instances.instance import Instance
from optimisation.confirmation import FRESH_REPLICATIONS
from optimisation.fronts import Floats
from simulation.configuration import Configuration, todays_configuration
from simulation.knowledge import Knowledge
from simulation.objectives import Essence, Judge, Objectives
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


def true_points(knowledge: Knowledge, found: HandedOut, seed: int, chances: int) -> Floats:
    """Return what a method's plans are truly worth [plan, objective]: each draw that it met, with other chance.

    chances: runs for each of thirty draws, as many more where there are fewer. Solvency is the quantile of all runs
    where a quantile was stated; where a mean less deviations was, only the mean is replaced by the true one.
    """
    draws = len(found.numbers)
    repeats = max(1, round(30 * chances / draws))
    judge = Judge.of(knowledge.central)
    configurations = [plan.configuration for plan in found.plans]
    values = _values(knowledge, judge, configurations, (seed, found.numbers), range(draws * repeats))[0]
    if found.is_confirmed:
        rows = [judge.final_point(Objectives(one, one.mean(axis=0), (), np.empty((0, 0)), 0.0)) for one in values]
        return np.array(rows)
    rows = [
        plan.point + one.mean(axis=0) - plan.values.mean(axis=0) for plan, one in zip(found.plans, values, strict=True)
    ]
    return np.array(rows)


def true_probability(knowledge: Knowledge, configuration: Configuration, seed: int, futures: int) -> float:
    """Return how likely a plan keeps its target, over parameter draws and chance that no search met."""
    judge = Judge.of(knowledge.central)
    numbers = tuple(range(FUTURES, FUTURES + futures))
    slack = _values(knowledge, judge, [configuration], (seed, numbers), range(futures))[1][0]
    return float((slack >= 0.0).mean())


def _values(
    knowledge: Knowledge,
    judge: Judge,
    configurations: Sequence[Configuration],
    drawn: tuple[int, tuple[int, ...]],
    replications: range,
) -> tuple[Floats, Floats]:
    """Return values [plan, replication, objective] and the slack of the first target [plan, replication]."""
    seed, numbers = drawn
    same = SameDraws(knowledge.central, origin=knowledge, drawn_by=seed, numbers=numbers)
    twin, today = Twin(same, seed=seed + OTHER_CHANCE), todays_configuration(knowledge.central)
    values = np.empty((len(configurations), len(replications), len(knowledge.central.optimised)))
    slack = np.empty((len(configurations), len(replications)))
    for replication in sorted(replications, key=lambda number: (number % len(numbers), number)):  # draw by draw
        reference = _essence(twin, judge, today, replication)
        for plan, configuration in enumerate(configurations):
            own = _essence(twin, judge, configuration, replication)
            judged = judge.judge([own], [reference])
            values[plan, replication] = judged.values[0]
            slack[plan, replication] = judge.slack([own], [reference])[0, 0]
    return values, slack


def _essence(twin: Twin, judge: Judge, configuration: Configuration, replication: int) -> Essence:
    first, *others = (
        judge.essence(twin.account(configuration, part, replication)) for part in range(len(twin.components))
    )
    for each in others:
        first = first + each
    return first
