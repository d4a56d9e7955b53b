"""The remaining value at the horizon against what survivors of long simulations go on to live through.

Two runs of the same people with the same luck, one to the horizon, one until nearly everybody has died: what the second
has over the first, discounted to time 0, is what the remaining value of those alive at the horizon should say on
average. It is exact where the step and profile tell everything: stays are memoryless, no mark acts, and a profile
changes only on coming home, so that services are asked for anew (see FLUID.md for what is averaged elsewhere).

Tolerance: three standard errors of the mean difference over replications, by territory, for QALYs and for cost.
"""

from dataclasses import replace
from typing import TypeVar

import numpy as np
from hypothesis import HealthCheck, given, seed, settings
from numpy.typing import NDArray

from instances.instance import Instance
from instances.tables import Move, Step
from simulation.configuration import todays_configuration
from simulation.economics import discount_factor
from simulation.fluid import remaining_value
from simulation.ledgers.account import Account
from simulation.ledgers.replay import CENSUS, QALY_DISCOUNTED
from simulation.twin import Twin
from tests.simulation.fluid.uncongested import DISCOUNT_RATE, YEAR, uncongested
from tests.simulation.random_instances import MARKS, instances

Floats = NDArray[np.float64]
Stay = TypeVar("Stay", Step, Move)

HORIZON = 20.0
LIFETIME = 1500.0
"""Four years: one in ten million is alive then, deaths striking four times a year."""
REPLICATIONS = 40
LAW = dict.fromkeys(("sd", "median", "shape", "scale", "low", "high", "mode", "mixture", "mean_2"))


def memoryless(instance: Instance, run: float) -> Instance:
    """Return an instance whose steps and profiles tell everything, with people present at time 0 and no arrivals."""
    plenty = uncongested(instance)
    horizon = plenty.settings.horizon.model_copy(update={"warm_up": 0.0, "run": run, "drain": False})
    return replace(
        plenty,
        settings=plenty.settings.model_copy(update={"horizon": horizon}),
        needs=tuple(row.model_copy(update={"initial": 60, "arrivals": 0.0, "rhythm": ""}) for row in plenty.needs),
        steps=tuple(_exponential(row) for row in plenty.steps),
        moves=tuple(_told(_exponential(row)) for row in plenty.moves if row.while_ not in MARKS),
    )


def _exponential(row: Stay) -> Stay:
    if not row.distribution:
        return row
    return row.model_copy(update={**LAW, "distribution": "exponential", "mean": 2.0})


def _told(row: Move) -> Move:
    if not row.new_profile:
        return row
    home = row.step == "home" and row.probability is None
    return row.model_copy(update={"to": "home"} if home else {"new_profile": ""})


def credited(instance: Instance, account: Account) -> Floats:
    """Return what those alive at the horizon have before them, discounted to time 0 [territory, (QALYs, cost)]."""
    value = remaining_value(instance)
    census = account.visits[..., CENSUS]
    found = [(census * each).sum(axis=(1, 2)) for each in (value.qaly, value.cost)]
    return discount_factor(DISCOUNT_RATE, HORIZON / YEAR) * np.stack(found, axis=1)


def lived(account: Account) -> Floats:
    """Return discounted QALYs and cost of a run [territory, (QALYs, cost)]."""
    qaly = account.persons[..., QALY_DISCOUNTED].sum(axis=(1, 2)) / YEAR
    return np.stack([qaly, account.cost_discounted.sum(axis=(0, 2, 3))], axis=1)


def check(drawn: Instance) -> None:
    short, whole = memoryless(drawn, HORIZON), memoryless(drawn, LIFETIME)
    until, after = Twin(short, seed=3), Twin(whole, seed=3)
    today = todays_configuration(short)
    rows = []
    for replication in range(REPLICATIONS):
        account = until.whole_account(today, replication)
        later = lived(after.whole_account(today, replication)) - lived(account)
        rows.append(credited(short, account) - later)
    found = np.array(rows)
    error = found.std(axis=0, ddof=1) / np.sqrt(REPLICATIONS)
    assert (np.abs(found.mean(axis=0)) <= 3.0 * error + 1e-6).all(), (found.mean(axis=0), error)
    assert found.any()


@seed(5)
@settings(
    max_examples=4,
    database=None,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
)
@given(instances())
def test_survivors_live_on_as_valued(drawn: Instance):
    check(drawn)
