"""The additive quantities that named indicators are made of, and the filters that narrow them.

A quantity is a sum over an account, so that of a whole is the sum over its components. Units: time in days or
years of 365.25 days, money in the instance's currency over the whole run. Profiles that are background demand
count in pools and money, and elsewhere only when a filter names them.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

import numpy as np

from instances.faults import UnknownName
from simulation.indicator_expressions import InvalidExpression, Term
from simulation.ledgers import replay
from simulation.ledgers.account import Account
from simulation.ledgers.chart import Chart, FloatArray
from simulation.ledgers.money import COST_KINDS, INVESTMENT
from simulation.ledgers.outcomes import COMPONENTS

WHO = ("zone", "urbanicity", "profile", "pathway")
WHERE = (*WHO, "step", "setting", "resource")
POOL = ("zone", "resource")
MONEY = ("zone", "urbanicity", "profile", "pathway", "provider", "sector")


@dataclass(frozen=True)
class Selection:
    """What the filters of a term leave of each axis, as 0/1 weights; `keys`: those given."""

    keys: frozenset[str]
    zone: FloatArray  # [Z]
    profile: FloatArray  # [P] every profile named, background too when nothing is named
    people: FloatArray  # [P] the same, without background demand when nothing is named
    pathway: FloatArray  # [W]
    step: FloatArray  # [S] by step, setting and pathway
    gate: FloatArray  # [S, P] by the resource of the gate
    resource: FloatArray  # [R]
    pool: FloatArray  # [Q] by resource, and by zone where the pool stands
    provider: FloatArray
    payer: FloatArray
    hazard: FloatArray
    mark: FloatArray
    break_: FloatArray
    component: FloatArray
    kind: FloatArray

    @property
    def money_zone_profile_pathway(self) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Weights of the money axes, whose last profile and pathway are what belongs to none."""
        profile = np.append(self.profile, float("profile" not in self.keys))
        pathway = np.append(self.pathway, float("pathway" not in self.keys))
        return self.zone, profile, pathway

    @property
    def cost_of_people(self) -> FloatArray:
        """Weights of the money's profile axis without background demand."""
        return np.append(self.people, float("profile" not in self.keys))


def select(chart: Chart, term: Term, keys: Iterable[str]) -> Selection:
    """Return what a term's filters select; raise when a key or a value is unknown."""
    allowed = tuple(keys)
    given = {each.key: each.values for each in term.filters}
    for key in given:
        if key not in allowed:
            known = ", ".join(allowed) or "none"
            raise InvalidExpression(f"{term}: {term.name} cannot be narrowed by {key!r}; keys: {known}")
    names = _Names(chart, given, str(term))
    profile = names.weights("profile", chart.profiles)
    people = profile if "profile" in given else profile * ~chart.background
    resource = names.weights("resource", chart.resources)
    gate = np.ones(chart.gate.shape)
    if "resource" in given:
        gate = np.where(chart.gate >= 0, resource[chart.gate], 0.0)
    provider = names.weights("provider", chart.providers)
    if "sector" in given:
        sectors: Sequence[str] = [row.sector for row in chart.instance.providers]
        provider = np.where(names.labelled("sector", sectors) > 0.0, provider, 0.0)
    return Selection(
        keys=frozenset(given),
        zone=names.territories(),
        profile=profile,
        people=people,
        pathway=names.weights("pathway", chart.pathways),
        step=names.steps(),
        gate=gate,
        resource=resource,
        pool=names.pools(resource),
        provider=provider,
        payer=names.weights("payer", chart.payers),
        hazard=names.weights("hazard", chart.hazards),
        mark=names.weights("mark", chart.marks),
        break_=names.weights("break", [row.break_ for row in chart.instance.breaks]),
        component=names.weights("component", COMPONENTS),
        kind=names.weights("kind", COST_KINDS),
    )


