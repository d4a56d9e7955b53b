"""What all rows share: frozen, unknown columns refused, each column described once."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field


class Row(BaseModel):
    """One row of a table: frozen, strict about its columns."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


def column(description: str, *, unit: str = "", default: Any = ..., **bounds: Any) -> Any:  # noqa: ANN401
    """Declare a column: its meaning, unit, default and range, for reader, checks and documents."""
    return Field(default=default, description=description, json_schema_extra={"unit": unit}, **bounds)


Code = Annotated[str, Field(min_length=1, pattern=r"^[^\s,;|=\[\]]+$")]
Share = Annotated[float, Field(ge=0.0, le=1.0)]
NonNegative = Annotated[float, Field(ge=0.0)]
Positive = Annotated[float, Field(gt=0.0)]
Units = Annotated[int, Field(ge=0)]

Law = Literal[
    "",
    "fixed",
    "exponential",
    "lognormal",
    "normal",
    "uniform",
    "triangular",
    "gamma",
    "erlang",
    "weibull",
    "hyperexponential",
]


class StayLaw(Row):
    """A duration law with its parameters by name, in the instance's time unit.

    fixed(mean), exponential(mean), lognormal(mean or median; sd, variance or shape = sd of the
    logarithm), normal(mean; sd or variance; cut at 0), uniform(low, high), triangular(low, mode, high),
    gamma(mean, sd) or gamma(shape, scale), erlang(shape, mean of the whole), weibull(shape, scale),
    hyperexponential(mixture, mean, mean_2: with probability `mixture` the first mean).
    """

    distribution: Law = column("name of the law; empty: no law", default="")
    mean: NonNegative | None = column("mean", unit="time", default=None)
    sd: NonNegative | None = column("standard deviation", unit="time", default=None)
    variance: NonNegative | None = column("variance", unit="time^2", default=None)
    median: Positive | None = column("median", unit="time", default=None)
    shape: Positive | None = column("shape", default=None)
    scale: Positive | None = column("scale", unit="time", default=None)
    low: NonNegative | None = column("least value", unit="time", default=None)
    mode: NonNegative | None = column("most likely value", unit="time", default=None)
    high: NonNegative | None = column("greatest value", unit="time", default=None)
    mixture: Share | None = column("probability of the first mean", default=None)
    mean_2: Positive | None = column("second mean", unit="time", default=None)
