"""No two rows say the same thing twice, or two things of the same."""

from collections.abc import Iterator

from instances.checks.examined import Examined
from instances.faults import Fault

# The columns that tell one row of a table from another.
KEYS: dict[str, tuple[str, ...]] = {
    "parameters": ("name",),
    "zones": ("zone",),
    "travel": ("origin", "destination"),
    "payers": ("id",),
    "providers": ("id",),
    "resources": ("resource",),
    "capacities": ("zone", "resource", "provider"),
    "profiles": ("profile",),
    "needs": ("zone", "profile"),
    "pathways": ("pathway",),
    "offers": ("zone", "profile", "pathway"),
    "steps": ("pathway", "step", "profile"),
    "services": ("pathway", "step", "profile", "resource"),
    "prices": ("contract", "subject", "profile", "basis", "payer", "provider", "outcome"),
    "contracts": ("contract",),
    "costs": ("provider", "subject", "profile", "basis", "nature"),
    "rules": ("rule",),
    "rhythms": ("rhythm", "start"),
    "observations": ("observation",),
    "breaks": ("break",),
    "objectives": ("objective",),
    "scenarios": ("scenario", "parameter"),
}
# Moves that share all this are one move written twice; to other profiles or with other marks they are not.
MOVE_KEY = ("pathway", "step", "phase", "profile", "hazard", "to", "while", "new_profile", "mark")
MOVE_KINDS = ("probability", "rate", "factor")


def duplicate_row(examined: Examined) -> Iterator[Fault]:
    """A row has the key of an earlier one."""
    for table, columns in KEYS.items():
        keys = [
            tuple(examined.cell(table, index, column) for column in columns)
            for index in range(len(examined.built.rows.get(table, ())))
        ]
        yield from _repeated(examined, table, columns, keys)


def duplicate_move(examined: Examined) -> Iterator[Fault]:
    """A move is written twice."""
    keys = [
        (
            *(examined.cell("moves", index, column) or ("stay" if column == "phase" else "") for column in MOVE_KEY),
            *(name for name in MOVE_KINDS if examined.cell("moves", index, name)),
        )
        for index in range(len(examined.built.rows.get("moves", ())))
    ]
    yield from _repeated(examined, "moves", MOVE_KEY, keys)


def _repeated(examined: Examined, table: str, columns: tuple[str, ...], keys: list[tuple[str, ...]]) -> Iterator[Fault]:
    first: dict[tuple[str, ...], int] = {}
    for index, key in enumerate(keys):
        earlier = first.setdefault(key, index)
        if earlier != index:
            line = examined.built.rows[table][earlier].line
            shown = ", ".join(part for part in key if part)
            message = f"the same {'+'.join(columns)} as row {line}: {shown}"
            yield examined.fault(table, index, columns[0], f"one row for each {'+'.join(columns)}", message)
