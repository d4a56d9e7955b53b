"""What the chain is made of: states found by following everybody who can come, ports, and the ways between.

Nothing here is a number that a parameter draw changes: amounts are products of quantities told by their places (see
`contexts`). So the structure is found once for all draws that differ in numbers alone, and remembered.
"""

from collections.abc import Collection, Iterable, Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import connected_components

from simulation.fluid.contexts import SURE, Factors
from simulation.fluid.lumps import Lump
from simulation.fluid.states import Landing, Port, State, Story

Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]
Offered = tuple[tuple[int, ...], ...]
"""Pathways by profile."""


class Way(NamedTuple):
    """One way out of a state: where from, how often (a row of factors), and the port come to or what is entered."""

    origin: int
    amount: int
    at_end: bool
    port: int
    landing: Landing | None


class Entries(NamedTuple):
    """Entries of a sparse matrix: row, column, the way whose amount they hold, and the quantity it is times."""

    rows: Ints
    columns: Ints
    ways: Ints
    parts: Ints

    @classmethod
    def of(cls, rows: Sequence[tuple[int, int, int, int]]) -> "Entries":
        """Gather entries."""
        return cls(*np.array(rows, dtype=np.int64).reshape(-1, 4).T)


class Structure:
    """States, ports and ways of everybody who comes with one of some profiles."""

    def __init__(self, story: Story, offered: Offered, profiles: Iterable[int], *, breaks: bool) -> None:
        """offered: the pathways of each profile; breaks: also whoever goes where a broken wait leads."""
        self.story = story
        self.offered = offered
        self.states: list[State] = []
        self.number: dict[State, int] = {}
        self.ports: list[Port] = []
        self.ways: list[Way] = []
        self._factors: dict[Factors, int] = {}
        self._hosts: dict[Offered, dict[tuple[int, int], int]] = {}
        self._breaks = breaks
        self._follow(profiles)
        self.profile = np.array([state.profile for state in self.states], dtype=np.int64)
        self.memoryless = np.array([story.law(state).is_memoryless for state in self.states], dtype=np.bool_)
        self.factors = _padded(list(self._factors))
        """[amount, factor] places among the quantities."""
        self.origins = np.array([way.origin for way in self.ways], dtype=np.int64)
        self.amounts = np.array([way.amount for way in self.ways], dtype=np.int64)
        at_end = np.array([way.at_end for way in self.ways], dtype=np.bool_)
        self.ending = at_end & ~self.memoryless[self.origins]
        self.hastened = at_end & self.memoryless[self.origins]
        """Ways at the end of a stay that is memoryless, so that they have a rate: that of the stay's end."""
        self.rates, self.ends, self.inside = self._entries()
        self.clusters = self._clusters()
        """Members of each stay that is not memoryless."""
        self._lumps()

    def _follow(self, profiles: Iterable[int]) -> None:
        pending: list[State] = []
        port_number: dict[Port, int] = {}
        story = self.story

        def known(landing: Landing) -> None:
            for _, state in landing.outcomes:
                if state not in self.number:
                    self.number[state] = len(self.states)
                    self.states.append(state)
                    pending.append(state)
                    broken = story.context(state.step, state.owner).on_break
                    if self._breaks and broken >= 0 and not story.anchor[broken]:
                        known(story.enter(broken, state.profile, state.memory))

        for profile in profiles:
            for pathway in self.offered[profile]:
                known(story.enter(story.entry[pathway], profile, 0))
        while pending:
            state = pending.pop()
            origin = self.number[state]
            if story.anchor[state.step]:  # a new mix may send them to any pathway from here
                for pathway in self.offered[state.profile]:
                    known(story.enter(story.entry[pathway], state.profile, state.memory))
            for flow in story.flows(state):
                port = -1
                if flow.port is not None:
                    if flow.port not in port_number:
                        port_number[flow.port] = len(self.ports)
                        self.ports.append(flow.port)
                        for pathway in self.offered[flow.port.profile] or (-1,):
                            known(story.land(flow.port, pathway))
                    port = port_number[flow.port]
                elif flow.landing is not None:
                    known(flow.landing)
                amount = self._factors.setdefault(flow.amount, len(self._factors))
                self.ways.append(Way(origin, amount, flow.at_end, port, flow.landing))

    def _entries(self) -> tuple[Entries, Entries, Entries]:
        """Return the entries of rates and ends [state, state + port], and of changes inside stays [state, state]."""
        size = len(self.states)
        rates: list[tuple[int, int, int, int]] = []
        ends: list[tuple[int, int, int, int]] = []
        inside: list[tuple[int, int, int, int]] = []
        for number, way in enumerate(self.ways):
            ending = bool(self.ending[number])
            target = ends if ending else rates
            if way.port >= 0:
                target.append((way.origin, size + way.port, number, SURE))
            elif way.landing is not None:
                if not ending and not way.landing.passed and not self.memoryless[way.origin]:
                    target = inside
                target += [(way.origin, self.number[state], number, part) for part, state in way.landing.outcomes]
        return Entries.of(rates), Entries.of(ends), Entries.of(inside)

    def _clusters(self) -> list[Ints]:
        general = np.flatnonzero(~self.memoryless)
        if not len(general):
            return []
        shape = (len(self.states),) * 2
        inside = csr_matrix((np.ones(len(self.inside.rows)), (self.inside.rows, self.inside.columns)), shape)
        count, label = connected_components(inside[general][:, general], directed=False)
        order = np.argsort(label, kind="stable")
        bounds = np.concatenate([[0], np.cumsum(np.bincount(label, minlength=count))])
        return [general[order[low:high]] for low, high in pairwise(bounds.tolist())]

    def _lumps(self) -> None:
        """List the lumps that fall on ways, each once, and where: [state, lump] by ways, as rates and as ends."""
        numbers: dict[Lump, int] = {}
        rates: list[tuple[int, int, int, int]] = []
        ends: list[tuple[int, int, int, int]] = []
        for number, way in enumerate(self.ways):
            state = self.states[way.origin]
            if way.port >= 0:
                port = self.ports[way.port]
                if port.stays is not None:
                    continue
                lump = Lump.leaving(state, port.step, port.profile)
            elif way.landing is not None and way.landing.passed:
                lump = Lump.moving(state, way.landing)
            else:
                continue
            place = numbers.setdefault(lump, len(numbers))
            (ends if self.ending[number] else rates).append((way.origin, place, number, SURE))
        self.lumps = list(numbers)
        self.lump_rates, self.lump_ends = Entries.of(rates), Entries.of(ends)

    def hosts(self, taken: Sequence[Collection[int]]) -> dict[tuple[int, int], int]:
        """Return the pathway that somebody in (step, profile) was last oriented to, where there is but one it can be.

        taken: the pathways by profile that orientation leads to.
        """
        key = tuple(tuple(sorted(each)) for each in taken)
        if key not in self._hosts:
            self._hosts[key] = self._found_hosts(key)
        return self._hosts[key]

    def _found_hosts(self, taken: Offered) -> dict[tuple[int, int], int]:
        story = self.story
        before: dict[int, set[int]] = {}
        for way in self.ways:
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


_REMEMBERED: dict[tuple[object, ...], Structure] = {}
_MOST_REMEMBERED = 8


def structure_of(story: Story, offered: Offered, profiles: Iterable[int], *, breaks: bool) -> Structure:
    """Return the structure of a story: the one remembered, where an instance differed from this in numbers alone."""
    coming = tuple(profiles)
    key = (story.signature, offered, coming, breaks)
    known = _REMEMBERED.get(key)
    if known is None:
        if len(_REMEMBERED) >= _MOST_REMEMBERED:
            _REMEMBERED.clear()
        known = _REMEMBERED[key] = Structure(story, offered, coming, breaks=breaks)
    return known


def _padded(rows: Sequence[Factors]) -> Ints:
    width = max((len(row) for row in rows), default=1)
    return np.array([(*row, *(SURE,) * (width - len(row))) for row in rows], dtype=np.int64).reshape(-1, width)
