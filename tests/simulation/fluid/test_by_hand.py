"""Fluid flows against chains worked out by hand: to 1e-9, unless a test says why not."""

from dataclasses import replace

import numpy as np
import pytest

from instances.instance import Instance
from instances.settings import Horizon, Settings
from instances.tables import (
    Capacity,
    Contract,
    Cost,
    Move,
    Need,
    Offer,
    Pathway,
    Payer,
    Price,
    Profile,
    Provider,
    Resource,
    Service,
    Step,
    Zone,
)
from simulation.configuration import Configuration
from simulation.fluid import FluidModel, fluid_flows, remaining_value
from simulation.fluid.inversion import contour

YEAR = 365.25
RUN = 2.0 * YEAR


def one_zone(**tables: object) -> Instance:
    """One territory, people at home who die at rate 0.5 a year and are looked after by a helper."""
    settings = Settings(format_version=1, contract="", horizon=Horizon(run=RUN))
    plain = {
        "zones": (Zone(zone="z"),),
        "resources": (Resource(resource="helper"), Resource(resource="bed", turnover=2.0)),
        "capacities": (Capacity(zone="z", resource="helper", current=5), Capacity(zone="z", resource="bed", current=5)),
        "profiles": (Profile(profile="well"), Profile(profile="ill")),
        "needs": (Need(zone="z", profile="well", initial=100),),
        "pathways": (Pathway(pathway="usual", entry="home"), Pathway(pathway="other", base="usual")),
        "offers": (
            Offer(profile="well", pathway="usual", current=1.0),
            Offer(profile="ill", pathway="usual", current=0.75),
            Offer(profile="ill", pathway="other", current=0.25),
        ),
        "steps": (
            Step(pathway="usual", step="home", setting="home", anchor=True),
            Step(pathway="usual", step="dead", setting="exit"),
            Step(pathway="usual", step="ward", setting="ward", distribution="fixed", mean=10.0, gate="bed", amount=2),
        ),
        "services": (Service(pathway="usual", step="home", resource="helper", amount=3),),
        "moves": (Move(pathway="usual", step="home", hazard="death", to="dead", rate=0.5),),
    }
    return Instance(name="one", **{"settings": settings, **plain, **tables})


def with_ward(**law: object) -> tuple[Step, ...]:
    """Home, death, and a ward of two beds each whose stay has a law."""
    return (
        Step(pathway="usual", step="home", setting="home", anchor=True),
        Step(pathway="usual", step="dead", setting="exit"),
        Step.model_validate({"pathway": "usual", "step": "ward", "setting": "ward", "gate": "bed", "amount": 2, **law}),
    )


def lived(rate: float, years: float = 2.0) -> float:
    """Years lived in `years` at a constant death rate."""
    return (1.0 - np.exp(-rate * years)) / rate


def test_people_at_home_until_they_die():
    flows = fluid_flows(one_zone())
    assert flows.person_time[0] == pytest.approx(100 * lived(0.5) * YEAR, rel=1e-9)
    assert flows.use[0, 0] == pytest.approx(3 * 100 * lived(0.5) * YEAR, rel=1e-9)
    assert flows.starts[0].tolist() == pytest.approx([100.0, 0.0])


def test_arrivals_spread_over_the_run_with_growth():
    flows = fluid_flows(one_zone(needs=(Need(zone="z", profile="well", arrivals=10.0),)))
    expected = 10.0 * (2.0 - lived(0.5)) / 0.5 * YEAR
    assert flows.person_time[0] == pytest.approx(expected, rel=1e-9)
    growing = fluid_flows(one_zone(needs=(Need(zone="z", profile="well", arrivals=10.0, growth=0.1),)))
    # Growth takes effect at each year's end: a kink in time, which costs the inversion digits.
    assert growing.starts[0, 0] == pytest.approx(10.0 + 11.0, rel=1e-4)


