"""The compiled functions kept on disk: dropped when any of their sources is newer, and whether they are there.

numba looks only at the file of the function itself; a function that calls one in another, changed file would
be taken from disk as it was. So whatever is older than the newest source of the engine is dropped first.
"""

from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from numba.core.dispatcher import Dispatcher

_INDEX = "*.nbi"


def drop_stale(functions: Iterable[Dispatcher], sources: Iterable[Path]) -> None:
    """Drop the stored versions of functions that are older than the newest source."""
    newest = max(source.stat().st_mtime for source in sources)
    for folder in {_folder(function) for function in functions}:
        for index in folder.glob(_INDEX):
            with suppress(FileNotFoundError):  # dropped by another process meanwhile
                if index.stat().st_mtime < newest:
                    index.unlink()


def is_stored(function: Dispatcher) -> bool:
    """Say whether a compiled function is on disk, so that its first call will be quick."""
    code = function.py_func
    module = code.__module__.rsplit(".", 1)[-1]
    return any(_folder(function).glob(f"{module}.{code.__name__}-*.nbi"))


def _folder(function: Dispatcher) -> Path:
    return Path(str(function.stats.cache_path))
