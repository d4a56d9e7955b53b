"""What was asked for, checked: which instance, how much effort, in which format."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING

from configurator.exports import EXPORT_FORMATS, ExportFormat
from configurator.laboratory import ENGINES, Effort, Engine
from configurator.presets import NORMAL, PRESETS, Preset
from instances.catalogue import load_instance, read_source
from instances.faults import ConfiguratorError, InvalidInstance, UnknownName
from instances.instance import Instance

if TYPE_CHECKING:
    from simulation.knowledge import Knowledge

MOST_PART = 20
"""A plan is replicated no more in the search than one part of a budget in so many; nor is today's offer, ten apart."""
TODAYS_REPLICATIONS = 30
"""Of today's offer in a search, or as many as are reported: what a firm's margin varies by hangs on few bad draws, and
ten replications of the Loire show 0.4 to 1.2 times the deviations that sixty show, thirty 0.7 to 1.1 times."""


class InvalidRequest(ConfiguratorError):  # noqa: N818 (named for what it says)
    """An option whose value cannot be used."""


@dataclass(frozen=True)
class Choice:
    """Which instance, under which scenario and parameter values."""

    instance: str
    scenario: str | None = None
    overrides: Mapping[str, float] = field(default_factory=dict)
    chance_only: bool = False
    """Whether every replication keeps uncertain parameters at their central values, instead of drawing them."""
    name: str = ""
    """What the instance is called; empty: as its folder."""

    def load(self) -> Instance:
        """Read, build and check the instance."""
        return load_instance(self.instance, self.scenario, self.overrides)

    def knowledge(self) -> "Knowledge":
        """Read, build and check the instance, with what is known of its parameters."""
        from simulation.expression_faults import expression_faults
        from simulation.knowledge import Knowledge  # brings numba, which describing does without

        source = read_source(self.instance)
        if self.name:
            source = replace(source, written=replace(source.written, name=self.name))
        known = Knowledge.of(source, self.scenario, self.overrides)
        faults = expression_faults(source, known.central)
        if faults:
            raise InvalidInstance(faults)
        return known.chance_only if self.chance_only else known


@dataclass(frozen=True)
class Wish:
    """How much to simulate and search; what is None comes from the instance's settings; workers 0: one per core."""

    seed: int | None = None
    replications: int | None = None
    generations: int | None = None
    population: int | None = None
    workers: int = 0
    engine: Engine = "compiled"
    preset: str = NORMAL
    budget: int | None = None
    minutes: float | None = None

    def effort(self, instance: Instance) -> Effort:
        """Return the effort: what was asked for, else the preset's, else the instance's."""
        search, preset = instance.settings.search, preset_named(self.preset)
        replications = search.replications if self.replications is None else self.replications
        most = self._most_replications(replications * preset.most_replications, replications)
        final = search.final_replications if preset.final_replications is None else preset.final_replications
        generations = max(1, round(preset.generations * search.generations))
        population = max(2, round(preset.population * search.population))
        return Effort(
            seed=search.seed if self.seed is None else self.seed,
            replications=replications,
            final_replications=final,
            final_plans=search.final_plans,
            generations=generations if self.generations is None else self.generations,
            population=population if self.population is None else self.population,
            workers=self.workers,
            engine=self.engine,
            most_replications=most,
            budget=self.budget or 0,
            seconds=60.0 * (self.minutes or 0.0),
            patience=preset.patience,
            random_plans=preset.random_plans,
            todays_replications=self._todays_replications(final),
        )

    def _todays_replications(self, final: int) -> int:
        """Return how many replications of today's offer a search knows, where no more are needed for other reasons."""
        usual = min(final, TODAYS_REPLICATIONS)
        return usual if self.budget is None else min(usual, self.budget // MOST_PART)

    def _most_replications(self, usual: int, replications: int) -> int:
        """Return what no plan is replicated beyond: a small budget would go all to today, which gets as many."""
        return usual if self.budget is None else max(replications, min(usual, self.budget // MOST_PART))


@dataclass(frozen=True)
class MoreEffort:
    """What may be larger when a run goes on; None: as before. workers: as many as wanted, 0: one per core."""

    generations: int | None = None
    final_replications: int | None = None
    budget: int | None = None
    minutes: float | None = None
    workers: int = 0

    def applied(self, effort: Effort) -> Effort:
        """Return the effort with what was asked for; raises InvalidRequest where that is less than before."""
        asked = {"generations": self.generations, "final_replications": self.final_replications, "budget": self.budget}
        given = {name: value for name, value in asked.items() if value is not None}
        for name, value in given.items():
            before = getattr(effort, name)
            if value < before:
                option = name.replace("_", "-")
                raise InvalidRequest(f"--{option} {value}: the run was asked for {before}; it may only be given more")
        seconds = 60.0 * self.minutes if self.minutes is not None else effort.seconds
        return Effort(**(asdict(effort) | given | {"seconds": seconds, "workers": self.workers}))


def preset_named(name: str) -> Preset:
    """Return the preset of that name."""
    if name not in PRESETS:
        raise UnknownName("preset", name, tuple(PRESETS))
    return PRESETS[name]


def parameter_settings(texts: Sequence[str]) -> dict[str, float]:
    """Read `NAME=VALUE` texts; a decimal comma will do.

    >>> parameter_settings(["box_fall_ratio=0,8", "growth=1"])
    {'box_fall_ratio': 0.8, 'growth': 1.0}
    """
    values: dict[str, float] = {}
    for text in texts:
        name, sign, value = (part.strip() for part in text.partition("="))
        if not sign or not name:
            raise InvalidRequest(f"--set {text}: expected NAME=VALUE")
        if name in values:
            raise InvalidRequest(f"--set {text}: {name} is set twice")
        values[name] = _finite(value, text, "--set")
    return values


def _finite(value: str, text: str, option: str) -> float:
    try:
        number = float(value.replace(",", "."))
    except ValueError:
        raise InvalidRequest(f"{option} {text}: '{value}' is not a number") from None
    if not math.isfinite(number):
        raise InvalidRequest(f"{option} {text}: '{value}' is not a finite number")
    return number


def goal_texts(texts: Sequence[str]) -> tuple[tuple[str, float, bool], ...]:
    """Read `EXPRESSION=HALF_WIDTH` texts into (expression, half-width, whether it is a part of the mean).

    The last `=` parts the two, since an expression may hold some.

    >>> goal_texts(["satisfaction=0.5", "busy[resource=bed]/capacity[resource=bed]=5%"])
    (('satisfaction', 0.5, False), ('busy[resource=bed]/capacity[resource=bed]', 0.05, True))
    """
    goals = []
    for text in texts:
        expression, sign, width = (part.strip() for part in text.rpartition("="))
        if not sign or not expression:
            raise InvalidRequest(f"--precision {text}: expected INDICATOR=HALF_WIDTH, such as satisfaction=0.5 or =5%")
        is_relative = width.endswith("%")
        number = _finite(width.removesuffix("%").strip(), text, "--precision") / (100.0 if is_relative else 1.0)
        if number <= 0.0:
            raise InvalidRequest(f"--precision {text}: a half-width is greater than 0")
        goals.append((expression, number, is_relative))
    return tuple(goals)


def engine_named(name: str) -> Engine:
    """Return the engine of that name."""
    for engine in ENGINES:
        if engine == name:
            return engine
    raise UnknownName("engine", name, ENGINES)


def export_format(name: str) -> ExportFormat:
    """Return the export format of that name."""
    for known in EXPORT_FORMATS:
        if known == name:
            return known
    raise UnknownName("format", name, EXPORT_FORMATS)
