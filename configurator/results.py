"""What a search hands over: plans with their objectives, the front they make, and that front as a table."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from configurator.tables import Cell, Table, table
from simulation.configuration import Configuration

if TYPE_CHECKING:  # they bring the solver and scipy
    from optimisation.feasibility.marginal_values import MarginalValue
    from simulation.targets import Keeping

Direction = Literal["maximise", "minimise"]


@dataclass(frozen=True)
class Interval:
    """A mean with the ends of its 95 % interval.

    chance_low, chance_high: the interval that as many replications would have if all parameters were known (at
    their central values); None when it was not simulated.
    """

    mean: float
    low: float
    high: float
    chance_low: float | None = None
    chance_high: float | None = None


@dataclass(frozen=True)
class ObjectiveScale:
    """An objective as people see it: its name, which way is better, the fixed bounds of its scale.

    unit, meaning: of the indicator it is, empty when it is an expression of several.
    """

    name: str
    direction: Direction
    low: float
    high: float
    unit: str = ""
    meaning: str = ""


@dataclass(frozen=True)
class TargetScale:
    """A target as people see it: the objective, the limit it must keep, and how likely at least."""

    objective: str
    limit: float
    is_ceiling: bool
    probability: float

    def __str__(self) -> str:
        """Return it in words: `unmet at most 0.4 with probability 0.9`."""
        side = "at most" if self.is_ceiling else "at least"
        return f"{self.objective} {side} {self.limit:g} with probability {self.probability:g}"


@dataclass(frozen=True)
class FirmStanding:
    """How a provider stands under a plan: operating margin rate, result over the run, how often it is below 0.

    margin_rate: None for who neither earns nor spends.
    """

    provider: str
    margin_rate: Interval | None
    result: Interval
    deficit: float


@dataclass(frozen=True)
class EvaluatedPlan:
    """A configuration and what its simulation gave, objectives in the instance's order (none: it failed)."""

    configuration: Configuration
    objectives: tuple[Interval, ...]
    probability_non_dominated: float | None
    replications: int
    binding_rules: tuple[str, ...] = ()
    repaired_for: tuple[str, ...] = ()
    """Rules that its proposal broke, for which repair changed it; empty: it was proposed as it is."""
    repair_gap: float = 0.0
    """How much farther from its proposal, at most, it may be than the nearest plan, as a part of its distance."""
    fate: str = ""
    group: int | None = None
    """Plans of one front that cannot be told apart bear the same number; None before fresh replications say."""
    audited_events: int = 0
    """Event records in which the engine that people read agreed with the fast one; 0: not audited."""
    firms: tuple[FirmStanding, ...] = ()
    """How each provider stands, in table order."""
    marginal_values: "tuple[MarginalValue, ...]" = ()
    """What a little more of each bound would buy near the plan, by the relaxation; of confirmed plans only."""
    kept: "tuple[Keeping, ...]" = ()
    """How likely each target is kept, in the order of the instance's targets."""
    spending: float = 0.0
    """What all providers spend over the run, investment included: the mean over replications."""


@dataclass(frozen=True)
class SearchState:
    """Where a search stands after one generation.

    hypervolume: share of the box between the objectives' fixed bounds that the front dominates, on the
    replications of the search. confirmed: the front was simulated again on replications the search never saw;
    confirmed_hypervolume: what the plans that stand then dominate, by the values reported of them, which come from
    replications that had no part in deciding who stands.
    """

    generation: int
    generations: int
    evaluations: int
    replications: int
    hypervolume: float
    front: tuple[EvaluatedPlan, ...]
    today: EvaluatedPlan
    archive: tuple[EvaluatedPlan, ...] = ()
    failures: tuple[str, ...] = ()
    confirmed: bool = False
    confirmed_hypervolume: Interval | None = None
    is_past: bool = False
    """Whether it was reached in an earlier session of the run, and gone through again."""
    record: Mapping[str, object] | None = None
    """What it takes to come back to this generation."""
    ended: str = ""
    """Why the search came to its end."""


