"""A census is read as an instance is: every fault at once, each with its place and what was expected."""

import pytest

from instances.catalogue import load_instance
from instances.census import InvalidCensus, read_census

HEADER = "zone,profile,pathway,step,days_elapsed,count\n"


@pytest.fixture(scope="module")
def tiny():
    return load_instance("tiny")


def census(tmp_path, text):
    path = tmp_path / "census.csv"
    path.write_text(text, encoding="utf-8")
    return path


def test_rows_are_read_with_or_without_a_count(tiny, tmp_path):
    rows = read_census(census(tmp_path, HEADER + "town,frail,usual,home,12.5,3\nhills,steady,usual,home,0,\n"), tiny)
    assert [(row.zone, row.profile, row.step, row.days_elapsed, row.count) for row in rows] == [
        ("town", "frail", "home", 12.5, 3),
        ("hills", "steady", "home", 0.0, 1),
    ]
    alone = "zone;profile;pathway;step;days_elapsed\ntown;frail;supported;ward;2,5\n"
    assert read_census(census(tmp_path, alone), tiny)[0].days_elapsed == 2.5


def test_all_faults_are_listed_with_their_places(tiny, tmp_path):
    text = (
        HEADER
        + "twon,frail,usual,home,1,1\ntown,fral,usal,home,1,1\ntown,frail,usual,wart,-1,0\nvalley,,usual,home,x,1\n"
    )
    with pytest.raises(InvalidCensus) as caught:
        read_census(census(tmp_path, text), tiny)
    found = {(fault.row, fault.column): (fault.found, fault.expected) for fault in caught.value.faults}
    assert found[2, "zone"] == ("twon", "'town', perhaps")
    assert found[3, "profile"] == ("fral", "'frail', perhaps")
    assert found[3, "pathway"] == ("usal", "'usual', perhaps")
    assert found[4, "days_elapsed"][0] == "-1"
    assert found[4, "count"][0] == "0"
    assert (5, "profile") in found
    assert (5, "days_elapsed") in found
    assert "faults in the census" in str(caught.value)


@pytest.mark.parametrize(
    ("row", "column", "message"),
    [
        ("town,frail,usual,wart,1,1", "step", "unknown step"),
        ("town,frail,usual,dead,1,1", "step", "exit step"),
        ("valley,frail,usual,home,1,1", "zone", "unknown territory"),
    ],
)
def test_a_row_that_cannot_be(row, column, message, tiny, tmp_path):
    with pytest.raises(InvalidCensus) as caught:
        read_census(census(tmp_path, HEADER + row + "\n"), tiny)
    (fault,) = caught.value.faults
    assert (fault.row, fault.column) == (2, column)
    assert message in fault.message


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "empty file"),
        (HEADER, "empty table"),
        ("zone,profile,pathway,days_elapsed\n", "missing column"),
        (HEADER.replace("step", "stop"), "unknown column"),
        (HEADER + "town,frail\n", "row of another length"),
    ],
)
def test_faults_of_form(text, message, tiny, tmp_path):
    with pytest.raises(InvalidCensus, match=message):
        read_census(census(tmp_path, text), tiny)


def test_a_file_that_is_not_there(tiny, tmp_path):
    with pytest.raises(InvalidCensus, match="missing file"):
        read_census(tmp_path / "none.csv", tiny)
