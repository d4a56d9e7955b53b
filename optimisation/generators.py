"""Random numbers of a search: one generator for each purpose in each generation, so that none depends on another."""

import numpy as np

BREED, START, BASELINE, BOOTSTRAP, NOISE, NEIGHBOURS = 0, 2, 3, 4, 5, 6
"""What numbers are drawn for."""


def generator(seed: int, number: int, purpose: int) -> np.random.Generator:
    """Return the generator of one purpose in one generation of one seed."""
    return np.random.Generator(np.random.Philox(np.random.SeedSequence([seed, number, purpose])))
