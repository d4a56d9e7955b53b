"""Finite waiting rooms and losses: M/M/c/K, Erlang B, several units a customer, overflow between wards."""

from collections.abc import Iterator
from functools import partial

from tests.simulation.queueing.agreement import Case, Measure
from tests.simulation.queueing.measures import SERVED, Log
from tests.simulation.queueing.readings import (
    mean_queue,
    number,
    share_blocked,
    share_waiting_accepted,
    sojourn_accepted,
    throughput,
    use,
    wait_accepted,
)
from tests.simulation.queueing.systems import Customers, Station, exponential, fixed, law
from tests.simulation.queueing.tables import SERVER, numbers, rows, steady


def mmck() -> Iterator[Case]:
    for row in rows("mmck"):
        rate, mu = numbers(row, "lambda", "mu")
        servers, total = int(row["c"]), int(row["K_total"])
        system = steady(
            [Station(SERVER, servers, exponential(1.0 / mu), room=total - servers)],
            [Customers("all", SERVER, rate)],
            size=max(40_000.0, 12_000.0 / float(row["p_block"])),
            relaxation=20.0 / mu,
            longest=(30.0 + 3.0 * total) / mu,
        )
        reads = {
            "p_block": share_blocked,
            "throughput": throughput,
            "rho": partial(use, servers),
            "p_wait_accepted": share_waiting_accepted,
            "Lq": mean_queue,
            "Wq_accepted": wait_accepted,
            "L": number,
            "W_accepted": sojourn_accepted,
        }
        measures = [Measure(name, float(row[name]), read) for name, read in reads.items() if float(row[name]) > 0.0]
        yield Case(row["case"], system, measures)


def erlang_b() -> Iterator[Case]:
    """Insensitive to the law of the stay: each row has another law of mean 1."""
    laws = [
        exponential(1.0),
        fixed(1.0),
        law("lognormal", "1.0 1.5"),
        law("uniform", "0.5 1.5"),
        law("hyperexp2", "0.9 0.5 5.5"),
        law("erlang", "4 1.0"),
        law("lognormal", "1.0 0.5"),
        law("gamma", "2.0 0.5"),
    ]
    for row, stay in zip(rows("erlang_b"), laws, strict=True):
        rate, servers = float(row["offered_load"]), int(row["servers"])
        system = steady(
            [Station(SERVER, servers, stay, room=0)],
            [Customers("all", SERVER, rate)],
            size=max(40_000.0, 12_000.0 / float(row["p_block"])),
            relaxation=5.0,
            longest=100.0,
        )
        yield Case(
            row["case"],
            system,
            [
                Measure("p_block", float(row["p_block"]), share_blocked),
                Measure("mean_census", float(row["mean_census"]), number),
                Measure("occupancy", float(row["occupancy"]), partial(use, servers)),
            ],
        )


def kaufman_roberts() -> Iterator[Case]:
    table = rows("kaufman_roberts")
    for case in dict.fromkeys(row["case"] for row in table):
        classes = [row for row in table if row["case"] == case]
        capacity = int(classes[0]["capacity"])
        rarest = min(float(row["p_block"]) * float(row["offered_load"]) for row in classes)
        total = sum(float(row["offered_load"]) for row in classes)
        system = steady(
            [Station(SERVER, capacity, exponential(1.0), room=0)],
            [
                Customers(
                    f"class_{row['class']}",
                    SERVER,
                    float(row["offered_load"]),
                    amounts={SERVER: int(row["units_per_patient"])},
                )
                for row in classes
            ],
            size=max(40_000.0, 12_000.0 * total / rarest),
            relaxation=5.0,
            longest=30.0,
        )
        measures = [
            Measure(f"p_block {row['class']}", float(row["p_block"]), partial(share_blocked, profile=number_of_class))
            for number_of_class, row in enumerate(classes)
        ]
        measures.append(
            Measure("units in use", float(classes[0]["mean_units_in_use"]), lambda log: log.mean_busy(SERVER))
        )
        yield Case(case, system, measures)


def overflow_two_wards() -> Iterator[Case]:
    for row in rows("overflow_two_wards"):
        capacity = int(row["c1"])
        loads = numbers(row, "lambda1", "lambda2")
        system = steady(
            [Station(SERVER, capacity, exponential(1.0 / float(row["mu1"])), room=0)],
            [
                Customers("class_1", SERVER, loads[0], zone="here"),
                Customers("class_2", SERVER, loads[1], zone="elsewhere"),
            ],
            size=150_000.0,
            relaxation=5.0,
            longest=30.0,
            elsewhere=True,
        )

        measures = []
        for own in (0, 1):
            measures += [
                Measure(
                    f"p_ward{own + 1}_full",
                    float(row[f"p_ward{own + 1}_full"]),
                    partial(_share_full, capacity, own),
                ),
                Measure(
                    f"p_lost_class{own + 1}",
                    float(row[f"p_lost_class{own + 1}"]),
                    partial(share_blocked, profile=own),
                ),
                Measure(
                    f"p_overflow_class{own + 1}",
                    float(row[f"p_overflow_class{own + 1}"]),
                    partial(_share_overflowed, own),
                ),
                Measure(f"census{own + 1}", float(row[f"census{own + 1}"]), partial(_census, own)),
            ]

        measures.append(Measure("p_both_full", float(row["p_both_full"]), partial(_share_both_full, 2 * capacity)))
        yield Case(row["case"], system, measures)


def _share_full(capacity: int, pool: int, log: Log) -> float:
    return log.share_full(SERVER, capacity, pool)


def _share_both_full(beds: int, log: Log) -> float:
    return log.share_full(SERVER, beds)


def _share_overflowed(own: int, log: Log) -> float:
    found = log.asked(SERVER, own)
    return float(((found.outcome == SERVED) & (found.pool != found.asked_pool)).mean())


def _census(pool: int, log: Log) -> float:
    stays = log.in_step(SERVER)
    stays = stays.at(stays.pool == pool)
    return log.mean_number(stays.start, stays.end)
