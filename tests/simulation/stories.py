"""Tiny worlds with given arrivals, and what happens in them told in short lines."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from instances.instance import Instance
from simulation.compilation import compile_component, compile_plan
from simulation.components import components
from simulation.configuration import Configuration, todays_configuration
from simulation.flat_model import FlatModel
from simulation.records import Event, EventArray
from simulation.state import State, empty_state
from simulation.twin import EngineName, engine
from tests.simulation.written_instances import Row, read_back

STAY = {"pathway": "care", "setting": "ward"}
OUT = {"pathway": "care", "step": "out", "setting": "exit"}


def ends(step: str, to: str = "out", probability: float = 1.0, **cells: object) -> Row:
    """Where a stay of the pathway `care` leads."""
    return {"pathway": "care", "step": step, "to": to, "probability": probability, **cells}


def fixed(step: str, days: float, **cells: object) -> Row:
    """A step of the pathway `care` that lasts so long."""
    return {"pathway": "care", "step": step, "distribution": "fixed", "mean": days, **cells}


def world(
    *,
    steps: Sequence[Row],
    moves: Sequence[Row],
    entry: str = "stay",
    zones: Sequence[Row] = ({"zone": "01", "level": "territory"},),
    beds: int | Mapping[str, int] = 1,
    **tables: Sequence[Row],
) -> Instance:
    """An instance around the pathway `care`, by default one zone, the profile `old` and beds."""
    places = beds if isinstance(beds, Mapping) else {"01": beds}
    default: dict[str, Sequence[Row]] = {
        "zones": zones,
        "resources": [{"resource": "bed"}],
        "capacities": [
            {"zone": zone, "resource": "bed", "current": units, "minimum": 0, "maximum": 9}
            for zone, units in places.items()
        ],
        "profiles": [{"profile": "old"}],
        "needs": [{"zone": "01", "profile": "old"}],
        "pathways": [{"pathway": "care", "entry": entry}],
        "offers": [{"profile": "old", "pathway": "care", "current": 1}],
        "steps": [*steps, OUT],
        "moves": moves,
    }
    return read_back({**default, **tables}, {"run": 1000.0})


@dataclass(frozen=True)
class Scene:
    """A component of an instance, ready to be played by either engine."""

    instance: Instance
    model: FlatModel
    state: State

    def play(
        self,
        engine_name: EngineName,
        *,
        until: float = 100.0,
        configuration: Configuration | None = None,
        rollout: float | None = None,
    ) -> tuple[list[str], State]:
        """Return what happens, in lines, and the state at the end."""
        today = todays_configuration(self.instance)
        plan = compile_plan(self.instance, components(self.instance)[0], configuration or today, today)
        events, end = engine(engine_name)(
            self.model, plan, self.state, seed=1, replication=0, until=until, rollout=rollout
        )
        return told(self.instance, self.model, events), end

    def after(self, engine_name: EngineName, moment: float) -> "Scene":
        """Return the scene at a later moment, as its time 0 where plans begin to act."""
        _, state = self.play(engine_name, until=moment)
        return replace(self, state=state)


def scene(instance: Instance, *arrivals: float | tuple[float, str] | tuple[float, str, str]) -> Scene:
    """Return the scene in which people arrive at given times: (time, zone, profile), else the first of each."""
    (component,) = components(instance)
    model = compile_component(instance, component)
    zones = [row.zone for row in instance.territories]
    profiles = [row.profile for row in instance.profiles]
    state = empty_state(model, len(arrivals), 0.0)
    for number, arrival in enumerate(arrivals):
        time, zone, profile = (*(arrival if isinstance(arrival, tuple) else (arrival,)), "", "")[:3]
        row = state.patients[number]
        row["zone"] = zones.index(zone) if zone else 0
        row["first_profile"] = row["profile"] = profiles.index(profile) if profile else 0
        row["group"] = model.group[row["zone"], row["profile"]]
        row["ordinal"] = row["chooser"] = number
        row["arrival"] = row["settled"] = time
    return Scene(instance, model, state)


def told(instance: Instance, model: FlatModel, events: EventArray) -> list[str]:
    """Tell each record in a line: time, patient, what, and which."""
    return [" ".join(_line(instance, model, record)) for record in events]


def _line(instance: Instance, model: FlatModel, record: np.void) -> list[str]:
    kind = Event(int(record["kind"]))
    who = "-" if record["patient"] < 0 else f"#{record['patient']}"
    return [f"{record['time']:g}", who, kind.name, *_which(instance, model, kind, record)]


def _which(instance: Instance, model: FlatModel, kind: Event, record: np.void) -> list[str]:
    detail, units = int(record["detail"]), int(record["units"])
    if kind in (Event.ARRIVE, Event.REORIENT):
        return [instance.pathways[detail].pathway]
    if kind in (Event.WAIT, Event.BREAK):
        step = model.step_codes[detail][1]
        return [step, "line full"] if kind == Event.BREAK and units else [step]
    if kind == Event.ENTER:
        return [model.step_codes[int(record["step"])][1], *_units(instance, model, record)]
    if kind == Event.HAZARD:
        return [model.hazard_names[detail]]
    if kind == Event.PROFILE:
        return [instance.profiles[int(record["profile"])].profile]
    if kind in (Event.MARK, Event.MARK_END):
        return [model.mark_names[detail]]
    return _units(instance, model, record)


def _units(instance: Instance, model: FlatModel, record: np.void) -> list[str]:
    if record["pool"] < 0:
        return []
    pool = int(record["pool"])
    resource = int(model.pool_resource[pool])
    same = [number for number in range(len(model.pool_resource)) if model.pool_resource[number] == resource]
    place = f"@{same.index(pool) + 1}" if len(same) > 1 else ""
    return [f"{record['units']}", f"{instance.resources[resource].resource}{place}"]
