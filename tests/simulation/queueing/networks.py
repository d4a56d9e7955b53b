"""Open, closed and blocking networks."""

import json
from collections.abc import Iterator
from functools import partial

from tests.simulation.queueing.agreement import Case, Measure
from tests.simulation.queueing.measures import Log
from tests.simulation.queueing.readings import (
    mean_queue,
    mean_sojourn,
    mean_wait,
    number,
    share_waiting,
    throughput,
    use,
)
from tests.simulation.queueing.systems import Customers, Station, System, exponential, fixed
from tests.simulation.queueing.tables import DATA, Row, numbers, rows, steady


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
        system = System(stations, [Customers("all", names[0], founders=places + 2)], length=1_000.0, warm_up=300.0)
        read = partial(throughput, step=names[-1])
        yield Case(row["case"], system, [Measure("throughput", float(row["throughput"]), read)])
