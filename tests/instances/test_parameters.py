"""Parameters: ranges, and distributions as quantiles."""

import pytest

from instances.parameters import ParameterError, bounds, contradictions, quantile
from instances.tables import Parameter


def parameter(distribution: str, value: float = 0.3, low: float = 0.2, high: float = 0.5) -> Parameter:
    return Parameter.model_validate(
        {"name": "x", "value": value, "low": low, "high": high, "distribution": distribution}
    )


@pytest.mark.parametrize("distribution", ["normal", "lognormal", "gamma", "beta"])
def test_low_and_high_are_the_outer_quantiles(distribution: str) -> None:
    assert quantile(parameter(distribution), 0.025) == pytest.approx(0.2, rel=1e-6)
    assert quantile(parameter(distribution), 0.975) == pytest.approx(0.5, rel=1e-6)


@pytest.mark.parametrize("distribution", ["gamma", "lognormal"])
def test_laws_on_the_positive_axis_fit_wide_ranges(distribution: str) -> None:
    wide = parameter(distribution, value=40.0, low=1.0, high=500.0)
    assert quantile(wide, 0.025) == pytest.approx(1.0, rel=1e-6)
    assert quantile(wide, 0.975) == pytest.approx(500.0, rel=1e-6)


@pytest.mark.parametrize("distribution", ["uniform", "triangular"])
def test_laws_with_ends_end_at_low_and_high(distribution: str) -> None:
    assert quantile(parameter(distribution), 1e-12) == pytest.approx(0.2, abs=1e-6)
    assert quantile(parameter(distribution), 1.0 - 1e-12) == pytest.approx(0.5, abs=1e-6)


def test_quantiles_known_in_closed_form() -> None:
    assert quantile(parameter("uniform"), 0.5) == pytest.approx(0.35)
    # Triangular: a third of the mass lies below the mode at 0.3.
    assert quantile(parameter("triangular"), 1.0 / 3.0) == pytest.approx(0.3)
    assert quantile(parameter("normal"), 0.5) == pytest.approx(0.35)
    assert quantile(parameter("lognormal"), 0.5) == pytest.approx((0.2 * 0.5) ** 0.5)
    # Beta(1, 3): quantile 1 - (1 - u)^(1/3).
    beta = parameter("beta", value=0.2, low=1 - 0.975 ** (1 / 3), high=1 - 0.025 ** (1 / 3))
    assert quantile(beta, 0.5) == pytest.approx(1 - 0.5 ** (1 / 3), rel=1e-6)


@pytest.mark.parametrize("distribution", ["uniform", "triangular", "normal", "lognormal", "gamma", "beta"])
def test_quantiles_grow_with_probability(distribution: str) -> None:
    values = [quantile(parameter(distribution), u / 20) for u in range(1, 20)]
    assert values == sorted(values)
    assert len(set(values)) == len(values)


def test_a_certain_parameter_never_varies() -> None:
    certain = Parameter(name="x", value=3.0)
    assert quantile(certain, 0.9) == 3.0
    assert bounds(certain) == (3.0, 3.0)


def test_a_probability_outside_the_open_interval_is_refused() -> None:
    with pytest.raises(ValueError, match="strictly between"):
        quantile(parameter("normal"), 1.0)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (Parameter(name="x", value=1.0, distribution="normal"), "needs low and high"),
        (parameter("uniform", value=0.6), "outside its range"),
        (parameter("lognormal", value=0.1, low=0.0), "low greater than 0"),
        (parameter("beta", high=1.5), "high less than 1"),
        (parameter("gamma", value=0.2, high=0.2), "low less than high"),
    ],
)
def test_contradictions_are_said(wrong: Parameter, said: str) -> None:
    assert said in "; ".join(contradictions(wrong))
    with pytest.raises(ParameterError, match=said):
        quantile(wrong, 0.5)
