"""What an instance contains, table by table, for people who want to know before they run."""

from collections.abc import Callable
from dataclasses import dataclass

from configurator.tables import Cell, Table, table
from instances.instance import Instance
from instances.tables import Profile, Resource, Zone


@dataclass(frozen=True)
class Description:
    """Facts about the whole, then one table a subject."""

    facts: tuple[tuple[str, Cell], ...]
    tables: tuple[Table, ...]

    def document(self) -> dict[str, object]:
        """Return everything as one JSON-able object."""
        return {"facts": dict(self.facts), **{content.name: content.records() for content in self.tables}}


def describe_instance(instance: Instance) -> Description:
    """Return the description of an instance under the parameter values in force."""
    parts: tuple[Callable[[Instance], Table], ...] = (
        _zones,
        _profiles,
        _pathways,
        _steps,
        _resources,
        _capacities,
        _contracts,
        _objectives,
        _rules,
        _observations,
        _parameters,
        _scenarios,
    )
    return Description(_facts(instance), tuple(part(instance) for part in parts))


def _facts(instance: Instance) -> tuple[tuple[str, Cell], ...]:
    settings = instance.settings
    horizon = settings.horizon
    return (
        ("instance", instance.name),
        ("name", settings.name),
        ("description", settings.description),
        ("persons at time 0", sum(need.initial or 0 for need in instance.needs)),
        ("arrivals a year", sum(need.arrivals for need in instance.needs)),
        ("time unit", settings.time_unit),
        ("warm-up", horizon.warm_up),
        ("run", horizon.run),
        ("currency", settings.currency),
        ("contract today", settings.contract),
        ("contract is a decision", settings.decide_contract),
        ("fingerprint", instance.fingerprint),
    )


def _zones(instance: Instance) -> Table:
    def row(zone: Zone) -> tuple[Cell, ...]:
        inside = {territory.zone for territory in instance.territories_in(zone.zone)}
        persons = sum(need.initial or 0 for need in instance.needs if need.zone in inside)
        return (zone.zone, zone.name, zone.level, zone.parent, zone.urbanicity, zone.population, persons)

    columns = ("zone", "name", "level", "parent", "urbanicity", "population", "persons")
    return table("zones", columns, map(row, instance.zones))


def _profiles(instance: Instance) -> Table:
    def row(profile: Profile) -> tuple[Cell, ...]:
        needs = [need for need in instance.needs if need.profile == profile.profile]
        persons = sum(need.initial or 0 for need in needs)
        arrivals = float(sum(need.arrivals for need in needs))
        return (profile.profile, profile.name, profile.utility, persons, arrivals, profile.background)

    columns = ("profile", "name", "utility", "persons", "arrivals_a_year", "background")
    return table("profiles", columns, map(row, instance.profiles))


def _pathways(instance: Instance) -> Table:
    steps: dict[str, dict[str, None]] = {}
    for step in instance.expanded.steps:
        steps.setdefault(step.pathway, {})[step.step] = None
    columns = ("pathway", "name", "base", "entry", "steps")
    rows = (
        (pathway.pathway, pathway.name, written.base, pathway.entry, ", ".join(steps.get(pathway.pathway, {})))
        for pathway, written in zip(instance.expanded.pathways, instance.pathways, strict=True)
    )
    return table("pathways", columns, rows)


def _steps(instance: Instance) -> Table:
    columns = ("pathway", "step", "profile", "name", "setting", "distribution", "mean", "gate", "patience", "services")
    services: dict[tuple[str, str], dict[str, None]] = {}
    for service in instance.expanded.services:
        services.setdefault((service.pathway, service.step), {})[service.resource] = None
    rows = (
        (
            step.pathway,
            step.step,
            step.profile,
            step.name,
            step.setting,
            step.distribution,
            step.mean,
            step.gate,
            step.patience,
            ", ".join(services.get((step.pathway, step.step), {})),
        )
        for step in instance.expanded.steps
    )
    return table("steps", columns, rows)


def _resources(instance: Instance) -> Table:
    def row(resource: Resource) -> tuple[Cell, ...]:
        rows = [capacity for capacity in instance.capacities if capacity.resource == resource.resource]
        current = sum(capacity.current for capacity in rows)
        least = sum(capacity.current if capacity.minimum is None else capacity.minimum for capacity in rows)
        most = sum(capacity.current if capacity.maximum is None else capacity.maximum for capacity in rows)
        reserved = sum(capacity.reserved for capacity in rows)
        unit = resource.unit
        return (resource.resource, resource.name, resource.kind, unit, resource.level, current, least, most, reserved)

    columns = ("resource", "name", "kind", "unit", "level", "current", "minimum", "maximum", "reserved")
    return table("resources", columns, map(row, instance.resources))


def _capacities(instance: Instance) -> Table:
    columns = ("zone", "resource", "provider", "current", "minimum", "maximum", "lot", "reserved", "lead_time")
    rows = (
        (
            row.zone,
            row.resource,
            row.provider,
            row.current,
            row.current if row.minimum is None else row.minimum,
            row.current if row.maximum is None else row.maximum,
            row.lot,
            row.reserved,
            row.lead_time,
        )
        for row in instance.capacities
    )
    return table("capacities", columns, rows)


def _contracts(instance: Instance) -> Table:
    return table("contracts", ("contract", "name"), ((row.contract, row.name) for row in instance.contracts))


def _objectives(instance: Instance) -> Table:
    columns = ("objective", "expression", "direction", "low", "high", "weight")
    rows = (
        (row.objective, row.expression, row.direction, row.low, row.high, row.weight) for row in instance.objectives
    )
    return table("objectives", columns, rows)


def _rules(instance: Instance) -> Table:
    def subject(*codes: str) -> str:
        return ", ".join(code for code in codes if code)

    columns = ("rule", "kind", "where", "subject", "sense", "bound", "reason")
    rows = (
        (
            row.rule,
            row.kind,
            row.zone or (f"each {row.level}" if row.level else "everywhere"),
            subject(
                row.resource, row.other_resource, row.competence, row.profile, row.pathway, row.payer, row.provider,
                row.money,
            ),
            row.sense,
            row.bound,
            row.reason,
        )
        for row in instance.rules
    )  # fmt: skip
    return table("rules", columns, rows)


def _observations(instance: Instance) -> Table:
    columns = ("observation", "description", "indicator", "value", "low", "high", "unit", "role")
    rows = (
        (row.observation, row.description, row.indicator, row.value, row.low, row.high, row.unit, row.role)
        for row in instance.observations
    )
    return table("observations", columns, rows)


def _parameters(instance: Instance) -> Table:
    columns = ("name", "value", "low", "high", "distribution", "unit", "source")
    rows = (
        (
            row.name,
            float(instance.values.get(row.name, row.value)),
            row.low,
            row.high,
            row.distribution,
            row.unit,
            row.source,
        )
        for row in instance.parameters
    )
    return table("parameters", columns, rows)


def _scenarios(instance: Instance) -> Table:
    columns = ("scenario", "name", "year", "parameter", "value")
    rows = ((row.scenario, row.name, row.year, row.parameter, row.value) for row in instance.scenarios)
    return table("scenarios", columns, rows)
