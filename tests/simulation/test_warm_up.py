"""Welch's moving average and MSER-5 on series whose answer is known; series against the accounts of the same run."""

from dataclasses import replace

import numpy as np
import pytest

from instances.catalogue import load_instance
from simulation.records import EVENT, Event
from simulation.warm_up import (
    _gates_awaited,
    _services_awaited,
    _services_held,
    bucket_means,
    moves_on,
    moving_average,
    mser,
    study_warm_up,
)
from tests.mini_instance import write_mini_instance


def test_moving_average_shrinks_its_window_at_the_ends():
    series = np.array([1.0, 2.0, 6.0, 3.0, 8.0, 10.0])
    expected = [1.0, 3.0, 4.0, 5.8, 7.0, 10.0]
    assert moving_average(series, 2) == pytest.approx(expected)
    assert moving_average(np.full(20, 3.0), 4) == pytest.approx(np.full(20, 3.0))


def plain_mser(series, batch=5):
    """The definition, term by term."""
    means = [series[k : k + batch].mean() for k in range(0, len(series) // batch * batch, batch)]
    errors = [
        np.sum((np.array(means[d:]) - np.mean(means[d:])) ** 2) / (len(means) - d) ** 2 for d in range(len(means) - 1)
    ]
    best = int(np.argmin(errors[: len(means) // 2 + 1]))
    return best * batch if best < len(means) // 2 else None


@pytest.mark.parametrize("seed", range(6))
def test_mser_is_its_definition(seed):
    noise = np.random.default_rng(seed).normal(size=300)
    series = 10.0 - 8.0 * np.exp(-np.arange(300) / 20.0) + noise
    assert mser(series) == plain_mser(series)


def test_mser_leaves_out_a_transient():
    series = np.concatenate([np.linspace(0.0, 50.0, 60), np.full(240, 50.0)])
    assert mser(series + np.random.default_rng(1).normal(size=300)) in range(45, 71)
    assert mser(series) == 60


def test_what_settles_at_once_or_never():
    assert mser(np.full(100, 7.0)) == 0
    assert mser(np.linspace(0.0, 100.0, 200)) is None
    assert mser(np.array([1.0, 2.0])) is None


def test_what_moves_on_is_no_noise():
    noise = np.random.default_rng(1).normal(size=200)
    assert not moves_on(5.0 + noise)
    assert moves_on(5.0 + noise + np.linspace(0.0, 10.0, 200))
    assert moves_on(np.concatenate([np.zeros(120), np.linspace(0.0, 50.0, 80)]))
    assert not moves_on(np.zeros(3))


def test_bucket_means_integrate_steps():
    when, which, change = np.array([0.5, 1.25, 1.25]), np.array([0, 0, 1]), np.array([2.0, -1.0, 4.0])
    means = bucket_means(when, which, change, np.array([0.0, 1.0, 2.0]), 2)
    assert means.tolist() == [[1.0, 1.25], [0.0, 3.0]]


def log(*records):
    events = np.zeros(len(records), dtype=EVENT)
    for row, (time, kind, resource, units) in zip(events, records, strict=True):
        row["time"], row["kind"], row["resource"], row["units"] = time, kind, resource, units
    return events


def test_waits_and_services_are_read_from_the_log():
    story = log(
        (1.0, Event.WAIT, 0, 1),
        (2.0, Event.ENTER, 0, 1),
        (2.0, Event.SERVICE_ASK, 1, 2),
        (4.0, Event.SERVICE_GRANT, 1, 2),
        (5.0, Event.SERVICE_END, 1, 0),
        (6.0, Event.WAIT, 0, 1),
        (7.0, Event.EXIT, -1, 0),
    )
    edges = np.array([0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0])
    assert bucket_means(*_gates_awaited(story), edges, 1)[0].tolist() == [0, 1, 0, 0, 0, 0, 1, 0]
    assert bucket_means(*_services_awaited(story), edges, 2)[1].tolist() == [0, 0, 1, 1, 0, 0, 0, 0]
    assert bucket_means(*_services_held(story), edges, 2)[1].tolist() == [0, 0, 0, 0, 2, 0, 0, 0]


@pytest.fixture(scope="module")
def mini(tmp_path_factory):
    return load_instance(write_mini_instance(tmp_path_factory.mktemp("mini") / "mini"))


def test_a_study_follows_every_setting_and_resource(mini):
    study = study_warm_up(mini, seed=3, replications=2)
    names = [verdict.series.name for verdict in study.verdicts]
    assert {"census home", "census ward", "occupancy bed", "occupancy helper"} <= set(names)
    series = {verdict.series.name: verdict.series.values for verdict in study.verdicts}
    assert all((values >= 0.0).all() for values in series.values())
    assert series["census home"][:5].max() < series["census home"][100:].min()  # starts with nobody
    assert (series["occupancy bed"] <= 1.0 + 1e-9).all()
    assert study.times[0] > -100.0
    assert len(study.times) == len(series["census home"])


def test_a_series_that_settles_in_the_warm_up_says_it_is_enough():
    tiny = load_instance("tiny")
    study = study_warm_up(tiny, seed=3, replications=2)
    verdicts = {verdict.series.name: verdict for verdict in study.verdicts}
    assert verdicts["census ward"].settles is not None
    assert verdicts["census ward"].is_enough
    assert abs(verdicts["census home"].at_end / verdicts["census home"].later - 1.0) < 0.05
    assert study.is_enough == all(verdict.is_enough for verdict in study.verdicts)
    hurried = tiny.settings.horizon.model_copy(update={"warm_up": 5.0})
    short = replace(tiny, settings=tiny.settings.model_copy(update={"horizon": hurried}))
    assert not study_warm_up(short, seed=3, replications=2).is_enough
