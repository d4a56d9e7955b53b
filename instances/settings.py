"""The scalars of an instance: `instance.toml`."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from instances.tables.columns import column

TimeUnit = Literal["minute", "hour", "day"]

DAYS_PER_YEAR = 365.25
UNITS_PER_DAY: dict[TimeUnit, float] = {"minute": 1440.0, "hour": 24.0, "day": 1.0}

_NonNegative = Annotated[float, Field(ge=0.0)]
_Positive = Annotated[float, Field(gt=0.0)]


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


class Horizon(_Section):
    """How long the twin runs, in the instance's time unit."""

    warm_up: _NonNegative = column("run under today's configuration before time 0", default=0.0, unit="time")
    run: _Positive = column("run from time 0 to the horizon", default=365.25, unit="time")
    rollout: _NonNegative = column("time over which people are re-oriented by a new mix", default=0.0, unit="time")
    drain: bool = column("arrivals stop at the horizon and everyone finishes", default=False)


class Economics(_Section):
    """What money and health are worth in the objectives."""

    discount_rate: _NonNegative = column("discount rate of money and health", default=0.025, unit="per year")
    willingness_to_pay: _NonNegative = column("worth of one QALY", default=50000.0, unit="currency/QALY")
    solvency_deviations: _NonNegative = column("z: standard deviations taken off a provider's margin", default=1.0)
    overrun_probability: Annotated[float, Field(ge=0.0, le=1.0)] = column(
        "accepted probability that a budget is overrun", default=0.1
    )


class ProviderAccounts(_Section):
    """Thresholds that funders read a provider's account against; empty: none is shown."""

    gross_margin_target: Annotated[float, Field(ge=0.0, le=1.0)] | None = column(
        "gross margin over revenue from which an investment can be borne", default=None, unit="share"
    )
    self_financing_least: Annotated[float, Field(ge=0.0, le=1.0)] | None = column(
        "self-financing capacity over revenue under which it is insufficient", default=None, unit="share"
    )
    self_financing_target: Annotated[float, Field(ge=0.0, le=1.0)] | None = column(
        "self-financing capacity over revenue from which it is satisfactory; fragile below", default=None, unit="share"
    )


class Satisfaction(_Section):
    """Weights of the six components of satisfaction."""

    access: _NonNegative = column("access within the tolerable delay", default=1.0)
    continuity: _NonNegative = column("no pathway break", default=1.0)
    preferred_place: _NonNegative = column("living where one prefers", default=1.0)
    proximity: _NonNegative = column("care near home", default=1.0)
    fit: _NonNegative = column("fit of the pathway offered", default=1.0)
    safety: _NonNegative = column("safety", default=1.0)


class Search(_Section):
    """Defaults of `optimise`."""

    replications: Annotated[int, Field(ge=1)] = column("replications per plan in the search", default=1)
    generations: Annotated[int, Field(ge=1)] = column("generations", default=20)
    population: Annotated[int, Field(ge=2)] = column("plans per generation", default=24)
    seed: Annotated[int, Field(ge=0)] = column("seed", default=1)
    final_replications: Annotated[int, Field(ge=1)] = column(
        "fresh replications of the plans on the final front", default=30
    )
    deciding_share: Annotated[float, Field(gt=0.0, le=1.0)] = column(
        "as many other fresh replications, as a share of those, decide which plans stand", default=1 / 3, unit="share"
    )
    final_plans: Annotated[int, Field(ge=3)] = column(
        "plans of a front, at most, that are confirmed, audited and shown", default=16
    )


class Settings(_Section):
    """All scalars of an instance."""

    format_version: Literal[1] = Field(description="version of the instance format")
    name: str = column("title", default="")
    description: str = column("what this instance is", default="")
    time_unit: TimeUnit = column("unit of every duration", default="day")
    currency: Annotated[str, Field(min_length=1, max_length=8)] = column("currency of every amount", default="EUR")
    contract: str = column("contract in force today; empty when there are none", default="")
    decide_contract: bool = column("whether the contract is a decision", default=False)
    horizon: Horizon = Horizon()
    economics: Economics = Economics()
    provider_accounts: ProviderAccounts = ProviderAccounts()
    satisfaction: Satisfaction = Satisfaction()
    search: Search = Search()

    @property
    def time_units_per_day(self) -> float:
        """Time units in a day."""
        return UNITS_PER_DAY[self.time_unit]

    @property
    def time_units_per_year(self) -> float:
        """Time units in a year of 365.25 days."""
        return DAYS_PER_YEAR * UNITS_PER_DAY[self.time_unit]
