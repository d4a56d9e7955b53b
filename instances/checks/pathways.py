"""Pathways as written: their bases and entries, and what each kind of move may hold."""

from collections.abc import Iterator

from instances.checks.examined import Examined
from instances.faults import Fault
from instances.inheritance import CyclicBaseError, ancestry, expanded_pathways, move_kind
from instances.references import step_reference
from instances.tables import Move


def cyclic_base(examined: Examined) -> Iterator[Fault]:
    """A pathway extends itself through its bases."""
    pathways = examined.instance.pathways
    for index, row in enumerate(pathways):
        try:
            ancestry(row.pathway, pathways)
        except CyclicBaseError as error:
            if row.pathway in error.pathways:
                yield examined.fault("pathways", index, "base", "a pathway that does not extend this one", str(error))


def pathway_without_entry(examined: Examined) -> Iterator[Fault]:
    """Neither a pathway nor its bases say where it begins."""
    for index, row in enumerate(expanded_pathways(examined.instance.pathways)):
        if not row.entry:
            expected = "the first step, here or in the base"
            yield examined.fault("pathways", index, "entry", expected, f"pathway '{row.pathway}' has no entry")


def move_of_no_kind(examined: Examined) -> Iterator[Fault]:
    """A move has not exactly one of probability, rate and factor."""
    for index, row in enumerate(examined.instance.moves):
        given = [name for name in ("probability", "rate", "factor") if getattr(row, name) is not None]
        if len(given) == 1:
            continue
        message = f"a move with {' and '.join(given)}" if given else "a move with none of them"
        column = given[1] if given else "probability"
        yield examined.fault("moves", index, column, "one of probability, rate and factor", message)


def move_with_wrong_cells(examined: Examined) -> Iterator[Fault]:
    """A move holds a cell that its kind has no use for, or lacks one it needs."""
    for index, row in enumerate(examined.instance.moves):
        for column, expected, message in _wrong_cells(row):
            yield examined.fault("moves", index, column, expected, message)


def _wrong_cells(move: Move) -> Iterator[tuple[str, str, str]]:
    kind = move_kind(move)
    if kind == "routing":
        if not move.to:
            yield "to", "a step", "a draw at the end of a stay leads nowhere"
        if move.phase == "wait":
            yield "phase", "stay, or a rate", "nothing is drawn at the end of a wait"
        if move.while_:
            yield "while", "an empty cell, or a rate", "a probability cannot depend on a service or mark"
    else:
        if not move.hazard:
            yield "hazard", "the name of the hazard", f"a {kind} move without hazard"
        if move.distribution:
            yield "distribution", "an empty cell, or a probability", "only a draw at the end of a stay may bring a law"
    if kind == "factor":
        for column, value in (("to", move.to), ("new_profile", move.new_profile), ("mark", move.mark)):
            if value:
                yield column, "an empty cell, or a rate", "a factor only multiplies its hazard"
    if move.mark_days is not None and not move.mark:
        yield "mark", "the name of the mark", "mark_days without mark"


def factor_without_hazard(examined: Examined) -> Iterator[Fault]:
    """A factor multiplies a hazard that has no rate anywhere."""
    rated = {row.hazard for row in examined.instance.moves if move_kind(row) == "rated"}
    for index, row in enumerate(examined.instance.moves):
        if row.hazard and move_kind(row) == "factor" and row.hazard not in rated:
            message = f"hazard '{row.hazard}' has no rate anywhere"
            known = ", ".join(f"'{name}'" for name in sorted(rated)) or "none is there"
            yield examined.fault("moves", index, "hazard", f"a hazard with a rate: {known}", message)


def gate_is_not_that_resource(examined: Examined) -> Iterator[Fault]:
    """A service leads to a step whose gate is another resource: the unit granted could not become its gate."""
    gates: dict[tuple[str, str], set[str]] = {}
    for _, step in examined.steps:
        gates.setdefault((step.pathway, step.step), set()).add(step.gate)
    reported: set[int] = set()
    for place, service in examined.services:
        if not service.leads_to or place.index in reported:
            continue
        target = step_reference(service.leads_to, service.pathway)
        wrong = gates.get((target.pathway, target.step), {service.resource}) - {service.resource}
        if wrong:
            reported.add(place.index)
            found = " and ".join(f"'{gate}'" if gate else "none" for gate in sorted(wrong))
            expected = f"a step whose gate is '{service.resource}'"
            yield examined.fault("services", place.index, "leads_to", expected, f"the gate of {target} is {found}")


def exit_with_aftermath(examined: Examined) -> Iterator[Fault]:
    """Something is said to happen in or after a step that ends the story."""
    exits = {(step.pathway, step.step) for _, step in examined.steps if step.setting == "exit"}
    reported: set[tuple[str, int]] = set()
    rows = [
        *(("services", place.index, row.pathway, row.step) for place, row in examined.services),
        *(("moves", place.index, row.pathway, row.step) for place, row in examined.moves if row.phase == "stay"),
    ]
    for table, index, pathway, step in rows:
        if (pathway, step) in exits and (table, index) not in reported:
            reported.add((table, index))
            yield examined.fault(table, index, "step", "a step that is no exit", f"'{step}' ends the story")
