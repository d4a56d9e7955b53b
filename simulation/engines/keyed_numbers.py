"""Keyed numbers (T12) of a component's patients: the first of a purpose drawn for all at once, further ones singly.

A number is the same either way; in bulk it costs a hundredth of a call from Python.
"""

import numpy as np
import numpy.typing as npt

from simulation.state import State
from simulation.streams import uniform, uniform_pair, uniform_pairs, uniforms

Pairs = tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]


class KeyedNumbers:
    """The numbers of one replication, by patient, purpose and occurrence."""

    def __init__(self, state: State, seed: int, replication: int) -> None:
        self._own = np.ascontiguousarray(state.patients["ordinal"])
        self._choosing = np.ascontiguousarray(state.patients["chooser"])
        self._groups = np.ascontiguousarray(state.patients["group"])
        self._seed, self._replication = seed, replication
        self._first: dict[int, Pairs] = {}
        self._choices: dict[int, npt.NDArray[np.float64]] = {}

    def pair(self, patient: int, purpose: int, number: int) -> tuple[float, float]:
        """Return the two numbers of a patient for the n-th occurrence of a purpose."""
        if number > 0:
            return uniform_pair(
                self._seed, self._replication, self._own[patient], self._groups[patient], np.uint64(purpose), number
            )
        if purpose not in self._first:
            self._first[purpose] = uniform_pairs(
                self._seed, self._replication, self._own, self._groups, np.uint64(purpose)
            )
        one, other = self._first[purpose]
        return one.item(patient), other.item(patient)

    def single(self, patient: int, purpose: int, number: int) -> float:
        """Return the number of a patient for the n-th occurrence of a purpose."""
        if number > 0:
            return uniform(
                self._seed, self._replication, self._own[patient], self._groups[patient], np.uint64(purpose), number
            )
        return self.pair(patient, purpose, 0)[0]

    def choice(self, patient: int, purpose: int) -> float:
        """Return the number by which a patient chooses; a copy chooses as its original."""
        if purpose not in self._choices:
            self._choices[purpose] = uniforms(
                self._seed, self._replication, self._choosing, self._groups, np.uint64(purpose)
            )
        return self._choices[purpose].item(patient)
