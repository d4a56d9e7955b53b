"""From rows of runs to what is compared: true hypervolumes over replications, mean and spread over seeds."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.search.records import RunRow


@dataclass(frozen=True)
class Curve:
    """One method on one instance at one budget."""

    method: str
    budget: int
    seeds: tuple[int, ...]
    shares: tuple[float, ...]
    """Parts of the budget at which it was looked at, rising."""
    spent: np.ndarray
    """[seed, share] replications; nan before the first report."""
    true: np.ndarray
    """[seed, share] true hypervolume; 0 before the first report."""
    reported: np.ndarray
    """[seed, share] hypervolume by the method's own estimates; 0 before the first report."""
    sound: float
    """Part of the plans handed out at the end that are truly sound; nan when there were none."""
    plans: float
    """Plans handed out at the end, mean over seeds."""
    cpu: float
    """Seconds of a run, mean over seeds."""

    @property
    def mean(self) -> np.ndarray:
        """[share] mean true hypervolume."""
        return np.asarray(self.true.mean(axis=0))

    @property
    def final(self) -> float:
        """Mean true hypervolume at the end."""
        return float(self.mean[-1])

    @property
    def spread(self) -> float:
        """Standard deviation over seeds of the true hypervolume at the end; nan with one seed."""
        return float(self.true[:, -1].std(ddof=1)) if len(self.seeds) > 1 else float("nan")

    def reaches(self, hypervolume: float) -> float:
        """Return the part of the budget at which the mean first reaches a hypervolume; inf when it never does."""
        reached = np.flatnonzero(self.mean >= hypervolume)
        return self.shares[int(reached[0])] if len(reached) else float("inf")


def curves(rows: Sequence[RunRow], instance: str, budget: int) -> list[Curve]:
    """Return a curve of each method that has rows for an instance at a budget, the best at the end first."""
    own = [row for row in rows if row.instance == instance and row.budget == budget]
    methods = dict.fromkeys(row.method for row in own)
    found = [_curve(name, budget, [row for row in own if row.method == name]) for name in methods]
    return sorted(found, key=lambda curve: -curve.final)


def _curve(name: str, budget: int, rows: Sequence[RunRow]) -> Curve:
    seeds = sorted({row.seed for row in rows})
    shares = sorted({row.share for row in rows})
    at = {(row.seed, row.share): row for row in rows}
    looked = [[at.get((seed, share)) for share in shares] for seed in seeds]
    last = [at[seed, shares[-1]] for seed in seeds]
    handed = sum(len(row.plans.split()) for row in last)
    return Curve(
        method=name,
        budget=budget,
        seeds=tuple(seeds),
        shares=tuple(shares),
        spent=np.array([[np.nan if row is None else row.spent for row in line] for line in looked]),
        true=np.array([[0.0 if row is None else row.true_hypervolume for row in line] for line in looked]),
        reported=np.array([[0.0 if row is None else row.reported_hypervolume for row in line] for line in looked]),
        sound=sum(row.sound for row in last) / handed if handed else float("nan"),
        plans=handed / len(seeds),
        cpu=float(np.mean([row.cpu_seconds for row in last])),
    )
