"""Named indicators: the additive quantities, and figures derived from them by expressions."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from instances.faults import UnknownName
from instances.instance import Instance
from instances.tables import Observation
from simulation.derived_indicators import GENERAL, Derived, satisfaction, solvency
from simulation.estimates import Estimate, estimate
from simulation.indicator_expressions import (
    SPREADS,
    Call,
    Expression,
    Filter,
    InvalidExpression,
    Number,
    Term,
    evaluate,
    parse,
    replace_terms,
    terms,
)
from simulation.ledgers.account import Account
from simulation.ledgers.chart import Chart, FloatArray
from simulation.quantities import QUANTITIES
from simulation.selections import WHO, Selection, select

CONSTANTS: dict[str, tuple[str, str]] = {
    "years": ("years", "length of the run"),
    "days": ("days", "length of the run"),
    "willingness_to_pay": ("currency", "worth of one QALY"),
    "inhabitants": ("persons", "population of the territories"),
}

_MAX_DEPTH = 20


@dataclass(frozen=True)
class Catalogue:
    """The named indicators of one instance."""

    chart: Chart

    @classmethod
    def of(cls, instance: Instance) -> "Catalogue":
        """Return the catalogue of an instance."""
        return cls(Chart(instance))

    @cached_property
    def derived(self) -> Mapping[str, Derived]:
        """Derived indicators by name, those that depend on the instance included."""
        own = (satisfaction(self.chart.instance), solvency(self.chart.instance))
        return {each.name: each for each in (*GENERAL, *own)}

    @property
    def names(self) -> tuple[str, ...]:
        """Every name that an expression may hold."""
        return (*QUANTITIES, *self.derived, *CONSTANTS)

    def unit(self, name: str) -> str:
        """Return the unit of a named indicator, with the instance's currency."""
        name = name.partition("[")[0]
        unit = QUANTITIES[name].unit if name in QUANTITIES else self.derived[name].unit
        return self.chart.instance.settings.currency if unit == "currency" else unit

    def expand(self, expression: str | Expression) -> Expression:
        """Return an expression over additive quantities only: derived figures and constants replaced."""
        parsed = parse(expression) if isinstance(expression, str) else expression
        if parsed not in self._expansions:
            self._expansions[parsed] = self._expand(parsed, 0)
        return self._expansions[parsed]

    @cached_property
    def _expansions(self) -> dict[Expression, Expression]:
        return {}

    def _expand(self, expression: Expression, depth: int) -> Expression:
        if depth > _MAX_DEPTH:
            raise InvalidExpression("an indicator is defined by itself")

        if isinstance(expression, Call):
            arguments = expression.arguments
            if expression.function in SPREADS:
                arguments = self._spread(expression)
            return Call(expression.function, tuple(self._expand(each, depth) for each in arguments))
        return self._expanded(expression, depth) if isinstance(expression, Term) else expression

    def _expanded(self, term: Term, depth: int) -> Expression:
        if term.name in QUANTITIES:
            select(self.chart, term, QUANTITIES[term.name].keys)  # raises on unknown keys and values
            return term
        if term.name in CONSTANTS:
            return self._constant(term)
        if term.name not in self.derived:
            raise UnknownName("indicator", term.name, self.names)
        inside = parse(self.derived[term.name].expression)
        return self._expand(replace_terms(inside, lambda each: _narrowed(each, term)), depth + 1)

    def _spread(self, call: Call) -> tuple[Expression, ...]:
        """Return what a figure over groups is made of: the figure for each group beside its persons, or a table."""
        figure, *keys = call.arguments
        groups = [self._groups(call.function, key) for key in keys]
        if call.function == "dependence":
            cells = (_for_group(_for_group(figure, row), column) for row in groups[0] for column in groups[1])
            return (Number(float(len(groups[1]))), *cells)
        persons = Term("scored", today=any(term.today for term in terms(figure)))
        return tuple(_for_group(each, group) for group in groups[0] for each in (figure, persons))

    def _groups(self, function: str, key: Expression) -> tuple[Filter, ...]:
        chart = self.chart
        members = {
            "zone": tuple(chart.zones),
            "urbanicity": tuple(sorted({row.urbanicity for row in chart.instance.territories})),
            "profile": tuple(name for name, p in chart.profiles.items() if not chart.background[p]),
            "pathway": tuple(chart.pathways),
        }
        if not isinstance(key, Term) or key.name not in members:
            raise InvalidExpression(f"{function}: expected {', '.join(members)} after the figure, found {key}")
        return tuple(Filter(key.name, (name,)) for name in members[key.name])

    def _constant(self, term: Term) -> Expression:
        settings = self.chart.instance.settings
        match term.name:
            case "years":
                return Number(self.chart.run / self.chart.per_year)
            case "days":
                return Number(self.chart.run / self.chart.per_day)
            case "willingness_to_pay":
                return Number(settings.economics.willingness_to_pay)
        chosen = Term("scored", tuple(each for each in term.filters if each.key in WHO), term.today)
        populations = [row.population for row in self.chart.instance.territories]
        if any(population is None for population in populations) or not any(populations):
            return Call(
                "+", (Term("initial", chosen.filters, term.today), Term("arrivals", chosen.filters, term.today))
            )
        zones = Term("scored", tuple(each for each in term.filters if each.key in ("zone", "urbanicity")))
        weights = select(self.chart, zones, WHO).zone
        return Number(float(np.array(populations, dtype=np.float64) @ weights))

    def value(self, expression: str | Expression, account: Account, today: Account | None = None) -> float:
        """Return the value of an expression; without today's account, today is this account."""
        return self.evaluated(self.expand(expression), account, today)

    def evaluated(self, expanded: Expression, account: Account, today: Account | None = None) -> float:
        """The same, for an expression that is already expanded."""
        return evaluate(
            expanded, lambda term: self.measure(term, account if today is None or not term.today else today)
        )

    def over_replications(
        self, expanded: Expression, accounts: Sequence[Account], today: Sequence[Account] | None = None
    ) -> list[float]:
        """Return the value of an expanded expression in each replication."""
        return [
            self.evaluated(expanded, account, None if today is None else today[number])
            for number, account in enumerate(accounts)
        ]

    def measure(self, term: Term, account: Account, part: tuple[int, ...] | None = None) -> float:
        """Return the value of one additive quantity.

        part: the territories that the account is over, among `instance.territories`; None: all.
        """
        return QUANTITIES[term.name].read(account, self._selection(term, part), self.chart_of(part))

    def chart_of(self, part: tuple[int, ...] | None) -> Chart:
        """Return the chart of some territories; None: of all."""
        if part is None:
            return self.chart
        if part not in self._charts:
            self._charts[part] = Chart(self.chart.instance, part)
        return self._charts[part]

    @cached_property
    def _charts(self) -> dict[tuple[int, ...], Chart]:
        return {}

    @cached_property
    def _selections(self) -> dict[tuple[str, tuple[Filter, ...], tuple[int, ...] | None], Selection]:
        return {}

    def _selection(self, term: Term, part: tuple[int, ...] | None) -> Selection:
        key = (term.name, term.filters, part)
        if key not in self._selections:
            if part is None:
                self._selections[key] = select(self.chart, term, QUANTITIES[term.name].keys)
            else:  # expanding the term has looked its values up
                given = {each.key: each.values for each in term.filters}
                self._selections[key] = Selection(self.chart_of(part), given, is_known=True)
        return self._selections[key]


