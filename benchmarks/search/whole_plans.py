"""An evaluator without the memory of components: each new plan counts all its component runs."""

from collections.abc import Sequence

from optimisation.evaluation import Evaluates, Evaluation
from simulation.configuration import Configuration, content_key

Run = tuple[str, int]
"""A whole plan in a replication."""


class WholePlans:
    """Answers as another evaluator does, and counts as if the same part of two plans had been simulated twice.

    parts: component runs of a plan in one replication; informing: replications of today that the judge needs.
    """

    def __init__(self, evaluator: Evaluates, parts: int, today: Configuration, informing: Sequence[int]) -> None:
        self._evaluator = evaluator
        self._parts = parts
        self._today = content_key(today)
        self._informing = tuple(informing)
        self._done: set[Run] = set()
        self._asked = 0

    @property
    def simulations(self) -> int:
        """Component runs done so far, had none been remembered for another plan."""
        return len(self._done) * self._parts

    @property
    def repeats(self) -> int:
        """Component runs of plans that were known already."""
        return self._asked * self._parts - self.simulations

    def evaluate(self, configurations: Sequence[Configuration], replications: Sequence[int]) -> list[Evaluation]:
        """Evaluate configurations on the same replications, in order."""
        found = self._evaluator.evaluate(configurations, replications)
        self._done |= self._runs(configurations, replications)
        self._asked += len(configurations) * len(replications)
        return found

    def needed(self, configurations: Sequence[Configuration], replications: Sequence[int]) -> list[int]:
        """Return how many new component runs evaluating the first one, two, ... configurations would take."""
        return [
            len(self._runs(configurations[: count + 1], replications) - self._done) * self._parts
            for count in range(len(configurations))
        ]

    def _runs(self, configurations: Sequence[Configuration], replications: Sequence[int]) -> set[Run]:
        """Return the runs that evaluating takes, today's included."""
        today = {(self._today, number) for number in (*replications, *self._informing)}
        return today | {(content_key(one), number) for one in configurations for number in replications}
