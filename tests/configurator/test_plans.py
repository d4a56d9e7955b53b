import json

import pytest

from configurator.plans import InvalidPlan, plan_document, plan_table, read_plan
from simulation.configuration import todays_configuration
from tests.configurator.fakes import with_capacity


def written(path, document):
    path.write_text(json.dumps(document), encoding="utf-8")
    return path


def test_a_plan_written_is_the_plan_read(tiny, tmp_path):
    plan = with_capacity(tiny, 2, 18)
    path = written(tmp_path / "P01.json", plan_document(tiny, plan))
    assert read_plan(tiny, path) == plan


def test_what_a_plan_does_not_name_stays_as_today(tiny, tmp_path):
    path = written(tmp_path / "P01.json", {"capacities": []})
    assert read_plan(tiny, path) == todays_configuration(tiny)


def test_all_faults_of_a_plan_are_listed_at_once(tiny, tmp_path):
    document = {
        "contract": "gift",
        "shares": [{"zone": "town", "profile": "frail", "pathway": "usual", "share": -1}],
        "capacities": [
            {"zone": "town", "resource": "bed", "provider": "hospital", "units": 2.5},
            {"zone": "moon", "resource": "bed", "provider": "hospital", "units": 2},
            "many",
        ],
    }
    with pytest.raises(InvalidPlan) as caught:
        read_plan(tiny, written(tmp_path / "P01.json", document))
    assert len(caught.value.faults) == 5
    assert all("P01.json" in str(fault) for fault in caught.value.faults)


def test_shares_must_sum_to_one(tiny, tmp_path):
    document = {"shares": [{"zone": "town", "profile": "frail", "pathway": "usual", "share": 0.123}]}
    with pytest.raises(InvalidPlan, match="sum to 1"):
        read_plan(tiny, written(tmp_path / "P01.json", document))


@pytest.mark.parametrize("content", [b"{", b"\xff\xfe", b"[]"])
def test_a_file_that_is_no_plan_is_refused(tiny, tmp_path, content):
    path = tmp_path / "P01.json"
    path.write_bytes(content)
    with pytest.raises(InvalidPlan, match=r"P01\.json"):
        read_plan(tiny, path)


def test_an_unknown_name_of_a_plan_is_refused_with_the_nearest_known_one(tiny, tmp_path):
    beds = {"zone": "twon", "resource": "bed", "provider": "hospitl", "units": 8}
    with pytest.raises(InvalidPlan) as caught:
        read_plan(tiny, written(tmp_path / "P01.json", {"capacities": [beds]}))
    assert [(fault.row, fault.column, fault.found, fault.expected) for fault in caught.value.faults] == [
        (1, "provider", "hospitl", "'hospital', perhaps"),
        (1, "zone", "twon", "'town', perhaps"),
    ]


def test_names_of_a_plan_that_do_not_go_together_are_refused(tiny, tmp_path):
    document = {"capacities": [{"zone": "hills", "resource": "bed", "provider": "hospital", "units": 8}]}
    with pytest.raises(InvalidPlan, match="found 'hills, bed, hospital'"):
        read_plan(tiny, written(tmp_path / "P01.json", document))


@pytest.mark.parametrize(
    ("word", "meant"), [("capacites", "capacities"), ("share", "shares"), ("Contract", "contract")]
)
def test_a_misspelt_decision_of_a_plan_is_refused(tiny, tmp_path, word, meant):
    with pytest.raises(InvalidPlan, match=f"'{meant}', perhaps"):
        read_plan(tiny, written(tmp_path / "P01.json", {word: []}))


def test_what_else_a_plan_says_is_no_fault(tiny, tmp_path):
    document = {
        "name": "ours",
        "comment": "typed by hand",
        "objectives": {},
        "targets": [],
        "places": 3,
        "capacities": [],
    }
    assert read_plan(tiny, written(tmp_path / "P01.json", document)) == todays_configuration(tiny)


def test_a_file_that_speaks_of_other_things_alone_is_refused(tiny, tmp_path):
    """As what `repair --json` prints is: the plan is in it, one level down."""
    document = {"untouched": True, "plan": {"capacities": []}}
    with pytest.raises(InvalidPlan, match="found 'plan, untouched'; expected one at least of shares, capacities"):
        read_plan(tiny, written(tmp_path / "P01.json", document))


def test_a_file_that_says_a_thing_twice_is_refused(tiny, tmp_path):
    path = tmp_path / "P01.json"
    path.write_text('{"capacities": [], "contract": "today", "capacities": []}', encoding="utf-8")
    with pytest.raises(InvalidPlan, match=r"column capacities: .*found 'capacities twice'"):
        read_plan(tiny, path)


@pytest.mark.parametrize("listed", ["shares", "capacities"])
def test_decisions_that_are_no_list_are_named_as_written(tiny, tmp_path, listed):
    with pytest.raises(InvalidPlan, match=rf"column {listed}: .*expected a list"):
        read_plan(tiny, written(tmp_path / "P01.json", {listed: {}}))


def test_a_decision_of_a_plan_is_named_once(tiny, tmp_path):
    beds = {"zone": "town", "resource": "bed", "provider": "hospital", "units": 8}
    with pytest.raises(InvalidPlan, match="found 'town, bed, hospital'; expected each of them once"):
        read_plan(tiny, written(tmp_path / "P01.json", {"capacities": [beds, beds | {"units": 9}]}))


@pytest.mark.parametrize("units", ["1e10", "1e300", "9" * 400])
def test_a_number_beyond_all_measure_is_refused(tiny, tmp_path, units):
    path = tmp_path / "P01.json"
    row = '{"zone": "town", "resource": "bed", "provider": "hospital", "units": ' + units + "}"
    path.write_text('{"capacities": [' + row + "]}", encoding="utf-8")
    with pytest.raises(InvalidPlan, match="row 1, column units"):
        read_plan(tiny, path)


def test_brackets_without_end_are_refused(tiny, tmp_path):
    path = tmp_path / "P01.json"
    path.write_text("[" * 100_000, encoding="utf-8")
    with pytest.raises(InvalidPlan, match="a plan as JSON"):
        read_plan(tiny, path)


def test_a_plan_may_begin_with_a_byte_order_mark(tiny, tmp_path):
    path = tmp_path / "P01.json"
    path.write_text("{}", encoding="utf-8-sig")
    assert read_plan(tiny, path) == todays_configuration(tiny)


def test_a_missing_plan_file_is_refused(tiny, tmp_path):
    with pytest.raises(InvalidPlan, match="No such file"):
        read_plan(tiny, tmp_path / "P99.json")


def test_the_table_of_a_plan_has_every_decision(tiny):
    plan = with_capacity(tiny, 0, 10)
    records = plan_table(tiny, plan).records()
    assert len(records) == len(plan.shares) + len(plan.capacities)
    changed = [record for record in records if record["today"] != record["value"]]
    assert [(record["zone"], record["resource"], record["value"]) for record in changed] == [("town", "bed", 10)]
