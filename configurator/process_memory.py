"""How the process gives memory back that it no longer uses, where the C library would keep it for later."""

import ctypes
import sys


def give_back_free_memory() -> bool:
    """Have what logs and states left behind given back to the system; say whether there was any.

    glibc keeps what was freed below blocks still in use (malloc_trim(3)): five replications of a department leave
    290 MB behind. Asked for between generations and parts of a final front only: asking for every block anew takes a
    sixth of a search's time in page faults. Other C libraries have no such call, and need none.
    """
    if sys.platform != "linux":
        return False
    library = ctypes.CDLL(None)
    return hasattr(library, "malloc_trim") and bool(library.malloc_trim(0))
