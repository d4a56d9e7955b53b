"""The network in the instance format, read by the real reader, and what our engines make of it."""

import csv
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.twin.network import Figures, Network, Station
from instances.catalogue import load_instance
from instances.instance import Instance
from simulation.compilation import compile_component, compile_plan
from simulation.components import components
from simulation.configuration import todays_configuration
from simulation.engines.compiled_engine import with_stays_ahead
from simulation.flat_model import FlatModel, FlatPlan
from simulation.records import Event, EventArray
from simulation.start import before_warm_up
from simulation.state import State
from simulation.twin import Engine

_DAYS_PER_YEAR = 365.25


def instance_of(network: Network) -> Instance:
    """Write the network as an instance folder and read it back.

    Patience is a hazard of the wait: of constant rate, so exponential; it leads to an exit.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "six_pools"
        folder.mkdir()
        (folder / "instance.toml").write_text(
            f'format_version = 1\nname = "six pools"\n\n[horizon]\nrun = {network.days}\ndrain = true\n',
            encoding="utf-8",
        )
        for table, rows in _tables(network).items():
            _write(folder / f"{table}.csv", rows)
        return load_instance(folder)


def _tables(network: Network) -> Mapping[str, Sequence[Mapping[str, object]]]:
    stations = network.stations
    return {
        "zones": [
            {"zone": "territory", "level": "territory", "parent": "basin"},
            {"zone": "basin", "level": "basin", "parent": ""},
        ],
        "resources": [{"resource": station.name, "level": "territory"} for station in stations],
        "capacities": [
            {"zone": "territory", "resource": station.name, "current": station.units} for station in stations
        ],
        "profiles": [{"profile": "patient"}],
        "needs": [{"zone": "territory", "profile": "patient", "arrivals": network.arrivals * _DAYS_PER_YEAR}],
        "pathways": [{"pathway": "care", "entry": stations[0].name}],
        "offers": [{"profile": "patient", "pathway": "care", "current": 1, "minimum": 1, "maximum": 1}],
        "steps": [*(_step(station) for station in stations), _exit("cured"), _exit("left")],
        "moves": [move for station in stations for move in _moves(station)],
    }


def _step(station: Station) -> Mapping[str, object]:
    return {
        "pathway": "care",
        "step": station.name,
        "setting": "ward",
        "distribution": "exponential" if station.deviation is None else "lognormal",
        "mean": station.mean,
        "sd": station.deviation or "",
        "gate": station.name,
    }


def _exit(name: str) -> Mapping[str, object]:
    return {"pathway": "care", "step": name, "setting": "exit", "distribution": "", "mean": "", "sd": "", "gate": ""}


def _moves(station: Station) -> list[Mapping[str, object]]:
    routes = station.routes or (("cured", 1.0),)
    stays = [_move(station.name, "stay", to, probability=probability) for to, probability in routes]
    return [*stays, _move(station.name, "wait", "left", hazard="renege", rate=_DAYS_PER_YEAR / station.patience)]


def _move(step: str, phase: str, to: str, **cells: object) -> Mapping[str, object]:
    row: dict[str, object] = {"pathway": "care", "step": step, "phase": phase, "hazard": "", "to": to}
    return row | {"probability": "", "rate": ""} | cells


def _write(path: Path, rows: Sequence[Mapping[str, object]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


@dataclass(frozen=True)
class CompiledNetwork:
    """The instance compiled once, for all replications."""

    instance: Instance
    model: FlatModel
    plan: FlatPlan

    @staticmethod
    def of(network: Network) -> "CompiledNetwork":
        """Write, read and compile a network."""
        instance = instance_of(network)
        (part,) = components(instance)
        today = todays_configuration(instance)
        return CompiledNetwork(instance, compile_component(instance, part), compile_plan(instance, part, today, today))

    def start(self, seed: int) -> State:
        """Return the state in which everyone's arrival and first stays are drawn; all configurations share it."""
        (part,) = components(self.instance)
        state = before_warm_up(self.instance, part, self.model, seed=seed, replication=0)
        return with_stays_ahead(self.model, state, seed=seed, replication=0)

    def run(self, engine: Engine, state: State, seed: int) -> EventArray:
        """Run one replication from its start; return the full event log."""
        events, _ = engine(self.model, self.plan, state, seed=seed, replication=0, until=np.inf, rollout=None)
        return events


def figures(log: EventArray) -> Figures:
    """Count the model events of a log and take the mean wait from it."""
    kind = log["kind"]
    started = (kind == Event.ENTER) & (log["pool"] >= 0)
    reneged = kind == Event.HAZARD
    # every request is followed by its start or its renege, so the sum of waits is a difference of sums of times
    waited = log["time"][started].sum() + log["time"][reneged].sum() - log["time"][kind == Event.WAIT].sum()
    return Figures(
        arrivals=int(np.count_nonzero(kind == Event.ARRIVE)),
        starts=int(np.count_nonzero(started)),
        completions=int(np.count_nonzero(kind == Event.GATE_END)),
        reneges=int(np.count_nonzero(reneged)),
        mean_wait=float(waited / np.count_nonzero(kind == Event.WAIT)),
    )
