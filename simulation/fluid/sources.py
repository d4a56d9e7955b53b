"""When people come: founders of the warm-up and arrivals, as Laplace transforms, with the twin's own rates (T2)."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from instances.instance import Instance
from instances.tables import Need
from simulation.start import FOUNDING_SHARE, rate_pieces

Floats = NDArray[np.float64]
Complexes = NDArray[np.complex128]


def arriving(instance: Instance, begin: float, points: Complexes) -> Complexes:
    """Return the transform [point, territory, profile] of arrivals from `begin` on, time counted from there.

    Arrivals at the last rate go on for ever: whoever comes after the run changes nothing in it, and a rate that stops
    at the very moment of inversion would be a kink there.
    """

    def flow(need: Need) -> Complexes:
        bounds, rates = rate_pieces(instance, need.arrivals, need.growth, need.rhythm)
        bounds = np.maximum(bounds, begin) - begin
        cumulated = np.exp(-points[:, None] * bounds[:-1]) @ rates
        cumulated = cumulated - np.exp(-points[:, None] * bounds[1:-1]) @ rates[:-1]
        return np.asarray(cumulated / points)

    return _by_place(instance, points, flow)


def founding(instance: Instance, points: Complexes) -> Complexes:
    """Return the transform [point, territory, profile] of the founders, time counted from the warm-up's start."""
    while_coming = FOUNDING_SHARE * instance.settings.horizon.warm_up * points

    def flow(need: Need) -> Complexes:
        return np.asarray((need.initial or 0) * -np.expm1(-while_coming) / while_coming)

    return _by_place(instance, points, flow)


def census(instance: Instance) -> Floats:
    """Return the people asked for at time 0 [territory, profile]; nan where nothing steers."""
    found = np.full((len(instance.territories), len(instance.profiles)), np.nan)
    for need, where in _places(instance):
        found[where] = np.nan if need.initial is None else need.initial
    return found


def _by_place(instance: Instance, points: Complexes, flow: Callable[[Need], Complexes]) -> Complexes:
    found = np.zeros((len(points), len(instance.territories), len(instance.profiles)), dtype=np.complex128)
    for need, where in _places(instance):
        found[:, *where] = flow(need)
    return found


def _places(instance: Instance) -> list[tuple[Need, tuple[int, int]]]:
    zones = {row.zone: number for number, row in enumerate(instance.territories)}
    profiles = {row.profile: number for number, row in enumerate(instance.profiles)}
    return [(need, (zones[need.zone], profiles[need.profile])) for need in instance.needs]
