"""One function a rule kind: (planning, rule, contract) -> inequalities."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from types import MappingProxyType

from instances.tables import Rule
from optimisation.feasibility.inequality import Inequality
from optimisation.feasibility.planning import Planning
from optimisation.feasibility.rules.authorised import authorised
from optimisation.feasibility.rules.budget import budget
from optimisation.feasibility.rules.coverage import coverage
from optimisation.feasibility.rules.equity import equity
from optimisation.feasibility.rules.occupancy import occupancy
from optimisation.feasibility.rules.opening import opening
from optimisation.feasibility.rules.requires import requires
from optimisation.feasibility.rules.share import share
from optimisation.feasibility.rules.sharing import sharing
from optimisation.feasibility.rules.staffing import staffing
from optimisation.feasibility.rules.workforce import workforce

RuleKind = Callable[[Planning, Rule, str], Iterable[Inequality]]

RULE_KINDS: Mapping[str, RuleKind] = MappingProxyType(
    {
        "budget": budget,
        "authorised": authorised,
        "opening": opening,
        "staffing": staffing,
        "workforce": workforce,
        "requires": requires,
        "coverage": coverage,
        "occupancy": occupancy,
        "equity": equity,
        "share": share,
        "sharing": sharing,
    }
)


def inequalities(planning: Planning, contract: str) -> Iterator[Inequality]:
    """Yield what every rule of the instance asks for, in table order."""
    for rule in planning.instance.rules:
        yield from RULE_KINDS[rule.kind](planning, rule, contract)


__all__ = ["RULE_KINDS", "inequalities"]
