"""The fluid model: expected flows of the pathways' semi-Markov chains, without simulation (see FLUID.md)."""

from simulation.fluid.flow_tables import FluidFlows, ProfileFlows
from simulation.fluid.flows import FluidModel, fluid_flows
from simulation.fluid.gap import PoolGap, fluid_gap
from simulation.fluid.remaining import REMAINING_YEARS, RemainingValue, remaining_value
from simulation.fluid.served import ServedFlows, served_flows

__all__ = [
    "REMAINING_YEARS",
    "FluidFlows",
    "FluidModel",
    "PoolGap",
    "ProfileFlows",
    "RemainingValue",
    "ServedFlows",
    "fluid_flows",
    "fluid_gap",
    "remaining_value",
    "served_flows",
]
