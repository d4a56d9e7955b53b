"""Expected flows from the pathways' semi-Markov chains, transient from the initial stock, without simulation.

A person's story is cut into *segments*: a segment starts when the person is oriented to a pathway w with profile p,
and ends when they next enter, or stand in, an anchor step with another profile (orientation is then revisited), or
leave. Within a segment the states are (current profile, step); between segments people only change profile. So

    L(s)[z, p]   = new(s)[z, p] + sum over (p0, w) of L(s)[z, p0] * mix[z, p0, w] * g(s)[p0, w, p]
    F(s)[z,p,w]  = L(s)[z, p] * rho(s)[p, w] / s

in the Laplace domain, where `new` holds the initial stock and the arrivals, `mix` the reference shares after
acceptance, `g` the transform of the passage from the start of a segment to the next orientation with profile p, and
`rho` the transform of what a segment uses. F, inverted at the end of the run, is what everybody of profile p in
territory z would use in pathway w *were its share one*: linear in the shares, which is what a linear programme needs.
Segment chains are common to all territories, so they are solved once per (profile, pathway).

The inverse uses the modified Talbot contour of Dingfelder and Weideman (Numerical Algorithms 68, 2015), whose error
falls as exp(-1.36 N). It needs the poles of the chain near the negative real axis, as those of stays are.

What this first version leaves out: stays end at a constant rate of the same mean; services are held from the start
of the step that asks for them (no onset, no keep, no wait); factors that hang on a mark are ignored; everyone starts
at the entry of their pathway; people without a given initial number start from nobody.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import gamma, sqrt
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from instances.faults import UnknownName
from instances.instance import Instance
from instances.settings import DAYS_PER_YEAR
from instances.tables import Cost, Move, Price, Service, StayLaw, Step
from simulation.configuration import Configuration, OfferCell, offer_cells, todays_configuration

CONTOUR_POINTS = 24
PER_PATIENT = ("patient", "entry", "outcome")

Charge = TypeVar("Charge", Price, Cost)
State = tuple[str, tuple[str, str]]
"""(profile, (pathway, step))."""
Landing = State | str | None
"""Where a flow lands: a state, a new orientation (the profile), or outside."""
Floats = NDArray[np.float64]
Complexes = NDArray[np.complex128]


@dataclass(frozen=True)
class FluidFlows:
    """Expected totals over the run of everybody of a cell's profile and territory, were the cell's share one.

    Arrays start with the axis of `cells` (those of `offer_cells`, then pathways that only refusers take). Money is in
    currency over the run; `contract` follows the instance's contracts (one unnamed contract when it has none);
    `operator` follows the providers, then one more: those who run the resource.
    """

    cells: tuple[tuple[int, int, int], ...]
    """(territory, profile, pathway) indices."""
    starts: Floats
    """[territory, profile] people oriented with that profile, any number of times."""
    person_time: Floats
    """[cell] time lived in the cell's segments."""
    entries: Floats
    """[cell, step] entries into each step of the expanded instance."""
    use: Floats
    """[cell, resource] unit-time of each resource."""
    revenue_free: Floats
    """[contract, cell, payer] paid for what hangs on no resource."""
    revenue_tied: Floats
    """[contract, cell, payer, resource] paid for what hangs on a resource."""
    cost_free: Floats
    """[cell, operator] borne for what hangs on no resource."""
    cost_tied: Floats
    """[cell, operator, resource] borne for what hangs on a resource."""
    acceptance: Floats
    """[cell, offer cell] part of those offered the second who end in the first."""


