"""The treatment centre of Nelson (2013) as a shipped instance, against an independent recursion."""

import csv
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from instances.catalogue import load_instance
from simulation.twin import Twin
from tests.simulation.queueing.measures import SERVED, Log, Requests, Stays

EXPECTED = Path(__file__).parent / "treatment_centre_expected.csv"
CLOSING = 1140.0
DRAINED = 100_000.0  # longer than any day lasts
TRAUMA, NON_TRAUMA = 0, 1
# Stations: step, profile (None: both), name in the rows that cut the day short, name in the rows that do not.
STATIONS = (
    ("triage", None, "01a_triage_wait", "01b_triage_util", "x_triage"),
    ("registration", None, "02a_registration_wait", "02b_registration_util", "x_registration"),
    ("examination", None, "03a_examination_wait", "03b_examination_util", "x_exam"),
    ("treatment", NON_TRAUMA, "04a_treatment_wait(non_trauma)", "04b_treatment_util(non_trauma)", "x_cubicle1"),
    ("stabilisation", None, "06a_trauma_wait", "06b_trauma_util", "x_trauma"),
    ("treatment", TRAUMA, "07a_treatment_wait(trauma)", "07b_treatment_util(trauma)", "x_cubicle2"),
)
SERVERS = {"triage": 1, "registration": 1, "examination": 3, "treatment": 1, "stabilisation": 2}


def expected(scenario: str) -> dict[str, tuple[float, float]]:
    with EXPECTED.open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["scenario"] == scenario]
    return {row["metric"]: (float(row["mean"]), float(row["se"])) for row in rows}


def _day(log: Log, triage_bays: int) -> dict[str, float]:
    """Everything the published rows say of one day; the log runs until everyone has gone."""
    shown: dict[str, float] = {}
    for step, profile, wait_name, use_name, all_name in STATIONS:
        waits: Requests = log.asked(step, profile)
        assert (waits.outcome == SERVED).all()
        stays: Stays = log.in_step(step, profile)
        servers = triage_bays if step == "triage" else SERVERS[step]
        begun = stays.start < CLOSING
        shown[wait_name] = float(waits.wait[waits.ended < CLOSING].mean())
        shown[f"{all_name}_wait_all"] = float(waits.wait.mean())
        shown[use_name] = float((stays.end - stays.start)[begun].sum() / CLOSING / servers)
        clipped = np.minimum(stays.end, CLOSING) - stays.start
        shown[f"{all_name}_util_clipped"] = float(clipped[begun].sum() / CLOSING / servers)
    shown |= _persons(log)
    return shown


def _persons(log: Log) -> dict[str, float]:
    arrival, leaving = log.sojourns
    profile = log.people.profile
    shown = {
        "00_arrivals": float(len(arrival)),
        "09_throughput": float((leaving < CLOSING).sum()),
        "x_time_last_patient_leaves": float(leaving.max()),
    }
    for number, name, every in (
        (NON_TRAUMA, "05_total_time(non-trauma)", "x_total_time_nontrauma_all"),
        (TRAUMA, "08_total_time(trauma)", "x_total_time_trauma_all"),
    ):
        chosen = profile == number
        gone = chosen & (leaving < CLOSING)
        shown[name] = float((leaving - arrival)[gone].mean())
        shown[every] = float((leaving - arrival)[chosen].mean())
    return shown


@pytest.mark.parametrize("replications", [100, pytest.param(1000, marks=pytest.mark.slow)])
@pytest.mark.parametrize(
    ("scenario", "published", "triage_bays"), [("today", "base", 1), ("more_triage", "triage+1", 2)]
)
def test_a_day_agrees_with_the_published_figures(
    scenario: str, published: str, triage_bays: int, replications: int
) -> None:
    instance = load_instance("treatment-centre", scenario)

    def one(number: int) -> dict[str, float]:
        twin = Twin(instance, seed=1)
        return _day(Log(twin.run(twin.today, 0, number), DRAINED), triage_bays)

    with ThreadPoolExecutor(2) as pool:
        days = list(pool.map(one, range(replications)))
    wanted = expected(published)
    assert set(days[0]) == set(wanted)
    z = {}
    for name, (mean, error) in wanted.items():
        values = np.array([day[name] for day in days])
        combined = np.hypot(values.std(ddof=1) / np.sqrt(replications), error)
        z[name] = (values.mean() - mean) / combined
    far = {name: round(float(value), 2) for name, value in z.items() if abs(value) > 3.0}
    assert not far
