"""A census as the origin of runs: the patients present today, placed in their steps, instead of a warm-up (T11).

What a census does not say is drawn, by keyed numbers, anew in each replication: how long each stay will still last
(given how long it has), when hazards strike, and who among equals chooses which pathway: a patient recorded in a
pathway chooses like somebody whom today's mix sends there, so that an unchanged mix moves nobody.

Gates and services are taken as of the day a step was entered. Everybody has the gate of the step, and the places
lived in as a service, even beyond capacity (those units drain); other services go by rank and then by the day
entered as far as units last, and the rest of the patients wait for theirs.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt

from instances.census import CensusRow
from instances.instance import Instance
from simulation.compilation import UNITS_PER_DAY, step_index
from simulation.components import Component
from simulation.configuration import Configuration
from simulation.flat_model import FlatModel, FlatPlan
from simulation.offer_in_force import OfferInForce, todays_offer
from simulation.start import FOUNDERS, before_warm_up, draw_hazards
from simulation.state import Held, State, Status, empty_state
from simulation.stay_laws import residual, survival
from simulation.streams import Law, uniform_pair, uniforms

# Ordinals of those counted, and of those who lend them their choice of a pathway.
COUNTED = 1 << 43
CHOOSERS = 1 << 44
_ROUNDS = 12  # of draws, each twice as many, for somebody who chooses a pathway
_LEAST_DRAWN = 64


@dataclass(frozen=True)
class Census:
    """The patients of a census as the origin of runs."""

    instance: Instance
    rows: tuple[CensusRow, ...]
    seed: int

    @cached_property
    def offer(self) -> OfferInForce:
        """Today's offer, in force at time 0."""
        return todays_offer(self.instance)

    @property
    def is_drawn(self) -> bool:
        """Say whether the patients came about under drawn parameters: they were counted."""
        return False

    def plan(self, instance: Instance, component: Component, configuration: Configuration) -> FlatPlan:
        """Compile a configuration that takes over from today's."""
        return self.offer.plan(instance, component, configuration)

    def rollout(self, configuration: Configuration) -> float | None:
        """Return how long those in an anchor step take to follow the mix: every configuration's rollout."""
        del configuration
        return self.instance.settings.horizon.rollout

    def state(self, instance: Instance, component: Component, model: FlatModel, replication: int) -> State:
        """Return the state at time 0: those counted, and those who will come."""
        coming = before_warm_up(instance, component, model, seed=self.seed, replication=replication)
        keep = (coming.patients["ordinal"] < FOUNDERS) & (coming.patients["arrival"] >= 0.0)
        columns = self._columns(component, model)
        counted = len(columns["step"])
        state = empty_state(model, counted + int(keep.sum()), 0.0)
        rows = state.patients
        rows[counted:] = coming.patients[keep]
        for name, values in columns.items():
            rows[name][:counted] = values
        plan = self.plan(instance, component, self.offer.configuration)
        rows["chooser"][:counted] = self._choosers(model, plan, rows[:counted], replication)
        order = np.lexsort((rows["ordinal"], rows["first_profile"], rows["zone"]))
        rows[:] = rows[order]
        return _Arrival(instance, model, plan, state, self.seed, replication).placed()

    def _columns(self, component: Component, model: FlatModel) -> dict[str, npt.NDArray[np.generic]]:
        """Return what the census says, one value a patient, patients of a zone and profile numbered as they stand."""
        zones = {self.instance.territories[index].zone: number for number, index in enumerate(component.territories)}
        profiles = {row.profile: number for number, row in enumerate(self.instance.profiles)}
        steps = step_index(self.instance)
        own = [row for row in self.rows if row.zone in zones]
        counts = [row.count for row in own]
        zone = np.repeat(np.array([zones[row.zone] for row in own], dtype=np.int32), counts)
        profile = np.repeat(np.array([profiles[row.profile] for row in own], dtype=np.int32), counts)
        step = np.repeat(np.array([steps[row.pathway, row.step] for row in own], dtype=np.int32), counts)
        days = np.repeat(np.array([row.days_elapsed for row in own], dtype=np.float64), counts)
        entered = -days * UNITS_PER_DAY[self.instance.settings.time_unit]
        ordinal = np.zeros(len(zone), dtype=np.uint64)
        for place in set(zip(zone.tolist(), profile.tolist(), strict=True)):
            members = (zone == place[0]) & (profile == place[1])
            ordinal[members] = np.arange(members.sum(), dtype=np.uint64) + np.uint64(COUNTED)
        return {
            "zone": zone,
            "first_profile": profile,
            "profile": profile,
            "step": step,
            "pathway": model.step_pathway[step],
            "group": model.group[zone, profile],
            "ordinal": ordinal,
            "entered": entered,
            "arrival": entered,
            "status": np.full(len(zone), int(Status.STAYING)),
        }

    def _choosers(
        self, model: FlatModel, plan: FlatPlan, rows: npt.NDArray[np.void], replication: int
    ) -> npt.NDArray[np.uint64]:
        """Return for each patient a first key under which today's mix sends the profile to the pathway recorded.

        Where it never does (a pathway no longer offered) the patient has a choice of their own, and follows it.
        """
        chooser: npt.NDArray[np.uint64] = rows["ordinal"].copy()
        for zone, profile in set(zip(rows["zone"].tolist(), rows["profile"].tolist(), strict=True)):
            members = np.flatnonzero((rows["zone"] == zone) & (rows["profile"] == profile))
            wanted = rows["pathway"][members]
            found = _lenders(model, plan, zone, profile, wanted, self.seed, replication)
            chooser[members] = np.where(found > 0, found, chooser[members])
        return chooser


