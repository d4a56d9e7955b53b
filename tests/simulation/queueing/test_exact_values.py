"""Every mechanism of the twin alone, against closed forms and solved Markov chains (see `data/README.md`)."""

from functools import cache
from pathlib import Path

import pytest

from tests.simulation.queueing.agreement import Comparison, compared, faults_alone, faults_together
from tests.simulation.queueing.exact import CASES

# At least one row of each mechanism in a few seconds; all others are slow.
FAST = (
    "mmc mmc01",
    "mmc mmc15",
    "mg1 mg1_17",
    "mgc mdc_0.8_1",
    "mmck mmck03",
    "mmck mmck15",
    "erlang_b eb01",
    "erlang_b eb03",
    "erlang_a ea03",
    "erlang_a ea13",
    "mmc_plus_D md01",
    "mg1_priority P5",
    "kaufman_roberts kr03",
    "overflow_two_wards ov02",
    "tandem_blocking_saturated bas01",
    "tandem_blocking_saturated bas07",
    "closed_networks closed03",
    "jackson J7_loop",
    "mginf mginf05",
    "mt_g_inf step24 deterministic 4",
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("queueing")


@cache
def comparisons(name: str, folder: Path) -> tuple[Comparison, ...]:
    return tuple(compared(CASES[name], folder / name.replace(" ", "_")))


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[] if name in FAST else [pytest.mark.slow]) for name in CASES]
)
def test_row_agrees_with_its_exact_values(name: str, folder: Path) -> None:
    assert not faults_alone(comparisons(name, folder))


def test_fast_rows_agree_together(folder: Path) -> None:
    found = [each for name in FAST for each in comparisons(name, folder)]
    assert len(found) > 90
    assert not faults_together(found)


@pytest.mark.slow
def test_all_rows_agree_together(folder: Path) -> None:
    found = [each for name in CASES for each in comparisons(name, folder)]
    assert len(found) > 700
    assert not faults_together(found)
