"""Every code that a cell names is known."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import get_args

from instances.checks.examined import Examined
from instances.faults import Fault, expected_name
from instances.references import SUBJECT_KINDS, StepReference, Subject, SubjectError, step_reference, subject
from instances.tables.pathways import Setting
from instances.written import SETTINGS_FILE


@dataclass(frozen=True)
class Reference:
    """A column whose cells name codes of another table's column."""

    table: str
    column: str
    to_table: str
    to_column: str


def _references(to_table: str, to_column: str, *places: tuple[str, str]) -> tuple[Reference, ...]:
    return tuple(Reference(table, column, to_table, to_column) for table, column in places)


REFERENCES = (
    *_references(
        "zones",
        "zone",
        ("zones", "parent"),
        ("travel", "origin"),
        ("travel", "destination"),
        ("capacities", "zone"),
        ("needs", "zone"),
        ("offers", "zone"),
        ("rules", "zone"),
    ),
    *_references(
        "resources",
        "resource",
        ("capacities", "resource"),
        ("steps", "gate"),
        ("services", "resource"),
        ("rules", "resource"),
        ("rules", "other_resource"),
        ("breaks", "service"),
    ),
    *_references("resources", "competence", ("rules", "competence")),
    *_references(
        "profiles",
        "profile",
        ("needs", "profile"),
        ("offers", "profile"),
        ("steps", "profile"),
        ("services", "profile"),
        ("moves", "profile"),
        ("moves", "new_profile"),
        ("prices", "profile"),
        ("costs", "profile"),
        ("rules", "profile"),
    ),
    *_references(
        "pathways",
        "pathway",
        ("pathways", "base"),
        ("offers", "pathway"),
        ("offers", "fallback"),
        ("steps", "pathway"),
        ("services", "pathway"),
        ("moves", "pathway"),
        ("rules", "pathway"),
    ),
    *_references(
        "providers",
        "id",
        ("capacities", "provider"),
        ("prices", "provider"),
        ("costs", "provider"),
        ("rules", "provider"),
    ),
    *_references("payers", "id", ("prices", "payer"), ("rules", "payer")),
    *_references("rhythms", "rhythm", ("needs", "rhythm")),
    *_references("contracts", "contract", ("prices", "contract")),
    *_references("breaks", "break", ("prices", "outcome")),
    *_references("parameters", "name", ("scenarios", "parameter")),
)


def unknown_code(examined: Examined) -> Iterator[Fault]:
    """A cell names a code that its table does not have."""
    for reference in REFERENCES:
        known = examined.codes(reference.to_table, reference.to_column)
        if known is None or reference.table not in examined.built.rows:
            continue
        for index in range(len(examined.built.rows[reference.table])):
            code = examined.cell(reference.table, index, reference.column)
            if code and code not in known:
                expected = f"a {reference.to_column} of {reference.to_table}.csv: {expected_name(code, sorted(known))}"
                yield examined.fault(
                    reference.table, index, reference.column, expected, f"unknown {reference.to_column} '{code}'"
                )


def unknown_contract_in_force(examined: Examined) -> Iterator[Fault]:
    """The settings name a contract that the table does not have, or none although there are some."""
    known = examined.codes("contracts", "contract")
    code = examined.instance.settings.contract
    if known is None or SETTINGS_FILE in examined.broken or (not code and not known):
        return
    if code not in known:
        message = f"unknown contract '{code}'" if code else "no contract in force"
        yield examined.setting_fault("contract", code, expected_name(code, sorted(known)), message)


def unknown_step(examined: Examined) -> Iterator[Fault]:
    """A pathway's entry, a broken wait, a service or a move names a step that its pathway does not have."""
    seen: set[tuple[str, int, str]] = set()
    for table, index, column, target in _step_cells(examined):
        if (target.pathway, target.step) in examined.step_codes or (table, index, column) in seen:
            continue
        seen.add((table, index, column))
        known = [step for pathway, step in sorted(examined.step_codes) if pathway == target.pathway]
        text = examined.cell(table, index, column)
        nearest_step = expected_name(target.step, known)
        expected = f"a step of pathway {target.pathway}: {nearest_step}" if known else "a step of a known pathway"
        yield examined.fault(table, index, column, expected, f"unknown step '{text or target.step}'")


