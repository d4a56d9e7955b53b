"""Rules: what each kind must name."""

from collections.abc import Iterator

from instances.checks.examined import Examined
from instances.faults import Fault

# The cells without which a rule of the kind says nothing.
NEEDED: dict[str, tuple[str, ...]] = {
    "budget": ("bound",),
    "authorised": (),
    "opening": (),
    "staffing": ("resource", "other_resource", "bound"),
    "workforce": ("competence", "bound"),
    "requires": ("pathway",),
    "coverage": ("bound",),
    "occupancy": ("resource", "bound"),
    "equity": ("resource", "bound"),
    "share": ("pathway", "bound"),
    "sharing": ("resource", "bound"),
}


def rule_incomplete(examined: Examined) -> Iterator[Fault]:
    """A rule lacks what its kind is about."""
    for index, row in enumerate(examined.instance.rules):
        for column in NEEDED[row.kind]:
            if getattr(row, column) in ("", None):
                yield examined.fault("rules", index, column, f"a {column}", f"a {row.kind} rule without {column}")


def nothing_required(examined: Examined) -> Iterator[Fault]:
    """A requirement of nothing could never be met."""
    for index, row in enumerate(examined.instance.rules):
        if row.kind == "requires" and not row.other_resource and not row.competence:
            expected = "the resource that must be there, or a competence in column competence"
            yield examined.fault("rules", index, "other_resource", expected, "a requires rule that requires nothing")


def payer_and_provider(examined: Examined) -> Iterator[Fault]:
    """A budget is what a payer pays, or what a provider bears."""
    for index, row in enumerate(examined.instance.rules):
        if row.kind == "budget" and row.payer and row.provider:
            yield examined.fault("rules", index, "provider", "a payer or a provider, not both", "two budgets in one")


def investment_of_a_payer(examined: Examined) -> Iterator[Fault]:
    """Annuities are borne by providers; what a payer invests is nothing, whatever the plan."""
    for index, row in enumerate(examined.instance.rules):
        if row.kind == "budget" and row.payer and row.money == "investment":
            expected = "a provider in column provider, or neither: all that providers invest"
            yield examined.fault(
                "rules", index, "payer", expected, "a payer bears no investment: this budget says nothing"
            )


def level_and_zone(examined: Examined) -> Iterator[Fault]:
    """A rule holds for one zone and for each zone of a level at once."""
    for index, row in enumerate(examined.instance.rules):
        if row.level and row.zone:
            yield examined.fault("rules", index, "zone", "a level or a zone, not both", "two scopes")


def level_without_zones(examined: Examined) -> Iterator[Fault]:
    """A rule at a level that no zone has would hold nowhere."""
    levels = sorted({zone.level for zone in examined.instance.zones})
    for index, row in enumerate(examined.instance.rules):
        if row.level and row.level not in levels:
            yield examined.fault("rules", index, "level", f"one of {', '.join(levels)}", "no zone has this level")
