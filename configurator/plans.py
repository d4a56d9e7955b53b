"""A plan as a file: its mixes, capacities and contract by name, and back to a configuration."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from configurator.tables import Table, table
from instances.faults import ConfiguratorError, Fault, expected_name, in_reading_order
from instances.instance import Instance
from simulation.configuration import Configuration, content_key, offer_cells, todays_configuration

SHARE_KEYS = ("zone", "profile", "pathway")
CAPACITY_KEYS = ("zone", "resource", "provider")
DECISIONS = ("shares", "capacities", "contract")
ALIKE = 0.7
"""Likeness from which a word of a plan file is taken for a misspelt decision; it may say other things besides."""
MOST = 1e9
"""No share or number of units is as large: what is beyond it is a slip of the keyboard."""


class InvalidPlan(ConfiguratorError):  # noqa: N818 (named for what it says)
    """A plan file that cannot be used with this instance, with all its faults."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        self.faults = in_reading_order(faults)
        super().__init__(self.faults)

    def __str__(self) -> str:
        return "\n".join(str(fault) for fault in self.faults)


@dataclass(frozen=True)
class TypedPlan:
    """What a plan file asks for."""

    configuration: Configuration
    """What the file does not name stays as today."""
    named: frozenset[int]
    """Offer cells whose share the file names."""


def plan_document(
    instance: Instance, configuration: Configuration, extra: Mapping[str, object] | None = None
) -> dict[str, object]:
    """Return the plan as written to plans/ID.json; `extra` adds what is known of it (objectives, binding rules)."""
    today = todays_configuration(instance)
    return {
        "instance": instance.name,
        "fingerprint": instance.fingerprint,
        "key": content_key(configuration),
        **(extra or {}),
        "contract": configuration.contract,
        "shares": [
            {"zone": cell.zone, "profile": cell.profile, "pathway": cell.pathway, "today": cell.current, "share": share}
            for cell, share in zip(offer_cells(instance), configuration.shares, strict=True)
        ],
        "capacities": [
            {"zone": row.zone, "resource": row.resource, "provider": row.provider, "today": now, "units": units}
            for row, now, units in zip(instance.capacities, today.capacities, configuration.capacities, strict=True)
        ],
    }


def plan_table(instance: Instance, configuration: Configuration, name: str = "plan") -> Table:
    """Return the plan as one long table: a row a share, a capacity, the contract."""
    rows: list[tuple[str | float, ...]] = [
        ("share", cell.zone, cell.profile, cell.pathway, "", "", cell.current, share)
        for cell, share in zip(offer_cells(instance), configuration.shares, strict=True)
    ]
    rows += [
        ("capacity", row.zone, "", "", row.resource, row.provider, row.current, units)
        for row, units in zip(instance.capacities, configuration.capacities, strict=True)
    ]
    columns = ("kind", "zone", "profile", "pathway", "resource", "provider", "today", "value")
    return table(name, columns, rows)


def read_plan(instance: Instance, path: Path, *, whole_mixes: bool = True) -> Configuration:
    """Return the configuration a plan file asks for; what it does not name stays as today.

    whole_mixes: whether shares of one profile in one territory must sum to 1 (repair can see to that).
    All faults are listed at once; their rows are positions in the file's lists, from 1.
    """
    return read_typed(instance, path, whole_mixes=whole_mixes).configuration


def read_typed(instance: Instance, path: Path, *, whole_mixes: bool) -> TypedPlan:
    """Return what a plan file asks for, and which shares it names; see `read_plan`."""
    faults: list[Fault] = []
    document = _document(path, faults)
    today = todays_configuration(instance)
    cells = {(cell.zone, cell.profile, cell.pathway): index for index, cell in enumerate(offer_cells(instance))}
    pools = {(row.zone, row.resource, row.provider): index for index, row in enumerate(instance.capacities)}
    shares = _override(list(today.shares), cells, document.get("shares", []), SHARE_KEYS, "share", path, faults)
    units = _override(
        [float(capacity) for capacity in today.capacities],
        pools,
        document.get("capacities", []),
        CAPACITY_KEYS,
        "units",
        path,
        faults,
    )
    contract = str(document.get("contract", today.contract))
    _check_contract(instance, contract, path, faults)
    if whole_mixes:
        _check_mixes(instance, shares, path, faults)
    if faults:
        raise InvalidPlan(faults)
    rows = document.get("shares", [])
    named = frozenset(cells[_key(row, SHARE_KEYS)] for row in rows) if isinstance(rows, list) else frozenset()
    return TypedPlan(Configuration(tuple(shares), tuple(round(capacity) for capacity in units), contract), named)


