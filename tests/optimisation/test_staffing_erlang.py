"""The search on the twin where every plan's worth has a closed form: three wards, each an M/M/c queue."""

import csv
from itertools import islice, product
from pathlib import Path

import numpy as np
import pytest

from instances.catalogue import load_instance
from optimisation.confirmation import FRESH_REPLICATIONS
from optimisation.fronts import costs, hypervolume, nondominated
from optimisation.search import Generation, SearchSettings, search
from optimisation.twin_evaluation import twin_evaluator

CASE = Path(__file__).parent / "staffing_erlang"
LOADS = ((8.0, 1.0), (3.0, 0.5), (1.0, 0.1))
"""Arrivals a day and rate of service of each ward."""
SEEDS = range(1, 11)
PUBLISHED_VOLUME = 486.422768
REFERENCE = (61.0, 15.888086)


def mean_waiting(servers: int, arrivals: float, service: float) -> float:
    """Erlang C by the recursion of Erlang B: mean number waiting in an M/M/c queue."""
    load, blocked = arrivals / service, 1.0
    for number in range(1, servers + 1):
        blocked = load * blocked / (number + load * blocked)
    delayed = blocked / (1.0 - load / servers * (1.0 - blocked))
    return delayed * load / (servers - load)


def exact(capacities) -> list[float]:
    waiting = sum(mean_waiting(servers, *load) for servers, load in zip(capacities, LOADS, strict=True))
    return [float(sum(capacities)), waiting]


@pytest.fixture(scope="module")
def instance():
    return load_instance(CASE / "instance")


@pytest.fixture(scope="module")
def exact_front():
    with (CASE / "exact_front.csv").open(encoding="utf-8", newline="") as file:
        return np.array([[float(row["cost"]), float(row["total_mean_queue"])] for row in csv.DictReader(file)])


@pytest.fixture(scope="module")
def exact_volume(instance, exact_front):
    return hypervolume(costs(exact_front, instance.objectives))


def searched(instance, seed, generations) -> Generation:
    evaluator = twin_evaluator(instance, seed=seed, workers=1)
    settings = SearchSettings(population=24, replications=1, seed=seed)
    return list(islice(search(instance, evaluator, settings), generations))[-1]


def test_the_instance_has_the_published_front(instance, exact_front, exact_volume):
    ranges = [range(row.minimum, row.maximum + 1) for row in instance.capacities]
    every = np.array([exact(capacities) for capacities in product(*ranges)])
    assert len(every) == 1_680
    best = every[nondominated(costs(every, instance.objectives))]
    assert len(exact_front) == 34
    assert best[np.argsort(best[:, 0])] == pytest.approx(exact_front, abs=1e-9)
    assert exact_volume * 34.0 * REFERENCE[1] == pytest.approx(PUBLISHED_VOLUME, abs=1e-5)


@pytest.mark.slow
def test_designs_found_reach_the_exact_front(instance, exact_volume):
    """95 % of the exact hypervolume by the closed form, 9 seeds of 10, 168 of the 1,680 plans with one replication."""
    reached = []
    for seed in SEEDS:
        found = searched(instance, seed, generations=7)
        assert len(found.archive) <= 168
        designs = np.array([exact(member.plan.configuration.capacities) for member in found.front])
        reached.append(hypervolume(costs(designs, instance.objectives)) / exact_volume)
    assert max(reached) <= 1.0 + 1e-12  # nothing is better than exact
    assert sum(part >= 0.95 for part in reached) >= 9, reached


def test_fresh_replications_agree_with_the_closed_form(instance):
    """A plan of each third of the front, on 20 replications the search never saw: within 3 standard errors.

    The run starts from today's queues: where a queue takes hundreds of days to settle (the front's cheapest plans),
    5,000 days are too few, hence plans whose wards have at least two servers more than the fewest.
    """
    fewest = np.array([row.minimum for row in instance.capacities])
    front = [member.plan.configuration for member in searched(instance, 1, generations=3).front]
    settled = [one for one in front if (np.array(one.capacities) >= fewest + 2).all()]
    chosen = [settled[len(settled) * third // 3] for third in range(3)]
    evaluator = twin_evaluator(instance, seed=1, workers=1)
    for one in evaluator.evaluate(chosen, range(FRESH_REPLICATIONS, FRESH_REPLICATIONS + 20)):
        (servers, waiting), values = exact(one.configuration.capacities), one.judgement.values
        assert values[:, 0] == pytest.approx(np.full(20, servers))
        error = values[:, 1].std(ddof=1) / np.sqrt(20)
        assert values[:, 1].mean() == pytest.approx(waiting, abs=3.0 * error)
