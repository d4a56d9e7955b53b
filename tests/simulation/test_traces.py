"""Deterministic scenarios with known traces, on both engines, exact to 1e-9 (`data/traces.json`).

Out of scope, for want of a rule: E05 (a better-ranked arrival pushes out a waiting patient), E12 (a step that needs two
resources at once: it has one gate).
"""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from simulation.compilation import compile_component, compile_plan
from simulation.components import components
from simulation.configuration import todays_configuration
from simulation.start import opening_events
from simulation.state import empty_state, people
from simulation.twin import RunResult, engine
from tests.simulation.queueing.measures import LOST, SERVED, Log
from tests.simulation.queueing.systems import Customers, Station, System, fixed

EXACT = 1e-9
CASES: dict[str, dict[str, Any]] = {
    case["id"]: case
    for case in json.loads((Path(__file__).parent / "data" / "traces.json").read_text(encoding="utf-8"))
}
OUT_OF_SCOPE = {"E05_finite_queue_priority_eviction", "E12_two_resources_at_once"}
LONG = 1000.0
BED = "bed"


@pytest.fixture(params=["compiled", "simpy"])
def engine_name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def exactly(values: object) -> object:
    return pytest.approx(values, abs=EXACT, rel=0.0)


def run(
    folder: Path,
    engine_name: str,
    stations: Sequence[Station],
    customers: Sequence[Customers],
    arrivals: Sequence[tuple[float, str]],
    *,
    elsewhere: bool = False,
    capacities: Sequence[tuple[float, int]] = (),
) -> Log:
    """Run given arrivals (time, class), first to last; `capacities`: those of the first pool, with their times."""
    instance = System(stations, customers, length=LONG, elsewhere=elsewhere).write(folder)
    component = components(instance)[0]
    model = compile_component(instance, component)
    today = todays_configuration(instance)
    plan = compile_plan(instance, component, today, today)
    if capacities:
        plan = replace(
            plan,
            change_time=np.array([time for time, _ in capacities], dtype=np.float64),
            change_pool=np.zeros(len(capacities), dtype=np.int32),
            change_capacity=np.array([units for _, units in capacities], dtype=np.int32),
        )
    profile = {row.profile: number for number, row in enumerate(instance.profiles)}
    state = empty_state(model, len(arrivals), 0.0)
    rows = state.patients
    rows["arrival"] = rows["settled"] = [time for time, _ in arrivals]
    rows["profile"] = rows["first_profile"] = [profile[name] for _, name in arrivals]
    rows["ordinal"] = rows["chooser"] = np.arange(len(arrivals))
    rows["group"] = model.group[0, rows["profile"]]
    events, end = engine("simpy" if engine_name == "simpy" else "compiled")(
        model, plan, state, seed=1, replication=0, until=LONG, rollout=None
    )
    log = np.concatenate([opening_events(model, state, plan.capacity), events])
    return Log(RunResult(component, 0, model, people(model, state), log, end), LONG)


def one_class(entry: str = BED) -> list[Customers]:
    return [Customers("all", entry)]


def of_all(times: Sequence[float]) -> list[tuple[float, str]]:
    return [(float(time), "all") for time in times]


def starts(log: Log, step: str = BED) -> list[float]:
    return np.sort(log.in_step(step).start).tolist()


def ends(log: Log, step: str = BED) -> list[float]:
    return np.sort(log.in_step(step).end).tolist()


def test_every_trace_is_tested_or_out_of_scope() -> None:
    tested = {name[5:8].upper() for name in globals() if name.startswith("test_e") and name[6:8].isdigit()}
    assert tested == {name[:3] for name in CASES if name not in OUT_OF_SCOPE}


def test_e01_loss(tmp_path: Path, engine_name: str) -> None:
    expected = CASES["E01_loss"]["expected"]
    log = run(tmp_path, engine_name, [Station(BED, 1, fixed(1.5), room=0)], one_class(), of_all(range(1, 101)))
    asked = log.asked(BED)
    assert (asked.outcome == SERVED).sum() == expected["served"]
    assert (asked.outcome == LOST).sum() == expected["lost"]
    assert (asked.asked[asked.outcome == SERVED] % 2 == 1).all()
    assert ends(log)[-1] == exactly(expected["last_end"])
    stays = log.in_step(BED)
    assert (stays.end - stays.start).sum() == exactly(expected["busy_time"])


