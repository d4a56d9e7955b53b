"""What both ledgers must hold in every run, on random small instances: every cent has its place, and they agree."""

import math
from dataclasses import fields, replace

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from instances.instance import Instance
from instances.tables import Cost, Payer, Price, Provider
from simulation.ledgers.account import Account, Bookkeeper, total
from simulation.records import Event, EventArray
from simulation.twin import Twin
from tests.simulation.log_replay import sojourns
from tests.simulation.random_instances import configurations, instances

CENT = 0.01
CALM = settings(
    deadline=None,
    derandomize=True,
    database=None,
    max_examples=15,
    suppress_health_check=list(HealthCheck),
    phases=(Phase.generate,),
)
ENTRY, DAY, PROVIDED = 10.03, 1.37, 4.21
PAYERS, PROVIDERS = ("state", "household"), ("public", "private")


def priced(instance: Instance) -> Instance:
    """The instance with a price and a cost for every step, entries paid by one payer and days by the other."""
    steps = sorted({row.step for row in instance.steps if row.setting != "exit"})
    return replace(
        instance,
        payers=tuple(Payer(id=code) for code in PAYERS),
        providers=tuple(Provider(id=code, sector="health") for code in PROVIDERS),
        prices=tuple(
            Price(subject=f"step:{step}", basis=basis, payer=payer, provider=provider, amount=amount)
            for step in steps
            for basis, payer, provider, amount in (
                ("entry", "state", "public", ENTRY),
                ("day", "household", "private", DAY),
            )
        ),
        costs=tuple(
            Cost(subject=f"step:{step}", basis="day", provider=provider, amount=PROVIDED)
            for step in steps
            for provider in PROVIDERS
        ),
    )


def run(data: st.DataObject) -> tuple[Twin, list[Account], list[EventArray], float]:
    instance = priced(data.draw(instances()))
    configuration = data.draw(configurations(instance))
    twin = Twin(instance, seed=7)
    results = [twin.run(configuration, part, 0) for part in range(len(twin.components))]
    accounts = [twin.account(configuration, part, 0) for part in range(len(twin.components))]
    return twin, accounts, [result.events for result in results], instance.settings.horizon.run


@given(st.data())
@CALM
def test_every_cent_is_entered_once_in_every_view(data):
    """By payer and provider, by place, by year and by kind of cost: the same money, to the cent."""
    _, accounts, _, _ = run(data)
    account = total(accounts)
    paid = account.revenue.sum()
    assert account.revenue_by_year[..., 0].sum() == pytest.approx(paid, abs=CENT)
    assert account.revenue_by_year[..., 0].sum(axis=-1) == pytest.approx(account.revenue.sum(axis=(-2, -1)), abs=CENT)
    assert account.cost_by_kind[..., 0].sum(axis=(1, -1)) == pytest.approx(account.cost.sum(axis=(-2, -1)), abs=CENT)
    assert account.cost_by_kind[..., 1].sum() == pytest.approx(account.cost_discounted.sum(), abs=CENT)
    parts = math.fsum(float(each.revenue.sum()) for each in accounts)
    assert parts == pytest.approx(paid, abs=CENT)
    state, household = account.revenue.sum(axis=(2, 3, 4))
    assert (state[1], household[0]) == (0.0, 0.0)
    public, private = account.cost.sum(axis=(1, 2, 3))
    assert public == private


@given(st.data())
@CALM
def test_books_of_a_component_alone_are_those_of_the_whole_instance(data):
    """Kept over its own territories and pools and put in its place, an account is to the last bit the same."""
    instance = priced(data.draw(instances()))
    configuration = data.draw(configurations(instance))
    twin = Twin(instance, seed=7)
    whole = Bookkeeper.of(instance)
    for part, component in enumerate(twin.components):
        ran = twin.run(configuration, part, 0)
        kept = whole.account(configuration, component.territories, ran.people, ran.events, ran.model.pool_global)
        placed = twin.account(configuration, part, 0)
        for each in fields(kept):
            assert np.array_equal(getattr(placed, each.name), getattr(kept, each.name)), each.name


@given(st.data())
@CALM
def test_money_is_what_the_log_says(data):
    """Entries and days counted apart from the ledgers, straight from the log, times the amounts: to the cent."""
    twin, accounts, logs, until = run(data)
    for part, (account, log) in enumerate(zip(accounts, logs, strict=True)):
        model = twin.model(part)
        lived = [step for step in range(len(model.step_codes)) if not model.step_exit[step]]
        entries = int(np.isin(log["step"][log["kind"] == Event.ENTER], lived).sum())
        end = float(log["time"][-1]) if model.drain else until
        spent = sojourns(log, end)
        days = math.fsum(end - begun for step in lived for begun, end in spent.get(step, []))
        state, household = account.revenue.sum(axis=(1, 2, 3, 4))
        assert state == pytest.approx(ENTRY * entries, abs=CENT)
        assert household == pytest.approx(DAY * days, abs=CENT)
        assert account.cost.sum() == pytest.approx(2 * PROVIDED * days, abs=CENT)
