"""Where plans are tried, as the verbs see it: what they ask of the rooms below, and nothing of how it is done."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol

from configurator.progress import Progress
from configurator.results import EvaluatedPlan, Interval, SearchState
from configurator.tables import Table
from instances.faults import ConfiguratorError
from simulation.configuration import Configuration

if TYPE_CHECKING:  # the twin brings numba
    from configurator.runs.past import Past
    from simulation.knowledge import Knowledge
    from simulation.precision import Goal, Standing
    from simulation.twin import Origin

Engine = Literal["compiled", "simpy"]
ENGINES: tuple[Engine, ...] = ("compiled", "simpy")


class NoFeasiblePlan(ConfiguratorError):  # noqa: N818 (named for what it says)
    """The rules leave no plan; the message names the smallest conflicting set."""


class SimulationFailed(ConfiguratorError):  # noqa: N818 (named for what it says)
    """The twin could not simulate what everything else is compared with."""


@dataclass(frozen=True)
class Effort:
    """How much is simulated and searched, with what; workers 0: one per core."""

    seed: int
    replications: int
    final_replications: int
    final_plans: int
    """Plans of a front that are confirmed, audited and shown at most."""
    generations: int
    population: int
    workers: int
    engine: Engine
    most_replications: int = 0
    """Of plans whose dominance is in doubt; none get more than the others when it is not greater."""
    budget: int = 0
    """Replications in all, never exceeded; 0: no limit."""
    seconds: float = 0.0
    """Time after which the search ends with its generation; 0: no limit."""
    patience: int = 0
    """Generations whose gain in hypervolume ends the search when it is within noise; 0: never."""
    random_plans: int = 100
    todays_replications: int = 0
    """Of today's offer in the search: they tell what its firms earn and how much that varies; ten at least."""


@dataclass(frozen=True)
class Precision:
    """Replicate until the interval of each goal is narrow enough, with so many replications at most."""

    goals: "tuple[Goal, ...]"
    most: int


@dataclass(frozen=True)
class ObservationCheck:
    """An observation against the simulated value; `in_range`: the simulated mean lies in the observed range."""

    observation: str
    description: str
    unit: str
    role: str
    value: float
    low: float
    high: float
    simulated: Interval | None

    @property
    def in_range(self) -> bool:
        """Say whether the simulated mean lies in the observed range; never when nothing could be computed."""
        return self.simulated is not None and self.low <= self.simulated.mean <= self.high


@dataclass(frozen=True)
class Simulated:
    """What simulating one configuration gave; `indicators` has the columns of indicators.csv.

    flags: why the configuration may not stand on a front (harmful, unstable, a budget overrun); replications: done;
    precision: where each goal stands; providers: the accounts of providers.csv; worst_off: who stands worst;
    drawn_parameters: how many parameters replications drew (all but replication 0); audited_events: event records of
    one replication in which the engine that people read agreed with the fast one (0: not audited).
    """

    indicators: Table
    objectives: tuple[Interval, ...]
    observations: tuple[ObservationCheck, ...]
    flags: tuple[str, ...] = ()
    replications: int = 0
    precision: "tuple[Standing, ...]" = ()
    providers: Table | None = None
    worst_off: Table | None = None
    drawn_parameters: int = 0
    audited_events: int = 0


@dataclass(frozen=True)
class Baseline:
    """Random repaired plans evaluated as the search evaluates its own, and the hypervolume of their front.

    sound: how many of them may stand on a front, the others being flagged.
    """

    plans: int
    hypervolume: float
    sound: int


class Experiment(Protocol):
    """A search on one instance; what it has simulated is remembered while it lives."""

    def states(self) -> Iterator[SearchState]:
        """Yield where the search stands after each generation, then once more with the front confirmed.

        Raises NoFeasiblePlan before the first state when the rules leave no plan.
        """

    def baseline(self, plans: int) -> Baseline | None:
        """Evaluate random repaired plans, as many as the budget allows; None where it allows none."""

    def replications(self) -> int:
        """Return the replications simulated so far, in all sessions of the run."""

    def indicators(self, plan: EvaluatedPlan) -> Table | None:
        """Return a plan's indicators, or None when they were not kept."""

    def close(self) -> None:
        """Give threads or processes back."""


class Laboratory(Protocol):
    """Simulates configurations and searches for better ones; runs start from `origin`, or from a warm-up.

    knowledge: the instance, with the parameters that each replication carries.
    """

    def simulate(
        self,
        knowledge: "Knowledge",
        configuration: Configuration,
        effort: Effort,
        origin: "Origin | None" = None,
        precision: Precision | None = None,
    ) -> Simulated:
        """Simulate one configuration."""

    def events(
        self, knowledge: "Knowledge", configuration: Configuration, effort: Effort, origin: "Origin | None" = None
    ) -> Iterator[str]:
        """Yield events.csv in pieces of text, its header first."""

    def story(
        self,
        knowledge: "Knowledge",
        configuration: Configuration,
        effort: Effort,
        origin: "Origin | None",
        patient: str,
        replication: int,
    ) -> str:
        """Return what happened to one patient, in words."""

    def save(
        self,
        knowledge: "Knowledge",
        configuration: Configuration,
        effort: Effort,
        origin: "Origin | None",
        path: Path,
        time: float,
    ) -> None:
        """Save the states of all replications at a time to one file."""

    def experiment(
        self, knowledge: "Knowledge", effort: Effort, progress: Progress, past: "Past | None" = None
    ) -> Experiment:
        """Open a search, or go on with one; `progress` hears what it is doing."""
