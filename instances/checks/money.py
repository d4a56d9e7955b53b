"""Prices and costs: a basis that fits the subject, and what each basis needs."""

from collections.abc import Iterator

from instances.checks.examined import Examined
from instances.faults import Fault
from instances.references import Subject, SubjectError, subject
from instances.tables import Cost, Price

# Units of a resource, open sites and added units exist for resources only; persons for pathways only.
_SUBJECTS_OF_BASIS = {
    "capacity-year": ("resource",),
    "open-site-year": ("resource",),
    "added-unit": ("resource",),
    "patient": ("pathway",),
    "outcome": ("pathway", "step"),
}


def basis_does_not_fit(examined: Examined) -> Iterator[Fault]:
    """A price or cost counts something that its subject does not have."""
    for table, index, row in _money_rows(examined):
        about = _subject_or_none(row)
        fitting = _SUBJECTS_OF_BASIS.get(row.basis)
        if about is not None and fitting is not None and about.kind not in fitting:
            expected = " or ".join(f"{kind}:NAME" for kind in fitting)
            message = f"basis '{row.basis}' does not fit a {about.kind}"
            yield examined.fault(table, index, "subject", expected, message)


def outcome_without_break(examined: Examined) -> Iterator[Fault]:
    """A payment by outcome names no break, or another basis names one."""
    for index, row in enumerate(examined.instance.prices):
        if row.basis == "outcome" and not row.outcome:
            yield examined.fault("prices", index, "outcome", "a break of breaks.csv", "basis 'outcome' without a break")
        elif row.outcome and row.basis != "outcome":
            yield examined.fault("prices", index, "outcome", "an empty cell, or basis outcome", "a break without use")


def occupancy_of_nothing(examined: Examined) -> Iterator[Fault]:
    """A tariff shrinks with the occupancy of a subject that has no capacity."""
    gated = {(step.pathway, step.step) for step in examined.instance.expanded.steps if step.gate}
    for index, row in enumerate(examined.instance.prices):
        about = _subject_or_none(row)
        if row.occupancy_floor is None or about is None or about.kind in ("resource", "service"):
            continue
        is_gated = any(about.name == step and about.pathway in ("", pathway) for pathway, step in gated)
        if about.kind == "pathway" or not is_gated:
            message = f"'{row.subject}' has no occupancy"
            yield examined.fault("prices", index, "occupancy_floor", "a resource, a service or a gated step", message)


def floor_and_slope_apart(examined: Examined) -> Iterator[Fault]:
    """A tariff names an occupancy floor without a slope, or a slope without a floor."""
    for index, row in enumerate(examined.instance.prices):
        if row.occupancy_slope > 0.0 and row.occupancy_floor is None:
            yield examined.fault(
                "prices", index, "occupancy_floor", "the floor under which it shrinks", "a slope alone"
            )


def annuity_incomplete(examined: Examined) -> Iterator[Fault]:
    """An investment has no life to write it off over, or a running cost has one."""
    for index, row in enumerate(examined.instance.costs):
        if row.basis == "added-unit" and not row.life:
            yield examined.fault("costs", index, "life", "years greater than 0", "an investment without life")
        elif row.basis != "added-unit":
            for column, value in (("life", row.life), ("rate", row.rate)):
                if value is not None:
                    message = f"basis '{row.basis}' is no investment"
                    yield examined.fault("costs", index, column, "an empty cell, or basis added-unit", message)


def nature_of_an_annuity(examined: Examined) -> Iterator[Fault]:
    """An investment says a nature, though its annuity is depreciation and interest anyway."""
    for index, row in enumerate(examined.instance.costs):
        if row.basis == "added-unit" and row.nature:
            yield examined.fault("costs", index, "nature", "an empty cell", "an annuity is depreciation and interest")


def provider_unknown_by_capacity(examined: Examined) -> Iterator[Fault]:
    """No provider is named, and none runs the subject's resource either: nobody would be paid or charged."""
    instance = examined.instance
    run = {row.resource for row in instance.capacities if row.provider}
    steps = instance.expanded.steps
    for table, index, row in _money_rows(examined):
        about = _subject_or_none(row)
        if row.provider or about is None:
            continue
        if about.kind == "step":
            resources = {step.gate for step in steps if step.step == about.name and about.pathway in ("", step.pathway)}
        else:
            resources = {about.name} if about.kind != "pathway" else set()
        if not resources & run:
            message = f"nobody runs '{row.subject}' by capacity"
            yield examined.fault(table, index, "provider", "a provider of providers.csv", message)


def _money_rows(examined: Examined) -> Iterator[tuple[str, int, Price | Cost]]:
    for index, price in enumerate(examined.instance.prices):
        yield "prices", index, price
    for index, cost in enumerate(examined.instance.costs):
        yield "costs", index, cost


def _subject_or_none(row: Price | Cost) -> Subject | None:
    try:
        return subject(row.subject)
    except SubjectError:
        return None
