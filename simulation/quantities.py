"""The additive quantities that named indicators are made of.

A quantity is a sum over an account, so that of a whole is the sum over its components. Units: time in days or
years of 365.25 days, money in the instance's currency over the whole run. Profiles that are background demand
count in pools and money, and elsewhere only when a filter names them.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from simulation.ledgers import replay
from simulation.ledgers.account import Account
from simulation.ledgers.break_prices import COST, PAID
from simulation.ledgers.chart import Chart, FloatArray
from simulation.ledgers.horizon import BEYOND_COST, BEYOND_QALY
from simulation.ledgers.money import COST_KINDS, INTEREST_KINDS
from simulation.selections import MONEY, OF_ACCOUNTS, POOL, WHERE, WHO, Selection

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
        amount = chosen.zone @ np.einsum("zps,ps->zp", account.visits[..., measure], chosen.visit) @ chosen.people
        return float(amount) / _unit(chart, per)

    return read


def _person_or_visit(measure: int, visit_measure: int, per: str) -> Read:
    everywhere, somewhere = _person(measure, per), _visit(visit_measure, per)

    def read(account: Account, chosen: Selection, chart: Chart) -> float:
        narrowed = chosen.given.keys() & {"step", "setting", "resource"}
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
    return float((account.hazards @ chosen.hazard) @ chosen.step @ chosen.people @ chosen.zone)


def _marks(what: int) -> Read:
    def read(account: Account, chosen: Selection, chart: Chart) -> float:
        return float(account.marks[..., what] @ chosen.mark @ chosen.people @ chosen.zone)

    return read


def _deaths(account: Account, chosen: Selection, chart: Chart) -> float:
    read = _marks(1) if "mark" in chosen.given else _person(replay.DEATHS)
    return read(account, chosen, chart)


def _breaks(name: str) -> Read:
    def read(account: Account, chosen: Selection, chart: Chart) -> float:
        counts: FloatArray = getattr(account, name)
        return float(chosen.break_ @ (counts @ chosen.pathway @ chosen.people @ chosen.zone))

    return read


def _breaks_money(what: int) -> Read:
    def read(account: Account, chosen: Selection, chart: Chart) -> float:
        money = account.breaks_money[..., what]
        return float(chosen.break_ @ (money @ chosen.pathway @ chosen.people @ chosen.zone))

    return read


def _scores(account: Account, chosen: Selection, chart: Chart) -> float:
    return float(account.scores @ chosen.component @ chosen.pathway @ chosen.people @ chosen.zone)


def _scored(account: Account, chosen: Selection, chart: Chart) -> float:
    return float(account.scored @ chosen.pathway @ chosen.people @ chosen.zone)


def _revenue(account: Account, chosen: Selection, chart: Chart) -> float:
    if "year" in chosen.given:
        years = account.revenue_by_year[..., 0] @ chosen.year @ chosen.zone
        return float(chosen.payer @ years @ chosen.provider)
    paid = np.zeros(account.revenue.shape[:-1])
    concerned = np.ix_(*map(np.flatnonzero, (chosen.payer, chosen.provider, chosen.zone)))
    paid[concerned] = account.revenue[concerned] @ chosen.money_pathway  # most readings are of one provider
    return float(chosen.payer @ (paid @ chosen.money_profile @ chosen.zone) @ chosen.provider)


def _revenue_discounted(account: Account, chosen: Selection, chart: Chart) -> float:
    years = account.revenue_by_year[..., 1] @ chosen.year @ chosen.zone
    return float(chosen.payer @ years @ chosen.provider)


def _cost(account: Account, chosen: Selection, chart: Chart) -> float:
    if chosen.given.keys().isdisjoint(OF_ACCOUNTS):
        borne = np.zeros(account.cost.shape[:-1])
        concerned = np.ix_(np.flatnonzero(chosen.provider), np.flatnonzero(chosen.zone))
        borne[concerned] = account.cost[concerned] @ chosen.money_pathway
        return float(chosen.provider @ (borne @ chosen.money_profile @ chosen.zone))
    return float(chosen.provider @ _kinds(account, chosen) @ chosen.kind)


def _operating_cost(account: Account, chosen: Selection, chart: Chart) -> float:
    operating = np.array([float(kind not in INTEREST_KINDS) for kind in COST_KINDS])
    return float(chosen.provider @ _kinds(account, chosen) @ operating)


def _kinds(account: Account, chosen: Selection) -> FloatArray:
    """Return the cost of each provider by kind, in the years and territories chosen [provider, kinds]."""
    by_kind = np.zeros(account.cost_by_kind.shape[:-2])
    concerned = np.flatnonzero(chosen.provider)
    by_kind[concerned] = account.cost_by_kind[concerned, ..., 0] @ chosen.year
    amounts: FloatArray = by_kind @ chosen.zone
    return amounts


def _cost_discounted(account: Account, chosen: Selection, chart: Chart) -> float:
    amounts = account.cost_discounted @ chosen.money_pathway @ chosen.money_people @ chosen.zone
    return float(chosen.provider @ amounts)


def _beyond(what: int) -> Read:
    def read(account: Account, chosen: Selection, chart: Chart) -> float:
        return float(account.beyond[..., what] @ chosen.pathway @ chosen.people @ chosen.zone)

    return read


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
        Quantity("break_cost", "currency", "production cost around breaks", (*WHO, "break"), _breaks_money(COST)),
        Quantity("break_payments", "currency", "tariffs around breaks", (*WHO, "break"), _breaks_money(PAID)),
        Quantity(
            "score", "persons", "sum over persons of a component of satisfaction, 0 to 1", (*WHO, "component"), _scores
        ),
        Quantity("scored", "persons", "who were present at some time", WHO, _scored),
        Quantity(
            "qaly_beyond",
            "QALY",
            "before those alive at the horizon (fluid model), discounted to time 0",
            WHO,
            _beyond(BEYOND_QALY),
        ),
        Quantity(
            "cost_beyond",
            "currency",
            "of production, before those alive at the horizon (fluid model), discounted to time 0",
            WHO,
            _beyond(BEYOND_COST),
        ),
        Quantity("revenue", "currency", "paid by payers to providers", (*MONEY, "payer", "year"), _revenue),
        Quantity(
            "revenue_discounted",
            "currency",
            "paid by payers to providers, discounted to time 0",
            ("zone", "urbanicity", "provider", "sector", "payer", "year"),
            _revenue_discounted,
        ),
        Quantity("cost", "currency", "borne by providers", (*MONEY, "kind", "year"), _cost),
        Quantity(
            "operating_cost",
            "currency",
            "borne by providers, depreciation included, interest left out",
            ("zone", "urbanicity", "provider", "sector", "year"),
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
