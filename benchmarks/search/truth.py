"""What plans are truly worth: one long simulation on replications that no method saw, the same for all.

Every component run is kept on disk, so nothing is simulated twice, whoever reports a plan; judging is done again each
time. No other process may use what is kept of an instance meanwhile. On opening, today's first replication is
simulated again and must be what is kept.
"""

from collections.abc import Sequence
from contextlib import ExitStack, closing
from dataclasses import replace
from pathlib import Path

import numpy as np

from benchmarks.search.problem import Problem
from configurator.runs.memory import EVALUATIONS, RunMemory
from configurator.runs.store import locked
from instances.faults import ConfiguratorError
from optimisation.confirmation import FRESH_REPLICATIONS
from optimisation.evaluation import Evaluation
from optimisation.members import Member
from optimisation.twin_evaluation import twin_evaluator
from simulation.configuration import todays_configuration
from simulation.objectives import ENOUGH_REPLICATIONS

FIRST = FRESH_REPLICATIONS + 5_000
SEED = 1
MEMORY = Path("runs/search-benchmark")
SAME = 1e-9
"""What is kept may differ from what the twin does now by rounding, relative to it."""


class StaleTruth(ConfiguratorError):  # noqa: N818 (named for what it says)
    """Kept simulations that the twin would not repeat."""


class Truth:
    """Judges plans as a search judges its archive, on many fresh replications, parameter draws included."""

    def __init__(self, problem: Problem, replications: int, folder: Path = MEMORY) -> None:
        if replications < ENOUGH_REPLICATIONS:
            raise ValueError(f"{replications} replications: at least {ENOUGH_REPLICATIONS} tell how margins vary")
        self._replications = range(FIRST, FIRST + replications)
        own = folder / f"{problem.instance.name}-{problem.instance.fingerprint[:12]}"
        own.mkdir(parents=True, exist_ok=True)
        self._held = ExitStack()
        self._held.enter_context(locked(own))
        path = own / EVALUATIONS
        informing = range(ENOUGH_REPLICATIONS)
        self._evaluator = twin_evaluator(
            problem.knowledge, seed=SEED, workers=problem.workers, informing=informing, memory=RunMemory(path)
        )
        self._refuse_stale(problem, path)

    def members(self, members: Sequence[Member]) -> tuple[Member, ...]:
        """Return plans with what they are truly worth."""
        evaluations = self.evaluations(members)
        return tuple(replace(member, evaluation=one) for member, one in zip(members, evaluations, strict=True))

    def evaluations(self, members: Sequence[Member]) -> list[Evaluation]:
        """Return what plans are truly worth, in order."""
        return self._evaluator.evaluate([member.plan.configuration for member in members], self._replications)

    def close(self) -> None:
        """Give threads and the folder back."""
        self._evaluator.close()
        self._held.close()

    def _refuse_stale(self, problem: Problem, path: Path) -> None:
        today, first = todays_configuration(problem.instance), self._replications[:1]
        kept = self._evaluator.evaluate([today], first)[0].judgement
        with closing(twin_evaluator(problem.knowledge, seed=SEED, workers=problem.workers)) as anew:
            made = anew.evaluate([today], first)[0].judgement
        if kept is None or made is None or not np.allclose(kept.values, made.values, rtol=SAME, atol=0.0):
            raise StaleTruth(f"{path}: the twin has changed since these runs were kept; remove the file")
