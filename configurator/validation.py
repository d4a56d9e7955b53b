"""Whether an instance can be used: its faults, whether its rules leave a plan, how near the fluid model comes."""

from dataclasses import dataclass, replace
from math import isnan
from typing import TYPE_CHECKING

from configurator.asking import Choice
from configurator.progress import Progress, compiling_first
from configurator.tables import Table, table
from instances.catalogue import read_source
from instances.faults import Fault, InvalidInstance
from instances.instance import Instance
from instances.source import InstanceSource

if TYPE_CHECKING:  # brings the twin and the solver, which listing faults does without
    from optimisation.feasibility.planning import Planning
    from simulation.fluid import PoolGap

VALIDATED_DRAWS = 20
GAP_REPLICATIONS = 3
"""Of today's offer, at the central values of parameters, beside the fluid model."""


@dataclass(frozen=True)
class RuleCheck:
    """What the rules leave: today's plan and the most frugal one held against them, in the fluid model.

    broken_today: the rules today's offer breaks; spending and frugal_spending: all payments and costs a year, of
    today's offer and of the plan that spends least (None: there is no plan); frugal_binding: the rules that keep it
    from spending less; explanation: why there is no plan, if there is none.
    """

    broken_today: tuple[str, ...]
    spending: float
    frugal_spending: float | None
    frugal_binding: tuple[str, ...]
    explanation: tuple[str, ...]
    gaps: "tuple[PoolGap, ...]" = ()
    """How far the fluid model is from the twin today, by resource and basin."""

    @property
    def has_plan(self) -> bool:
        """Whether some plan keeps every rule."""
        return self.frugal_spending is not None

    def document(self) -> dict[str, object]:
        """Return everything as one JSON-able object."""
        return {
            "has_plan": self.has_plan,
            "broken_today": list(self.broken_today),
            "spending": self.spending,
            "frugal_spending": self.frugal_spending,
            "frugal_binding": list(self.frugal_binding),
            "explanation": list(self.explanation),
            "gaps": self.gap_table().records(),
        }

    def gap_table(self) -> Table:
        """Return the gaps, a row a resource and basin; average units in use over the run."""
        columns = ("resource", "zone", "load", "waiting", "capacity", "fluid", "twin", "gap_percent")
        rows = [
            (one.resource, one.zone, one.load, one.waiting, one.capacity, one.served, one.used, _percent(one.gap))
            for one in self.gaps
        ]
        return table("fluid_gap", columns, rows)


@dataclass(frozen=True)
class Validation:
    """Whether an instance can be used, and if not everything that is wrong with it."""

    instance: str
    faults: tuple[Fault, ...]
    impossible_draws: tuple[str, ...] = ()
    """Draws of uncertain parameters that break a check, a sentence each."""
    rules: RuleCheck | None = None
    """None where there are faults, or no rules."""

    @property
    def is_valid(self) -> bool:
        """Say whether there is no fault."""
        return not self.faults and not self.impossible_draws

    @property
    def has_plan(self) -> bool:
        """Whether the rules, if there are any, leave a plan."""
        return self.rules is None or self.rules.has_plan


def validate(choice: Choice, draws: int = VALIDATED_DRAWS, progress: Progress | None = None) -> Validation:
    """Return every fault of an instance: its own, and those that appear under one of its scenarios.

    draws: of uncertain parameters to try as well; without fault so far, those that are impossible are listed. Without
    any, what the rules leave is worked out; `progress` hears when the twin has to be compiled for that.
    """
    try:
        source = read_source(choice.instance)
        instance = source.instance(choice.scenario, choice.overrides)
        faults = (*source.scenario_faults(), *_expression_faults(source, instance))
    except InvalidInstance as error:
        return Validation(choice.instance, error.faults)
    impossible = () if faults else _impossible_draws(choice, draws)
    if faults or impossible or not instance.rules:
        return Validation(choice.instance, faults, impossible)
    from optimisation.feasibility.planning import Planning

    first = compiling_first("compiled")
    if first and progress is not None:
        progress.message(f"weighing the rules of {instance.name}{first}")
    planning = Planning(instance)
    rules = replace(checked_rules(planning), gaps=fluid_gaps(planning))
    return Validation(choice.instance, faults, impossible, rules)


def _expression_faults(source: InstanceSource, instance: Instance) -> tuple[Fault, ...]:
    from simulation.expression_faults import expression_faults

    return expression_faults(source, instance)


def _impossible_draws(choice: Choice, draws: int) -> tuple[str, ...]:
    """Return what is wrong with the first draws of the instance's own seed, a sentence each."""
    if draws <= 0:
        return ()
    from simulation.knowledge import ImpossibleDraw

    knowledge = replace(choice, chance_only=False).knowledge()
    seed = knowledge.central.settings.search.seed
    found: list[str] = []
    for replication in range(1, draws + 1 if knowledge.uncertain else 1):
        try:
            knowledge.instance(seed, replication)
        except ImpossibleDraw as error:
            found += str(error).splitlines()
    return tuple(found)


def fluid_gaps(planning: "Planning") -> "tuple[PoolGap, ...]":
    """Simulate today's offer at the central values of parameters, and compare what is in use with the fluid model."""
    from simulation.configuration import todays_configuration
    from simulation.fluid import fluid_gap
    from simulation.twin import Twin

    instance, today = planning.instance, todays_configuration(planning.instance)
    twin = Twin(instance, seed=instance.settings.search.seed)
    accounts = [twin.whole_account(today, replication) for replication in range(GAP_REPLICATIONS)]
    return fluid_gap(instance, accounts, planning.flows)


def checked_rules(planning: "Planning") -> RuleCheck:
    """Hold today's plan and the most frugal one against the rules."""
    from optimisation.feasibility.checker import binding, violations
    from optimisation.feasibility.repair import TIGHT_GAP, Repairer
    from optimisation.plan import Infeasible
    from optimisation.starting_points import spending, spending_terms
    from simulation.configuration import todays_configuration

    today = todays_configuration(planning.instance)
    found = Repairer(planning, TIGHT_GAP).least(spending_terms(planning, today.contract), today.contract)
    broken = tuple(str(finding) for finding in violations(planning, today))
    spent = spending(planning, today)
    if isinstance(found, Infeasible):
        return RuleCheck(broken, spent, None, (), found.lines)
    frugal, least = found
    return RuleCheck(broken, spent, least, tuple(str(finding) for finding in binding(planning, frugal)), ())


def _percent(gap: float) -> float | None:
    return None if isnan(gap) else 100.0 * gap
