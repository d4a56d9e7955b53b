"""Capacities: ranges, lots, and that what pathways need exists somewhere."""

from collections.abc import Iterator

from instances.checks.examined import Examined
from instances.faults import Fault
from instances.tables import Capacity


def capacity_out_of_order(examined: Examined) -> Iterator[Fault]:
    """Not minimum <= current <= maximum."""
    for index, row in enumerate(examined.instance.capacities):
        if not examined.is_plain("capacities", index, "current", "minimum", "maximum"):
            continue
        if row.minimum is not None and row.minimum > row.current:
            yield examined.fault("capacities", index, "minimum", f"at most current ({row.current})", "out of range")
        if row.maximum is not None and row.maximum < row.current:
            yield examined.fault("capacities", index, "maximum", f"at least current ({row.current})", "out of range")


def limit_between_lots(examined: Examined) -> Iterator[Fault]:
    """A limit is not today's units plus or minus whole lots, hence can never be reached."""
    for index, row in enumerate(examined.instance.capacities):
        if not examined.is_plain("capacities", index, "current", "minimum", "maximum", "lot"):
            continue
        for column, limit in (("minimum", row.minimum), ("maximum", row.maximum)):
            if limit is not None and (limit - row.current) % row.lot != 0:
                yield examined.fault("capacities", index, column, _reachable(row, limit), "not a whole number of lots")


def _reachable(row: Capacity, limit: int) -> str:
    lots = (limit - row.current) // row.lot
    near = [row.current + lots * row.lot, row.current + (lots + 1) * row.lot]
    return f"current ({row.current}) plus lots of {row.lot}: {' or '.join(str(units) for units in near if units >= 0)}"


def reserved_beyond_current(examined: Examined) -> Iterator[Fault]:
    """Outside demand is said to use more units than there are."""
    for index, row in enumerate(examined.instance.capacities):
        if row.reserved > row.current:
            yield examined.fault("capacities", index, "reserved", f"at most current ({row.current})", "out of range")


def opening_minimum_beyond_maximum(examined: Examined) -> Iterator[Fault]:
    """A site could never open: its least size is above its authorised size."""
    for index, row in enumerate(examined.instance.capacities):
        most = row.current if row.maximum is None else row.maximum
        if row.opening_minimum > most:
            yield examined.fault("capacities", index, "opening_minimum", f"at most maximum ({most})", "out of range")


def resource_without_capacity(examined: Examined) -> Iterator[Fault]:
    """A step's gate or a service uses a resource that stands nowhere: whoever asks waits for ever."""
    present = examined.codes("capacities", "resource")
    known = examined.codes("resources", "resource")
    if present is None or known is None:
        return
    expected = "a resource that has a row in capacities.csv"
    for index, step in enumerate(examined.instance.steps):
        if step.gate in known - present:
            yield examined.fault("steps", index, "gate", expected, f"no capacity of '{step.gate}' anywhere")
    for index, service in enumerate(examined.instance.services):
        if service.resource in known - present:
            yield examined.fault(
                "services", index, "resource", expected, f"no capacity of '{service.resource}' anywhere"
            )