@dataclass(frozen=True)
class _Names:
    """Resolves the values of filters to weights; a value ending in * stands for every name that begins so."""

    chart: Chart
    given: dict[str, tuple[str, ...]]
    text: str

    def weights(self, key: str, names: Iterable[str]) -> FloatArray:
        """Return 1 for each name selected, all when the key is not given."""
        listed = list(names)
        if key not in self.given:
            return np.ones(len(listed))
        return self._matches(key, self.given[key], [(name,) for name in listed])

    def labelled(self, key: str, labels: Sequence[str]) -> FloatArray:
        """The same where several things bear one label."""
        return self._matches(key, self.given[key], [(label,) for label in labels])

    def territories(self) -> FloatArray:
        chart = self.chart
        weights = np.ones(len(chart.zones))
        if "zone" in self.given:
            lines = [chart.lines[zone] for zone in chart.zones]
            weights = self._matches("zone", self.given["zone"], lines)
        if "urbanicity" in self.given:
            weights = weights * self.labelled("urbanicity", [row.urbanicity for row in chart.instance.territories])
        return weights

    def steps(self) -> FloatArray:
        chart = self.chart
        weights = np.ones(len(chart.steps))
        if "step" in self.given:
            weights = self._matches("step", self.given["step"], [(step, f"{way}/{step}") for way, step in chart.steps])
        if "setting" in self.given:
            known = ("home", "emergency", "ward", "rehabilitation", "institution", "exit")
            for value in self.given["setting"]:
                if value not in known:
                    raise UnknownName("setting", value, known)
            weights = weights * [float(setting in self.given["setting"]) for setting in chart.step_setting]
        return weights

    def pools(self, resource: FloatArray) -> FloatArray:
        chart = self.chart
        weights: FloatArray = resource[chart.pool_resource]
        if "zone" in self.given:
            for value in self.given["zone"]:
                if value not in chart.lines:
                    raise UnknownName("zone", value, sorted(chart.lines))
            inside = {zone for zone, line in chart.lines.items() if not set(line).isdisjoint(self.given["zone"])}
            weights = weights * [float(pool.zone in inside) for pool in chart.pools]
        return weights

    def _matches(self, key: str, values: tuple[str, ...], names: list[tuple[str, ...]]) -> FloatArray:
        weights = np.zeros(len(names))
        for value in values:
            hits = [
                any(name == value or (value.endswith("*") and fnmatchcase(name, value)) for name in each)
                for each in names
            ]
            if not any(hits) and not value.endswith("*"):
                raise UnknownName(key, value, sorted({name for each in names for name in each}))
            weights[hits] = 1.0
        return weights


Read = Callable[[Account, Selection, Chart], float]


@dataclass(frozen=True)
class Quantity:
    """A named sum over an account."""

    name: str
    unit: str
    meaning: str
    keys: tuple[str, ...] = field(repr=False)
    read: Read = field(repr=False)


def _person(measure: int, per: str = "") -> Read:
    def read(account: Account, chosen: Selection, chart: Chart) -> float:
        amount = account.persons[..., measure] @ chosen.pathway @ chosen.people @ chosen.zone
        return float(amount) / _unit(chart, per)

    return read


def _visit(measure: int, per: str = "") -> Read:
    def read(account: Account, chosen: Selection, chart: Chart) -> float:
        steps = (chosen.step * chosen.pathway[chart.step_pathway])[:, None] * chosen.gate
        amount = (account.visits[..., measure] * steps.T).sum(axis=2) @ chosen.people @ chosen.zone
        return float(amount) / _unit(chart, per)

    return read


def _person_or_visit(measure: int, visit_measure: int, per: str) -> Read:
    everywhere, somewhere = _person(measure, per), _visit(visit_measure, per)

    def read(account: Account, chosen: Selection, chart: Chart) -> float:
        narrowed = chosen.keys & {"step", "setting", "resource"}
        return (somewhere if narrowed else everywhere)(account, chosen, chart)

    return read


def _service(measure: int, per: str = "") -> Read:
    def read(account: Account, chosen: Selection, chart: Chart) -> float:
        amount = account.services[..., measure] @ chosen.resource @ chosen.pathway @ chosen.people @ chosen.zone
        return float(amount) / _unit(chart, per)

    return read


def _pool(measure: int) -> Read:
    def read(account: Account, chosen: Selection, chart: Chart) -> float:
        return float(account.pools[:, measure] @ chosen.pool) / chart.per_day

    return read


def _used(account: Account, chosen: Selection, chart: Chart) -> float:
    channels = chosen.resource[chart.pool_resource[chart.channel_pool]] * chosen.zone[chart.channel_zone]
    times = account.channels[..., [replay.GATE_TIME, replay.SERVICE_TIME, replay.KEPT_TIME]].sum(axis=-1)
    return float((times @ chosen.pathway @ chosen.profile) @ channels) / chart.per_day


def _queue(account: Account, chosen: Selection, chart: Chart) -> float:
    return float(account.queues.mean(axis=1) @ chosen.pool)


def _queue_growth(account: Account, chosen: Selection, chart: Chart) -> float:
    return float((account.queues[:, 3] - account.queues[:, 1]) @ chosen.pool)


def _hazards(account: Account, chosen: Selection, chart: Chart) -> float:
    steps = chosen.step * chosen.pathway[chart.step_pathway]
    return float((account.hazards @ chosen.hazard) @ steps @ chosen.people @ chosen.zone)


