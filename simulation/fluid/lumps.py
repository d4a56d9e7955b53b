"""Lumps of the chain's moves: entries, units granted and given back, pathways joined, by where one comes from.

Units in hand are used: a service's unit becomes the gate of the step it leads to, and the gate's unit of a step left
becomes the service of the next on the same resource, so neither is given back. A service kept through an absence is
given back later, or never: its turnover is counted where it is not kept.
"""

from typing import NamedTuple

from simulation.fluid.columns import Held, Ledger, Line
from simulation.fluid.states import Landing, State, Story

NOWHERE = State(-1, -1, -1, -1, -1)
"""No state: somebody comes from a port, or from outside."""
Passed = tuple[tuple[int, int], ...]


class Lump(NamedTuple):
    """What a lump hangs on: the step, owner and profile left, each (step, profile) entered, the pathway before.

    `port`: an anchor step and profile that one comes to, whose entry counts in landing there.
    """

    left: tuple[int, int, int]
    passed: Passed
    before: int
    port: tuple[int, int] | None

    @classmethod
    def moving(cls, state: State, landing: Landing) -> "Lump":
        """Going from a state to a landing that is no port."""
        return cls(_place(state), landing.passed, -1, None)

    @classmethod
    def leaving(cls, state: State, step: int, profile: int) -> "Lump":
        """Going from a state towards an anchor step."""
        return cls(_place(state), (), -1, (step, profile))

    @classmethod
    def landing(cls, landing: Landing, before: int) -> "Lump":
        """Landing from a port; `before`: the pathway lived on until then, -1 none."""
        return cls(_place(NOWHERE), landing.passed, before, None)


def _place(state: State) -> tuple[int, int, int]:
    return state.step, state.owner, state.profile


class Lumps:
    """Lines of lumps, each made once."""

    def __init__(self, ledger: Ledger, story: Story) -> None:
        self.ledger = ledger
        self.story = story
        self.lines: list[Line] = []
        self._known: dict[Lump, int] = {}

    def of_landing(self, landing: Landing, before: int) -> int:
        """Return the line of a landing from a port; `before`: the pathway lived on until then, -1 none."""
        return self.number(Lump.landing(landing, before))

    def number(self, lump: Lump) -> int:
        """Return the number of a lump's line, made the first time."""
        if lump not in self._known:
            self._known[lump] = len(self.lines)
            self.lines.append(self._made(lump))
        return self._known[lump]

    def _made(self, lump: Lump) -> Line:
        step, owner, profile = lump.left
        state = State(step, profile, 0, owner, -1)
        if step < 0:
            return self._entered(lump.passed, lump.before)
        if lump.port is not None:
            return self._left(state, *lump.port)
        line = self._left(state, *lump.passed[-1])
        _sum(line, self._entered(lump.passed, self.story.pathway[step]))
        return line

    def _left(self, state: State, step: int, profile: int) -> Line:
        """Units given back between a state and the next step, and services newly granted there."""
        ledger = self.ledger
        line: Line = {}
        gate, helps = ledger.held(state.step, state.owner)
        nothing: tuple[Held, Held] = ({}, {})
        next_gate, next_helps = nothing if self.story.exit[step] else ledger.held(step, profile)
        for resource, units in gate.items():
            if resource not in next_helps:
                _sum(line, ledger.released(resource, units, state.profile))
        for resource, units in helps.items():
            keep = self._kept_beyond(state, resource, step)
            if keep > 0.0:
                stay = self.story.mean_stay(step, profile)
                _sum(line, ledger.kept(resource, units * min(keep, stay), state.profile))
                _sum(line, ledger.released(resource, units, state.profile))
                continue
            spare = units - next_helps.get(resource, 0) - next_gate.get(resource, 0)
            if spare > 0 and (resource in next_helps or resource in next_gate or not self._is_kept(state, resource)):
                _sum(line, ledger.released(resource, spare, state.profile))
        for resource, units in next_helps.items():
            if resource not in helps and resource not in gate and not self._was_kept(state, resource):
                _sum(line, ledger.granted(resource, units, profile))
        return line

    def _kept_beyond(self, state: State, resource: int, step: int) -> float:
        """Return how long a service is kept by who goes where it is not asked for: an anchor step, another pathway."""
        story = self.story
        away = story.anchor[step] or resource not in story.kept_by_pathway[story.pathway[step]]
        if not away or story.exit[step]:
            return 0.0
        asked = {service.resource for service in story.context(step, state.profile).services}
        if resource in asked or resource == story.context(step, state.profile).gate:
            return 0.0
        return max((each.keep for each in story.begun(state).services if each.resource == resource), default=0.0)

    def _is_kept(self, state: State, resource: int) -> bool:
        begun = self.story.begun(state)
        return any(each.resource == resource and each.keep > 0.0 for each in begun.services)

    def _was_kept(self, state: State, resource: int) -> bool:
        """Say whether the pathway of a state keeps such a service through the absence that the state is."""
        return resource in self.story.kept_by_pathway[self.story.pathway[state.step]]

    def _entered(self, passed: Passed, before: int) -> Line:
        line: Line = {}
        for step, profile in passed:
            _sum(line, self.ledger.entering(step, profile))
            pathway = self.story.pathway[step]
            if pathway != before:
                _sum(line, self.ledger.joined(self.ledger.steps[step][0], profile))
                if before < 0 and not self.story.exit[step]:
                    for resource, units in self.ledger.held(step, profile)[1].items():
                        _sum(line, self.ledger.granted(resource, units, profile))
                before = pathway
        return line


def _sum(line: Line, more: Line) -> None:
    for column, amount in more.items():
        line[column] = line.get(column, 0.0) + amount