def test_a_profile_change_at_an_anchor_starts_a_segment_of_the_new_profile():
    worsening = Move(pathway="usual", step="home", profile="well", hazard="worse", rate=0.3, new_profile="ill")
    death = Move(pathway="usual", step="home", hazard="death", to="dead", rate=0.5)
    flows = fluid_flows(one_zone(moves=(death, worsening)))
    well = 100 * lived(0.8)
    ill = 100 * lived(0.5) - well
    assert flows.person_time[0] == pytest.approx(well * YEAR, rel=1e-9)
    assert flows.starts[0, 1] == pytest.approx(0.3 * well, rel=1e-9)
    assert flows.person_time[1:].tolist() == pytest.approx([ill * YEAR] * 2, rel=1e-9)


def test_flows_after_a_change_follow_the_reference_shares():
    worsening = Move(pathway="usual", step="home", profile="well", hazard="worse", rate=0.3, new_profile="ill")
    death = Move(pathway="usual", step="home", hazard="death", to="dead", rate=0.5)
    relapse = Move(pathway="other", step="home", profile="ill", hazard="better", rate=1.0, new_profile="well")
    instance = one_zone(moves=(death, worsening, relapse))
    today = fluid_flows(instance)
    nobody = fluid_flows(instance, Configuration((1.0, 1.0, 0.0), (5, 5), ""))
    assert nobody.starts[0, 0] == pytest.approx(100.0, rel=1e-9)
    assert today.starts[0, 0] > 100.0


def test_a_ward_stay_uses_its_gate_and_its_turnover():
    fall = Move(pathway="usual", step="home", hazard="fall", to="ward", rate=1.0)
    back = Move(pathway="usual", step="ward", to="home", probability=1.0)
    flows = fluid_flows(one_zone(steps=with_ward(distribution="exponential", mean=10.0), moves=(fall, back)))
    # Two states, no deaths: from home, the time at home is (b + a (1 - exp(-(a + b) t)) / (a + b) / t) t / (a + b).
    a, b, t = 1.0, YEAR / 10.0, 2.0
    home = 100 * (b * t / (a + b) + a * (1.0 - np.exp(-(a + b) * t)) / (a + b) ** 2)
    ward = 100 * t - home
    assert flows.person_time[0] == pytest.approx(100 * t * YEAR, rel=1e-9)
    assert flows.entries[0].tolist()[:3] == pytest.approx([100 + b * ward, 0.0, a * home], rel=1e-8)
    assert flows.use[0, 1] == pytest.approx(2 * (ward * YEAR + 2.0 * b * ward), rel=1e-8)
    assert flows.turnover[0, 1] == pytest.approx(2 * 2.0 * b * ward, rel=1e-8)


def test_a_stay_of_fixed_length_lasts_just_that():
    fall = Move(pathway="usual", step="home", hazard="fall", to="ward", rate=1.0)
    end = Move(pathway="usual", step="ward", to="dead", probability=1.0)
    flows = fluid_flows(one_zone(moves=(fall, end)))
    years = 10.0 / YEAR  # everybody's stay is cut by the end of the run if it began in the last ten days
    ward = 100 * (years - lived(1.0) + lived(1.0, 2.0 - years))
    assert flows.person_time[0] == pytest.approx((100 * lived(1.0) + ward) * YEAR, rel=1e-9)
    assert flows.entries[0, 1] == pytest.approx(100 * (1.0 - np.exp(-(2.0 - years))), rel=1e-9)


def test_hazards_compete_with_the_true_law_of_a_stay():
    fall = Move(pathway="usual", step="home", hazard="fall", to="ward", rate=40.0)
    end = Move(pathway="usual", step="ward", to="out", probability=1.0)
    death = Move(pathway="usual", step="ward", hazard="death", to="dead", rate=20.0)
    steps = (*with_ward(distribution="uniform", low=5.0, high=15.0), Step(pathway="usual", step="out", setting="exit"))
    flows = fluid_flows(one_zone(steps=steps, moves=(fall, end, death)))
    rate = 20.0 / YEAR
    survivors = (np.exp(-5.0 * rate) - np.exp(-15.0 * rate)) / (10.0 * rate)
    assert flows.entries[0, [1, 3]].tolist() == pytest.approx([100 * (1.0 - survivors), 100 * survivors], rel=1e-9)