def _marks(what: int) -> Read:
    def read(account: Account, chosen: Selection, chart: Chart) -> float:
        return float(account.marks[..., what] @ chosen.mark @ chosen.people @ chosen.zone)

    return read


def _deaths(account: Account, chosen: Selection, chart: Chart) -> float:
    read = _marks(1) if "mark" in chosen.keys else _person(replay.DEATHS)
    return read(account, chosen, chart)


def _breaks(name: str) -> Read:
    def read(account: Account, chosen: Selection, chart: Chart) -> float:
        counts: FloatArray = getattr(account, name)
        return float(chosen.break_ @ (counts @ chosen.pathway @ chosen.people @ chosen.zone))

    return read


def _scores(account: Account, chosen: Selection, chart: Chart) -> float:
    return float(account.scores @ chosen.component @ chosen.pathway @ chosen.people @ chosen.zone)


def _scored(account: Account, chosen: Selection, chart: Chart) -> float:
    return float(account.scored @ chosen.pathway @ chosen.people @ chosen.zone)


def _revenue(account: Account, chosen: Selection, chart: Chart) -> float:
    zone, profile, pathway = chosen.money_zone_profile_pathway
    amounts = account.revenue @ pathway @ profile @ zone
    return float(chosen.payer @ amounts @ chosen.provider)


def _cost(account: Account, chosen: Selection, chart: Chart) -> float:
    if "kind" in chosen.keys:
        return float(chosen.provider @ account.cost_by_kind[..., 0].sum(axis=-1) @ chosen.kind)
    zone, profile, pathway = chosen.money_zone_profile_pathway
    return float(chosen.provider @ (account.cost @ pathway @ profile @ zone))


def _operating_cost(account: Account, chosen: Selection, chart: Chart) -> float:
    kinds = account.cost_by_kind[..., 0].sum(axis=-1)
    return float(chosen.provider @ (kinds.sum(axis=-1) - kinds[:, INVESTMENT]))


def _cost_discounted(account: Account, chosen: Selection, chart: Chart) -> float:
    zone, _, pathway = chosen.money_zone_profile_pathway
    return float(chosen.provider @ (account.cost_discounted @ pathway @ chosen.cost_of_people @ zone))


def _unit(chart: Chart, per: str) -> float:
    return {"": 1.0, "day": chart.per_day, "year": chart.per_year}[per]


_SERVICE_KEYS = (*WHO, "resource")
_MARK_KEYS = ("zone", "urbanicity", "profile", "mark")

