"""Ours without each of its ingredients in turn."""

from collections.abc import Mapping
from types import MappingProxyType

from benchmarks.search.ours import Ours
from benchmarks.search.reporting import Method

ABLATIONS: Mapping[str, Method] = MappingProxyType(
    {
        "ours-without-adaptive-replications": Ours(adaptive=False),
        "ours-without-component-memory": Ours(component_memory=False),
    }
)
