"""Where: zones and the minutes between them."""

from typing import Literal

from instances.tables.columns import Code, NonNegative, Row, Share, column


class Zone(Row):
    """A territory, a basin or a region; territories are where people live and offers are decided."""

    zone: Code = column("code, text")
    name: str = column("name", default="")
    level: Literal["territory", "basin", "region"] = column("level", default="territory")
    parent: str = column("zone one level up; empty at the top", default="")
    urbanicity: str = column("urban, mixed, rural or any label", default="")
    population: NonNegative | None = column("inhabitants", unit="persons", default=None)
    travel_share: Share = column("part of travelling staff's time lost on the road", unit="share", default=0.0)
    latitude: float | None = column("latitude", unit="degrees", default=None, ge=-90.0, le=90.0)
    longitude: float | None = column("longitude", unit="degrees", default=None, ge=-180.0, le=180.0)


class Travel(Row):
    """Minutes by road between two territories (or inside one)."""

    origin: Code = column("territory left")
    destination: Code = column("territory reached")
    minutes: NonNegative = column("travel time", unit="minutes")