def _step_cells(examined: Examined) -> Iterator[tuple[str, int, str, StepReference]]:
    """Yield (table, index of the row as written, column, step meant), inherited rows included."""
    for index, pathway in enumerate(examined.instance.pathways):
        if pathway.entry:
            yield "pathways", index, "entry", step_reference(pathway.entry, pathway.pathway)
    for place, step in examined.steps:
        if step.on_break:
            yield "steps", place.index, "on_break", step_reference(step.on_break, step.pathway)
    for place, service in examined.services:
        yield "services", place.index, "step", StepReference(service.pathway, service.step)
        if service.leads_to:
            yield "services", place.index, "leads_to", step_reference(service.leads_to, service.pathway)
    for place, move in examined.moves:
        yield "moves", place.index, "step", StepReference(move.pathway, move.step)
        if move.to:
            yield "moves", place.index, "to", step_reference(move.to, move.pathway)


def unknown_subject(examined: Examined) -> Iterator[Fault]:
    """A price or a cost is about something that does not exist."""
    resolve: dict[str, Callable[[Subject], frozenset[str] | None]] = {
        "step": lambda about: _steps_meant(examined, about),
        "resource": lambda about: examined.codes("resources", "resource"),
        "service": lambda about: frozenset(row.resource for row in examined.instance.services),
        "pathway": lambda about: examined.codes("pathways", "pathway"),
    }
    subjects = [
        *(("prices", index, row.subject) for index, row in enumerate(examined.instance.prices)),
        *(("costs", index, row.subject) for index, row in enumerate(examined.instance.costs)),
    ]
    for table, index, text in subjects:
        try:
            about = subject(text)
        except SubjectError:
            expected = " or ".join(f"{kind}:NAME" for kind in SUBJECT_KINDS)
            yield examined.fault(table, index, "subject", expected, "not a subject")
            continue
        known = resolve[about.kind](about)
        if known is not None and about.name not in known:
            expected = expected_name(about.name, sorted(known))
            yield examined.fault(table, index, "subject", expected, f"unknown {about.kind} '{about.name}'")


def _steps_meant(examined: Examined, about: Subject) -> frozenset[str]:
    return frozenset(step for pathway, step in examined.step_codes if not about.pathway or pathway == about.pathway)


def unknown_step_or_setting_of_break(examined: Examined) -> Iterator[Fault]:
    """A break looks at something that is neither a step nor a setting."""
    settings = {setting for setting in get_args(Setting) if setting}
    steps = {step for _, step in examined.step_codes} | {f"{pathway}/{step}" for pathway, step in examined.step_codes}
    for index, row in enumerate(examined.instance.breaks):
        if row.step and row.step not in settings | steps:
            expected = expected_name(row.step, sorted(settings | steps))
            yield examined.fault("breaks", index, "step", expected, f"unknown step or setting '{row.step}'")


def while_names_nothing(examined: Examined) -> Iterator[Fault]:
    """A move holds only while something is there that never can be: no service of its step, and no mark."""
    served_in: dict[tuple[str, str], set[str]] = {}
    for _, service in examined.services:
        served_in.setdefault((service.pathway, service.step), set()).add(service.resource)
    anywhere = {service.resource for _, service in examined.services}
    reported: set[int] = set()
    for place, move in examined.moves:
        # While waiting, the services of the former step run on: any service may be held.
        served = served_in.get((move.pathway, move.step), set()) if move.phase == "stay" else anywhere
        if not move.while_ or move.while_ in served | examined.marks or place.index in reported:
            continue
        reported.add(place.index)
        known = expected_name(move.while_, sorted(served | examined.marks))
        expected = f"a resource served in step {move.step}, or a mark: {known}"
        yield examined.fault("moves", place.index, "while", expected, f"'{move.while_}' is never held here")
