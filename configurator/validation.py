"""Whether an instance can be used: its faults, whether its rules leave a plan, how near the fluid model comes."""

from dataclasses import asdict, dataclass, replace

from configurator.asking import Choice
from instances.catalogue import read_source
from instances.faults import Fault, InvalidInstance
from instances.instance import Instance

VALIDATED_DRAWS = 20


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

    @property
    def has_plan(self) -> bool:
        """Whether some plan keeps every rule."""
        return self.frugal_spending is not None

    def document(self) -> dict[str, object]:
        """Return everything as one JSON-able object."""
        return {**asdict(self), "has_plan": self.has_plan}


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


def validate(choice: Choice, draws: int = VALIDATED_DRAWS) -> Validation:
    """Return every fault of an instance: its own, and those that appear under one of its scenarios.

    draws: of uncertain parameters to try as well; without fault so far, those that are impossible are listed. Without
    any, what the rules leave is worked out.
    """
    try:
        source = read_source(choice.instance)
        instance = source.instance(choice.scenario, choice.overrides)
        faults = source.scenario_faults()
    except InvalidInstance as error:
        return Validation(choice.instance, error.faults)
    impossible = () if faults else _impossible_draws(choice, draws)
    usable = not faults and not impossible and instance.rules
    return Validation(choice.instance, faults, impossible, checked_rules(instance) if usable else None)


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


def checked_rules(instance: Instance) -> RuleCheck:
    """Hold today's plan and the most frugal one against the rules."""
    from optimisation.feasibility.checker import binding, violations
    from optimisation.feasibility.planning import Planning
    from optimisation.feasibility.repair import TIGHT_GAP, Repairer
    from optimisation.plan import Infeasible
    from optimisation.starting_points import spending, spending_terms
    from simulation.configuration import todays_configuration

    planning, today = Planning(instance), todays_configuration(instance)
    found = Repairer(planning, TIGHT_GAP).least(spending_terms(planning, today.contract), today.contract)
    broken = tuple(str(finding) for finding in violations(planning, today))
    spent = spending(planning, today)
    if isinstance(found, Infeasible):
        return RuleCheck(broken, spent, None, (), found.lines)
    frugal, least = found
    return RuleCheck(broken, spent, least, tuple(str(finding) for finding in binding(planning, frugal)), ())
