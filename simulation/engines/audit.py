"""The audit: the SimPy engine re-runs what the compiled engine ran, and the event lists must be the same."""

from dataclasses import dataclass

import numpy as np

from instances.faults import ConfiguratorError
from simulation.configuration import Configuration
from simulation.engines import simpy_engine
from simulation.records import Event, EventArray
from simulation.start import opening_events
from simulation.twin import Twin

_SHOWN = 3  # records shown before and after the first difference


@dataclass(frozen=True)
class Audit:
    """What was compared: one component of one configuration in one replication, and how many event records."""

    component: int
    replication: int
    events: int


class EnginesDisagree(ConfiguratorError):  # noqa: N818 (named for what it says)
    """The two engines gave different event lists: a fault of ours; nothing they say can be relied on."""


def audit(
    twin: Twin, configuration: Configuration, component: int, replication: int, until: float | None = None
) -> Audit:
    """Run a component once more with SimPy and compare; `EnginesDisagree` shows both lists at the difference.

    until: the audit stops there (time from 0); None: it goes to the end.
    """
    fast = twin.run(configuration, component, replication)
    expected = fast.events if until is None else fast.events[fast.events["time"] < until]
    given = twin.inputs(configuration, component, replication)
    events, _ = simpy_engine.run(
        given.model,
        given.plan,
        given.state,
        seed=twin.seed,
        replication=replication,
        until=given.until if until is None else until,
        rollout=given.rollout,
    )
    slow = np.concatenate([opening_events(given.model, given.state, given.plan.capacity), events])
    difference = first_difference(expected, slow)
    if difference is not None:
        raise EnginesDisagree(
            f"the engines disagree from event {difference} on, in component {component}, replication {replication}\n"
            f"compiled:\n{_excerpt(expected, difference)}\nSimPy:\n{_excerpt(slow, difference)}"
        )
    return Audit(component, replication, len(slow))


def first_difference(one: EventArray, other: EventArray) -> int | None:
    """Return the number of the first record in which two event lists differ, None when they are the same."""
    shared = min(len(one), len(other))
    differs = one[:shared] != other[:shared]
    if differs.any():
        return int(np.argmax(differs))
    return None if len(one) == len(other) else shared


def _excerpt(events: EventArray, number: int) -> str:
    lines = []
    for row in range(max(0, number - _SHOWN), min(len(events), number + _SHOWN + 1)):
        record = events[row]
        fields = ", ".join(f"{name} {record[name]}" for name in events.dtype.names or () if name != "kind")
        lines.append(f"  {row}: {Event(int(record['kind'])).name} {fields}")
    return "\n".join(lines)
