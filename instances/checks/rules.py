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

# The cells that a rule of the kind reads, besides those that all read: level, zone and bound.
READ: dict[str, tuple[str, ...]] = {
    "budget": ("payer", "provider", "money", "sense"),
    "authorised": ("resource", "provider", "sense"),
    "opening": ("resource", "provider", "sense"),
    "staffing": ("resource", "other_resource", "provider", "sense"),
    "workforce": ("competence", "resource", "provider", "sense"),
    "requires": ("pathway", "profile", "other_resource", "competence", "sense"),
    "coverage": ("resource", "profile", "pathway", "sense"),
    "occupancy": ("resource", "sense"),
    "equity": ("resource", "provider", "profile", "sense"),
    "share": ("pathway", "profile", "sense"),
    "sharing": ("resource", "provider", "sense"),
}
# The direction of kinds that make no sense the other way round.
ONLY_SENSE = {"opening": "at_least", "requires": "at_least", "equity": "at_most", "sharing": "at_most"}


def unread_cell(examined: Examined) -> Iterator[Fault]:
    """A cell that the kind does not read would leave another rule in force than the one written."""
    every = tuple(dict.fromkeys(column for columns in READ.values() for column in columns))
    for index, row in enumerate(examined.instance.rules):
        for column in every:
            if column not in READ[row.kind] and getattr(row, column):
                kinds = ", ".join(kind for kind, columns in READ.items() if column in columns)
                expected = f"nothing: {row.kind} rules do not look at it (it is for {kinds})"
                yield examined.fault("rules", index, column, expected, f"a rule of kind {row.kind} with a {column}")


def contrary_sense(examined: Examined) -> Iterator[Fault]:
    """Some kinds bound from one side only."""
    for index, row in enumerate(examined.instance.rules):
        only = ONLY_SENSE.get(row.kind, row.sense)
        if row.sense not in ("", only):
            yield examined.fault(
                "rules", index, "sense", f"{only}, or nothing", f"a rule of kind {row.kind} turned round"
            )


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
