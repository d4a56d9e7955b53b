"""Amounts of money, places and staff as people read them: in full, and enough where somebody is to grant them."""

from math import ceil, floor, log10

DIGITS = 6
WHOLE_FROM = 1000.0
"""Amounts as large are told to the whole unit."""
ROUNDING = 1e-9
"""Part of an amount that is the solver's rounding, and asks for nothing more."""


def plain(value: float) -> str:
    """Return a value with its thousands apart, never in powers of ten where it is large.

    >>> plain(249600123.4), plain(38.12345678), plain(12.0)
    ('249,600,123', '38.1235', '12')
    """
    return f"{value:,.0f}" if abs(value) >= 10.0**DIGITS else f"{value:,.{DIGITS}g}"


def enough(amount: float) -> str:
    """Return an amount rounded up, so that granting what is written is enough.

    >>> enough(620223.1287), enough(24.0), enough(0.12345611)
    ('620,224', '24', '0.123457')
    """
    if amount >= WHOLE_FROM:
        return f"{ceil(amount * (1.0 - ROUNDING)):,}"
    if amount <= 0.0:
        return plain(amount)
    size = 10.0 ** (DIGITS - 1 - floor(log10(amount)))
    return plain(ceil(amount * size * (1.0 - ROUNDING)) / size)
