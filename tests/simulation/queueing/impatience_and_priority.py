"""Customers who give up, and customers who go first."""

from collections.abc import Iterator
from functools import partial

from tests.simulation.queueing.agreement import LOOSE, TIGHT, Case, Measure
from tests.simulation.queueing.measures import SERVED
from tests.simulation.queueing.readings import (
    mean_queue,
    mean_wait,
    number,
    share_abandoned,
    share_blocked,
    share_served,
    share_waiting,
    use,
    wait_accepted,
    wait_of,
)
from tests.simulation.queueing.systems import Customers, Law, Station, exponential, fixed, law
from tests.simulation.queueing.tables import HEAVY_USE, SERVER, Row, numbers, relaxation, rows, steady


def erlang_a() -> Iterator[Case]:
    for row in rows("erlang_a"):
        rate, mu, theta = numbers(row, "lambda", "mu", "theta_abandon_rate")
        servers = int(row["c"])
        room = None if row["K_total"] == "inf" else int(row["K_total"]) - servers
        system = steady(
            [Station(SERVER, servers, exponential(1.0 / mu), room=room, abandon_rate=theta)],
            [Customers("all", SERVER, rate)],
            size=max(60_000.0, 12_000.0 / float(row["p_abandon"])),
            relaxation=5.0 / min(mu, theta) + 5.0 / mu,
            longest=30.0 / mu + 30.0 / theta,
        )
        limit = LOOSE if float(row["rho"]) > HEAVY_USE else TIGHT
        reads = {
            "p_wait": (share_waiting, TIGHT),
            "p_block": (share_blocked, TIGHT),
            "p_abandon": (share_abandoned, TIGHT),
            "p_served": (share_served, TIGHT),
            "Lq": (mean_queue, limit),
            "Wq_all_accepted": (wait_accepted, limit),
            "rho": (partial(use, servers), TIGHT),
            "L": (number, limit),
        }
        yield Case(
            row["case"],
            system,
            [
                Measure(name, float(row[name]), read, bound)
                for name, (read, bound) in reads.items()
                if float(row[name]) > 0.0
            ],
        )


def _fixed_patience(row: Row, *, servers: int, stay: Law, mean: float, size: float) -> Case:
    rate, patience = numbers(row, "lambda", "patience")
    system = steady(
        [Station(SERVER, servers, stay, patience=patience)],
        [Customers("all", SERVER, rate)],
        size=size,
        relaxation=10.0 * (mean + patience),
        longest=30.0 * mean + 2.0 * patience,
    )
    reads = {
        "p_idle": lambda log: 1.0 - use(1, log),
        "p_wait": share_waiting,
        "p_abandon": share_abandoned,
        "Wq_all": mean_wait,
        "Wq_served": partial(wait_of, SERVED),
        "Lq": mean_queue,
        "rho": partial(use, servers),
    }
    return Case(
        row["case"], system, [Measure(name, float(row[name]), read) for name, read in reads.items() if name in row]
    )


def mmc_plus_d() -> Iterator[Case]:
    for row in rows("mmc_plus_D"):
        mean = 1.0 / float(row["mu"])
        size = 25_000.0 / float(row["p_abandon"])
        yield _fixed_patience(row, servers=int(row["c"]), stay=exponential(mean), mean=mean, size=size)


def mg1_plus_d() -> Iterator[Case]:
    for row in rows("mg1_plus_D"):
        name, low, high = row["service"].split()
        mean = 0.5 * (float(low) + float(high))
        size = 20_000.0 / float(row["p_abandon"])
        yield _fixed_patience(row, servers=1, stay=law(name, f"{low} {high}"), mean=mean, size=size)


def _classes(table: str) -> Iterator[tuple[str, list[Row]]]:
    every = rows(table)
    for case in dict.fromkeys(row["case"] for row in every):
        yield case, [row for row in every if row["case"] == case]


def _priorities(case: str, classes: list[Row], *, servers: int, stay: Law, mean: float, size: float) -> Case:
    rates = [float(row["lambda"]) for row in classes]
    wait = "Wq" if "Wq" in classes[0] else "Wq(=W-mean_service)"
    worst = max(float(row[wait]) for row in classes)
    system = steady(
        [Station(SERVER, servers, stay)],
        [
            Customers(f"class_{row['class(1=highest)']}", SERVER, rate, priority=int(row["class(1=highest)"]))
            for row, rate in zip(classes, rates, strict=True)
        ],
        size=size,
        relaxation=relaxation(sum(rates), mean, servers),
        longest=20.0 * mean + 40.0 * worst,
    )
    busy = sum(rates) * mean / servers
    measures = [
        Measure(
            f"Wq {number_of_class + 1}",
            float(row[wait]),
            partial(mean_wait, profile=number_of_class),
            LOOSE if busy > HEAVY_USE else TIGHT,
        )
        for number_of_class, row in enumerate(classes)
    ]
    return Case(case, system, measures)


def mg1_priority() -> Iterator[Case]:
    sizes = {"P1": 400_000.0, "P3": 400_000.0, "P5": 900_000.0}
    for case, classes in _classes("mg1_priority"):
        mean = float(classes[0]["mean_service"])
        is_fixed = float(classes[0]["second_moment_service"]) == mean**2
        stay = fixed(mean) if is_fixed else exponential(mean)
        yield _priorities(case, classes, servers=1, stay=stay, mean=mean, size=sizes[case])


def mmc_priority() -> Iterator[Case]:
    sizes = {"C1": 400_000.0, "C3": 400_000.0, "C5": 900_000.0}
    for case, classes in _classes("mmc_priority_nonpreemptive"):
        mean = 1.0 / float(classes[0]["mu"])
        servers = int(classes[0]["c"])
        yield _priorities(case, classes, servers=servers, stay=exponential(mean), mean=mean, size=sizes[case])
