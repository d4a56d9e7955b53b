"""Who pays, who provides, with what, and how much of it stands where."""

from typing import Literal

from instances.tables.columns import Code, NonNegative, Row, Units, column

Sector = Literal["", "prevention", "social", "medico-social", "health", "informal"]


class Payer(Row):
    """Someone who pays: health insurance, department, State, household, mutual insurer."""

    id: Code = column("code")
    name: str = column("name", default="")
    sector: Sector = column("sector", default="")
    group: str = column("group it belongs to", default="")


class Provider(Row):
    """Someone who is paid and bears costs; sector `informal` (relatives) is no firm: exempt from solvency."""

    id: Code = column("code")
    name: str = column("name", default="")
    sector: Sector = column("sector", default="")
    group: str = column("group it belongs to", default="")


class Resource(Row):
    """A kind of place, staff or device."""

    resource: Code = column("code")
    name: str = column("name", default="")
    kind: Literal["place", "staff", "device"] = column("kind", default="place")
    unit: str = column("what one unit is, in words (place, 10 hours a month)", default="place")
    competence: str = column("competence, for workforce rules", default="")
    travels: bool = column("staff who travel lose the zone's travel_share", default=False)
    level: Literal["territory", "basin", "region"] = column("where its pool stands", default="territory")
    turnover: NonNegative = column("time a unit stays empty between two holders", unit="time", default=0.0)
    overflow: Literal["none", "basin"] = column("whether a full pool may use the basin's", default="none")
    tolerable_wait: NonNegative | None = column(
        "wait people accept; beyond it access counts as late", unit="time", default=None
    )


class Capacity(Row):
    """Units of a resource that a provider runs in a territory, and between which limits they may move."""

    zone: Code = column("territory")
    resource: Code = column("resource")
    provider: str = column("provider; empty: none is paid or charged", default="")
    current: Units = column("units today", unit="units")
    minimum: Units | None = column("fewest units; empty: today's", unit="units", default=None)
    maximum: Units | None = column("most units (authorised); empty: today's", unit="units", default=None)
    lot: int = column("step size: allowed values are current + k lots", unit="units", default=1, ge=1)
    reserved: NonNegative = column("units used by outside demand", unit="units", default=0.0)
    opening_minimum: Units = column("open with at least so many, or closed", unit="units", default=0)
    lead_time: NonNegative = column("time from decision to opening", unit="time", default=0.0)
