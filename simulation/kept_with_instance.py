"""What follows from an instance alone is worked out once and kept with it, as its own cached properties are."""

from collections.abc import Callable
from functools import wraps
from typing import TypeVar

from instances.instance import Instance

Found = TypeVar("Found")


def kept_with_instance(work_out: Callable[[Instance], Found]) -> Callable[[Instance], Found]:
    """Return a function that works something out once for each instance.

    What it returns must never be changed. It lives as long as the instance (which never changes either); an instance
    made from it by `dataclasses.replace` starts without it. Two threads that ask first may both work it out.
    """
    name = f"{work_out.__module__}.{work_out.__qualname__}"

    @wraps(work_out)
    def kept(instance: Instance) -> Found:
        known = vars(instance)
        if name not in known:
            known[name] = work_out(instance)
        found: Found = known[name]
        return found

    return kept
