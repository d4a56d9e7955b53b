"""Sick-Sicker and the HIV model in the twin, against the exact continuous-time chain of the same rates.

Tolerance everywhere: three standard errors over replications, fixed seed.
"""

from functools import cache

import numpy as np
import numpy.typing as npt
import pytest

from instances.instance import Instance
from simulation.ledgers.replay import PERSON_TIME, QALY_DISCOUNTED
from simulation.records import Event
from simulation.twin import RunResult, Twin
from tests.simulation.published.health_models import (
    CARE,
    COMBINED_YEARS,
    HIV_PEOPLE,
    HIV_YEARS,
    LAMIVUDINE,
    SICK_SICKER_PEOPLE,
    STRATEGIES,
    YEAR,
    ZIDOVUDINE,
    Chain,
    alive_as_published,
    hiv,
    hiv_chain,
    sick_sicker,
    sick_sicker_as_published,
    sick_sicker_chain,
    yearly_hiv,
)

FloatArray = npt.NDArray[np.float64]
REPLICATIONS = 12
THERAPIES = ("monotherapy", "combination")
FIGURES = ("cost", "qaly", "life_years")


def per_person(instance: Instance, people: int) -> FloatArray:
    """Discounted cost, discounted QALYs and life-years per person, [replication, figure]."""
    twin = Twin(instance, seed=1)
    rows = []
    for replication in range(REPLICATIONS):
        account = twin.account(twin.today, 0, replication)
        time = account.persons.sum(axis=(0, 1, 2))
        rows.append((account.cost_discounted.sum(), time[QALY_DISCOUNTED] / twin_year(twin), time[PERSON_TIME] / YEAR))
    return np.array(rows) / people


def twin_year(twin: Twin) -> float:
    return twin.instance.settings.time_units_per_year


@cache
def sick_sicker_figures(strategy: str) -> FloatArray:
    return per_person(sick_sicker(strategy), SICK_SICKER_PEOPLE)


@cache
def hiv_figures(therapy: str) -> FloatArray:
    return per_person(hiv(therapy), HIV_PEOPLE)


def assert_agrees(values: FloatArray, expected: float) -> None:
    error = values.std(ddof=1) / np.sqrt(len(values))
    assert abs(values.mean() - expected) <= 3.0 * error, f"{values.mean()} ({error}) against {expected}"
    assert error < 0.01 * abs(expected), "the twin says too little to tell"


@pytest.mark.parametrize("figure", FIGURES)
@pytest.mark.parametrize("strategy", STRATEGIES)
def test_sick_sicker_agrees_with_its_chain(strategy: str, figure: str) -> None:
    values = sick_sicker_figures(strategy)[:, FIGURES.index(figure)]
    assert_agrees(values, sick_sicker_chain(strategy).expected[figure])


@pytest.mark.parametrize("strategy", STRATEGIES[1:])
def test_what_a_treatment_adds_agrees_on_the_same_people(strategy: str) -> None:
    """Paired differences: common random numbers make them far surer than two separate runs would."""
    ours, chain = sick_sicker_figures(strategy) - sick_sicker_figures("standard"), sick_sicker_chain(strategy)
    for index, figure in enumerate(FIGURES[:2]):
        added = chain.expected[figure] - sick_sicker_chain("standard").expected[figure]
        error = ours[:, index].std(ddof=1) / np.sqrt(REPLICATIONS)
        assert abs(ours[:, index].mean() - added) <= 3.0 * error, figure


def test_the_frontier_is_the_published_one() -> None:
    """Standard, B, AB, with A dominated.

    The ratios are those of continuous time, some 10 000 per QALY below the published ones for B: in yearly cycles
    nobody falls ill and recovers within the year.
    """
    mean = {strategy: sick_sicker_figures(strategy).mean(axis=0) for strategy in STRATEGIES}
    exact = {strategy: sick_sicker_chain(strategy).expected for strategy in STRATEGIES}
    assert mean["a"][0] > mean["b"][0]
    assert mean["a"][1] < mean["b"][1]
    for before, after in (("standard", "b"), ("b", "ab")):
        ratio = (mean[after][0] - mean[before][0]) / (mean[after][1] - mean[before][1])
        added = [exact[after][figure] - exact[before][figure] for figure in ("cost", "qaly")]
        assert ratio == pytest.approx(added[0] / added[1], rel=0.02)


