"""What keyed common random numbers buy on the Loire: `python -m benchmarks.common_random_numbers`.

Two changes of today's offer are each simulated many times, once with the numbers of today's runs and once with
numbers of their own. For each objective: variance of the difference, common over independent. Today is in both
cases the reference of the objectives that compare with it. Parameters stay at their central values: a draw of them is
the same for every plan, and would only flatter the pairing.

Objectives are read as a search reads them from one replication: solvency is the least over providers of the margin
rate less today's standard deviation of it. Beside it stand the bare margin rate of the worst-off provider, how often a
change makes another provider the worst off (then the difference is one between two providers, which no pairing of
people can make smaller), and the worst of the ratios of single providers' margins.
"""

import argparse
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

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
_RESAMPLES = 2000
_NOTHING = 1e-12  # a variance below which rounding is all that varies

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Measured:
    """What one configuration is worth in each replication."""

    points: Floats  # [replication, objective] as a search reads them
    worst: Floats  # [replication, 1] margin rate of the worst-off provider
    margins: Floats  # [replication, firm]

    @classmethod
    def of(cls, judge: Judge, own: Sequence[Essence], today: Sequence[Essence]) -> "Measured":
        """Judge each replication on its own."""
        judged = [judge.judge([one], [other]) for one, other in zip(own, today, strict=True)]
        margins = np.concatenate([each.margins for each in judged])
        worst = np.nanmin(margins, axis=1, keepdims=True)
        return cls(np.array([each.point for each in judged]), worst, margins)


@dataclass(frozen=True)
class Paired:
    """A change and today in the same replications: with common numbers, and with numbers of its own."""

    before: Measured
    common: Measured
    other: Measured

    def ratios(self, read: Callable[[Measured], Floats]) -> tuple[Floats, Floats, Floats]:
        """Return the variance of the difference of what is read [replication, m], common over independent.

        With the ends of a 95 % interval, from resampled replications; 0 where nothing varies.
        """
        first, second = read(self.common) - read(self.before), read(self.other) - read(self.before)
        count = len(first)
        draws = np.random.Generator(np.random.Philox(0)).integers(0, count, size=(_RESAMPLES, count))
        resampled = _ratio(np.var(first[draws], axis=1, ddof=1), np.var(second[draws], axis=1, ddof=1))
        low, high = np.quantile(resampled, [0.025, 0.975], axis=0)
        return _ratio(np.var(first, axis=0, ddof=1), np.var(second, axis=0, ddof=1)), low, high

    @property
    def changes_of_worst(self) -> float:
        """In which part of the replications the change makes another provider the worst off."""
        return float(np.mean(np.nanargmin(self.before.margins, axis=1) != np.nanargmin(self.common.margins, axis=1)))


def _ratio(one: Floats, other: Floats) -> Floats:
    ratio: Floats = np.divide(one, other, out=np.zeros_like(one), where=other > _NOTHING)
    return ratio


@dataclass(frozen=True)
class Laboratory:
    """The instance under the numbers of today's runs, and under others."""

    common: Twin
    other: Twin
    judge: Judge

    @staticmethod
    def of(instance: Instance) -> "Laboratory":
        """Make both twins."""
        return Laboratory(Twin(instance, seed=1), Twin(instance, seed=2), Judge.of(instance))

    def paired(
        self, today: Configuration, changes: list[Configuration], replications: int, done: Callable[[int], None]
    ) -> list[Paired]:
        """Simulate today and each change, replication by replication: one warm-up of each twin does for all."""
        with ThreadPoolExecutor(2) as pool:
            rows = []
            for row in pool.map(lambda number: self._row(today, changes, number), range(replications)):
                rows.append(row)
                done(len(rows))
        before = [row[0] for row in rows]
        # not steadied: today's margin would be taken off twice, and off the run with other numbers too
        judge = replace(self.judge, steadied_below=0).informed(before)
        judged = Measured.of(judge, before, before)
        return [
            Paired(
                judged,
                Measured.of(judge, [row[1 + 2 * number] for row in rows], before),
                Measured.of(judge, [row[2 + 2 * number] for row in rows], before),
            )
            for number in range(len(changes))
        ]

    def _row(self, today: Configuration, changes: list[Configuration], replication: int) -> list[Essence]:
        runs = [(self.common, today), *((twin, one) for one in changes for twin in (self.common, self.other))]
        return [self.judge.essence(twin.whole_account(one, replication)) for twin, one in runs]


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
    laboratory = Laboratory.of(instance)
    today = todays_configuration(instance)
    resource = most_loaded(instance, laboratory.common.whole_account(today, 0))
    other_mix, words = moved(instance, today, 0.1)
    changes = {
        f"5 % more {resource} (the most loaded resource)": enlarged(instance, today, resource, 0.05),
        f"10 points of {words}": other_mix,
    }

    def done(count: int) -> None:
        if count % 20 == 0:
            report(f"{count} of {replications} replications")

    found = laboratory.paired(today, list(changes.values()), replications, done)
    findings = [
        finding
        for name, paired in zip(changes, found, strict=True)
        for finding in _findings(instance, laboratory.judge, name, paired)
    ]
    for finding in findings:
        report(finding.row)
    return findings


def _findings(instance: Instance, judge: Judge, name: str, paired: Paired) -> list[Finding]:
    ratios = zip(*paired.ratios(lambda measured: measured.points), strict=True)
    findings = [
        Finding(f"{name}: variance of {row.objective} ({low:.2g} to {high:.2g})", ratio, "times", at_most=_MOST)
        for row, (ratio, low, high) in zip(instance.optimised, ratios, strict=True)
    ]
    (bare,), (low,), (high,) = paired.ratios(lambda measured: measured.worst)
    margins = paired.ratios(lambda measured: np.nan_to_num(measured.margins))[0]
    worst = int(np.argmax(margins))
    part = 100.0 * paired.changes_of_worst
    return [
        *findings,
        Finding(f"{name}: of the bare margin rate of the worst-off provider ({low:.2g} to {high:.2g})", bare, "times"),
        Finding(
            f"{name}: of the margin rate of the provider paired worst ({judge.firms[worst]})", margins[worst], "times"
        ),
        Finding(f"{name}: replications in which another provider becomes the worst off", part, "%"),
    ]


def main() -> None:
    """Measure on the Loire; with --quick on the tiny instance, printed only."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.common_random_numbers", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="the tiny instance, to see that all works")
    parser.add_argument("--replications", type=int, default=200, help="replications (default: 200)")
    options = parser.parse_args()
    instance = load_instance("tiny" if options.quick else "loire")
    replications = 3 if options.quick else options.replications
    findings = measure(instance, replications, print)
    notes = (
        f"Loire, {replications} replications, parameters at their central values; variance of each objective's",
        "difference from today, common numbers over independent ones (95 % interval, from resampled replications).",
        "Solvency as a search reads it: the least margin rate less a standard deviation of today's. Where another",
        "provider becomes the worst off, the difference is between two providers: no pairing can make that smaller.",
    )
    text = section(_TITLE, notes, findings)
    print(text)
    if not options.quick:
        write(_TITLE, text)


if __name__ == "__main__":
    main()
