"""Totals equal the sum of their parts to the cent in every table with money that `simulate` writes."""

from collections import defaultdict
from itertools import combinations

import pytest

from configurator.asking import Choice, Wish
from configurator.tables import table_from_csv
from configurator.verbs import simulate
from instances.catalogue import load_instance

CENT = 0.005
KEYS = ("zone", "profile", "pathway", "step", "resource", "provider", "payer")
ADDITIVE = ("revenue", "cost", "operating_cost", "investment")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    out = tmp_path_factory.mktemp("runs") / "tiny"
    simulate(Choice("tiny"), Wish(replications=2), out=out)
    return out


def records(folder, name):
    return table_from_csv(name, (folder / f"{name}.csv").read_text(encoding="utf-8")).records()


def by_keys(folder, indicator):
    """Means of an indicator by which keys are given, territories only among zones."""
    territories = {row.zone for row in load_instance("tiny").territories}
    found = defaultdict(dict)
    for row in records(folder, "indicators"):
        given = tuple(key for key in KEYS if row[key])
        if row["indicator"] == indicator and ("zone" not in given or row["zone"] in territories):
            found[given][tuple(row[key] for key in given)] = float(row["mean"])
    return found


@pytest.mark.parametrize("indicator", ADDITIVE)
def test_indicators_add_up_over_every_key_they_are_listed_by(folder, indicator):
    found = by_keys(folder, indicator)
    whole = found[()][()]
    assert len(found) > 1
    for given, parts in found.items():
        assert sum(parts.values()) == pytest.approx(whole, abs=CENT), given


def test_two_keys_add_up_to_one(folder):
    found = by_keys(folder, "revenue")
    for pair in [given for given in found if len(given) == 2]:
        for kept in combinations(pair, 1):
            if kept not in found:
                continue
            sums = defaultdict(float)
            for key, amount in found[pair].items():
                sums[key[pair.index(kept[0])],] += amount
            assert dict(sums) == pytest.approx(found[kept], abs=CENT)


def test_provider_accounts_add_up_to_the_indicators(folder):
    rows = [row for row in records(folder, "providers") if row["year"] is None]
    paid, borne = defaultdict(float), defaultdict(float)
    for row in rows:
        if row["account"] == "revenue" and row["payer"]:
            paid[row["payer"],] += float(row["mean"])
        if row["account"] == "cost" and row["kind"]:
            borne[row["provider"],] += float(row["mean"])
    assert dict(paid) == pytest.approx(by_keys(folder, "revenue")["payer",], abs=CENT)
    assert dict(borne) == pytest.approx(by_keys(folder, "cost")["provider",], abs=CENT)


def test_years_of_a_provider_add_up_to_its_run(folder):
    rows = records(folder, "providers")
    for account in ("revenue", "cost", "result", "gross_margin"):
        totals = [row for row in rows if row["account"] == account and not row["payer"] and not row["kind"]]
        for provider in {row["provider"] for row in totals}:
            years = sum(float(row["mean"]) for row in totals if row["provider"] == provider and row["year"])
            run = sum(float(row["mean"]) for row in totals if row["provider"] == provider and row["year"] is None)
            assert years == pytest.approx(run, abs=CENT)
