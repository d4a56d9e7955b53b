"""The search on the real twin: the same answers on one worker and on two."""

from itertools import islice

import pytest

from instances.catalogue import load_instance
from optimisation.search import SearchSettings, search
from optimisation.twin_evaluation import twin_evaluator


def searched(instance, workers, engine="compiled"):
    evaluator = twin_evaluator(instance, seed=3, workers=workers, engine=engine, informing=range(2))
    last = list(islice(search(instance, evaluator, SearchSettings(population=6, replications=1, seed=3)), 2))[-1]
    evaluator.close()
    return [(member.key, member.evaluation.judgement.values.tolist()) for member in last.archive]


@pytest.fixture(scope="module")
def one_worker():
    return searched(load_instance("tiny"), 1)


def test_two_workers_find_what_one_finds(one_worker):
    assert len(one_worker) >= 10
    assert searched(load_instance("tiny"), 2) == one_worker


@pytest.mark.slow
def test_processes_of_the_readable_engine_find_the_same(one_worker):
    assert searched(load_instance("tiny"), 2, engine="simpy") == one_worker
