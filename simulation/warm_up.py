"""Is the warm-up long enough? Key indicators over time from a start with nobody present (Welch; MSER-5).

Series are time averages per bucket, read from the event logs of a long run from -warm_up under today's offer,
without the census drawn at time 0. Welch's moving average (Welch 1983, "The statistical analysis of simulation
results", in The Computer Performance Modeling Handbook, sect. 6.1.1) shows where a series settles; MSER-5 says it
(White 1997, "An effective truncation heuristic for bias reduction in simulation output", Simulation 69, 323-334;
batches of five: White, Cobb, Spratt 2000, "A comparison of five steady-state truncation heuristics").
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from instances.instance import Instance
from simulation.compilation import compile_component, compile_plan
from simulation.components import components
from simulation.configuration import todays_configuration
from simulation.flat_model import FlatModel
from simulation.records import Event, EventArray
from simulation.start import before_warm_up
from simulation.twin import EngineName, engine

Floats = npt.NDArray[np.float64]
Changes = tuple[Floats, npt.NDArray[np.int64], Floats]  # when, in which series, by how much

BATCH = 5
BUCKETS = 400
WINDOW_PART = 0.05  # half-width of the moving average, as a part of the series
TOLERANCE = 0.05  # of its later mean: how far a series may still be off at the end of a warm-up that is enough


def moving_average(series: Floats, window: int) -> Floats:
    """Return Welch's moving average [n] of a series [n]: means of 2 window + 1 values, of fewer near the ends.

    Near both ends the window shrinks so that it stays centred: the i-th value is the mean of the first 2 i - 1
    (Welch shrinks it at the beginning only and leaves the last `window` values out).

    >>> moving_average(np.array([1.0, 5.0, 3.0, 7.0]), 1).tolist()
    [1.0, 3.0, 5.0, 7.0]
    """
    count = len(series)
    sums = np.concatenate([[0.0], np.cumsum(series)])
    places = np.arange(count)
    half = np.minimum(window, np.minimum(places, count - 1 - places))
    means: Floats = (sums[places + half + 1] - sums[places - half]) / (2 * half + 1)
    return means


def mser(series: Floats, batch: int = BATCH) -> int | None:
    """Return how many values to leave out at the beginning, a multiple of `batch`; None: the series does not settle.

    Of the means Y of k batches, those from d on are kept where sum (Y - mean)^2 / (k - d)^2 is least, d in the
    first half: of the last few batches any could look alike by chance. A least value at the end of that half says
    that the series is too short to tell.
    """
    count = len(series) // batch
    if count < 4:
        return None
    means = series[: count * batch].reshape(count, batch).mean(axis=1)
    kept = count - np.arange(count - 1)
    sums = np.cumsum(means[::-1])[::-1][:-1]
    squares = np.cumsum((means**2)[::-1])[::-1][:-1]
    spread = np.maximum(squares - sums**2 / kept, 0.0)
    noise = 1e-12 * max(1.0, float(np.max(means**2)))  # of rounding: a constant tail is as good from anywhere
    error = np.where(spread <= noise * kept, 0.0, spread) / kept**2
    best = int(np.argmin(error[: count // 2 + 1]))
    return best * batch if best < count // 2 else None


def moves_on(series: Floats) -> bool:
    """Say whether the halves of a series differ by more than a quarter of its mean and three standard errors.

    Standard errors are those of batch means.
    """
    count = len(series) // (2 * BATCH)
    if count < 2:
        return False
    halves = series[len(series) - 2 * count * BATCH :].reshape(2, count, BATCH).mean(axis=2)
    difference = abs(float(halves[1].mean() - halves[0].mean()))
    error = float(np.sqrt(halves.var(axis=1, ddof=1).sum() / count))
    return difference > max(3.0 * error, 0.25 * abs(float(series.mean())))


@dataclass(frozen=True)
class Series:
    """One indicator over time: what (`census home`, `occupancy bed`, `waiting bed`), its value per bucket."""

    name: str
    unit: str
    values: Floats  # [buckets] mean over replications

    @property
    def smooth(self) -> Floats:
        """Welch's moving average."""
        return moving_average(self.values, max(1, round(WINDOW_PART * len(self.values))))


@dataclass(frozen=True)
class Verdict:
    """When a series settles, in time units after the start; None: not within the first half of what was run.

    at_end: its moving average at the end of the warm-up; later: its mean from then on; moves_on: it goes on rising
    or falling after the warm-up (an unstable queue does, and no warm-up settles it).
    """

    series: Series
    settles: float | None
    warm_up: float
    at_end: float
    later: float
    moves_on: bool

    @property
    def is_enough(self) -> bool:
        """Say whether the series has settled in the warm-up, or is close to its later mean at its end.

        The second counts because of large territories: with little noise even a drift that changes no decision
        is one that MSER sees.
        """
        has_settled = self.settles is not None and self.settles <= self.warm_up and not self.moves_on
        return has_settled or abs(self.at_end - self.later) <= TOLERANCE * abs(self.later)

    @property
    def words(self) -> str:
        """The verdict in words."""
        if self.moves_on:
            return "close enough" if self.is_enough else "moves on after the warm-up"
        if self.settles is not None and self.settles <= self.warm_up:
            return "settled"
        if self.is_enough:
            return "close enough"
        return "settles too late" if self.settles is not None else "not settled"


