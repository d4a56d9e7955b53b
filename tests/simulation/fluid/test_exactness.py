"""Where nobody waits and no onset or keep acts, the chain is exact: it equals the mean of the twin.

Random instances with every other feature of the format: all duration laws, destinations with laws of their own,
competing hazards, several rows of one hazard, factors of services and marks, profile changes, re-orientation,
acceptance, derived pathways, rhythms, basins and regions. Tolerance: three standard errors of the twin's mean over its
replications, for every figure.
"""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, seed, settings

from instances.instance import Instance
from simulation.fluid import FluidModel
from tests.simulation.fluid.uncongested import of_fluid, of_twin, today, uncongested
from tests.simulation.random_instances import instances

REPLICATIONS = 40
ROUNDING = 1e-4
"""Of figures that never vary in the twin, and of what kinks in time cost the inversion."""


def check(drawn: Instance) -> None:
    instance = uncongested(drawn)
    expected = of_fluid(instance, FluidModel(instance).flows()).flat()
    mean, error = of_twin(instance, today(instance), REPLICATIONS, seed=7)
    apart = np.abs(expected - mean) - 3.0 * error - ROUNDING * np.abs(mean) - 1e-6
    assert (apart <= 0.0).all(), np.stack([expected, mean, error])[:, apart > 0.0]


def suppressed() -> list[HealthCheck]:
    return [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]


@seed(2)
@settings(max_examples=5, database=None, deadline=None, suppress_health_check=suppressed())
@given(instances())
def test_flows_are_the_mean_of_the_twin(drawn: Instance):
    check(drawn)


@pytest.mark.slow
@seed(1)
@settings(max_examples=40, database=None, deadline=None, suppress_health_check=suppressed())
@given(instances())
def test_flows_are_the_mean_of_the_twin_on_many_instances(drawn: Instance):
    check(drawn)
