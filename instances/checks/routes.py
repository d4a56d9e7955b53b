"""Where care leads, derived pathways in full: draws that sum to 1, no step beyond reach, a way out of each."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import TypeVar

from instances.checks.examined import Examined
from instances.faults import Fault
from instances.inheritance import Inherited, move_kind
from instances.instance import Instance
from instances.references import StepReference, step_reference
from instances.tables import Move, Step

TOLERANCE = 1e-6


@dataclass(frozen=True, order=True)
class State:
    """A person of a profile in a step."""

    pathway: str
    step: str
    profile: str


Node = TypeVar("Node", State, tuple[str, str])


@dataclass(frozen=True)
class Routes:
    """Who may stand where, and where they may go next, in an instance with its pathways in full."""

    instance: Instance

    @cached_property
    def entry(self) -> dict[str, str]:
        """Each pathway's first step."""
        return {row.pathway: row.entry for row in self.instance.pathways}

    @cached_property
    def first_states(self) -> dict[str, tuple[State, ...]]:
        """By profile, where its people may be oriented: the entries of the pathways offered to it."""
        offered: dict[str, dict[str, None]] = {}
        for row in self.instance.offers:
            names = offered.setdefault(row.profile, {})
            names.update(dict.fromkeys(name for name in (row.pathway, row.fallback) if name))
        return {
            profile: tuple(State(name, self.entry[name], profile) for name in names if self.entry.get(name))
            for profile, names in offered.items()
        }

    @cached_property
    def states(self) -> tuple[State, ...]:
        """Every state that some person may come to, first the entries."""
        frontier = [state for states in self.first_states.values() for state in states]
        reached = dict.fromkeys(frontier)
        while frontier:
            state = frontier.pop()
            for following in self.after(state):
                if following not in reached:
                    reached[following] = None
                    frontier.append(following)
        return tuple(sorted(reached))

    def after(self, state: State, *, only_possible: bool = False) -> Iterator[State]:
        """Yield the states that may follow; `only_possible` leaves out what has rate or probability 0."""
        step = self.instance.step_row(state.pathway, state.step, state.profile)
        if step is None or step.setting == "exit":
            return
        for move in self.instance.move_rows(state.pathway, state.step, state.profile):
            if move_kind(move) == "factor" or (only_possible and not (move.probability or move.rate)):
                continue
            target = step_reference(move.to, state.pathway) if move.to else StepReference(state.pathway, state.step)
            yield State(target.pathway, target.step, move.new_profile or state.profile)
        yield from self._after_waits(step, state)
        for service in self.instance.service_rows(state.pathway, state.step, state.profile):
            if service.leads_to:
                target = step_reference(service.leads_to, state.pathway)
                yield State(target.pathway, target.step, state.profile)
        if step.anchor and not only_possible:
            yield from self.first_states.get(state.profile, ())

    def _after_waits(self, step: Step, state: State) -> Iterator[State]:
        if step.on_break:
            target = step_reference(step.on_break, state.pathway)
            yield State(target.pathway, target.step, state.profile)

    def drawn_after(self, state: State) -> Iterator[State]:
        """Yield the states that a stay may end in by a draw; in an anchor step the mix may lead elsewhere."""
        for move in self.routing(state):
            if move.probability:
                target = step_reference(move.to, state.pathway)
                profile = move.new_profile or state.profile
                yield State(target.pathway, target.step, profile)
                to = self.instance.step_row(target.pathway, target.step, profile)
                if to is not None and to.anchor:
                    yield from self.first_states.get(profile, ())

    def routing(self, state: State) -> tuple[Move, ...]:
        """Return the draws at the end of a stay."""
        rows = self.instance.move_rows(state.pathway, state.step, state.profile)
        return tuple(row for row in rows if move_kind(row) == "routing")


def _routes(examined: Examined) -> Routes:
    return _routes_of(examined.instance.expanded)


@lru_cache(maxsize=1)
def _routes_of(expanded: Instance) -> Routes:
    """Return the routes of an instance; several checks in turn ask for the same."""
    return Routes(expanded)


