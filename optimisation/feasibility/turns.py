"""Whose turn it is with Pyomo, which is not made for threads: only HiGHS itself runs side by side.

Models that two threads built at once were seen to have their columns in another order, hence other last digits.
"""

import threading
from collections.abc import Iterator
from contextlib import ContextDecorator, contextmanager


class Turns(ContextDecorator):
    """A lock that its holder can give up for a while, however often it has entered it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._own = threading.local()

    def __enter__(self) -> None:
        """Wait for a turn; at once where this thread has it already."""
        if not self._depth:
            self._lock.acquire()
        self._own.depth = self._depth + 1

    def __exit__(self, *_raised: object) -> None:
        """End the turn where it began."""
        self._own.depth = self._depth - 1
        if not self._depth:
            self._lock.release()

    @contextmanager
    def given_up(self) -> Iterator[None]:
        """Let others have their turns meanwhile; of this thread's own models only the solver may be touched."""
        depth = self._depth
        if depth:
            self._lock.release()
        self._own.depth = 0
        try:
            yield
        finally:
            if depth:
                self._lock.acquire()
            self._own.depth = depth

    @property
    def _depth(self) -> int:
        depth: int = getattr(self._own, "depth", 0)
        return depth


PYOMO = Turns()
