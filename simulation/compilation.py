"""The domain model compiled once into flat models and plans, one per component (see `flat_model`)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TypedDict

import numpy as np

from instances.instance import Instance
from instances.tables import Move, Service, StayLaw, Step
from simulation.components import Component, pools
from simulation.configuration import Configuration, offer_cells
from simulation.flat_model import CONTEXT, HAZARD, ROUTE, SERVICE, FlatModel, FlatPlan, FloatArray, IntArray, RowArray
from simulation.streams import Law, purpose, purposes

DAYS_PER_YEAR = 365.25
UNITS_PER_DAY = {"day": 1.0, "hour": 24.0, "minute": 1440.0}


def time_units_per_year(instance: Instance) -> float:
    """Return the length of a year of 365.25 days in the instance's time unit."""
    return DAYS_PER_YEAR * UNITS_PER_DAY[instance.settings.time_unit]


def step_index(instance: Instance) -> dict[tuple[str, str], int]:
    """Return the index of every (pathway, step) of the expanded instance, in table order."""
    index: dict[tuple[str, str], int] = {}
    for step in instance.expanded.steps:
        index.setdefault((step.pathway, step.step), len(index))
    return index


def law_parameters(row: StayLaw) -> tuple[int, float, float, float]:
    """Return code and parameters of a duration law (see `Law`); an empty distribution is endless."""
    name = row.distribution
    mean = row.mean or 0.0
    sd = row.sd if row.sd is not None else float(np.sqrt(row.variance or 0.0))
    if name == "":
        return Law.ENDLESS, 0.0, 0.0, 0.0
    if name == "fixed":
        return Law.FIXED, mean, 0.0, 0.0
    if name == "exponential":
        return Law.EXPONENTIAL, mean, 0.0, 0.0
    if name == "lognormal":
        return _lognormal(row, sd)
    if name == "normal":
        return Law.NORMAL, mean, sd, 0.0
    if name == "uniform":
        return Law.UNIFORM, row.low or 0.0, row.high or 0.0, 0.0
    if name == "triangular":
        return Law.TRIANGULAR, row.low or 0.0, row.mode or 0.0, row.high or 0.0
    if name == "gamma":
        if row.shape is not None:
            return Law.GAMMA, row.shape, row.scale or 0.0, 0.0
        return Law.GAMMA, (mean / sd) ** 2, sd**2 / mean, 0.0
    if name == "erlang":
        shape = row.shape or 1.0
        return Law.GAMMA, shape, mean / shape, 0.0
    if name == "weibull":
        return Law.WEIBULL, row.shape or 1.0, row.scale or 0.0, 0.0
    return Law.HYPEREXPONENTIAL, row.mixture or 0.0, mean, row.mean_2 or 0.0


def _lognormal(row: StayLaw, sd: float) -> tuple[int, float, float, float]:
    """Mean m and sd s: variance of the logarithm log(1 + (s/m)^2); median d: mean of the logarithm log d."""
    if row.median is not None:
        location = float(np.log(row.median))
        if row.shape is not None:
            return Law.LOGNORMAL, location, row.shape, 0.0
        # s^2 = d^2 (x - 1) x with x = exp(variance of the logarithm)
        x = 0.5 * (1.0 + float(np.sqrt(1.0 + 4.0 * (sd / row.median) ** 2)))
        return Law.LOGNORMAL, location, float(np.sqrt(np.log(x))), 0.0
    mean = row.mean or 0.0
    if mean == 0.0:
        return Law.FIXED, 0.0, 0.0, 0.0
    spread = row.shape if row.shape is not None else float(np.sqrt(np.log1p((sd / mean) ** 2)))
    return Law.LOGNORMAL, float(np.log(mean)) - 0.5 * spread**2, spread, 0.0


class _Names:
    """Names of an instance as indices."""

    def __init__(self, instance: Instance) -> None:
        expanded = instance.expanded
        self.step = step_index(instance)
        self.profile = {row.profile: index for index, row in enumerate(instance.profiles)}
        self.pathway = {row.pathway: index for index, row in enumerate(instance.pathways)}
        self.resource = {row.resource: index for index, row in enumerate(instance.resources)}
        self.hazard = _numbered(move.hazard for move in expanded.moves if move.hazard)
        self.mark = _numbered(move.mark for move in expanded.moves if move.mark)
        self.slot = _numbered(service.resource for service in expanded.services)
        self.step_name = _numbered(code for _, code in self.step)
        priorities = {row.priority for row in expanded.steps} | {row.priority for row in expanded.services}
        self.level = {priority: rank for rank, priority in enumerate(sorted(priorities))}

    def target(self, pathway: str, text: str) -> int:
        """Return the step that a `to`, `on_break` or `leads_to` names; -1 when empty."""
        if not text:
            return -1
        if "/" in text:
            other, code = text.split("/", 1)
            return self.step[other, code]
        return self.step[pathway, text]


