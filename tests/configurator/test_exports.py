import io
import json

import openpyxl
import pandas
import pytest

from configurator.exports import workbook_bytes, write_export
from configurator.runs.store import RunFolderError
from configurator.tables import Table, csv_text, table_from_csv

AWKWARD = Table(
    "zones: *all*",
    ("zone", "name", "mean", "replications"),
    (
        ("01004", "=HYPERLINK(1)", 0.1 + 0.2, 30),
        ("42", 'Saint-Étienne, "Métropole"', -1e-12, 1),
        ("7", "+1 place\x07", None, 0),
    ),
)


def test_csv_reads_back_to_the_same_cells():
    assert table_from_csv(AWKWARD.name, csv_text(AWKWARD)) == AWKWARD


def test_pandas_reads_the_csv():
    frame = pandas.read_csv(io.StringIO(csv_text(AWKWARD)), dtype={"zone": str})
    assert list(frame["zone"]) == ["01004", "42", "7"]
    assert frame["mean"][0] == 0.1 + 0.2


def test_the_workbook_keeps_codes_as_text_and_formulas_as_words():
    sheet = openpyxl.load_workbook(io.BytesIO(workbook_bytes([AWKWARD])))["zones_ _all_"]
    cells = list(sheet.iter_rows(values_only=True))
    assert cells[0] == AWKWARD.columns
    assert cells[1] == ("01004", "=HYPERLINK(1)", pytest.approx(0.3), 30)
    assert sheet["B2"].data_type == "s"
    assert cells[3] == ("7", "+1 place", None, 0)


def test_sheets_with_alike_names_stay_apart():
    long = "a" * 40
    titles = openpyxl.load_workbook(
        io.BytesIO(workbook_bytes([Table(long, ("id",), ()), Table(long.upper(), ("id",), ())]))
    ).sheetnames
    assert len({title.lower() for title in titles}) == 2
    assert all(len(title) <= 31 for title in titles)


def test_json_holds_one_list_a_table(tmp_path):
    (path,) = write_export([AWKWARD], "json", tmp_path / "all.json")
    assert json.loads(path.read_text(encoding="utf-8"))[AWKWARD.name][0]["zone"] == "01004"


def test_csv_export_wants_a_folder(tmp_path):
    (tmp_path / "taken").write_text("x")
    with pytest.raises(RunFolderError, match="folder"):
        write_export([Table("front", ("id",), ())], "csv", tmp_path / "taken")
