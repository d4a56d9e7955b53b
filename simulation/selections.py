"""What the filters of a term leave of each axis of an account."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from instances.faults import UnknownName
from simulation.indicator_expressions import InvalidExpression, Term
from simulation.ledgers.chart import Chart, FloatArray
from simulation.ledgers.money import COST_KINDS
from simulation.ledgers.outcomes import COMPONENTS

WHO = ("zone", "urbanicity", "profile", "pathway")
WHERE = (*WHO, "step", "setting", "resource")
POOL = ("zone", "resource")
SETTINGS = ("home", "emergency", "ward", "rehabilitation", "institution", "exit")
NOBODY = "-"
"""The profile or pathway of money that belongs to none: capacities, sites, investments."""
MONEY = ("zone", "urbanicity", "profile", "pathway", "provider", "sector")


@dataclass(frozen=True)
class Selection:
    """What the filters of a term leave of each axis, as 0/1 weights, made when first asked for.

    A value ending in * stands for every name that begins so.
    """

    chart: Chart
    given: Mapping[str, tuple[str, ...]]
    is_known: bool = False
    """Whether every value is known to name something: what the chart does not tell of then selects nothing."""

    @cached_property
    def zone(self) -> FloatArray:
        """Territories [Z], by any zone they lie in and by urbanicity."""
        known, asked = self.chart.chosen, (self.given.get("zone"), self.given.get("urbanicity"))
        if asked not in known:
            known[asked] = self._territories()
        return known[asked]

    def _territories(self) -> FloatArray:
        weights = self._matching("zone", [self.chart.lines[zone] for zone in self.chart.zones])
        territories = self.chart.instance.territories
        return weights * self._matching("urbanicity", [(territories[n].urbanicity,) for n in self.chart.territories])

    @cached_property
    def profile(self) -> FloatArray:
        """Profiles [P], background demand included."""
        return self._named("profile", self.chart.profiles)

    @cached_property
    def people(self) -> FloatArray:
        """Profiles [P], background demand only where a filter names it."""
        return self.profile if "profile" in self.given else self.profile * ~self.chart.background

    @cached_property
    def pathway(self) -> FloatArray:
        """Pathways [W]."""
        return self._named("pathway", self.chart.pathways)

    @cached_property
    def step(self) -> FloatArray:
        """Steps [S], by step, setting and pathway."""
        weights = self._matching("step", [(step, f"{pathway}/{step}") for pathway, step in self.chart.steps])
        if "setting" in self.given:
            for value in self.given["setting"]:
                if value not in SETTINGS:
                    raise UnknownName("setting", value, SETTINGS)
            weights = weights * [float(setting in self.given["setting"]) for setting in self.chart.step_setting]
        return weights * self.pathway[self.chart.step_pathway]

    @cached_property
    def visit(self) -> FloatArray:
        """Steps by profile [P, S], by the resource of their gate too."""
        weights = np.broadcast_to(self.step, (len(self.chart.profiles), len(self.chart.steps)))
        if "resource" not in self.given:
            return weights
        gate = self.chart.gate
        return weights * np.where(gate >= 0, self.resource[gate], 0.0).T

    @cached_property
    def resource(self) -> FloatArray:
        """Resources [R]."""
        return self._named("resource", self.chart.resources)

    @cached_property
    def pool(self) -> FloatArray:
        """Pools [Q], by resource and by where the pool stands."""
        weights = self.resource[self.chart.pool_resource]
        if "zone" not in self.given:
            return weights
        for value in self.given["zone"]:
            if value not in self.chart.lines:
                raise UnknownName("zone", value, sorted(self.chart.lines))
        return weights * [float(not line.isdisjoint(self.given["zone"])) for line in self.chart.pool_lines]

    @cached_property
    def provider(self) -> FloatArray:
        """Providers, by id and by sector."""
        sectors = [(row.sector,) for row in self.chart.instance.providers]
        return self._named("provider", self.chart.providers) * self._matching("sector", sectors)

    @cached_property
    def payer(self) -> FloatArray:
        """Payers."""
        return self._named("payer", self.chart.payers)

    @cached_property
    def hazard(self) -> FloatArray:
        """Hazards [H]."""
        return self._named("hazard", self.chart.hazards)

    @cached_property
    def mark(self) -> FloatArray:
        """Marks [M]."""
        return self._named("mark", self.chart.marks)

    @cached_property
    def break_(self) -> FloatArray:
        """Pathway breaks."""
        return self._named("break", [row.break_ for row in self.chart.instance.breaks])

    @cached_property
    def component(self) -> FloatArray:
        """Components of satisfaction [6]."""
        return self._named("component", COMPONENTS)

    @cached_property
    def kind(self) -> FloatArray:
        """Kinds of cost."""
        return self._named("kind", COST_KINDS)

    @cached_property
    def year(self) -> FloatArray:
        """Years of accounts [Y], the first is 1."""
        return self._named("year", [str(number + 1) for number in range(self.chart.years)])

    @cached_property
    def money_profile(self) -> FloatArray:
        """Profiles of money [P + 1]; last: what belongs to none."""
        return self._named("profile", (*self.chart.profiles, NOBODY))

    @cached_property
    def money_people(self) -> FloatArray:
        """The same without background demand."""
        if "profile" in self.given:
            return self.money_profile
        return self.money_profile * np.append(~self.chart.background, True)

    @cached_property
    def money_pathway(self) -> FloatArray:
        """Pathways of money [W + 1]; last: what belongs to none."""
        return self._named("pathway", (*self.chart.pathways, NOBODY))

    def _named(self, key: str, names: Iterable[str]) -> FloatArray:
        return self._matching(key, [(name,) for name in names])

    def _matching(self, key: str, names: Sequence[tuple[str, ...]]) -> FloatArray:
        """Return 1 for each thing one of whose names is selected, all when the key is not given."""
        if key not in self.given:
            return np.ones(len(names))
        weights = np.zeros(len(names))
        for value in self.given[key]:
            hits = [value in each for each in names]
            if value.endswith("*"):
                hits = [any(name.startswith(value[:-1]) for name in each) for each in names]
            elif not any(hits) and not self.is_known:
                raise UnknownName(key, value, sorted({name for each in names for name in each}))
            weights[hits] = 1.0
        return weights


OF_ACCOUNTS, _OF_PEOPLE = ("kind", "year"), ("profile", "pathway")
"""Money is kept by kind and year for each provider and territory, not for each profile and pathway."""

_ASPECTS = {"urbanicity": "zone", "setting": "step", "sector": "provider", "break": "break_"}


def select(chart: Chart, term: Term, keys: Iterable[str]) -> Selection:
    """Return what a term's filters select; raise when a key or a value is unknown."""
    allowed = tuple(keys)
    chosen = Selection(chart, {each.key: each.values for each in term.filters})
    for key in chosen.given:
        if key not in allowed:
            known = ", ".join(allowed) or "none"
            raise InvalidExpression(f"{term}: {term.name} cannot be narrowed by {key!r}; keys: {known}")
        if key in OF_ACCOUNTS and not chosen.given.keys().isdisjoint(_OF_PEOPLE):
            raise InvalidExpression(f"{term}: {key!r} cannot be given together with a profile or a pathway")
        by_place = key == "zone" and allowed == POOL
        of_money = key in _OF_PEOPLE and "provider" in allowed
        aspect = f"money_{key}" if of_money else "pool" if by_place else _ASPECTS.get(key, key)
        getattr(chosen, aspect)  # raises on an unknown value
    return chosen
