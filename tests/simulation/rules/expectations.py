"""What a story is compared with: its lines as written in a test, and the luck that the keyed numbers give a patient."""

import numpy as np

from simulation.streams import purpose, uniform, unit_exponential
from tests.simulation.stories import Scene


def lines(text: str) -> list[str]:
    return [line.strip() for line in text.strip().splitlines()]


def luck(people: Scene, patient: int, *words: str, count: int = 0) -> float:
    """The uniform number of a patient for a purpose."""
    return uniform(1, 0, np.uint64(patient), people.model.group[0, 0], np.uint64(purpose(*words)), count)


def draws(words: str, number: int, people: Scene) -> list[float]:
    return [luck(people, n, *words.split()) for n in range(number)]


def budget(people: Scene, hazard: str, count: int = 0, patient: int = 0) -> float:
    """The unit exponential of a patient's n-th occurrence of a hazard."""
    return unit_exponential(luck(people, patient, "hazard", hazard, count=count))
