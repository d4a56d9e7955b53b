"""The order in which simulations are run: each state at time 0 is made ahead of need, once, and let go of."""

from optimisation.running_order import in_step
from optimisation.workers import Task

REPLICATIONS, COMPONENTS, PLANS = 4, 3, 8


def tasks(plans=PLANS):
    """Runs of some plans in all blocks, given plan by plan."""
    return {
        (f"plan {plan}, component {component}", replication): Task(None, component, replication)
        for plan in range(plans)
        for replication in range(REPLICATIONS)
        for component in range(COMPONENTS)
    }


def blocks(given):
    return [(given[key].replication, given[key].component) for key in in_step(given)]


def test_every_run_has_one_place():
    assert sorted(in_step(tasks())) == sorted(tasks())
    assert in_step({}) == []


def test_a_state_is_made_while_an_earlier_block_is_run():
    order = blocks(tasks())
    for block in sorted(set(order))[1:]:
        first, second = [number for number, one in enumerate(order) if one == block][:2]
        assert second - first > PLANS  # a whole block of others is run meanwhile


def test_few_states_are_held_at_once():
    order = blocks(tasks())
    last = {block: number for number, block in enumerate(order)}
    held = [sum(order.index(block) <= number <= last[block] for block in last) for number in range(len(order))]
    assert max(held) <= 5


def test_draws_are_made_apart_where_each_block_has_one_run():
    order = blocks(tasks(plans=1))
    for replication in range(1, REPLICATIONS):
        places = [order.index((replication, component)) for component in range(COMPONENTS)]
        assert places[1] - places[0] > 1  # another replication's run stands between the draw's first and second use
