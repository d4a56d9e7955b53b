"""A small valley that never changes, its rules swapped for others, and a stand-in for simulation."""

from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from instances.catalogue import load_instance
from instances.instance import Instance
from instances.tables import Rule
from optimisation.evaluation import Evaluation, Judgement
from optimisation.feasibility.checker import state_of
from optimisation.feasibility.planning import Planning
from simulation.configuration import Configuration, content_key


@cache
def valley_instance() -> Instance:
    return load_instance(Path(__file__).parent / "valley")


def valley_with(*rules: Rule) -> Instance:
    return replace(valley_instance(), rules=rules)


@pytest.fixture
def valley() -> Instance:
    return valley_instance()


@pytest.fixture
def planning(valley: Instance) -> Planning:
    return Planning(valley)


class FluidStandIn:
    """Judges plans by their fluid state instead of simulating: served people, units saved, slack."""

    def __init__(self, planning: Planning, fails: Sequence[str] = ()) -> None:
        self.planning = planning
        self.fails = set(fails)
        self.simulations = 0
        self.repeats = 0

    def evaluate(self, configurations: Sequence[Configuration], replications: Sequence[int]) -> list[Evaluation]:
        return [self._one(configuration, tuple(replications)) for configuration in configurations]

    def _one(self, configuration: Configuration, replications: tuple[int, ...]) -> Evaluation:
        self.simulations += len(replications)
        key = content_key(configuration)
        if key in self.fails:
            return Evaluation(configuration, key, replications, None, "made to fail")
        state = state_of(self.planning, configuration)
        row = [
            50.0 + 50.0 * state.served.sum() / (1.0 + state.load.sum()) * (1.0 - state.shares[0] / 4.0),
            -10.0 * state.units.sum(),
            0.2 - 0.2 * float(np.max(state.load / np.maximum(state.capacity, 1.0))),
        ]
        values = np.tile(row, (len(replications), 1))
        return Evaluation(configuration, key, replications, Judgement(values, values.mean(axis=0)))
