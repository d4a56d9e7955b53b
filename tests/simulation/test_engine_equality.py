"""The compiled engine and the SimPy engine do the same, event for event and state for state, to the last bit."""

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from instances.catalogue import load_instance
from simulation.configuration import todays_configuration
from tests.simulation.engine_runs import run_instance
from tests.simulation.random_instances import configurations, instances

CALM = settings(
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
    phases=(Phase.generate, Phase.shrink),
)


def check_engines_agree(data: st.DataObject) -> None:
    instance = data.draw(instances())
    configuration = data.draw(configurations(instance))
    run_instance(instance, configuration, data.draw(st.integers(0, 3)), data.draw(st.integers(0, 2**63 - 1)))


@given(st.data())
@settings(CALM, max_examples=25)
def test_engines_agree_on_random_instances(data):
    check_engines_agree(data)


@pytest.mark.slow
@given(st.data())
@settings(CALM, max_examples=300)
def test_engines_agree_on_many_random_instances(data):
    check_engines_agree(data)


def test_engines_agree_on_tiny():
    instance = load_instance("tiny")
    runs = run_instance(instance, todays_configuration(instance), replication=0)
    assert sum(len(events) for events, _ in runs) > 1000


@pytest.mark.slow
def test_engines_agree_on_loire():
    instance = load_instance("loire")
    runs = run_instance(instance, todays_configuration(instance), replication=0)
    assert sum(len(events) for events, _ in runs) > 100_000
    assert all(np.all(np.diff(events["time"]) >= 0.0) for events, _ in runs)