QUANTITIES: dict[str, Quantity] = {
    each.name: each
    for each in (
        Quantity(
            "person_years",
            "person-years",
            "time people are present, alive",
            WHERE,
            _person_or_visit(replay.PERSON_TIME, replay.STAY_TIME, "year"),
        ),
        Quantity("initial", "persons", "present at time 0", WHO, _person(replay.INITIAL)),
        Quantity("arrivals", "persons", "arriving during the run", WHO, _person(replay.ARRIVALS)),
        Quantity("final", "persons", "present at the horizon", WHO, _person(replay.FINAL)),
        Quantity("joined", "persons", "who are or come to be in a pathway", WHO, _person(replay.JOINED)),
        Quantity("deaths", "persons", "deaths; with a mark: while carrying it", (*WHO, "mark"), _deaths),
        Quantity("exits", "persons", "exits other than death", WHO, _person(replay.EXITS)),
        Quantity("leaves", "persons", "gone after a broken wait that leads nowhere", WHO, _person(replay.LEAVES)),
        Quantity(
            "overdue_days",
            "days",
            "with a request older than its tolerable wait",
            WHO,
            _person(replay.OVERDUE_TIME, "day"),
        ),
        Quantity(
            "qaly",
            "QALY",
            "quality-adjusted life years, undiscounted",
            WHERE,
            _person_or_visit(replay.QALY, replay.QALYS, "year"),
        ),
        Quantity(
            "qaly_discounted",
            "QALY",
            "quality-adjusted life years, discounted to time 0",
            WHO,
            _person(replay.QALY_DISCOUNTED, "year"),
        ),
        Quantity("entries", "stays", "stays begun during the run", WHERE, _visit(replay.ENTRIES)),
        Quantity("stay_days", "days", "time in a step during the run", WHERE, _visit(replay.STAY_TIME, "day")),
        Quantity("stays", "stays", "begun and ended during the run", WHERE, _visit(replay.COMPLETED)),
        Quantity(
            "completed_days",
            "days",
            "of stays begun and ended during the run",
            WHERE,
            _visit(replay.COMPLETED_TIME, "day"),
        ),
        Quantity("census", "persons", "in a step at the horizon", WHERE, _visit(replay.CENSUS)),
        Quantity("waits", "requests", "for a gate, those at time 0 included", WHERE, _visit(replay.ASKED)),
        Quantity("waits_served", "requests", "for a gate that led in", WHERE, _visit(replay.SERVED)),
        Quantity(
            "waits_within",
            "requests",
            "for a gate served within the tolerable wait",
            WHERE,
            _visit(replay.SERVED_WITHIN),
        ),
        Quantity("waits_late", "requests", "for a gate older than the tolerable wait", WHERE, _visit(replay.LATE)),
        Quantity(
            "waited_days", "days", "waits for a gate, the wait so far included", WHERE, _visit(replay.WAITED, "day")
        ),
        Quantity(
            "wait_days", "days", "spent waiting for a gate during the run", WHERE, _visit(replay.WAIT_TIME, "day")
        ),
        Quantity(
            "patience_breaks",
            "breaks",
            "waits for a gate that outlasted patience",
            WHERE,
            _visit(replay.PATIENCE_BREAKS),
        ),
        Quantity("queue_breaks", "breaks", "turned away from a full line", WHERE, _visit(replay.QUEUE_BREAKS)),
        Quantity(
            "blocked_days", "days", "in a gated step, ready to leave it", WHERE, _visit(replay.BLOCKED_TIME, "day")
        ),
        Quantity("service_asks", "requests", "for a service", _SERVICE_KEYS, _service(replay.SERVICE_ASKED)),
        Quantity(
            "service_grants",
            "requests",
            "for a service that were granted",
            _SERVICE_KEYS,
            _service(replay.SERVICE_GRANTED),
        ),
        Quantity(
            "service_within",
            "requests",
            "for a service granted within the tolerable wait",
            _SERVICE_KEYS,
            _service(replay.SERVICE_WITHIN),
        ),
        Quantity(
            "service_late",
            "requests",
            "for a service older than the tolerable wait",
            _SERVICE_KEYS,
            _service(replay.SERVICE_LATE),
        ),
        Quantity("service_left", "requests", "for a service given up", _SERVICE_KEYS, _service(replay.SERVICE_LEFT)),
        Quantity(
            "service_waited_days",
            "days",
            "waits for a service, the wait so far included",
            _SERVICE_KEYS,
            _service(replay.SERVICE_WAITED, "day"),
        ),
        Quantity(
            "need_days",
            "person-days",
            "in a step that asks for a service",
            _SERVICE_KEYS,
            _service(replay.NEED_TIME, "day"),
        ),
        Quantity(
            "unmet_days",
            "person-days",
            "in a step that asks for a service, without it",
            _SERVICE_KEYS,
            _service(replay.UNMET_TIME, "day"),
        ),
        Quantity("service_days", "person-days", "with a service", _SERVICE_KEYS, _service(replay.HELD_TIME, "day")),
        Quantity("used", "unit-days", "units held, by whom", _SERVICE_KEYS, _used),
        Quantity("busy", "unit-days", "units held, by where the pool stands", POOL, _pool(replay.POOL_BUSY)),
        Quantity(
            "capacity", "unit-days", "units there are, by where the pool stands", POOL, _pool(replay.POOL_CAPACITY)
        ),
        Quantity("draining", "unit-days", "units held beyond capacity", POOL, _pool(replay.POOL_EXCESS)),
        Quantity("queue", "persons", "waiting, on average", POOL, _queue),
        Quantity(
            "queue_growth", "persons", "waiting in the last quarter of the run less the second", POOL, _queue_growth
        ),
        Quantity("events", "events", "hazards that struck", (*WHO, "step", "setting", "hazard"), _hazards),
        Quantity("marks", "marks", "set during the run", _MARK_KEYS, _marks(0)),
        Quantity("pathway_breaks", "breaks", "times a break was met", (*WHO, "break"), _breaks("breaks")),
        Quantity("broken", "persons", "who met a break", (*WHO, "break"), _breaks("broken")),
        Quantity(
            "score", "persons", "sum over persons of a component of satisfaction, 0 to 1", (*WHO, "component"), _scores
        ),
        Quantity("scored", "persons", "who were present at some time", WHO, _scored),
        Quantity("revenue", "currency", "paid by payers to providers", (*MONEY, "payer"), _revenue),
        Quantity("cost", "currency", "borne by providers", (*MONEY, "kind"), _cost),
        Quantity(
            "operating_cost",
            "currency",
            "borne by providers, investment left out",
            ("provider", "sector"),
            _operating_cost,
        ),
        Quantity(
            "cost_discounted",
            "currency",
            "of production, relatives included, discounted, without background demand",
            MONEY,
            _cost_discounted,
        ),
    )
}
