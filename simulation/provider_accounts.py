"""Provider accounts as their directors know them: revenue by payer, cost by kind, margins, result, over replications.

A provider's account adds up to the money ledger: revenue by payer to its revenue, cost by kind to its cost, years to
the run. Margins are those of French accounts (see `derived_indicators`); the thresholds beside them are the
instance's (`[provider_accounts]`). The probability of a deficit is the share of replications whose result is below 0.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from instances.instance import Instance
from instances.settings import ProviderAccounts
from simulation.derived_indicators import firms
from simulation.economics import margin_rate
from simulation.estimates import Estimate, estimate, proportion
from simulation.ledgers.account import Account
from simulation.ledgers.chart import FloatArray
from simulation.ledgers.money import COST_KINDS, DEPRECIATION_KINDS, INTEREST_KINDS

WHOLE_RUN = 0
"""Stands for all years together."""


@dataclass(frozen=True)
class AccountLine:
    """One line of a provider's account over the whole run or in one year (the first is 1).

    account: revenue, cost, or an indicator's name; payer, kind: of a part of revenue or cost; threshold: what the
    figure is read against; verdict: what that says of the mean.
    """

    provider: str
    account: str
    unit: str
    estimate: Estimate
    payer: str = ""
    kind: str = ""
    year: int = WHOLE_RUN
    threshold: float | None = None
    verdict: str = ""


@dataclass(frozen=True)
class ProviderAccount:
    """One provider's account over the whole run; rates are nan for who neither earns nor spends."""

    provider: str
    revenue: Estimate
    gross_margin_rate: Estimate
    self_financing_rate: Estimate
    margin_rate: Estimate
    result: Estimate
    deficit: Estimate
    verdict: str


def account_lines(instance: Instance, accounts: Sequence[Account]) -> tuple[AccountLine, ...]:
    """Return every line of every provider's account, from one account of the whole territory a replication.

    Relatives have the lines of their cost and no margins: they are no firm.
    """
    books = _Books.of(instance, accounts)
    return tuple(line for provider in range(len(instance.providers)) for line in books.lines(provider))


def worst_off(instance: Instance, accounts: Sequence[Account]) -> tuple[ProviderAccount, ...]:
    """Return the accounts of the firms that earn or spend, the lowest mean operating margin rate first."""
    books = _Books.of(instance, accounts)
    known = [row.id for row in instance.providers]
    found = [books.summary(known.index(firm)) for firm in firms(instance)]
    return tuple(sorted((one for one in found if one.margin_rate.replications), key=lambda one: one.margin_rate.mean))


@dataclass(frozen=True)
class _Books:
    """Revenue [replication, payer, provider, Y + 1] and cost [replication, provider, kind, Y + 1]; 0: the whole run."""

    instance: Instance
    revenue: FloatArray
    cost: FloatArray

    @classmethod
    def of(cls, instance: Instance, accounts: Sequence[Account]) -> "_Books":
        revenue = np.array([each.revenue_by_year[..., 0].sum(axis=2) for each in accounts])
        cost = np.array([each.cost_by_kind[..., 0].sum(axis=2) for each in accounts])
        return cls(instance, _with_whole(revenue), _with_whole(cost))

    def lines(self, provider: int) -> Iterator[AccountLine]:
        """Yield the lines of one provider, the whole run first."""
        row = self.instance.providers[provider]
        for year in range(self.cost.shape[-1]):
            yield from self._parts(provider, row.id, year)
            if row.id in firms(self.instance):
                yield from self._margins(provider, row.id, year)

    def summary(self, provider: int) -> ProviderAccount:
        """Return one firm's account over the whole run."""
        margins = {line.account: line for line in self._margins(provider, self.instance.providers[provider].id, 0)}
        verdicts = [line.verdict for line in margins.values() if line.verdict]
        return ProviderAccount(
            provider=self.instance.providers[provider].id,
            revenue=estimate(self.revenue[:, :, provider, WHOLE_RUN].sum(axis=1)),
            gross_margin_rate=margins["gross_margin_rate"].estimate,
            self_financing_rate=margins["self_financing_rate"].estimate,
            margin_rate=margins["margin_rate"].estimate,
            result=margins["result"].estimate,
            deficit=margins["deficit"].estimate,
            verdict=", ".join(verdicts),
        )

    def _parts(self, provider: int, name: str, year: int) -> Iterator[AccountLine]:
        currency = self.instance.settings.currency
        revenue, cost = self.revenue[:, :, provider, year], self.cost[:, provider, :, year]
        for number, payer in enumerate(self.instance.payers):
            if revenue[:, number].any():
                yield AccountLine(name, "revenue", currency, estimate(revenue[:, number]), payer=payer.id, year=year)
        yield AccountLine(name, "revenue", currency, estimate(revenue.sum(axis=1)), year=year)
        for number, kind in enumerate(COST_KINDS):
            if cost[:, number].any():
                yield AccountLine(name, "cost", currency, estimate(cost[:, number]), kind=kind, year=year)
        yield AccountLine(name, "cost", currency, estimate(cost.sum(axis=1)), year=year)

    def _margins(self, provider: int, name: str, year: int) -> Iterator[AccountLine]:
        """Yield amount and rate of each margin, then the probability of a deficit."""
        currency = self.instance.settings.currency
        revenue = self.revenue[:, :, provider, year].sum(axis=1)
        kinds = self.cost[:, provider, :, year]
        for amount, rate, left_out in _MARGINS:
            counted = [number for number, kind in enumerate(COST_KINDS) if kind not in left_out]
            cost = kinds[:, counted].sum(axis=1)
            yield AccountLine(name, amount, currency, estimate(revenue - cost), year=year)
            rates = estimate([margin_rate(*pair) for pair in zip(revenue.tolist(), cost.tolist(), strict=True)])
            threshold, verdict = self._read(rate, rates)
            yield AccountLine(name, rate, "share", rates, year=year, threshold=threshold, verdict=verdict)
        deficits = int((revenue < kinds.sum(axis=1)).sum())
        yield AccountLine(name, "deficit", "probability", proportion(deficits, len(revenue)), year=year)

    def _read(self, rate: str, found: Estimate) -> tuple[float | None, str]:
        """Return the threshold of a rate and what it says of the mean."""
        limits = self.instance.settings.provider_accounts
        if not found.replications:
            return None, ""
        if rate == "gross_margin_rate" and limits.gross_margin_target is not None:
            reached = found.mean >= limits.gross_margin_target
            return limits.gross_margin_target, "gross margin reaches its target" if reached else "gross margin low"
        if rate == "self_financing_rate":
            return limits.self_financing_target, _self_financing(found.mean, limits)
        return None, ""


_MARGINS: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("gross_margin", "gross_margin_rate", (*DEPRECIATION_KINDS, *INTEREST_KINDS)),
    ("self_financing", "self_financing_rate", DEPRECIATION_KINDS),
    ("margin", "margin_rate", INTEREST_KINDS),
    ("result", "result_rate", ()),
)
"""Amount, rate, and the kinds of cost that the margin leaves out; names as in `derived_indicators`."""


def _self_financing(rate: float, limits: ProviderAccounts) -> str:
    if limits.self_financing_least is not None and rate < limits.self_financing_least:
        return "self-financing insufficient"
    if limits.self_financing_target is None:
        return ""
    return "self-financing fragile" if rate < limits.self_financing_target else "self-financing satisfactory"


def _with_whole(by_year: FloatArray) -> FloatArray:
    """Put the sum over the last axis before it."""
    return np.concatenate([by_year.sum(axis=-1, keepdims=True), by_year], axis=-1)
