"""Ours without each of its ingredients in turn."""

from collections.abc import Mapping
from dataclasses import fields, replace
from types import MappingProxyType

from benchmarks.search.ours import Ours
from benchmarks.search.reporting import Method
from optimisation.ingredients import EVERYTHING, Ingredients

ABLATIONS: Mapping[str, Method] = MappingProxyType(
    {f"ours-without-{one.name}": Ours(replace(EVERYTHING, **{one.name: False})) for one in fields(Ingredients)}
    | {
        "ours-without-adaptive-replications": Ours(adaptive=False),
        "ours-without-component-memory": Ours(component_memory=False),
    }
)
