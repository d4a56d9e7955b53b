"""Lines that grow without end: said of a plan by what waits for each pool, beyond what waits there today.

A line is unstable in one of two ways. It grows: more wait in the last quarter of the run than in the second, beyond
noise, and the growth has not died down. Or it has outgrown its pool: who comes last would wait longer than half the
run at the pace at which the pool serves (Little, A proof for the queuing formula L = lambda W, Operations Research 9
(1961)); such a line may have stopped growing only because everyone who could join it is in it already.
"""

import math
from collections.abc import Iterator

import numpy as np

from simulation.estimates import estimate
from simulation.ledgers import replay
from simulation.ledgers.account import Account
from simulation.ledgers.chart import Chart, FloatArray

LEAST_PERSONS = 1.0
LEAST_SHARE = 0.1
DEVIATIONS = 3.0
"""A line counts from so many persons beyond today's on, this share of the pool's units, and this many standard
deviations of a Poisson count of those who wait at the end."""
STILL_GROWING = 0.4
"""A line grows on when this part of the growth since mid-run came in the last quarter; steady growth has a half, a line
that settles at a new length less and less."""
LONGEST_WAIT = 0.5
"""A line has outgrown its pool when it is as long as what the pool serves in this part of the run."""

QUARTERS = slice(0, 4)
CAPACITY, SERVED = 4, 5
PER_LINE = 6
"""What is known of a line: see `lines_of`."""


def lines_of(account: Account, chart: Chart) -> FloatArray:
    """Return what is known of each line [Q, 6]; additive over components.

    Mean persons waiting in each quarter of the run, unit-time of capacity, units taken by who was served.
    """
    served = np.zeros(len(chart.pools))
    flows = account.channels[..., [replay.GATE_ENTRIES, replay.SERVICE_ENTRIES]].sum(axis=(1, 2, 3))
    np.add.at(served, chart.channel_pool, flows)
    return np.column_stack([account.queues, account.pools[:, replay.POOL_CAPACITY], served])


def unstable(chart: Chart, own: FloatArray, today: FloatArray) -> Iterator[str]:
    """Yield in words each line of a plan that is unstable; lines as `lines_of` [replication, Q, 6]."""
    for q, pool in enumerate(chart.pools):
        waiting, usual = own[:, q, QUARTERS], today[:, q, QUARTERS].mean(axis=0)
        units = float(own[:, q, CAPACITY].mean()) / chart.run
        least = max(LEAST_PERSONS, LEAST_SHARE * units, DEVIATIONS * math.sqrt(float(waiting[:, 3].mean())))
        where = f"{chart.instance.resources[pool.resource].resource} in {pool.zone}"
        grown = _growth(waiting, usual, least)
        if grown:
            yield f"unstable: {grown:.0f} more waiting for {where} at the end than at mid-run"
        elif _outgrown(waiting, usual, least, float(own[:, q, SERVED].mean())):
            length = waiting[:, 3].mean()
            yield f"unstable: {length:.0f} waiting for {where} at the end, more than it serves in half the run"


def _growth(waiting: FloatArray, usual: FloatArray, least: float) -> float:
    """Return by how many persons a line grows without dying down [replication, 4]; 0 when it does not."""
    found = estimate(waiting[:, 3] - waiting[:, 1])
    last = float((waiting[:, 3] - waiting[:, 2]).mean())
    beyond_today = found.mean - max(float(usual[3] - usual[1]), 0.0)
    grows = found.low > 0.0 and beyond_today >= least and last >= STILL_GROWING * found.mean
    return found.mean if grows else 0.0


def _outgrown(waiting: FloatArray, usual: FloatArray, least: float, served: float) -> bool:
    """Say whether a line is longer than what its pool serves in half the run, and than today's by more than noise."""
    length = float(waiting[:, 3].mean())
    return length - float(usual[3]) >= least and length > LONGEST_WAIT * served
