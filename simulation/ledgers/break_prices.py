"""What the care around a pathway break costs and is paid: rates per stay, per time in a step, per service.

An amount is looked up, not simulated, so that a log of real patients is priced like a simulated one:

- a stay: rows on the step (`step:`) per entry, day and hour, and rows on its gate (`resource:`) times the units it
  takes; a service: rows on it (`service:`, `resource:`) per day and hour, by unit;
- a row per capacity-year counts for the units used, as that part of a year (a place in use bears its fixed cost, an
  empty one is no break's doing); a row that holds for one provider's capacity only counts by that provider's share
  of today's units in the pool that serves the territory first;
- tariffs count in full, without cuts for low occupancy, under the contract asked for;
- rows per patient, outcome, open site or added unit belong to no single stay and are left out.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np

from instances.references import Subject, subject
from instances.tables import Cost, Price
from simulation.ledgers.chart import Chart, FloatArray

COST, PAID = range(2)
"""Last axis of all amounts: production cost borne by providers, tariffs paid by payers."""

_HOURS_PER_DAY = 24.0


class Rates(NamedTuple):
    """Amounts in the instance's currency."""

    entry: FloatArray  # [Z, S, P, 2] per stay begun
    time: FloatArray  # [Z, S, P, 2] per time unit in the step
    service: FloatArray  # [Z, R, P, 2] per unit and time unit


@dataclass(frozen=True)
class BreakPrices:
    """The rates of an instance under one contract."""

    chart: Chart
    contract: str

    @cached_property
    def rates(self) -> Rates:
        """All rates, made once."""
        chart = self.chart
        zones, profiles = len(chart.zones), len(chart.profiles)
        own_entry, own_time = (np.zeros((zones, len(chart.steps), profiles, 2)) for _ in range(2))
        gate_entry, gate_time, service = (np.zeros((zones, len(chart.resources), profiles, 2)) for _ in range(3))
        prices = [row for row in chart.instance.prices if row.contract in ("", self.contract)]
        for what, rows in ((COST, _with_profiles(chart, chart.instance.costs)), (PAID, _with_profiles(chart, prices))):
            for row, profile in rows:
                about = subject(row.subject)
                if about.kind == "step":
                    steps = self._steps(about)
                    own_entry[:, steps, :, what] += self._per_entry(row) * profile
                    own_time[:, steps, :, what] += self._per_time(row) * profile
                elif about.kind in ("resource", "service"):
                    r = chart.resources[about.name]
                    amounts = np.outer(self._share(row, r), profile)
                    service[:, r, :, what] += self._per_time(row) * amounts
                    if about.kind == "resource":
                        gate_entry[:, r, :, what] += self._per_entry(row) * amounts
                        gate_time[:, r, :, what] += self._per_time(row) * amounts
        return Rates(own_entry + self._by_gate(gate_entry), own_time + self._by_gate(gate_time), service)

    def _steps(self, about: Subject) -> list[int]:
        return [
            s
            for (pathway, step), s in self.chart.steps.items()
            if step == about.name and about.pathway in ("", pathway)
        ]

    def _per_entry(self, row: Cost | Price) -> float:
        return row.amount if row.basis == "entry" else 0.0

    def _per_time(self, row: Cost | Price) -> float:
        match row.basis:
            case "day":
                return row.amount / self.chart.per_day
            case "hour":
                return row.amount * _HOURS_PER_DAY / self.chart.per_day
            case "capacity-year":
                return row.amount / self.chart.per_year
        return 0.0

    def _share(self, row: Cost | Price, resource: int) -> FloatArray:
        """Return the part of a resource's units a row holds for, by territory [Z]."""
        chart = self.chart
        if row.basis != "capacity-year":
            return np.ones(len(chart.zones))
        code = chart.instance.resources[resource].resource
        if row.provider not in chart.running.get(code, ()):
            return np.ones(len(chart.zones))
        shares = np.zeros(len(chart.zones))
        for z, q in enumerate(chart.home_pool[:, resource]):
            rows = list(chart.pools[q].rows) if q >= 0 else []
            units = chart.today_capacity[rows].astype(float)
            own = np.array([float(chart.instance.capacities[index].provider == row.provider) for index in rows])
            shares[z] = float(own @ units / units.sum()) if units.sum() > 0.0 else 0.0
        return shares

    def _by_gate(self, of_resources: FloatArray) -> FloatArray:
        """Return amounts per unit of a resource [Z, R, P, 2] as amounts per stay behind it [Z, S, P, 2]."""
        chart = self.chart
        amounts = np.zeros((len(chart.zones), len(chart.steps), len(chart.profiles), 2))
        for s, rows in enumerate(chart.step_rows):
            for p, row in enumerate(rows):
                if row.gate:
                    amounts[:, s, p] = row.amount * of_resources[:, chart.resources[row.gate], p]
        return amounts


def _with_profiles(chart: Chart, rows: Iterable[Cost | Price]) -> Iterator[tuple[Cost | Price, FloatArray]]:
    """Yield each row and 1 for each profile it holds for [P].

    Of rows alike but for profile and amount, the one that names a profile replaces the one for all.
    """
    given = list(rows)
    named: dict[tuple[object, ...], set[str]] = {}
    for row in given:
        if row.profile:
            named.setdefault(_key(row), set()).add(row.profile)
    for row in given:
        replaced = named.get(_key(row), set())
        holds = [name == row.profile if row.profile else name not in replaced for name in chart.profiles]
        yield row, np.array(holds, dtype=np.float64)


def _key(row: Cost | Price) -> tuple[object, ...]:
    if isinstance(row, Price):
        return row.contract, row.subject, row.basis, row.payer, row.provider, row.outcome
    return row.subject, row.basis, row.provider, row.nature
