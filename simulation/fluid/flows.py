"""Expected flows over the run, by territory, profile and pathway, without simulation (see FLUID.md).

The front door of the fluid model: builds the chain of an instance once, and under any mix gives what people of each
profile and pathway live through, use, pay and cost from time 0 to the end of the run.
"""

from collections.abc import Sequence
from functools import cached_property
from math import exp

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from instances.instance import Instance
from simulation.configuration import Configuration
from simulation.economics import force_of_interest
from simulation.flat_model import FlatModel
from simulation.fluid.blocks import Blocks, Solution
from simulation.fluid.chain import Chain
from simulation.fluid.columns import Ledger, table
from simulation.fluid.flow_tables import Cell, FluidFlows, ProfileFlows, profile_flows, unpacked
from simulation.fluid.inversion import Contour, contour
from simulation.fluid.kernel import kernel
from simulation.fluid.landings import Landings
from simulation.fluid.laws import DurationLaw, mean_of
from simulation.fluid.lumps import Lumps
from simulation.fluid.orientation import Mix, tried
from simulation.fluid.population import Population, choices_of, distinct
from simulation.fluid.sources import arriving, census, founding
from simulation.fluid.stock import Resumed, Stock, at_rest, resumed, territory_batches
from simulation.fluid.totals import Run, Totals
from simulation.streams import Law

Floats = NDArray[np.float64]
Complexes = NDArray[np.complex128]
Ints = NDArray[np.int64]

_ROUGH_PART = 0.01
"""A law with a sharp edge (fixed, uniform, triangular, normal) longer than this part of the run takes more points."""
_NOBODY = 1e-9
"""Fewer people than this are expected: the census then arrives at time 0."""
TRIAL_SHARE = 0.001
"""Share under which the flows of a pathway that nobody of a profile takes are worked out."""
_SHARP = (Law.FIXED, Law.UNIFORM, Law.TRIANGULAR, Law.NORMAL)


def fluid_flows(instance: Instance, reference: Configuration | None = None) -> FluidFlows:
    """Return the flows, those after a profile change following the reference shares (today's when none are given)."""
    return FluidModel(instance).flows(reference)


