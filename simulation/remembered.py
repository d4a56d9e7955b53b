"""A bounded memory that threads share: each thing is made once, by the first thread that asks for it."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

KeyT = TypeVar("KeyT", bound=Hashable)
ValueT = TypeVar("ValueT")


def _one(_: object) -> int:
    return 1


class Remembered(Generic[KeyT, ValueT]):
    """What was asked for last, so much of it that its sizes add up to no more than `limit`, but at least one.

    size: of a value; by default everything counts 1.
    """

    def __init__(self, limit: int, size: Callable[[ValueT], int] = _one) -> None:
        self._limit = limit
        self._size = size
        self._held: OrderedDict[KeyT, ValueT] = OrderedDict()
        self._total = 0
        self._lock = threading.Lock()
        self._making: dict[KeyT, threading.Lock] = {}

    def __len__(self) -> int:
        return len(self._held)

    @property
    def total(self) -> int:
        """The sizes of what is held, added up."""
        return self._total

    def get(self, key: KeyT, make: Callable[[], ValueT]) -> ValueT:
        """Return what is remembered under a key, made first where it is not; others who want it wait meanwhile."""
        with self._lock:
            making = self._making.setdefault(key, threading.Lock())
        with making:
            with self._lock:
                if key in self._held:
                    self._held.move_to_end(key)
                    return self._held[key]
            value = make()
            with self._lock:
                self._put(key, value)
            return value

    def forget(self, limit: int) -> None:
        """Let go of everything, and remember no more than so much from now on."""
        with self._lock:
            self._held.clear()
            self._total = 0
            self._limit = limit

    def _put(self, key: KeyT, value: ValueT) -> None:
        self._held[key] = value
        self._total += self._size(value)
        while len(self._held) > 1 and self._total > self._limit:
            _, dropped = self._held.popitem(last=False)
            self._total -= self._size(dropped)