def probabilities_not_one(examined: Examined) -> Iterator[Fault]:
    """The draw at the end of a stay does not sum to 1 for some profile, or a stay with an end leads nowhere."""
    routes = _routes(examined)
    faulty: dict[tuple[int, ...], list[tuple[State, float]]] = {}
    for state in routes.states:
        step = routes.instance.step_row(state.pathway, state.step, state.profile)
        rows = routes.routing(state)
        if step is None or step.setting == "exit" or not (rows or step.distribution):
            continue
        total = sum(row.probability or 0.0 for row in rows)
        if abs(total - 1.0) > TOLERANCE:
            places = _places(examined.moves, state, rows)
            faulty.setdefault(places, []).append((state, total))
    for places, states in faulty.items():
        state, total = states[0]
        whom = _profiles(found for found, _ in states)
        where = f"step '{state.step}' of pathway '{state.pathway}' for {whom}"
        if places:
            message = f"probabilities at the end of {where} sum to {total:g}"
            yield examined.fault("moves", places[0], "probability", "probabilities that sum to 1", message)
        else:
            message = f"nothing follows the end of {where}"
            yield _at_step(examined, state, "distribution", "moves with a probability, or no distribution", message)


def endless_draw(examined: Examined) -> Iterator[Fault]:
    """A step without distribution never ends, yet draws are given for its end (and bring no law of their own)."""
    routes = _routes(examined)
    reported: set[int] = set()
    for state in routes.states:
        step = routes.instance.step_row(state.pathway, state.step, state.profile)
        rows = routes.routing(state)
        lawless = [row for row in rows if not row.distribution]
        if step is None or step.setting == "exit" or not lawless:
            continue
        others_have_laws = len(lawless) < len(rows)
        if step.distribution and not others_have_laws:
            continue
        message = "other draws of this step bring a law" if others_have_laws else f"step '{state.step}' never ends"
        for index in _places(examined.moves, state, tuple(lawless)):
            if index not in reported:
                reported.add(index)
                yield examined.fault(
                    "moves", index, "distribution", "a law for the stay, here or in steps.csv", message
                )


def step_missing_for_profile(examined: Examined) -> Iterator[Fault]:
    """People of a profile come to a step that has rows for other profiles only."""
    routes = _routes(examined)
    for (pathway, step), states in _by_step(routes.states).items():
        lacking = [
            state
            for state in states
            if (pathway, step) in examined.step_codes and routes.instance.step_row(pathway, step, state.profile) is None
        ]
        if lacking:
            message = (
                f"{_profiles(lacking)} may come to step '{step}' of pathway '{pathway}', which has no row for them"
            )
            yield _at_step(examined, lacking[0], "profile", "a row for them, or one for all", message)


def unreachable_step(examined: Examined) -> Iterator[Fault]:
    """No way leads to a step: neither its pathway's entry nor any move, in this pathway or one that extends it."""
    entries = {(row.pathway, row.entry) for row in examined.instance.expanded.pathways}
    following: dict[tuple[str, str], set[tuple[str, str]]] = {}
    for origin, target in _arrows(examined):
        following.setdefault(origin, set()).add(target)
    reached = _closure(entries, following)
    # A base need not use a step itself when a pathway that extends it does.
    used = {place.index for place, row in examined.steps if (row.pathway, row.step) in reached}
    for index, step in enumerate(examined.instance.steps):
        if index not in used:
            expected = f"a move, on_break or leads_to to it, from what the entry of '{step.pathway}' leads to"
            yield examined.fault("steps", index, "step", expected, f"unreachable step '{step.step}'")


def _arrows(examined: Examined) -> Iterator[tuple[tuple[str, str], tuple[str, str]]]:
    """Yield (step, step that may follow), whatever the profile."""
    texts = [
        *((row.pathway, row.step, row.to) for _, row in examined.moves),
        *((row.pathway, row.step, row.on_break) for _, row in examined.steps),
        *((row.pathway, row.step, row.leads_to) for _, row in examined.services),
    ]
    for pathway, step, text in texts:
        if text:
            target = step_reference(text, pathway)
            yield (pathway, step), (target.pathway, target.step)


