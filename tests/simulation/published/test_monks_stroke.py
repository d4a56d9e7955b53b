"""The stroke model of Monks and others (2016) as a shipped instance, against exact values and another simulator."""

import csv
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from instances.catalogue import load_instance
from simulation.twin import Twin
from tests.simulation.queueing.measures import LOST, SERVED, Log

HERE = Path(__file__).parent
STEPS = {"asu": "acute_unit", "rehab": "rehabilitation"}
FIVE_YEARS = 1825.0
DAYS = np.arange(1, 1826, dtype=np.float64)
HIGHEST = 60
FULL, FEW = 150, 24
EACH = pytest.mark.parametrize("replications", [FEW, pytest.param(FULL, marks=pytest.mark.slow)])

FloatArray = npt.NDArray[np.float64]


def published(name: str) -> list[dict[str, str]]:
    with (HERE / f"monks_stroke_{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def replicated(scenario: str, replications: int, read: Callable[[Log], Sequence[float]]) -> FloatArray:
    """What each replication shows, [replication, value]."""
    instance = load_instance("monks-stroke", scenario)

    def one(number: int) -> Sequence[float]:
        twin = Twin(instance, seed=1)
        return read(Log(twin.run(twin.today, 0, number), FIVE_YEARS))

    with ThreadPoolExecutor(2) as pool:
        return np.array(list(pool.map(one, range(replications))))


def standard_error(values: FloatArray) -> float:
    return float(values.std(ddof=1) / np.sqrt(len(values)))


@cache
def time_averages(replications: int) -> FloatArray:
    """Mean census of both wards, [replication, ward]."""
    return replicated("today", replications, lambda log: [log.mean_in_care(step) for step in STEPS.values()])


@cache
def daily_census(replications: int) -> FloatArray:
    """Share of the days with 0, 1, ... patients in each ward, [replication, ward, patients]."""

    def shares(log: Log) -> FloatArray:
        rows = []
        for step in STEPS.values():
            stays = log.in_step(step)
            present = np.searchsorted(np.sort(stays.start), DAYS) - np.searchsorted(np.sort(stays.end), DAYS)
            rows.append(np.bincount(present, minlength=HIGHEST) / len(DAYS))
        return np.array(rows)

    return replicated("today", replications, shares)


@EACH
def test_mean_census_is_exact(replications: int) -> None:
    for ward, row in enumerate(published("occupancy_exact")):
        values = time_averages(replications)[:, ward]
        assert abs(values.mean() - float(row["mean_census"])) <= 3.0 * standard_error(values), row["unit"]


@EACH
def test_standard_errors_are_those_of_theory(replications: int) -> None:
    """Within 25 % with 150 replications; fewer show their own standard error less well."""
    tolerance = 0.25 * np.sqrt(FULL / replications)
    for ward, row in enumerate(published("occupancy_exact")):
        shown = standard_error(time_averages(replications)[:, ward])
        expected = float(row["sd_of_one_5y_time_average"]) / np.sqrt(replications)
        assert abs(shown / expected - 1.0) <= tolerance, row["unit"]
        if replications == FULL:
            assert expected == pytest.approx(float(row["se_of_150_reps_mean"]), rel=1e-4)


@EACH
def test_variance_of_the_daily_census_is_its_mean(replications: int) -> None:
    levels = np.arange(HIGHEST)
    for ward in range(2):
        shares = daily_census(replications)[:, ward]
        first, second = shares @ levels, shares @ levels**2
        mean = first.mean()
        # linearised: variance = E[N^2] - E[N]^2
        excess = second - 2.0 * mean * first + mean**2 - first
        assert abs(excess.mean()) <= 3.0 * standard_error(excess)


@EACH
def test_chance_of_delay_with_ten_to_fourteen_beds(replications: int) -> None:
    wards = list(STEPS)
    for row in published("pdelay_exact"):
        shares = daily_census(replications)[:, wards.index(row["unit"])]
        beds = int(row["beds"])
        full, fits = shares[:, beds], shares[:, : beds + 1].sum(axis=1)
        delay = full.mean() / fits.mean()
        residual = (full - delay * fits) / fits.mean()
        assert abs(delay - float(row["p_delay"])) <= 3.0 * standard_error(residual), (row["unit"], beds)


@EACH
def test_distribution_of_the_daily_census(replications: int) -> None:
    wards = list(STEPS)
    z = []
    for row in published("census_pmf_exact"):
        values = daily_census(replications)[:, wards.index(row["unit"]), : int(row["n"]) + 1].sum(axis=1)
        if 0.01 < float(row["cdf"]) < 0.99:
            z.append((values.mean() - float(row["cdf"])) / standard_error(values))
    assert len(z) > 20
    assert np.abs(z).max() <= 4.0


@EACH
def test_lost_share_with_ten_beds_and_no_waiting(replications: int) -> None:
    def lost(log: Log) -> list[float]:
        return [float((log.asked("acute_unit").outcome == LOST).mean())]

    values = replicated("ten_or_elsewhere", replications, lost)[:, 0]
    assert abs(values.mean() - 0.137917) <= 3.0 * standard_error(values)


def other_simulator() -> dict[str, tuple[float, float]]:
    path = HERE.parent / "queueing" / "data" / "third_party_simulator.csv"
    with path.open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["case"] == "monks_asu10_rehab12_queue"]
    return {row["metric"]: (float(row["mean"]), float(row["se"])) for row in rows}


def queues(log: Log) -> dict[str, float]:
    shown: dict[str, float] = {}
    for node, step in enumerate(STEPS.values(), start=1):
        every = log.requests
        asked = every.at((every.step == log.steps[step]) & every.since_start & (every.asked < log.length))
        served = asked.at((asked.outcome == SERVED) & (asked.ended <= log.length))
        stays = log.in_step(step)
        done = stays.at((stays.start > 0.0) & (stays.end <= log.length))
        shown |= {
            f"node{node}.all.{name}": float(value)
            for name, value in {
                "arrivals": len(asked.asked),
                "mean_in_service_or_blocked": log.mean_busy(step),
                "mean_queue": log.mean_queue(step),
                "mean_wait_served": served.wait.mean(),
                "p90_wait_served": np.quantile(served.wait, 0.9),
                "p_wait_served": (~served.at_once).mean(),
                "mean_sojourn_served": served.wait.mean() + (done.end - done.start).mean(),
            }.items()
        }
    return shown


@EACH
def test_queues_agree_with_another_simulator(replications: int) -> None:
    expected = other_simulator()
    names: list[str] = []

    def read(log: Log) -> list[float]:
        shown = queues(log)
        names[:] = list(shown)
        return list(shown.values())

    values = replicated("ten_and_twelve", replications, read)
    for name, column in zip(names, values.T, strict=True):
        mean, error = expected[name]
        combined = float(np.hypot(standard_error(column), error))
        assert abs(column.mean() - mean) <= 3.0 * combined, (name, column.mean(), mean, combined)
