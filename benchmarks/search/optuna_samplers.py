"""Optuna's NSGA-II and its tree-structured Parzen estimator, with a constraint (`Trial.set_constraint`)."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from benchmarks.search.decoding import Decoder
from benchmarks.search.problem import Problem
from benchmarks.search.reporting import Report
from benchmarks.search.trials import POPULATION, Trials

_VIOLATION = "violation"


@dataclass(frozen=True)
class OptunaSampler:
    """A study with fixed replications of each plan; its first trials are today and a sample.

    The Parzen estimator is multivariate, as Optuna advises where decisions hang together (and three times faster with
    500 of them than one at a time). All else is Optuna's default, but NSGA-II's population, which suits small budgets.
    """

    sampler: Literal["nsga2", "tpe"]
    replications: int

    def reports(self, problem: Problem, seed: int, budget: int) -> Iterator[Report]:
        """Report after every trial that was simulated."""
        import optuna

        optuna.logging.set_verbosity(optuna.logging.ERROR)
        decoder = Decoder.of(problem, repaired=False)
        names = [f"gene{number:04d}" for number in decoder.free]
        ranges: dict[str, Any] = {
            name: optuna.distributions.IntDistribution(int(low), int(high))
            for name, low, high in zip(names, decoder.low, decoder.high, strict=True)
        }
        sampler = self._sampler(seed)
        study = optuna.create_study(directions=["minimize"] * len(problem.instance.optimised), sampler=sampler)
        for row in decoder.first(POPULATION, seed).tolist():
            study.enqueue_trial(dict(zip(names, row, strict=True)))
        with closing(Trials(problem, seed, budget, self.replications)) as trials:
            spent = -1
            while not trials.is_over:
                trial = study.ask(ranges)
                variables = np.array([trial.params[name] for name in names], dtype=np.int64)
                found = trials.verdicts([decoder.configuration(variables)])
                if not found:
                    break
                trial.set_constraint(_VIOLATION, found[0].violation)
                study.tell(trial, found[0].costs.tolist())
                if trials.spent > spent:
                    spent = trials.spent
                    yield trials.report()
            yield trials.report()

    def _sampler(self, seed: int) -> Any:
        from optuna.samplers import NSGAIISampler, TPESampler

        if self.sampler == "nsga2":
            return NSGAIISampler(population_size=POPULATION, seed=seed)
        return TPESampler(multivariate=True, seed=seed)
