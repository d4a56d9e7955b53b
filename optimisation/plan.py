"""What repair answers: a plan, or why there is none."""

from dataclasses import dataclass

from instances.faults import ConfiguratorError
from optimisation.feasibility.amounts import enough
from optimisation.feasibility.checker import Finding
from simulation.configuration import Configuration


@dataclass(frozen=True)
class Plan:
    """A configuration that keeps every rule."""

    configuration: Configuration
    key: str
    """Hash of the configuration's content."""
    changed: tuple[str, ...] = ()
    """Rules the proposal broke, for which it was changed; empty: it was a plan already."""
    gap: float = 0.0
    """How much nearer to the proposal the nearest plan may be, relative to this one's own distance."""


@dataclass(frozen=True)
class Relaxation:
    """By how much a rule would have to give way at one place for a plan to exist."""

    rule: str
    place: str
    amount: float
    unit: str

    def __str__(self) -> str:
        return f"{_at(self.rule, self.place)} by {enough(self.amount)} {self.unit}"


@dataclass(frozen=True)
class Explanation:
    """Why no plan exists under a contract, and what would have to give way for one to exist."""

    contract: str
    relaxations: tuple[Relaxation, ...] = ()
    """The smallest that make a plan exist: fewest rules, then least amounts; none when a plan exists."""
    conflicts: tuple[tuple[tuple[str, str], ...], ...] = ()
    """Rules, each at a place, that cannot be kept together, while without any one of them the others can; a conflict
    for each rule, at each place, that has to give way."""
    instead: tuple[tuple[Relaxation, ...], ...] = ()
    """The least amounts where another rule of a conflict gives way, for each that makes a plan exist so."""
    is_proven: bool = True
    """Whether the solver proved that nothing smaller does, and that no rule of a conflict can be left out."""

    @property
    def conflict(self) -> tuple[tuple[str, str], ...]:
        """The rules of all conflicts, each at a place."""
        return tuple(dict.fromkeys(one for conflict in self.conflicts for one in conflict))

    @property
    def is_beyond_rules(self) -> bool:
        """Whether no relaxation helps: ranges, steps and mixes that sum to one leave nothing by themselves."""
        return not self.relaxations and not self.conflict and not self.is_proven

    @property
    def lines(self) -> tuple[str, ...]:
        """Say it, a fact a line."""
        found = []
        for conflict in self.conflicts:
            cannot = "cannot be kept together: " if len(conflict) > 1 else "cannot be kept: "
            found.append(cannot + "; ".join(_at(*one) for one in conflict))
        if self.relaxations:
            found.append("smallest relaxation: " + "; ".join(map(str, self.relaxations)))
        found += ["or instead: " + "; ".join(map(str, one)) for one in self.instead]
        if self.is_beyond_rules:
            found.append("ranges, steps and mixes that sum to one leave no plan, whatever the rules")
        elif not self.is_proven:
            found.append("(the solver stopped early: a smaller relaxation or conflict may exist)")
        return tuple(found)


@dataclass(frozen=True)
class Infeasible:
    """No plan keeps every rule."""

    broken: tuple[Finding, ...]
    """What the proposal itself breaks."""
    explanation: Explanation | None = None
    """Why there is none; None when the solver found neither a plan nor a proof that there is none."""
    reason: str = ""
    """How the solver ended then."""
    others: tuple[Explanation, ...] = ()
    """Why there is none under the other contracts that may be chosen, where it is not for the same reasons."""

    @property
    def relaxations(self) -> tuple[Relaxation, ...]:
        """The smallest relaxations that would make a plan exist."""
        return () if self.explanation is None else self.explanation.relaxations

    @property
    def lines(self) -> tuple[str, ...]:
        """Say why, a fact a line."""
        said = () if self.explanation is None else self.explanation.lines
        said += tuple(f"under contract {other.contract}: {line}" for other in self.others for line in other.lines)
        return said or (*((f"the solver {self.reason}",) if self.reason else ()), *map(str, self.broken))


class NoPlan(ConfiguratorError):  # noqa: N818 (named for what it says)
    """Raised where a plan is needed and none exists."""

    def __init__(self, infeasible: Infeasible) -> None:
        self.infeasible = infeasible
        super().__init__("no plan keeps every rule" + "".join(f"\n  {line}" for line in infeasible.lines))


def _at(rule: str, place: str) -> str:
    return f"{rule} in {place}" if place else rule
