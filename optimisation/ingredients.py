"""What a search is made of beside NSGA-II and repair; each part can be left out, to see what it brings."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Ingredients:
    """Which parts a search uses; what is left out falls back on the plain way named."""

    landmarks: bool = True
    """First plans: today, fluid extremes and compromises; else today and the sample alone."""
    blocks: bool = True
    """Crossover swaps whole territories and mutation stays in one; else single genes anywhere."""
    neighbours: bool = True
    """Proposals a step or a lot away from plans of the front stand beside the children."""
    screening: bool = True
    """Of many proposals those are simulated that a surrogate thinks most of; else as many as asked for are made."""


EVERYTHING = Ingredients()
