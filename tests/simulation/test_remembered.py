"""What threads share is made once, held up to a limit, and let go of when asked."""

from simulation.remembered import Remembered


def test_what_was_asked_for_last_is_held_up_to_the_limit():
    made: list[str] = []

    def make(key):
        return lambda: made.append(key) or key * 3

    memory = Remembered(limit=6, size=len)
    assert [memory.get(key, make(key)) for key in "aabca"] == ["aaa", "aaa", "bbb", "ccc", "aaa"]
    assert made == ["a", "b", "c", "a"]
    assert (len(memory), memory.total) == (2, 6)


def test_what_is_forgotten_is_made_anew_and_held_within_the_new_limit():
    memory = Remembered(limit=100, size=len)
    for key in "abc":
        memory.get(key, lambda key=key: key * 3)
    memory.forget(limit=3)
    assert (len(memory), memory.total) == (0, 0)
    assert memory.get("a", lambda: "new") == "new"
    memory.get("b", lambda: "bbb")
    assert (len(memory), memory.total) == (1, 3)