@pytest.mark.parametrize(
    ("strategy", "cost", "qaly"),
    [("standard", 151_580, 20.711), ("a", 284_805, 21.499), ("b", 259_100, 22.184), ("ab", 378_875, 23.137)],
)
def test_the_inputs_of_sick_sicker_give_the_published_figures(strategy: str, cost: float, qaly: float) -> None:
    """The yearly model of these inputs, without the twin, to the printed digit: nothing was copied wrongly."""
    found = sick_sicker_as_published(strategy)
    assert (round(found[0]), round(found[1], 3)) == (cost, qaly)


@pytest.mark.parametrize("figure", ["cost", "life_years"])
@pytest.mark.parametrize("therapy", THERAPIES)
def test_the_hiv_model_agrees_with_its_chain(therapy: str, figure: str) -> None:
    assert_agrees(hiv_figures(therapy)[:, FIGURES.index(figure)], hiv_chain(therapy).expected[figure])


PUBLISHED = {"monotherapy": (44_663.45, 7.991207), "combination": (50_601.65, 8.937389)}


def counted_at_ends_of_years(therapy: str, alive: FloatArray) -> tuple[float, float]:
    """Cost discounted at 6 % and life-years as published: whoever is alive at the end of a year, [years, states]."""
    years = np.arange(1, int(HIV_YEARS) + 1)
    drugs = ZIDOVUDINE + LAMIVUDINE * ((years <= COMBINED_YEARS) & (therapy == "combination"))
    cost = (alive @ CARE + alive.sum(axis=1) * drugs) * 1.06**-years
    return float(cost.sum()), float(alive.sum())


@pytest.mark.parametrize("therapy", THERAPIES)
def test_the_inputs_of_the_hiv_model_give_the_published_figures(therapy: str) -> None:
    """The yearly model of these inputs, without the twin, to the printed digit: nothing was copied wrongly."""
    cost, life_years = counted_at_ends_of_years(therapy, alive_as_published(therapy))
    assert (round(cost, 2), round(life_years, 6)) == PUBLISHED[therapy]


@pytest.mark.parametrize("therapy", THERAPIES)
def test_the_twin_in_yearly_steps_gives_the_published_figures(therapy: str) -> None:
    twin = Twin(yearly_hiv(therapy), seed=1)
    found = np.array(
        [
            counted_at_ends_of_years(therapy, shares_alive(twin.run(twin.today, 0, replication)))
            for replication in range(REPLICATIONS)
        ]
    )
    for values, published in zip(found.T, PUBLISHED[therapy], strict=True):
        assert_agrees(values, published)


def shares_alive(result: RunResult) -> FloatArray:
    """The share of people alive in each state at the end of each year, from the event log, [years, states]."""
    events = result.events[result.events["patient"] >= 0]
    last, shares = np.zeros(HIV_PEOPLE, dtype=np.int64), []
    ends = np.searchsorted(events["time"], YEAR * np.arange(int(HIV_YEARS) + 1), side="right")
    for begin, end in zip([0, *ends[1:]], ends[1:], strict=False):
        last[events["patient"][begin:end]] = np.arange(begin, end)  # of several, the last one holds
        alive = events[last][events["kind"][last] != Event.EXIT]
        shares.append(np.bincount(alive["profile"], minlength=3) / HIV_PEOPLE)
    return np.array(shares)


def test_a_chain_of_one_state_is_a_closed_form() -> None:
    """Alone with death at rate m, money 1 a year: (1 - exp(-(m + log 1.03) T)) / (m + log 1.03)."""
    rates = np.array([[0.0, 0.1], [0.0, 0.0]])
    chain = Chain([(10.0, rates, np.ones(1), np.ones(1))], 0.03, 0.03)
    force = 0.1 + np.log(1.03)
    assert chain.expected["cost"] == pytest.approx((1.0 - np.exp(-10.0 * force)) / force, rel=1e-12)
