"""Queueing systems written as instances in our own folder format: stations, classes of customers, buildings.

One time unit is a day, so a rate per time unit is 365.25 times as much per year.
"""

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from instances.catalogue import load_instance
from instances.instance import Instance

DAYS_PER_YEAR = 365.25
OUT = "out"
LOST = "lost"
# A waiting room that never fills. It also gives closed networks a way out, which every instance must have.
ENDLESS_ROOM = 1_000_000

Cell = str | float | int
Law = Mapping[str, Cell]


def exponential(mean: float) -> Law:
    return {"distribution": "exponential", "mean": mean}


def fixed(mean: float) -> Law:
    return {"distribution": "fixed", "mean": mean}


def law(name: str, parameters: str) -> Law:
    """The duration laws of the tables of exact values, parameters as they are written there.

    The second parameter of `erlang` is the mean of the whole, as the tables' own mean stays show.
    """
    values = [float(text) for text in parameters.split()]
    if name == "deterministic":
        return fixed(values[0])
    if name == "exponential":
        return exponential(values[0])
    if name == "erlang":
        return {"distribution": "erlang", "shape": values[0], "mean": values[1]}
    if name == "hyperexp2":
        return {"distribution": "hyperexponential", "mixture": values[0], "mean": values[1], "mean_2": values[2]}
    columns = {
        "uniform": ("low", "high"),
        "lognormal": ("mean", "sd"),
        "triangular": ("low", "mode", "high"),
        "weibull": ("shape", "scale"),
        "gamma": ("shape", "scale"),
    }[name]
    return {"distribution": name, **dict(zip(columns, values, strict=True))}


@dataclass(frozen=True)
class Station:
    """A step behind a gate of `servers` units; without servers there is no gate and nobody waits."""

    name: str
    servers: int | None
    law: Law
    routes: Mapping[str, float] = field(default_factory=lambda: {OUT: 1.0})
    room: int | None = None  # customers who may wait
    patience: float | None = None
    abandon_rate: float = 0.0  # exponential patience, per time unit
    hold: bool = False  # who waits for this station stays on the server left
    routes_of: Mapping[str, Mapping[str, float]] = field(default_factory=dict)  # instead of `routes`, by class
    keeps: str = ""  # resource whose unit, just left as a gate, is kept during this stay


@dataclass(frozen=True)
class Customers:
    """A class of customers; `laws` and `amounts` are what differs by station from the station's own."""

    name: str
    entry: str
    rate: float = 0.0  # arrivals per time unit
    founders: int | None = None  # of a closed network
    priority: int = 0
    laws: Mapping[str, Law] = field(default_factory=dict)
    amounts: Mapping[str, int] = field(default_factory=dict)
    rhythm: str = ""
    zone: str = "here"


