"""The search on the real twin: the same answers on one worker and on two."""

from dataclasses import replace
from itertools import islice

import numpy as np
import pytest

from instances.catalogue import load_instance, read_source
from optimisation.search import SearchSettings, search
from optimisation.twin_evaluation import EssenceTwin, twin_evaluator
from simulation.configuration import todays_configuration
from simulation.knowledge import Knowledge
from simulation.ledgers.breaks import BreakCounter
from simulation.objectives import Judge
from simulation.twin import Twin
from tests.mini_instance import write_mini_instance


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


@pytest.mark.parametrize(
    ("contract", "objective", "counted"), [("today", "", 0), ("today", "breaks", 1), ("bundle", "", 1)]
)
def test_breaks_are_counted_where_something_hangs_on_them(tmp_path, monkeypatch, contract, objective, counted):
    """An objective about them, or a price for their absence; an essence is the same whether they are or not."""
    folder = write_mini_instance(tmp_path)
    if objective:
        table = folder / "objectives.csv"
        table.write_text(table.read_text() + f"{objective},pathway_breaks,minimise,0,100,1\n")
    instance = Knowledge.of(read_source(folder)).central
    twin, judge = Twin(instance, seed=3), Judge.of(instance)
    configuration = replace(twin.today, contract=contract)
    whole = judge.essence(twin.own_account(configuration, 0, 0), twin.components[0].territories)
    calls, count = [], BreakCounter.count
    monkeypatch.setattr(BreakCounter, "count", lambda *given: calls.append(given) or count(*given))
    found = EssenceTwin(twin, judge).account(configuration, 0, 0)
    assert len(calls) == counted
    assert np.array_equal(found.values, whole.values)
    assert np.array_equal(found.lines, whole.lines)


@pytest.mark.parametrize(("below", "are_alike"), [(13, True), (10, False)])
def test_the_search_knows_one_solvency_of_today_however_often_it_is_replicated(below, are_alike):
    """Else plans of more replications, which meet other draws, would stand on another level than those of few."""
    knowledge = Knowledge.of(read_source("tiny"))
    evaluator = twin_evaluator(knowledge, seed=1, workers=1, informing=range(30), steadied_below=below)
    today = todays_configuration(knowledge.central)
    place = [row.objective for row in knowledge.central.optimised].index("solvency")
    found = [evaluator.evaluate([today], range(count))[0].judgement for count in (1, 8, 12)]
    evaluator.close()
    levels = [judgement.point[place] + judgement.tie for judgement in found]
    assert levels[:2] == pytest.approx([levels[0]] * 2, abs=1e-9)
    assert (levels[2] == pytest.approx(levels[0], abs=1e-9)) == are_alike
