"""What everybody lives through under one mix, added up by cell: runs of the chain inverted at the end of their time."""

from collections.abc import Sequence
from typing import Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from simulation.fluid.blocks import Solution
from simulation.fluid.inversion import Contour
from simulation.fluid.landings import Landings, Origin
from simulation.fluid.orientation import Mix, moved
from simulation.fluid.population import distinct
from simulation.fluid.stock import Group, Resumed, Stock

Floats = NDArray[np.float64]
Complexes = NDArray[np.complex128]
Ints = NDArray[np.int64]
Pair = tuple[int, int]
Key = TypeVar("Key")


class Model(Protocol):
    """What totals ask of the fluid model."""

    rollout: float

    def landings(self, mix: Mix) -> Landings:
        """Return the landings of a mix."""

    def solution(self, time: float) -> tuple[Contour, Solution]:
        """Return the contour of a time and the blocks solved at its points."""

    def gains(self) -> tuple[csr_matrix, csr_matrix, csr_matrix]:
        """Return columns per time unit in a state, per stay ended, and of lines of lumps."""


class Totals:
    """Columns and lines of lumps by (profile, pathway) and territory, and how many were oriented."""

    def __init__(self, model: Model, mixes: Sequence[Mix], reference: Sequence[Mix]) -> None:
        """Begin with nothing.

        mixes: of each territory; reference: those by whose shares cells will be multiplied, so that people of the stock
        whose pathway has no share there count with everybody of their profile.
        """
        self._taken = [mix.taken for mix in reference]
        self._model = model
        self._mixes = mixes
        kinds, which = distinct(tuple(mixes))
        self._kinds = [
            (mix, model.landings(mix), [zone for zone, kind in enumerate(which) if kind == number])
            for number, mix in enumerate(kinds)
        ]
        self.starts = np.zeros((len(mixes), mixes[0].share.shape[0]))
        self._columns: dict[Pair, Floats] = {}
        self._everyone: dict[int, Floats] = {}
        self._lines: dict[tuple[Pair, int], Floats] = {}

    def of_cell(self, zone: int, profile: int, pathway: int, lines: csr_matrix) -> Floats:
        """Return the columns of one cell."""
        found = np.zeros(lines.shape[1])
        columns = self._columns.get((profile, pathway))
        if columns is not None:
            found[: columns.shape[1]] += columns[zone]
        for (cell, line), counts in self._lines.items():
            if cell == (profile, pathway) and counts[zone] != 0.0:
                found += counts[zone] * lines[line].toarray()[0]
        return found

    def of_all(self, zone: int, profile: int, lines: csr_matrix) -> Floats:
        """Return the columns of people present at time 0 with a profile whom no mix has a say in."""
        found = np.zeros(lines.shape[1])
        columns = self._everyone.get(profile)
        if columns is not None:
            found[: columns.shape[1]] += columns[zone]
        return found

    def of_territory(self, zone: int, lines: csr_matrix) -> Floats:
        """Return the columns of everybody in a territory."""
        found = np.zeros(lines.shape[1])
        for columns in (*self._columns.values(), *self._everyone.values()):
            found[: columns.shape[1]] += columns[zone]
        counts = np.zeros(lines.shape[0])
        for (_, line), numbers in self._lines.items():
            counts[line] += numbers[zone]
        return np.asarray(found + lines.T @ counts)

    def add(
        self,
        time: float,
        coming: Complexes,
        *,
        sign: float = 1.0,
        stock: Stock | None = None,
        going: Sequence[Resumed] = (),
        before: Sequence[Mix] = (),
    ) -> None:
        """Add (or take off) what happens in a time to those who come [point, territory, profile], and to a stock.

        going: what becomes of the stock until the next port; before: the mixes under which it made its choices.
        """
        grid, solution = self._model.solution(time)
        if stock is not None:
            self.starts += stock.by_profile(self.starts.shape[1])
        for mix, landings, zones in self._kinds:
            run = Run(landings, len(grid.points), len(zones))
            run.come(coming[:, zones])
            if stock is not None:
                self._resume(run, grid, stock, going, zones, before[zones[0]], mix)
            self._absorb(run, grid, solution, zones, sign)

    def _absorb(self, run: "Run", grid: Contour, solution: Solution, zones: list[int], sign: float) -> None:
        landings = run.landings
        landed, counted = landings.solve(solution, run.landed())
        using = landings.using(solution)
        cells: dict[Pair, list[int]] = {}
        for number, start in enumerate(landings.starts):
            cells.setdefault((start.profile, start.pathway), []).append(number)
        for cell, numbers in cells.items():
            used = landed[:, numbers].transpose(0, 2, 1) @ using[:, numbers]
            self._put(self._columns, cell, zones, sign * grid.total(used))
        counts = sign * grid.total(counted + run.counted())
        for count, numbers in zip(landings.counts, counts, strict=True):
            line = self._lines.setdefault(((count.profile, count.pathway), count.line), np.zeros(len(self._mixes)))
            line[zones] += numbers
            if count.anew:
                self.starts[zones, count.profile] += numbers

    def _put(self, where: dict[Key, Floats], key: Key, zones: list[int], values: Floats) -> None:
        found = where.setdefault(key, np.zeros((len(self._mixes), values.shape[1])))
        if found.shape[1] < values.shape[1]:
            found = where[key] = np.pad(found, ((0, 0), (0, values.shape[1] - found.shape[1])))
        found[zones] += values

    # Those present at time 0.

    def _resume(
        self, run: "Run", grid: Contour, stock: Stock, going: Sequence[Resumed], zones: list[int], before: Mix, mix: Mix
    ) -> None:
        """Let the people present go on under a mix; who stands in an anchor step and chooses anew moves at rollout."""
        per_time, _, _ = self._model.gains()
        changes = {profile: moved(before, mix, profile) for profile in {each.group.profile for each in going}}
        leaving = self._rollout(grid.points)
        waiting = float(grid.total((1.0 - leaving) / grid.points))
        for each in going:
            group, changed = each.group, changes[each.group.profile]
            kept, values = 1.0, each.columns[zones]
            if group.is_anchored:
                kept = float(changed[group.pathway, group.pathway])
                values = kept * values
                if kept < 1.0:
                    present = stock.present[zones][:, each.members]
                    self._redirect(run, stock, each.members, present, group, changed, leaving)
                    values = values + (1.0 - kept) * waiting * (present @ per_time[each.members].toarray())
            own = np.array(
                [group.pathway >= 0 and self._taken[zone][group.profile, group.pathway] > 0.0 for zone in zones]
            )
            self._put(self._columns, (group.profile, group.pathway), zones, values * own[:, None])
            self._put(self._everyone, group.profile, zones, values * ~own[:, None])
            self._reorient(run, group, changed, each.ports, kept * each.reaching[:, zones])

    def _rollout(self, points: Complexes) -> Complexes:
        """Return the transform of the time it takes to follow a new mix, uniform over the rollout."""
        width = self._model.rollout * points
        return np.asarray(-np.expm1(-width) / width) if self._model.rollout > 0.0 else np.ones_like(points)

    def _redirect(
        self,
        run: "Run",
        stock: Stock,
        members: Ints,
        present: Floats,
        group: Group,
        changed: Floats,
        leaving: Complexes,
    ) -> None:
        for pathway in np.flatnonzero(changed[group.pathway]).tolist():
            if pathway == group.pathway:
                continue
            for label, chance in run.landings.choice.given(group.profile, pathway):
                weight = chance * float(changed[group.pathway, pathway])
                for place, state in enumerate(members.tolist()):
                    memory = stock.chain.states[state].memory
                    found = run.landings.redirected(Origin(label, group.profile, pathway), memory)
                    run.put(found, leaving[:, None] * (weight * present[:, place]))

    def _reorient(self, run: "Run", group: Group, changed: Floats, ports: Ints, reaching: Complexes) -> None:
        """Send those who come to ports on, by what they chose before."""
        choice = run.landings.choice
        if group.pathway < 0 or group.is_anchored:
            chosen = [(group.pathway, 1.0)]
        else:
            row = changed[group.pathway].tolist()
            chosen = [(pathway, part) for pathway, part in enumerate(row) if part > 0.0]
        labels = [
            (Origin(label, group.profile, pathway), part * chance)
            for pathway, part in chosen
            for label, chance in choice.given(group.profile, pathway)
        ]
        for place, port in enumerate(ports.tolist()):
            for origin, chance in labels:
                run.put(run.landings.onward(origin, port), chance * reaching[:, :, place])