def test_where_a_stay_leads_may_decide_how_long_it_lasts():
    moves = (
        Move(pathway="usual", step="home", hazard="fall", to="ward", rate=40.0),
        Move(pathway="usual", step="ward", to="out", probability=0.7, distribution="fixed", mean=3.0),
        Move(pathway="usual", step="ward", to="dead", probability=0.3, distribution="exponential", mean=20.0),
    )
    steps = (*with_ward(), Step(pathway="usual", step="out", setting="exit"))
    flows = fluid_flows(one_zone(steps=steps, moves=moves))
    assert flows.entries[0, [1, 3]].tolist() == pytest.approx([30.0, 70.0], rel=1e-9)
    assert flows.use[0, 1] - flows.turnover[0, 1] == pytest.approx(2 * 100 * (0.7 * 3.0 + 0.3 * 20.0), rel=1e-9)


def test_a_factor_acts_while_its_service_is_there():
    death = Move(pathway="usual", step="home", hazard="death", to="dead", rate=0.5)
    helped = Move.model_validate(
        {"pathway": "usual", "step": "home", "hazard": "death", "while": "helper", "factor": 0.5}
    )
    flows = fluid_flows(one_zone(moves=(death, helped)))
    assert flows.person_time[0] == pytest.approx(100 * lived(0.25) * YEAR, rel=1e-9)


def test_a_mark_is_carried_and_acts():
    death = Move(pathway="usual", step="home", hazard="death", to="dead", rate=0.5)
    fall = Move(pathway="usual", step="home", hazard="fall", rate=0.3, mark="fallen")
    marked = Move.model_validate(
        {"pathway": "usual", "step": "home", "hazard": "death", "while": "fallen", "factor": 2.0}
    )
    flows = fluid_flows(one_zone(moves=(death, fall, marked)))
    unmarked = lived(0.8)
    carried = 0.3 * (lived(0.8) - lived(1.0)) / (1.0 - 0.8)
    assert flows.person_time[0] == pytest.approx(100 * (unmarked + carried) * YEAR, rel=1e-9)


def test_one_person_chooses_alike_for_every_profile():
    """Four in ten choose the other pathway when well, seven in ten when ill: the same four, and three more."""
    worsening = Move(pathway="usual", step="home", profile="well", hazard="worse", rate=0.3, new_profile="ill")
    death = Move(pathway="usual", step="home", hazard="death", to="dead", rate=0.5)
    spared = Move(pathway="other", step="home", hazard="death", to="dead", rate=0.0)
    offers = tuple(
        Offer(profile=profile, pathway=pathway, current=share)
        for profile, pathway, share in (
            ("well", "usual", 0.6),
            ("well", "other", 0.4),
            ("ill", "usual", 0.3),
            ("ill", "other", 0.7),
        )
    )
    flows = fluid_flows(one_zone(offers=offers, moves=(death, worsening, spared)))
    times = dict(zip(flows.cells, flows.person_time * flows.reference, strict=True))
    stayed = 100 * 0.3 * (lived(0.5) - lived(0.8))  # usual throughout
    changed = 100 * 0.3 * 0.3 * (2.0 - lived(0.8)) / 0.8  # usual, then the other pathway, where nobody dies
    other = 100 * 0.4 * (2.0 - lived(0.3))
    assert times[0, 1, 0] == pytest.approx(stayed * YEAR, rel=1e-9)
    assert times[0, 1, 1] == pytest.approx((changed + other) * YEAR, rel=1e-9)


def test_people_of_the_warm_up_go_on_where_they_stand():
    settings = Settings(format_version=1, contract="", horizon=Horizon(run=RUN, warm_up=YEAR))
    flows = fluid_flows(one_zone(settings=settings, needs=(Need(zone="z", profile="well", arrivals=10.0),)))
    expected = 10.0 * ((3.0 - lived(0.5, 3.0)) - (1.0 - lived(0.5, 1.0))) / 0.5 * YEAR
    assert flows.person_time[0] == pytest.approx(expected, rel=1e-9)


