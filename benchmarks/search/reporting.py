"""What a method tells while it searches, and the few moments at which it is looked at."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from benchmarks.search.problem import Problem
from instances.tables import Objective
from optimisation.members import Member, representatives


@dataclass(frozen=True)
class Report:
    """Where a search stands."""

    spent: float
    """Replications of whole plans so far, those of today's offer that the judge needs included."""
    front: tuple[Member, ...]
    """The plans it would hand out now: non-dominated and sound by its own estimates."""
    proposed: int
    """Proposals made so far."""
    evaluated: int
    """Plans simulated so far."""


class Method(Protocol):
    """One way to search."""

    def reports(self, problem: Problem, seed: int, budget: int) -> Iterator[Report]:
        """Search within a budget of replications of whole plans, and report now and then, last at the end."""


@dataclass(frozen=True)
class Checkpoint:
    """The last report before a part of the budget was spent."""

    share: float
    """Part of the budget."""
    report: Report


def handed_out(report: Report, objectives: Sequence[Objective], most: int | None) -> Report:
    """Return a report whose front is at most so many plans, which stand for all of it by its own estimates."""
    if most is None:
        return report
    return replace(report, front=representatives(report.front, objectives, most))


def at_checkpoints(reports: Iterable[Report], budget: int, shares: Sequence[float]) -> list[Checkpoint]:
    """Return the last report within each part of the budget; none where nothing was reported in time.

    shares: rising.
    """
    latest: dict[float, Report] = {}
    for report in reports:
        latest |= {share: report for share in shares if report.spent <= share * budget}
    return [Checkpoint(share, latest[share]) for share in shares if share in latest]
