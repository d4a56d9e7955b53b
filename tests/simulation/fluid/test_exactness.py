"""Where nobody waits and no onset or keep acts, the chain is exact: it equals the mean of the twin.

Random instances with every other feature of the format: all duration laws, destinations with laws of their own,
competing hazards, several rows of one hazard, factors of services and marks, profile changes, re-orientation in
anchor steps, acceptance, derived pathways, rhythms, basins and regions. Compared are time, QALYs, entries into each
step, unit-time of each resource, revenue by payer and provider, cost by provider, QALYs and cost discounted as well, by
territory and by the profile people have at the time; and the pools. Units newly granted are the exception (see
FLUID.md): no tariff here hangs on them.

Tolerance: three standard errors of the twin's mean over its replications. Of many figures a few lie beyond by chance (a
t of 39 degrees of freedom does once in 210, and figures of the same people go together): up to 2 in a hundred figures
and 3 more may, but never beyond five. Figures seen in fewer than `RARE` replications have no normal mean: those of one
kind are compared in sum.
"""

from dataclasses import fields

import numpy as np
import pytest
from hypothesis import HealthCheck, given, seed, settings
from numpy.typing import NDArray

from instances.instance import Instance
from simulation.configuration import Configuration, offer_cells, todays_configuration
from tests.simulation.fluid.uncongested import Lived, of_fluid, of_twin, uncongested
from tests.simulation.random_instances import instances

Floats = NDArray[np.float64]

REPLICATIONS = 40
ROUNDING = 1e-4
"""Of figures that never vary in the twin, and of what kinks in time cost the inversion."""
RARE = 10


def check(drawn: Instance) -> None:
    instance = uncongested(drawn)
    today = todays_configuration(instance)
    agree(instance, today)
    if instance.settings.horizon.warm_up <= 0.0:  # else people of the warm-up meet another mix: an approximation
        agree(instance, with_other_mix(instance, today))


def agree(instance: Instance, configuration: Configuration) -> None:
    """Hold the fluid flows under a configuration against the twin's."""
    lived = of_fluid(instance, configuration)
    expected, found = gathered(lived, of_twin(instance, configuration, REPLICATIONS, seed=7))
    mean, error = found.mean(axis=0), found.std(axis=0, ddof=1) / np.sqrt(REPLICATIONS)
    rounding = ROUNDING * np.abs(mean) + 1e-6
    apart = np.maximum(0.0, np.abs(expected - mean) - rounding)
    beyond = apart > 3.0 * error
    told = list(zip(*(each[beyond].tolist() for each in (expected, mean, error)), strict=True))
    assert not (apart > 5.0 * error).any(), told
    assert beyond.sum() <= 3 + 0.02 * np.count_nonzero(mean), told


def gathered(lived: Lived, found: Floats) -> tuple[Floats, Floats]:
    """Return expected [figure] and found [replication, figure], rare figures of one kind added up."""
    expected = lived.flat()
    kind = np.repeat(np.arange(len(fields(lived))), [getattr(lived, each.name).size for each in fields(lived)])
    rare = np.count_nonzero(found, axis=0) < RARE
    sums = [(rare & (kind == number)) for number in range(len(fields(lived)))]
    sums = [each for each in sums if np.count_nonzero(found[:, each].any(axis=1)) >= RARE]
    told = [expected[~rare], *(expected[each].sum(keepdims=True) for each in sums)]
    return np.concatenate(told), np.concatenate(
        [found[:, ~rare], *(found[:, each].sum(axis=1, keepdims=True) for each in sums)], axis=1
    )


def with_other_mix(instance: Instance, configuration: Configuration) -> Configuration:
    """Return a configuration in which each pathway has the share of the one before it."""
    cells = offer_cells(instance)
    shares = list(configuration.shares)
    for place in {(cell.zone, cell.profile) for cell in cells}:
        own = [number for number, cell in enumerate(cells) if (cell.zone, cell.profile) == place]
        for number, before in zip(own, [own[-1], *own[:-1]], strict=True):
            shares[number] = configuration.shares[before]
    return Configuration(tuple(shares), configuration.capacities, configuration.contract)


def suppressed() -> list[HealthCheck]:
    return [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]


@seed(2)
@settings(max_examples=6, database=None, deadline=None, suppress_health_check=suppressed())
@given(instances())
def test_flows_are_the_mean_of_the_twin(drawn: Instance):
    check(drawn)


@pytest.mark.slow
@seed(1)
@settings(max_examples=20, database=None, deadline=None, suppress_health_check=suppressed())
@given(instances())
def test_flows_are_the_mean_of_the_twin_on_many_instances(drawn: Instance):
    check(drawn)
