"""What a plan must keep: one row a rule, see the rule kinds in the feasibility model."""

from typing import Literal

from instances.tables.columns import Code, Row, column

RuleKind = Literal[
    "budget",
    "authorised",
    "opening",
    "staffing",
    "workforce",
    "requires",
    "coverage",
    "occupancy",
    "equity",
    "share",
    "sharing",
]


class Rule(Row):
    """One rule. An empty key means all; `level` applies the rule to each zone of that level."""

    rule: Code = column("code")
    kind: RuleKind = column("kind of rule")
    level: Literal["", "territory", "basin", "region"] = column("one such rule per zone of this level", default="")
    zone: str = column("or this zone only", default="")
    resource: str = column("resource", default="")
    other_resource: str = column(
        "second resource (staffing: the places staffed; requires: what must be there)", default=""
    )
    competence: str = column("competence (workforce)", default="")
    profile: str = column("profile", default="")
    pathway: str = column("pathway", default="")
    payer: str = column("payer (budget)", default="")
    provider: str = column("provider (budget)", default="")
    money: Literal["", "operating", "investment"] = column("which money (budget)", default="")
    sense: Literal["", "at_least", "at_most"] = column("direction; empty: the kind's own", default="")
    bound: float | None = column("the bound: euros a year, share, ratio or units by kind", default=None)
    source: str = column("source of the bound", default="")
    reason: str = column("why", default="")
