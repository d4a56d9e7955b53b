"""Derived pathways in full: a pathway with a `base` has the base's rows except those it replaces."""

from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, TypeVar

from instances.faults import ConfiguratorError
from instances.tables import Move, Pathway, Service, Step

MoveKind = Literal["routing", "rated", "factor"]
PathwayRow = TypeVar("PathwayRow", Step, Service, Move)


class CyclicBaseError(ConfiguratorError):
    """Pathways that extend one another in a circle."""

    def __init__(self, pathways: Sequence[str]) -> None:
        self.pathways = tuple(pathways)
        super().__init__(f"cyclic base: {' -> '.join([*pathways, pathways[0]])}")


@dataclass(frozen=True)
class Inherited:
    """A row of a pathway in full, and its index in the table as written."""

    pathway: str
    index: int


def move_kind(move: Move) -> MoveKind:
    """Say how a move takes place: by draw at the end of the stay, by a rate, or as a factor on a hazard."""
    if move.probability is not None:
        return "routing"
    return "rated" if move.rate is not None else "factor"


def step_key(step: Step) -> Hashable:
    """What a step row replaces in the base: the row of the same step and profile."""
    return step.step, step.profile


def service_key(service: Service, profile: str | None = None) -> Hashable:
    """What a service row replaces in the base (what it would replace were it of another profile)."""
    return service.step, service.profile if profile is None else profile, service.resource


def move_key(move: Move, profile: str | None = None) -> Hashable:
    """What a move row replaces in the base; rows that share it (to several profiles, say) stand together."""
    whose = move.profile if profile is None else profile
    return move.step, move.phase, whose, move.hazard, move.to, move.while_, move_kind(move)


def ancestry(pathway: str, pathways: Iterable[Pathway]) -> tuple[str, ...]:
    """Return the pathway and its bases, nearest first; a base that does not exist ends the line."""
    bases = {row.pathway: row.base for row in pathways}
    line: list[str] = []
    current = pathway
    while current in bases:
        if current in line:
            raise CyclicBaseError(line[line.index(current) :])
        line.append(current)
        current = bases[current]
    return tuple(line)


def expanded_pathways(pathways: Sequence[Pathway]) -> tuple[Pathway, ...]:
    """Fill each derived pathway's entry from its nearest base that has one; nothing is left to extend."""
    by_code = {row.pathway: row for row in pathways}

    def entry(code: str) -> str:
        return next((by_code[name].entry for name in ancestry(code, pathways) if by_code[name].entry), "")

    return tuple(row.model_copy(update={"entry": entry(row.pathway), "base": ""}) for row in pathways)


def expanded_rows(
    pathways: Sequence[Pathway], rows: Sequence[PathwayRow], key: Callable[[PathwayRow], Hashable]
) -> tuple[tuple[Inherited, PathwayRow], ...]:
    """Return every pathway's rows in full, by pathway, base rows first, with where each was written.

    Order: pathways as in their table; within one, the base's order with replaced rows in place, then
    the rows it adds. Rows of a pathway that is not in the table are left out.
    """
    own: dict[str, list[int]] = {row.pathway: [] for row in pathways}
    for index, row in enumerate(rows):
        if row.pathway in own:
            own[row.pathway].append(index)
    return tuple(
        (Inherited(pathway.pathway, index), _moved(rows[index], pathway.pathway))
        for pathway in pathways
        for index in _indices_in_full(ancestry(pathway.pathway, pathways), own, rows, key)
    )


def _indices_in_full(
    line: Sequence[str],
    own: dict[str, list[int]],
    rows: Sequence[PathwayRow],
    key: Callable[[PathwayRow], Hashable],
) -> Iterator[int]:
    groups: dict[Hashable, list[int]] = {}
    for pathway in reversed(line):
        replacing: dict[Hashable, list[int]] = {}
        for index in own[pathway]:
            replacing.setdefault(key(rows[index]), []).append(index)
        groups.update(replacing)
    for indices in groups.values():
        yield from indices


def _moved(row: PathwayRow, pathway: str) -> PathwayRow:
    return row if row.pathway == pathway else row.model_copy(update={"pathway": pathway})