def _numbered(names: Iterable[str]) -> dict[str, int]:
    index: dict[str, int] = {}
    for name in names:
        index.setdefault(name, len(index))
    return index


@dataclass(frozen=True)
class Compiler:
    """Compiles one instance; what its components share is compiled once."""

    instance: Instance

    @cached_property
    def _names(self) -> "_Names":
        return _Names(self.instance)

    @cached_property
    def _tables(self) -> tuple[RowArray, RowArray, RowArray, RowArray]:
        return _contexts(self.instance, self._names)

    def component(self, component: Component) -> FlatModel:
        """Compile the instance for one component."""
        instance, names = self.instance, self._names
        contexts, services, routes, hazards = self._tables
        territories = [instance.territories[index] for index in component.territories]
        steps = list(names.step)
        rows = {(row.pathway, row.step): row for row in instance.expanded.steps}
        acceptance, fallback = _acceptance(instance, names, component)
        entries = {row.pathway: row.entry for row in instance.expanded.pathways}
        horizon = instance.settings.horizon
        return FlatModel(
            territories=np.array(component.territories, dtype=np.int32),
            group=np.array(
                [[purpose("patients", zone.zone, row.profile) for row in instance.profiles] for zone in territories],
                dtype=np.uint64,
            ),
            profiles=len(instance.profiles),
            pathways=len(instance.pathways),
            levels=max(1, len(names.level)),
            resources=len(instance.resources),
            contexts=contexts,
            services=services,
            routes=routes,
            hazards=hazards,
            step_codes=tuple(steps),
            step_pathway=_ints(names.pathway[pathway] for pathway, _ in steps),
            step_anchor=_ints(int(rows[key].anchor) for key in steps),
            step_exit=_ints(int(rows[key].setting == "exit") for key in steps),
            step_name=_ints(names.step_name[code] for _, code in steps),
            name_purpose=purposes("step", list(names.step_name)),
            hazard_names=tuple(names.hazard),
            hazard_purpose=purposes("hazard", list(names.hazard)),
            mark_names=tuple(names.mark),
            slot_resource=_ints(names.resource[code] for code in names.slot),
            entry=_ints(names.step[row.pathway, entries[row.pathway]] for row in instance.pathways),
            orientation_purpose=purposes("orientation", list(names.pathway)),
            acceptance_purpose=purposes("acceptance", list(names.pathway)),
            acceptance=acceptance,
            fallback=fallback,
            warm_up=horizon.warm_up,
            run=horizon.run,
            rollout=horizon.rollout,
            drain=horizon.drain,
            **_pools(instance, component),
        )


def compile_component(instance: Instance, component: Component) -> FlatModel:
    """Compile the instance for one component."""
    return Compiler(instance).component(component)


def _ints(values: Iterable[int]) -> IntArray:
    return np.array(list(values), dtype=np.int32)


def _contexts(instance: Instance, names: _Names) -> tuple[RowArray, RowArray, RowArray, RowArray]:
    expanded = instance.expanded
    per_year = time_units_per_year(instance)
    contexts = np.zeros(len(names.step) * len(names.profile), dtype=CONTEXT)
    services: list[tuple[object, ...]] = []
    routes: list[tuple[object, ...]] = []
    hazards: list[tuple[object, ...]] = []
    for key, number in names.step.items():
        for profile, column in names.profile.items():
            context = contexts[number * len(names.profile) + column]
            _fill_step(context, _step_row(expanded, key, profile), names)
            context["service_start"] = len(services)
            services.extend(_service(service, names) for service in expanded.service_rows(*key, profile))
            context["service_end"] = len(services)
            own = expanded.move_rows(*key, profile)
            context["route_start"] = len(routes)
            chosen = [move for move in own if move.probability is not None]
            routes.extend(_routes(chosen, names))
            context["route_end"] = len(routes)
            if any(move.distribution for move in chosen):
                context["law"] = Law.BY_DESTINATION
            for phase in ("stay", "wait"):
                context[f"{phase}_start"] = len(hazards)
                hazards.extend(
                    _hazard(move, names, per_year) for move in own if move.probability is None and move.phase == phase
                )
                context[f"{phase}_end"] = len(hazards)
    return (
        contexts,
        np.array(services, dtype=SERVICE),
        np.array(routes, dtype=ROUTE),
        np.array(hazards, dtype=HAZARD),
    )


