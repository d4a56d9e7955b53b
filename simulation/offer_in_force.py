"""What is offered at a moment, and what has been decided but has yet to act: where another offer takes over."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from instances.instance import Instance
from simulation.compilation import compile_plan
from simulation.components import Component
from simulation.configuration import Configuration, todays_configuration
from simulation.flat_model import FlatPlan


@dataclass(frozen=True)
class OfferInForce:
    """A configuration decided in the past, as it stands at `time`.

    capacities: units in force at `time`, by capacity row; acts_at: when each row of the configuration acts, or
    acted. A row whose `acts_at` is `time` itself has yet to act: events at that time are still to come.
    """

    time: float
    configuration: Configuration
    capacities: tuple[int, ...]
    acts_at: tuple[float, ...]

    def follow(self, instance: Instance, configuration: Configuration) -> "OfferInForce":
        """Return the offer of a configuration decided now; rows that stay as decided before keep their time."""
        rows = zip(instance.capacities, configuration.capacities, self.configuration.capacities, strict=True)
        acts_at = tuple(
            before if units == decided else self.time + row.lead_time
            for (row, units, decided), before in zip(rows, self.acts_at, strict=True)
        )
        return replace(self, configuration=configuration, acts_at=acts_at)

    def later(self, time: float) -> "OfferInForce":
        """Return the same offer at a later time, what acted before it being in force."""
        rows = zip(self.configuration.capacities, self.capacities, self.acts_at, strict=True)
        return replace(self, time=time, capacities=tuple(new if acts < time else old for new, old, acts in rows))

    def plan(self, instance: Instance, component: Component, configuration: Configuration) -> FlatPlan:
        """Compile a configuration that takes over now."""
        now = replace(self.configuration, capacities=self.capacities)
        return compile_plan(
            instance, component, configuration, now, acts_at=self.follow(instance, configuration).acts_at
        )

    def accounted(self, instance: Instance, configuration: Configuration) -> Instance:
        """Return the instance as the money ledger must see it over a run that starts now.

        The ledger counts a row at today's units until its lead time and at the configuration's units then;
        here the lead time is what is left of it. Rows decided anew start from the units in force.
        """
        if self.configuration == todays_configuration(instance):
            return instance
        acts_at = self.follow(instance, configuration).acts_at
        rows = zip(
            instance.capacities, configuration.capacities, self.configuration.capacities, self.capacities, acts_at,
            strict=True,
        )  # fmt: skip
        capacities = tuple(
            row.model_copy(
                update={
                    "lead_time": max(0.0, acts - self.time),
                    "current": row.current if units == decided else in_force,
                }
            )
            for row, units, decided, in_force, acts in rows
        )
        return replace(instance, capacities=capacities)


def todays_offer(instance: Instance) -> OfferInForce:
    """Return the offer at time 0: today's, nothing pending."""
    today = todays_configuration(instance)
    lead_times: Sequence[float] = [row.lead_time for row in instance.capacities]
    return OfferInForce(0.0, today, today.capacities, tuple(lead_times))
