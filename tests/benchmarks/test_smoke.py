"""Every benchmark case builds and does its work at a tiny size; times are never asserted."""

import warnings

import pytest

from benchmarks.twin.cases import CASES, COMPILED, OUR_SIMPY
from benchmarks.twin.loire import LoireRun
from benchmarks.twin.network import SIX_POOLS
from instances.catalogue import load_instance
from simulation.twin import Twin

TINY = SIX_POOLS.longer(0.02)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_case_does_its_work(case):
    if not case.is_available:
        pytest.skip(f"needs {case.package}")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # other packages' own
        figures = case.read(case.build(TINY)(1)())
    assert figures.arrivals > 100
    assert figures.starts == figures.completions
    assert figures.arrivals < figures.starts < 6 * figures.arrivals
    assert figures.events == figures.arrivals + 2 * figures.starts + figures.reneges


def test_our_engines_write_the_same_log():
    logs = [case.build(TINY)(3)() for case in (COMPILED, OUR_SIMPY)]
    assert (logs[0] == logs[1]).all()


def test_smallest_component_runs_in_both_engines():
    run = LoireRun.of(Twin(load_instance("tiny"), seed=1))
    logs = [run.run(name, run.start(0), 0) for name in ("compiled", "simpy")]
    assert len(logs[0]) > 100
    assert (logs[0] == logs[1]).all()
