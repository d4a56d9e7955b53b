"""What keyed common random numbers buy on the Loire: `python -m benchmarks.common_random_numbers`.

Two changes of today's offer are each simulated many times, once with the numbers of today's runs and once with
numbers of their own. For each objective: variance of the difference, common over independent. Today is in both
cases the reference of the objectives that compare with it.
"""

import argparse
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np

from benchmarks.results import Finding, section, write
from instances.catalogue import load_instance
from instances.instance import Instance
from simulation.configuration import Configuration, offer_cells, todays_configuration
from simulation.indicators import Catalogue, TermReader
from simulation.ledgers.account import Account
from simulation.objectives import Essence, Judge
from simulation.twin import Twin

_TITLE = "Common random numbers"
_MOST = 0.25


@dataclass(frozen=True)
class Laboratory:
    """The instance under the numbers of today's runs, and under others."""

    common: Twin
    other: Twin
    judge: Judge
    replications: int

    @staticmethod
    def of(instance: Instance, replications: int) -> "Laboratory":
        """Make both twins."""
        return Laboratory(Twin(instance, seed=1), Twin(instance, seed=2), Judge.of(instance), replications)

    def essences(self, twin: Twin, configuration: Configuration) -> list[Essence]:
        """Simulate a configuration in every replication, on two threads."""
        with ThreadPoolExecutor(2) as pool:
            return list(pool.map(lambda number: self._essence(twin, configuration, number), range(self.replications)))

    def _essence(self, twin: Twin, configuration: Configuration, replication: int) -> Essence:
        return self.judge.essence(twin.whole_account(configuration, replication))

    def ratios(self, changed: Configuration, today: Sequence[Essence]) -> np.ndarray:
        """Return the variance of the difference in each objective, common numbers over independent ones."""
        before = self.judge.judge(today, today).values
        variances = [
            np.var(self.judge.judge(self.essences(twin, changed), today).values - before, axis=0, ddof=1)
            for twin in (self.common, self.other)
        ]
        return variances[0] / variances[1]


def most_loaded(instance: Instance, account: Account) -> str:
    """Return the resource that is busiest for its units, of those that have units."""
    names = [row.resource for row in instance.resources]
    expressions = [f"{what}[resource={name}]" for name in names for what in ("busy", "capacity")]
    reader = TermReader.of(Catalogue.of(instance), expressions)
    vector = reader.vector(account)
    busy, capacity = reader.values(vector, vector).reshape(-1, 2).T
    return names[int(np.argmax(np.where(capacity > 0.0, busy / np.maximum(capacity, 1e-9), 0.0)))]


def enlarged(instance: Instance, configuration: Configuration, resource: str, part: float) -> Configuration:
    """Return the configuration with so much more of a resource, rounded where the remainders are greatest."""
    rows = [number for number, row in enumerate(instance.capacities) if row.resource == resource]
    exact = part * np.array([configuration.capacities[number] for number in rows], dtype=float)
    more = np.floor(exact).astype(int)
    missing = max(1, round(float(exact.sum()))) - int(more.sum())
    more[np.argsort(more - exact, kind="stable")[:missing]] += 1
    capacities = list(configuration.capacities)
    for number, units in zip(rows, more.tolist(), strict=True):
        capacities[number] += units
    return replace(configuration, capacities=tuple(capacities))


def moved(instance: Instance, configuration: Configuration, points: float) -> tuple[Configuration, str]:
    """Move so much of a share, in every territory, from the main pathway of a profile to another that is offered."""
    cells = offer_cells(instance)
    profile, source, target = next(
        (one.profile, one.pathway, other.pathway)
        for one in cells
        for other in cells
        if (one.zone, one.profile) == (other.zone, other.profile)
        and one.current - points >= one.minimum - 1e-9
        and other.current + points <= other.maximum + 1e-9
        and one.pathway != other.pathway
    )
    change = {source: -points, target: points}
    can = {
        zone
        for zone in {cell.zone for cell in cells}
        if all(
            cell.minimum - 1e-9 <= share + change[cell.pathway] <= cell.maximum + 1e-9
            for cell, share in zip(cells, configuration.shares, strict=True)
            if (cell.zone, cell.profile) == (zone, profile) and cell.pathway in change
        )
    }
    shares = tuple(
        share + change.get(cell.pathway, 0.0) if cell.profile == profile and cell.zone in can else share
        for cell, share in zip(cells, configuration.shares, strict=True)
    )
    return replace(configuration, shares=shares), f"{profile} from {source} to {target}"


def measure(instance: Instance, replications: int, report: Callable[[str], None]) -> list[Finding]:
    """Measure both changes."""
    laboratory = Laboratory.of(instance, replications)
    configuration = todays_configuration(instance)
    today = laboratory.essences(laboratory.common, configuration)
    resource = most_loaded(instance, laboratory.common.whole_account(configuration, 0))
    other_mix, words = moved(instance, configuration, 0.1)
    changes = {
        f"5 % more {resource} (the most loaded resource)": enlarged(instance, configuration, resource, 0.05),
        f"10 points of {words}": other_mix,
    }
    findings = []
    for name, changed in changes.items():
        ratios = laboratory.ratios(changed, today)
        for objective, ratio in zip(instance.objectives, ratios.tolist(), strict=True):
            findings.append(Finding(f"{name}: variance of {objective.objective}", ratio, "times", at_most=_MOST))
            report(findings[-1].row)
    return findings


def main() -> None:
    """Measure on the Loire; with --quick on the tiny instance, printed only."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.common_random_numbers", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="the tiny instance, to see that all works")
    parser.add_argument("--replications", type=int, default=60, help="replications (default: 60)")
    options = parser.parse_args()
    instance = load_instance("tiny" if options.quick else "loire")
    replications = 3 if options.quick else options.replications
    findings = measure(instance, replications, print)
    error = 100.0 * (4.0 / (replications - 1)) ** 0.5  # of the logarithm of a ratio of two variances
    notes = (
        f"Loire, {replications} replications; variance of each objective's difference from today, common numbers over",
        f"independent ones. Such a ratio is itself known to about {error:.0f} %.",
    )
    text = section(_TITLE, notes, findings)
    print(text)
    if not options.quick:
        write(_TITLE, text)


if __name__ == "__main__":
    main()