def _step_row(expanded: Instance, key: tuple[str, str], profile: str) -> Step:
    """Return the row of a step for a profile; where none holds, nobody of that profile can come: any will do."""
    row = expanded.step_row(*key, profile)
    return row or next(step for step in expanded.steps if (step.pathway, step.step) == key)


def _fill_step(context: np.void, step: Step, names: _Names) -> None:
    law, a, b, c = law_parameters(step)
    context["law"], context["a"], context["b"], context["c"] = law, a, b, c
    context["patience"] = np.inf if step.patience is None else step.patience
    context["gate"] = names.resource[step.gate] if step.gate else -1
    context["amount"] = step.amount
    context["level"] = names.level[step.priority]
    context["queue_limit"] = -1 if step.queue_limit is None else step.queue_limit
    context["on_break"] = names.target(step.pathway, step.on_break)
    context["hold"] = step.hold


def _service(row: Service, names: _Names) -> tuple[object, ...]:
    return (
        row.onset,
        row.keep,
        names.resource[row.resource],
        names.slot[row.resource],
        row.amount,
        names.level[row.priority],
        names.target(row.pathway, row.leads_to),
    )


def _routes(rows: list[Move], names: _Names) -> list[tuple[object, ...]]:
    """Return the routes with cumulative probabilities; the last is exactly 1."""
    cumulative = np.cumsum([row.probability or 0.0 for row in rows])
    routes: list[tuple[object, ...]] = []
    for number, row in enumerate(rows):
        law, a, b, c = law_parameters(row)
        routes.append(
            (
                1.0 if number == len(rows) - 1 else float(cumulative[number]),
                np.inf if row.mark_days is None else row.mark_days,
                law,
                a,
                b,
                c,
                names.target(row.pathway, row.to),
                names.profile[row.new_profile] if row.new_profile else -1,
                names.mark[row.mark] if row.mark else -1,
            )
        )
    return routes


def _hazard(row: Move, names: _Names, per_year: float) -> tuple[object, ...]:
    needs_mark = bool(row.while_) and row.while_ not in names.slot
    return (
        np.nan if row.rate is None else row.rate / per_year,
        1.0 if row.factor is None else row.factor,
        np.inf if row.mark_days is None else row.mark_days,
        names.hazard[row.hazard],
        names.slot.get(row.while_, -1),
        names.mark[row.while_] if needs_mark else -1,
        names.target(row.pathway, row.to),
        names.profile[row.new_profile] if row.new_profile else -1,
        names.mark[row.mark] if row.mark else -1,
    )


def _acceptance(instance: Instance, names: _Names, component: Component) -> tuple[FloatArray, IntArray]:
    shape = (len(component.territories), len(names.profile), len(names.pathway))
    acceptance = np.ones(shape)
    fallback = np.full(shape, -1, dtype=np.int32)
    local = _local_territories(instance, component)
    for cell in offer_cells(instance):
        if cell.zone in local:
            place = (local[cell.zone], names.profile[cell.profile], names.pathway[cell.pathway])
            acceptance[place] = cell.acceptance
            if cell.fallback:
                fallback[place] = names.pathway[cell.fallback]
    return acceptance, fallback


def _local_territories(instance: Instance, component: Component) -> dict[str, int]:
    return {instance.territories[index].zone: number for number, index in enumerate(component.territories)}


def _component_pools(instance: Instance, component: Component) -> list[int]:
    """Return the indices among `pools(instance)` of the component's pools."""
    local = _local_territories(instance, component)
    return [
        number
        for number, pool in enumerate(pools(instance))
        if any(instance.ancestor(zone, instance.resources[pool.resource].level) == pool.zone for zone in local)
    ]


class _PoolArrays(TypedDict):
    """The pool arrays of a flat model."""

    pool_of: IntArray
    pool_resource: IntArray
    pool_global: IntArray
    pool_turnover: FloatArray
    neighbour_start: IntArray
    neighbours: IntArray


