"""How the process gives memory back that it no longer uses, where the C library would keep it for later."""

import ctypes
import sys

RUNS_BETWEEN = 200
"""Component runs after which memory is given back: with 100 territories a part of a final front takes a thousand."""


def give_back_free_memory() -> bool:
    """Have what logs and states left behind given back to the system; say whether there was any.

    glibc keeps what was freed below blocks still in use (malloc_trim(3)): five replications of a department leave
    290 MB behind. Asked for between generations, parts of a final front and now and then only: asking for every block
    anew takes a sixth of a search's time in page faults. Other C libraries have no such call, and need none.
    """
    if sys.platform != "linux":
        return False
    library = ctypes.CDLL(None)
    return hasattr(library, "malloc_trim") and bool(library.malloc_trim(0))


def give_back_now_and_then(simulations: int) -> None:
    """Have it given back after every so many component runs; told after each how many there were."""
    if simulations % RUNS_BETWEEN == 0:
        give_back_free_memory()
