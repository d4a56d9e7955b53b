"""providers.csv and the providers printed: shaped for people, equal to the accounts."""

from dataclasses import replace

import pytest

from configurator.provider_accounts import COLUMNS, provider_table, worst_off_table
from configurator.tables import csv_text, table_from_csv
from instances.settings import ProviderAccounts
from simulation.indicators import Catalogue
from simulation.records import Event
from tests.simulation.event_logs import Story, tiny


@pytest.fixture(scope="module")
def accounts():
    return [Story(tiny(), zones=(0,)).tell(0.0, Event.PRESENT, detail=0).account() for _ in range(2)]


def test_written_amounts_add_up_to_the_ledger_to_the_cent(accounts):
    written = table_from_csv("providers", csv_text(provider_table(tiny(), accounts)))
    assert written.columns == COLUMNS
    cost = [r for r in written.records() if r["account"] == "cost" and r["year"] is None and r["kind"]]
    assert sum(float(r["mean"]) for r in cost) == pytest.approx(
        Catalogue.of(tiny()).value("cost", accounts[0]), abs=0.005
    )


def test_one_replication_has_no_interval(accounts):
    rows = provider_table(tiny(), accounts[:1]).records()
    assert all(row["low"] is None and row["standard_error"] is None for row in rows)


def test_what_chance_alone_leaves_stands_beside(accounts):
    rows = provider_table(tiny(), accounts, accounts).records()
    revenue = next(row for row in rows if row["account"] == "revenue" and row["payer"])
    assert (revenue["chance_low"], revenue["chance_high"]) == (revenue["low"], revenue["high"])
    assert all(row["chance_low"] is None for row in rows if row["account"] == "deficit")


def test_thresholds_stand_in_the_heading(accounts):
    asked = ProviderAccounts(gross_margin_target=0.08, self_financing_least=0.02, self_financing_target=0.05)
    instance = tiny()
    instance = replace(instance, settings=instance.settings.model_copy(update={"provider_accounts": asked}))
    columns = worst_off_table(instance, accounts).columns
    assert "gross margin (%; 8 asked)" in columns
    assert "self-financing (%; under 2 insufficient, 5 asked)" in columns


def test_the_worst_off_are_printed_per_year_and_in_percent(accounts):
    rows = worst_off_table(tiny(), accounts).records()
    margins = [row["operating margin (%)"] for row in rows]
    assert margins == sorted(margins)
    years = 731.0 / 365.25
    hospital = next(row for row in rows if row["provider"] == "hospital")
    result = Catalogue.of(tiny()).value("result[provider=hospital]", accounts[0])
    assert hospital["result (EUR/year)"] == pytest.approx(result / years)