def test_discounted_flows_count_less_the_later_they_are():
    force = np.log(1.0 + one_zone().settings.economics.discount_rate)
    flows = FluidModel(one_zone(), discounted=True).flows()
    assert flows.person_time[0] == pytest.approx(100 * lived(0.5 + force) * YEAR, rel=1e-9)


def test_flows_after_a_warm_up_are_discounted_to_time_0():
    settings = Settings(format_version=1, contract="", horizon=Horizon(run=RUN, warm_up=YEAR))
    instance = one_zone(settings=settings, needs=(Need(zone="z", profile="well", arrivals=10.0),))
    force = np.log(1.0 + settings.economics.discount_rate)
    present = 10.0 * lived(0.5, 1.0)  # at time 0, after a year of arrivals
    later = 10.0 / 0.5 * (lived(force) - lived(0.5 + force))  # of those who come in the run
    flows = FluidModel(instance, discounted=True).flows()
    assert flows.person_time[0] == pytest.approx((present * lived(0.5 + force) + later) * YEAR, rel=1e-9)


def test_flows_by_profile_need_a_model_that_tells_profiles_apart():
    with pytest.raises(ValueError, match="by_profile=True"):
        FluidModel(one_zone()).flows_by_profile()


def test_the_profile_people_have_is_told_apart_outside_anchor_steps_too():
    worsening = Move(pathway="usual", step="ward", profile="well", hazard="worse", rate=0.3, new_profile="ill")
    fall = Move(pathway="usual", step="home", hazard="fall", to="ward", rate=40.0)
    flows = FluidModel(one_zone(moves=(fall, worsening), steps=with_ward()), by_profile=True).flows_by_profile()
    home = 100 * lived(40.0)
    well = 40.0 * 100 * (lived(0.3) - lived(40.0)) / (40.0 - 0.3)
    ill = 100 * 2.0 - home - well
    assert flows.person_time[0].tolist() == pytest.approx([(home + well) * YEAR, ill * YEAR], rel=1e-9)
    assert flows.use[0, :, 1].tolist() == pytest.approx([2.0 * well * YEAR, 2.0 * ill * YEAR], rel=1e-9)


def test_the_census_of_time_0_steers_who_is_there():
    # Steered flows are approximate anyway and inverted on fewer points: 1e-6.
    settings = Settings(format_version=1, contract="", horizon=Horizon(run=RUN, warm_up=YEAR))
    need = Need(zone="z", profile="well", initial=100)
    flows = fluid_flows(one_zone(settings=settings, needs=(need,)))
    assert flows.person_time[0] == pytest.approx(100 * lived(0.5) * YEAR, rel=1e-6)
    assert flows.starts[0, 0] == pytest.approx(100.0, rel=1e-6)
    assert flows.entries[0, 0] == pytest.approx(0.0, abs=1e-6)


def test_what_is_left_of_life_is_discounted_to_the_horizon():
    death = Move(pathway="usual", step="home", hazard="death", to="dead", rate=0.5)
    worsening = Move(pathway="usual", step="home", profile="well", hazard="worse", rate=0.3, new_profile="ill")
    cost = Cost(provider="firm", subject="step:home", basis="day", amount=2.0)
    instance = one_zone(
        moves=(death, worsening),
        profiles=(Profile(profile="well"), Profile(profile="ill", utility=0.5)),
        providers=(Provider(id="firm"),),
        costs=(cost,),
    )
    value = remaining_value(instance)
    force = np.log(1.0 + instance.settings.economics.discount_rate)
    ill = 0.5 / (0.5 + force)
    assert value.qaly[0, 1, 0] == pytest.approx(ill, rel=1e-9)
    assert value.qaly[0, 0, 0] == pytest.approx((1.0 + 0.3 * ill) / (0.8 + force), rel=1e-9)
    assert value.cost[0, :, 0].tolist() == pytest.approx([2.0 * YEAR / (0.5 + force)] * 2, rel=1e-9)
    assert value.qaly[0, :, 1].tolist() == [0.0, 0.0]


