"""Provider accounts as a table to write (providers.csv) and a shorter one to print: who is worst off."""

from collections.abc import Sequence

from configurator.tables import Cell, Table, table
from instances.instance import Instance
from simulation.estimates import Estimate
from simulation.ledgers.account import Account
from simulation.provider_accounts import WHOLE_RUN, AccountLine, ProviderAccount, account_lines, worst_off

COLUMNS = (
    "provider", "account", "payer", "kind", "year", "unit", "mean", "standard_error", "low", "high", "replications",
    "threshold", "verdict",
)  # fmt: skip
SHOWN = 6
"""How many providers are printed."""


def provider_table(instance: Instance, accounts: Sequence[Account]) -> Table:
    """Return the table of providers.csv: one line of one provider's account a row; an empty year is the whole run."""
    return table("providers", COLUMNS, [_cells(line) for line in account_lines(instance, accounts)])


def worst_off_table(instance: Instance, accounts: Sequence[Account]) -> Table:
    """Return the worst-off providers, money per year of the run and rates in percent."""
    settings = instance.settings
    years = settings.horizon.run / settings.time_units_per_year
    currency = settings.currency
    columns = (
        "provider", f"revenue ({currency}/year)", "gross margin (%)", "self-financing (%)", "operating margin (%)",
        f"result ({currency}/year)", "deficit in (% of replications)", "verdict",
    )  # fmt: skip
    rows = [_worst_cells(one, years) for one in worst_off(instance, accounts)[:SHOWN]]
    return table("worst_off_providers", columns, rows)


def _cells(line: AccountLine) -> list[Cell]:
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
