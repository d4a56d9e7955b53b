"""What is known of an instance's parameters: which values each replication carries (T13).

Replication r carries parameter draw r, warm-up included, the same for every configuration; replication 0 carries the
central values. Each parameter that has a distribution is drawn on its own (parameters are independent unless a cell
says otherwise): its uniform number is keyed by (seed, replication, name), so that adding a parameter moves no other.
Parameters that a scenario or the caller sets are given, hence not drawn; parameters that are expressions over others
follow. Decisions, rules and what plans are judged on keep their stated values (`instances.decided`).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from functools import cached_property
from typing import Any

import numpy as np

from instances.faults import ConfiguratorError, InvalidInstance
from instances.instance import Instance
from instances.parameters import is_uncertain, quantile
from instances.source import InstanceSource
from instances.tables import TABLES, Parameter
from simulation.components import components
from simulation.configuration import offer_cells
from simulation.remembered import Remembered
from simulation.streams import purpose, purposes, uniform

DRAWS_MEMORY = 130_000_000
"""Bytes of instances drawn that are kept: 32 draws of the Loire, 11 of a department of 100 territories."""
_DRAW_BYTES, _TERRITORY_BYTES = 3_000_000, 80_000
"""What a drawn instance takes beside what it shares with others, as measured on 3 to 100 territories."""
_PARAMETERS_NAMED = 12  # in an error that cannot tell which of the drawn ones it is about


class ImpossibleDraw(ConfiguratorError):  # noqa: N818 (named for what it says)
    """Parameters drawn with which the instance breaks its own checks: a range or a cell must be changed."""


@dataclass(frozen=True)
class Knowledge:
    """An instance whose uncertain parameters are drawn anew in each replication; safe to share between threads.

    source: None keeps every parameter at its central value in all replications (chance only).
    """

    central: Instance
    source: InstanceSource | None = None
    scenario: str | None = None
    overrides: Mapping[str, float] = field(default_factory=dict)

    @classmethod
    def of(
        cls, source: InstanceSource, scenario: str | None = None, overrides: Mapping[str, float] | None = None
    ) -> "Knowledge":
        """Return what a source, under a scenario and values set by the caller, says of its parameters."""
        given = dict(overrides or {})
        return cls(source.instance(scenario, given), source, scenario, given)

    @property
    def chance_only(self) -> "Knowledge":
        """The same instance, its parameters at their central values in every replication."""
        return Knowledge(self.central)

    @cached_property
    def uncertain(self) -> tuple[Parameter, ...]:
        """The parameters that are drawn, in table order; none when only chance is simulated."""
        return () if self.source is None else tuple(row for row in self.central.parameters if is_uncertain(row))

    def draw(self, replication: int) -> int:
        """Return the number of the parameter draw that a replication carries; 0: the central values."""
        return replication if self.uncertain else 0

    def values(self, seed: int, replication: int) -> dict[str, float]:
        """Return the values drawn for a replication; empty for the central ones."""
        if self.draw(replication) == 0:
            return {}
        # Keys as the unsigned numbers they are: a plain one may be taken for signed, and be too big for that.
        group = np.uint64(purpose("parameters"))
        keys = purposes("parameter", [row.name for row in self.uncertain])
        return {
            row.name: quantile(row, float(uniform(seed, replication, 0, group, key, 0)))
            for row, key in zip(self.uncertain, keys, strict=True)
        }

    def instance(self, seed: int, replication: int) -> Instance:
        """Return the instance that a replication carries.

        Raises ImpossibleDraw when the values drawn break a check or change the instance's structure: never is a
        draw put aside for another, which would bend the distributions that were stated.
        """
        if self.source is None or self.draw(replication) == 0:
            return self.central
        source = self.source
        return self._drawn.get((seed, replication), lambda: self._instance(source, seed, replication))

    def rehearse(self, seed: int, replications: Iterable[int]) -> None:
        """Make the draws of these replications, so that an impossible one is found before anything is simulated."""
        for replication in replications:
            self.instance(seed, replication)

    def _instance(self, source: InstanceSource, seed: int, replication: int) -> Instance:
        values = self.values(seed, replication)
        try:
            drawn = source.drawn(self.scenario, self.overrides, values)
        except InvalidInstance as error:
            raise ImpossibleDraw(
                "\n".join(
                    f"{_where(seed, replication)} {fault} (drawn: {_told(values, source.parameters_behind(fault))})"
                    for fault in error.faults
                )
            ) from error
        changed = [name for name, found in _structure(drawn).items() if found != self._structure[name]]
        if changed:
            raise ImpossibleDraw(
                f"{_where(seed, replication)} the values drawn change what the instance is made of "
                f"({', '.join(changed)}), expected: the same as at the central values (drawn: {_told(values, ())})"
            )
        return drawn

    @cached_property
    def _structure(self) -> dict[str, object]:
        return _structure(self.central)

    @cached_property
    def _drawn(self) -> Remembered[tuple[int, int], Instance]:
        size = _DRAW_BYTES + _TERRITORY_BYTES * len(self.central.territories)
        return Remembered(DRAWS_MEMORY, lambda _: size)

    def __getstate__(self) -> dict[str, Any]:
        """Travel to another process without what is remembered."""
        return {each.name: getattr(self, each.name) for each in fields(self)}


def known(instance: Instance | Knowledge) -> Knowledge:
    """Return what is known of an instance: of one given alone, nothing but its values."""
    return instance if isinstance(instance, Knowledge) else Knowledge(instance)


def _structure(instance: Instance) -> dict[str, object]:
    """Return what numbers in tables, models, logs and accounts stand for, by name: equal under every draw."""
    expanded = instance.expanded
    return {
        **{name: len(instance.table(name)) for name in TABLES},
        "components": components(instance),
        "offers' cells": [(cell.zone, cell.profile, cell.pathway) for cell in offer_cells(instance)],
        "resources of capacities": [(row.zone, row.resource) for row in instance.capacities],
        "codes of steps": [(row.pathway, row.step, row.profile) for row in expanded.steps],
        "names of moves": [(row.hazard, row.mark) for row in expanded.moves],
        "resources of services": [row.resource for row in expanded.services],
        "ranks": ([row.priority for row in expanded.steps], [row.priority for row in expanded.services]),
        "settings": instance.settings,
    }


def _where(seed: int, replication: int) -> str:
    return f"parameter draw of replication {replication}, seed {seed}:"


def _told(values: Mapping[str, float], names: tuple[str, ...]) -> str:
    """Return the values of those parameters, of the first ones when it is not known which."""
    shown = [name for name in names if name in values] or list(values)[:_PARAMETERS_NAMED]
    more = "" if len(shown) < _PARAMETERS_NAMED or len(values) == len(shown) else ", ..."
    return ", ".join(f"{name}={values[name]:g}" for name in shown) + more
