"""Who needs care: profiles, their numbers, the rhythm of arrivals."""

from instances.tables.columns import Code, NonNegative, Positive, Row, Share, Units, column


class Profile(Row):
    """A patient typology."""

    profile: Code = column("code")
    name: str = column("name", default="")
    utility: Share = column("health utility (1: full health)", unit="QALY per year", default=1.0)
    background: bool = column("outside demand: loads pools and pays, counts in no other objective", default=False)


class Need(Row):
    """How many people of a profile a territory has and gets."""

    zone: Code = column("territory")
    profile: Code = column("profile")
    initial: Units | None = column("census at time 0; empty: no steering", unit="persons", default=None)
    arrivals: NonNegative = column("new persons per year of 365.25 days", unit="persons/year", default=0.0)
    growth: float = column("growth of arrivals per year", unit="share/year", default=0.0, gt=-1.0)
    rhythm: str = column("rhythm of arrivals; empty: even", default="")


class Rhythm(Row):
    """One piece of a piecewise-constant rhythm: from `start` (within `period`) the rate is times `factor`."""

    rhythm: Code = column("code")
    start: NonNegative = column("start within the period", unit="time")
    period: Positive = column("length of the period that repeats", unit="time")
    factor: NonNegative = column("multiplies the rate of arrivals")
