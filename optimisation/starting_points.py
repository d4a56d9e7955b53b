"""Where a search starts: today, today with one thing changed, the extremes that rules allow, then a sample."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from optimisation.encoding import Encoding, Genes
from optimisation.feasibility.checker import spent, state_of
from optimisation.feasibility.inequality import Term, combined
from optimisation.feasibility.planning import Money, Planning
from optimisation.feasibility.repair import Repairer
from optimisation.feasibility.rules.budget import money_terms
from optimisation.plan import Infeasible
from simulation.configuration import Configuration

Floats = NDArray[np.float64]
SAMPLED_AT_ONCE = 64
"""A power of two, as Sobol sequences want their first points."""


def landmarks(planning: Planning, repairer: Repairer) -> Iterator[Genes]:
    """Yield today, the extremes, each pathway at its most, each resource half way to its fewest and its most."""
    encoding = planning.encoding
    yield encoding.today.copy()
    frugal = most_frugal(planning, repairer)
    generous = most_generous(encoding)
    if frugal is not None:
        yield frugal
        yield compromise(encoding, frugal, generous)
    yield generous
    yield compromise(encoding, encoding.today, generous)
    for pathway in planning.instance.pathways:
        yield favouring(planning, pathway.pathway)
    for resource in planning.instance.resources:
        rows = [n for n, row in enumerate(planning.instance.capacities) if row.resource == resource.resource]
        for limit in (encoding.low, encoding.high):
            yield resized(encoding, encoding.shares + np.array(rows, dtype=np.int64), limit)


def resized(encoding: Encoding, genes_of_resource: Genes, limit: Genes) -> Genes:
    """Return today with some capacities half way to a limit."""
    genes = encoding.today.copy()
    middle = (genes[genes_of_resource] + limit[genes_of_resource]) / 2.0
    genes[genes_of_resource] = np.where(
        limit[genes_of_resource] < genes[genes_of_resource], np.floor(middle), np.ceil(middle)
    )
    return genes


def most_frugal(planning: Planning, repairer: Repairer) -> Genes | None:
    """Return the plan that costs all payers and providers least in the fluid model, if there is a plan."""
    found = repairer.frugal(lambda contract: spending_terms(planning, contract))
    return None if isinstance(found, Infeasible) else planning.encoding.genes(found[0])


def spending_terms(planning: Planning, contract: str) -> dict[Term, float]:
    """Return what all payers pay and all providers bear a year, investment included, as a linear expression."""
    return combined(*(money_terms(money) for money in _all_money(planning, contract)))


def spending(planning: Planning, configuration: Configuration) -> float:
    """Return what all payers pay and all providers bear a year under a configuration."""
    state = state_of(planning, configuration)
    return sum(spent(money, planning, state) for money in _all_money(planning, configuration.contract))


def _all_money(planning: Planning, contract: str) -> tuple[Money, Money, Money]:
    everywhere = tuple(range(len(planning.territories)))
    return (
        planning.paid("", everywhere, contract),
        planning.operated("", everywhere),
        planning.invested("", everywhere),
    )


def most_generous(encoding: Encoding) -> Genes:
    """Return today's mixes with every capacity at its authorised most."""
    genes = encoding.today.copy()
    genes[encoding.shares : encoding.decided] = encoding.high[encoding.shares : encoding.decided]
    return genes


def compromise(encoding: Encoding, first: Genes, second: Genes) -> Genes:
    """Return the middle of two configurations, with the first one's contract."""
    middle = (first[: encoding.decided] + second[: encoding.decided]) / 2.0
    return np.append(on_steps(encoding, middle), first[-1])


def favouring(planning: Planning, pathway: str) -> Genes:
    """Return today's capacities with one pathway at its greatest share wherever it is offered."""
    encoding = planning.encoding
    wanted = encoding.today[: encoding.decided].astype(np.float64)
    for cell in planning.cells_of("", pathway, tuple(range(len(planning.territories)))):
        others = np.flatnonzero(encoding.group == encoding.group[cell])
        wanted[others] = encoding.low[others]
        wanted[cell] = encoding.high[cell]
    return np.append(on_steps(encoding, wanted), encoding.today[-1])


def sampled(encoding: Encoding, random: np.random.Generator) -> Iterator[Genes]:
    """Yield a scrambled Sobol sample: each point lies somewhere on the line from today to a point drawn anywhere."""
    from scipy.stats import qmc  # slow to import, and only searches need it

    sampler = qmc.Sobol(encoding.decided + 2, scramble=True, rng=random)
    while True:
        for point in sampler.random(SAMPLED_AT_ONCE):
            yield _proposal(encoding, point)


def anywhere(encoding: Encoding, random: np.random.Generator) -> Iterator[Genes]:
    """Yield proposals drawn evenly between all bounds, mixes evenly among those that sum to one."""
    while True:
        point = random.random(encoding.decided + 2)
        point[-2] = 1.0
        yield _proposal(encoding, point)


def _proposal(encoding: Encoding, point: Floats) -> Genes:
    low, high = encoding.low[: encoding.decided], encoding.high[: encoding.decided]
    wanted = low + point[: encoding.decided] * (high - low)
    for group in range(int(encoding.group.max(initial=-1)) + 1):
        cells = np.flatnonzero(encoding.group == group)
        weights = -np.log1p(-point[cells]) + 1e-12
        room = (high - low)[cells] > 0
        if room.any():
            weights = np.where(room, weights, 0.0)
            wanted[cells] = low[cells] - low[cells].sum() * weights / weights.sum()
    today = encoding.today[: encoding.decided]
    scaled = today + point[-2] * (wanted - today)
    contract = min(int(point[-1] * (encoding.high[-1] + 1)), int(encoding.high[-1]))
    return np.append(on_steps(encoding, scaled), contract)


def on_steps(encoding: Encoding, wanted: Floats) -> Genes:
    """Return whole steps near the wanted ones, within bounds, shares still summing to one (largest remainders).

    Groups whose cells differ in step size are only rounded; repair sets their sum right.
    """
    low, high = encoding.low[: encoding.decided], encoding.high[: encoding.decided]
    genes = np.clip(np.rint(wanted), low, high).astype(np.int64)
    for group in range(int(encoding.group.max(initial=-1)) + 1):
        cells = np.flatnonzero(encoding.group == group)
        if np.ptp(encoding.size[cells]) == 0.0:
            genes[cells] = balanced(wanted[cells], low[cells], high[cells])
    return genes


def balanced(wanted: Floats, low: Genes, high: Genes) -> Genes:
    """Return whole steps within bounds that sum to zero, near the wanted ones; nearest zero where none do."""
    steps = np.clip(np.rint(wanted), low, high).astype(np.int64)
    while (total := int(steps.sum())) != 0:
        direction = -1 if total > 0 else 1
        open_ = (steps < high) if direction > 0 else (steps > low)
        if not open_.any():
            break
        gap = np.where(open_, direction * (wanted - steps), -np.inf)
        steps[int(np.argmax(gap))] += direction
    return steps
