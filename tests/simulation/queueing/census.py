"""Census without capacity, and rates that change by the hour from an empty start."""

from collections.abc import Iterator, Sequence
from functools import partial

import numpy as np

from tests.simulation.queueing.agreement import Case, Measure
from tests.simulation.queueing.measures import Log
from tests.simulation.queueing.readings import number
from tests.simulation.queueing.systems import Customers, Station, System, exponential, fixed, law
from tests.simulation.queueing.tables import SERVER, numbers, rows, steady


def mginf() -> Iterator[Case]:
    for row in rows("mginf"):
        rate, mean = numbers(row, "lambda", "mean_census")
        stay = mean / rate
        system = steady(
            [Station(SERVER, None, law(row["dist"], row["params"]))],
            [Customers("all", SERVER, rate)],
            size=_MGINF_SIZES.get(row["case"], 150_000.0),
            relaxation=15.0 * stay,
            longest=1.0,
        )

        def moments(log: Log) -> tuple[float, float]:
            shares = _census_shares(log)
            levels = np.arange(len(shares))
            return float(shares @ levels), float(shares @ levels**2)

        measures = [
            Measure("mean_census", mean, number),
            Measure("sd_census", float(row["sd_census"]), moments, is_deviation=True),
        ]
        # A quantile q of a Poisson census: as much of the time as Poisson says is spent at q or below.
        for name in ("p05", "p50", "p90", "p95", "p99"):
            level = int(row[name])
            measures.append(Measure(f"at most {name}", _poisson_at_most(mean, level), partial(_share_at_most, level)))
        if float(row["P(empty)"]) > _RARE:
            measures.append(Measure("P(empty)", float(row["P(empty)"]), partial(_share_at_most, 0)))
        yield Case(row["case"], system, measures)


_RARE = 1e-3
_MGINF_SIZES = {"mginf01": 400_000.0, "mginf03": 400_000.0}


def _census_shares(log: Log) -> np.ndarray:
    stays = log.in_step(SERVER)
    return log.number_shares(stays.start, stays.end)


def _share_at_most(level: int, log: Log) -> float:
    return float(_census_shares(log)[: level + 1].sum())


def _poisson_at_most(mean: float, level: int) -> float:
    terms = np.cumprod(np.concatenate([[np.exp(-mean)], mean / np.arange(1, level + 1)]))
    return float(terms.sum())


COPIES = 50
STEP24 = (2, 2, 1, 1, 1, 2, 4, 8, 12, 14, 13, 12, 10, 9, 9, 10, 11, 10, 8, 6, 5, 4, 3, 2)


def mt_g_inf() -> Iterator[Case]:
    """The rows of one law are one system. Rows of the profile `sin` are left out: rates are piecewise constant."""
    laws = {
        "exponential mean 4": exponential(4.0),
        "deterministic 4": fixed(4.0),
        "lognormal mean 4 sd 6": law("lognormal", "4 6"),
    }
    for name, stay in laws.items():
        chosen = [row for row in rows("mt_g_inf") if row["duration"] == name and row["rate_profile(per hour)"] != "sin"]
        system = System(
            [Station(SERVER, None, stay)],
            [Customers("all", SERVER, 1.0, rhythm="day")],
            length=36.5,
            copies=COPIES,
            hourly=STEP24,
        )

        measures = [
            Measure(
                f"hour {row['hour']}", float(row["expected_census_from_empty"]), partial(_care_at, float(row["hour"]))
            )
            for row in chosen
        ]
        yield Case(f"step24 {name}", system, measures, replications=2_000 // COPIES)


# Smallest exact values that so many days show with a standard error of 2 %.
_DAYS = {"triage_c1": 20_000}  # else 12,000
_SHOWN_SHARE = 0.2
_SHOWN_QUEUE = 1.3


def _by_hour(table: str, hourly: Sequence[float], integral: str) -> Iterator[Case]:
    every = rows(table)
    for case in dict.fromkeys(row["case"] for row in every):
        chosen = [row for row in every if row["case"] == case]
        servers, mu = int(chosen[0]["c"]), float(chosen[0]["mu_per_hour"])
        system = System(
            [Station(SERVER, servers, exponential(1.0 / mu))],
            [Customers("all", SERVER, 1.0, rhythm="day")],
            length=24.0,
            margin=24.0,
            copies=COPIES,
            hourly=(*hourly, *([0.0] * 24)),
        )
        measures = []
        for row in chosen:
            hour = float(row["hour"])
            reads = {
                "E_number": (_number_at, 0.45),
                "E_queue": (_queue_at, _SHOWN_QUEUE),
                "P_all_busy": (partial(_is_busy_at, servers), _SHOWN_SHARE),
                "P_empty": (_is_empty_at, _SHOWN_SHARE),
                integral: (_queue_until, _SHOWN_QUEUE),
            }
            measures += [
                Measure(f"{name} at {hour:g}", float(row[name]), partial(read, hour))
                for name, (read, least) in reads.items()
                if float(row[name]) >= least and not (name == "P_empty" and float(row[name]) > 1.0 - 1e-4)
            ]
        yield Case(case, system, measures, replications=_DAYS.get(case, 12_000) // COPIES)


def mt_m_c() -> Iterator[Case]:
    yield from _by_hour("mt_m_c", STEP24, "integral_of_E_queue_to_hour")


def treatment_centre_triage() -> Iterator[Case]:
    """The arrivals of the treatment centre, by hour from opening; nobody comes after 18 hours."""
    yield from _by_hour("treatment_centre_triage_exact", TRIAGE, "integral_of_E_queue_to_hour(patient-hours)")


TRIAGE = (
    *(2.36666666666667, 2.8, 8.83333333333333, 10.4333333333333, 14.8, 26.2666666666667, 31.4, 18.0666666666667),
    *(16.4666666666667, 12.0333333333333, 11.6, 28.8666666666667, 18.0333333333333, 11.5, 5.3, 4.06666666666667),
    *(2.2, 2.1, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0),
)


def _in_queue(hour: float, log: Log) -> np.ndarray:
    waits = log.waiting(SERVER)
    return log.present_at(hour, waits.patient, waits.asked, waits.ended)


def _in_care(hour: float, log: Log) -> np.ndarray:
    stays = log.in_step(SERVER)
    return log.present_at(hour, stays.patient, stays.start, stays.end)


def _queue_at(hour: float, log: Log) -> float:
    return float(_in_queue(hour, log).mean())


def _care_at(hour: float, log: Log) -> float:
    return float(_in_care(hour, log).mean())


def _number_at(hour: float, log: Log) -> float:
    return _queue_at(hour, log) + _care_at(hour, log)


def _is_busy_at(servers: int, hour: float, log: Log) -> float:
    return float((_in_care(hour, log) >= servers).mean())


def _is_empty_at(hour: float, log: Log) -> float:
    return float((_in_care(hour, log) + _in_queue(hour, log) == 0).mean())


def _queue_until(hour: float, log: Log) -> float:
    waits = log.waiting(SERVER)
    return float(np.maximum(0.0, np.minimum(waits.ended, hour) - waits.asked).sum() / COPIES)
