"""Figures derived from additive quantities by expressions: shares, rates, margins, the objectives themselves.

Margins are those of French provider accounts (etat realise des recettes et des depenses, CNSA reading grid): the
gross margin leaves out depreciation and interest, the operating margin interest, the self-financing capacity (CAF)
depreciation, the result nothing.
"""

from dataclasses import dataclass

from instances.instance import Instance
from simulation.ledgers.money import DEPRECIATION_KINDS, INTEREST_KINDS, RUNNING_KINDS
from simulation.ledgers.outcomes import COMPONENTS


@dataclass(frozen=True)
class Derived:
    """A figure defined by an expression; its filters narrow every quantity in it (constants stay)."""

    name: str
    unit: str
    meaning: str
    expression: str


def _of_kinds(kinds: tuple[str, ...]) -> str:
    return f"cost[kind={'|'.join(kinds)}]"


GENERAL = (
    Derived("persons", "persons", "present on average", "person_years/years"),
    Derived("residents", "persons", "in a step on average", "person_years/years"),
    Derived("death_rate", "per person-year", "deaths per person-year", "deaths/person_years"),
    Derived("mean_stay", "days", "of stays begun and ended during the run", "completed_days/stays"),
    Derived("mean_wait", "days", "for a gate, the wait so far included", "waited_days/waits"),
    Derived("within_tolerable", "percent", "of gate requests served in time", "100*waits_within/waits"),
    Derived("mean_service_wait", "days", "for a service, the wait so far included", "service_waited_days/service_asks"),
    Derived("unmet_need", "share", "of service need without the service", "unmet_days/need_days"),
    Derived("occupancy", "share", "of a pool's units in use", "busy/capacity"),
    Derived("units", "units", "of capacity on average", "capacity/days"),
    Derived("gate_breaks", "breaks", "of waits for a gate", "patience_breaks+queue_breaks"),
    Derived("falls", "events", "falls", "events[hazard=fall*]"),
    Derived("hazards", "events", "hazards that struck", "events"),
    Derived("home_days", "days", "lived at home", "stay_days[setting=home]"),
    Derived("institution_days", "days", "lived in an institution", "stay_days[setting=institution]"),
    Derived(
        "hospital_days", "days", "in emergency, ward or rehabilitation",
        "stay_days[setting=emergency|ward|rehabilitation]",
    ),
    Derived("payments", "currency", "paid by payers", "revenue"),
    Derived("running_cost", "currency", "cost without depreciation and interest", _of_kinds(RUNNING_KINDS)),
    Derived("depreciation", "currency", "of what there is and of added units", _of_kinds(DEPRECIATION_KINDS)),
    Derived("interest", "currency", "on what there is and on added units", _of_kinds(INTEREST_KINDS)),
    Derived("investment", "currency", "annuities of added units", "cost[kind=added-*]"),
    Derived("gross_margin", "currency", "revenue less running cost", "revenue-running_cost"),
    Derived("gross_margin_rate", "share", "gross margin over revenue", "margin(revenue,running_cost)"),
    Derived("margin", "currency", "operating margin: revenue less operating cost", "revenue-operating_cost"),
    Derived("margin_rate", "share", "operating margin over revenue", "margin(revenue,operating_cost)"),
    Derived("self_financing", "currency", "capacity: result before depreciation", "revenue-running_cost-interest"),
    Derived(
        "self_financing_rate", "share", "self-financing capacity over revenue", "margin(revenue,running_cost+interest)"
    ),
    Derived("result", "currency", "revenue less all cost", "revenue-cost"),
    Derived("result_rate", "share", "result over revenue", "margin(revenue,cost)"),
    Derived("deficit", "probability", "of a result below zero", "below(result,0)"),
    Derived("shortfall", "currency", "operating deficit", "max(operating_cost-revenue,0)"),
    Derived("cost_per_home_day", "currency", "production cost per day at home", "cost/home_days"),
    Derived("cost_per_qaly", "currency", "production cost per QALY in the run", "cost_discounted/qaly_discounted"),
    Derived("lifetime_qaly", "QALY", "discounted, horizon credit included", "qaly_discounted+qaly_beyond"),
    Derived(
        "net_benefit", "currency", "worth of QALYs less production cost, discounted, horizon credit included",
        "willingness_to_pay*lifetime_qaly-(cost_discounted+cost_beyond)",
    ),
    Derived(
        "efficiency", "currency", "net monetary benefit against today per inhabitant",
        "(net_benefit-today.net_benefit)/inhabitants",
    ),
    Derived("access_gini", "index", "inequality of access between territories: Gini", "gini(access,zone)"),
    Derived(
        "access_extreme_ratio", "ratio", "access in the best-served territory over the worst",
        "extreme_ratio(access,zone)",
    ),
    Derived(
        "access_gap", "points", "access in the best-served kind of territory (urbanicity) less the worst",
        "gap(access,urbanicity)",
    ),
    Derived(
        "personalisation", "percent", "degree of personalisation: how far the pathway depends on the profile",
        "100*dependence(joined,profile,pathway)",
    ),
    *(Derived(name, "points", f"satisfaction: {name.replace('_', ' ')}", f"100*score[component={name}]/scored")
      for name in COMPONENTS),
)  # fmt: skip

INFORMAL = "informal"
"""The sector of those who care without being a firm: relatives."""


def firms(instance: Instance) -> tuple[str, ...]:
    """Return the providers held to solvency, in table order: all but informal ones."""
    return tuple(row.id for row in instance.providers if row.sector != INFORMAL)


def satisfaction(instance: Instance) -> Derived:
    """Return the mean of the six components with the instance's weights."""
    weights = instance.settings.satisfaction
    parts = "+".join(f"{getattr(weights, name)!r}*score[component={name}]" for name in COMPONENTS)
    whole = sum(getattr(weights, name) for name in COMPONENTS) or 1.0
    text = f"100*({parts})/({whole!r}*scored)"
    return Derived("satisfaction", "points", "mean over persons of the six components", text)


def solvency(instance: Instance) -> Derived:
    """Return the operating margin rate of the worst-off of the instance's firms; 0 when nobody earns or spends."""
    rates = ",".join(f"margin_rate[provider={firm}]" for firm in firms(instance))
    text = f"defined(min({rates}),0)" if rates else "0"
    return Derived("solvency", "share", "operating margin rate of the worst-off provider", text)
