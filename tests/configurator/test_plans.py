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


def test_a_missing_plan_file_is_refused(tiny, tmp_path):
    with pytest.raises(InvalidPlan, match="No such file"):
        read_plan(tiny, tmp_path / "P99.json")


def test_the_table_of_a_plan_has_every_decision(tiny):
    plan = with_capacity(tiny, 0, 10)
    records = plan_table(tiny, plan).records()
    assert len(records) == len(plan.shares) + len(plan.capacities)
    changed = [record for record in records if record["today"] != record["value"]]
    assert [(record["zone"], record["resource"], record["value"]) for record in changed] == [("town", "bed", 10)]
