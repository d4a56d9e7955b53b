"""From accounts of a few territories each to one over the whole instance.

An account over its component's own territories and pools is as large as these, whatever the instance has beside
them: the accounts of all components of a department take as long and as much memory as one over its whole.
"""

from collections.abc import Sequence
from dataclasses import fields

import numpy as np

from simulation.ledgers.account import Account
from simulation.ledgers.chart import Chart, FloatArray, IntArray

_AXIS_OF_TERRITORIES = {
    "persons": 0, "visits": 0, "services": 0, "hazards": 0, "marks": 0, "scores": 0, "scored": 0, "beyond": 0,
    "breaks": 1, "broken": 1, "breaks_money": 1, "cost": 1, "cost_discounted": 1,
    "revenue": 2, "revenue_by_year": 2, "cost_by_kind": 2,
}  # fmt: skip
"""Which axis of each array of an account counts territories; pools and queues count pools, channels channels."""


def spread(account: Account, own: Chart, whole: Chart) -> Account:
    """Return an account over a chart's territories as one over the whole instance, 0 elsewhere."""
    return together([account], [own], whole)


def together(accounts: Sequence[Account], own: Sequence[Chart], whole: Chart) -> Account:
    """Return what accounts, each over its own chart's territories, make over the whole instance."""
    territories = [np.array(chart.territories, dtype=np.int64) for chart in own]
    pools = [chart.pool_numbers for chart in own]
    channels = [
        whole.channel[zones[chart.channel_zone], numbers[chart.channel_pool]]
        for chart, zones, numbers in zip(own, territories, pools, strict=True)
    ]

    def joined(name: str) -> FloatArray:
        values = [getattr(account, name) for account in accounts]
        if name == "channels":
            return _joined(values, 0, channels, len(whole.channel_zone))
        if name in ("pools", "queues"):
            return _joined(values, 0, pools, len(whole.pools))
        return _joined(values, _AXIS_OF_TERRITORIES[name], territories, len(whole.zones))

    return Account(**{each.name: joined(each.name) for each in fields(Account)})


def _joined(values: Sequence[FloatArray], axis: int, places: Sequence[IntArray], length: int) -> FloatArray:
    """Return arrays in one, longer along an axis, each of their entries added where its place is there."""
    shape = values[0].shape
    found = np.zeros((*shape[:axis], length, *shape[axis + 1 :]))
    for own, there in zip(values, places, strict=True):
        found[(slice(None),) * axis + (there,)] += own
    return found
