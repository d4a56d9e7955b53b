"""The row types of an instance's tables, by subject.

`TABLES` names every table of the format once: reader, checks and documentation go by it.
"""

from instances.tables.columns import Row, StayLaw
from instances.tables.demand import Need, Profile, Rhythm
from instances.tables.knowledge import (
    Break,
    Objective,
    Observation,
    Parameter,
    ScenarioValue,
)
from instances.tables.money import Contract, Cost, Price
from instances.tables.pathways import Move, Offer, Pathway, Service, Step
from instances.tables.rules import Rule
from instances.tables.supply import Capacity, Payer, Provider, Resource
from instances.tables.territory import Travel, Zone

TABLES: dict[str, type[Row]] = {
    "parameters": Parameter,
    "zones": Zone,
    "travel": Travel,
    "payers": Payer,
    "providers": Provider,
    "resources": Resource,
    "capacities": Capacity,
    "profiles": Profile,
    "needs": Need,
    "pathways": Pathway,
    "offers": Offer,
    "steps": Step,
    "services": Service,
    "moves": Move,
    "prices": Price,
    "contracts": Contract,
    "costs": Cost,
    "rules": Rule,
    "rhythms": Rhythm,
    "observations": Observation,
    "breaks": Break,
    "objectives": Objective,
    "scenarios": ScenarioValue,
}

REQUIRED_TABLES = frozenset({"zones", "resources", "capacities", "profiles", "needs", "pathways", "offers", "steps"})

__all__ = [
    "REQUIRED_TABLES",
    "TABLES",
    "Break",
    "Capacity",
    "Contract",
    "Cost",
    "Move",
    "Need",
    "Objective",
    "Observation",
    "Offer",
    "Parameter",
    "Pathway",
    "Payer",
    "Price",
    "Profile",
    "Provider",
    "Resource",
    "Rhythm",
    "Row",
    "Rule",
    "ScenarioValue",
    "Service",
    "StayLaw",
    "Step",
    "Travel",
    "Zone",
]