@dataclass(frozen=True)
class System:
    """A queueing system. With `elsewhere`, its stations also stand in a second zone, and full ones overflow.

    Copies are simulated together: a resource of the whole basin that nobody needs makes them one component.
    """

    stations: Sequence[Station]
    customers: Sequence[Customers]
    length: float  # over which is measured
    margin: float = 0.0  # run on, so that those measured finish
    warm_up: float = 0.0
    elsewhere: bool = False
    copies: int = 1  # of the whole system side by side, each in a zone of its own
    hourly: Sequence[float] = ()  # rates of the rhythm `day`, by hour; time unit: hour

    @property
    def per_year(self) -> float:
        return DAYS_PER_YEAR * (24.0 if self.hourly else 1.0)

    @cached_property
    def gated(self) -> tuple[Station, ...]:
        return tuple(station for station in self.stations if station.servers is not None)

    def settings(self) -> str:
        unit = "hour" if self.hourly else "day"
        return (
            f'format_version = 1\nname = "Queueing"\ntime_unit = "{unit}"\n\n[horizon]\n'
            f"warm_up = {float(self.warm_up)!r}\nrun = {float(self.length + self.margin)!r}\n"
        )

    @cached_property
    def zones(self) -> tuple[str, ...]:
        if self.elsewhere:
            return ("here", "elsewhere")
        return tuple(f"here_{number}" for number in range(self.copies)) if self.copies > 1 else ("here",)

    def tables(self) -> dict[str, list[dict[str, Cell]]]:
        """Return the rows of every table."""
        tables = self._tables()
        if self.copies > 1:
            tables["resources"].append({"resource": "shared", "level": "basin"})
            tables["capacities"].append({"zone": self.zones[0], "resource": "shared", "current": 1})
            tables["pathways"].append({"pathway": "unused", "entry": "shared"})
            tables["steps"] += [
                {"pathway": "unused", "step": "shared", "gate": "shared", **fixed(1.0)},
                {"pathway": "unused", "step": OUT, "setting": "exit"},
            ]
            tables["moves"].append({"pathway": "unused", "step": "shared", "to": OUT, "probability": 1})
        return tables

    def _tables(self) -> dict[str, list[dict[str, Cell]]]:
        zones = self.zones
        rhythms = [
            {"rhythm": "day", "start": hour, "period": 24 * -(-len(self.hourly) // 24), "factor": rate}
            for hour, rate in enumerate(self.hourly)
        ]
        return {
            "zones": [
                {"zone": "all", "level": "basin"},
                *({"zone": zone, "level": "territory", "parent": "all"} for zone in zones),
            ],
            "resources": [
                {"resource": station.name, "overflow": "basin" if self.elsewhere else "none"} for station in self.gated
            ]
            or [{"resource": "unused"}],
            "capacities": [
                {"zone": zone, "resource": station.name, "current": station.servers or 0}
                for zone in zones
                for station in self.gated
            ]
            or [{"zone": zones[0], "resource": "unused", "current": 1}],
            "profiles": [{"profile": group.name} for group in self.customers],
            "needs": [
                {
                    "zone": zone,
                    "profile": group.name,
                    "arrivals": group.rate * self.per_year,
                    "rhythm": group.rhythm,
                    **({} if group.founders is None else {"initial": group.founders}),
                }
                for group in self.customers
                for zone in ([group.zone] if self.copies == 1 else zones)
            ],
            "pathways": [
                {"pathway": f"from_{entry}", "base": "" if entry == self._entries[0] else f"from_{self._entries[0]}"}
                | {"entry": entry}
                for entry in self._entries
            ],
            "offers": [
                {"profile": group.name, "pathway": f"from_{group.entry}", "current": 1} for group in self.customers
            ],
            "steps": [self._step(station, group) for station in self.stations for group in self.customers]
            + [{"pathway": self._pathway, "step": name, "setting": "exit"} for name in sorted(self._exits)],
            "services": [
                {"pathway": self._pathway, "step": station.name, "resource": station.keeps}
                for station in self.stations
                if station.keeps
            ],
            "moves": [
                {"pathway": self._pathway, "step": station.name, "profile": profile, "to": to}
                | {"probability": probability}
                for station in self.stations
                for profile, routes in (station.routes_of or {"": station.routes}).items()
                for to, probability in _with_exit(routes).items()
            ]
            + [
                {"pathway": self._pathway, "step": station.name, "phase": "wait", "hazard": "abandon", "to": LOST}
                | {"rate": station.abandon_rate * self.per_year}
                for station in self.stations
                if station.abandon_rate > 0.0
            ],
            "rhythms": rhythms,
        }

    @cached_property
    def _entries(self) -> list[str]:
        return list(dict.fromkeys(group.entry for group in self.customers))

    @property
    def _pathway(self) -> str:
        return f"from_{self._entries[0]}"

    @property
    def _exits(self) -> set[str]:
        ways = [way for station in self.stations for way in station.routes_of.values() or [station.routes]]
        leaving = {to for routes in ways for to in _with_exit(routes)} & {OUT}
        return leaving | {LOST for station in self.stations if _may_lose(station)}

    def _step(self, station: Station, group: Customers) -> dict[str, Cell]:
        row: dict[str, Cell] = {"pathway": self._pathway, "step": station.name, "profile": group.name}
        row |= group.laws.get(station.name, station.law)
        if station.servers is not None:
            row |= {"gate": station.name, "amount": group.amounts.get(station.name, 1), "priority": group.priority}
            row["queue_limit"] = ENDLESS_ROOM if station.room is None else station.room
        if station.patience is not None:
            row["patience"] = station.patience
        if _may_lose(station):
            row["on_break"] = LOST
        if station.hold:
            row["hold"] = 1
        return row

    def write(self, folder: Path) -> Instance:
        """Write the folder and load it as anyone's instance is loaded: checked, no faults."""
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "instance.toml").write_text(self.settings(), encoding="utf-8")
        for name, rows in self.tables().items():
            if rows:
                columns = list(dict.fromkeys(column for row in rows for column in row))
                with (folder / f"{name}.csv").open("w", encoding="utf-8", newline="") as file:
                    writer = csv.DictWriter(file, columns, restval="", lineterminator="\n")
                    writer.writeheader()
                    writer.writerows({key: _text(value) for key, value in row.items()} for row in rows)
        return load_instance(folder)


def _with_exit(routes: Mapping[str, float]) -> dict[str, float]:
    """Routes that sum to 1: what is left goes out."""
    rest = 1.0 - sum(routes.values())
    positive = {to: share for to, share in routes.items() if share > 0.0}
    return positive | ({OUT: rest} if rest > 1e-9 else {})


def _may_lose(station: Station) -> bool:
    return station.room is not None or station.patience is not None or station.abandon_rate > 0.0


def _text(value: Cell) -> str:
    return value if isinstance(value, str) else repr(value)
