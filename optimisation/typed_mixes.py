"""Mixes of which somebody typed only a part: what is left out makes room for what is said."""

from collections.abc import Collection

import numpy as np

from optimisation.encoding import Encoding
from optimisation.starting_points import balanced
from simulation.configuration import Configuration


def completed(encoding: Encoding, proposal: Configuration, said: Collection[int]) -> Configuration:
    """Return a proposal whose mixes sum to one, by the shares that were not said (`said`: numbers of offer cells).

    What is left of a mix is divided between them as it is today, evenly where they have nothing today, by whole steps
    within their bounds. A mix that was said in full, or not at all, is left as it is, as is one that cannot be brought
    to one so: repair sees to that.
    """
    values = np.array(proposal.shares)
    for group in range(int(encoding.group.max(initial=-1)) + 1):
        cells = np.flatnonzero(encoding.group == group)
        is_said = np.isin(cells, list(said))
        missing = float(encoding.current[cells].sum() - values[cells].sum())
        if not is_said.any() or is_said.all() or np.ptp(encoding.size[cells]) != 0.0 or abs(missing) < 1e-9:
            continue
        others, today = cells[~is_said], encoding.current[cells]
        left = max(0.0, float(today.sum() - values[cells[is_said]].sum()))
        has = float(encoding.current[others].sum())
        parts = encoding.current[others] / has if has > 0.0 else np.full(len(others), 1.0 / len(others))
        values[others] = left * parts
        wanted = (values[cells] - today) / encoding.size[cells]
        low, high = (
            np.where(is_said, np.rint(wanted), end[cells]).astype(np.int64) for end in (encoding.low, encoding.high)
        )
        steps = balanced(wanted, low, high)
        values[others] = (today + encoding.size[cells] * steps)[~is_said]
    return Configuration(tuple(round(float(value), 9) for value in values), proposal.capacities, proposal.contract)
