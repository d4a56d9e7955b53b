"""What a front says of its plans is so, on a problem whose answers are known."""

from dataclasses import replace

import numpy as np
import pytest

from benchmarks.honesty import aimed, records, reporting
from benchmarks.honesty.known_means import LAWS, study
from benchmarks.honesty.truth import Simulated
from instances.catalogue import read_source
from simulation.configuration import todays_configuration
from simulation.knowledge import Knowledge

REPETITIONS = 700
"""Standard error of a coverage of 95 %: at most 0.8 %."""


@pytest.mark.parametrize("law", LAWS)
def test_intervals_and_probabilities_of_thirty_replications_are_as_stated(law):
    found = study(law, replications=30, repetitions=REPETITIONS, seed=1)
    assert np.mean(found.covered) == pytest.approx(0.95, abs=0.02)
    assert np.mean(found.quantile_covered) == pytest.approx(0.95, abs=0.02)
    assert np.mean(found.hypervolume_covered) == pytest.approx(0.945, abs=0.025)  # 94 % for skewed values
    assert found.error < 0.02
    for stated, true, count in found.reliability():
        assert abs(stated - true) < 0.1 + 2.0 * np.sqrt(0.25 / count)


def test_probabilities_of_ten_replications_never_flatter():
    """A plan said to be non-dominated with some probability is so at least as often, within noise."""
    found = study("normal", replications=10, repetitions=300, seed=2)
    for stated, true, count in found.reliability():
        assert true > stated - 2.0 * np.sqrt(0.25 / count)


def test_rows_are_kept_once_a_run_and_read_back(tmp_path, monkeypatch):
    monkeypatch.setattr(records, "ROWS", tmp_path / "runs.csv")
    row = records.Row(
        1010.0, 712.5, 6.0, 0.65, 0.64, 0.015, 0.02, 0.04, "tiny", "ours", 1, 1500, 1, 1.0, 0.9, 400, 27.6, "abc"
    )
    records.keep(replace(row, reported=0.5))
    records.keep(row)
    assert records.rows() == [row]


def test_a_long_run_is_the_same_whenever_its_replications_are_asked_for():
    knowledge = Knowledge.of(read_source("tiny"))
    at_once, by_and_by = (
        Simulated.of(knowledge, [todays_configuration(knowledge.central)], 1, (0, 7), repeats=2) for _ in range(2)
    )
    at_once.prepare([0], range(at_once.count))
    late = {row: by_and_by.essences(0, [row])[0].values for row in (3, 0, 2, 1)}
    for row, essence in enumerate(at_once.todays(range(4))):
        np.testing.assert_array_equal(essence.values, late[row])
    assert not np.array_equal(late[0], late[2])  # the same draw by another chance


def test_differences_over_seeds_are_a_ratio_of_means():
    true, reported = np.array([0.6, 0.7, 0.01, 0.0]), np.array([0.63, 0.69, 0.03, 0.0])
    with np.errstate(invalid="ignore"):
        found, error = reporting.difference_of(reported / true - 1.0, true)
    assert found == pytest.approx(100.0 * (1.35 / 1.31 - 1.0))
    residuals = np.array([0.03, -0.01, 0.02]) - (0.04 / 1.31) * true[:3]
    assert error == pytest.approx(100.0 * residuals.std(ddof=1) / np.sqrt(3) / (1.31 / 3))
    assert np.isnan(reporting.difference_of(np.array([0.1]), np.array([0.5]))[1])
    assert np.isnan(reporting.difference_of(np.array([np.nan]), np.array([0.0]))[0])


def test_a_case_is_an_instance_with_a_target_and_with_its_own_scale_and_settings(tmp_path, monkeypatch):
    monkeypatch.setattr(aimed, "FOLDER", tmp_path)
    case = replace(aimed.CASES["tiny"], scale={"efficiency": (-7.0, 9.0)}, search={"final_replications": 12})
    found, origin = aimed.aimed(case, 1).instance, read_source("tiny").instance()
    assert found.settings.search == origin.settings.search.model_copy(update={"final_replications": 12})
    *others, target = found.objectives
    assert (target.expression, target.direction, target.target) == ("unmet_need", "at_most", case.limit)
    assert target.probability == aimed.ASKED
    widened = {row.objective: (row.low, row.high) for row in others}
    assert widened == {row.objective: (row.low, row.high) for row in origin.objectives} | {"efficiency": (-7.0, 9.0)}
