"""Steps as profiles meet them, read from the flat model, and its numbers: the chain's rates are products of these.

What hangs on numbers only through a product of *quantities* (rates of hazard rows, factors, probabilities of routes,
clocks) is told apart from what the chain is made of (which rows there are, where they lead, which quantities are 0), so
that the states are found once for all parameter draws that differ in numbers alone (see `structure`).
"""

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from simulation.flat_model import FlatModel, RowArray
from simulation.fluid.laws import DurationLaw
from simulation.streams import Law

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Factors = tuple[int, ...]
"""Places among the quantities whose product is meant."""

SURE = 0
"""The quantity that is one."""
_SHORTEST = 1e-9
"""A mark lasts at least this long."""


class Service(NamedTuple):
    """A row of services; `onset_clock`: where the rate of its onset stands among the quantities."""

    slot: int
    resource: int
    amount: int
    onset: float
    keep: float
    leads_to: int
    onset_clock: int


class Hazard(NamedTuple):
    """A hazard row of a stay; `quantity`: its rate per time unit or its factor."""

    hazard: int
    is_rated: bool
    needs: int
    to: int
    profile: int
    mark: int
    quantity: int


class Route(NamedTuple):
    """A row of the routing at a stay's end; `quantity`: its probability."""

    law: DurationLaw
    to: int
    profile: int
    mark: int
    quantity: int


@dataclass(frozen=True)
class Context:
    """A step as a profile meets it."""

    law: DurationLaw
    by_destination: bool
    gate: int
    amount: int
    services: tuple[Service, ...]
    routes: tuple[Route, ...]
    rated: tuple[Hazard, ...]
    factors: tuple[Hazard, ...]
    leads_to: int
    on_break: int


class Memories:
    """Which marks and services some hazard looks at, a bit each."""

    def __init__(self, model: FlatModel) -> None:
        rows = model.hazards
        marks = sorted({int(mark) for mark in rows["mark_needed"] if mark >= 0})
        slots = sorted({int(slot) for slot in rows["slot"] if slot >= 0})
        self.count = 1 << (len(marks) + len(slots))
        self.mark_bit = {mark: 1 << number for number, mark in enumerate(marks)}
        self.slot_bit = {slot: 1 << (len(marks) + number) for number, slot in enumerate(slots)}


class Quantities:
    """The numbers of a flat model in one row, and where each kind begins."""

    def __init__(self, model: FlatModel, memories: Memories) -> None:
        hazards, services = model.hazards, model.services
        rated = ~np.isnan(hazards["rate"])
        parts = [
            np.ones(1),
            np.where(rated, hazards["rate"] * hazards["factor"], hazards["factor"]),
            _probabilities(model),
            _inverse(services["onset"]),
            _inverse(_longest_keeps(model)),
            _forgetting(model, memories),
        ]
        starts = np.cumsum([0, *(len(part) for part in parts)]).tolist()
        self.values = np.concatenate(parts).astype(np.float64)
        _, self.hazards, self.routes, self.onsets, self.keeps, self.marks, _ = starts
        self.mark_place = {mark: self.marks + place for place, mark in enumerate(memories.mark_bit)}

    def products(self, factors: Ints) -> Floats:
        """Return the product of each row of places [row, factor], those beyond a row's end being `SURE`."""
        return np.asarray(self.values[factors].prod(axis=1))


