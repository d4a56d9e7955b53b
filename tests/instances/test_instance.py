"""Look-ups, and derived pathways in full."""

from pathlib import Path

import pytest

from instances.catalogue import load_instance
from instances.inheritance import CyclicBaseError, ancestry
from instances.instance import Instance
from instances.tables import Pathway


@pytest.fixture
def instance(mini: Path) -> Instance:
    return load_instance(mini)


def test_zones_know_their_kin(instance: Instance) -> None:
    assert instance.ancestor("01", "basin") == "B"
    assert instance.ancestor("01", "territory") == "01"
    assert instance.ancestor("01", "region") is None
    assert [zone.zone for zone in instance.descendants("B")] == ["01", "02"]
    assert [zone.zone for zone in instance.territories_in("")] == ["01", "02"]
    assert [zone.zone for zone in instance.territories_in("02")] == ["02"]
    assert instance.pool_zone("bed", "02") == "B"
    assert instance.pool_zone("helper", "02") == "02"


def test_the_most_specific_offer_wins(instance: Instance) -> None:
    assert [(row.pathway, row.current) for row in instance.offers_of("01", "frail")] == [
        ("usual", 0.7),
        ("helped", 0.3),
    ]
    assert [(row.pathway, row.current) for row in instance.offers_of("02", "frail")] == [
        ("usual", 0.8),
        ("helped", 0.2),
    ]


def test_a_derived_pathway_has_its_bases_rows(instance: Instance) -> None:
    full = instance.expanded
    assert full.pathway_by_code["helped"].entry == "home"
    assert [row.step for row in full.steps if row.pathway == "helped"] == [
        row.step for row in full.steps if row.pathway == "usual"
    ]
    assert [row.resource for row in full.service_rows("helped", "home", "frail")] == ["helper"]
    assert full.service_rows("usual", "home", "frail") == ()
    helped_moves = full.move_rows("helped", "home", "frail")
    assert [(row.hazard, row.rate, row.factor) for row in helped_moves] == [
        ("fall", 1.6, None),
        ("fall", None, 1.5),
        ("death", 0.08, None),
        ("fall", None, 0.6),
    ]
    assert full.expanded == full


def test_a_row_of_the_same_key_replaces_the_bases(mini: Path) -> None:
    with (mini / "steps.csv").open("a", encoding="utf-8") as file:
        file.write("helped,ward,,ward,fixed,5,,bed,1,,,,,0.7\n")
        file.write("helped,ward,frail,ward,fixed,9,,bed,1,,,,,0.7\n")
    full = load_instance(mini).expanded

    def mean(pathway: str, profile: str) -> float | None:
        row = full.step_row(pathway, "ward", profile)
        return row.mean if row else None

    assert (mean("usual", "frail"), mean("helped", "robust"), mean("helped", "frail")) == (8.0, 5.0, 9.0)


def test_a_profiles_own_moves_replace_those_for_all(mini: Path) -> None:
    with (mini / "moves.csv").open("a", encoding="utf-8") as file:
        file.write("usual,home,stay,frail,death,dead,,0.5,,,,,\n")
    full = load_instance(mini).expanded
    deaths = {
        profile: [row.rate for row in full.move_rows("usual", "home", profile) if row.hazard == "death"]
        for profile in ("robust", "frail")
    }
    assert deaths == {"robust": [0.08], "frail": [0.5]}


def test_a_circle_of_bases_is_an_error() -> None:
    pathways = [Pathway(pathway="a", base="b"), Pathway(pathway="b", base="a")]
    with pytest.raises(CyclicBaseError, match="a -> b -> a"):
        ancestry("a", pathways)
