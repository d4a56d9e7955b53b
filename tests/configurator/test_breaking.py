"""`breaks`: hand-made logs of each kind, simulated logs that agree with their accounts, logs that cannot be read."""

import csv

import numpy as np
import pytest
from typer.testing import CliRunner

from configurator import breaking
from configurator.asking import Choice
from configurator.cli import INVALID_INPUT, app, main
from configurator.event_log import InvalidLog, read_event_log
from configurator.trace import HEADER, EventNames, trace
from simulation.ledgers.breaks import KINDS, BreakCounter
from simulation.ledgers.chart import Chart
from simulation.twin import Twin
from tests.mini_instance import TABLES, write_mini_instance

BREAKS = """\
break,kind,step,service,window
again,readmission,ward,,30
turned_away,patience,ward,,
blocked_bed,blocked,ward,,3
alone_after_ward,discharge_without_service,ward,helper,7
without_help,gap_without_service,home,helper,30
while_waiting,avoidable_stay,ward,helper,14
"""

SHORT = "time,patient,zone,profile,pathway,step,event,resource,detail\n"
STORIES = {
    "again": """\
0,a,01,frail,usual,home,present,,
10,a,01,frail,usual,ward,enter,,
15,a,01,frail,usual,home,enter,,
44,a,01,frail,usual,ward,enter,,
50,a,01,frail,usual,home,enter,,
""",
    "turned_away": """\
0,a,01,frail,usual,home,present,,
10,a,01,frail,usual,home,wait,bed,usual/ward
13,a,01,frail,usual,home,break,,usual/ward
""",
    "blocked_bed": """\
0,a,01,frail,usual,ward,present,bed,
10,a,01,frail,usual,ward,wait,home_place,usual/admission
14,a,01,frail,usual,admission,enter,home_place,usual/ward
""",
    "alone_after_ward": """\
0,a,01,frail,helped,ward,present,bed,
20,a,01,frail,helped,home,enter,,helped/ward
20,a,01,frail,helped,home,service_ask,helper,
28,a,01,frail,helped,home,service_grant,helper,
""",
    "without_help": """\
0,a,01,frail,helped,home,arrive,,helped
0,a,01,frail,helped,home,enter,,
1,a,01,frail,helped,home,service_ask,helper,
32,a,01,frail,helped,home,service_grant,helper,
""",
    "while_waiting": """\
0,a,01,frail,helped,home,present,,
5,a,01,frail,helped,home,service_ask,helper,
20,a,01,frail,helped,ward,enter,bed,helped/home
""",
}


@pytest.fixture
def mini(tmp_path):
    folder = write_mini_instance(tmp_path / "mini")
    (folder / "breaks.csv").write_text(BREAKS)
    contracts = TABLES["prices"].replace("back_in_a_month", "again")
    (folder / "prices.csv").write_text(contracts)
    return Choice(str(folder))


def write(path, text):
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize("name", STORIES)
def test_a_hand_made_log_of_each_kind_meets_that_break(name, mini, tmp_path):
    log = write(tmp_path / "log.csv", SHORT + STORIES[name])
    records = breaking.breaks(mini, log, until=33.0 if name != "again" else 60.0).table.records()
    met = {row["break"]: row["persons"] for row in records if row["persons"]}
    assert met == {name: 1.0}
    assert {str(row["kind"]) for row in records} == set(KINDS)


def test_ranks_by_people_and_by_euros_differ_where_they_should(mini, tmp_path):
    """Two people turned away from the ward (nothing is paid at home), one readmitted for six days of 300 EUR."""
    two = STORIES["turned_away"] + STORIES["turned_away"].replace(",a,", ",b,")
    log = write(tmp_path / "log.csv", SHORT + two + STORIES["again"].replace(",a,", ",c,"))
    found = breaking.breaks(mini, log, until=60.0)
    rows = {row["break"]: row for row in found.table.records()}
    assert (rows["turned_away"]["rank_people"], rows["again"]["rank_people"]) == (1, 2)
    assert (rows["again"]["rank_euros"], rows["again"]["paid"]) == (1, 6 * 300.0)
    assert rows["again"]["cost"] == pytest.approx(6 * 90_000.0 / 365.25)
    assert rows["turned_away"]["per_100_people"] == pytest.approx(100 * 2 / 3)
    assert found.people == 3


