"""A valid folder becomes an instance, whatever its spelling."""

import pickle
from pathlib import Path

import pytest

from instances.catalogue import load_instance, read_source, shipped_instances
from instances.faults import InvalidInstance, UnknownName
from instances.folder import read_folder, write_folder
from instances.parameters import is_uncertain
from tests.mini_instance import TABLES, write_mini_instance


def test_cells_are_numbers_texts_and_answers(mini: Path) -> None:
    instance = load_instance(mini)
    assert [zone.zone for zone in instance.territories] == ["01", "02"]
    assert instance.settings.horizon.run == 365.25
    assert instance.values["frail_fall_rate"] == 1.6
    assert instance.moves[1].rate == 1.6
    assert instance.moves[3].while_ == "helper"
    assert instance.steps[0].anchor is True
    assert instance.steps[0].hold is False
    assert instance.capacities[0].current == 6
    assert instance.needs[0].rhythm == "seasons"
    assert instance.breaks[0].break_ == "back_in_a_month"


def test_semicolons_decimal_commas_marks_and_line_ends_are_accepted(mini: Path) -> None:
    as_points = load_instance(mini)
    french = TABLES["offers"].replace(",", ";").replace("0.", "0,").replace("\n", "\r\n")
    (mini / "offers.csv").write_text("\ufeff" + french, encoding="utf-8", newline="")
    (mini / "zones.csv").write_text(TABLES["zones"].replace("0.1", '"0,1"') + "\n,,,,,,\n", encoding="utf-8")
    as_commas = load_instance(mini)
    assert as_commas == as_points
    assert as_commas.fingerprint == as_points.fingerprint


def test_an_absent_optional_table_is_empty(mini: Path) -> None:
    (mini / "travel.csv").unlink()
    (mini / "observations.csv").write_text("observation,value,low,high\n", encoding="utf-8")
    instance = load_instance(mini)
    assert instance.travel == ()
    assert instance.observations == ()


def test_a_scenario_sets_parameters_and_what_depends_on_them(mini: Path) -> None:
    instance = load_instance(mini, "shortage")
    assert instance.values["helper_ratio"] == pytest.approx(0.54)  # 0.9 of its central value
    # 6 * 0.75 beds are the nearest whole number.
    assert instance.capacities[0].current == 5
    assert load_instance(mini, "today") == load_instance(mini)


def test_a_value_set_by_the_caller_wins_and_is_certain(mini: Path) -> None:
    instance = load_instance(mini, "shortage", {"staffing": 1.0, "fall_rate": 0.1})
    assert instance.capacities[0].current == 6
    assert instance.values["frail_fall_rate"] == pytest.approx(0.2)
    assert not is_uncertain(instance.parameter_by_name["fall_rate"])
    assert is_uncertain(instance.parameter_by_name["stay_home_share"])


def test_unknown_names_asked_for_suggest_the_nearest(mini: Path) -> None:
    source = read_source(mini)
    with pytest.raises(UnknownName, match="scenario 'shortag'; expected 'shortage'"):
        source.instance("shortag")
    with pytest.raises(UnknownName, match="parameter 'stafing'; expected 'staffing'"):
        source.instance(overrides={"stafing": 1.0})
    with pytest.raises(UnknownName, match="instance 'tiy'; expected 'tiny'"):
        load_instance("tiy")


def test_values_that_break_a_check_are_refused(mini: Path) -> None:
    with pytest.raises(InvalidInstance, match=r"moves.csv, row 8, column probability: out of range"):
        load_instance(mini, overrides={"stay_home_share": 1.2})


def test_faults_of_every_scenario_can_be_listed(mini: Path) -> None:
    with (mini / "scenarios.csv").open("a", encoding="utf-8") as file:
        file.write("wild,Wild,2040,stay_home_share,1.2\n")
    source = read_source(mini)
    assert source.scenarios == ("today", "shortage", "wild")
    assert [fault.message.split(":")[0] for fault in source.scenario_faults()] == ["wild", "wild"]


def test_a_long_chain_of_parameters_has_values(mini: Path) -> None:
    with (mini / "parameters.csv").open("a", encoding="utf-8") as file:
        file.writelines(f"link{number},link{number + 1},,,,,,\n" for number in range(3000))
        file.write("link3000,7,,,,,,\n")
    assert load_instance(mini).values["link0"] == 7.0


def test_an_instance_travels_to_other_processes(mini: Path) -> None:
    instance = load_instance(mini)
    assert instance.expanded.territories
    there = pickle.loads(pickle.dumps(instance))
    assert there == instance
    assert hash(there) == hash(instance)


def test_the_fingerprint_follows_the_content(mini: Path, tmp_path: Path) -> None:
    instance = load_instance(mini)
    elsewhere = write_mini_instance(tmp_path / "elsewhere")
    assert load_instance(elsewhere).fingerprint == instance.fingerprint
    assert load_instance(mini, overrides={"fall_rate": 0.81}).fingerprint != instance.fingerprint
    (elsewhere / "needs.csv").write_text(TABLES["needs"].replace("60", "61"), encoding="utf-8")
    assert load_instance(elsewhere).fingerprint != instance.fingerprint


def test_what_is_written_reads_the_same(mini: Path, tmp_path: Path) -> None:
    written = read_source(mini).written
    write_folder(written, tmp_path / "copy" / "mini")
    assert read_folder(tmp_path / "copy" / "mini").written == written
    assert load_instance(tmp_path / "copy" / "mini") == load_instance(mini)


@pytest.mark.parametrize("name", shipped_instances())
def test_shipped_instances_are_valid_under_every_scenario(name: str) -> None:
    assert read_source(name).scenario_faults() == ()