def _lenders(
    model: FlatModel,
    plan: FlatPlan,
    zone: int,
    profile: int,
    wanted: npt.NDArray[np.int32],
    seed: int,
    replication: int,
) -> npt.NDArray[np.uint64]:
    """Return for each pathway wanted the next unused key that leads to it; 0 where none was found."""
    found = np.zeros(len(wanted), dtype=np.uint64)
    drawn = 0
    for number in range(_ROUNDS):
        batch = max(_LEAST_DRAWN, len(wanted)) * 2**number
        keys = np.arange(drawn, drawn + batch, dtype=np.uint64) + np.uint64(CHOOSERS)
        drawn += batch
        sent = _orientation(model, plan.share[zone, profile], zone, profile, keys, seed, replication)
        for pathway in np.unique(wanted):
            missing = np.flatnonzero((wanted == pathway) & (found == 0))
            lent = keys[sent == pathway][: len(missing)]
            found[missing[: len(lent)]] = lent
        if (found > 0).all():
            break
    return found


def _orientation(
    model: FlatModel,
    share: npt.NDArray[np.float64],
    zone: int,
    profile: int,
    keys: npt.NDArray[np.uint64],
    seed: int,
    replication: int,
) -> npt.NDArray[np.int64]:
    """Return where the mix sends each key, refusers to their fallback (T3); -1: nothing is offered."""
    offered = np.flatnonzero(share > 0.0)
    if len(offered) == 0:
        return np.full(len(keys), -1)
    groups = np.full(len(keys), model.group[zone, profile], dtype=np.uint64)
    draws = [
        # NumPy's logarithm may differ from the engines' in the last bit: it would take a tie to notice
        -np.log(uniforms(seed, replication, keys, groups, model.orientation_purpose[pathway])) / share[pathway]
        for pathway in offered
    ]
    sent: npt.NDArray[np.int64] = offered[np.argmin(draws, axis=0)].astype(np.int64)
    for pathway in offered:
        accepted, fallback = model.acceptance[zone, profile, pathway], model.fallback[zone, profile, pathway]
        if accepted < 1.0 and fallback >= 0:
            refusal = uniforms(seed, replication, keys, groups, model.acceptance_purpose[pathway]) >= accepted
            sent = np.where((sent == pathway) & refusal, -2 - fallback, sent)
    return np.where(sent < -1, -2 - sent, sent)


