"""Who pays whom for what, and what it costs to provide."""

from typing import Literal

from instances.tables.columns import Code, NonNegative, Row, Share, column

PriceBasis = Literal["entry", "day", "hour", "capacity-year", "patient", "outcome"]
CostBasis = Literal["entry", "day", "hour", "capacity-year", "open-site-year", "added-unit"]
CostNature = Literal["", "depreciation", "interest"]


class Contract(Row):
    """A switchable set of prices."""

    contract: Code = column("code")
    name: str = column("name", default="")


class Price(Row):
    """One tariff: a payer pays a provider for a subject.

    Subjects: `step:PATHWAY/STEP` (or `step:STEP` in every pathway), `resource:R`, `service:R`, `pathway:P`.
    Factor by occupancy o of the subject's resource: 1 - slope * max(0, floor - o).
    """

    contract: str = column("contract; empty: in every contract", default="")
    subject: Code = column("what is paid for: kind:name")
    profile: str = column("profile; empty: all", default="")
    basis: PriceBasis = column("per what")
    payer: Code = column("who pays")
    provider: str = column("who is paid; empty: those who run the resource, by capacity", default="")
    amount: float = column("amount per basis", unit="currency")
    occupancy_floor: Share | None = column("occupancy under which the tariff shrinks", default=None)
    occupancy_slope: NonNegative = column("cut per point of occupancy missing", default=0.0)
    outcome: str = column("break whose absence is paid (basis outcome)", default="")


class Cost(Row):
    """One cost: a provider bears it for a subject; `added-unit` is investment, spread as an annuity.

    An annuity is depreciation and interest; other rows say so by their nature (buildings and loans there are today).
    """

    provider: str = column("who bears it; empty: those who run the resource, by capacity", default="")
    subject: Code = column("what costs: kind:name")
    profile: str = column("profile; empty: all", default="")
    basis: CostBasis = column("per what")
    amount: float = column("amount per basis", unit="currency")
    life: NonNegative | None = column("years over which an added unit is written off", unit="years", default=None)
    rate: NonNegative | None = column("interest on an added unit", unit="per year", default=None)
    nature: CostNature = column("depreciation or interest of what there is today; empty: running", default="")