class FluidModel:
    """The chain of an instance, built once; `flows` puts a mix in."""

    def __init__(
        self,
        instance: Instance,
        model: FlatModel | None = None,
        *,
        discounted: bool = False,
        by_profile: bool = False,
    ) -> None:
        """Build the chain.

        model: a flat model of the instance, where there is one already; discounted: all flows count less the later
        they are, as in the accounts (to time 0, at economics.discount_rate); by_profile: for `flows_by_profile`.
        """
        self.instance = instance
        yearly = force_of_interest(instance.settings.economics.discount_rate) if discounted else 0.0
        self._by_profile = by_profile
        self.force = yearly / instance.settings.time_units_per_year
        self.people = Population.of(instance, model)
        self.horizon = instance.settings.horizon
        self.rollout = self.horizon.rollout
        coming = [profile for profile, pathways in enumerate(self.people.offered) if pathways]
        self.chain = Chain(self.people.story, self.people.offered, coming)
        self.coming = coming
        self.still = at_rest(self.chain)
        self.blocks = Blocks(self.chain, _landing_states(self.chain, coming))
        self.ledger = Ledger(instance, self.people.story, by_profile=by_profile)
        self.lumps = Lumps(self.ledger, self.people.story)
        self.by_rate, self.by_end = self.chain.lines(self.lumps)
        self._living = [self.ledger.living(state) for state in self.chain.states]
        self._landings: dict[bytes, Landings] = {}
        self._solutions: dict[float, tuple[Contour, Solution]] = {}

    def landings(self, mix: Mix) -> Landings:
        """Return the landings of a mix."""
        if mix.key not in self._landings:
            self._landings[mix.key] = Landings(self.blocks, choices_of(mix), self.lumps, self.coming)
        return self._landings[mix.key]

    def gains(self) -> tuple[csr_matrix, csr_matrix, csr_matrix]:
        """Return columns per time unit in a state, per stay ended [state, column], and of lines [line, column]."""
        width = len(self.ledger.columns)
        lines = table(self.lumps.lines, width)
        return (
            (table(self._living, width) + _wide(self.by_rate, lines.shape[0]) @ lines).tocsr(),
            (_wide(self.by_end, lines.shape[0]) @ lines).tocsr(),
            lines,
        )

    @cached_property
    def is_rough(self) -> bool:
        """Whether some stay has a sharp end that a smooth inversion would not see."""
        least = _ROUGH_PART * self.horizon.run
        return any(_longest(law) > least for law in set(self.chain.laws) if law.law in _SHARP)

    def solution(self, time: float) -> tuple[Contour, Solution]:
        """Return the contour of a time and the blocks solved at its points."""
        if time not in self._solutions:
            per_time, per_end, _ = self.gains()
            self._solutions[time] = self._solved(time, per_time, per_end, self.force)
        return self._solutions[time]

    def _solved(self, time: float, per_time: csr_matrix, per_end: csr_matrix, force: float) -> tuple[Contour, Solution]:
        grid = contour(time, rough=self.is_rough, coarse=not self._can_be_exact, force=force)
        return grid, Solution(self.blocks, kernel(self.chain, grid.points), per_time, per_end)

    @cached_property
    def _can_be_exact(self) -> bool:
        """Whether nobody is steered at time 0, so that the flows under today's mix are the chain's own."""
        return self.horizon.warm_up <= 0.0 or bool(np.isnan(census(self.instance)).all())

    def flows(self, reference: Configuration | None = None) -> FluidFlows:
        """Return the flows under a mix, today's when none is given; the warm-up is always today's."""
        chosen = self.people.mixes(reference or self.people.today)
        totals = self._totals(chosen, chosen)
        trial = self._tried(chosen)
        same = all(one.key == other.key for one, other in zip(chosen, trial, strict=True))
        return self._unpacked(chosen, totals, trial, totals if same else self._totals(trial, chosen))

    def flows_by_profile(self, reference: Configuration | None = None) -> ProfileFlows:
        """Return what people of each profile live through in each territory; for a model told to keep them apart."""
        if not self._by_profile:
            raise ValueError("this fluid model does not tell profiles apart: build it with by_profile=True")
        chosen = self.people.mixes(reference or self.people.today)
        totals = self._totals(chosen, chosen)
        lines = table(self.lumps.lines, len(self.ledger.columns))
        rows = np.stack([totals.of_territory(zone, lines) for zone in range(len(self.people.zones))])
        return profile_flows(self.instance, self.people.story.steps, self.ledger.columns, rows)

    def _totals(self, chosen: tuple[Mix, ...], reference: tuple[Mix, ...]) -> Totals:
        """Return what everybody lives through from time 0 to the end of the run under the mixes of the territories."""
        warm_up, run = self.horizon.warm_up, self.horizon.run
        today = self.people.mixes(self.people.today)
        totals = Totals(self, chosen, reference)
        wanted = census(self.instance)
        kept_on = all(one.key == other.key for one, other in zip(chosen, today, strict=True))
        if warm_up <= 0.0:
            totals.add(run, self._arriving(run, 0.0, np.nan_to_num(wanted)))
        elif kept_on and np.isnan(wanted).all():
            later = exp(self.force * warm_up)  # time counts from the warm-up's start there, discounting from time 0
            totals.add(warm_up + run, self._arriving(warm_up + run, -warm_up, None), sign=later)
            totals.add(warm_up, self._arriving(warm_up, -warm_up, None), sign=-later)
        else:
            totals.add(
                run,
                self._arriving(run, 0.0, self._missing),
                stock=self._steered,
                going=self._resumed,
                before=today,
            )
        return totals

    @cached_property
    def _missing(self) -> Floats:
        """Those of the census who arrive at time 0, as nobody is expected to be there [territory, profile]."""
        wanted, present = census(self.instance), self._stock.by_profile(len(self.people.profiles))
        return np.where(~np.isnan(wanted) & (present < _NOBODY), np.nan_to_num(wanted), 0.0)

    @cached_property
    def _steered(self) -> Stock:
        """Those expected to be present at time 0, once the census has steered."""
        wanted, present = census(self.instance), self._stock.by_profile(len(self.people.profiles))
        steered = ~np.isnan(wanted) & (present >= _NOBODY)
        return self._stock.scaled(np.divide(wanted, present, out=np.ones_like(present), where=steered))

    @cached_property
    def _resumed(self) -> list[Resumed]:
        """What becomes of those present at time 0 until their next port."""
        grid, solution = self.solution(self.horizon.run)
        per_time, per_end, _ = self.gains()
        return resumed(self._steered, self.still, grid, solution, per_time, per_end)

    def _arriving(self, time: float, begin: float, present: Floats | None) -> Complexes:
        """Return the transform [point, territory, profile] of those who come from `begin` on."""
        points = self.solution(time)[0].points
        if present is None:
            return arriving(self.instance, begin, points) + founding(self.instance, points)
        return arriving(self.instance, begin, points) + present

    @cached_property
    def _stock(self) -> Stock:
        """Those expected at the end of the warm-up under today's mix, before the census steers."""
        warm_up = self.horizon.warm_up
        today = self.people.mixes(self.people.today)
        nothing = csr_matrix((len(self.chain.states), 0))
        grid, solution = self._solved(warm_up, nothing, nothing, 0.0)  # where people stand counts, not what they used
        coming = arriving(self.instance, -warm_up, grid.points) + founding(self.instance, grid.points)
        inflow = np.zeros((len(grid.points), len(today), len(self.chain.states)), dtype=np.complex128)
        kinds, which = distinct(today)
        for number, mix in enumerate(kinds):
            zones = [zone for zone, kind in enumerate(which) if kind == number]
            landings = self.landings(mix)
            run = Run(landings, len(grid.points), len(zones))
            run.come(coming[:, zones])
            landed, _ = landings.solve(solution, run.landed())
            for place, start in enumerate(landings.starts):
                inflow[:, zones, start.state] += landed[:, place]
        present = [
            grid.invert(solution.occupied(inflow[:, batch])[0]) for batch in territory_batches(len(self.people.zones))
        ]
        taken = np.any([mix.taken > 0.0 for mix in today], axis=0)
        pathways = [set(np.flatnonzero(row).tolist()) for row in taken]
        return Stock(self.chain, np.maximum(np.concatenate(present), 0.0), pathways)

    def _tried(self, chosen: tuple[Mix, ...]) -> tuple[Mix, ...]:
        """Return mixes in which every pathway with an offer is taken by some."""
        return tuple(tried(mix, own, TRIAL_SHARE) for mix, own in zip(chosen, self._offered_here, strict=True))

    @cached_property
    def _offered_here(self) -> list[list[list[int]]]:
        """Return the pathways with an offer, by territory and profile."""
        found: list[list[list[int]]] = [[[] for _ in self.people.profiles] for _ in self.people.zones]
        for cell in self.people.cells:
            zone, profile = self.people.zones.index(cell.zone), self.people.profiles.index(cell.profile)
            found[zone][profile].append(self.people.pathways.index(cell.pathway))
        return found

    def _unpacked(self, chosen: tuple[Mix, ...], totals: Totals, trial: tuple[Mix, ...], tries: Totals) -> FluidFlows:
        cells, acceptance = accepted_cells(self.people)
        taken = [mix.taken for mix in chosen]
        reference = np.array([taken[zone][profile, pathway] for zone, profile, pathway in cells])
        width = len(self.ledger.columns)
        lines = table(self.lumps.lines, width)
        rows = np.zeros((len(cells), width))
        for number, (zone, profile, pathway) in enumerate(cells):
            if reference[number] > 0.0:
                rows[number] = totals.of_cell(zone, profile, pathway, lines) / reference[number]
            elif (part := trial[zone].taken[profile, pathway]) > 0.0:
                rows[number] = tries.of_cell(zone, profile, pathway, lines) / part
            rows[number] += totals.of_all(zone, profile, lines)
        return FluidFlows(
            cells=cells,
            starts=totals.starts,
            acceptance=acceptance,
            reference=reference,
            **unpacked(self.instance, self.people.story.steps, self.ledger.columns, rows),
        )


