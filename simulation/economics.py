"""Formulae of health economics: discounting, annuities, occupancy tariffs, margins, net benefit; nothing else.

Sources: Drummond et al., Methods for the Economic Evaluation of Health Care Programmes, 4th ed. (2015), ch. 4
(discounting, annuities) and ch. 7 (net benefit); Haute Autorite de sante, Choix methodologiques pour
l'evaluation economique (2020) (discount rate 2.5 %, outcomes and costs alike); arretes of 4 and 28 September
2017 on the care allocation of nursing homes (occupancy modulation).
"""

import math
from typing import Literal

Timing = Literal["start", "middle", "end"]

TIMING_SHIFT: dict[Timing, float] = {"start": 0.0, "middle": 0.5, "end": 1.0}

LEAST_MARGIN_RATE = -10.0
"""A provider who earns (next to) nothing and still spends counts as losing ten times its revenue, no more."""


def force_of_interest(rate: float) -> float:
    """Return the continuous rate equivalent to a yearly one: log(1 + rate).

    >>> force_of_interest(0.0)
    0.0
    """
    return math.log1p(rate)


def discount_factor(rate: float, years: float) -> float:
    """Return what one unit in `years` years is worth today: (1 + rate) ** -years.

    >>> round(discount_factor(0.025, 10), 6)
    0.781198
    """
    return math.exp(-force_of_interest(rate) * years)


def discounted_duration(rate: float, start: float, end: float) -> float:
    """Return the discounted years between two moments: the integral of (1 + rate) ** -t from start to end.

    >>> discounted_duration(0.0, 1.0, 3.0)
    2.0
    >>> round(discounted_duration(0.025, 0.0, 1.0), 6)
    0.987755
    """
    force = force_of_interest(rate)
    if force == 0.0:
        return end - start
    return (math.exp(-force * start) - math.exp(-force * end)) / force


def present_value(amount: float, years: int, rate: float, timing: Timing = "end") -> float:
    """Return today's value of `amount` a year for whole years, paid at the start, middle or end of each.

    >>> round(present_value(1000, 10, 0.025), 4)
    8752.0639
    >>> round(present_value(1000, 10, 0.025, "middle"), 4)
    8860.7894
    >>> round(present_value(1000, 10, 0.025, "start"), 4)
    8970.8655
    >>> present_value(1000, 10, 0.0)
    10000.0
    """
    shift = TIMING_SHIFT[timing]
    return math.fsum(amount * (1.0 + rate) ** -(year + shift) for year in range(years))


def annuity(amount: float, life: float, rate: float) -> float:
    """Return the yearly payment (at year's end) that repays an investment over its life: a r / (1 - (1 + r)^-n).

    Rate 0 spreads evenly; an endless life pays interest only; a life of 0 has no annuity.

    >>> round(annuity(8752.0639, 10, 0.025), 4)
    1000.0
    >>> annuity(1000.0, 10, 0.0)
    100.0
    >>> annuity(1000.0, math.inf, 0.03)
    30.0
    """
    if life <= 0.0:
        raise ValueError(f"an annuity needs a life above 0 years, not {life}")
    if math.isinf(life):
        return amount * rate
    if rate == 0.0:
        return amount / life
    return amount * rate / -math.expm1(-life * math.log1p(rate))


def depreciation_share(life: float, rate: float) -> float:
    """Return the part of an annuity that is depreciation: the amount evenly over its life; the rest is interest.

    Over the whole life depreciation adds up to the amount and interest to what the loan costs above it.

    >>> depreciation_share(10, 0.0)
    1.0
    >>> round(depreciation_share(30, 0.03) * annuity(140_000.0, 30, 0.03), 2)
    4666.67
    """
    return 1.0 / (life * annuity(1.0, life, rate))


def occupancy_factor(occupancy: float, floor: float, slope: float) -> float:
    """Return the part of a tariff paid at an occupancy: 1 - slope * max(0, floor - occupancy), at least 0.

    The French nursing-home rule: floor 0.95, slope 0.5 (half of each missing point).

    >>> occupancy_factor(0.97, 0.95, 0.5)
    1.0
    >>> round(occupancy_factor(0.85, 0.95, 0.5), 6)
    0.95
    """
    return max(0.0, 1.0 - slope * max(0.0, floor - occupancy))


def margin_rate(revenue: float, cost: float) -> float:
    """Return (revenue - cost) / revenue, cut at `LEAST_MARGIN_RATE`; nan for who neither earns nor spends.

    >>> margin_rate(200.0, 190.0)
    0.05
    >>> margin_rate(0.0, 5.0)
    -10.0
    """
    if revenue <= 0.0:
        return math.nan if cost <= 0.0 else LEAST_MARGIN_RATE
    return max(LEAST_MARGIN_RATE, (revenue - cost) / revenue)


def net_monetary_benefit(qaly: float, cost: float, willingness_to_pay: float) -> float:
    """Return the money's worth of health less its cost: willingness_to_pay * qaly - cost.

    >>> net_monetary_benefit(0.1, 1500.0, 20000.0)
    500.0
    """
    return willingness_to_pay * qaly - cost


def cost_effectiveness_ratio(cost: float, qaly: float) -> float:
    """Return extra cost per extra QALY (ICER); nan when there is no extra QALY.

    >>> round(cost_effectiveness_ratio(1020.0, 0.0175), 2)
    58285.71
    """
    return cost / qaly if qaly != 0.0 else math.nan
