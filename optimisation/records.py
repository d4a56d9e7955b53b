"""A past generation in a form that a journal can hold."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class PlanRecord:
    """A plan evaluated, and what repair said of it."""

    genes: tuple[int, ...]
    changed: tuple[str, ...]
    """Rules for which the proposal was changed."""
    gap: float
    """`Plan.gap`."""

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> "PlanRecord":
        """Return the record of a document; raises KeyError, TypeError or ValueError where it is none."""
        genes, changed = tuple(map(int, document["genes"])), tuple(map(str, document["changed"]))
        return cls(genes, changed, float(document["gap"]))


@dataclass(frozen=True)
class GenerationRecord:
    """What it takes to go through a generation again: its plans, what was replicated further, what repair met."""

    number: int
    plans: tuple[PlanRecord, ...]
    """The plans evaluated, in order."""
    more: tuple[tuple[str, int], ...]
    """(key, replications reached) of plans replicated further, in order."""
    allowances: tuple[float, float]
    """Component runs that doubt may take from then on (`standings.Allowances`)."""
    untouched: int
    repaired: int
    refused: int

    def document(self) -> dict[str, object]:
        """Return the record as one JSON-able object."""
        return asdict(self)

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> "GenerationRecord":
        """Return the record of a document; raises KeyError, TypeError or ValueError where it is none."""
        return cls(
            number=int(document["number"]),
            plans=tuple(PlanRecord.of(plan) for plan in document["plans"]),
            more=tuple((str(key), int(reached)) for key, reached in document["more"]),
            allowances=(float(document["allowances"][0]), float(document["allowances"][1])),
            untouched=int(document["untouched"]),
            repaired=int(document["repaired"]),
            refused=int(document["refused"]),
        )
