"""How far a search goes, in one word; an instance's own settings say what `normal` is."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True)
class Preset:
    """Factors on an instance's settings, and what these do not say."""

    generations: float
    """Times the instance's generations."""
    population: float
    """Times the instance's population."""
    final_replications: int | None
    """Fresh replications of the plans on the final front; None: the instance's."""
    most_replications: int
    """Replications in the search of plans whose dominance is in doubt."""
    patience: int
    """Generations whose gain in hypervolume ends the search when it is within noise."""
    random_plans: int
    """Random repaired plans to compare the front with."""


NORMAL = "normal"
PRESETS: Mapping[str, Preset] = MappingProxyType(
    {
        "quick": Preset(0.5, 1.0, 10, most_replications=1, patience=3, random_plans=20),
        NORMAL: Preset(1.0, 1.0, None, most_replications=4, patience=8, random_plans=20),
        "thorough": Preset(4.0, 2.0, 100, most_replications=12, patience=16, random_plans=100),
    }
)