def test_e02_release_before_arrival(tmp_path: Path, engine_name: str) -> None:
    case = CASES["E02_release_before_arrival"]
    stations = [Station(BED, 1, fixed(case["parameters"]["service"]), room=0)]
    log = run(tmp_path, engine_name, stations, one_class(), of_all(case["parameters"]["arrivals"]))
    assert (log.asked(BED).outcome == SERVED).sum() == case["expected"]["served"]
    assert (log.asked(BED).outcome == LOST).sum() == case["expected"]["lost"]


def test_e03_priority(tmp_path: Path, engine_name: str) -> None:
    case = CASES["E03_priority_non_preemptive"]
    customers = [Customers("high", BED, priority=1), Customers("low", BED, priority=2)]
    arrivals = [(float(time), name) for time, name in case["parameters"]["arrivals"]]
    log = run(tmp_path, engine_name, [Station(BED, 1, fixed(2.0))], customers, arrivals)
    stays = log.in_step(BED)
    order = np.argsort(stays.start)
    assert [("high", "low")[profile] for profile in stays.profile[order]] == case["expected"]["order"]
    assert stays.end[order] == exactly(case["expected"]["ends"])
    assert sorted(log.asked(BED).wait) == exactly(sorted(case["expected"]["wait"]))


def test_e04_first_come_first_served(tmp_path: Path, engine_name: str) -> None:
    case = CASES["E04_fifo"]
    stations = [Station(BED, 1, fixed(case["parameters"]["service"]))]
    log = run(tmp_path, engine_name, stations, one_class(), of_all(case["parameters"]["arrivals"]))
    asked = log.asked(BED)
    assert asked.ended[np.argsort(asked.patient)] == exactly(case["expected"]["starts"])
    assert asked.wait[np.argsort(asked.patient)] == exactly(case["expected"]["waits"])
    assert asked.wait.mean() == exactly(case["expected"]["mean_wait"])


def test_e06_capacity_falls_and_patients_stay(tmp_path: Path, engine_name: str) -> None:
    """The changes stand in the plan as those of lead times do; an instance could not write this calendar."""
    case = CASES["E06_capacity_schedule"]
    changes = [(float(time), units) for time, units in case["parameters"]["capacity"][1:]]
    stations = [Station(BED, 1, fixed(case["parameters"]["service"]))]
    arrivals = of_all(case["parameters"]["arrivals"])
    log = run(tmp_path, engine_name, stations, one_class(), arrivals, capacities=changes)
    assert starts(log) == exactly(case["expected"]["starts"])
    assert ends(log) == exactly(case["expected"]["ends"])


def test_e07_capacity_shared_by_two_stations(tmp_path: Path, engine_name: str) -> None:
    """A place in the whole system is a gate at the door that is then kept as a service of the station."""
    case = CASES["E07_capacity_shared_by_two_stations"]
    until = float(case["parameters"]["until"])
    service = fixed(case["parameters"]["service"])
    places = case["parameters"]["system_capacity"]
    to_station = {"to_1": {"station_1": 1.0}, "to_2": {"station_2": 1.0}}
    stations = [
        Station("door", places, fixed(0.0), room=0, routes_of=to_station),
        Station("station_1", 1, service, keeps="door"),
        Station("station_2", 1, service, keeps="door"),
    ]
    customers = [Customers("to_1", "door"), Customers("to_2", "door")]
    arrivals = sorted(
        [(0.8 * number, "to_1") for number in range(1, 28)] + [(1.0 * number, "to_2") for number in range(1, 23)]
    )
    log = run(tmp_path, engine_name, stations, customers, arrivals)
    expected = case["expected"]
    served = []
    for number in (1, 2):
        asked, stays = log.requests, log.in_step(f"station_{number}")
        door = asked.at(asked.step == log.steps["door"])
        came = dict(zip(door.patient.tolist(), door.asked.tolist(), strict=True))
        served += [
            (came[patient], start, end, number)
            for patient, start, end in zip(stays.patient.tolist(), stays.start, stays.end, strict=True)
            if end <= until
        ]
    served.sort(key=lambda row: row[2])
    assert [row[0] for row in served] == exactly(expected["served_arrival"])
    assert [row[1] for row in served] == exactly(expected["served_start"])
    assert [row[2] for row in served] == exactly(expected["served_end"])
    assert [row[3] for row in served] == expected["station"]
    door = log.requests.at(log.requests.step == log.steps["door"])
    assert np.sort(door.ended[door.outcome == LOST])[:10] == exactly(expected["first_ten_lost_at"])


