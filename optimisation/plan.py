"""What repair answers: a plan, or why there is none."""

from dataclasses import dataclass

from instances.faults import ConfiguratorError
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


@dataclass(frozen=True)
class Relaxation:
    """By how much a rule would have to give way at one place for a plan to exist."""

    rule: str
    place: str
    amount: float
    unit: str

    def __str__(self) -> str:
        where = f" in {self.place}" if self.place else ""
        return f"{self.rule}{where}: {self.amount:,.6g} {self.unit}"


@dataclass(frozen=True)
class Infeasible:
    """No plan keeps every rule."""

    broken: tuple[Finding, ...]
    """What the proposal itself breaks."""
    relaxations: tuple[Relaxation, ...] = ()
    """The smallest relaxations that would make a plan exist."""
    reason: str = ""
    """How the solver ended, when it found neither a plan nor a proof that there is none."""


class NoPlan(ConfiguratorError):  # noqa: N818 (named for what it says)
    """Raised where a plan is needed and none exists."""

    def __init__(self, infeasible: Infeasible) -> None:
        self.infeasible = infeasible
        lines = [str(item) for item in infeasible.relaxations or infeasible.broken]
        super().__init__("no plan keeps every rule" + "".join(f"\n  {line}" for line in lines))
