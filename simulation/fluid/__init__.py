"""The fluid model: expected flows of the pathways' semi-Markov chains, without simulation (see FLUID.md)."""

from simulation.fluid.flow_tables import FluidFlows, ProfileFlows
from simulation.fluid.flows import FluidModel, fluid_flows
from simulation.fluid.gap import PoolGap, fluid_gap
from simulation.fluid.remaining import REMAINING_YEARS, RemainingValue, remaining_value

__all__ = [
    "REMAINING_YEARS",
    "FluidFlows",
    "FluidModel",
    "PoolGap",
    "ProfileFlows",
    "RemainingValue",
    "fluid_flows",
    "fluid_gap",
    "remaining_value",
]
