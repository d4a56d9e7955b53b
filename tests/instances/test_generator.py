"""Synthetic departments: as many people as the real bodies they are drawn from, supply scaled to need."""

import numpy as np
import pytest

from instances.catalogue import load_instance, shipped_instances
from instances.folder import write_folder
from instances.generator import department, written_department
from instances.generator.department import TooFewTerritories
from instances.generator.geography import drawn_territories, minutes
from instances.generator.pattern import Pattern
from instances.generator.real_bodies import real_bodies
from instances.source import InstanceSource

SPENT = {"assurance_maladie": 1e8, "departement": 5e7, "menage": 9e7, "etat": 4e6}


def random(seed):
    return np.random.Generator(np.random.Philox(np.random.SeedSequence([seed])))


def tables(territories, seed):
    written = written_department(department("drawn", territories, random(seed)), SPENT)
    return {name: [row.cells for row in table.rows] for name, table in written.tables.items()}


@pytest.fixture(scope="module")
def ten():
    return department("ten", 10, random(4))


@pytest.fixture(scope="module")
def ten_built(ten):
    return InstanceSource(written_department(ten, SPENT)).today


def test_the_same_generator_draws_the_same_department():
    assert tables(5, 3) == tables(5, 3)
    assert tables(5, 3)["needs"] != tables(5, 4)["needs"]


def test_a_department_is_read_back_as_it_was_written(ten, ten_built, tmp_path):
    write_folder(written_department(ten, SPENT), tmp_path / "ten")
    assert load_instance(tmp_path / "ten").fingerprint == ten_built.fingerprint


def test_people_are_those_of_the_real_bodies(ten, ten_built):
    for place in ten.places:
        body = place.territory.body
        found = [need for need in ten_built.needs if need.zone == place.territory.code]
        for band, aged in (("75_84", body.aged_75_84), ("_85", body.aged_85)):
            assert sum(need.initial for need in found if need.profile.endswith(band)) == aged


def test_who_reaches_75_is_shared_by_who_is_younger(ten, ten_built):
    arrivals = {place.territory.code: 0.0 for place in ten.places}
    for need in ten_built.needs:
        arrivals[need.zone] += need.arrivals
    younger = np.array([place.territory.body.aged_65_74 for place in ten.places])
    births = ten_built.values["births"]
    assert births == pytest.approx(8500 * younger.sum() / 88_233, abs=1)
    assert np.array(list(arrivals.values())) == pytest.approx(births * younger / younger.sum(), rel=2e-3)


def test_every_basin_has_a_hospital_in_its_centre(ten_built):
    for basin in ten_built.zones_of_level("basin"):
        zones = {zone.zone for zone in ten_built.territories_in(basin.zone)}
        held = {row.resource for row in ten_built.capacities if row.zone in zones}
        assert {"emergency_bay", "geriatric_bed", "surgical_bed", "smr_bed", "ehpad_place", "monitoring"} <= held


def test_capacities_lie_within_their_range_on_whole_lots(ten_built):
    for row in ten_built.capacities:
        assert row.minimum <= row.current <= row.maximum
        assert (row.current - row.minimum) % row.lot == 0
        assert (row.maximum - row.current) % row.lot == 0
        assert 0 <= row.reserved < row.current or row.current == 0


def test_supply_follows_need(ten, ten_built):
    pattern = Pattern.of_loire()
    for place in ten.places:
        rows = [r for r in ten_built.capacities if (r.zone, r.resource) == (place.territory.code, "home_help")]
        served = sum(row.current for row in rows) * (1.0 - place.lost_on_the_road)
        wanted = pattern.supply("home_help", place.persons)
        assert wanted <= served < wanted + 1.0


def test_who_holds_nothing_bears_no_cost_of_it(ten_built):
    held = {(row.provider, f"resource:{row.resource}") for row in ten_built.capacities}
    named = {(row.provider, row.subject) for row in ten_built.costs if row.provider and "resource:" in row.subject}
    assert named <= held


def test_small_cells_join_the_lighter_state():
    found = Pattern.of_loire().census("75_84", 300)
    assert sum(found.values()) == 300
    assert found["gir1_75_84"] == 0
    assert all(count == 0 or count >= 9 for count in found.values())


def test_travel_is_symmetric_and_never_free():
    zones = drawn_territories(12, random(1))
    assert all(minutes(a, b) == minutes(b, a) >= 8 for a in zones for b in zones)


def test_bodies_are_drawn_once_while_there_are_enough():
    codes = [zone.body.code for zone in drawn_territories(60, random(2))]
    assert len(set(codes)) == len(codes)


def test_one_territory_is_a_department():
    (place,) = department("one", 1, random(1)).places
    assert place.territory.is_centre


def test_no_territory_is_refused():
    with pytest.raises(TooFewTerritories, match="at least 1"):
        department("none", 0, random(1))


def test_bodies_are_of_a_size_that_territories_have():
    bodies = real_bodies()
    assert len(bodies) > 1_100
    assert {body.urbanicity for body in bodies} == {"urban", "mixed", "rural"}
    assert sum(body.is_centre for body in bodies) > 200


@pytest.mark.parametrize("size", [3, 10, 30])
def test_three_sizes_are_shipped(size):
    assert f"synthetic-{size}" in shipped_instances()
    assert len(load_instance(f"synthetic-{size}").territories) == size
