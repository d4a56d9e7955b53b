"""A plan typed by hand becomes one that keeps every rule: what had to change, and for which rule."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from configurator.asking import Choice
from configurator.laboratory import NoFeasiblePlan
from configurator.plans import plan_document, read_typed
from configurator.runs.findings import json_text
from configurator.runs.store import write_atomically
from configurator.tables import Table, table
from instances.instance import Instance
from optimisation.feasibility.checker import binding, violations
from optimisation.feasibility.differences import Difference, differences
from optimisation.feasibility.marginal_values import MarginalValue, marginal_values
from optimisation.feasibility.planning import Planning
from optimisation.feasibility.repair import TIGHT_GAP, Repairer
from optimisation.plan import Infeasible
from optimisation.typed_mixes import completed
from simulation.configuration import Configuration


@dataclass(frozen=True)
class Repaired:
    """A plan near the one that was typed.

    broken: the rules the typed plan breaks, where and by how much; marginal: what a little more of what binds would
    buy (asked for or not); written: where the plan is now; completed: shares that the file leaves out of mixes of
    which it names others, and what they were taken for.
    """

    instance: Instance
    configuration: Configuration
    broken: tuple[str, ...]
    changes: tuple[Difference, ...]
    binding: tuple[str, ...]
    marginal: tuple[MarginalValue, ...] = ()
    written: Path | None = None
    completed: tuple[str, ...] = ()

    @property
    def is_untouched(self) -> bool:
        """Whether the plan that was typed keeps every rule."""
        return not self.broken

    def table(self) -> Table:
        """Return what had to change, a row a change."""
        rows = [(one.kind, one.place, one.proposed, one.planned, ", ".join(one.rules)) for one in self.changes]
        return table("changes", ("what", "where", "typed", "plan", "asked for by"), rows)

    def marginal_table(self) -> Table:
        """Return what a little more of what binds would buy, a row a bound."""
        columns = (
            "rule",
            "place",
            "bound",
            "unit",
            "buys",
            "per",
            "relaxation",
            "raised by",
            "whole steps",
            "give or take",
        )
        rows = [
            (one.rule, one.place, one.bound, one.unit, one.value, one.per, one.relaxed, one.more, one.whole, one.error)
            for one in self.marginal
        ]
        return table("marginal_values", columns, rows)

    def document(self) -> dict[str, object]:
        """Return everything as one JSON-able object; the plan is in it as in plans/ID.json."""
        return {
            "untouched": self.is_untouched,
            "completed": list(self.completed),
            "broken": list(self.broken),
            "changes": [asdict(one) for one in self.changes],
            "marginal_values": [asdict(one) for one in self.marginal],
            "written": None if self.written is None else str(self.written),
            "plan": self.plan(),
        }

    def plan(self) -> dict[str, object]:
        """Return the plan as written."""
        extra: dict[str, object] = {"binding_rules": list(self.binding)}
        if self.marginal:
            extra["marginal_values"] = [asdict(one) for one in self.marginal]
        return plan_document(self.instance, self.configuration, extra)


def repaired(choice: Choice, path: Path, *, marginal: bool = False, out: Path | None = None) -> Repaired:
    """Return the plan nearest to a plan file; what the file does not name is proposed as it is today.

    Raises NoFeasiblePlan where the rules leave none; `out`: where to write the plan, whole or not at all.
    """
    instance = choice.load()
    typed = read_typed(instance, path, whole_mixes=False)
    planning = Planning(instance)
    proposal = completed(planning.encoding, typed.configuration, typed.named)
    found = Repairer(planning, TIGHT_GAP).nearest(proposal)
    if isinstance(found, Infeasible):
        raise NoFeasiblePlan("\n  ".join((f"{path.name}: no plan keeps every rule", *found.lines)))
    plan = found.configuration
    answer = Repaired(
        instance,
        plan,
        tuple(str(finding) for finding in violations(planning, proposal)),
        differences(planning, proposal, plan),
        tuple(str(finding) for finding in binding(planning, plan)),
        marginal_values(planning, plan) if marginal else (),
        out,
        tuple(_completions(planning, typed.configuration, proposal)),
    )
    if out is not None:
        write_atomically(out, json_text(answer.plan()))
    return answer


def _completions(planning: Planning, typed: Configuration, proposal: Configuration) -> Iterator[str]:
    """Yield each share that was moved so that what was typed of a mix fits into it."""
    for cell, before, after in zip(planning.cells, typed.shares, proposal.shares, strict=True):
        if abs(before - after) > 1e-9:
            yield f"{cell.zone} {cell.profile}: {cell.pathway} {before:.6g} -> {after:.6g}"
