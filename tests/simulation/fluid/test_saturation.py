"""Where pools saturate: what is served, what is not, and how far the fluid model is from the twin then."""

import numpy as np
import pytest

from instances.instance import Instance
from instances.settings import Horizon, Settings
from instances.tables import Capacity, Move, Need, Offer, Pathway, Profile, Resource, Service, Step, Zone
from simulation.configuration import Configuration, todays_configuration
from simulation.fluid import FluidModel, PoolGap, ServedFlows, fluid_gap, served_flows
from simulation.twin import Twin

YEAR = 365.25


def helped(*, helpers: tuple[int, int] = (60, 60), level: str = "basin", lead_time: float = 0.0) -> Instance:
    """Two territories of one basin, 40 well and 20 ill people in the first, 20 well in the second; nobody dies.

    Each well person asks for 1 helper and each ill one for 3: 40 + 60 + 20 = 120 units in all.
    """
    zones = (Zone(zone="B", level="basin"), Zone(zone="x", parent="B"), Zone(zone="y", parent="B"))
    return Instance(
        name="helped",
        settings=Settings(format_version=1, contract="", horizon=Horizon(run=YEAR)),
        zones=zones,
        resources=(Resource(resource="helper", level=level),),
        capacities=tuple(
            Capacity(zone=zone, resource="helper", current=units, maximum=200, lead_time=lead_time)
            for zone, units in zip(("x", "y"), helpers, strict=True)
        ),
        profiles=(Profile(profile="well"), Profile(profile="ill")),
        needs=(
            Need(zone="x", profile="well", initial=40),
            Need(zone="x", profile="ill", initial=20),
            Need(zone="y", profile="well", initial=20),
        ),
        pathways=(Pathway(pathway="usual", entry="home"),),
        offers=(
            Offer(profile="well", pathway="usual", current=1.0),
            Offer(profile="ill", pathway="usual", current=1.0),
        ),
        steps=(Step(pathway="usual", step="home", setting="home", anchor=True),),
        services=(
            Service(pathway="usual", step="home", resource="helper", amount=1),
            Service(pathway="usual", step="home", profile="ill", resource="helper", amount=3),
        ),
    )


def gap(instance: Instance, replications: int = 2) -> PoolGap:
    """Return the gap of the instance's only resource and basin."""
    today = todays_configuration(instance)
    accounts = [Twin(instance, seed=1).whole_account(today, number) for number in range(replications)]
    (found,) = fluid_gap(instance, accounts)
    return found


def served(instance: Instance, configuration: Configuration | None = None) -> ServedFlows:
    flows = FluidModel(instance, by_profile=True).flows_by_profile(configuration)
    return served_flows(instance, flows, configuration or todays_configuration(instance))


def test_all_is_served_where_there_is_room():
    found = served(helped())
    assert found.load[:, :, 0] == pytest.approx(np.array([[40.0, 60.0], [20.0, 0.0]]), rel=1e-9)
    assert found.unmet == pytest.approx(np.zeros((2, 2, 1)), abs=1e-6)


def test_a_pool_serves_what_it_can_and_the_rest_is_unmet():
    found = served(helped(helpers=(40, 20)))  # 60 units for a load of 120
    assert found.served[:, :, 0] == pytest.approx(np.array([[20.0, 30.0], [10.0, 0.0]]), rel=1e-9)
    assert found.unmet[:, :, 0] == pytest.approx(np.array([[20.0, 30.0], [10.0, 0.0]]), rel=1e-9)


def test_pools_of_territories_are_cut_each_for_itself():
    found = served(helped(helpers=(50, 60), level="territory"))  # 50 for 100, and 60 for 20
    assert found.served[:, :, 0] == pytest.approx(np.array([[20.0, 30.0], [20.0, 0.0]]), rel=1e-9)


def test_capacity_to_come_counts_from_its_lead_time():
    instance = helped(helpers=(40, 20), lead_time=0.25 * YEAR)
    today = todays_configuration(instance)
    found = served(instance, Configuration(today.shares, (60, 40), ""))  # 60 for a quarter, then 100
    assert found.served.sum() == pytest.approx(0.25 * 60.0 + 0.75 * 100.0, rel=1e-9)


def test_the_gap_is_nothing_where_nobody_waits():
    found = gap(helped())
    assert (found.resource, found.zone) == ("helper", "B")
    assert (found.load, found.waiting, found.capacity) == pytest.approx((120.0, 0.0, 120.0), rel=1e-6)
    assert found.served == pytest.approx(120.0, rel=1e-6)
    assert found.gap == pytest.approx(0.0, abs=1e-6)


def test_the_gap_of_a_saturated_pool_is_what_whole_persons_leave_idle():
    """The twin's last persons in line may need more units than are left: 3 at most stay idle of 59."""
    found = gap(helped(helpers=(40, 19)))
    assert found.load == pytest.approx(120.0, rel=1e-6)
    assert found.served == pytest.approx(59.0, rel=1e-6)
    assert 56.0 <= found.used <= 59.0
    assert found.gap == pytest.approx((59.0 - found.used) / found.used)


def test_who_awaits_a_place_is_helped_at_home_meanwhile():
    """100 people await one of 30 places for good, with 2 helpers each until then: 70 of them for ever."""
    base = helped(helpers=(300, 0))
    awaiting = Instance(
        name="awaiting",
        settings=base.settings,
        zones=base.zones,
        resources=(Resource(resource="helper", level="basin"), Resource(resource="place", level="basin")),
        capacities=(
            Capacity(zone="x", resource="helper", current=300),
            Capacity(zone="x", resource="place", current=30),
        ),
        profiles=(Profile(profile="well"),),
        needs=(Need(zone="x", profile="well", initial=100),),
        pathways=base.pathways,
        offers=(Offer(profile="well", pathway="usual", current=1.0),),
        steps=(
            *base.steps,
            Step(pathway="usual", step="residence", setting="institution", gate="place"),
            Step(pathway="usual", step="dead", setting="exit"),
        ),
        services=(
            Service(pathway="usual", step="home", resource="helper", amount=2),
            Service(pathway="usual", step="home", resource="place", leads_to="residence"),
        ),
        moves=(Move(pathway="usual", step="residence", hazard="death", to="dead", rate=0.0),),
    )
    twin = Twin(awaiting, seed=1).whole_account(todays_configuration(awaiting), 0)
    by_name = {each.resource: each for each in fluid_gap(awaiting, [twin])}
    assert by_name["place"].load == pytest.approx(100.0, rel=1e-6)
    assert by_name["place"].served == pytest.approx(30.0, rel=1e-6)
    assert by_name["helper"].load == pytest.approx(0.0, abs=1e-6)
    assert by_name["helper"].waiting == pytest.approx(140.0, rel=1e-6)
    assert by_name["helper"].used == pytest.approx(140.0, rel=1e-6)
    assert by_name["helper"].gap == pytest.approx(0.0, abs=1e-6)


def test_a_gap_needs_a_replication():
    with pytest.raises(ValueError, match="at least one replication"):
        fluid_gap(helped(), [])
