"""Budgets: who pays, or bears, at most how much a year."""

from collections.abc import Iterator

from instances.tables import Rule
from optimisation.feasibility.inequality import Inequality, Term, combined, directed, weighted
from optimisation.feasibility.planning import Money, Planning


def budget(planning: Planning, rule: Rule, contract: str) -> Iterator[Inequality]:
    """Bound the money a year of a payer (what it pays), a provider (what it bears) or all payers, at each place z.

        sum_j price_jz served_j + sum_c price_c share_c + sum_i (price_i units_i + site_i open_i + annuity_i added_i)
            <= bound

    `money` operating leaves out the annuities of added units, investment keeps nothing else, empty keeps both; a payer
    pays no annuity. Tariff cuts at low occupancy are counted cautiously: spending is never estimated too low by them.
    """
    if rule.bound is None:
        return
    for place, territories in planning.places(rule):
        terms = combined(*(money_terms(part) for part in sums(planning, rule, territories, contract)))
        yield directed(
            rule.rule, place, terms, rule.bound, _unit(planning), at_least=rule.sense == "at_least", budget=True
        )


def sums(planning: Planning, rule: Rule, territories: tuple[int, ...], contract: str) -> Iterator[Money]:
    """Yield the sums of money a budget adds up in some territories."""
    if rule.money in ("", "operating"):
        if rule.provider and not rule.payer:
            yield planning.operated(rule.provider, territories)
        else:
            yield planning.paid(rule.payer, territories, contract)
    if rule.money in ("", "investment") and not rule.payer:
        yield planning.invested(rule.provider, territories)


def money_terms(money: Money) -> dict[Term, float]:
    """Return a sum of money as a linear expression."""
    return combined(
        weighted("served", money.served),
        weighted("share", money.share),
        weighted("units", money.units),
        weighted("open", money.sites),
        weighted("added", money.added),
    )


def _unit(planning: Planning) -> str:
    return f"{planning.instance.settings.currency}/year"