def _document(path: Path, faults: list[Fault]) -> Mapping[str, object]:
    try:
        text = path.read_text(encoding="utf-8-sig")  # some editors begin files with a mark
        content = json.loads(text, object_pairs_hook=lambda pairs: _object(pairs, path, faults))
    except OSError as error:
        raise InvalidPlan([_fault(path, None, "", str(error.strerror), "a readable plan file")]) from error
    except ValueError as error:
        raise InvalidPlan([_fault(path, None, "", str(error), "a plan as JSON, in UTF-8")]) from error
    except RecursionError as error:
        raise InvalidPlan([_fault(path, None, "", "brackets within brackets", "a plan as JSON")]) from error
    if not isinstance(content, dict):
        faults.append(_fault(path, None, "", type(content).__name__, "an object with shares, capacities, contract"))
        return {}
    if content and content.keys().isdisjoint(DECISIONS):
        found = ", ".join(sorted(content))
        faults.append(_fault(path, None, "", found, f"one at least of {', '.join(DECISIONS)}"))
    for key in sorted(content.keys() - set(DECISIONS)):
        meant = get_close_matches(key.lower(), DECISIONS, n=1, cutoff=ALIKE)
        if meant:
            faults.append(_fault(path, None, key, key, f"'{meant[0]}', perhaps"))
    return content


def _object(pairs: Sequence[tuple[str, object]], path: Path, faults: list[Fault]) -> dict[str, object]:
    """Return an object of a JSON text, of which nothing may be said twice: JSON would keep the last word only."""
    content: dict[str, object] = {}
    for key, value in pairs:
        if key in content:
            faults.append(_fault(path, None, key, f"{key} twice", "each of them once"))
        content[key] = value
    return content


def _override(
    values: list[float],
    index: Mapping[tuple[str, str, str], int],
    rows: object,
    keys: Sequence[str],
    column: str,
    path: Path,
    faults: list[Fault],
) -> list[float]:
    if not isinstance(rows, list):
        listed = "shares" if column == "share" else "capacities"
        faults.append(_fault(path, None, listed, type(rows).__name__, "a list"))
        return values
    named: set[tuple[str, str, str]] = set()
    for number, row in enumerate(rows, start=1):
        if not isinstance(row, dict):
            faults.append(_fault(path, number, column, repr(row), "an object"))
            continue
        key = _key(row, keys)
        value = row.get(column)
        if key not in index:
            faults += _unknown(key, index, keys, path, number)
        elif key in named:
            faults.append(_fault(path, number, ", ".join(keys), ", ".join(key), "each of them once"))
        elif isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < float("inf"):
            faults.append(_fault(path, number, column, repr(value), "a number that is not negative"))
        elif value > MOST:
            faults.append(_fault(path, number, column, repr(value), f"a number up to {MOST:.0e}"))
        elif column == "units" and value != round(value):
            faults.append(_fault(path, number, column, repr(value), "a whole number"))
        else:
            values[index[key]] = float(value)
        named.add(key)
    return values


def _key(row: Mapping[str, object], keys: Sequence[str]) -> tuple[str, str, str]:
    return str(row.get(keys[0], "")), str(row.get(keys[1], "")), str(row.get(keys[2], ""))


def _unknown(
    key: tuple[str, str, str],
    index: Mapping[tuple[str, str, str], int],
    keys: Sequence[str],
    path: Path,
    number: int,
) -> Iterator[Fault]:
    """Yield a fault for each name that nothing bears, or one for names that do not go together."""
    known = [sorted({one[place] for one in index}) for place in range(len(keys))]
    unknown = [place for place in range(len(keys)) if key[place] not in known[place]]
    for place in unknown:
        yield _fault(path, number, keys[place], key[place], expected_name(key[place], known[place]))
    if not unknown:
        yield _fault(path, number, ", ".join(keys), ", ".join(key), f"a {', '.join(keys)} of the instance")


def _check_contract(instance: Instance, contract: str, path: Path, faults: list[Fault]) -> None:
    known = {row.contract for row in instance.contracts} | {instance.settings.contract}
    if contract not in known:
        faults.append(_fault(path, None, "contract", contract, f"one of {', '.join(sorted(known))}"))


def _check_mixes(instance: Instance, shares: Sequence[float], path: Path, faults: list[Fault]) -> None:
    """Shares of one profile in one territory sum to 1."""
    sums: dict[tuple[str, str], float] = {}
    for cell, share in zip(offer_cells(instance), shares, strict=True):
        sums[cell.zone, cell.profile] = sums.get((cell.zone, cell.profile), 0.0) + share
    for (zone, profile), total in sums.items():
        if abs(total - 1.0) > 1e-6:
            faults.append(_fault(path, None, "share", f"{total:.6g} for {profile} in {zone}", "shares that sum to 1"))


def _fault(path: Path, row: int | None, column: str, found: str, expected: str) -> Fault:
    return Fault(file=path.name, row=row, column=column, found=found, expected=expected, message="not usable as a plan")
