"""events.csv: everything that happened to everyone, one event a row, by replication and time.

Columns: `time` in the instance's unit; `replication`; `patient`, named ZONE/PROFILE/ORDINAL as at arrival, empty for
an event of no patient; `zone` where the patient lives; `profile`, `pathway` and `step` after the event; `event`, as
`records.Event` names and explains them; `resource` and `units` it is about; `detail`: the step awaited (wait, break)
or left (enter) as PATHWAY/STEP, the pathway (present, arrive, reorient), the hazard, the mark, the former profile.
`configurator breaks` reads the same columns, of simulated and of real patients.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from instances.instance import Instance
from simulation.ledgers.chart import Chart
from simulation.records import Event
from simulation.twin import RunResult

COLUMNS = (
    "time", "replication", "patient", "zone", "profile", "pathway", "step", "event", "resource", "units", "detail",
)  # fmt: skip
HEADER = ",".join(COLUMNS) + "\n"
ROWS_AT_ONCE = 50_000

Texts = npt.NDArray[np.object_]


@dataclass(frozen=True)
class EventNames:
    """What the indices in an event log stand for; the last text of each is the empty one, for index -1.

    places: steps as PATHWAY/STEP.
    """

    zones: Texts
    profiles: Texts
    pathways: Texts
    steps: Texts
    resources: Texts
    events: Texts
    places: Texts
    pathway_codes: Texts
    hazards: Texts
    marks: Texts

    @classmethod
    def of(cls, instance: Instance) -> "EventNames":
        """Return the names in the order that logs count them in."""
        chart = Chart(instance)
        places = list(chart.steps)
        return cls(
            zones=_texts([row.zone for row in instance.territories]),
            profiles=_texts([row.profile for row in instance.profiles]),
            pathways=_texts([pathway for pathway, _ in places]),
            steps=_texts([step for _, step in places]),
            resources=_texts([row.resource for row in instance.resources]),
            events=_texts([event.name.lower() for event in Event]),
            places=_texts([f"{pathway}/{step}" for pathway, step in places]),
            pathway_codes=_texts(list(chart.pathways)),
            hazards=_texts(list(chart.hazards)),
            marks=_texts(list(chart.marks)),
        )

    def details(self, kinds: npt.NDArray[np.integer], details: npt.NDArray[np.integer]) -> Texts:
        """Return what the detail of each event stands for, by its kind."""
        texts = np.full(len(kinds), "", dtype=object)
        for about, names in (
            ((Event.WAIT, Event.ENTER, Event.BREAK), self.places),
            ((Event.PRESENT, Event.ARRIVE, Event.REORIENT), self.pathway_codes),
            ((Event.HAZARD,), self.hazards),
            ((Event.MARK, Event.MARK_END), self.marks),
            ((Event.PROFILE,), self.profiles),
        ):
            chosen = np.isin(kinds, about)
            texts[chosen] = names[details[chosen]]
        return texts


def _texts(names: Sequence[str]) -> Texts:
    return np.array([*names, ""], dtype=object)


def trace(names: EventNames, replication: int, results: Sequence[RunResult]) -> Iterator[str]:
    """Yield the rows of one replication in pieces of text: all components together, in order of time.

    A patient is named ZONE/PROFILE/ORDINAL, as at arrival; an event of no patient (a capacity) has none.
    """
    homes = np.concatenate([*(names.zones[result.people.zone] for result in results), _texts([])])
    firsts = np.concatenate([*(names.profiles[result.people.profile] for result in results), _texts([])])
    ordinals = np.concatenate([*(result.people.ordinal.astype(str) for result in results), [""]])
    events = np.concatenate([result.events for result in results])
    patients = np.concatenate(_patients_counted_through(results))
    order = np.argsort(events["time"], kind="stable")
    for start in range(0, len(order), ROWS_AT_ONCE):
        chosen = order[start : start + ROWS_AT_ONCE]
        who, what = patients[chosen], events[chosen]
        columns = (
            what["time"].tolist(),
            who.tolist(),
            homes[who].tolist(),
            firsts[who].tolist(),
            ordinals[who].tolist(),
            names.profiles[what["profile"]].tolist(),
            names.pathways[what["step"]].tolist(),
            names.steps[what["step"]].tolist(),
            names.events[what["kind"]].tolist(),
            names.resources[what["resource"]].tolist(),
            np.where(what["resource"] >= 0, what["units"], 0).tolist(),
            names.details(what["kind"], what["detail"]).tolist(),
        )
        yield "".join(
            f"{time!r},{replication},{f'{home}/{first}/{ordinal}' if patient >= 0 else ''},{home},{profile},"
            f"{pathway},{step},{event},{resource},{units if resource else ''},{detail}\n"
            for (
                time,
                patient,
                home,
                first,
                ordinal,
                profile,
                pathway,
                step,
                event,
                resource,
                units,
                detail,
            ) in zip(*columns, strict=True)
        )


def _patients_counted_through(results: Sequence[RunResult]) -> list[npt.NDArray[np.int64]]:
    """Return each log's patients numbered on from those of the logs before; -1 stays -1."""
    numbered, before = [], 0
    for result in results:
        patients = result.events["patient"].astype(np.int64)
        numbered.append(np.where(patients < 0, -1, patients + before))
        before += len(result.people.zone)
    return numbered
