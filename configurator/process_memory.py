"""How the process gives memory back: at once, where the C library would keep it for later."""

import ctypes
import sys

M_MMAP_THRESHOLD = -3
"""Number of the parameter in glibc's malloc.h."""
LARGE = 4_000_000
"""Bytes from which a block is asked of the system, and given back to it when it is free."""


def give_back_large_blocks() -> bool:
    """Have logs and states (tens of megabytes each) given back when they are let go of; say whether it was done.

    glibc raises the size from which blocks are given back to that of the largest one freed so far (mallopt(3),
    M_MMAP_THRESHOLD), up to 32 MB: five replications of a department then leave 290 MB behind that nothing uses. A
    size that is set stays. Other C libraries have no such setting, and need none.
    """
    if sys.platform != "linux":
        return False
    library = ctypes.CDLL(None)
    return hasattr(library, "mallopt") and bool(library.mallopt(M_MMAP_THRESHOLD, LARGE))