def _for_group(expression: Expression, group: Filter) -> Expression:
    """Return an expression for one group only."""
    return replace_terms(expression, lambda term: _narrowed(term, Term(term.name, (group,))))


def _narrowed(term: Term, outer: Term) -> Term:
    if term.name in CONSTANTS and term.name != "inhabitants":
        return term
    keys = {each.key for each in term.filters}
    for each in outer.filters:
        if each.key in keys:
            raise InvalidExpression(f"{outer}: {outer.name} is already narrowed by {each.key!r}")
    return Term(term.name, (*term.filters, *outer.filters), term.today or outer.today)


@dataclass(frozen=True)
class TermReader:
    """Reads the additive quantities of some expressions from accounts into short vectors.

    A vector is additive over components, so a search keeps these and not whole accounts.
    """

    catalogue: Catalogue
    expressions: tuple[Expression, ...]  # expanded

    @classmethod
    def of(cls, catalogue: Catalogue, expressions: Sequence[str]) -> "TermReader":
        """Return the reader of some expressions."""
        return cls(catalogue, tuple(catalogue.expand(text) for text in expressions))

    @cached_property
    def terms(self) -> tuple[Term, ...]:
        """The distinct quantities, `today` or not."""
        every = (Term(term.name, term.filters) for expression in self.expressions for term in terms(expression))
        return tuple(dict.fromkeys(every))

    @cached_property
    def reads_breaks(self) -> bool:
        """Say whether a quantity is about pathway breaks."""
        return any("break" in QUANTITIES[term.name].keys for term in self.terms)

    @cached_property
    def _place(self) -> dict[Term, int]:
        return {term: index for index, term in enumerate(self.terms)}

    def vector(self, account: Account, part: tuple[int, ...] | None = None) -> FloatArray:
        """Return the value of every quantity [terms].

        part: the territories that the account is over, among `instance.territories`; quantities of zones without any
        of these are known to be 0 (most of those in a long table, when an account is of one component). None: all.
        """
        if part is None:
            return np.array([self.catalogue.measure(term, account) for term in self.terms])
        found = np.zeros(len(self.terms))
        for place in self._places_of(part):
            found[place] = self.catalogue.measure(self.terms[place], account, part)
        return found

    def _places_of(self, part: tuple[int, ...]) -> list[int]:
        """Return which quantities may differ from 0 where an account is over some territories."""
        if part not in self._known_places:
            lines = self.catalogue.chart.lines
            inside = {zone for own in self.catalogue.chart_of(part).zones for zone in lines[own]}
            self._known_places[part] = [place for place, term in enumerate(self.terms) if _may_be(term, inside)]
        return self._known_places[part]

    @cached_property
    def _known_places(self) -> dict[tuple[int, ...], list[int]]:
        return {}

    def values(self, vector: FloatArray, today: FloatArray) -> FloatArray:
        """Return the value of each expression from a vector and today's."""

        def value_of(term: Term) -> float:
            source = today if term.today else vector
            return float(source[self._place[Term(term.name, term.filters)]])

        return np.array([evaluate(expression, value_of) for expression in self.expressions])


def _may_be(term: Term, inside: Collection[str]) -> bool:
    """Say whether a quantity may differ from 0 where only some zones have any."""
    return all(
        any(value in inside or value.endswith("*") for value in each.values)
        for each in term.filters
        if each.key == "zone"
    )


@dataclass(frozen=True)
class Comparison:
    """An observation beside its simulated value."""

    observation: Observation
    simulated: Estimate

    @property
    def is_within(self) -> bool:
        """Whether the simulated mean lies in the plausible range."""
        return self.observation.low <= self.simulated.mean <= self.observation.high


def compare_observations(instance: Instance, accounts: Sequence[Account]) -> tuple[Comparison, ...]:
    """Return every observation that has an expression beside its simulated value."""
    catalogue = Catalogue.of(instance)
    return tuple(
        Comparison(row, estimate(catalogue.over_replications(catalogue.expand(row.indicator), accounts)))
        for row in instance.observations
        if row.indicator
    )
