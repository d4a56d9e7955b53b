"""Whether an instance can be used: its faults, whether its rules leave a plan, how near the fluid model comes."""

from collections.abc import Sequence
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
    from optimisation.feasibility.room import Room
    from simulation.configuration import Configuration
    from simulation.fluid import PoolGap
    from simulation.ledgers.account import Account

VALIDATED_DRAWS = 20
GAP_REPLICATIONS = 5
"""Of today's offer and of the most frugal plan, at the central values of parameters, beside the fluid model."""


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
    frugal: "Configuration | None" = None
    """The plan that spends least."""
    frugal_gaps: "tuple[PoolGap, ...]" = ()
    """The same under that plan."""
    rooms: "tuple[Room, ...]" = ()
    """The least part of each budget that any plan uses."""
    chooses_contract: bool = False
    """Whether plans may have another contract than today's."""

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
            "frugal_contract": None if self.frugal is None else self.frugal.contract,
            "explanation": list(self.explanation),
            "budgets": room_table(self.rooms).records(),
            "gaps": gap_table(self.gaps).records(),
            "frugal_gaps": gap_table(self.frugal_gaps).records(),
        }


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
    return Validation(choice.instance, faults, impossible, with_gaps(planning, checked_rules(planning)))


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


def with_gaps(planning: "Planning", check: RuleCheck) -> RuleCheck:
    """Return a check with the gaps between fluid model and twin, today and under the most frugal plan.

    Both are simulated at the central values of parameters, `GAP_REPLICATIONS` times.
    """
    from simulation.configuration import todays_configuration
    from simulation.fluid import FluidModel, fluid_gap
    from simulation.twin import Twin

    instance = planning.instance
    twin = Twin(instance, seed=instance.settings.search.seed)

    def accounts(configuration: "Configuration") -> "list[Account]":
        return [twin.whole_account(configuration, replication) for replication in range(GAP_REPLICATIONS)]

    gaps = fluid_gap(instance, accounts(todays_configuration(instance)), planning.flows)
    if check.frugal is None:
        return replace(check, gaps=gaps)
    flows = FluidModel(instance).flows(check.frugal)
    return replace(check, gaps=gaps, frugal_gaps=fluid_gap(instance, accounts(check.frugal), flows))


def checked_rules(planning: "Planning") -> RuleCheck:
    """Hold today's plan and the most frugal one against the rules."""
    from optimisation.feasibility.checker import binding, violations
    from optimisation.feasibility.repair import TIGHT_GAP, Repairer
    from optimisation.feasibility.room import rooms
    from optimisation.plan import Infeasible
    from optimisation.starting_points import spending, spending_terms
    from simulation.configuration import todays_configuration

    today = todays_configuration(planning.instance)
    found = Repairer(planning, TIGHT_GAP).most_frugal(lambda contract: spending_terms(planning, contract))
    broken = tuple(str(finding) for finding in violations(planning, today))
    spent = spending(planning, today)
    if isinstance(found, Infeasible):
        return RuleCheck(broken, spent, None, (), found.lines)
    frugal, least = found
    held = tuple(str(finding) for finding in binding(planning, frugal))
    chooses = len(planning.encoding.contracts) > 1
    return RuleCheck(broken, spent, least, held, (), frugal=frugal, rooms=rooms(planning), chooses_contract=chooses)


def gap_table(gaps: "Sequence[PoolGap]") -> Table:
    """Return gaps, a row a resource and basin; average units over the run."""
    columns = ("resource", "zone", "load", "waiting", "capacity", "fluid", "twin", "twin_error", "gap_percent")
    rows = [
        (
            *(one.resource, one.zone, one.load, one.waiting, one.capacity),
            *(one.served, one.used, one.error, _percent(one.gap)),
        )
        for one in gaps
    ]
    return table("fluid_gap", columns, rows)


def room_table(rooms: "Sequence[Room]") -> Table:
    """Return the least use of budgets, a row a budget and place; parts in percent of the bound."""
    columns = ("budget", "place", "bound", "unit", "least_percent", "by_ranges_percent", "held_by", "contract")
    rows = [
        (
            *(one.rule, one.place, one.bound, one.unit),
            *(100.0 * one.least, 100.0 * one.least_by_ranges, ", ".join(one.held_by), one.contract),
        )
        for one in rooms
    ]
    return table("budget_room", columns, rows)


def _percent(gap: float) -> float | None:
    return None if isnan(gap) else 100.0 * gap