def read_contexts(model: FlatModel, memories: Memories, quantities: Quantities) -> list[Context]:
    """Return the context of each (step, profile), row `step * profiles + profile`."""
    services = [
        Service(slot, resource, amount, onset, keep, leads_to, quantities.onsets + place)
        for place, (slot, resource, amount, onset, keep, leads_to) in enumerate(
            _rows(model.services, "slot", "resource", "amount", "onset", "keep", "leads_to")
        )
    ]
    hazards = [
        Hazard(
            hazard,
            rate == rate,  # a row without a rate, which is not a number, only multiplies
            (memories.slot_bit[slot] if slot >= 0 else 0) | (memories.mark_bit[needed] if needed >= 0 else 0),
            to,
            profile,
            memories.mark_bit.get(mark, 0),
            quantities.hazards + place,
        )
        for place, (hazard, rate, slot, needed, to, profile, mark) in enumerate(
            _rows(model.hazards, "hazard", "rate", "slot", "mark_needed", "to", "profile", "mark")
        )
    ]
    routes = [
        Route(DurationLaw(law, a, b, c), to, profile, memories.mark_bit.get(mark, 0), quantities.routes + place)
        for place, (law, a, b, c, to, profile, mark) in enumerate(
            _rows(model.routes, "law", "a", "b", "c", "to", "profile", "mark")
        )
    ]
    found = []
    columns = _rows(
        model.contexts,
        *("law", "a", "b", "c", "gate", "amount", "on_break", "service_start", "service_end"),
        *("route_start", "route_end", "stay_start", "stay_end"),
    )
    anchors = np.repeat(model.step_anchor.astype(np.bool_), model.profiles).tolist()
    for (
        law,
        a,
        b,
        c,
        gate,
        amount,
        on_break,
        service,
        services_end,
        route,
        routes_end,
        stay,
        stays_end,
    ), anchor in zip(columns, anchors, strict=True):
        own, stays = tuple(services[service:services_end]), hazards[stay:stays_end]
        found.append(
            Context(
                law=DurationLaw(law, a, b, c),
                by_destination=law == Law.BY_DESTINATION,
                gate=gate,
                amount=amount,
                services=own,
                routes=tuple(routes[route:routes_end]),
                rated=tuple(each for each in stays if each.is_rated),
                factors=tuple(each for each in stays if not each.is_rated),
                leads_to=next((each.leads_to for each in own if each.leads_to >= 0), -1) if anchor else -1,
                on_break=on_break,
            )
        )
    return found


def owners(contexts: list[Context], profiles: int) -> list[int]:
    """Return, for each (step, profile), the first profile whose entry begins the same stay: law, gate and services."""
    found = []
    first: dict[tuple[object, ...], int] = {}
    for place, context in enumerate(contexts):
        if place % profiles == 0:
            first = {}
        laws = tuple(route.law for route in context.routes) if context.by_destination else ()
        held = tuple(service[:-1] for service in context.services)
        key = (context.law, laws, context.gate, context.amount, held)
        found.append(first.setdefault(key, place % profiles))
    return found


def signature(model: FlatModel, quantities: Quantities, owned: list[int]) -> bytes:
    """Return what the states of the chain hang on: two models with the same signature differ in numbers alone."""
    contexts, routes = model.contexts, model.routes
    parts = [
        *(contexts[name] for name in contexts.dtype.names or () if contexts.dtype[name].kind == "i"),
        *(routes[name] for name in ("law", "to", "profile", "mark")),
        *(model.services[name] for name in ("slot", "resource", "amount", "leads_to")),
        *(model.hazards[name] for name in ("hazard", "slot", "mark_needed", "to", "profile", "mark")),
        np.isnan(model.hazards["rate"]),
        *(model.step_anchor, model.step_exit, model.step_pathway, model.entry),
        *(contexts["a"] > 0.0, routes["a"] > 0.0),
        quantities.values > 0.0,
        np.array([model.profiles, *owned]),
    ]
    return b"|".join(np.ascontiguousarray(part).tobytes() for part in parts)


def _probabilities(model: FlatModel) -> Floats:
    """Return each route's probability from the cumulative ones of its context."""
    cumulative = model.routes["cumulative"].astype(np.float64)
    before = np.concatenate([np.zeros(1), cumulative[:-1]])[: len(cumulative)]
    starts = model.contexts["route_start"][model.contexts["route_end"] > model.contexts["route_start"]]
    before[starts] = 0.0
    return np.asarray(cumulative - before)


def _longest_keeps(model: FlatModel) -> Floats:
    """Return the longest time that any row keeps each slot."""
    found = np.zeros(len(model.slot_resource))
    np.maximum.at(found, model.services["slot"], model.services["keep"])
    return found


def _forgetting(model: FlatModel, memories: Memories) -> Floats:
    """Return the rate at which each mark ends, an exponential clock of the mean over rows; 0 where it never does."""
    marks = np.concatenate([model.hazards["mark"], model.routes["mark"]])
    times = np.concatenate([model.hazards["mark_time"], model.routes["mark_time"]])
    found = []
    for mark in memories.mark_bit:
        own = times[marks == mark]
        found.append(1.0 / max(float(np.mean(own)), _SHORTEST) if len(own) else 0.0)
    return np.array(found, dtype=np.float64)


def _inverse(times: Floats) -> Floats:
    return np.divide(1.0, times, out=np.zeros(len(times)), where=times > 0.0)


def _rows(table: RowArray, *names: str) -> "zip[tuple[Any, ...]]":
    """Return the rows of a flat table as plain numbers, only these columns."""
    return zip(*(table[name].tolist() for name in names), strict=True)
