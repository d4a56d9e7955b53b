"""The long table of indicators: one fact a row; a key left empty is a total.

Money that belongs to no profile and no pathway has rows of its own (`selections.NOBODY`): parts make the whole.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from instances.instance import Instance
from simulation.estimates import Estimate, estimate
from simulation.indicator_expressions import Filter, Term
from simulation.indicators import Catalogue, TermReader
from simulation.ledgers.account import Account
from simulation.ledgers.chart import Chart, FloatArray
from simulation.ledgers.outcomes import COMPONENTS
from simulation.selections import NOBODY


@dataclass(frozen=True)
class IndicatorRow:
    """One fact of the long table; an empty key is a total."""

    indicator: str
    unit: str
    estimate: Estimate
    zone: str = ""
    profile: str = ""
    pathway: str = ""
    step: str = ""
    resource: str = ""
    provider: str = ""
    payer: str = ""

    def cells(self) -> dict[str, str | float | int | None]:
        """Return the row as the columns of `indicators.csv`; no interval with fewer than two replications."""
        known = self.estimate
        spread = known.replications > 1
        keys = {key: getattr(self, key) for key in COLUMN_KEYS}
        return {
            "indicator": self.indicator,
            **keys,
            "unit": self.unit,
            "mean": known.mean,
            "standard_error": known.standard_error if spread else None,
            "low": known.low if spread else None,
            "high": known.high if spread else None,
            "replications": known.replications,
        }


COLUMN_KEYS = ("zone", "profile", "pathway", "step", "resource", "provider", "payer")

_BY_PEOPLE = ((), ("zone",), ("profile",), ("pathway",), ("zone", "profile"))
_BY_STEP = ((), ("zone",), ("profile",), ("step",))
_BY_SERVICE = (("resource",), ("zone", "resource"))
_BY_POOL = (("resource",), ("zone", "resource"))

BREAKDOWNS: dict[str, tuple[tuple[str, ...], ...]] = {
    **dict.fromkeys(("persons", "person_years", "arrivals", "deaths", "death_rate", "qaly"), _BY_PEOPLE),
    **dict.fromkeys(("satisfaction", *COMPONENTS), _BY_PEOPLE),
    **dict.fromkeys(("falls", "home_days", "institution_days", "hospital_days"), _BY_PEOPLE),
    **dict.fromkeys(("efficiency", "net_benefit"), ((), ("zone",))),
    **dict.fromkeys(("qaly_beyond", "cost_beyond"), ((), ("zone",))),
    **dict.fromkeys(("access_gini", "access_extreme_ratio", "access_gap"), ((), ("profile",))),
    "personalisation": ((), ("zone",)),
    "solvency": ((),),
    **dict.fromkeys(("entries", "residents", "mean_stay", "mean_wait", "within_tolerable", "gate_breaks"), _BY_STEP),
    "blocked_days": _BY_STEP,
    **dict.fromkeys(("unmet_need", "need_days", "service_days", "mean_service_wait", "service_asks"), _BY_SERVICE),
    **dict.fromkeys(("units", "occupancy", "queue", "queue_growth"), _BY_POOL),
    "revenue": ((), ("payer",), ("provider",), ("payer", "provider"), ("zone", "payer"), ("pathway",), ("profile",)),
    "cost": ((), ("provider",), ("zone",), ("pathway",), ("profile",)),
    "operating_cost": ((), ("provider",)),
    **dict.fromkeys(("gross_margin", "gross_margin_rate", "margin", "margin_rate"), (("provider",),)),
    **dict.fromkeys(("self_financing", "self_financing_rate", "result", "deficit", "shortfall"), (("provider",),)),
    "investment": ((), ("provider",)),
    **dict.fromkeys(("cost_discounted", "cost_per_qaly", "cost_per_home_day"), ((),)),
}
"""Which indicators the long table lists, and by which keys."""


def indicator_table(
    instance: Instance | Catalogue, accounts: Sequence[Account], today: Sequence[Account] | None = None
) -> tuple[IndicatorRow, ...]:
    """Return the long table of a plan, from its account in each replication (and today's in the same ones).

    Several tables of one instance are made faster from its catalogue.
    """
    catalogue = instance if isinstance(instance, Catalogue) else Catalogue.of(instance)
    rows = []
    for name, keys, term in _cells(catalogue):
        expanded = catalogue.expand(term)
        found = estimate(catalogue.over_replications(expanded, accounts, today))
        if found.replications:
            rows.append(IndicatorRow(name, catalogue.unit(name), found, **keys))
    return tuple(rows)


@dataclass(frozen=True)
class Listing:
    """The long table of a plan that is compared with none, from what is read of components' accounts.

    A reading is a vector of additive quantities [terms]: that of a whole replication is the sum over its components.
    """

    catalogue: Catalogue

    @cached_property
    def _heads(self) -> tuple[tuple[str, dict[str, str]], ...]:
        return tuple((name, keys) for name, keys, _ in _cells(self.catalogue))

    @cached_property
    def _reader(self) -> TermReader:
        return TermReader(self.catalogue, tuple(self.catalogue.expand(term) for _, _, term in _cells(self.catalogue)))

    def read(self, account: Account, part: tuple[int, ...]) -> FloatArray:
        """Return the reading of one component's account, over its own territories."""
        return self._reader.vector(account, part)

    def rows(self, readings: Sequence[FloatArray]) -> tuple[IndicatorRow, ...]:
        """Return the long table, from the reading of each whole replication."""
        values = np.array([self._reader.values(each, each) for each in readings])
        found = ((head, estimate(column)) for head, column in zip(self._heads, values.T, strict=True))
        return tuple(
            IndicatorRow(name, self.catalogue.unit(name), one, **keys)
            for (name, keys), one in found
            if one.replications
        )


def _cells(catalogue: Catalogue) -> Iterator[tuple[str, dict[str, str], Term]]:
    for name, breakdowns in BREAKDOWNS.items():
        for keys in breakdowns:
            for values in _combinations(catalogue.chart, keys):
                yield name, values, Term(name, _filters(values))
            if name in ("revenue", "cost") and keys in (("pathway",), ("profile",)):
                nobody = {keys[0]: NOBODY}  # so that the parts make the whole
                yield name, nobody, Term(name, _filters(nobody))
    for hazard in catalogue.chart.hazards:
        yield f"events[hazard={hazard}]", {}, Term("events", (Filter("hazard", (hazard,)),))
    for label in sorted({row.urbanicity for row in catalogue.chart.instance.territories if row.urbanicity}):
        yield f"access[urbanicity={label}]", {}, Term("access", (Filter("urbanicity", (label,)),))


def _combinations(chart: Chart, keys: tuple[str, ...]) -> Iterator[dict[str, str]]:
    if not keys:
        yield {}
        return
    if keys == ("zone", "resource"):
        for pool in chart.pools:
            yield {"zone": pool.zone, "resource": chart.instance.resources[pool.resource].resource}
        return
    for values in _values(chart, keys[0]):
        for rest in _combinations(chart, keys[1:]):
            yield {**values, **rest}


def _values(chart: Chart, key: str) -> Iterator[dict[str, str]]:
    if key == "zone":
        yield from ({"zone": row.zone} for row in chart.instance.zones)
    elif key == "step":
        yield from ({"pathway": pathway, "step": step} for pathway, step in chart.steps)
    else:
        names = {
            "profile": chart.profiles,
            "pathway": chart.pathways,
            "resource": chart.resources,
            "provider": chart.providers,
            "payer": chart.payers,
        }[key]
        yield from ({key: name} for name in names)


def _filters(values: Mapping[str, str]) -> tuple[Filter, ...]:
    if "step" in values:
        return (Filter("step", (f"{values['pathway']}/{values['step']}",)),)
    return tuple(Filter(key, (value,)) for key, value in values.items())
