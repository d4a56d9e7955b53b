"""What differs between a proposal and the plan made of it, and which rule asked for each difference."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from optimisation.feasibility.checker import violations
from optimisation.feasibility.planning import Planning
from simulation.configuration import Configuration


@dataclass(frozen=True)
class Difference:
    """One mix (all shares of a profile in a territory), one capacity or the contract, as proposed and as planned."""

    kind: Literal["mix", "capacity", "contract"]
    place: str
    """Territory and profile, or territory, resource and provider."""
    proposed: str
    planned: str
    rules: tuple[str, ...]
    """Rules that the plan would break were this taken back; none: it only serves together with other differences."""


def differences(planning: Planning, proposal: Configuration, plan: Configuration) -> tuple[Difference, ...]:
    """Return every difference; each is taken back alone to see which rules ask for it."""
    return tuple(_mixes(planning, proposal, plan)) + tuple(_others(planning, proposal, plan))


def _mixes(planning: Planning, proposal: Configuration, plan: Configuration) -> Iterator[Difference]:
    group = planning.encoding.group
    for number in range(int(group.max(initial=-1)) + 1):
        cells = np.flatnonzero(group == number).tolist()
        if all(abs(proposal.shares[cell] - plan.shares[cell]) < 1e-9 for cell in cells):
            continue
        shares = list(plan.shares)
        for cell in cells:
            shares[cell] = proposal.shares[cell]
        first = planning.cells[cells[0]]
        yield Difference(
            "mix",
            f"{first.zone} {first.profile}",
            _mix(planning, cells, proposal),
            _mix(planning, cells, plan),
            _asking(planning, replace(plan, shares=tuple(shares))),
        )


def _others(planning: Planning, proposal: Configuration, plan: Configuration) -> Iterator[Difference]:
    pairs = zip(planning.instance.capacities, proposal.capacities, plan.capacities, strict=True)
    for number, (row, before, after) in enumerate(pairs):
        if before != after:
            units = (*plan.capacities[:number], before, *plan.capacities[number + 1 :])
            place = f"{row.zone} {row.resource} {row.provider}".strip()
            asking = _asking(planning, replace(plan, capacities=units))
            yield Difference("capacity", place, str(before), str(after), asking)
    if proposal.contract != plan.contract:
        asking = _asking(planning, replace(plan, contract=proposal.contract))
        yield Difference("contract", "", proposal.contract, plan.contract, asking)


def _mix(planning: Planning, cells: list[int], configuration: Configuration) -> str:
    return ", ".join(f"{planning.cells[cell].pathway} {configuration.shares[cell]:.6g}" for cell in cells)


def _asking(planning: Planning, configuration: Configuration) -> tuple[str, ...]:
    return tuple(dict.fromkeys(finding.rule for finding in violations(planning, configuration)))
