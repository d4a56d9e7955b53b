"""The tables of exact values (see `data`), each row as a case: its system, and what a log must show of it.

Sizes are numbers of customers over all replications, chosen so that standard errors are small enough.
"""

import csv
import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np

from tests.simulation.queueing.agreement import LOOSE, TIGHT, Case, Measure
from tests.simulation.queueing.measures import LOST, SERVED, Log
from tests.simulation.queueing.systems import (
    OUT,
    Customers,
    Station,
    System,
    exponential,
    fixed,
    law,
)

DATA = Path(__file__).parent / "data"
HEAVY_USE = 0.85
REPLICATIONS = 40
SERVER = "server"

Row = dict[str, str]


def rows(table: str) -> list[Row]:
    with (DATA / f"{table}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def numbers(row: Row, *names: str) -> list[float]:
    return [float(row[name]) for name in names]


def steady(
    stations: Sequence[Station],
    customers: Sequence[Customers],
    *,
    size: float,
    relaxation: float,
    longest: float,
    elsewhere: bool = False,
) -> System:
    """A system long since in its steady state, `size` customers measured in all; `longest`: a very long sojourn."""
    rate = sum(group.rate for group in customers)
    return System(
        stations,
        customers,
        length=size / REPLICATIONS / rate,
        warm_up=6.0 * relaxation,
        margin=longest,
        elsewhere=elsewhere,
    )


def relaxation(rate: float, mean: float, servers: int, variation: float = 1.0) -> float:
    """About the time in which a queue forgets its start: M/M/c's, times what unsteady stays add."""
    use = min(rate * mean / servers, 0.97)
    return float(mean + mean / servers / (1.0 - np.sqrt(use)) ** 2 * (1.0 + variation**2) / 2.0)


# What logs show.


def mean_wait(log: Log, step: str = SERVER, profile: int | None = None) -> float:
    return float(log.asked(step, profile).wait.mean())


def wait_of(outcome: int, log: Log) -> float:
    found = log.asked(SERVER)
    return float(found.wait[found.outcome == outcome].mean())


def wait_accepted(log: Log) -> float:
    found = log.asked(SERVER)
    accepted = ~(found.at_once & (found.outcome == LOST))
    return float(found.wait[accepted].mean())


def sojourn_accepted(log: Log) -> float:
    found = log.asked(SERVER)
    stays = log.in_step(SERVER)
    leaving = dict(zip(stays.patient.tolist(), stays.end.tolist(), strict=True))
    served = found.outcome == SERVED
    ends = np.array([leaving[patient] for patient in found.patient[served].tolist()])
    return float((ends - found.asked[served]).mean())


def wait_moments(log: Log) -> tuple[float, float]:
    waits = log.asked(SERVER).wait
    return float(waits.mean()), float((waits**2).mean())


def share_waiting(log: Log, step: str = SERVER, longer_than: float = 0.0) -> float:
    """Share of all who ask and find every server busy; with a time, of those who wait longer."""
    found = log.asked(step)
    if longer_than > 0.0:
        return float((found.wait > longer_than).mean())
    return float((~found.at_once).mean())


def share_waiting_accepted(log: Log) -> float:
    found = log.asked(SERVER)
    accepted = ~(found.at_once & (found.outcome == LOST))
    return float((~found.at_once[accepted]).mean())


def share_blocked(log: Log, profile: int | None = None) -> float:
    found = log.asked(SERVER, profile)
    return float((found.at_once & (found.outcome == LOST)).mean())


def share_abandoned(log: Log) -> float:
    found = log.asked(SERVER)
    return float((~found.at_once & (found.outcome == LOST)).mean())


def share_served(log: Log) -> float:
    return float((log.asked(SERVER).outcome == SERVED).mean())


def mean_queue(log: Log, step: str = SERVER) -> float:
    return log.mean_queue(step)


def use(servers: int, log: Log, step: str = SERVER) -> float:
    return log.mean_busy(step) / servers


def number(log: Log, step: str = SERVER) -> float:
    return log.mean_queue(step) + log.mean_in_care(step) + log.mean_blocked(step)


def mean_sojourn(log: Log, step: str = SERVER) -> float:
    """Of those who asked in the window: wait and stay, each averaged over its own kind."""
    stays = log.in_step(step)
    stays = stays.at((stays.start > 0.0) & (stays.start < log.length))
    return mean_wait(log, step) + float((stays.end - stays.start).mean())


def throughput(log: Log, step: str = SERVER) -> float:
    ends = log.in_step(step).end
    return float(((ends > 0.0) & (ends <= log.length)).sum() / log.length)


# Single stations.

_LITTLE = {"p_wait": share_waiting, "Lq": mean_queue, "Wq": mean_wait, "L": number, "W": mean_sojourn}


def _single(row: Row, *, law_of_stay: dict, mean: float, variation: float, size: float) -> Case:
    """An open station with an endless waiting room; measures are whatever columns the row has."""
    rate, servers = float(row["lambda"]), int(row.get("c", "1"))
    busy = rate * mean / servers
    limit = LOOSE if busy > HEAVY_USE else TIGHT
    relax = relaxation(rate, mean, servers, variation)
    system = steady(
        [Station(SERVER, servers, law_of_stay)],
        [Customers("all", SERVER, rate)],
        size=size,
        relaxation=relax,
        longest=20.0 * mean + 20.0 * float(row["Wq"]) * max(1.0, variation),
    )
    measures = [Measure("rho", busy, partial(use, servers))]
    for name, read in _LITTLE.items():
        if name in row:
            measures.append(Measure(name, float(row[name]), read, TIGHT if name == "p_wait" else limit))
    if "sd_Wq" in row:
        measures.append(Measure("sd_Wq", float(row["sd_Wq"]), wait_moments, limit, is_deviation=True))
    for name in row:
        if name.startswith("P(Wq>"):
            share = float(name[5:].split("/")[0])
            read = partial(share_waiting, longer_than=share * mean)
            measures.append(Measure(name, float(row[name]), read, limit))
    return Case(row["case"], system, measures)


def _size_single(busy: float, servers: int, variation: float) -> float:
    """Customers wanted: those of M/M/1 for the standard error of the mean wait, more the rarer a wait is."""
    limit = LOOSE if busy > HEAVY_USE else TIGHT
    of_mm1 = (2.0 + 5.0 * busy - 4.0 * busy**2 + busy**3) / (busy * (1.0 - busy) ** 2)
    rare = 1.0 if servers == 1 else 2.0
    return float(1.6 * of_mm1 / limit**2 * rare * (1.0 + variation**2) / 2.0)


def mmc() -> Iterator[Case]:
    for row in rows("mmc"):
        rate, rho, mean, servers = float(row["lambda"]), float(row["rho"]), 1.0 / float(row["mu"]), int(row["c"])
        del rate
        size = _size_single(rho, servers, 1.0)
        yield _single(row, law_of_stay=dict(exponential(mean)), mean=mean, variation=1.0, size=size)


def mg1() -> Iterator[Case]:
    for row in rows("mg1"):
        mean, sd, rho = numbers(row, "mean_service", "sd_service", "rho")
        size = _size_single(rho, 1, sd / mean) * (2.0 if sd > mean else 1.0)
        yield _single(
            row, law_of_stay=dict(law(row["dist"], row["params"])), mean=mean, variation=sd / mean, size=size
        )


_MGC_LAWS = {"deterministic": ("fixed", 0.0), "erlang2": ("erlang2", 0.5**0.5), "hyperexp2": ("hyperexp2", 5.5**0.5)}


def mgc() -> Iterator[Case]:
    for row in rows("mgc"):
        rho, servers = float(row["rho"]), int(row["c"])
        kind, variation = _MGC_LAWS[row["service_dist"]]
        if kind == "fixed":
            stay = fixed(1.0)
        elif kind == "erlang2":
            stay = law("erlang", "2 1.0")
        else:
            stay = law("hyperexp2", row["params"])
        size = _size_single(rho, servers, variation)
        yield _single(row, law_of_stay=dict(stay), mean=1.0, variation=variation, size=size)


# Loss and finite waiting rooms.


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

        def overflowed(own: int, log: Log) -> float:
            found = log.asked(SERVER, own)
            return float(((found.outcome == SERVED) & (found.pool != found.asked_pool)).mean())

        def census(pool: int, log: Log) -> float:
            stays = log.in_step(SERVER)
            stays = stays.at(stays.pool == pool)
            return log.mean_number(stays.start, stays.end)

        measures = []
        for own in (0, 1):
            measures += [
                Measure(
                    f"p_ward{own + 1}_full",
                    float(row[f"p_ward{own + 1}_full"]),
                    lambda log, own=own: log.share_full(SERVER, capacity, own),
                ),
                Measure(
                    f"p_lost_class{own + 1}",
                    float(row[f"p_lost_class{own + 1}"]),
                    partial(share_blocked, profile=own),
                ),
                Measure(
                    f"p_overflow_class{own + 1}",
                    float(row[f"p_overflow_class{own + 1}"]),
                    partial(overflowed, own),
                ),
                Measure(f"census{own + 1}", float(row[f"census{own + 1}"]), partial(census, own)),
            ]

        def both_full(log: Log) -> float:
            stays = log.in_step(SERVER)
            return float(log.number_shares(stays.start, stays.end)[2 * capacity])

        measures.append(Measure("p_both_full", float(row["p_both_full"]), both_full))
        yield Case(row["case"], system, measures)


# Impatience.


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


def _fixed_patience(row: Row, *, servers: int, stay: dict, mean: float, size: float) -> Case:
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
        yield _fixed_patience(row, servers=int(row["c"]), stay=dict(exponential(mean)), mean=mean, size=size)


def mg1_plus_d() -> Iterator[Case]:
    for row in rows("mg1_plus_D"):
        name, low, high = row["service"].split()
        mean = 0.5 * (float(low) + float(high))
        size = 20_000.0 / float(row["p_abandon"])
        yield _fixed_patience(row, servers=1, stay=dict(law(name, f"{low} {high}")), mean=mean, size=size)


# Priorities.


def _classes(table: str, fields: Sequence[str]) -> Iterator[tuple[str, list[Row]]]:
    every = rows(table)
    for case in dict.fromkeys(row["case"] for row in every):
        yield case, [row for row in every if row["case"] == case]
    if not set(fields) <= set(every[0]):
        raise KeyError(table)


def _priorities(case: str, classes: list[Row], *, servers: int, stay: dict, mean: float, size: float) -> Case:
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
    for case, classes in _classes("mg1_priority", ["cum_rho"]):
        mean = float(classes[0]["mean_service"])
        is_fixed = float(classes[0]["second_moment_service"]) == mean**2
        stay = fixed(mean) if is_fixed else exponential(mean)
        yield _priorities(case, classes, servers=1, stay=dict(stay), mean=mean, size=sizes[case])


def mmc_priority() -> Iterator[Case]:
    sizes = {"C1": 400_000.0, "C3": 400_000.0, "C5": 900_000.0}
    for case, classes in _classes("mmc_priority_nonpreemptive", ["mu"]):
        mean = 1.0 / float(classes[0]["mu"])
        servers = int(classes[0]["c"])
        yield _priorities(
            case, classes, servers=servers, stay=dict(exponential(mean)), mean=mean, size=sizes[case]
        )


# Networks.


def jackson() -> Iterator[Case]:
    parameters = json.loads((DATA / "jackson_params.json").read_text(encoding="utf-8"))
    totals = {row["network"]: row for row in rows("jackson_totals")}
    nodes: dict[str, list[Row]] = {}
    for row in rows("jackson_nodes"):
        nodes.setdefault(row["network"], []).append(row)
    for name, network in parameters.items():
        count = len(network["mu"])
        stations = [
            Station(
                f"node_{node + 1}",
                network["servers"][node],
                exponential(1.0 / network["mu"][node]),
                {f"node_{to + 1}": float(share) for to, share in enumerate(network["routing"][node])},
            )
            for node in range(count)
        ]
        customers = [
            Customers(f"from_{node + 1}", f"node_{node + 1}", float(rate))
            for node, rate in enumerate(network["gamma"])
            if rate > 0
        ]
        slowest = 1.0 / min(network["mu"])
        total = totals[name]
        system = steady(
            stations,
            customers,
            size=_JACKSON_SIZES[name],
            relaxation=40.0 * slowest if name != "J3_feedback1" else 150.0,
            longest=40.0 * float(total["mean_sojourn_of_a_patient"]) + 40.0 * slowest,
        )
        measures = []
        for node, row in enumerate(nodes[name]):
            step = f"node_{node + 1}"
            reads = {
                "lambda_eff": partial(throughput, step=step),
                "rho": partial(use, int(row["c"]), step=step),
                "p_wait": partial(share_waiting, step=step),
                "Lq": partial(mean_queue, step=step),
                "Wq": partial(mean_wait, step=step),
                "L": partial(number, step=step),
                "W": partial(mean_sojourn, step=step),
            }
            measures += [Measure(f"{step} {column}", float(row[column]), read) for column, read in reads.items()]

        def sojourn(log: Log) -> float:
            arrival, leaving = log.sojourns
            return float((leaving - arrival).mean())

        def total_number(log: Log, steps: int = count) -> float:
            return sum(number(log, f"node_{node + 1}") for node in range(steps))

        measures.append(Measure("L_total", float(total["L_total"]), total_number))
        measures.append(Measure("sojourn", float(total["mean_sojourn_of_a_patient"]), sojourn))
        yield Case(name, system, measures)


_JACKSON_SIZES = {
    "J1_tandem2": 150_000.0,
    "J3_feedback1": 400_000.0,
    "J5_ed": 600_000.0,
    "J7_loop": 200_000.0,
    "J9_frailty_chain": 900_000.0,
}


def closed_networks() -> Iterator[Case]:
    for row in rows("closed_networks"):
        think = float(row["mean_time_between_visits(think)"])
        ratios = [float(text) for text in row["visit_ratios"].split()]
        means = [float(text) for text in row["mean_service"].split()]
        servers = [int(text) for text in row["servers"].split()]
        shown = [float(text) for text in row["mean_number_per_station(last=thinking)"].split()]
        count = len(ratios)
        names = [f"node_{node + 1}" for node in range(count)]
        # Everyone visits the first node once a cycle; the others in tandem, each skipped by who does not need it.
        home = "thinking" if think > 0.0 else names[0]
        routes = {name: _onward(names, node, ratios, home) for node, name in enumerate(names)}
        stations = [
            Station(name, servers[node], exponential(means[node]), routes[name]) for node, name in enumerate(names)
        ]
        if think > 0.0:
            stations = [Station("thinking", None, exponential(think), {names[0]: 1.0}), *stations]
        cycle = think + sum(ratio * mean for ratio, mean in zip(ratios, means, strict=True))
        system = System(
            stations,
            [Customers("all", home, founders=int(row["population"]))],
            length=1_500.0 * cycle,
            warm_up=60.0 * cycle,
        )
        measures = [Measure("throughput", float(row["throughput"]), partial(throughput, step=names[0]))]
        measures += [
            Measure(f"number {name}", value, partial(number, step=name))
            for name, value in zip([*names, "thinking"], shown, strict=False)
            if name != "thinking" or think > 0.0
        ]
        yield Case(row["case"], system, measures)


def _onward(names: list[str], node: int, ratios: list[float], home: str) -> dict[str, float]:
    """Routes that visit node k after node 1 with probability equal to its visit ratio, at most one at a time."""
    if node > 0:
        return {home: 1.0} if node == len(names) - 1 else _split(names, node, ratios, home)
    return _split(names, 0, ratios, home) if len(names) > 1 else {home: 1.0}


def _split(names: list[str], node: int, ratios: list[float], home: str) -> dict[str, float]:
    """From a node on: the next node with its ratio, else the one after, and so on, else home (independent)."""
    routes: dict[str, float] = {}
    rest = 1.0
    for later in range(node + 1, len(names)):
        routes[names[later]] = rest * ratios[later]
        rest *= 1.0 - ratios[later]
    routes[home] = routes.get(home, 0.0) + rest
    return routes


# Blocking.


def two_wards_blocking() -> Iterator[Case]:
    for row in rows("two_wards_blocking"):
        rate, mu1, mu2 = numbers(row, "lambda", "mu1", "mu2")
        c1, c2 = int(row["c1"]), int(row["c2"])
        stations = [
            Station("ward_1", c1, exponential(1.0 / mu1), {"ward_2": float(row["p_to_ward2"])}),
            Station("ward_2", c2, exponential(1.0 / mu2), hold=True),
        ]
        system = steady(
            stations,
            [Customers("all", "ward_1", rate)],
            size=300_000.0,
            relaxation=60.0,
            longest=60.0 * float(row["Wq"]) + 100.0,
        )

        def block_time(log: Log) -> float:
            stays = log.in_step("ward_1")
            stays = stays.at((stays.ready > 0.0) & (stays.ready < log.length))
            return float((stays.end - stays.ready).mean())

        reads = {
            "p_ward1_full": lambda log, c1=c1: log.share_full("ward_1", c1),
            "p_ward2_full": lambda log, c2=c2: log.share_full("ward_2", c2),
            "Lq": partial(mean_queue, step="ward_1"),
            "Wq": partial(mean_wait, step="ward_1"),
            "in_care_ward1": lambda log: log.mean_in_care("ward_1"),
            "blocked_ward1": lambda log: log.mean_blocked("ward_1"),
            "bed_occupancy_ward1": partial(use, c1, step="ward_1"),
            "census_ward2": partial(use, 1, step="ward_2"),
            "bed_occupancy_ward2": partial(use, c2, step="ward_2"),
            "mean_block_time_per_transfer": block_time,
            "throughput_ward1": partial(throughput, step="ward_1"),
        }
        yield Case(row["case"], system, [Measure(name, float(row[name]), read) for name, read in reads.items()])


def tandem_blocking() -> Iterator[Case]:
    """Saturated: a closed loop in which somebody always waits for the first station."""
    for row in rows("tandem_blocking_saturated"):
        rates = [float(text) for text in row["service_rates"].split()]
        buffers = [int(text) for text in row["buffers_between"].split()]
        names = [f"station_{number + 1}" for number in range(len(rates))]
        stations: list[Station] = []
        for index, (name, rate) in enumerate(zip(names, rates, strict=True)):
            following = names[0]
            if index + 1 < len(names):
                following = names[index + 1]
                if buffers[index] > 0:
                    following = f"buffer_{index + 1}"
            stations.append(Station(name, 1, exponential(1.0 / rate), {following: 1.0}, hold=index > 0))
            if following.startswith("buffer"):
                stations.append(Station(following, buffers[index], fixed(0.0), {names[index + 1]: 1.0}, hold=True))
        places = sum(station.servers or 0 for station in stations)
        system = System(
            stations, [Customers("all", names[0], founders=places + 2)], length=1_000.0, warm_up=300.0
        )
        read = partial(throughput, step=names[-1])
        yield Case(row["case"], system, [Measure("throughput", float(row["throughput"]), read)])


# Census without capacity.


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


# Rates that change by the hour, from empty.

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
            Measure(f"hour {row['hour']}", float(row["expected_census_from_empty"]), partial(_care_at, float(row["hour"])))
            for row in chosen
        ]
        yield Case(f"step24 {name}", system, measures, replications=2_000 // COPIES)


# Smallest exact values that so many days show with a standard error of 2 %.
_SHOWN_SHARE = 0.2
_SHOWN_QUEUE = 1.3


def _by_hour(table: str, hourly: Sequence[float], integral: str, days: int) -> Iterator[Case]:
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
        yield Case(case, system, measures, replications=days // COPIES)


def mt_m_c() -> Iterator[Case]:
    yield from _by_hour("mt_m_c", STEP24, "integral_of_E_queue_to_hour", 12_000)


def treatment_centre_triage() -> Iterator[Case]:
    """The arrivals of the treatment centre, by hour from opening; nobody comes after 18 hours."""
    yield from _by_hour(
        "treatment_centre_triage_exact", TRIAGE, "integral_of_E_queue_to_hour(patient-hours)", 20_000
    )


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


TABLES = {
    "mmc": mmc,
    "mg1": mg1,
    "mgc": mgc,
    "mmck": mmck,
    "erlang_b": erlang_b,
    "erlang_a": erlang_a,
    "mmc_plus_D": mmc_plus_d,
    "mg1_plus_D": mg1_plus_d,
    "mg1_priority": mg1_priority,
    "mmc_priority_nonpreemptive": mmc_priority,
    "jackson": jackson,
    "closed_networks": closed_networks,
    "kaufman_roberts": kaufman_roberts,
    "overflow_two_wards": overflow_two_wards,
    "two_wards_blocking": two_wards_blocking,
    "tandem_blocking_saturated": tandem_blocking,
    "mginf": mginf,
    "mt_g_inf": mt_g_inf,
    "mt_m_c": mt_m_c,
    "treatment_centre_triage_exact": treatment_centre_triage,
}
# How many times longer (or shorter) than the rules of thumb above say, for standard errors just small enough.
LENGTHS = {
    **{"mmc03": 0.65, "mmc07": 1.9, "mmc09": 0.6, "mmc11": 0.5, "mmc13": 1.2, "mmc15": 1.1},
    **{"mg1_01": 2.2, "mg1_03": 2.1, "mg1_05": 1.4, "mg1_07": 3.2, "mg1_09": 1.3, "mg1_13": 1.5, "mg1_15": 1.6},
    **{"mdc_0.8_1": 1.1, "mdc_4.5_5": 0.7, "mdc_18.0_20": 1.2, "mE2c_1.6_2": 0.5, "mE2c_8.5_10": 1.1},
    **{"mH2c_1.6_2": 0.6, "mH2c_8.5_10": 1.2},
    **{"mmck11": 1.1, "mmck13": 3.8, "eb05": 1.1, "eb09": 2.3, "eb15": 1.7, "ea07": 2.8, "ea11": 2.4, "ea13": 0.4},
    **{"P1": 0.7, "P5": 0.2, "C3": 1.8, "kr05": 1.2, "kr07": 1.2, "ward02": 1.3},
    **{"J3_feedback1": 1.9, "J5_ed": 17.0, "J9_frailty_chain": 5.0, "closed01": 0.2, "closed03": 0.2, "closed05": 0.2},
    **{"mginf01": 2.6, "mginf03": 9.0, "mginf07": 38.0, "mginf09": 2.5, "mginf11": 10.0},
}


def _all_cases() -> Iterator[tuple[str, Case]]:
    for table, cases in TABLES.items():
        for case in cases():
            length = case.system.length * LENGTHS.get(case.name, 1.0)
            yield f"{table} {case.name}", replace(case, system=replace(case.system, length=length))


CASES = dict(_all_cases())
