"""The shipped `tiny` instance stays small enough to enumerate and keeps two of everything."""

from math import prod

import pytest

from instances.catalogue import load_instance
from instances.instance import Instance

MOST_PLANS = 5000


@pytest.fixture(scope="module")
def tiny() -> Instance:
    return load_instance("tiny")


def count_of_capacities(instance: Instance) -> int:
    return prod(
        sum(1 for units in range(row.minimum, row.maximum + 1) if (units - row.current) % row.lot == 0)
        for row in instance.capacities
    )


def count_of_mixes(instance: Instance) -> int:
    """With two pathways the share of one decides: product over territories and profiles of its allowed values."""
    supported = [row for row in instance.offers if row.pathway == "supported"]
    per_territory = prod(round((row.maximum - row.minimum) / row.step) + 1 for row in supported)
    return int(per_territory ** len(instance.territories))


def test_all_plans_can_be_enumerated(tiny: Instance) -> None:
    assert 1000 <= count_of_capacities(tiny) * count_of_mixes(tiny) <= MOST_PLANS


def test_it_has_two_of_everything(tiny: Instance) -> None:
    assert len(tiny.territories) == 2
    assert len(tiny.profiles) == 2
    assert len(tiny.pathways) == 2
    assert len(tiny.resources) == 2
    assert len(tiny.providers) == 2
    assert len(tiny.objectives) == 3


def test_people_are_few_and_time_is_in_days(tiny: Instance) -> None:
    assert tiny.settings.time_unit == "day"
    assert 200 <= sum(row.initial or 0 for row in tiny.needs) <= 600


def test_each_mix_of_today_sums_to_one(tiny: Instance) -> None:
    for profile in ("steady", "frail"):
        assert sum(row.current for row in tiny.offers if row.profile == profile) == pytest.approx(1.0)


def test_scenarios_change_what_they_say() -> None:
    assert load_instance("tiny", "no_effect").values["support_fall_ratio"] == 1.0
    arrivals = sum(row.arrivals for row in load_instance("tiny").needs)
    assert sum(row.arrivals for row in load_instance("tiny", "future").needs) == pytest.approx(1.4 * arrivals)
