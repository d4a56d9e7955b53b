"""A laboratory that makes its figures up at once, deterministically, for tests of what stands around it."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from configurator.laboratory import Baseline, Effort, Experiment, ObservationCheck, Precision, Simulated
from configurator.progress import Progress
from configurator.results import EvaluatedPlan, Interval, SearchState
from configurator.runs.past import Past
from configurator.tables import Table, table
from instances.instance import Instance
from simulation.configuration import Configuration, todays_configuration
from simulation.knowledge import Knowledge
from simulation.twin import Origin

INDICATOR_COLUMNS = (
    "indicator", "zone", "profile", "pathway", "step", "resource", "provider", "payer",
    "unit", "mean", "standard_error", "low", "high", "replications",
)  # fmt: skip


def indicators(mean: float) -> Table:
    row = ("deaths", "", "frail", "", "", "", "", "", "persons", mean, 0.5, mean - 1, mean + 1, 4)
    return table("indicators", INDICATOR_COLUMNS, [row])


def with_capacity(instance: Instance, row: int, units: int) -> Configuration:
    today = todays_configuration(instance)
    capacities = list(today.capacities)
    capacities[row] = units
    return replace(today, capacities=tuple(capacities))


def evaluated(configuration: Configuration, *means: float) -> EvaluatedPlan:
    objectives = tuple(Interval(mean, mean - 0.5, mean + 0.5) for mean in means)
    return EvaluatedPlan(configuration, objectives, 0.9, 4, ("support_coverage",), "front")


@dataclass
class FakeExperiment:
    instance: Instance
    effort: Effort
    interrupted_after: int | None = None

    def states(self) -> Iterator[SearchState]:
        today = evaluated(todays_configuration(self.instance), 60.0, 0.0, 0.01)
        plans = [
            evaluated(with_capacity(self.instance, 1, 30), 62.0, 3.0, 0.02),
            evaluated(with_capacity(self.instance, 2, 18), 64.0, 2.0, -0.03),
            evaluated(with_capacity(self.instance, 0, 10), 61.0, 5.0, 0.005),
        ]
        for generation in range(1, self.effort.generations + 1):
            if self.interrupted_after is not None and generation > self.interrupted_after:
                raise KeyboardInterrupt
            front = tuple(plans[: max(1, generation)])
            yield SearchState(
                generation=generation,
                generations=self.effort.generations,
                evaluations=10 * generation,
                replications=40 * generation,
                hypervolume=0.1 * generation,
                front=front,
                today=today,
                archive=(today, *plans),
                failures=("P?: division by zero",),
            )

    def baseline(self, plans: int) -> Baseline:
        return Baseline(plans, 0.05, plans)

    def replications(self) -> int:
        return 40 * self.effort.generations

    def indicators(self, plan: EvaluatedPlan) -> Table | None:
        return indicators(plan.objectives[0].mean)

    def close(self) -> None:
        pass


@dataclass
class FakeLaboratory:
    interrupted_after: int | None = None
    asked: list[Effort] = field(default_factory=list)
    tried: list[Configuration] = field(default_factory=list)

    def simulate(
        self,
        knowledge: Knowledge,
        configuration: Configuration,
        effort: Effort,
        origin: Origin | None = None,
        precision: Precision | None = None,
    ) -> Simulated:
        self.asked.append(effort)
        self.tried.append(configuration)
        checks = (
            ObservationCheck("bed_occupancy", "occupancy", "percent", "fit", 89, 80, 98, Interval(91.0, 90.0, 92.0)),
            ObservationCheck("deaths", "deaths", "per 100", "check", 8.5, 6, 11, Interval(12.0, 11.0, 13.0)),
            ObservationCheck("unknown", "", "", "check", 1, 0, 2, None),
        )
        objectives = (Interval(70.0, 69.0, 71.0), Interval(0.0, 0.0, 0.0), Interval(0.01, 0.0, 0.02))
        return Simulated(indicators(9.0), objectives, checks, replications=effort.replications)

    def story(
        self,
        knowledge: Knowledge,
        configuration: Configuration,
        effort: Effort,
        origin: Origin | None,
        patient: str,
        replication: int,
    ) -> str:
        return f"Patient {patient}, replication {replication}"

    def save(
        self,
        knowledge: Knowledge,
        configuration: Configuration,
        effort: Effort,
        origin: Origin | None,
        path: Path,
        time: float,
    ) -> None:
        path.write_text(f"states at {time}")

    def events(
        self, knowledge: Knowledge, configuration: Configuration, effort: Effort, origin: Origin | None = None
    ) -> Iterator[str]:
        yield "time,replication,patient\n"
        yield "0.5,0,1\n"

    def experiment(
        self, knowledge: Knowledge, effort: Effort, progress: Progress, past: Past | None = None
    ) -> Experiment:
        self.asked.append(effort)
        return FakeExperiment(knowledge.central, effort, self.interrupted_after)
