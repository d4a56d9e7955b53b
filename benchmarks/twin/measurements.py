"""What is measured of the twin, each a function that returns findings."""

import math
import statistics
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from benchmarks.alternation import Timed, alternate, median_ratio, timed
from benchmarks.results import Finding
from benchmarks.twin.cases import CASES, CIMBA, CIW, COMPILED, IDIOMATIC, OUR_SIMPY, Case, Run
from benchmarks.twin.loire import LoireRun, peak_memory
from benchmarks.twin.network import Figures, Network
from instances.catalogue import load_instance
from simulation.twin import EngineName, Twin

_ENGINES: tuple[EngineName, ...] = ("simpy", "compiled")


def side_by_side(network: Network, rounds: int) -> list[Finding]:
    """Time every case on the plain network, alternating; compare what they simulated."""
    cases = [case for case in CASES if case.is_available]
    prepare = {case.name: case.build(network) for case in cases}
    for case in cases:
        prepare[case.name](0)()  # compiles
    prepared: dict[tuple[str, int], Run] = {
        (case.name, number): prepare[case.name](number) for case in cases for number in range(rounds)
    }
    calls = {case.name: lambda number, name=case.name: prepared.pop((name, number))() for case in cases}
    taken = alternate(calls, rounds)
    figures = {case.name: [case.read(each.outcome) for each in taken[case.name]] for case in cases}
    findings = [_speed(case, taken[case.name], figures[case.name]) for case in cases]
    cost = {
        name: [each.cpu / read.events for each, read in zip(taken[name], own, strict=True)]
        for name, own in figures.items()
    }
    findings += [
        _speed_up(OUR_SIMPY, IDIOMATIC, cost, 2.5),
        _speed_up(COMPILED, IDIOMATIC, cost, 80.0),
        *(_speed_up(COMPILED, other, cost, least) for other, least in ((CIMBA, 5.0), (CIW, None)) if other in cases),
    ]
    return findings + _agreement(figures)


def _speed(case: Case, taken: Sequence[Timed], figures: Sequence[Figures]) -> Finding:
    events = statistics.median(read.events / each.cpu for each, read in zip(taken, figures, strict=True))
    return Finding(f"{case.name}, six pools: model events", events / 1000.0, "thousand a second")


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
    prepared = {name: COMPILED.build(size)(0) for name, size in sizes.items()}
    COMPILED.build(network)(0)()
    taken = alternate({name: lambda _, run=run: run() for name, run in prepared.items()}, rounds)
    cost = {name: [each.cpu / len(each.outcome) for each in own] for name, own in taken.items()}
    patients = COMPILED.read(taken["as is"][0].outcome).arrivals
    return [
        Finding(
            f"time of an event from {patients:,} patients to {times} times as many, in a {name} run",
            median_ratio(cost[name], cost["as is"]),
            "times",
            at_most=1.5,
        )
        for name in ("longer", "larger")
    ]


def threads(network: Network, replications: int, rounds: int) -> list[Finding]:
    """Wall-clock gain of two threads over one; other work on the machine lowers it."""
    prepare = COMPILED.build(network)
    runs = [prepare(number) for number in range(replications)]
    runs[0]()

    def work(workers: int) -> int:
        with ThreadPoolExecutor(workers) as pool:
            return sum(pool.map(lambda run: len(run()), runs))

    taken = alternate({"one": lambda _: work(1), "two": lambda _: work(2)}, rounds)
    ratio = median_ratio([each.wall for each in taken["one"]], [each.wall for each in taken["two"]])
    return [Finding("two threads beside one, wall-clock", ratio, "times", at_least=1.5)]


def loire(instance_name: str, rounds: int) -> list[Finding]:
    """Both our engines on the smallest component of the Loire: the same log, at what cost."""
    run = LoireRun.of(Twin(load_instance(instance_name), seed=1))
    states = [run.start(number) for number in range(rounds)]
    run.run("compiled", states[0], 0)
    taken = alternate(
        {name: lambda number, name=name: run.run(name, states[number], number) for name in _ENGINES}, rounds
    )
    cost = {name: [each.cpu / len(each.outcome) for each in taken[name]] for name in _ENGINES}
    records = statistics.median(len(each.outcome) for each in taken["compiled"])
    return [
        Finding("Loire, smallest component: event records of a run", records / 1000.0, "thousand"),
        *(
            Finding(f"Loire, smallest component, {name}: a record", statistics.median(cost[name]) * 1e9, "ns")
            for name in _ENGINES
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
    peak = timed(peak_memory).outcome
    return [Finding("Loire, warm-up and three years: peak memory", peak, "GB", at_most=1.5)]