@dataclass(frozen=True)
class WarmUpStudy:
    """All series of an instance, from -warm_up to run."""

    warm_up: float
    run: float
    replications: int
    verdicts: tuple[Verdict, ...]

    @property
    def is_enough(self) -> bool:
        """Say whether the warm-up is long enough for every series."""
        return all(verdict.is_enough for verdict in self.verdicts)

    @property
    def times(self) -> Floats:
        """The middles of the buckets, from -warm_up to run."""
        count = len(self.verdicts[0].series.values) if self.verdicts else 0
        edges = np.linspace(-self.warm_up, self.run, count + 1)
        middles: Floats = 0.5 * (edges[:-1] + edges[1:])
        return middles


def study_warm_up(
    instance: Instance, *, seed: int, replications: int, engine_name: EngineName = "compiled"
) -> WarmUpStudy:
    """Run from -warm_up to the end of the run under today's offer and say when each indicator settles.

    Growth is left out (needs as they are now), as nothing that grows settles.
    """
    steady = replace(instance, needs=tuple(row.model_copy(update={"growth": 0.0}) for row in instance.needs))
    horizon = instance.settings.horizon
    edges = np.linspace(-horizon.warm_up, horizon.run, BUCKETS + 1)
    names = _names(instance)
    totals = [
        _one_run(steady, edges, len(names), seed=seed, replication=replication, engine_name=engine_name)
        for replication in range(replications)
    ]
    values = np.mean(totals, axis=0)
    width = edges[1] - edges[0]
    verdicts = []
    for (name, unit), row in zip(names, values, strict=True):
        if not row.any():
            continue  # nobody is ever there, nothing of it is ever used
        truncated = mser(row)
        settles = None if truncated is None else float(truncated * width)
        series = Series(name, unit, row)
        place = min(BUCKETS - 1, int(horizon.warm_up / width))
        at_end, later = float(series.smooth[place]), float(row[place:].mean())
        verdicts.append(Verdict(series, settles, horizon.warm_up, at_end, later, moves_on(row[place:])))
    return WarmUpStudy(horizon.warm_up, horizon.run, replications, tuple(verdicts))


def _settings(instance: Instance) -> list[str]:
    return list(dict.fromkeys(row.setting for row in instance.expanded.steps if row.setting != "exit"))


def _names(instance: Instance) -> list[tuple[str, str]]:
    """Return name and unit of each series: census by setting, then occupancy and number waiting by resource."""
    census = [(f"census {setting}", "persons") for setting in _settings(instance)]
    resources = [row.resource for row in instance.resources]
    occupancy = [(f"occupancy {resource}", "share") for resource in resources]
    return [*census, *occupancy, *((f"waiting {resource}", "persons") for resource in resources)]


def _one_run(
    instance: Instance, edges: Floats, count: int, *, seed: int, replication: int, engine_name: EngineName
) -> Floats:
    """Return all series [count, buckets] of one replication, all components together."""
    today = todays_configuration(instance)
    run = engine(engine_name)
    changes: list[Changes] = []
    capacity = np.zeros(len(instance.resources))
    for component in components(instance):
        model = compile_component(instance, component)
        plan = compile_plan(instance, component, today, today)
        np.add.at(capacity, model.pool_resource, plan.capacity)
        start = before_warm_up(instance, component, model, seed=seed, replication=replication)
        events, _ = run(model, plan, start, seed=seed, replication=replication, until=float(edges[-1]), rollout=None)
        changes += _all_changes(instance, model, events)
    when, which, change = (np.concatenate(column) for column in zip(*changes, strict=True))
    series = bucket_means(when, which, change, edges, count)
    settings, resources = len(_settings(instance)), len(instance.resources)
    occupancy = slice(settings, settings + resources)
    series[occupancy] /= np.where(capacity > 0.0, capacity, 1.0)[:, None]
    return series


def bucket_means(when: Floats, which: npt.NDArray[np.int64], change: Floats, edges: Floats, count: int) -> Floats:
    """Return the time averages [count, buckets] of levels that start at 0 and change by steps.

    The integral of a level up to e is sum over changes before e of change (e - when).
    """
    result = np.zeros((count, len(edges) - 1))
    for number in range(count):
        chosen = np.flatnonzero(which == number)
        order = chosen[np.argsort(when[chosen], kind="stable")]
        place = np.searchsorted(when[order], edges, side="left")
        level = np.concatenate([[0.0], np.cumsum(change[order])])[place]
        moment = np.concatenate([[0.0], np.cumsum(change[order] * when[order])])[place]
        integral = edges * level - moment
        result[number] = np.diff(integral) / np.diff(edges)
    return np.where(np.abs(result) < 1e-9, 0.0, result)  # what rounding leaves of nothing