def test_e08_blocking_after_service(tmp_path: Path, engine_name: str) -> None:
    case = CASES["E08_blocking_after_service"]
    short, long = case["parameters"]["service"]
    stations = [Station("first", 1, fixed(short), {"second": 1.0}), Station("second", 1, fixed(long), hold=True)]
    log = run(tmp_path, engine_name, stations, one_class("first"), of_all(case["parameters"]["arrivals"]))
    expected = case["expected"]
    stays = log.in_step("first")
    assert stays.start == exactly(expected["start1"])
    assert stays.ready == exactly(expected["care1_end"])
    assert stays.end == exactly(expected["leave1"])
    assert stays.end - stays.ready == exactly(expected["blocked"])
    assert starts(log, "second") == exactly(expected["start2"])
    assert ends(log, "second") == exactly(expected["exit"])


def test_e09_reneging(tmp_path: Path, engine_name: str) -> None:
    case = CASES["E09_reneging"]
    stations = [Station(BED, 1, fixed(case["parameters"]["service"]), patience=case["parameters"]["patience"])]
    log = run(tmp_path, engine_name, stations, one_class(), of_all(case["parameters"]["arrivals"]))
    asked = log.asked(BED)
    expected = case["expected"]
    assert [("served", "left")[outcome] for outcome in asked.outcome] == expected["outcome"]
    assert asked.wait == exactly(expected["wait"])
    assert log.sojourns[1] == exactly(expected["exit"])


def test_e10_overflow(tmp_path: Path, engine_name: str) -> None:
    case = CASES["E10_overflow"]
    stations = [Station(BED, 1, fixed(case["parameters"]["stay"]), room=0)]
    arrivals = of_all(case["parameters"]["arrivals"])
    log = run(tmp_path, engine_name, stations, one_class(), arrivals, elsewhere=True)
    expected = case["expected"]
    asked = log.asked(BED)
    assert [(None, "A", "B")[pool + 1] for pool in asked.pool] == expected["ward"]
    assert (asked.outcome == LOST).sum() == expected["lost"]
    assert (asked.pool == 1).sum() == expected["overflowed"]
    assert log.in_step(BED).end == exactly([time for time in expected["exit"] if time is not None])


def test_e11_first_blocked_first_moved(tmp_path: Path, engine_name: str) -> None:
    case = CASES["E11_unblocking_order"]
    stay = case["parameters"]["stay"]
    stations = [
        Station("A", 1, fixed(stay["A"]), {"C": 1.0}),
        Station("B", 1, fixed(stay["B"]), {"C": 1.0}),
        Station("C", 1, fixed(stay["C"][0]), hold=True),
    ]
    customers = [
        Customers("of_a", "A", laws={"C": fixed(stay["C"][1])}),
        Customers("of_b", "B", laws={"C": fixed(stay["C"][2])}),
        Customers("of_c", "C"),
    ]
    arrivals = [(times[0], f"of_{ward.lower()}") for ward, times in case["parameters"]["arrivals"].items()]
    log = run(tmp_path, engine_name, stations, customers, arrivals)
    expected = case["expected"]
    assert starts(log, "C") == exactly(expected["enter_C"])
    assert ends(log, "C") == exactly(expected["exit_C"])
    for ward, blocked in expected["blocked"].items():
        stays = log.in_step(ward)
        assert stays.end - stays.ready == exactly([blocked])


def test_e13_statistics_of_a_trace(tmp_path: Path, engine_name: str) -> None:
    case = CASES["E13_statistics_of_a_trace"]
    customers = [
        Customers(f"number_{number}", BED, laws={BED: fixed(service)})
        for number, service in enumerate(case["parameters"]["services"])
    ]
    arrivals = [(float(time), f"number_{number}") for number, time in enumerate(case["parameters"]["arrivals"])]
    log = run(tmp_path, engine_name, [Station(BED, 1, fixed(1.0))], customers, arrivals)
    log.length = 10.0
    expected = case["expected"]
    stays, asked = log.in_step(BED), log.asked(BED)
    assert stays.start == exactly(expected["starts"])
    assert stays.end == exactly(expected["ends"])
    assert asked.wait == exactly(expected["waits"])
    assert asked.wait.mean() == exactly(expected["mean_wait"])
    assert log.mean_busy(BED) == exactly(expected["utilisation_0_10"])
    assert log.mean_queue(BED) == exactly(expected["mean_queue_0_10"])
    assert log.mean_queue(BED) + log.mean_busy(BED) == exactly(expected["mean_number_0_10"])
    assert (stays.end - asked.asked).mean() == exactly(expected["mean_time_in_system"])
