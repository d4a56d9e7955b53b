"""The registry: every method by the name under which its rows are kept; `NAME-1` simulates each plan once."""

from collections.abc import Mapping
from importlib.util import find_spec
from types import MappingProxyType

from benchmarks.search.optuna_samplers import OptunaSampler
from benchmarks.search.ours import Ours
from benchmarks.search.pymoo_nsga2 import PymooNSGA2
from benchmarks.search.random_repaired import RandomRepaired
from benchmarks.search.reporting import Method

FIXED = (1, 4)
"""Replications of each plan of the methods that do not choose them; our normal preset gives 1 to 4."""
OURS = "ours"


def _fixed(replications: int) -> dict[str, Method]:
    return {
        f"nsga2-{replications}": PymooNSGA2(replications),
        f"nsga2-repaired-{replications}": PymooNSGA2(replications, repaired=True),
        f"optuna-nsga2-{replications}": OptunaSampler("nsga2", replications),
        f"optuna-tpe-{replications}": OptunaSampler("tpe", replications),
        f"random-{replications}": RandomRepaired(replications),
    }


METHODS: Mapping[str, Method] = MappingProxyType(
    {OURS: Ours()} | {name: method for replications in FIXED for name, method in _fixed(replications).items()}
)


def is_available(name: str) -> bool:
    """Say whether the package that a method needs is installed."""
    return not name.startswith("optuna") or find_spec("optuna") is not None
