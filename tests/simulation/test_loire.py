"""The Loire in the twin: one recognises the territory."""

from collections import Counter

import pytest

from instances.catalogue import load_instance, read_source
from simulation.indicators import Catalogue, Comparison, compare_observations
from simulation.knowledge import Knowledge
from simulation.ledgers.account import Account
from simulation.twin import Twin


@pytest.fixture(scope="module")
def twin() -> Twin:
    return Twin(load_instance("loire"), seed=1)


@pytest.fixture(scope="module")
def account(twin: Twin) -> Account:
    return twin.whole_account(twin.today, 0)


def out_of_range(compared: tuple[Comparison, ...], role: str) -> list[str]:
    return [
        f"{each.observation.observation}: {each.simulated.mean:.4g}"
        for each in compared
        if each.observation.role == role and not each.is_within
    ]


def test_the_census_at_time_0_equals_initial(twin: Twin) -> None:
    """Person for person, in every territory and profile."""
    instance = twin.instance
    counted: Counter[tuple[str, str]] = Counter()
    for number, component in enumerate(twin.components):
        state = twin.state_at_time_zero(number, 0)
        present = state.patients[state.patients["status"] != 0]  # 0: to come
        zones = [instance.territories[index].zone for index in component.territories]
        profiles = [row.profile for row in instance.profiles]
        pairs = zip(present["zone"].tolist(), present["profile"].tolist(), strict=True)
        counted.update((zones[zone], profiles[profile]) for zone, profile in pairs)
    assert counted == {(row.zone, row.profile): row.initial for row in instance.needs if row.initial}
    assert counted.total() == 90349


def test_observations_of_today_are_met(twin: Twin, account: Account) -> None:
    """All ten to fit, and of the six that only check all but two at most."""
    compared = compare_observations(twin.instance, [account])
    assert out_of_range(compared, "fit") == []
    assert len(out_of_range(compared, "check")) <= 2


@pytest.mark.parametrize(
    ("expression", "low", "high"),
    [
        ("mean_service_wait[resource=home_help]/7", 2.0, 8.0),  # Q22: 2 to 6 weeks to start
        ("100*unmet_need[resource=home_help]", 2.0, 15.0),  # N6: 10 to 15 % of the hours are not delivered
        ("100*queue[resource=ehpad_place]/residents[step=residence/living]", 2.0, 25.0),  # Q20: months, so some wait
        ("100*occupancy[resource=ehpad_place]", 93.0, 99.0),  # S15, with people waiting
    ],
)
def test_lines_are_as_long_as_people_say(
    expression: str, low: float, high: float, twin: Twin, account: Account
) -> None:
    assert low <= Catalogue.of(twin.instance).value(expression, account) <= high


@pytest.mark.slow
def test_observations_are_met_over_what_is_known_of_parameters() -> None:
    """The mean over ten draws of the uncertain parameters, as `simulate loire` shows it."""
    known = Knowledge.of(read_source("loire"))
    twin = Twin(known, seed=1)
    compared = compare_observations(
        known.central, [twin.whole_account(twin.today, replication) for replication in range(10)]
    )
    assert out_of_range(compared, "fit") == []
    assert len(out_of_range(compared, "check")) <= 2
