"""events.csv: everything that happened to everyone, one event a row, by replication and time."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from instances.instance import Instance
from simulation.records import Event
from simulation.twin import RunResult

HEADER = "time,replication,patient,zone,profile,pathway,step,event,resource\n"
ROWS_AT_ONCE = 50_000

Texts = npt.NDArray[np.object_]


@dataclass(frozen=True)
class EventNames:
    """What the indices in an event log stand for; the last text of each is the empty one, for index -1."""

    zones: Texts
    profiles: Texts
    pathways: Texts
    steps: Texts
    resources: Texts
    events: Texts

    @classmethod
    def of(cls, instance: Instance) -> "EventNames":
        """Return the names in the order that logs count them in."""
        places = list(dict.fromkeys((row.pathway, row.step) for row in instance.expanded.steps))
        return cls(
            zones=_texts([row.zone for row in instance.territories]),
            profiles=_texts([row.profile for row in instance.profiles]),
            pathways=_texts([pathway for pathway, _ in places]),
            steps=_texts([step for _, step in places]),
            resources=_texts([row.resource for row in instance.resources]),
            events=_texts([event.name.lower() for event in Event]),
        )


def _texts(names: Sequence[str]) -> Texts:
    return np.array([*names, ""], dtype=object)


def trace(names: EventNames, replication: int, results: Sequence[RunResult]) -> Iterator[str]:
    """Yield the rows of one replication in pieces of text: all components together, in order of time.

    A patient is named ZONE/PROFILE/ORDINAL, as at arrival.
    """
    patients: list[Texts] = []
    homes: list[Texts] = []
    for result in results:
        zones, profiles = names.zones[result.people.zone], names.profiles[result.people.profile]
        ordinals = result.people.ordinal.astype(str).astype(object)
        patients.append(_texts([]) if not len(zones) else np.append(zones + "/" + profiles + "/" + ordinals, ""))
        homes.append(np.append(zones, ""))
    times = np.concatenate([result.events["time"] for result in results])
    sources = np.repeat(np.arange(len(results)), [len(result.events) for result in results])
    places = np.concatenate([np.arange(len(result.events)) for result in results])
    order = np.argsort(times, kind="stable")
    for start in range(0, len(order), ROWS_AT_ONCE):
        chosen = order[start : start + ROWS_AT_ONCE]
        lines = []
        for source, place in zip(sources[chosen].tolist(), places[chosen].tolist(), strict=True):
            event = results[source].events[place]
            lines.append(
                f"{float(event['time'])!r},{replication},{patients[source][event['patient']]},"
                f"{homes[source][event['patient']]},{names.profiles[event['profile']]},"
                f"{names.pathways[event['step']]},{names.steps[event['step']]},{names.events[event['kind']]},"
                f"{names.resources[event['resource']]}\n"
            )
        yield "".join(lines)
