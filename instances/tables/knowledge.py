"""What is known and sought: parameters, observations, breaks, objectives, scenarios."""

from typing import Literal

from instances.tables.columns import Code, NonNegative, Row, Share, column

Distribution = Literal["", "fixed", "uniform", "triangular", "normal", "lognormal", "beta", "gamma"]


class Parameter(Row):
    """A figure that is uncertain or changeable; other tables name it in their cells.

    `low` and `high` are read as the 2.5 % and 97.5 % quantiles of normal, lognormal, beta and gamma, and as
    the ends of uniform and triangular.
    """

    name: Code = column("name used in cells")
    value: float = column("central value")
    low: float | None = column("low value", default=None)
    high: float | None = column("high value", default=None)
    distribution: Distribution = column("distribution; empty: fixed", default="")
    unit: str = column("unit", default="")
    source: str = column("source, or assumption", default="assumption")
    reason: str = column("why this value and range", default="")
    free: bool = column("whether a calibration may move it within its range", default=False)


class Observation(Row):
    """What is known of today: an expression over named indicators, and the range it must fall in."""

    observation: Code = column("code")
    description: str = column("in words", default="")
    indicator: str = column("expression over named indicators, e.g. entries[step=ward]/persons", default="")
    value: float = column("observed value")
    low: float = column("least plausible")
    high: float = column("greatest plausible")
    unit: str = column("unit", default="")
    year: str = column("year", default="")
    role: Literal["fit", "check"] = column("fit: may set a parameter; check: never", default="check")
    source: str = column("source", default="")


class Break(Row):
    """A pathway break, counted alike on simulated and real event logs."""

    break_: Code = column("code", alias="break")
    kind: Literal[
        "readmission", "patience", "blocked", "discharge_without_service", "gap_without_service", "avoidable_stay"
    ] = column("kind")
    step: str = column("step or setting looked at", default="")
    service: str = column("service looked at", default="")
    window: NonNegative | None = column("time window", unit="time", default=None)


class Objective(Row):
    """An objective: an expression over named indicators, a direction, fixed bounds for scaling.

    target: what the value is to keep (at least it when maximised, at most it when minimised) with at least this
    probability over replications (empty: one less `overrun_probability`). A row of direction `at_least` or `at_most` is
    never optimised: it is only a target to keep, as in "the cheapest plan in which nine in ten are seen in 30 days".
    """

    objective: Code = column("code")
    expression: str = column("expression over named indicators")
    direction: Literal["maximise", "minimise", "at_least", "at_most"] = column("direction; at_*: kept only")
    low: float = column("lower bound of its scale (hypervolume, scores)")
    high: float = column("upper bound of its scale")
    weight: NonNegative = column("weight in a recommendation", default=1.0)
    target: float | None = column("target to keep", default=None)
    probability: Share | None = column("with at least this probability", default=None)

    @property
    def is_optimised(self) -> bool:
        """Whether plans are compared on it; else it is only a target."""
        return self.direction in ("maximise", "minimise")


class ScenarioValue(Row):
    """One parameter's value in one scenario; an empty parameter names a scenario that changes nothing."""

    scenario: Code = column("code")
    name: str = column("name", default="")
    year: str = column("year it speaks of", default="")
    parameter: str = column("parameter", default="")
    value: float | None = column("value", default=None)
