"""Figures without their last digits, which hang on the processor.

Numerical libraries choose their instructions by the processor they find, and a sum in another order rounds otherwise.
Where two figures are equal but for such digits, a search would go one way on one processor and another way on the next,
and end with another front. What it compares, and what it gives a solver, is therefore rounded first: seldom is a figure
so near to a middle between two rounded ones that its last digits still decide, and where they do it moves by less than
anything known of it.
"""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

COARSE = 7
"""Digits kept of what long sums and inverted transforms give."""
FINE = 12
"""Digits kept of what short sums give."""
_POWERS = np.array([float(f"1e{power}") for power in range(309)])
"""Powers of ten: exact up to the 22nd, the same on every processor beyond."""


def rounded(values: Floats, digits: int = COARSE) -> Floats:
    """Return values to so many significant decimal digits.

    >>> rounded(np.array([0.1 + 0.2, -123456784.0, 0.0])).tolist()
    [0.3, -123456800.0, 0.0]
    """
    given = np.asarray(values, dtype=np.float64)
    size = np.abs(given)
    known = (size > 1e-290) & (size < 1e290)
    places = digits - 1 - np.floor(np.log10(size, where=known, out=np.zeros_like(size))).astype(np.int64)
    up, down = (_POWERS[np.clip(each, 0, 308)] for each in (places, -places))
    found: Floats = np.where(known, np.rint(given * up / down) / up * down, given)
    return found