def _all_changes(instance: Instance, model: FlatModel, events: EventArray) -> list[Changes]:
    settings, resources = len(_settings(instance)), len(instance.resources)
    own = events[events["patient"] >= 0]
    own = own[np.argsort(own["patient"], kind="stable")]
    return [
        _census(instance, model, own),
        _shifted(_gates_held(own), settings),
        _shifted(_services_held(own), settings),
        _shifted(_gates_awaited(own), settings + resources),
        _shifted(_services_awaited(own), settings + resources),
    ]


def _shifted(changes: Changes, by: int) -> Changes:
    return changes[0], changes[1] + by, changes[2]


def _of(events: EventArray, which: npt.NDArray[np.integer], change: npt.ArrayLike) -> Changes:
    return events["time"].astype(np.float64), which.astype(np.int64), np.asarray(change, dtype=np.float64)


def _together(parts: Sequence[Changes]) -> Changes:
    when, which, change = (np.concatenate(column) for column in zip(*parts, strict=True))
    return when, which, change


def _census(instance: Instance, model: FlatModel, own: EventArray) -> Changes:
    """Persons by setting: each leaves the setting of the step before and joins that of the step after an event."""
    names = _settings(instance)
    of_step = {
        (row.pathway, row.step): names.index(row.setting) if row.setting in names else -1
        for row in instance.expanded.steps
    }
    setting = np.array([*(of_step[place] for place in model.step_codes), -1])
    after = np.where(own["kind"] == Event.LEAVE, -1, setting[own["step"]])
    before = _before(own, after, -1)
    moved = after != before
    left, joined = moved & (before >= 0), moved & (after >= 0)
    return _together(
        [
            _of(own[left], before[left], np.full(left.sum(), -1.0)),
            _of(own[joined], after[joined], np.ones(joined.sum())),
        ]
    )


def _before(own: EventArray, values: npt.NDArray[np.integer], first: int) -> npt.NDArray[np.integer]:
    """Return the value at the same patient's event before; `first` at their first. `own`: sorted by patient."""
    before = np.concatenate([[first], values[:-1]]) if len(values) else values
    if len(values):
        before[np.concatenate([[True], own["patient"][1:] != own["patient"][:-1]])] = first
    return before


def _gates_held(own: EventArray) -> Changes:
    taken = own[(own["kind"] == Event.ENTER) & (own["units"] > 0)]
    given = own[own["kind"] == Event.GATE_END]
    return _together([_of(taken, taken["resource"], taken["units"]), _of(given, given["resource"], -given["units"])])


def _by_service(own: EventArray, kinds: Sequence[Event]) -> EventArray:
    """Return the events of these kinds, each patient's of one resource together."""
    chosen = own[np.isin(own["kind"], kinds)]
    return chosen[np.lexsort((chosen["resource"], chosen["patient"]))]


def _changes_of_level(chosen: EventArray, level: npt.NDArray[np.integer]) -> Changes:
    """Return the changes of a level that belongs to a patient and a resource, from nothing."""
    if len(chosen) == 0:
        return _of(chosen, chosen["resource"], [])
    same = (chosen["patient"][1:] == chosen["patient"][:-1]) & (chosen["resource"][1:] == chosen["resource"][:-1])
    before = np.concatenate([[0], np.where(same, level[:-1], 0)])
    return _of(chosen, chosen["resource"], level.astype(np.int64) - before)


def _services_held(own: EventArray) -> Changes:
    chosen = _by_service(own, (Event.SERVICE_GRANT, Event.SERVICE_END))
    return _changes_of_level(chosen, chosen["units"])


def _services_awaited(own: EventArray) -> Changes:
    chosen = _by_service(own, (Event.SERVICE_ASK, Event.SERVICE_GRANT, Event.SERVICE_LEAVE))
    return _changes_of_level(chosen, (chosen["kind"] == Event.SERVICE_ASK).astype(np.int64))


def _gates_awaited(own: EventArray) -> Changes:
    """Persons waiting for a gate: from asking until they enter, give up, go elsewhere (all at one instant) or die."""
    kinds = (Event.WAIT, Event.ENTER, Event.BREAK, Event.EXIT, Event.LEAVE)
    chosen = own[np.isin(own["kind"], kinds)]
    awaited = np.where(chosen["kind"] == Event.WAIT, chosen["resource"], -1)
    before = _before(chosen, awaited, -1)
    ended, begun = before >= 0, awaited >= 0
    return _together(
        [
            _of(chosen[ended], before[ended], np.full(ended.sum(), -1.0)),
            _of(chosen[begun], awaited[begun], np.ones(begun.sum())),
        ]
    )
