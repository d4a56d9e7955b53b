"""What is measured of the twin, each a function that returns findings."""

import math
import statistics
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from hashlib import sha256
from typing import Any

from benchmarks.alternation import Timed, median_ratio, timed
from benchmarks.results import Finding
from benchmarks.twin.cases import CASES, CIMBA, CIW, COMPILED, IDIOMATIC, OUR_SIMPY, Case, Prepare, Run
from benchmarks.twin.loire import LoireRun, peak_memory
from benchmarks.twin.network import Figures, Network
from instances.catalogue import load_instance
from simulation.twin import EngineName, Twin

_HASHED = 50_000_000  # bytes


def side_by_side(network: Network, rounds: int) -> list[Finding]:
    """Time every case on the plain network, alternating; compare what they simulated."""
    cases = [case for case in CASES if case.is_available]
    prepare = {case.name: case.build(network) for case in cases}
    for make in prepare.values():
        make(0)()  # compiles
    taken: dict[str, list[list[Timed[Figures]]]] = {case.name: [] for case in cases}
    for number in range(rounds):
        for case in cases:
            taken[case.name].append(_round(case, prepare[case.name], number))
    cost = {name: [_cost(each) for each in own] for name, own in taken.items()}
    findings = [
        Finding(f"{name}, six pools: model events", 1e-3 / statistics.median(own), "thousand a second")
        for name, own in cost.items()
    ]
    findings += [
        _speed_up(OUR_SIMPY, IDIOMATIC, cost, 2.5),
        _speed_up(COMPILED, IDIOMATIC, cost, 80.0),
        *(_speed_up(COMPILED, other, cost, least) for other, least in ((CIMBA, 5.0), (CIW, None)) if other in cases),
    ]
    return findings + _agreement({name: [each.outcome for part in own for each in part] for name, own in taken.items()})


def _round(case: Case, prepare: Prepare, number: int) -> list[Timed[Figures]]:
    """Run a case's replications of a round, each from a start of its own, made before."""
    return [timed(prepare(number * case.repeats + repeat), case.read) for repeat in range(case.repeats)]


def _cost(taken: Sequence[Timed[Figures]]) -> float:
    """CPU seconds a model event."""
    return sum(each.cpu for each in taken) / sum(each.outcome.events for each in taken)


def _speed_up(quick: Case, slow: Case, cost: dict[str, list[float]], least: float | None) -> Finding:
    ratio = median_ratio(cost[slow.name], cost[quick.name])
    return Finding(f"{quick.name} beside {slow.name}", ratio, "times", at_least=least)


def _agreement(figures: dict[str, list[Figures]]) -> list[Finding]:
    """Differences from idiomatic SimPy in standard errors: all simulate the same system."""
    reference = figures[IDIOMATIC.name]
    return [
        Finding(
            f"{name}: {what} beside {IDIOMATIC.name}",
            _distance([read(each) for each in own], [read(each) for each in reference]),
            "standard errors",
            at_most=3.0,
        )
        for name, own in figures.items()
        if name != IDIOMATIC.name and len(own) > 2
        for what, read in (("mean wait", lambda each: each.mean_wait), ("renege rate", lambda each: each.renege_rate))
    ]


def _distance(one: Sequence[float], other: Sequence[float]) -> float:
    error = math.sqrt(statistics.variance(one) / len(one) + statistics.variance(other) / len(other))
    return abs(statistics.mean(one) - statistics.mean(other)) / error


def growth(network: Network, times: int, rounds: int) -> list[Finding]:
    """Cost of an event in the compiled engine with so many times as many patients, in a longer and a larger run."""
    sizes = {"as is": network, "longer": network.longer(times), "larger": network.larger(times)}
    runs = {name: COMPILED.build(size)(0) for name, size in sizes.items()}
    figures = {name: COMPILED.read(run()) for name, run in runs.items()}
    taken: dict[str, list[float]] = {name: [] for name in sizes}
    for _ in range(rounds):
        for name, run in runs.items():
            repeats = times if name == "as is" else 1
            taken[name].append(_cost([timed(run, COMPILED.read) for _ in range(repeats)]))
    return [
        Finding(
            f"time of an event from {figures['as is'].arrivals:,} to {figures[name].arrivals:,} patients, {name} run",
            median_ratio(taken[name], taken["as is"]),
            "times",
            at_most=1.5,
        )
        for name in ("longer", "larger")
    ]


def threads(network: Network, replications: int, rounds: int) -> list[Finding]:
    """Wall-clock gain of two threads over one, beside that of plain hashing: what else the machine does lowers both."""
    prepare = COMPILED.build(network)
    runs = [prepare(number) for number in range(replications)]
    runs[0]()
    block = bytes(_HASHED)
    gains = {
        "two threads beside one, wall-clock": _gain([partial(_length, run) for run in runs], rounds),
        "the same for hashing, which needs nothing but processors": _gain([partial(sha256, block)] * 8, rounds),
    }
    ours, hashing = (Finding(name, gain, "times") for name, gain in gains.items())
    return [replace(ours, at_least=1.5), hashing]


def _gain(tasks: Sequence[Callable[[], Any]], rounds: int) -> float:
    wall: dict[int, list[float]] = {1: [], 2: []}
    for _ in range(rounds):
        for workers, own in wall.items():
            with ThreadPoolExecutor(workers) as pool:
                own.append(timed(lambda: list(pool.map(_called, tasks)), len).wall)
    return median_ratio(wall[1], wall[2])


def _called(task: Callable[[], Any]) -> Any:
    return task()


def _length(run: Run) -> int:
    return len(run())


def loire(instance_name: str, rounds: int) -> list[Finding]:
    """Both our engines on the smallest component of the Loire: the same log, at what cost."""
    run = LoireRun.of(Twin(load_instance(instance_name), seed=1))
    states = [run.start(number) for number in range(rounds)]
    records = len(run.run("compiled", states[0], 0))
    cost: dict[EngineName, list[float]] = {"simpy": [], "compiled": []}
    for number, state in enumerate(states):
        for name, repeats in (("simpy", 1), ("compiled", 20)):
            taken = [timed(partial(run.run, name, state, number), len) for _ in range(repeats)]
            cost[name].append(sum(each.cpu for each in taken) / sum(each.outcome for each in taken))
    return [
        Finding("Loire, smallest component: event records of a run", records / 1000.0, "thousand"),
        *(
            Finding(f"Loire, smallest component, {name}: a record", statistics.median(own) * 1e9, "ns")
            for name, own in cost.items()
        ),
        Finding(
            "Loire, smallest component: compiled beside our SimPy engine",
            median_ratio(cost["simpy"], cost["compiled"]),
            "times",
            at_least=25.0,
        ),
    ]


def memory() -> list[Finding]:
    """Peak memory of the whole Loire, warm-up and run, with accounts."""
    return [Finding("Loire, warm-up and three years: peak memory", peak_memory(), "GB", at_most=1.5)]
