"""One thread at a time, unless the one whose turn it is gives it up."""

import threading

import pytest

from optimisation.feasibility.turns import Turns

LONG = 10.0


def entered_by_another(turns: Turns) -> threading.Event:
    """Return what is set once another thread has had its turn."""
    had = threading.Event()

    def take() -> None:
        with turns:
            had.set()

    threading.Thread(target=take, daemon=True).start()
    return had


def test_nobody_else_has_a_turn_until_the_first_entry_is_left():
    turns = Turns()
    with turns:
        with turns:
            other = entered_by_another(turns)
        assert not other.wait(0.05)
    assert other.wait(LONG)


def test_a_turn_that_is_given_up_is_another_s_and_comes_back_as_deep_as_it_was():
    turns = Turns()
    with turns, turns:
        with turns.given_up():
            assert entered_by_another(turns).wait(LONG)
        other = entered_by_another(turns)
        assert not other.wait(0.05)
    assert other.wait(LONG)


def test_a_turn_given_up_comes_back_after_an_error_too():
    turns = Turns()
    with turns:
        with pytest.raises(ZeroDivisionError), turns.given_up():
            _ = 1 / 0
        other = entered_by_another(turns)
        assert not other.wait(0.05)
    assert other.wait(LONG)


def test_who_has_no_turn_gives_none_up():
    turns = Turns()
    with turns.given_up():
        assert entered_by_another(turns).wait(LONG)
    assert entered_by_another(turns).wait(LONG)