class Run:
    """People who land under one mix for the first time in a run, and what is counted then [point, territory]."""

    def __init__(self, landings: Landings, points: int, zones: int) -> None:
        self.landings = landings
        self._shape = (points, zones)
        self._landed: dict[int, Complexes] = {}
        self._counted: dict[int, Complexes] = {}

    def come(self, coming: Complexes) -> None:
        """Orient those who come [point, territory, profile] for the first time."""
        for profile, found in self.landings.first.items():
            if coming[:, :, profile].any():
                self.put(found, coming[:, :, profile])

    def put(self, found: tuple[list[tuple[int, float]], list[tuple[int, float]]], people: Complexes) -> None:
        """Add people [point, territory] who land and are counted with the chances found."""
        for store, entries in ((self._landed, found[0]), (self._counted, found[1])):
            for number, chance in entries:
                if number not in store:
                    store[number] = np.zeros(self._shape, dtype=np.complex128)
                store[number] += chance * people

    def landed(self) -> Complexes:
        """Return the first landings [point, start, territory], all landings that may follow being known."""
        self.landings.complete()
        return self._gathered(self._landed, len(self.landings.starts))

    def counted(self) -> Complexes:
        """Return the first counts [point, count, territory]."""
        return self._gathered(self._counted, len(self.landings.counts))

    def _gathered(self, store: dict[int, Complexes], count: int) -> Complexes:
        found = np.zeros((self._shape[0], count, self._shape[1]), dtype=np.complex128)
        for number, people in store.items():
            found[:, number] = people
        return found