@dataclass(frozen=True)
class FrontRow:
    """One plan of a front as people see it: numbered, its changes in words."""

    id: str
    objectives: tuple[Interval, ...]
    probability_non_dominated: float | None
    replications: int
    changes: str
    group: int | None = None
    targets: tuple[Interval, ...] = ()
    """The probability of keeping each target, with its 95 % interval."""


def front_table(name: str, objectives: Sequence[str], rows: Sequence[FrontRow], targets: Sequence[str] = ()) -> Table:
    """Return the table written as front.csv (and today.csv): one row a plan; targets: objectives that have one."""
    columns = ["id"]
    for objective in objectives:
        columns += [f"{objective}{end}" for end in _ENDS]
    for target in targets:
        columns += [f"{TARGET}{target}{end}" for end in _ENDS[:3]]
    columns += ["probability_non_dominated", "group", "replications", "changes"]
    return table(name, columns, [_front_cells(row) for row in rows])


TARGET = "target_"
"""What the names of columns begin with that hold the probability of keeping a target."""


_ENDS = ("", "_low", "_high", "_chance_low", "_chance_high")


def _front_cells(row: FrontRow) -> list[Cell]:
    cells: list[Cell] = [row.id]
    for interval in row.objectives:
        cells += [interval.mean, interval.low, interval.high, interval.chance_low, interval.chance_high]
    for kept in row.targets:
        cells += [kept.mean, kept.low, kept.high]
    return [*cells, row.probability_non_dominated, row.group, row.replications, row.changes]


def front_rows(content: Table, objectives: Sequence[str], targets: Sequence[str] = ()) -> tuple[FrontRow, ...]:
    """Read a front's table back into rows; raises ValueError where it is another table, or none."""
    if "id" not in content.columns:
        raise ValueError("no column id")
    return tuple(_front_row(record, objectives, targets) for record in content.records())


def _front_row(record: dict[str, Cell], objectives: Sequence[str], targets: Sequence[str]) -> FrontRow:
    probability = record["probability_non_dominated"]
    return FrontRow(
        id=str(record["id"]),
        objectives=tuple(_interval(record, objective) for objective in objectives),
        probability_non_dominated=None if probability is None else float(str(probability)),
        replications=int(str(record["replications"])),
        changes=str(record["changes"]),
        group=None if record.get("group") is None else int(str(record["group"])),
        targets=tuple(_interval(record, f"{TARGET}{target}") for target in targets),
    )


def _interval(record: dict[str, Cell], objective: str) -> Interval:
    mean, low, high = (float(str(record[f"{objective}{end}"])) for end in _ENDS[:3])
    # runs of before 2026-11 have no intervals by chance alone
    by_chance = [record.get(f"{objective}{end}") for end in _ENDS[3:]]
    chance_low, chance_high = (None if value is None else float(str(value)) for value in by_chance)
    return Interval(mean, low, high, chance_low, chance_high)


def sorted_front(plans: Sequence[EvaluatedPlan], objectives: Sequence[ObjectiveScale]) -> list[EvaluatedPlan]:
    """Return plans best first objective first; ties by the others, then by content: the order never varies."""

    def key(plan: EvaluatedPlan) -> tuple[object, ...]:
        signs = [-1.0 if objective.direction == "maximise" else 1.0 for objective in objectives]
        values = tuple(sign * value.mean for sign, value in zip(signs, plan.objectives, strict=True))
        return (*values, plan.configuration.shares, plan.configuration.capacities, plan.configuration.contract)

    return sorted(plans, key=key)


def dominates(first: Sequence[Interval], second: Sequence[Interval], objectives: Sequence[ObjectiveScale]) -> bool:
    """Say whether the first's means are nowhere worse and somewhere better than the second's."""
    gains = [
        (a.mean - b.mean) * (1.0 if objective.direction == "maximise" else -1.0)
        for a, b, objective in zip(first, second, objectives, strict=True)
    ]
    return all(gain >= 0 for gain in gains) and any(gain > 0 for gain in gains)