def no_way_out(examined: Examined) -> Iterator[Fault]:
    """From a step that people of a profile come to, no exit can ever be reached."""
    routes = _routes(examined)
    before: dict[State, set[State]] = {}
    ends: set[State] = set()
    for state in routes.states:
        step = routes.instance.step_row(state.pathway, state.step, state.profile)
        # What has no row at all is another check's fault.
        if step is None or step.setting == "exit" or _may_leave(step):
            ends.add(state)
        for following in routes.after(state, only_possible=True):
            before.setdefault(following, set()).add(state)
    leaving = _closure(ends, before)
    reported: set[int | None] = set()
    for (pathway, step_code), states in _by_step(routes.states).items():
        trapped = [state for state in states if state not in leaving]
        if trapped:
            message = f"no exit can be reached from step '{step_code}' of pathway '{pathway}' by {_profiles(trapped)}"
            fault = _at_step(examined, trapped[0], "step", "moves that lead to a step with setting exit", message)
            # A row that derived pathways inherit is at fault once.
            if fault.row not in reported:
                yield fault
            reported.add(fault.row)


def circle_without_time(examined: Examined) -> Iterator[Fault]:
    """Steps that take no time lead to one another for ever: no hazard could ever strike there."""
    routes = _routes(examined)
    before: dict[State, set[State]] = {}
    lasting: set[State] = set()
    for state in routes.states:
        rows = routes.routing(state)
        step = routes.instance.step_row(state.pathway, state.step, state.profile)
        services = routes.instance.service_rows(state.pathway, state.step, state.profile)
        is_left_by_service = any(service.leads_to for service in services)
        if step is None or not rows or is_left_by_service or not _takes_no_time(step, rows):
            lasting.add(state)
        for following in routes.drawn_after(state):
            before.setdefault(following, set()).add(state)
    leaving = _closure(lasting, before)
    for states in _by_step(tuple(state for state in routes.states if state not in leaving)).values():
        message = f"{_profiles(states)} would go from step to step for ever while no time passes"
        expected = "a stay that takes time, in one of the steps of the circle"
        yield _at_step(examined, states[0], "mean", expected, message)


def _takes_no_time(step: Step, rows: Iterable[Move]) -> bool:
    """Say whether every stay in a step is of length 0; waiting for its gate is another matter."""
    laws = [row if row.distribution else step for row in rows if row.probability]
    return all(law.distribution == "fixed" and law.mean == 0.0 for law in laws)


def _may_leave(step: Step) -> bool:
    """Say whether a broken wait for this step ends the story."""
    return not step.on_break and (step.patience is not None or step.queue_limit is not None)


def _closure(start: Iterable[Node], following: dict[Node, set[Node]]) -> set[Node]:
    reached = set(start)
    frontier = list(reached)
    while frontier:
        for node in following.get(frontier.pop(), ()):
            if node not in reached:
                reached.add(node)
                frontier.append(node)
    return reached


def _by_step(states: Iterable[State]) -> dict[tuple[str, str], list[State]]:
    grouped: dict[tuple[str, str], list[State]] = {}
    for state in states:
        grouped.setdefault((state.pathway, state.step), []).append(state)
    return grouped


def _profiles(states: Iterable[State]) -> str:
    names = list(dict.fromkeys(state.profile for state in states))
    shown = ", ".join(f"'{name}'" for name in names[:5]) + (", ..." if len(names) > 5 else "")
    return f"profile {shown}" if len(names) == 1 else f"profiles {shown}"


def _places(moves: Iterable[tuple[Inherited, Move]], state: State, rows: tuple[Move, ...]) -> tuple[int, ...]:
    """Return the indices in moves.csv of the rows of one state."""
    return tuple(
        place.index for place, row in moves if (row.pathway, row.step) == (state.pathway, state.step) and row in rows
    )


def _at_step(examined: Examined, state: State, column: str, expected: str, message: str) -> Fault:
    """Place a fault at the step's row for the profile, else at its first row."""
    places = [
        (row.profile != state.profile, row.profile != "", place.index)
        for place, row in examined.steps
        if (row.pathway, row.step) == (state.pathway, state.step)
    ]
    return examined.fault("steps", min(places)[2], column, expected, message)