def test_rows_of_any_order_semicolons_and_two_zones_are_read(mini, tmp_path):
    rows = (STORIES["again"] + STORIES["again"].replace("a,01", "b,02")).splitlines()
    text = SHORT + "\n".join(sorted(rows, key=lambda row: -float(row.split(",")[0]))) + "\n"
    log = write(tmp_path / "log.csv", "\ufeff" + text.replace(",", ";"))
    by_zone = breaking.breaks(mini, log, until=60.0, by="zone").table.records()
    assert [(row["break"], row["zone"], row["persons"]) for row in by_zone] == [("again", "01", 1), ("again", "02", 1)]


def test_a_simulated_log_agrees_with_its_account_to_the_last_bit(mini, tmp_path):
    """The log as written and read back is counted by the function that counted it in memory."""
    instance = mini.load()
    twin = Twin(instance, seed=3)
    names = EventNames.of(instance)
    path = tmp_path / "events.csv"
    results = [[twin.run(twin.today, number, r) for number in range(len(twin.components))] for r in range(2)]
    path.write_text(HEADER + "".join("".join(trace(names, r, each)) for r, each in enumerate(results)))
    runs = read_event_log(path, instance)
    assert len(runs) == 2
    met = np.zeros(len(instance.breaks))
    for replication, run in enumerate(runs):
        account = twin.whole_account(twin.today, replication)
        counted = BreakCounter(Chart(instance)).count(run.events, run.people, until=instance.settings.horizon.run)
        np.testing.assert_array_equal(counted.times, account.breaks)
        np.testing.assert_array_equal(counted.persons, account.broken)
        np.testing.assert_allclose(counted.money, account.breaks_money, rtol=1e-12)
        met += counted.times.sum(axis=(1, 2, 3))
    assert (met > 0).sum() >= 4, "the instance meets too few kinds of break to tell"
    shown = {row["break"]: row["times"] for row in breaking.breaks(mini, path).table.records()}
    assert [shown[row.break_] for row in instance.breaks] == pytest.approx(list(met / 2))


