"""How care goes: pathways, to whom they are offered, steps, services beside them, moves between them."""

from typing import Literal

from pydantic import Field

from instances.tables.columns import Code, NonNegative, Positive, Row, Share, StayLaw, column

Setting = Literal["", "home", "emergency", "ward", "rehabilitation", "institution", "exit"]


class Pathway(Row):
    """A care pathway; with `base`, it has the base's steps, services and moves except those it replaces."""

    pathway: Code = column("code")
    name: str = column("name", default="")
    base: str = column("pathway it extends", default="")
    entry: str = column("first step; empty: the base's", default="")


class Offer(Row):
    """Which share of a profile a territory orients to a pathway, and within which bounds."""

    zone: str = column("territory; empty: all", default="")
    profile: Code = column("profile")
    pathway: Code = column("pathway")
    current: Share = column("share today", unit="share")
    minimum: Share | None = column("least share; empty: today's", unit="share", default=None)
    maximum: Share | None = column("greatest share; empty: today's", unit="share", default=None)
    step: Positive = column("step size of the share", unit="share", default=0.05)
    acceptance: Share = column("part of those oriented who accept", unit="share", default=1.0)
    fallback: str = column("pathway of those who refuse", default="")
    preference: Share | None = column("how far people of this profile prefer it", unit="share", default=None)


class Step(StayLaw):
    """A step of a pathway: a stay, perhaps behind a gate."""

    pathway: Code = column("pathway")
    step: Code = column("code within the pathway; the same name in two pathways meets the same luck")
    profile: str = column("profile; empty: all", default="")
    name: str = column("name", default="")
    setting: Setting = column("setting; exit ends the story", default="")
    gate: str = column("resource needed to enter", default="")
    amount: int = column("units of the gate needed", unit="units", default=1, ge=1)
    priority: int = column("rank in the waiting list, least first", default=0)
    queue_limit: int | None = column("most persons waiting; beyond: broken at once", default=None, ge=0)
    patience: NonNegative | None = column("longest wait", unit="time", default=None)
    on_break: str = column("step after a broken wait; empty: leaves", default="")
    hold: bool = column("the former gate stays occupied while waiting for this step", default=False)
    anchor: bool = column("life goes on here between episodes; orientation is revisited here", default=False)
    utility: NonNegative = column("times the profile's utility", default=1.0)


class Service(Row):
    """Concurrent help during a step: requested on entry, never gating it."""

    pathway: Code = column("pathway")
    step: Code = column("step")
    profile: str = column("profile; empty: all", default="")
    resource: Code = column("resource")
    amount: int = column("units, fixed until re-requested", unit="units", default=1, ge=1)
    priority: int = column("rank in the waiting list, least first", default=0)
    onset: NonNegative = column("time held before it acts", unit="time", default=0.0)
    keep: NonNegative = column("longest absence through which rank or unit is kept", unit="time", default=0.0)
    leads_to: str = column("step entered once granted, the unit becoming its gate", default="")


class Move(StayLaw):
    """Where a step leads: by routing draw at its end (probability), or by a competing hazard (rate)."""

    pathway: Code = column("pathway")
    step: Code = column("step left, or awaited when phase is wait")
    phase: Literal["stay", "wait"] = column("during the stay, or while waiting for the step", default="stay")
    profile: str = column("profile; empty: all", default="")
    hazard: str = column("name of the hazard", default="")
    to: str = column("step, or pathway/step; empty with a hazard: the stay runs on", default="")
    probability: Share | None = column("chance at the end of the stay", unit="probability", default=None)
    rate: NonNegative | None = column("rate of the hazard", unit="per year", default=None)
    while_: str = Field(
        default="",
        alias="while",
        description="only while this service is held past its onset, or this mark is carried",
        json_schema_extra={"unit": ""},
    )
    factor: NonNegative | None = column("multiplies the hazard of that name", default=None)
    new_profile: str = column("profile from then on", default="")
    mark: str = column("clock the patient carries from then on", default="")
    mark_days: NonNegative | None = column("how long", unit="time", default=None)
