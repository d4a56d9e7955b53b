"""Open stations with endless waiting rooms: M/M/c, M/G/1, M/G/c."""

from collections.abc import Iterator
from functools import partial

from tests.simulation.queueing.agreement import LOOSE, TIGHT, Case, Measure
from tests.simulation.queueing.readings import (
    mean_queue,
    mean_sojourn,
    mean_wait,
    number,
    share_waiting,
    use,
    wait_moments,
)
from tests.simulation.queueing.systems import Customers, Law, Station, exponential, fixed, law
from tests.simulation.queueing.tables import HEAVY_USE, SERVER, Row, numbers, relaxation, rows, steady

_LITTLE = {"p_wait": share_waiting, "Lq": mean_queue, "Wq": mean_wait, "L": number, "W": mean_sojourn}


def _single(row: Row, *, law_of_stay: Law, mean: float, variation: float, size: float) -> Case:
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
        rho, mean, servers = float(row["rho"]), 1.0 / float(row["mu"]), int(row["c"])
        size = _size_single(rho, servers, 1.0)
        yield _single(row, law_of_stay=exponential(mean), mean=mean, variation=1.0, size=size)


def mg1() -> Iterator[Case]:
    for row in rows("mg1"):
        mean, sd, rho = numbers(row, "mean_service", "sd_service", "rho")
        size = _size_single(rho, 1, sd / mean) * (2.0 if sd > mean else 1.0)
        yield _single(row, law_of_stay=law(row["dist"], row["params"]), mean=mean, variation=sd / mean, size=size)


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
        yield _single(row, law_of_stay=stay, mean=1.0, variation=variation, size=size)
