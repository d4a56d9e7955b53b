"""Who lives by the chain: the territories' mixes, each different one worked out once, and the instance as indices."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from instances.instance import Instance
from simulation.compilation import compile_component
from simulation.components import components
from simulation.configuration import Configuration, OfferCell, offer_cells, todays_configuration
from simulation.flat_model import FlatModel
from simulation.fluid.orientation import Choices, Mix, choices, mixes
from simulation.fluid.states import Story


@dataclass(frozen=True)
class Population:
    """An instance as the chain needs it."""

    instance: Instance
    story: Story
    cells: tuple[OfferCell, ...]

    @classmethod
    def of(cls, instance: Instance, model: FlatModel | None = None) -> "Population":
        """Read an instance; `model`: one of its flat models, where there is one already."""
        compiled = model or compile_component(instance, components(instance)[0])
        return cls(instance, Story(compiled), offer_cells(instance))

    @cached_property
    def zones(self) -> tuple[str, ...]:
        """Territories."""
        return tuple(row.zone for row in self.instance.territories)

    @cached_property
    def profiles(self) -> tuple[str, ...]:
        """Profiles."""
        return tuple(row.profile for row in self.instance.profiles)

    @cached_property
    def pathways(self) -> tuple[str, ...]:
        """Pathways."""
        return tuple(row.pathway for row in self.instance.pathways)

    @cached_property
    def offered(self) -> tuple[tuple[int, ...], ...]:
        """The pathways that people of each profile may end in, wherever they live."""
        found: list[set[int]] = [set() for _ in self.profiles]
        for cell in self.cells:
            mine = found[self.profiles.index(cell.profile)]
            mine.add(self.pathways.index(cell.pathway))
            if cell.fallback:
                mine.add(self.pathways.index(cell.fallback))
        return tuple(tuple(sorted(each)) for each in found)

    @cached_property
    def today(self) -> Configuration:
        """Today's configuration."""
        return todays_configuration(self.instance)

    def newcomers(self) -> NDArray[np.float64]:
        """Return the people present at time 0 or coming during the run [territory, profile], before any change."""
        found = np.zeros((len(self.zones), len(self.profiles)))
        years = self.instance.settings.horizon.run / self.instance.settings.time_units_per_year
        for need in self.instance.needs:
            where = self.zones.index(need.zone), self.profiles.index(need.profile)
            found[where] += (need.initial or 0) + need.arrivals * years
        return found

    def mixes(self, configuration: Configuration) -> tuple[Mix, ...]:
        """Return the mix of each territory."""
        return mixes(self.cells, configuration.shares, self.zones, self.profiles, self.pathways)


_REMEMBERED: dict[bytes, Choices] = {}
_MOST_REMEMBERED = 256


def choices_of(mix: Mix) -> Choices:
    """Return the joint law of choices under a mix; mixes recur from draw to draw and from plan to plan."""
    if mix.key not in _REMEMBERED:
        if len(_REMEMBERED) >= _MOST_REMEMBERED:
            _REMEMBERED.clear()
        _REMEMBERED[mix.key] = choices(mix)
    return _REMEMBERED[mix.key]


def distinct(found: tuple[Mix, ...]) -> tuple[list[Mix], list[int]]:
    """Return the different mixes, and the number of each territory's among them."""
    numbers: dict[bytes, int] = {}
    kinds: list[Mix] = []
    which = []
    for mix in found:
        if mix.key not in numbers:
            numbers[mix.key] = len(kinds)
            kinds.append(mix)
        which.append(numbers[mix.key])
    return kinds, which
