"""Which intervals so few replications cannot give is said, and how many could."""

import pytest

from configurator.intervals import too_narrow
from instances.catalogue import load_instance


@pytest.mark.parametrize("replications", [2, 10, 21])
def test_a_quantile_of_few_replications_is_said_to_be_taken_as_normal(replications):
    said = too_narrow(load_instance("tiny"), replications, "--final-replications")
    assert said.startswith(f"intervals of solvency take its spread over {replications} replications to be normal")
    assert said.endswith("ask for --final-replications 22")


def test_of_enough_replications_nothing_is_said():
    assert too_narrow(load_instance("tiny"), 22, "--replications") == ""


def test_one_replication_has_no_interval():
    assert "one replication says nothing" in too_narrow(load_instance("tiny"), 1, "--replications")
