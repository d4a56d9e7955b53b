"""The chain as matrices: states found by following all who can come, their rates and ends, and blocks to solve by."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import connected_components

from simulation.fluid.laws import DurationLaw
from simulation.fluid.lumps import Lumps
from simulation.fluid.states import Landing, Port, State, Story

Floats = NDArray[np.float64]
Complexes = NDArray[np.complex128]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Transition:
    """One way out of a state, as the chain's columns need it: where from, how, and what is entered."""

    origin: int
    amount: float
    at_end: bool
    port: int
    landing: Landing | None


@dataclass(frozen=True)
class Cluster:
    """States of one stay whose length is not memoryless, and the changes among them while it runs on."""

    members: Ints
    law: DurationLaw
    changes: Floats
    """[member, member] generator: rates of changes, less all rates of leaving on the diagonal."""


@dataclass
class _Found:
    states: list[State] = field(default_factory=list)
    number: dict[State, int] = field(default_factory=dict)
    ports: list[Port] = field(default_factory=list)
    port_number: dict[Port, int] = field(default_factory=dict)
    transitions: list[Transition] = field(default_factory=list)


class Chain:
    """States, ports, and what leads from one to another per time unit (rates) or at the end of a stay (ends)."""

    def __init__(
        self, story: Story, offered: Sequence[Sequence[int]], profiles: Iterable[int], *, breaks: bool = False
    ) -> None:
        """Follow everybody who comes with one of `profiles`; `offered`: the pathways of each profile.

        breaks: also whoever goes where a broken wait leads, though nobody waits here.
        """
        self.story = story
        self.offered = offered
        self._breaks = breaks
        found = _Found()
        self._follow(found, profiles)
        self.states = found.states
        self.number = found.number
        self.ports = found.ports
        self.port_number = found.port_number
        self.transitions = found.transitions
        self.laws = [story.law(state) for state in self.states]
        self._matrices()

    def _follow(self, found: _Found, profiles: Iterable[int]) -> None:
        pending: list[State] = []

        def known(landing: Landing) -> None:
            for _, state in landing.outcomes:
                if state not in found.number:
                    found.number[state] = len(found.states)
                    found.states.append(state)
                    pending.append(state)
                    broken = self.story.context(state.step, state.owner).on_break
                    if self._breaks and broken >= 0 and not self.story.anchor[broken]:
                        known(self.story.enter(broken, state.profile, state.memory))

        for profile in profiles:
            for pathway in self.offered[profile]:
                known(self.story.enter(self.story.entry[pathway], profile, 0))
        while pending:
            state = pending.pop()
            origin = found.number[state]
            if self.story.anchor[state.step]:  # a new mix may send them to any pathway from here
                for pathway in self.offered[state.profile]:
                    known(self.story.enter(self.story.entry[pathway], state.profile, state.memory))
            for flow in self.story.flows(state):
                port = -1
                if flow.port is not None:
                    if flow.port not in found.port_number:
                        found.port_number[flow.port] = len(found.ports)
                        found.ports.append(flow.port)
                        for pathway in self.offered[flow.port.profile] or [-1]:
                            known(self.story.land(flow.port, pathway))
                    port = found.port_number[flow.port]
                elif flow.landing is not None:
                    known(flow.landing)
                found.transitions.append(Transition(origin, flow.rate, flow.at_end, port, flow.landing))

    def _matrices(self) -> None:
        """Fill rates and ends [state, state + port], the total rate of leaving [state], and the clusters."""
        size = len(self.states)
        memoryless = np.array([law.is_memoryless for law in self.laws], dtype=np.bool_)
        rates: list[tuple[int, int, float]] = []
        ends: list[tuple[int, int, float]] = []
        inside: list[tuple[int, int, float]] = []
        leaving = np.zeros(size)
        for way in self.transitions:
            amount = way.amount
            ending = way.at_end and not memoryless[way.origin]
            if way.at_end and not ending:
                amount /= self.laws[way.origin].a
            if not ending:
                leaving[way.origin] += amount
            target = ends if ending else rates
            if way.port >= 0:
                target.append((way.origin, size + way.port, amount))
            elif way.landing is not None:
                if not ending and not way.landing.passed and not memoryless[way.origin]:
                    target = inside
                target += [(way.origin, self.number[state], amount * part) for part, state in way.landing.outcomes]
        shape = (size, size + len(self.ports))
        self.memoryless, self.leaving = memoryless, leaving
        self.rates, self.ends = _sparse(rates, shape), _sparse(ends, shape)
        self.inside = _sparse(inside, (size, size))
        self.clusters = self._clusters(self.inside)

    def hosts(self, taken: Sequence[Collection[int]]) -> dict[tuple[int, int], int]:
        """Return the pathway that somebody in (step, profile) was last oriented to, where there is but one it can be.

        taken: the pathways by profile that orientation leads to.
        """
        story = self.story
        before: dict[int, set[int]] = {}
        for way in self.transitions:
            if way.landing is not None:
                origin = story.pathway[self.states[way.origin].step]
                for _, state in way.landing.outcomes:
                    if story.pathway[state.step] != origin:
                        before.setdefault(story.pathway[state.step], set()).add(origin)
        found: dict[tuple[int, int], int] = {}
        for step, profile in {(state.step, state.profile) for state in self.states}:
            offered = taken[profile]
            seen, pending = set[int](), [story.pathway[step]]
            while pending:
                pathway = pending.pop()
                if pathway not in seen:
                    seen.add(pathway)
                    if pathway not in offered:
                        pending += before.get(pathway, ())
            hosts = seen & set(offered)
            if len(hosts) == 1:
                found[step, profile] = hosts.pop()
        return found

    def lines(self, lumps: Lumps) -> tuple[csr_matrix, csr_matrix]:
        """Return how often each line of lumps falls per time unit in a state, and at a stay's end [state, line]."""
        rates: list[tuple[int, int, float]] = []
        ends: list[tuple[int, int, float]] = []
        for way in self.transitions:
            state = self.states[way.origin]
            if way.port >= 0:
                port = self.ports[way.port]
                if port.stays is not None:
                    continue
                line = lumps.of_leaving(state, port.step, port.profile)
            elif way.landing is not None and way.landing.passed:
                line = lumps.of_move(state, way.landing)
            else:
                continue
            memoryless = self.memoryless[way.origin]
            amount = way.amount / self.laws[way.origin].a if way.at_end and memoryless else way.amount
            (ends if way.at_end and not memoryless else rates).append((way.origin, line, amount))
        shape = (len(self.states), len(lumps.lines))
        return _sparse(rates, shape), _sparse(ends, shape)

    def _clusters(self, inside: csr_matrix) -> list[Cluster]:
        general = np.flatnonzero(~self.memoryless)
        if not len(general):
            return []
        among = inside[general][:, general]
        count, label = connected_components(among, directed=False)
        order = np.argsort(label, kind="stable")
        bounds = np.concatenate([[0], np.cumsum(np.bincount(label, minlength=count))])
        groups = [general[order[low:high]] for low, high in pairwise(bounds.tolist())]
        place = np.zeros(len(general), dtype=np.int64)
        place[order] = np.arange(len(general)) - bounds[label[order]]
        changes = [np.diag(-self.leaving[members]) for members in groups]
        ways = among.tocoo()
        for row, column, rate in zip(ways.row.tolist(), ways.col.tolist(), ways.data.tolist(), strict=True):
            changes[label[row]][place[row], place[column]] += rate
        return [
            Cluster(members, self.laws[members[0]], change) for members, change in zip(groups, changes, strict=True)
        ]


def _sparse(entries: Sequence[tuple[int, int, float]], shape: tuple[int, int]) -> csr_matrix:
    if not entries:
        return csr_matrix(shape)
    rows, columns, values = zip(*entries, strict=True)
    return csr_matrix((np.array(values), (np.array(rows), np.array(columns))), shape=shape)
