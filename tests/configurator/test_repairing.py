"""A plan typed by hand, and rules that leave none, at the command line."""

import json
import re
import shutil
import sys
from pathlib import Path

import pytest

from configurator import cli
from configurator.plans import read_plan
from instances.catalogue import instance_folder, load_instance
from optimisation.feasibility.checker import violations
from optimisation.feasibility.planning import Planning

TYPED = {
    "shares": [{"zone": "town", "profile": "frail", "pathway": "supported", "share": 0.9}],
    "capacities": [{"zone": "town", "resource": "helper", "provider": "home_service", "units": 33}],
}


@pytest.fixture
def typed(monkeypatch, capsys, tmp_path):
    """Run the command in an empty folder and return (exit status, standard output, standard error)."""
    monkeypatch.chdir(tmp_path)

    def run(*words):
        monkeypatch.setattr(sys, "argv", ["configurator", *words])
        with pytest.raises(SystemExit) as stopped:
            cli.main()
        printed = capsys.readouterr()
        return int(stopped.value.code or 0), printed.out, printed.err

    return run


@pytest.fixture
def impossible(tmp_path) -> str:
    """The tiny instance with two rules that cannot be kept together, and one that can."""
    folder = tmp_path / "impossible"
    shutil.copytree(instance_folder("tiny"), folder)
    header, first, *_ = (folder / "rules.csv").read_text(encoding="utf-8").splitlines()
    columns = header.split(",")
    rows = [
        {"rule": "many", "kind": "authorised", "resource": "helper", "sense": "at_least", "bound": "40"},
        {"rule": "bears", "kind": "budget", "provider": "home_service", "money": "operating", "bound": "100000"},
        {"rule": "fine", "kind": "share", "profile": "frail", "pathway": "usual", "sense": "at_most", "bound": "1"},
    ]
    columns += [name for name in ("provider",) if name not in columns]
    lines = [",".join(row.get(column, "") for column in columns) for row in rows]
    (folder / "rules.csv").write_text("\n".join([",".join(columns), *lines]) + "\n", encoding="utf-8")
    assert first
    return str(folder)


def written(document) -> str:
    Path("plan.json").write_text(json.dumps(document), encoding="utf-8")
    return "plan.json"


def test_a_typed_plan_is_repaired_and_written(typed):
    status, out, err = typed("repair", "tiny", written(TYPED), "--out", "repaired.json")
    assert (status, err) == (0, "")
    assert "maximum in town helper home_service: 33" in out
    assert "asked for by" in out
    tiny = load_instance("tiny")
    plan = read_plan(tiny, Path("repaired.json"))
    assert violations(Planning(tiny), plan) == ()
    assert typed("repair", "tiny", "repaired.json")[1].startswith("the plan keeps every rule as it is\n")


def test_every_change_names_a_rule_that_asks_for_it(typed):
    status, out, _ = typed("repair", "tiny", written(TYPED), "--json", "--marginal")
    found = json.loads(out)
    assert status == 0
    assert not found["untouched"]
    assert {change["place"] for change in found["changes"]} >= {"town frail", "town helper home_service"}
    broken = {line.split(" ")[0] for line in found["broken"]}
    assert all(set(change["rules"]) & broken for change in found["changes"])
    assert {value["rule"] for value in found["marginal_values"]} == {"insurance_budget"}
    assert found["plan"]["capacities"]


def test_nothing_is_written_when_the_plan_file_is_wrong(typed):
    status, out, err = typed("repair", "tiny", written({"capacities": [{"zone": "moon"}]}), "--out", "repaired.json")
    assert (status, out) == (2, "")
    assert "plan.json" in err
    assert not Path("repaired.json").exists()


@pytest.mark.parametrize("verb", ["repair", "validate"])
def test_rules_that_leave_no_plan_end_with_status_3_and_are_named(typed, impossible, verb):
    words = [verb, impossible, *([written({})] if verb == "repair" else [])]
    status, _, err = typed(*words)
    assert status == 3
    assert "no plan keeps every rule" in err
    assert "cannot be kept together: many; bears" in err
    assert "smallest relaxation: many by 24 units" in err
    assert "or instead: bears by" in err
    assert "fine" not in err


def test_validate_says_what_rules_leave(typed):
    status, out, _ = typed("validate", "tiny")
    assert status == 0
    assert out.splitlines()[:2] == ["tiny is valid", "today's offer keeps every rule"]
    assert "under the most frugal plan" in out


def test_a_share_typed_alone_is_kept_and_what_was_left_out_makes_room(typed):
    one = {"shares": [{"zone": "town", "profile": "frail", "pathway": "supported", "share": 0.5}]}
    status, out, err = typed("repair", "tiny", written(one), "--out", "repaired.json")
    assert (status, err) == (0, "")
    assert "left out of the file" in out
    assert "town frail: usual 0.75 -> 0.5" in out
    assert "shares in town" not in out
    tiny = load_instance("tiny")
    plan = read_plan(tiny, Path("repaired.json"))
    assert dict(zip(((c.zone, c.profile, c.pathway) for c in Planning(tiny).cells), plan.shares, strict=True))[
        "town", "frail", "supported"
    ] == pytest.approx(0.5)


def test_amounts_are_told_in_full_and_are_enough(typed, impossible):
    """A budget raised by what the message says leaves a plan; it asks for millions, written out."""
    rules = Path(impossible, "rules.csv")
    header, *_ = rules.read_text(encoding="utf-8").splitlines()
    row = {"rule": "pays", "kind": "budget", "payer": "insurance", "sense": "at_least", "bound": "9000000"}
    rules.write_text(f"{header}\n{','.join(row.get(name, '') for name in header.split(','))}\n", encoding="utf-8")
    status, _, err = typed("validate", impossible)
    assert status == 3
    amount = int(re.search(r"smallest relaxation: pays by ([\d,]+) EUR/year", err)[1].replace(",", ""))
    assert amount > 1_000_000
    lowered = (
        f"{header}\n{','.join((row | {'bound': str(9_000_000 - amount)}).get(n, '') for n in header.split(','))}\n"
    )
    rules.write_text(lowered, encoding="utf-8")
    assert typed("validate", impossible)[0] == 0
    rules.write_text(lowered.replace(str(9_000_000 - amount), str(9_000_000 - amount + 100)), encoding="utf-8")
    assert typed("validate", impossible)[0] == 3
