"""Provider accounts as a table to write (providers.csv) and a shorter one to print: who is worst off."""

from collections.abc import Sequence

from configurator.intervals import chance_ends
from configurator.tables import Cell, Table, table
from instances.instance import Instance
from simulation.estimates import Estimate
from simulation.ledgers.account import Account
from simulation.provider_accounts import WHOLE_RUN, AccountLine, ProviderAccount, account_lines, worst_off

COLUMNS = (
    "provider", "account", "payer", "kind", "year", "unit", "mean", "standard_error", "low", "high",
    "chance_low", "chance_high", "replications", "threshold", "verdict",
)  # fmt: skip
SHOWN = 6
"""How many providers are printed."""


def provider_table(instance: Instance, accounts: Sequence[Account], by_chance: Sequence[Account] = ()) -> Table:
    """Return the table of providers.csv: one line of one provider's account a row; an empty year is the whole run.

    by_chance: accounts of replications that all carry the central values of parameters.
    """
    beside = {_key(line): line.estimate for line in (account_lines(instance, by_chance) if by_chance else ())}
    rows = [_cells(line, beside.get(_key(line))) for line in account_lines(instance, accounts)]
    return table("providers", COLUMNS, rows)


def worst_off_table(instance: Instance, accounts: Sequence[Account]) -> Table:
    """Return the worst-off providers, money per year of the run and rates in percent beside what is asked of them."""
    settings = instance.settings
    years = settings.horizon.run / settings.time_units_per_year
    currency, asked = settings.currency, settings.provider_accounts
    columns = (
        "provider",
        f"revenue ({currency}/year)",
        f"gross margin (%{_asked(asked.gross_margin_target)})",
        f"self-financing (%{_asked(asked.self_financing_least, asked.self_financing_target)})",
        "operating margin (%)",
        f"result ({currency}/year)",
        "deficit in (% of replications)",
        "verdict",
    )
    rows = [_worst_cells(one, years) for one in worst_off(instance, accounts)[:SHOWN]]
    return table("worst_off_providers", columns, rows)


def _asked(*thresholds: float | None) -> str:
    """Return thresholds in words: `; 2 insufficient, 5 asked`."""
    known = [f"{100.0 * threshold:g}" for threshold in thresholds if threshold is not None]
    if not known:
        return ""
    return f"; {known[0]} asked" if len(known) == 1 else f"; under {known[0]} insufficient, {known[1]} asked"


def _key(line: AccountLine) -> tuple[str | int, ...]:
    return line.provider, line.account, line.payer, line.kind, line.year


def _cells(line: AccountLine, by_chance: Estimate | None) -> list[Cell]:
    known, spread = line.estimate, line.estimate.replications > 1
    shown: list[Cell] = (
        [known.mean, known.standard_error, known.low, known.high] if spread else [known.mean, *[None] * 3]
    )
    if not known.replications:
        shown = [None] * 4
    return [
        line.provider,
        line.account,
        line.payer,
        line.kind,
        None if line.year == WHOLE_RUN else line.year,
        line.unit,
        *shown,
        *((None, None) if line.unit == "probability" else chance_ends(by_chance, known.replications)),
        known.replications,
        line.threshold,
        line.verdict,
    ]


def _worst_cells(one: ProviderAccount, years: float) -> list[Cell]:
    def percent(rate: Estimate) -> float:
        return 100.0 * rate.mean

    return [
        one.provider,
        one.revenue.mean / years,
        percent(one.gross_margin_rate),
        percent(one.self_financing_rate),
        percent(one.margin_rate),
        one.result.mean / years,
        percent(one.deficit),
        one.verdict,
    ]
