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
    """Judges plans by their fluid state instead of simulating: served people, units saved, slack.

    luck: standard deviation of what a replication adds to all plans alike; noise: to each plan for itself.
    """

    def __init__(self, planning: Planning, fails: Sequence[str] = (), luck: float = 0.0, noise: float = 0.0) -> None:
        self.planning = planning
        self.fails = set(fails)
        self.luck = luck
        self.noise = noise
        self.known: set[tuple[str, int]] = set()
        self.repeats = 0

    @property
    def simulations(self) -> int:
        return len(self.known)

    def evaluate(self, configurations: Sequence[Configuration], replications: Sequence[int]) -> list[Evaluation]:
        return [self._one(configuration, tuple(replications)) for configuration in configurations]

    def needed(self, configurations: Sequence[Configuration], replications: Sequence[int]) -> list[int]:
        new: set[tuple[str, int]] = set()
        counts = []
        for configuration in configurations:
            new |= {(content_key(configuration), number) for number in replications} - self.known
            counts.append(len(new))
        return counts

    def truth(self, configuration: Configuration) -> np.ndarray:
        state = state_of(self.planning, configuration)
        row = [
            50.0 + 50.0 * state.served.sum() / (1.0 + state.load.sum()) * (1.0 - state.shares[0] / 4.0),
            -10.0 * state.units.sum(),
            0.2 - 0.2 * float(np.max(state.load / np.maximum(state.capacity, 1.0))),
        ]
        return np.array(row)

    def _one(self, configuration: Configuration, replications: tuple[int, ...]) -> Evaluation:
        key = content_key(configuration)
        self.known |= {(key, number) for number in replications}
        if key in self.fails:
            return Evaluation(configuration, key, replications, None, "made to fail")
        values = np.array([self.truth(configuration) + self._chance(key, number) for number in replications])
        return Evaluation(configuration, key, replications, Judgement(values, values.mean(axis=0)))

    def _chance(self, key: str, replication: int) -> np.ndarray:
        if not self.luck and not self.noise:
            return np.zeros(3)
        common = np.random.Generator(np.random.Philox([0, replication])).normal(size=3)
        own = np.random.Generator(np.random.Philox([int(key[:8], 16) + 1, replication])).normal(size=3)
        return np.array([10.0, 200.0, 0.1]) * (self.luck * common + self.noise * own)
