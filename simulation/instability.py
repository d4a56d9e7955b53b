"""Lines that grow without end: said of a plan by what waits for each pool, beyond what waits there today.

A line is unstable when more persons wait in the last quarter of the run than in the second, beyond today's growth and
beyond noise, and the growth has not died down. A line that is long but no longer grows is none: what bounds it (those
who wait give up or die, or all who could join it are in it) has been reached, and what the waiting costs is in the
objectives.

Noise: a line whose pool is just saturated wanders without any drift like a Brownian motion with the variance of what
joins it plus the variance of what is served (Iglehart and Whitt, Multiple channel queues in heavy traffic I, Advances
in Applied Probability 2 (1970), section 2), here Poisson counts. That is what one replication varies by; with more
it is weighed with what they were seen to vary by, parameter draws included.
"""

from collections.abc import Iterator

import numpy as np

from simulation.ledgers import replay
from simulation.ledgers.account import Account
from simulation.ledgers.chart import Chart, FloatArray

LEAST_PERSONS = 1.0
LEAST_SHARE = 0.1
"""A line counts as growing from so many persons on, and from this share of the pool's units."""
DEVIATIONS = 3.0
"""Standard errors by which growth is beyond noise: each plan has many lines, each search many plans."""
STILL_GROWING = 0.4
"""A line grows on when this part of the growth since mid-run came in the last quarter; steady growth has a half. A line
that settles exponentially has less when it settles within 0.6 of the run (exp(-0.25/0.6) is two thirds)."""
QUARTER_MEANS = 5 / 12
"""Variance of the difference of a Brownian motion's means over the last and the second quarter of a run, as a part of
its variance over the run: b - a - h/3 for windows of length h that begin at a and b."""
PRIOR_WEIGHT = 4.0
"""Replications that the variance by theory counts for, beside those seen."""
ENOUGH = 10
"""Fewer replications are judged as if so many had shown the same: what a search keeps must not turn out to grow."""

QUARTERS = slice(0, 4)
CAPACITY, SERVED = 4, 5
PER_LINE = 6
"""What is known of a line: see `lines_of`."""


def lines_of(account: Account, chart: Chart) -> FloatArray:
    """Return what is known of each line of a chart [Q, 6], from an account over the chart's territories.

    Mean persons waiting in each quarter of the run, unit-time of capacity, units taken by who was served.
    """
    served = np.zeros(len(chart.pools))
    flows = account.channels[..., [replay.GATE_ENTRIES, replay.SERVICE_ENTRIES]].sum(axis=(1, 2, 3))
    np.add.at(served, chart.channel_pool, flows)
    return np.column_stack([account.queues, account.pools[:, replay.POOL_CAPACITY], served])


def unstable(chart: Chart, own: FloatArray, today: FloatArray) -> Iterator[str]:
    """Yield in words each line of a plan that is unstable; lines as `lines_of` [replication, Q, 6]."""
    for q, pool in enumerate(chart.pools):
        grown = _endless_growth(chart, own[:, q], today[:, q])
        if grown:
            where = f"{chart.instance.resources[pool.resource].resource} in {pool.zone}"
            yield f"unstable: {grown:.0f} more waiting for {where} at the end than at mid-run"


def _endless_growth(chart: Chart, own: FloatArray, today: FloatArray) -> float:
    """Return by how many persons a line grows without dying down, own and today's [replication, 6]; 0: it does not."""
    waiting, usual = own[:, QUARTERS], today[:, QUARTERS].mean(axis=0)
    growth = waiting[:, 3] - waiting[:, 1]
    grown = float(growth.mean())
    units = float(own[:, CAPACITY].mean()) / chart.run
    least = max(LEAST_PERSONS, LEAST_SHARE * units, DEVIATIONS * _error(growth, float(own[:, SERVED].mean())))
    beyond_today = grown - max(float(usual[3] - usual[1]), 0.0)
    last = float((waiting[:, 3] - waiting[:, 2]).mean())
    return grown if beyond_today >= least and last >= STILL_GROWING * grown else 0.0


def _error(growth: FloatArray, served: float) -> float:
    """Return the standard error of a mean growth [replication], given how many are served over a run.

    Over a run as many join as are served, and those by which the line grew (twice what it grows by in half of it).
    """
    joined = served + 2.0 * max(float(growth.mean()), 0.0)
    theory = QUARTER_MEANS * (joined + served)
    squares = float(((growth - growth.mean()) ** 2).sum())
    variance = (PRIOR_WEIGHT * theory + squares) / (PRIOR_WEIGHT + len(growth) - 1)
    return float(np.sqrt(variance / max(len(growth), ENOUGH)))