def _pools(instance: Instance, component: Component) -> _PoolArrays:
    every = pools(instance)
    numbers = _component_pools(instance, component)
    territories = [instance.territories[index].zone for index in component.territories]
    pool_of = np.full((len(territories), len(instance.resources)), -1, dtype=np.int32)
    for local, number in enumerate(numbers):
        level = instance.resources[every[number].resource].level
        for column, territory in enumerate(territories):
            if instance.ancestor(territory, level) == every[number].zone:
                pool_of[column, every[number].resource] = local
    starts, neighbours = _neighbours(
        instance, [every[number].zone for number in numbers], [every[number].resource for number in numbers]
    )
    return {
        "pool_of": pool_of,
        "pool_resource": _ints(every[number].resource for number in numbers),
        "pool_global": _ints(numbers),
        "pool_turnover": np.array([instance.resources[every[number].resource].turnover for number in numbers]),
        "neighbour_start": starts,
        "neighbours": neighbours,
    }


def _neighbours(instance: Instance, zones: list[str], resources: list[int]) -> tuple[IntArray, IntArray]:
    """Return for each pool the pools of its resource in its basin, nearest first, ties by zone order (T9)."""
    minutes = {(row.origin, row.destination): row.minutes for row in instance.travel}
    starts = [0]
    neighbours: list[int] = []
    for zone, resource in zip(zones, resources, strict=True):
        row = instance.resources[resource]
        if row.overflow == "basin" and row.level == "territory":
            basin = instance.ancestor(zone, "basin")
            others = [
                other
                for other, (place, kind) in enumerate(zip(zones, resources, strict=True))
                if kind == resource and place != zone and instance.ancestor(place, "basin") == basin
            ]
            neighbours.extend(sorted(others, key=lambda other: (minutes.get((zone, zones[other]), np.inf), other)))
        starts.append(len(neighbours))
    return _ints(starts), _ints(neighbours)


def effective_units(instance: Instance, configuration: Configuration, rows: tuple[int, ...]) -> int:
    """Return the whole units of a pool that patients can hold.

    floor(sum over capacity rows of (units - reserved) * (1 - travel_share when the resource travels)), not
    below 0.
    """
    total = 0.0
    resources = {row.resource: row for row in instance.resources}
    for index in rows:
        row = instance.capacities[index]
        lost = instance.zone_by_code[row.zone].travel_share if resources[row.resource].travels else 0.0
        total += (configuration.capacities[index] - row.reserved) * (1.0 - lost)
    return max(0, int(np.floor(total + 1e-9)))


def compile_plan(
    instance: Instance,
    component: Component,
    configuration: Configuration,
    before: Configuration,
    acts_at: Sequence[float] | None = None,
) -> FlatPlan:
    """Compile a configuration that follows `before`: each changed capacity row acts at its time in `acts_at`.

    Without `acts_at` the change is decided at time 0: each row acts after its lead time.
    """
    times = [row.lead_time for row in instance.capacities] if acts_at is None else acts_at
    numbers = _component_pools(instance, component)
    every = pools(instance)
    at_first = [effective_units(instance, before, every[number].rows) for number in numbers]
    changes: list[tuple[float, int, int]] = []
    for local, number in enumerate(numbers):
        rows = every[number].rows
        moving = [index for index in rows if configuration.capacities[index] != before.capacities[index]]
        now = list(before.capacities)
        for time in sorted({times[index] for index in moving}):
            for index in moving:
                if times[index] <= time:
                    now[index] = configuration.capacities[index]
            step = Configuration(configuration.shares, tuple(now), configuration.contract)
            changes.append((time, local, effective_units(instance, step, rows)))
    changes.sort()
    return FlatPlan(
        share=_shares(instance, component, configuration),
        capacity=_ints(at_first),
        change_time=np.array([time for time, _, _ in changes], dtype=np.float64),
        change_pool=_ints(pool for _, pool, _ in changes),
        change_capacity=_ints(units for _, _, units in changes),
    )


def _shares(instance: Instance, component: Component, configuration: Configuration) -> FloatArray:
    local = _local_territories(instance, component)
    profile = {row.profile: index for index, row in enumerate(instance.profiles)}
    pathway = {row.pathway: index for index, row in enumerate(instance.pathways)}
    share = np.zeros((len(local), len(profile), len(pathway)))
    for cell, value in zip(offer_cells(instance), configuration.shares, strict=True):
        if cell.zone in local:
            share[local[cell.zone], profile[cell.profile], pathway[cell.pathway]] = value
    return share
