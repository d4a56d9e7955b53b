"""What the chain is made of is found once for instances that differ in numbers alone, and changes no figure."""

import numpy as np
import pytest

from instances.instance import Instance
from instances.tables import Move
from simulation.fluid import fluid_flows, remaining_value, structure
from simulation.fluid.population import Population
from simulation.fluid.structure import Structure, structure_of
from tests.simulation.fluid.test_by_hand import YEAR, lived, one_zone


def dying(rate: float, worse: float = 0.3) -> Instance:
    worsening = Move(pathway="usual", step="home", profile="well", hazard="worse", rate=worse, new_profile="ill")
    death = Move(pathway="usual", step="home", hazard="death", to="dead", rate=rate)
    return one_zone(moves=(death, worsening))


def of(instance: Instance) -> Structure:
    people = Population.of(instance)
    return structure_of(people.story, people.offered, range(len(people.profiles)), breaks=True)


def test_numbers_alone_share_a_structure():
    assert of(dying(0.5)) is of(dying(0.2))


def test_a_rate_of_nothing_is_another_structure():
    with_change, without = of(dying(0.5)), of(dying(0.5, worse=0.0))
    assert with_change is not without
    assert len(with_change.ways) > len(without.ways)


def test_a_structure_found_for_other_numbers_changes_no_figure(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(structure, "_REMEMBERED", {})
    fresh = remaining_value(dying(0.2))
    fresh_flows = fluid_flows(dying(0.2))
    monkeypatch.setattr(structure, "_REMEMBERED", {})
    remaining_value(dying(0.5))
    fluid_flows(dying(0.5))
    again, flows = remaining_value(dying(0.2)), fluid_flows(dying(0.2))
    assert np.array_equal(fresh.qaly, again.qaly)
    assert np.array_equal(fresh.cost, again.cost)
    assert np.array_equal(fresh_flows.person_time, flows.person_time)
    assert flows.person_time[0] == pytest.approx(100 * lived(0.5) * YEAR, rel=1e-9)  # 0.2 and 0.3 leave being well
