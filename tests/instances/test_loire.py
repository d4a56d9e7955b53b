"""The shipped Loire equals its sources where they are known, and says where everything else comes from."""

import csv
from collections import defaultdict
from importlib.resources import files

import pytest

from instances.catalogue import load_instance
from instances.instance import Instance

SOURCES = files("instances").joinpath("loire", "sources")

# What is known of today: (value, low, high, role), fixed.
OBSERVED = {
    "emergency_visits_for_falls": (7.4, 5.5, 9.5, "fit"),
    "hospital_stays_for_falls": (2.0, 1.5, 2.8, "fit"),
    "hip_fracture_share": (50, 40, 60, "check"),
    "fall_stay_days": (12, 10, 15, "fit"),
    "rehabilitation_share": (60, 50, 70, "fit"),
    "rehabilitation_days": (35, 31, 40, "fit"),
    "deaths_after_hip_fracture": (23.5, 20, 28, "check"),
    "nursing_home_occupancy": (93, 88, 98, "fit"),
    "nursing_home_residents": (9.6, 8.8, 10.4, "check"),
    "nursing_home_stay_years": (2.45, 2.1, 2.8, "check"),
    "home_nursing_occupancy": (92, 86, 98, "fit"),
    "dependent_share": (21, 18, 24, "fit"),
    "dependent_at_home": (58, 53, 64, "check"),
    "dependent_years": (3.58, 3.2, 4.0, "check"),
    "deaths": (6.6, 5.8, 7.6, "fit"),
    "frail_share": (22, 15, 28, "fit"),
}
SCENARIOS = {
    "today", "2030", "2040", "box_without_effect", "box_optimistic", "box_adverse", "staff_shortage",
}  # fmt: skip


def rows_of(name: str) -> list[dict[str, str]]:
    return list(csv.DictReader(SOURCES.joinpath(name).read_text(encoding="utf-8").splitlines()))


@pytest.fixture(scope="module")
def loire() -> Instance:
    return load_instance("loire")


def test_the_census_of_each_territory_and_age_band_is_met(loire: Instance) -> None:
    census: dict[tuple[str, str], int] = defaultdict(int)
    for need in loire.needs:
        census[need.zone, "85" if need.profile.endswith("_85") else "75_84"] += need.initial or 0
    for row in rows_of("territories.csv"):
        assert census[row["epci_code"], "75_84"] == int(row["pop_75_84"])
        assert census[row["epci_code"], "85"] == int(row["pop_85_plus"])
    assert sum(census.values()) == 90349


def test_births_are_split_between_all_territories(loire: Instance) -> None:
    assert sum(need.arrivals for need in loire.needs) == pytest.approx(loire.values["births"], rel=1e-4)
    assert all(need.arrivals == 0 for need in loire.needs if need.profile.endswith("_85"))


def test_nursing_home_places_equal_the_directory(loire: Instance) -> None:
    known: dict[str, int] = defaultdict(int)
    for row in rows_of("facilities.csv"):
        if row["kind"] == "EHPAD":
            known[row["epci_code"]] += int(row["capacity"])
    shipped: dict[str, int] = defaultdict(int)
    for capacity in loire.capacities:
        if capacity.resource in ("ehpad_place", "protected_place"):
            shipped[capacity.zone] += capacity.current
    assert shipped == known
    assert sum(shipped.values()) == 9878


def test_geriatric_beds_equal_the_statistics(loire: Instance) -> None:
    known = sum(int(row["capacity"]) for row in rows_of("facilities.csv") if row["kind"] == "CSG")
    assert sum(row.current for row in loire.capacities if row.resource == "geriatric_bed") == known


def test_territories_basins_and_region(loire: Instance) -> None:
    assert len(loire.territories) == 11
    assert sorted(row.level for row in loire.zones) == ["basin"] * 3 + ["region"] + ["territory"] * 11


def test_basins_share_no_pool(loire: Instance) -> None:
    assert {row.level for row in loire.resources} <= {"territory", "basin"}


def test_observations_are_the_given_ones(loire: Instance) -> None:
    shipped = {row.observation: (row.value, row.low, row.high, row.role) for row in loire.observations}
    assert shipped == OBSERVED
    assert all(row.source for row in loire.observations)


def test_observations_say_what_they_are_compared_with(loire: Instance) -> None:
    assert [row.observation for row in loire.observations if not row.indicator] == []


def test_every_parameter_has_source_reason_and_an_ordered_range(loire: Instance) -> None:
    for row in loire.parameters:
        assert row.source, row.name
        assert row.reason, row.name
        if row.low is not None and row.high is not None:
            assert row.low <= row.value <= row.high, row.name


def test_every_parameter_is_used() -> None:
    """A parameter that no cell names would be varied without any effect."""
    folder = files("instances").joinpath("loire")
    cells = " ".join(
        path.read_text(encoding="utf-8")
        for path in folder.iterdir()
        if path.name.endswith((".csv", ".toml")) and path.name not in ("parameters.csv", "scenarios.csv")
    )
    own = folder.joinpath("parameters.csv").read_text(encoding="utf-8").splitlines()
    expressions = " ".join(row["value"] for row in csv.DictReader(own))
    for row in csv.DictReader(own):
        assert row["name"] in cells or row["name"] in expressions, row["name"]


@pytest.mark.parametrize("scenario", sorted(SCENARIOS))
def test_each_scenario_loads(scenario: str, loire: Instance) -> None:
    changed = load_instance("loire", scenario)
    assert (changed.values != loire.values) == (scenario != "today")


def test_scenarios_are_the_seven(loire: Instance) -> None:
    assert {row.scenario for row in loire.scenarios} == SCENARIOS


def test_the_future_has_more_people(loire: Instance) -> None:
    def people(instance: Instance) -> int:
        return sum(need.initial or 0 for need in instance.needs)

    assert people(loire) < people(load_instance("loire", "2030")) < people(load_instance("loire", "2040"))


def test_a_staff_shortage_closes_places(loire: Instance) -> None:
    short = load_instance("loire", "staff_shortage")
    before = sum(row.current for row in loire.capacities if row.resource == "home_help")
    after = sum(row.current for row in short.capacities if row.resource == "home_help")
    assert after == pytest.approx(0.85 * before, rel=0.01)


def test_the_box_alone_changes_no_hazard(loire: Instance) -> None:
    """Without the community care that it triggers, the box only detects and gives false alerts."""
    acting = {row.hazard for row in loire.moves if row.while_ == "box"}
    assert acting == {"detection", "false_alert"}


def test_today_boxes_are_a_pilot_in_saint_etienne(loire: Instance) -> None:
    boxes = {row.zone: row.current for row in loire.capacities if row.resource == "box" and row.current}
    assert boxes == {"244200770": 150}


def test_several_providers_share_home_help_home_nursing_and_nursing_homes(loire: Instance) -> None:
    for resource in ("home_help", "ssiad_place", "ehpad_place"):
        owners = {row.provider for row in loire.capacities if row.resource == resource and row.zone == "244200770"}
        assert "mutual_group" in owners
        assert len(owners) >= 2


def test_two_contracts_and_five_payers(loire: Instance) -> None:
    assert [row.contract for row in loire.contracts] == ["today", "pathway_bundle"]
    assert {row.payer for row in loire.prices} == {"assurance_maladie", "departement", "etat", "menage", "mutuelle"}
    assert any(row.basis == "outcome" for row in loire.prices if row.contract == "pathway_bundle")
