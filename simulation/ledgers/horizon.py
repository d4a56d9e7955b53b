"""Horizon credit: what those alive at the horizon still have before them, in QALYs and production cost.

Without it a plan that keeps people alive bears their care inside the window and is never thanked for the years it
gave them, and one that lets people die just before the horizon saves money. Everyone alive is credited with what the
fluid model expects of a person of that territory, profile and step under today's mixes, the same for all plans,
discounted from the horizon to time 0. Effects only: budgets and solvency use the window alone.

The plan ends at the horizon: who stands in an anchor step then, where orientation is revisited, is worth the mean over
today's mix for that territory and profile, whatever pathway the plan had put them in. So a plan is credited with the
states people reached, and neither for naming a pathway (a box that no one could serve) nor for its cost to come.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from instances.instance import Instance
from simulation.configuration import offer_cells
from simulation.economics import discount_factor
from simulation.flat_model import FlatModel
from simulation.ledgers.chart import Chart, FloatArray, IntArray
from simulation.ledgers.replay import CENSUS, FINAL, Tally

BEYOND_QALY, BEYOND_COST = range(2)


class Remaining(Protocol):
    """What one person alive in (territory, profile, step) at the horizon has before them, discounted to it."""

    @property
    def qaly(self) -> FloatArray:
        """QALYs [Z, P, S]; exits 0."""

    @property
    def cost(self) -> FloatArray:
        """Production cost, relatives included [Z, P, S]; exits 0."""


Valuation = Callable[[Instance], Remaining]


def fluid_valuation(instance: Instance, model: FlatModel | None = None) -> Remaining:
    """Return what the fluid model expects of those alive at the horizon; `model`: a flat model of the instance."""
    from simulation.fluid import remaining_value  # brings sparse solvers, which a run that drains does without

    return remaining_value(instance, model)


@dataclass(frozen=True)
class HorizonCredit:
    """The worth of those present at the horizon, discounted to time 0, one person each."""

    step_pathway: IntArray  # [S]
    inside: FloatArray  # [Z, P, S, 2] of who is in a step
    outside: FloatArray  # [Z, P, W, 2] of who waits for the first step of a pathway

    @classmethod
    def of(cls, chart: Chart, remaining: Remaining) -> "HorizonCredit":
        """Return the credit of the territories of a chart, from what a person of the instance has before them."""
        rate = chart.instance.settings.economics.discount_rate
        factor = discount_factor(rate, chart.run / chart.per_year)
        own = list(chart.territories)
        inside = factor * np.stack([remaining.qaly[own], remaining.cost[own]], axis=-1)
        first = {row.pathway: row.entry for row in chart.instance.expanded.pathways}
        entries = [chart.steps[pathway, first[pathway]] for pathway in chart.pathways]
        outside = inside[:, :, entries]
        mix = _todays_mix(chart)
        oriented = np.einsum("zpw,zpwv->zpv", mix, outside)[:, :, None]
        offered = (mix.sum(axis=2) > 0.0)[:, :, None, None]
        revisited = np.array([[row.anchor for row in rows] for rows in chart.step_rows]).T[None, :, :, None]
        return cls(
            chart.step_pathway, np.where(offered & revisited, oriented, inside), np.where(offered, oriented, outside)
        )

    def of_survivors(self, tally: Tally) -> FloatArray:
        """Return QALYs and cost before everyone alive at the horizon [Z, P, W, 2], in the pathway they are in then."""
        census = tally.visits[..., CENSUS]
        pathways = self.outside.shape[2]
        credit = np.zeros(self.outside.shape)
        in_steps = np.zeros(self.outside.shape[:3])
        for w in range(pathways):
            own = self.step_pathway == w
            in_steps[:, :, w] = census[:, :, own].sum(axis=2)
            credit[:, :, w] = np.einsum("zps,zpsv->zpv", census[:, :, own], self.inside[:, :, own])
        waiting = tally.persons[..., FINAL] - in_steps
        result: FloatArray = credit + waiting[..., None] * self.outside
        return result


def _todays_mix(chart: Chart) -> FloatArray:
    """Return each pathway's share today, refusers in their fallback [Z, P, W]; 0 where none is offered."""
    mix = np.zeros((len(chart.zones), len(chart.profiles), len(chart.pathways)))
    for cell in offer_cells(chart.instance):
        if cell.zone not in chart.zones:
            continue
        place = chart.zones[cell.zone], chart.profiles[cell.profile]
        refused = cell.current * (1.0 - cell.acceptance) if cell.fallback else 0.0
        mix[*place, chart.pathways[cell.pathway]] += cell.current - refused
        if refused:
            mix[*place, chart.pathways[cell.fallback]] += refused
    return mix / np.where(mix.sum(axis=2, keepdims=True) > 0.0, mix.sum(axis=2, keepdims=True), 1.0)
