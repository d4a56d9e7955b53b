from dataclasses import replace

from configurator.changes import NOTHING, describe_changes, list_changes
from simulation.configuration import Configuration, offer_cells, todays_configuration
from tests.configurator.fakes import with_capacity


def with_share(instance, configuration, zone, profile, pathway, share):
    """Move the profile's mix so that `pathway` has this share and the first other pathway gives or takes."""
    shares = list(configuration.shares)
    cells = offer_cells(instance)
    moved = [i for i, cell in enumerate(cells) if (cell.zone, cell.profile) == (zone, profile)]
    target = next(i for i in moved if cells[i].pathway == pathway)
    other = next(i for i in moved if i != target)
    shares[other] -= share - shares[target]
    shares[target] = share
    return replace(configuration, shares=tuple(shares))


def test_today_changes_nothing(tiny):
    today = todays_configuration(tiny)
    assert describe_changes(tiny, today, today) == NOTHING


def test_one_capacity_is_told_with_its_place(tiny):
    plan = with_capacity(tiny, 1, 30)
    assert describe_changes(tiny, todays_configuration(tiny), plan) == "Support at home +10 in The town"


def test_a_resource_that_changes_in_several_places_is_told_once(tiny):
    today = todays_configuration(tiny)
    plan = replace(today, capacities=(8, 30, 6))
    assert describe_changes(tiny, today, plan) == "Support at home +4 (The town +10, The hills -6)"


def test_of_a_mix_only_the_pathway_that_gains_is_told(tiny):
    today = todays_configuration(tiny)
    cell = next(c for c in offer_cells(tiny) if (c.zone, c.profile, c.pathway) == ("town", "frail", "supported"))
    plan = with_share(tiny, today, "town", "frail", "supported", cell.current + 0.25)
    before, after = f"{100 * cell.current:.3g} %", f"{100 * cell.current + 25:.3g} %"
    assert describe_changes(tiny, today, plan) == f"Frail: Supported at home {before} -> {after} in The town"


def test_equal_changes_in_all_territories_are_told_as_everywhere(tiny):
    today = todays_configuration(tiny)
    plan = with_share(tiny, today, "town", "frail", "supported", 0.75)
    plan = with_share(tiny, plan, "hills", "frail", "supported", 0.75)
    starts = {c.current for c in offer_cells(tiny) if (c.profile, c.pathway) == ("frail", "supported")}
    words = describe_changes(tiny, today, plan)
    assert ("everywhere" in words) == (len(starts) == 1)


def test_the_largest_change_comes_first_and_small_ones_are_counted(tiny):
    today = todays_configuration(tiny)
    plan = replace(with_share(tiny, today, "town", "frail", "supported", 1.0), capacities=(10, 30, 12))
    words = describe_changes(tiny, today, plan, most_subjects=1)
    assert words.startswith("Frail: Supported at home")
    assert words.endswith("and 2 smaller changes")


def test_a_contract_comes_before_everything(tiny):
    today = todays_configuration(tiny)
    plan = Configuration(today.shares, (8, 30, 12), "bundle")
    assert describe_changes(tiny, today, plan).startswith("contract: bundle; Support at home +10")


def test_providers_of_one_resource_in_one_zone_are_added_up(tiny):
    second = tiny.capacities[1].model_copy(update={"provider": "other"})
    instance = replace(tiny, capacities=(*tiny.capacities, second))
    today = todays_configuration(instance)
    plan = replace(today, capacities=(8, 30, 12, 10))
    assert list_changes(instance, today, plan) == ()
