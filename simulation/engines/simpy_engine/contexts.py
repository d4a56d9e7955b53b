"""The model's contexts, a step for a profile, as objects prepared for the rules: nothing is looked up twice."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce
from operator import or_
from types import MappingProxyType
from typing import Any

import numpy as np

from simulation.flat_model import FlatModel
from simulation.streams import Law, duration


@dataclass(frozen=True, slots=True)
class ServiceRow:
    """A service of a context (columns: see `flat_model.SERVICE`)."""

    number: int  # row of the model's table
    onset: float
    keep: float
    resource: int
    slot: int
    amount: int
    level: int
    leads_to: int


@dataclass(frozen=True, slots=True)
class RouteRow:
    """A route out of a context (columns: see `flat_model.ROUTE`)."""

    number: int  # row of the model's table
    cumulative: float
    mark_time: float
    law: int
    a: float
    b: float
    c: float
    to: int
    profile: int
    mark: int
    changes: bool  # the profile, or a mark


@dataclass(frozen=True, slots=True)
class HazardRow:
    """A hazard row of a context (columns: see `flat_model.HAZARD`)."""

    rate: float
    factor: float
    mark_time: float
    hazard: int
    to: int
    profile: int
    mark: int
    condition: int  # the one bit of a patient's situation that it needs; 0: none

    @property
    def is_rated(self) -> bool:
        """Whether the row has a rate of its own, rather than multiplying others."""
        return not math.isnan(self.rate)

    def is_at_work(self, situation: int) -> bool:
        """Whether what it needs is there: nothing, a service that acts, or a mark."""
        return self.condition == 0 or bool(situation & self.condition)


@dataclass(frozen=True, slots=True)
class Rates:
    """The hazard rates in force for whoever is in the same contexts and situation (T6)."""

    of_hazard: tuple[float, ...]
    above_zero: tuple[tuple[int, float], ...]  # (hazard, rate)
    rows: dict[int, tuple[HazardRow, ...]]  # the rated rows that share a hazard's rate


def rates_of(rates: Sequence[float], rows: Mapping[int, Sequence[HazardRow]] = MappingProxyType({})) -> Rates:
    """Return rates as the rules use them; rows: the rated ones of each hazard."""
    return Rates(
        of_hazard=tuple(rates),
        above_zero=tuple((hazard, rate) for hazard, rate in enumerate(rates) if rate > 0.0),
        rows={hazard: tuple(own) for hazard, own in rows.items()},
    )


@dataclass(slots=True, eq=False)
class Context:
    """A step for a profile: law of the stay, gate, services, routes, hazards."""

    number: int  # row of the model's table; -1: outside
    step: int  # -1: outside
    pathway: int
    name: int  # of the step, among the distinct ones
    purpose: int  # key of the stays in steps of this name
    is_anchor: bool
    is_exit: bool
    law: int
    a: float
    b: float
    c: float
    patience: float
    gate: int
    amount: int
    level: int
    queue_limit: int
    on_break: int
    hold: bool
    services: tuple[ServiceRow, ...]
    resources: frozenset[int]  # of the services
    slots: frozenset[int]  # of the services
    routes: tuple[RouteRow, ...]
    stay_hazards: tuple[HazardRow, ...]
    wait_hazards: tuple[HazardRow, ...]
    is_calm: bool  # no hazard in the stay
    is_plain: bool  # entered without anything but its gate (see `plain`)
    watched: int  # bits of a situation on which the hazards of the stay depend
    watched_waiting: int  # bits on which those of waiting for this step depend
    leads_plainly: bool = False  # as do all steps that it leads to
    first_stays: tuple[list[float], list[float]] | None = None  # lengths and routing draws of all patients, once drawn
    rates: dict[int, Rates] = field(default_factory=dict)  # by the watched bits of a situation
    rates_waiting: dict[tuple[int, int], Rates] = field(default_factory=dict)  # by the awaited context too


NO_ROUTE = RouteRow(-1, 1.0, math.inf, -1, 0.0, 0.0, 0.0, -1, -1, -1, changes=False)
"""Stands for the route of a stay whose destination is drawn at its end."""


class PreparedModel:
    """The rows of a flat model as objects."""

    def __init__(self, model: FlatModel) -> None:
        self.services = [ServiceRow(number, *row) for number, row in enumerate(model.services.tolist())]
        self.routes = [_route(number, row) for number, row in enumerate(model.routes.tolist())]
        self._hazards = [_hazard(row, len(model.slot_resource)) for row in model.hazards.tolist()]
        profiles = model.profiles
        steps = list(
            zip(
                model.step_pathway.tolist(),
                model.step_name.tolist(),
                model.name_purpose.view(np.int64)[model.step_name].tolist(),
                (model.step_anchor == 1).tolist(),
                (model.step_exit == 1).tolist(),
                strict=True,
            )
        )
        names = model.contexts.dtype.names or ()
        rows = [dict(zip(names, row, strict=True)) for row in model.contexts.tolist()]
        self.contexts = [  # by profile, then step
            [
                self._context(step * profiles + profile, step, rows[step * profiles + profile], *columns)
                for step, columns in enumerate(steps)
            ]
            for profile in range(profiles)
        ]
        for own in self.contexts:
            for context in own:
                context.leads_plainly = _leads_plainly(context, own)
        self.outside = self._context(-1, -1, dict.fromkeys(names, 0) | _NOTHING, -1, -1, 0, False, False)

    def _context(
        self,
        number: int,
        step: int,
        row: dict[str, Any],
        pathway: int,
        name: int,
        purpose: int,
        is_anchor: bool,
        is_exit: bool,
    ) -> Context:
        services = tuple(self.services[row["service_start"] : row["service_end"]])
        stay_hazards = tuple(self._hazards[row["stay_start"] : row["stay_end"]])
        wait_hazards = tuple(self._hazards[row["wait_start"] : row["wait_end"]])
        return Context(
            number=number,
            step=step,
            pathway=pathway,
            name=name,
            purpose=purpose,
            is_anchor=is_anchor,
            is_exit=is_exit,
            law=row["law"],
            a=row["a"],
            b=row["b"],
            c=row["c"],
            patience=row["patience"],
            gate=row["gate"],
            amount=row["amount"],
            level=row["level"],
            queue_limit=row["queue_limit"],
            on_break=row["on_break"],
            hold=row["hold"] == 1,
            services=services,
            resources=frozenset(each.resource for each in services),
            slots=frozenset(each.slot for each in services),
            routes=tuple(self.routes[row["route_start"] : row["route_end"]]),
            stay_hazards=stay_hazards,
            wait_hazards=wait_hazards,
            is_calm=step >= 0 and not stay_hazards,
            is_plain=not (
                is_anchor
                or stay_hazards
                or services
                or row["hold"]
                or row["queue_limit"] >= 0
                or row["law"] == Law.BY_DESTINATION
                or (is_exit and row["gate"] >= 0)
                or duration(row["law"], row["a"], row["b"], row["c"], 0.5) == 0.0  # might go round without time passing
            ),
            watched=_watched(stay_hazards),
            watched_waiting=_watched(wait_hazards),
        )


_NOTHING: dict[str, Any] = {
    "law": int(Law.ENDLESS),
    "patience": math.inf,
    "gate": -1,
    "queue_limit": -1,
    "on_break": -1,
}


def _leads_plainly(context: Context, steps: list[Context]) -> bool:
    """Say whether a plain step leads to plain steps only, and nothing changes on the way."""
    routes = context.routes
    return context.is_plain and bool(routes) and all(steps[row.to].is_plain and not row.changes for row in routes)


def _route(number: int, row: tuple[Any, ...]) -> RouteRow:
    cumulative, mark_time, law, a, b, c, to, profile, mark = row
    return RouteRow(number, cumulative, mark_time, law, a, b, c, to, profile, mark, profile >= 0 or mark >= 0)


def _hazard(row: tuple[Any, ...], slots: int) -> HazardRow:
    """Return a hazard row; of a situation the first bits are the services acting, those above the marks carried."""
    rate, factor, mark_time, hazard, slot, mark_needed, to, profile, mark = row
    condition = 1 << slot if slot >= 0 else 1 << slots + mark_needed if mark_needed >= 0 else 0
    return HazardRow(rate, factor, mark_time, hazard, to, profile, mark, condition)


def _watched(rows: tuple[HazardRow, ...]) -> int:
    return reduce(or_, (row.condition for row in rows), 0)
