"""From the account of a few territories to one over the whole instance, which adds up with others.

An account over its component's own territories and pools is as large as these, whatever the instance has beside
them: the accounts of all components of a department take as long and as much memory as one over its whole.
"""

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
    territories, pools = np.array(own.territories, dtype=np.int64), own.pool_numbers
    channels = whole.channel[territories[own.channel_zone], pools[own.channel_pool]]

    def placed(name: str) -> FloatArray:
        values: FloatArray = getattr(account, name)
        if name == "channels":
            return _placed(values, 0, channels, len(whole.channel_zone))
        if name in ("pools", "queues"):
            return _placed(values, 0, pools, len(whole.pools))
        return _placed(values, _AXIS_OF_TERRITORIES[name], territories, len(whole.zones))

    return Account(**{each.name: placed(each.name) for each in fields(account)})


def _placed(values: FloatArray, axis: int, places: IntArray, length: int) -> FloatArray:
    """Return values with one axis made longer, each of its entries in its place there."""
    found = np.zeros((*values.shape[:axis], length, *values.shape[axis + 1 :]))
    found[(slice(None),) * axis + (places,)] = values
    return found
