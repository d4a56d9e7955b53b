"""Targets in a run: the columns of front.csv, what is printed, the plan that is named."""

from configurator.printing import front_text
from configurator.results import FrontRow, Interval, ObjectiveScale, TargetScale, front_rows, front_table
from configurator.tables import csv_text, table_from_csv

SCALE = ObjectiveScale("cost", "minimise", 0.0, 10.0)
WAIT = TargetScale("wait", 30.0, True, 0.9)
ROW = FrontRow("P01", (Interval(3.0, 2.0, 4.0),), 0.8, 30, "nothing", 1, (Interval(0.97, 0.83, 1.0),))


def test_probabilities_of_keeping_targets_stand_in_the_table_and_come_back():
    written = csv_text(front_table("front", ["cost"], [ROW], ["wait"]))
    assert "target_wait,target_wait_low,target_wait_high" in written.splitlines()[0]
    assert front_rows(table_from_csv("front", written), ["cost"], ["wait"]) == (ROW,)


def test_probabilities_of_keeping_targets_are_printed():
    text = front_text([ROW], None, [SCALE], [WAIT])
    assert "keeps wait" in text
    assert "97 % (83 to 100)" in text
    assert str(WAIT) == "wait at most 30 with probability 0.9"


def test_a_front_without_a_plan_is_said_to_be_one():
    text = front_text([], None, [SCALE], [WAIT])
    assert "no plan stands on the front" in text
    assert "What each plan changes" not in text