def fluid_flows(instance: Instance, reference: Configuration | None = None) -> FluidFlows:
    """Return the flows, those after a profile change following the reference shares (today's when none are given)."""
    offered = offer_cells(instance)
    shares = np.asarray((reference or todays_configuration(instance)).shares, dtype=np.float64)
    index = _Index(instance)
    cells, acceptance = _accepted_cells(offered, index)
    mix = acceptance @ shares
    horizon = float(instance.settings.horizon.run)
    points, weights = talbot_contour(horizon)

    segments = {key: _segment(key, index, points) for key in sorted({(p, w) for _, p, w in cells})}
    started = _segment_starts(index, cells, mix, segments, points)
    starts = _invert(started / points[:, None, None], weights)
    totals = np.stack(
        [_invert(started[:, z, p, None] * segments[p, w].used / points[:, None], weights) for z, p, w in cells]
    )
    return _unpack(index, cells, starts, totals, acceptance)


def talbot_contour(time: float, count: int = CONTOUR_POINTS) -> tuple[Complexes, Complexes]:
    """Return points s and weights c with f(time) = sum of Im(c * F(s)), for an inverse Laplace transform.

    >>> points, weights = talbot_contour(3.0)
    >>> bool(abs(np.sum((weights / (points + 0.5)).imag) - np.exp(-1.5)) < 1e-12)
    True
    """
    angle = (np.arange(count // 2) + 0.5) * 2.0 * np.pi / count
    turned = 0.6407 * angle
    points = (count / time * (-0.6122 + 0.5017 * angle / np.tan(turned) + 0.2645j * angle)).astype(np.complex128)
    slope = count / time * (0.5017 / np.tan(turned) - 0.5017 * turned / np.sin(turned) ** 2 + 0.2645j)
    weights: Complexes = 2.0 / count * np.exp(points * time) * slope
    return points, weights


def _invert(transform: Complexes, weights: Complexes) -> Floats:
    """Invert a transform [point, ...] at the contour's time."""
    total: Complexes = np.einsum("k,k...->...", weights, transform)
    return total.imag


class _Index:
    """The expanded instance's rows by what the chain looks them up with."""

    def __init__(self, instance: Instance) -> None:
        self.instance = instance
        self.full = instance.expanded
        self.zones = [zone.zone for zone in instance.territories]
        self.profiles = [row.profile for row in instance.profiles]
        self.pathways = [row.pathway for row in instance.pathways]
        self.resources = [row.resource for row in instance.resources]
        self.payers = [row.id for row in instance.payers]
        self.providers = [row.id for row in instance.providers]
        self.contracts = list(instance.contract_codes)
        self.steps = list(dict.fromkeys((row.pathway, row.step) for row in self.full.steps))
        self.step_number = {key: number for number, key in enumerate(self.steps)}
        self.turnover = {row.resource: row.turnover for row in instance.resources}
        self.units_per_year = instance.settings.time_units_per_year
        self.prices = _by_subject(instance.prices)
        self.costs = _by_subject(instance.costs)
        self._remembered: dict[State, tuple[Floats, Floats]] = {}
        self.entry = {row.pathway: row.entry for row in self.full.pathways}

    def step(self, key: tuple[str, str], profile: str) -> Step:
        """Return the step's row for a profile."""
        row = self.full.step_row(*key, profile)
        if row is None:
            raise UnknownName("step", f"{key[0]}/{key[1]} of {profile}", map("/".join, self.steps))
        return row

    def services(self, key: tuple[str, str], profile: str) -> tuple[Service, ...]:
        """Return the services asked for in a step by a profile."""
        return self.full.service_rows(*key, profile)

    def moves(self, key: tuple[str, str], profile: str) -> tuple[Move, ...]:
        """Return the moves out of a stay open to a profile."""
        return tuple(row for row in self.full.move_rows(*key, profile) if row.phase == "stay")

    def remembered(
        self, state: State, of_state: Callable[[State, "_Index"], tuple[Floats, Floats]]
    ) -> tuple[Floats, Floats]:
        """Return what a state uses; states recur in many segments."""
        if state not in self._remembered:
            self._remembered[state] = of_state(state, self)
        return self._remembered[state]


def _by_subject(rows: Sequence[Charge]) -> dict[str, list[Charge]]:
    found: dict[str, list[Charge]] = {}
    for row in rows:
        found.setdefault(row.subject, []).append(row)
    return found


def _accepted_cells(offered: Sequence[OfferCell], index: _Index) -> tuple[tuple[tuple[int, int, int], ...], Floats]:
    """Return every cell people can end in, and which part of each offer ends there."""
    found: dict[tuple[int, int, int], int] = {}
    ends: list[tuple[int, int, float]] = []
    for number, cell in enumerate(offered):
        zone, profile = index.zones.index(cell.zone), index.profiles.index(cell.profile)
        found[zone, profile, index.pathways.index(cell.pathway)] = number
    for number, cell in enumerate(offered):
        zone, profile = index.zones.index(cell.zone), index.profiles.index(cell.profile)
        refused = 1.0 - cell.acceptance if cell.fallback else 0.0
        ends.append((number, number, 1.0 - refused))
        if refused > 0.0:
            fallback = found.setdefault((zone, profile, index.pathways.index(cell.fallback)), len(found))
            ends.append((fallback, number, refused))
    acceptance = np.zeros((len(found), len(offered)))
    for end, number, part in ends:
        acceptance[end, number] += part
    return tuple(found), acceptance


@dataclass(frozen=True)
class _Segment:
    """One (profile, pathway) in the Laplace domain."""

    used: Complexes
    """[point, column] what a segment uses from its start, see `_columns`."""
    passage: Complexes
    """[point, profile] passage to the next orientation."""


@dataclass(frozen=True)
class _Chain:
    """A segment's states and the flows between them, per time unit."""

    states: list[State]
    entering: Floats
    """[state, state] rate of entries, entries into the same state included."""
    leaving: Floats
    """[state] rate at which each is left, or entered anew."""
    turning: Floats
    """[state, profile] rate of re-orientation."""


def _segment(key: tuple[int, int], index: _Index, points: Complexes) -> _Segment:
    chain = _chain(index.profiles[key[0]], index.pathways[key[1]], index)
    size = len(chain.states)
    if not size:
        return _Segment(
            used=np.zeros((len(points), _column_count(index)), complex),
            passage=np.zeros((len(points), len(index.profiles)), complex),
        )
    resolvent = points[:, None, None] * np.eye(size) + np.diag(chain.leaving) - chain.entering
    first = np.eye(size)[0]
    begun = np.broadcast_to(first, (len(points), size))
    present = np.linalg.solve(resolvent.transpose(0, 2, 1), begun[..., None])[..., 0]
    entered = present @ chain.entering + first
    rates, lumps, once = _columns(chain, key, index)
    return _Segment(used=present @ rates + entered @ lumps + once, passage=present @ chain.turning)


def _segment_starts(
    index: _Index,
    cells: Sequence[tuple[int, int, int]],
    mix: Floats,
    segments: dict[tuple[int, int], _Segment],
    points: Complexes,
) -> Complexes:
    """Return the transform [point, territory, profile] of the orientations, first ones and later ones."""
    shape = (len(points), len(index.zones), len(index.profiles))
    new = np.zeros(shape, complex)
    for need in index.instance.needs:
        where = index.zones.index(need.zone), index.profiles.index(need.profile)
        growth = np.log1p(need.growth) / index.units_per_year
        arrivals = need.arrivals / index.units_per_year
        new[:, where[0], where[1]] += (need.initial or 0) + arrivals / (points - growth)
    again = np.zeros((*shape, shape[2]), complex)
    for (zone, profile, pathway), share in zip(cells, mix, strict=True):
        again[:, zone, profile, :] += share * segments[profile, pathway].passage
    system = np.eye(shape[2]) - again.transpose(0, 1, 3, 2)
    started: Complexes = np.linalg.solve(system, new[..., None])[..., 0].astype(np.complex128)
    return started


# --- the chain of one segment -----------------------------------------------------------------------------------


def _chain(profile: str, pathway: str, index: _Index) -> _Chain:
    walk = _Walk(profile, pathway, index)
    start = walk.landing(profile, (pathway, index.entry[pathway]))
    numbers: dict[State, int] = {}
    flows: list[tuple[int, Landing, float]] = []
    pending = [start] if isinstance(start, tuple) else []
    while pending:
        state = pending.pop()
        if state in numbers:
            continue
        numbers[state] = len(numbers)
        for target, rate in walk.flows(state):
            flows.append((numbers[state], target, rate))
            if isinstance(target, tuple):
                pending.append(target)
    size = len(numbers)
    entering, leaving = np.zeros((size, size)), np.zeros(size)
    turning = np.zeros((size, len(index.profiles)))
    for origin, target, rate in flows:
        leaving[origin] += rate
        if isinstance(target, tuple):
            entering[origin, numbers[target]] += rate
        elif isinstance(target, str):
            turning[origin, index.profiles.index(target)] += rate
    return _Chain(list(numbers), entering, leaving, turning)


class _Walk:
    """Where people of one segment go: to a state, to a new orientation (a profile), or out (None)."""

    def __init__(self, profile: str, pathway: str, index: _Index) -> None:
        self.profile = profile
        self.pathway = pathway
        self.index = index

    def landing(self, profile: str, key: tuple[str, str]) -> Landing:
        """Return what entering a step amounts to for somebody of this profile."""
        for _ in self.index.steps:
            row = self.index.step(key, profile)
            if row.setting == "exit":
                return None
            if row.anchor and profile != self.profile:
                return profile
            if row.anchor and key[0] != self.pathway:
                key = self.pathway, self.index.entry[self.pathway]
                row = self.index.step(key, profile)
            awaited = next((s for s in self.index.services(key, profile) if s.leads_to), None)
            if awaited is None or not row.anchor:
                return profile, key
            key = self._target(awaited.leads_to, key)
        return profile, key

    def flows(self, state: State) -> list[tuple[Landing, float]]:
        """Return (landing, rate per time unit) of every way out of a state."""
        profile, key = state
        row, moves = self.index.step(key, profile), self.index.moves(key, profile)
        found = []
        draws = [move for move in moves if move.probability is not None]
        mean = _mean_stay(row, draws)
        if mean is not None:
            rate = 1.0 / max(mean, 1e-6)
            routed = [(self._moved(move, state), rate * (move.probability or 0.0)) for move in draws]
            found += routed
            found.append((None, rate * max(0.0, 1.0 - sum(move.probability or 0.0 for move in draws))))
        held = {service.resource for service in self.index.services(key, profile)}
        for move in moves:
            if move.rate is None or (move.while_ and move.while_ not in held):
                continue
            acting = [other for other in moves if other.hazard == move.hazard and other.while_ in ("", *held)]
            factors = [other.factor for other in acting if other.factor is not None]
            rate = move.rate / self.index.units_per_year * float(np.prod(factors))
            if move.to or move.new_profile:
                found.append((self._moved(move, state), rate))
        return [(target, rate) for target, rate in found if rate > 0.0]

    def _moved(self, move: Move, state: State) -> Landing:
        profile, key = state
        after = move.new_profile or profile
        if move.to:
            return self.landing(after, self._target(move.to, key))
        if move.probability is not None:
            return None
        if self.index.step(key, after).anchor and after != self.profile:
            return after
        return after, key

    @staticmethod
    def _target(text: str, key: tuple[str, str]) -> tuple[str, str]:
        pathway, slash, step = text.rpartition("/")
        return (pathway, step) if slash else (key[0], text)


def _mean_stay(row: Step, draws: Sequence[Move]) -> float | None:
    """Return the mean stay, over the laws that depend on where it leads; none: the step is endless."""
    own = mean_of(row)
    if not any(draw.distribution for draw in draws):
        return own
    return sum((draw.probability or 0.0) * (mean_of(draw) or own or 0.0) for draw in draws)


def mean_of(law: StayLaw) -> float | None:
    """Return a duration law's mean (None: no law).

    >>> mean_of(StayLaw(distribution="uniform", low=2, high=4))
    3.0
    """
    low, high = law.low or 0.0, law.high or 0.0
    match law.distribution:
        case "":
            return None
        case "uniform":
            return (low + high) / 2.0
        case "triangular":
            return (low + (law.mode or 0.0) + high) / 3.0
        case "weibull":
            return (law.scale or 0.0) * gamma(1.0 + 1.0 / (law.shape or 1.0))
        case "hyperexponential":
            first = law.mixture or 0.0
            return first * (law.mean or 0.0) + (1.0 - first) * (law.mean_2 or 0.0)
        case "lognormal" if law.mean is None:
            median = law.median or 0.0
            if law.shape is not None:
                return median * float(np.exp(law.shape**2 / 2.0))
            variance = law.variance if law.variance is not None else (law.sd or 0.0) ** 2
            squared = (1.0 + sqrt(1.0 + 4.0 * variance / median**2)) / 2.0
            return median * sqrt(squared)
        case "gamma" if law.mean is None:
            return (law.shape or 0.0) * (law.scale or 0.0)
        case _:
            return law.mean or 0.0


# --- what a segment uses: columns of rates (per time in a state) and of lumps (per entry into a state) ----------------


def _column_count(index: _Index) -> int:
    return sum(int(np.prod(shape)) for shape in _column_shapes(index).values())


def _column_shapes(index: _Index) -> dict[str, tuple[int, ...]]:
    contracts, payers, resources = len(index.contracts), len(index.payers), len(index.resources)
    operators = len(index.providers) + 1
    return {
        "person_time": (1,),
        "entries": (len(index.steps),),
        "use": (resources,),
        "revenue_free": (contracts, payers),
        "revenue_tied": (contracts, payers, resources),
        "cost_free": (operators,),
        "cost_tied": (operators, resources),
    }


def _columns(chain: _Chain, key: tuple[int, int], index: _Index) -> tuple[Floats, Floats, Floats]:
    """Return rates and lumps [state, column] and what comes once [column], along `_column_shapes` flattened."""
    rows = [index.remembered(state, _state_columns) for state in chain.states]
    once = _once_a_patient(key, index)
    return (
        np.array([rates for rates, _ in rows]),
        np.array([lumps for _, lumps in rows]),
        np.concatenate([part.reshape(-1) for part in once.values()]),
    )


def _state_columns(state: State, index: _Index) -> tuple[Floats, Floats]:
    """Return rates and lumps [column] of one state."""
    profile, step = state
    rates = {name: np.zeros(shape) for name, shape in _column_shapes(index).items()}
    lumps = {name: np.zeros(shape) for name, shape in _column_shapes(index).items()}
    rates["person_time"][:] = 1.0
    lumps["entries"][index.step_number[step]] = 1.0
    gate, helps = _held(state, index)
    for code, amount in [*gate.items(), *helps.items()]:
        rates["use"][index.resources.index(code)] += amount
        lumps["use"][index.resources.index(code)] += amount * index.turnover[code]
    for subject, (units, resource) in _subjects(step, gate, helps).items():
        place = index.resources.index(resource) if resource else None
        for price in index.prices.get(subject, ()):
            amounts = _amounts(price, profile, units, index)
            for contract, code in enumerate(index.contracts):
                if price.contract in ("", code):
                    _put(rates, lumps, "revenue", (contract, index.payers.index(price.payer)), amounts, place)
        for cost in index.costs.get(subject, ()):
            operator = index.providers.index(cost.provider) if cost.provider else len(index.providers)
            _put(rates, lumps, "cost", (operator,), _amounts(cost, profile, units, index), place)
    return (
        np.concatenate([part.reshape(-1) for part in rates.values()]),
        np.concatenate([part.reshape(-1) for part in lumps.values()]),
    )


def _put(
    rates: dict[str, Floats],
    lumps: dict[str, Floats],
    kind: str,
    place: tuple[int, ...],
    amounts: tuple[float, float],
    resource: int | None,
) -> None:
    name, where = (f"{kind}_free", place) if resource is None else (f"{kind}_tied", (*place, resource))
    rates[name][where] += amounts[0]
    lumps[name][where] += amounts[1]


def _held(state: State, index: _Index) -> tuple[dict[str, int], dict[str, int]]:
    """Return the units in use during a step, by resource: its gate, and its services."""
    profile, step = state
    row = index.step(step, profile)
    helps: dict[str, int] = {}
    for service in index.services(step, profile):
        if not service.leads_to:
            helps[service.resource] = helps.get(service.resource, 0) + service.amount
    return ({row.gate: row.amount} if row.gate else {}), helps


def _subjects(step: tuple[str, str], gate: dict[str, int], helps: dict[str, int]) -> dict[str, tuple[int, str]]:
    """Return what tariffs and costs may name in a state: subject -> (units charged, resource it hangs on)."""
    found = {
        f"step:{step[1]}": (1, next(iter(gate), "")),
        f"step:{step[0]}/{step[1]}": (1, next(iter(gate), "")),
        f"pathway:{step[0]}": (1, ""),
    }
    for resource in {**gate, **helps}:
        found[f"resource:{resource}"] = gate.get(resource, 0) + helps.get(resource, 0), resource
    found.update({f"service:{resource}": (amount, resource) for resource, amount in helps.items()})
    return found


def _amounts(row: Price | Cost, profile: str, units: int, index: _Index) -> tuple[float, float]:
    """Return a tariff's or cost's (money per time unit, money per entry) in one state."""
    if row.profile not in ("", profile):
        return 0.0, 0.0
    match row.basis:
        case "day":
            return row.amount * units * DAYS_PER_YEAR / index.units_per_year, 0.0
        case "hour":
            return row.amount * units * DAYS_PER_YEAR * 24.0 / index.units_per_year, 0.0
        case "entry" if not row.subject.startswith("pathway:"):
            return 0.0, row.amount * units
        case _:
            return 0.0, 0.0


def _once_a_patient(key: tuple[int, int], index: _Index) -> dict[str, Floats]:
    """Return what is paid and borne once per patient of a pathway; outcomes count as reached."""
    once = {name: np.zeros(shape) for name, shape in _column_shapes(index).items()}
    profile, subject = index.profiles[key[0]], f"pathway:{index.pathways[key[1]]}"
    for price in index.instance.prices:
        if price.subject == subject and price.basis in PER_PATIENT and price.profile in ("", profile):
            for contract, code in enumerate(index.contracts):
                if price.contract in ("", code):
                    once["revenue_free"][contract, index.payers.index(price.payer)] += price.amount
    for cost in index.instance.costs:
        if cost.subject == subject and cost.basis in PER_PATIENT and cost.profile in ("", profile):
            operator = index.providers.index(cost.provider) if cost.provider else len(index.providers)
            once["cost_free"][operator] += cost.amount
    return once


def _unpack(
    index: _Index,
    cells: tuple[tuple[int, int, int], ...],
    starts: Floats,
    totals: Floats,
    acceptance: Floats,
) -> FluidFlows:
    parts: dict[str, Floats] = {}
    column = 0
    for name, shape in _column_shapes(index).items():
        width = int(np.prod(shape))
        parts[name] = totals[:, column : column + width].reshape(len(cells), *shape)
        column += width
    return FluidFlows(
        cells=cells,
        starts=starts,
        person_time=parts["person_time"][:, 0],
        entries=parts["entries"],
        use=parts["use"],
        revenue_free=parts["revenue_free"].transpose(1, 0, 2),
        revenue_tied=parts["revenue_tied"].transpose(1, 0, 2, 3),
        cost_free=parts["cost_free"],
        cost_tied=parts["cost_tied"],
        acceptance=acceptance,
    )