def test_units_in_use_cost_their_share_of_what_capacity_costs():
    costs = (Cost(provider="", subject="resource:helper", basis="capacity-year", amount=1000.0),)
    capacities = (Capacity(zone="z", resource="helper", provider="firm", current=5),)
    value = remaining_value(one_zone(costs=costs, capacities=capacities, providers=(Provider(id="firm"),)))
    assert value.cost[0, 0, 0] == pytest.approx(3 * 1000.0 / (0.5 + np.log(1.025)), rel=1e-9)


def test_nobody_is_credited_with_more_than_forty_discounted_years():
    value = remaining_value(one_zone(moves=()))
    assert value.qaly[0, 0, 0] == pytest.approx(40.0)


def test_refusers_follow_the_fallback():
    offers = (
        Offer(profile="well", pathway="other", current=1.0, acceptance=0.8, fallback="usual"),
        Offer(profile="ill", pathway="usual", current=1.0),
    )
    flows = fluid_flows(one_zone(offers=offers))
    assert flows.cells == ((0, 0, 1), (0, 1, 0), (0, 0, 0))
    assert flows.acceptance.toarray().tolist() == [pytest.approx([0.8, 0.0]), [0.0, 1.0], pytest.approx([0.2, 0.0])]


def test_money_hangs_on_the_resource_it_is_paid_for():
    tables = {
        "payers": (Payer(id="state"),),
        "providers": (Provider(id="firm"),),
        "contracts": (Contract(contract="a"), Contract(contract="b")),
        "prices": (
            Price(contract="a", subject="service:helper", basis="day", payer="state", amount=2.0),
            Price(contract="b", subject="pathway:usual", basis="patient", payer="state", amount=500.0),
            Price(contract="", subject="step:home", basis="day", payer="state", amount=1.0),
        ),
        "costs": (Cost(provider="firm", subject="step:home", basis="hour", amount=0.1),),
    }
    instance = one_zone(**tables)
    days = 100 * lived(0.5) * YEAR
    settings = instance.settings.model_copy(update={"contract": "a"})
    flows = fluid_flows(replace(instance, settings=settings))
    assert flows.revenue_tied[0, 0, 0].tolist() == pytest.approx([6.0 * days, 0.0])
    assert flows.revenue_free[0, 0, 0] == pytest.approx(days)
    assert flows.revenue_free[1, 0, 0] == pytest.approx(days + 500.0 * 100)
    assert flows.cost_free[0].tolist() == pytest.approx([2.4 * days, 0.0])


def test_awaiting_a_place_at_home_counts_as_having_it():
    awaited = Service(pathway="usual", step="home", resource="bed", leads_to="ward")
    steps = (
        Step(pathway="usual", step="home", setting="home", anchor=True),
        Step(pathway="usual", step="dead", setting="exit"),
        Step(pathway="usual", step="ward", setting="institution", gate="bed"),
    )
    death = Move(pathway="usual", step="ward", hazard="death", to="dead", rate=0.5)
    flows = fluid_flows(one_zone(services=(awaited,), steps=steps, moves=(death,)))
    given_back = 100 * 0.5 * lived(0.5)
    assert flows.use[0, 1] == pytest.approx(100 * lived(0.5) * YEAR + 2.0 * given_back, rel=1e-9)


def test_stiff_chains_are_inverted_to_nine_digits():
    grid = contour(1000.0)
    for rate in (0.0, 1e-6, 1e-3, 1.0, 50.0):
        value = float(grid.invert(1.0 / (grid.points * (grid.points + rate))))
        assert value == pytest.approx(1000.0 if rate == 0.0 else -np.expm1(-1000.0 * rate) / rate, rel=1e-9)
