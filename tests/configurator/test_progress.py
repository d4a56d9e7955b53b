import io

import pytest

from configurator import verbs
from configurator.progress import PlainLines, Silent, Standing, compiling_first, duration, shown
from configurator.verbs import Choice, Wish
from simulation.engines import compiled_engine

STANDING = Standing(generation=5, generations=20, front_size=12, hypervolume=0.43217, replications=600, seconds=50.0)


def test_a_standing_tells_everything_in_one_line():
    expected = "generation 5/20, front 12, hypervolume 0.4322, 12 replications/s, 2 min 30 s of search left"
    assert STANDING.line() == expected


def test_before_the_first_generation_no_time_left_is_told():
    assert Standing(0, 20, 0, 0.0, 0, 0.0).seconds_left is None


def test_durations():
    assert [duration(seconds) for seconds in (0.4, 75, 7265)] == ["0 s", "1 min 15 s", "2 h 01 min"]


def test_a_pipe_gets_plain_lines_and_json_gets_nothing():
    out = io.StringIO()
    with shown(quiet=False, out=out) as progress:
        assert isinstance(progress, PlainLines)
        progress.message("preparing tiny")
        progress.generation(STANDING)
    assert out.getvalue().splitlines() == ["preparing tiny", STANDING.line()]
    with shown(quiet=True, out=out) as progress:
        assert isinstance(progress, Silent)


def test_a_terminal_gets_a_bar():
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    out = Terminal()
    with shown(quiet=False, out=out) as progress:
        progress.message("searching")
        progress.simulated(1234)
        progress.generation(STANDING)
    shown_words = out.getvalue().split()
    assert {"0.4322,", "12,", "(1,234"} <= set(shown_words)


@pytest.mark.parametrize(
    ("engine", "ready", "told"), [("compiled", False, True), ("compiled", True, False), ("simpy", False, False)]
)
def test_a_first_run_says_that_the_twin_is_compiled(engine, ready, told, monkeypatch, tmp_path):
    monkeypatch.setattr(compiled_engine, "is_ready", lambda: ready)
    assert ("compiled" in compiling_first(engine)) == told
    out = io.StringIO()
    with shown(quiet=False, out=out) as progress:
        wish = Wish(seed=1, replications=1, workers=1, engine=engine)
        verbs.simulate(Choice("tiny"), wish, out=tmp_path / "run", progress=progress)
    assert out.getvalue().startswith("simulating tiny, 1 replications")
    assert ("the twin is compiled before" in out.getvalue()) == told