BAD = {
    "no such file": (None, "cannot be read"),
    "empty": ("", "empty file"),
    "only a header": (SHORT, "empty log"),
    "unknown column": (SHORT.replace("patient", "patiant"), "expected 'patient', perhaps"),
    "missing column": (SHORT.replace(",zone", ""), "missing column"),
    "not a time": (SHORT + "noon,a,01,frail,usual,home,present,,\n", "row 2, column time: not a time (found 'noon'"),
    "infinite time": (SHORT + "inf,a,01,frail,usual,home,present,,\n", "not a time"),
    "unknown zone": (SHORT + "0,a,1,frail,usual,home,present,,\n", "column zone: unknown zone (found '1'"),
    "unknown profile": (SHORT + "0,a,01,frial,usual,home,present,,\n", "expected 'frail', perhaps"),
    "unknown event": (SHORT + "0,a,01,frail,usual,home,entered,,\n", "column event: unknown event (found 'entered'"),
    "unknown step": (SHORT + "0,a,01,frail,usual,word,enter,,\n", "expected 'ward', perhaps"),
    "unknown pathway": (SHORT + "0,a,01,frail,usuel,ward,enter,,\n", "expected 'usual', perhaps"),
    "no step entered": (SHORT + "0,a,01,frail,usual,,enter,,\n", "column step: empty cell"),
    "nothing awaited": (SHORT + "0,a,01,frail,usual,home,wait,bed,\n", "the step awaited, as PATHWAY/STEP"),
    "awaited is unknown": (SHORT + "0,a,01,frail,usual,home,wait,bed,ward\n", "column detail: unknown step"),
    "unknown resource": (SHORT + "0,a,01,frail,helped,home,service_ask,helpers,\n", "expected 'helper', perhaps"),
    "no patient": (SHORT + "0,,01,frail,usual,home,present,,\n", "column patient: empty cell"),
    "two homes": (
        SHORT + "0,a,01,frail,usual,home,present,,\n1,a,02,frail,usual,ward,enter,,\n",
        "row 3, column zone: patient in two zones",
    ),
    "short row": (SHORT + "0,a,01\n", "row of another length"),
    "a quote left open": (SHORT + '0,"a,01,frail\n', "cannot be parsed"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_log_says_what_is_wrong_and_where(name, mini, tmp_path):
    text, expected = BAD[name]
    path = tmp_path / "log.csv"
    if text is not None:
        write(path, text)
    with pytest.raises(InvalidLog) as caught:
        breaking.breaks(mini, path)
    assert "log.csv" in str(caught.value)
    assert expected in str(caught.value)


def test_a_log_with_semicolons_and_decimal_commas_is_read(mini, tmp_path):
    points = SHORT + STORIES["again"].replace("15,a", "15.5,a")
    commas = points.replace(",", ";").replace("15.5;a", "15,5;a")
    assert "\n15,5;a;" in commas
    tables = [
        breaking.breaks(mini, write(tmp_path / name, text)).table
        for name, text in (("points.csv", points), ("commas.csv", commas))
    ]
    assert tables[0] == tables[1]


def test_a_log_that_is_not_utf8_is_refused(mini, tmp_path):
    path = tmp_path / "log.csv"
    path.write_bytes(SHORT.encode() + b"0,\xe9,01,frail,usual,home,present,,\n")
    with pytest.raises(InvalidLog, match="not UTF-8"):
        breaking.breaks(mini, path)


def test_the_same_fault_in_many_rows_is_one_line(mini, tmp_path):
    log = write(tmp_path / "log.csv", SHORT + "0,a,01,frail,usual,word,enter,,\n" * 1000)
    with pytest.raises(InvalidLog) as caught:
        breaking.breaks(mini, log)
    assert len(caught.value.faults) == 1
    assert "in 1,000 rows" in str(caught.value)


def test_the_command_prints_the_ranking_and_ends_with_2_on_a_bad_log(mini, tmp_path, monkeypatch, capsys):
    good, out = write(tmp_path / "log.csv", SHORT + STORIES["again"]), tmp_path / "breaks.csv"
    result = CliRunner().invoke(app, ["breaks", mini.instance, str(good), "--until", "60", "--out", str(out)])
    assert result.exit_code == 0
    assert "1 person observed until day 60" in result.output
    with out.open(newline="") as file:
        first = next(csv.DictReader(file))
    assert (first["break"], float(first["per_100_people"])) == ("again", 100.0)
    bad = write(tmp_path / "bad.csv", SHORT + "noon,a,01,frail,usual,home,present,,\n")
    monkeypatch.setattr("sys.argv", ["configurator", "breaks", mini.instance, str(bad)])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == INVALID_INPUT
    assert capsys.readouterr().err.splitlines() == [
        "bad.csv, row 2, column time: not a time (found 'noon'; expected a number in the instance's time unit)"
    ]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"until": 0.0}, "nothing in"),
        ({"until": float("nan")}, "--until nan: expected a number"),
        ({"until": float("inf")}, "--until inf: expected a number"),
        ({"contract": "tody"}, "expected 'today', perhaps"),
    ],
)
def test_what_cannot_be_asked_is_refused(options, expected, mini, tmp_path):
    log = write(tmp_path / "log.csv", SHORT + STORIES["again"])
    with pytest.raises(Exception, match=expected):
        breaking.breaks(mini, log, **options)


def test_an_instance_that_names_no_break_has_none_to_count(tmp_path):
    folder = write_mini_instance(tmp_path / "mini")
    (folder / "breaks.csv").unlink()
    (folder / "prices.csv").write_text("\n".join(TABLES["prices"].splitlines()[:-1]) + "\n")
    log = write(tmp_path / "log.csv", SHORT + STORIES["again"])
    with pytest.raises(breaking.InvalidRequest, match="names no pathway break"):
        breaking.breaks(Choice(str(folder)), log)


def test_each_kind_of_break_says_what_its_money_is():
    assert set(breaking.EUROS) == set(KINDS)
