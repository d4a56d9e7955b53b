"""Duration laws: the parameters each needs, none missing, none left over."""

from collections.abc import Iterator

from instances.checks.examined import Examined
from instances.faults import Fault
from instances.tables import StayLaw

# Each law's complete parameter sets, as `StayLaw` documents them.
PARAMETER_SETS: dict[str, tuple[frozenset[str], ...]] = {
    "fixed": (frozenset({"mean"}),),
    "exponential": (frozenset({"mean"}),),
    "lognormal": tuple(
        frozenset({centre, width}) for centre in ("mean", "median") for width in ("sd", "variance", "shape")
    ),
    "normal": (frozenset({"mean", "sd"}), frozenset({"mean", "variance"})),
    "uniform": (frozenset({"low", "high"}),),
    "triangular": (frozenset({"low", "mode", "high"}),),
    "gamma": (frozenset({"mean", "sd"}), frozenset({"shape", "scale"})),
    "erlang": (frozenset({"shape", "mean"}),),
    "weibull": (frozenset({"shape", "scale"}),),
    "hyperexponential": (frozenset({"mixture", "mean", "mean_2"}),),
}
LAW_PARAMETERS = ("mean", "sd", "variance", "median", "shape", "scale", "low", "mode", "high", "mixture", "mean_2")

# Laws of which a mean of 0 makes no sense: their logarithm or shape would not exist.
_NEED_A_POSITIVE_MEAN = frozenset({"exponential", "lognormal", "gamma", "erlang", "hyperexponential"})


def law_parameters_at_odds(examined: Examined) -> Iterator[Fault]:
    """A duration law lacks a parameter, has one too many, or its parameters contradict one another."""
    laws: list[tuple[str, int, StayLaw]] = [
        *(("steps", index, row) for index, row in enumerate(examined.instance.steps)),
        *(("moves", index, row) for index, row in enumerate(examined.instance.moves)),
    ]
    for table, index, law in laws:
        given = frozenset(name for name in LAW_PARAMETERS if getattr(law, name) is not None)
        if not law.distribution:
            for name in sorted(given):
                yield examined.fault(
                    table, index, name, "an empty cell, or a distribution", "a parameter without a law"
                )
        elif given not in PARAMETER_SETS[law.distribution]:
            yield _wrong_parameters(examined, table, index, law, given)
        else:
            yield from _values_at_odds(examined, table, index, law)


def _wrong_parameters(examined: Examined, table: str, index: int, law: StayLaw, given: frozenset[str]) -> Fault:
    sets = PARAMETER_SETS[law.distribution]
    expected = " or ".join(_listed(names) for names in sets)
    closest = min(sets, key=lambda names: len(names ^ given))
    missing, extra = closest - given, given - closest
    parts = [f"lacks {_listed(missing)}"] if missing else []
    parts += [f"has {_listed(extra)} too many"] if extra else []
    message = f"a {law.distribution} law {' and '.join(parts)}"
    return examined.fault(table, index, "distribution", f"{law.distribution} with {expected}", message)


def _listed(names: frozenset[str]) -> str:
    return "+".join(name for name in LAW_PARAMETERS if name in names)


def _values_at_odds(examined: Examined, table: str, index: int, law: StayLaw) -> Iterator[Fault]:
    if law.distribution in _NEED_A_POSITIVE_MEAN and law.mean == 0.0:
        yield examined.fault(table, index, "mean", "a mean greater than 0", "out of range")
    if law.distribution == "gamma" and law.sd == 0.0:
        yield examined.fault(table, index, "sd", "a standard deviation greater than 0", "out of range")
    if law.distribution == "erlang" and law.shape is not None and law.shape != round(law.shape):
        yield examined.fault(table, index, "shape", "a whole number of phases", "out of range")
    low = 0.0 if law.low is None else law.low
    high = low if law.high is None else law.high
    mode = low if law.mode is None else law.mode
    if not low <= high:
        yield examined.fault(table, index, "high", f"at least low ({low:g})", "out of range")
    elif not low <= mode <= high:
        yield examined.fault(table, index, "mode", f"between low ({low:g}) and high ({high:g})", "out of range")