@dataclass(frozen=True)
class _Request:
    """A service of a patient present, in the order in which it is served: rank, time of asking, patient."""

    level: int
    asked: float
    patient: int
    row: int  # of `services`
    lives_in: bool  # a place lived in: held whatever the capacity

    @property
    def rank(self) -> tuple[bool, int, float, int, int]:
        return (not self.lives_in, self.level, self.asked, self.patient, self.row)


class _Arrival:
    """Patients being placed in the state at time 0."""

    def __init__(
        self, instance: Instance, model: FlatModel, plan: FlatPlan, state: State, seed: int, replication: int
    ) -> None:
        self.model, self.plan, self.state = model, plan, state
        self.seed, self.replication = seed, replication
        self.places = [row.kind == "place" for row in instance.resources]
        self.in_use = np.zeros(len(model.pool_resource), dtype=np.int64)
        self.lines: list[list[tuple[int, int, int]]] = [[] for _ in self.in_use]
        self.present = np.flatnonzero(state.patients["status"] == Status.STAYING)

    def placed(self) -> State:
        """Return the state with everybody placed."""
        for here, members in self._by_context():
            self._stays(here, members)
            self._gates(here, members)
        for request in sorted(self._requests(), key=lambda each: each.rank):
            self._serve(request)
        for here, members in self._by_context():
            self._rates(here, members)
        patients, clocks = self.state.patients[self.present], self.state.clocks[self.present]
        draw_hazards(self.model, patients, clocks, 0.0, self.seed, self.replication)
        self.state.patients[self.present], self.state.clocks[self.present] = patients, clocks
        waiting = sorted((entry for line in self.lines for entry in line), key=lambda entry: entry[:2])
        return replace(self.state, waiting=np.array(waiting, dtype=np.int64).reshape(-1, 3))

    def _by_context(self) -> Iterator[tuple[np.void, npt.NDArray[np.int64]]]:
        """Yield each context with the patients in it."""
        rows = self.state.patients[self.present]
        contexts = rows["step"].astype(np.int64) * self.model.profiles + rows["profile"]
        for context in np.unique(contexts):
            yield self.model.contexts[context], self.present[contexts == context]

    def _stays(self, here: np.void, members: npt.NDArray[np.int64]) -> None:
        """T5: what is left of each stay and where it leads, by the numbers of the first stay in a step of this name."""
        rows = self.state.patients[members]
        name = self.model.step_name[rows["step"][0]]
        key, law = self.model.name_purpose[name], _law(here)
        self.state.visits[members, name] = 1
        for number, (ordinal, group, entered) in enumerate(
            zip(rows["ordinal"], rows["group"], rows["entered"].tolist(), strict=True)
        ):
            length, routing = uniform_pair(self.seed, self.replication, ordinal, group, key, 0)
            own = law
            if here["law"] == Law.BY_DESTINATION:
                route = self._route(here, -entered, routing)
                rows["route"][number] = route
                own = _law(self.model.routes[route])
            rows["routing"][number] = routing
            rows["stay_end"][number] = residual(*own, -entered, length)
        self.state.patients[members] = rows

    def _route(self, here: np.void, elapsed: float, draw: float) -> int:
        """Return the destination drawn given that the stay has lasted so long: P(route) S(elapsed | route)."""
        routes = range(int(here["route_start"]), int(here["route_end"]))
        cumulative = self.model.routes["cumulative"][routes.start : routes.stop]
        shares = np.diff(cumulative, prepend=0.0)
        lasting = [survival(*_law(self.model.routes[route]), elapsed) for route in routes]
        weights = np.cumsum(shares * lasting)
        if weights[-1] <= 0.0:
            weights = cumulative
        return routes[min(int(np.searchsorted(weights, draw * weights[-1], side="right")), len(routes) - 1)]

    def _gates(self, here: np.void, members: npt.NDArray[np.int64]) -> None:
        if here["gate"] < 0:
            return
        pools = self.model.pool_of[self.state.patients["zone"][members], here["gate"]]
        self.state.patients["gate_pool"][members] = pools
        self.state.patients["gate_units"][members] = here["amount"]
        np.add.at(self.in_use, pools, here["amount"])

    def _requests(self) -> Iterator[_Request]:
        entered = self.state.patients["entered"].tolist()
        for here, members in self._by_context():
            for number in range(int(here["service_start"]), int(here["service_end"])):
                service = self.model.services[number]
                lives_in = self.places[service["resource"]] and bool(service["leads_to"] < 0)
                level = int(service["level"])
                for patient in members.tolist():
                    yield _Request(level, entered[patient], patient, number, lives_in)

    def _serve(self, request: _Request) -> None:
        """T7: grant a service as of the day the step was entered, or let the patient wait for it."""
        row, service = self.state.patients[request.patient], self.model.services[request.row]
        slot = self.state.slots[request.patient, service["slot"]]
        own, units = int(self.model.pool_of[row["zone"], service["resource"]]), int(service["amount"])
        slot["asked"], slot["active"], slot["row"] = request.asked, 1, request.row
        slot["level"], slot["units"], slot["pool"] = request.level, units, own
        pool = own if request.lives_in else self._pool_with_room(own, units)
        if pool < 0:
            slot["state"] = Held.WAITING
            entry = request.patient * (self.state.slots.shape[1] + 1) + int(service["slot"])
            self.lines[own].append((own, request.level, entry))
            return
        slot["state"], slot["pool"] = Held.HELD, pool
        self.in_use[pool] += units
        acts = request.asked + service["onset"]
        slot["acting"] = acts <= 0.0
        slot["onset_time"] = acts if acts > 0.0 else np.inf
        if service["leads_to"] >= 0:
            row["transfer"] = service["slot"]
            if self.model.step_anchor[row["step"]]:
                row["request_time"] = 0.0

    def _pool_with_room(self, own: int, units: int) -> int:
        """T4, T9: the own pool if nobody waits there, else the nearest with room and nobody waiting; -1: none.

        Requests come in the order of rank, so that whoever waits already goes first.
        """
        start, end = self.model.neighbour_start[own], self.model.neighbour_start[own + 1]
        for pool in (own, *self.model.neighbours[start:end].tolist()):
            if not self.lines[pool] and self.in_use[pool] + units <= self.plan.capacity[pool]:
                return int(pool)
        return -1

    def _rates(self, here: np.void, members: npt.NDArray[np.int64]) -> None:
        """T6: the rates of the hazards in a step as services are; a census tells of no marks."""
        rates = np.zeros((len(members), len(self.model.hazard_names)))
        rows = [
            (row, np.ones(len(members), dtype=bool) if row["slot"] < 0 else self._acts(members, int(row["slot"])))
            for row in self.model.hazards[here["stay_start"] : here["stay_end"]]
            if row["mark_needed"] < 0
        ]
        for row, at_work in rows:
            if not np.isnan(row["rate"]):
                rates[at_work, row["hazard"]] += row["rate"] * row["factor"]
        for row, at_work in rows:
            if np.isnan(row["rate"]):
                rates[at_work, row["hazard"]] *= row["factor"]
        self.state.clocks["rate"][members] = rates

    def _acts(self, members: npt.NDArray[np.int64], slot: int) -> npt.NDArray[np.bool_]:
        acting: npt.NDArray[np.bool_] = self.state.slots["acting"][members, slot] == 1
        return acting


def _law(row: np.void) -> tuple[int, float, float, float]:
    return int(row["law"]), float(row["a"]), float(row["b"]), float(row["c"])


def counted(rows: Sequence[CensusRow]) -> int:
    """Return how many patients a census counts."""
    return sum(row.count for row in rows)
