"""Lines with and without an end, of which queueing theory knows which is which."""

import numpy as np
import pytest

from simulation.configuration import todays_configuration
from simulation.instability import lines_of, unstable
from simulation.ledgers.chart import Chart
from simulation.twin import Twin
from tests.simulation.queueing.systems import Customers, Station, System, exponential

SERVERS = 10
LENGTH = 2000.0
SEEDS = range(1, 6)


def lines(folder, load, length=LENGTH, replications=1, seed=1, **impatience):
    """The line of an M/M/10 that starts empty, mean service one day [replication, 1, 6]."""
    station = Station("server", SERVERS, exponential(1.0), **impatience)
    system = System([station], [Customers("all", "server", load * SERVERS)], length=length)
    instance = system.write(folder)
    twin, chart = Twin(instance, seed=seed), Chart(instance)
    configuration = todays_configuration(instance)
    found = [lines_of(twin.whole_account(configuration, number), chart) for number in range(replications)]
    return chart, np.array(found)


def is_unstable(chart, own):
    return bool(list(unstable(chart, own, np.zeros_like(own))))


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("replications", [1, 4])
def test_an_overloaded_line_grows_without_end(tmp_path, seed, replications):
    assert is_unstable(*lines(tmp_path, 1.1, length=6000.0 / replications, seed=seed, replications=replications))


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("replications", [1, 4])
def test_a_busy_line_that_starts_empty_has_an_end(tmp_path, seed, replications):
    assert not is_unstable(*lines(tmp_path, 0.95, seed=seed, replications=replications))


@pytest.mark.parametrize("rate", [0.2, 1.0 / 200.0], ids=["soon", "late"])
@pytest.mark.parametrize("load", [1.1, 2.0])
def test_an_overloaded_line_that_people_give_up_settles(tmp_path, load, rate):
    chart, own = lines(tmp_path, load, replications=2, abandon_rate=rate)
    assert own[:, 0, 3].mean() == pytest.approx((load - 1.0) * SERVERS / rate, rel=0.15, abs=2.0)
    assert not is_unstable(chart, own)


def test_a_long_line_that_everyone_is_in_has_an_end(tmp_path):
    """Twenty customers for ever at one server of ten days: nineteen wait, more than it serves in half the run."""
    station = Station("server", 1, exponential(10.0), routes={"server": 1.0})
    instance = System([station], [Customers("all", "server", founders=20)], length=100.0).write(tmp_path)
    chart, twin = Chart(instance), Twin(instance, seed=1)
    own = lines_of(twin.whole_account(todays_configuration(instance), 0), chart)[None]
    assert own[0, 0, 3] == pytest.approx(19.0)
    assert own[0, 0, 3] > 0.5 * own[0, 0, 5]
    assert not is_unstable(chart, own)


def test_growth_as_of_today_is_not_the_plans_doing(tmp_path):
    chart, own = lines(tmp_path, 1.1, length=6000.0)
    assert list(unstable(chart, own, own)) == []


@pytest.mark.parametrize(("replications", "most"), [(10, 8), (1, 300)], ids=["ten", "one, as if ten had shown it"])
def test_false_alarms_of_a_line_without_drift_are_as_rare_as_stated(tmp_path, replications, most):
    """A Brownian line without drift passes three standard errors in one run of 700: 0 to 8 of 2,000 would be luck.

    One replication is judged with the error of ten: 3 / sqrt(10) = 0.95 of its own, passed in one run of six, of which
    some have died down.
    """
    chart, one = lines(tmp_path, 0.5, length=100.0)
    random = np.random.Generator(np.random.Philox(5))
    served, alarms = 10_000.0, 0
    own = np.repeat(one, replications, axis=0)
    for _ in range(2000):
        steps = random.normal(0.0, np.sqrt(2.0 * served / 400), (replications, 400))
        own[:, 0, :4] = (2000.0 + steps.cumsum(axis=1)).reshape(replications, 4, 100).mean(axis=2)
        own[:, 0, 5] = served
        alarms += is_unstable(chart, own)
    assert alarms <= most