def accepted_cells(people: Population) -> tuple[tuple[Cell, ...], csr_matrix]:
    """Return every cell people can end in, and which part of each offer ends there."""
    index = [
        (people.zones.index(cell.zone), people.profiles.index(cell.profile), people.pathways.index(cell.pathway))
        for cell in people.cells
    ]
    found: dict[Cell, int] = {place: number for number, place in enumerate(index)}
    ends: list[tuple[int, int, float]] = []
    for number, (cell, (zone, profile, _)) in enumerate(zip(people.cells, index, strict=True)):
        refused = 1.0 - cell.acceptance if cell.fallback else 0.0
        ends.append((number, number, 1.0 - refused))
        if refused > 0.0:
            fallback = found.setdefault((zone, profile, people.pathways.index(cell.fallback)), len(found))
            ends.append((fallback, number, refused))
    entries = np.array(ends, dtype=np.float64).reshape(-1, 3)
    places = entries[:, :2].T.astype(np.int64)
    return tuple(found), csr_matrix((entries[:, 2], places), shape=(len(found), len(people.cells)))


def _landing_states(chain: Chain, coming: Sequence[int]) -> Ints:
    """Return the states that people may begin in after an orientation."""
    story, found = chain.story, set[int]()
    for profile in coming:
        for pathway in chain.offered[profile]:
            for memory in range(story.memories):
                outcomes = story.enter(story.entry[pathway], profile, memory).outcomes
                found.update(chain.number[state] for _, state in outcomes if state in chain.number)
    for port in chain.ports:
        for pathway in chain.offered[port.profile] or (-1,):
            found.update(chain.number[state] for _, state in story.land(port, pathway).outcomes)
    return np.array(sorted(found), dtype=np.int64)


def _longest(law: DurationLaw) -> float:
    """Return where the sharp edge of a law stands."""
    match law.law:
        case Law.UNIFORM:
            return law.b
        case Law.TRIANGULAR:
            return law.c
        case _:
            return mean_of(law)


def _wide(matrix: csr_matrix, width: int) -> csr_matrix:
    """Return a matrix with columns of zeros up to a width: lines of lumps made since."""
    return csr_matrix((matrix.data, matrix.indices, matrix.indptr), shape=(matrix.shape[0], width))
