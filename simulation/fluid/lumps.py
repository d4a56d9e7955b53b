"""Lumps of the chain's moves: entries, units granted and given back, pathways joined, by where one comes from.

Units in hand are used: a service's unit becomes the gate of the step it leads to, and the gate's unit of a step left
becomes the service of the next on the same resource, so neither is given back. A service kept through an absence is
given back later, or never: its turnover is counted where it is not kept.
"""

from collections.abc import Callable

from simulation.fluid.columns import Held, Ledger, Line
from simulation.fluid.states import Landing, State, Story


class Lumps:
    """Lines of lumps, each made once."""

    def __init__(self, ledger: Ledger, story: Story) -> None:
        self.ledger = ledger
        self.story = story
        self.lines: list[Line] = []
        self._known: dict[tuple[object, ...], int] = {}

    def of_move(self, state: State, landing: Landing) -> int:
        """Return the line of going from a state to a landing that is no port."""
        key = ("move", state.step, state.owner, state.profile, landing.passed)
        return self._kept(key, lambda: self._move(state, landing))

    def of_leaving(self, state: State, step: int, profile: int) -> int:
        """Return the line of going from a state towards an anchor step; what is entered there counts in landing."""
        key = ("leave", state.step, state.owner, state.profile, step, profile)
        return self._kept(key, lambda: self._left(state, step, profile))

    def of_landing(self, landing: Landing, before: int) -> int:
        """Return the line of a landing from a port; `before`: the pathway lived on until then, -1 none."""
        return self._kept(("land", landing.passed, before), lambda: self._entered(landing, before))

    def _kept(self, key: tuple[object, ...], made: Callable[[], Line]) -> int:
        if key not in self._known:
            self._known[key] = len(self.lines)
            self.lines.append(made())
        return self._known[key]

    def _move(self, state: State, landing: Landing) -> Line:
        line: Line = {}
        if landing.passed:
            step, profile = landing.passed[-1]
            line = self._left(state, step, profile)
            _sum(line, self._entered(landing, self.story.pathway[state.step]))
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
                _sum(line, ledger.released(resource, units))
        for resource, units in helps.items():
            keep = self._kept_beyond(state, resource, step)
            if keep > 0.0:
                stay = self.story.mean_stay(step, profile)
                _sum(line, ledger.kept(resource, units * min(keep, stay), state.profile))
                _sum(line, ledger.released(resource, units))
                continue
            spare = units - next_helps.get(resource, 0) - next_gate.get(resource, 0)
            if spare > 0 and (resource in next_helps or resource in next_gate or not self._is_kept(state, resource)):
                _sum(line, ledger.released(resource, spare))
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

    def _entered(self, landing: Landing, before: int) -> Line:
        line: Line = {}
        for step, profile in landing.passed:
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
