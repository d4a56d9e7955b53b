"""What the fluid model hands out: expected flows by cell, or by territory and profile, from rows of columns."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from instances.instance import Instance
from simulation.fluid.columns import ANYONE, NOTHING, Key

Floats = NDArray[np.float64]
Cell = tuple[int, int, int]


@dataclass(frozen=True)
class FluidFlows:
    """Expected totals over the run of everybody of a cell's profile and territory, were the cell's share one.

    Times a cell's share under the reference mix they are what the chain gives under that mix, exactly; a cell with no
    share there has what everybody of its profile would use who is oriented to it. What is used by people present at
    time 0 whom no orientation moves (residents) is part of every cell of their profile alike.

    Arrays start with the axis of `cells` (those of `offer_cells`, then pathways that only refusers take). Money is in
    currency over the run; `contract` follows the instance's contracts (one unnamed contract when it has none);
    `operator` follows the providers, then one more: those who run the resource.
    """

    cells: tuple[Cell, ...]
    """(territory, profile, pathway) indices."""
    starts: Floats
    """[territory, profile] people oriented with that profile, any number of times, those present at time 0 included."""
    person_time: Floats
    """[cell] time lived."""
    entries: Floats
    """[cell, step] entries into each step of the expanded instance."""
    use: Floats
    """[cell, resource] unit-time of each resource, the time to make units ready again included."""
    turnover: Floats
    """[cell, resource] unit-time to make units ready again."""
    qaly: Floats
    """[cell] QALYs, undiscounted."""
    revenue_free: Floats
    """[contract, cell, payer] paid for what hangs on no resource."""
    revenue_tied: Floats
    """[contract, cell, payer, resource] paid for what hangs on a resource."""
    cost_free: Floats
    """[cell, operator] borne for what hangs on no resource."""
    cost_tied: Floats
    """[cell, operator, resource] borne for what hangs on a resource."""
    paid: Floats
    """[contract, cell, payer, operator] paid for both, by whom it is paid to."""
    acceptance: csr_matrix
    """[cell, offer cell] part of those offered the second who end in the first: one or two of all cells."""
    reference: Floats
    """[cell] part of the profile's people who take the cell's pathway under the reference mix."""


@dataclass(frozen=True)
class ProfileFlows:
    """Expected totals over the run by territory and by the profile that people have at the time.

    Money is in currency over the run; `operator` as in `FluidFlows`. Discounted to time 0, or plain, as asked for.
    """

    person_time: Floats
    """[territory, profile] time lived."""
    qaly: Floats
    """[territory, profile] QALYs."""
    entries: Floats
    """[territory, profile, step] entries into each step."""
    use: Floats
    """[territory, profile, resource] unit-time, the time to make units ready again included."""
    turnover: Floats
    """[territory, profile, resource] unit-time to make units ready again."""
    paid: Floats
    """[contract, territory, profile, payer, operator] revenue."""
    cost: Floats
    """[territory, profile, operator] production cost of what people use."""


def profile_flows(instance: Instance, steps: int, columns: Mapping[Key, int], rows: Floats) -> ProfileFlows:
    """Return the flows of rows [territory, column], columns telling profiles apart."""
    found = [unpacked(instance, steps, columns, rows, profile) for profile in range(len(instance.profiles))]
    by_name = {name: [each[name] for each in found] for name in found[0]}
    return ProfileFlows(
        **{name: np.stack(by_name[name], axis=1) for name in ("person_time", "qaly", "entries", "use", "turnover")},
        paid=np.stack(by_name["paid"], axis=2),
        cost=np.stack(by_name["cost_free"], axis=1) + np.stack(by_name["cost_tied"], axis=1).sum(axis=-1),
    )


def unpacked(
    instance: Instance, steps: int, columns: Mapping[Key, int], rows: Floats, profile: int = ANYONE
) -> dict[str, Floats]:
    """Return the arrays of `FluidFlows` by name from rows [cell, column], of the columns of one profile."""
    count = len(rows)
    payers, resources = len(instance.payers), len(instance.resources)
    operators, contracts = len(instance.providers) + 1, len(instance.contract_codes)
    found = {
        "person_time": np.zeros(count),
        "qaly": np.zeros(count),
        "entries": np.zeros((count, steps)),
        "use": np.zeros((count, resources)),
        "turnover": np.zeros((count, resources)),
        "revenue_free": np.zeros((contracts, count, payers)),
        "revenue_tied": np.zeros((contracts, count, payers, resources)),
        "paid": np.zeros((contracts, count, payers, operators)),
        "cost_free": np.zeros((count, operators)),
        "cost_tied": np.zeros((count, operators, resources)),
    }
    for (kind, place, owner), column in columns.items():
        if owner != profile:
            continue
        values = rows[:, column]
        match kind, place:
            case "time", ():
                found["person_time"] += values
            case "qaly", ():
                found["qaly"] += values
            case "entries", (step,):
                found["entries"][:, step] += values
            case "use", (resource,):
                found["use"][:, resource] += values
            case "turnover", (resource,):
                found["use"][:, resource] += values
                found["turnover"][:, resource] += values
            case "revenue", (contract, payer, operator, resource):
                found["paid"][contract, :, payer, operator] += values
                if resource == NOTHING:
                    found["revenue_free"][contract, :, payer] += values
                else:
                    found["revenue_tied"][contract, :, payer, resource] += values
            case "cost", (operator, resource) if resource == NOTHING:
                found["cost_free"][:, operator] += values
            case "cost", (operator, resource):
                found["cost_tied"][:, operator, resource] += values
    return found
