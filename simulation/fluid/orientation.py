"""Who takes which pathway (T3), and who takes which after which: the same patience with every choice.

A person takes the pathway with the least E(pathway) / share; the unit exponentials E are theirs for life, as is the
number that decides whether they accept a pathway. So choices of one person for several profiles, and under two mixes,
hang together: who wants a nursing home at GIR 4 (one in five) is among those who want it at GIR 3 (two in five).

The joint law of the choices is found by running `POINTS` evenly spread points through the rule itself, then
weighting the combinations found so that every single choice has its exact share (iterative proportional fitting,
Deming and Stephan 1940). With one ratio of shares at stake (two pathways) that makes the joint law exact.

A *label* is what is remembered of a person's choices. Where few combinations exist (at most `FEW_CHOICES` choices in
all) the label is the whole combination, and re-orientation is exact. Else it is the pathway chosen for the profile of
the last orientation, and the next choice is drawn given that one: a first-order approximation.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from simulation.configuration import OfferCell

POINTS = 4096
FEW_CHOICES = 120
_ROUNDS = 200

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Mix:
    """What one territory offers: arrays [profile, pathway]; fallback -1 where refusers stay."""

    share: Floats
    acceptance: Floats
    fallback: Ints

    @property
    def key(self) -> bytes:
        """Equal mixes have equal keys."""
        return self.share.tobytes() + self.acceptance.tobytes() + self.fallback.tobytes()

    @property
    def taken(self) -> Floats:
        """[profile, pathway] part of those oriented who end in each pathway; rows add up to 1, or 0."""
        offered = self.share / np.maximum(self.share.sum(axis=1, keepdims=True), 1e-300)
        refused = np.where(self.fallback >= 0, 1.0 - self.acceptance, 0.0) * offered
        found = offered - refused
        for profile, pathway in np.argwhere(refused > 0.0):
            found[profile, self.fallback[profile, pathway]] += refused[profile, pathway]
        return np.asarray(found)


def mixes(
    cells: Sequence[OfferCell],
    shares: Sequence[float],
    zones: Sequence[str],
    profiles: Sequence[str],
    pathways: Sequence[str],
) -> tuple[Mix, ...]:
    """Return the mix of each territory."""
    place = {zone: number for number, zone in enumerate(zones)}
    row = {profile: number for number, profile in enumerate(profiles)}
    column = {pathway: number for number, pathway in enumerate(pathways)}
    shape = (len(zones), len(profiles), len(pathways))
    share, acceptance, fallback = np.zeros(shape), np.ones(shape), np.full(shape, -1, dtype=np.int64)
    for cell, value in zip(cells, shares, strict=True):
        where = place[cell.zone], row[cell.profile], column[cell.pathway]
        share[where], acceptance[where] = max(value, 0.0), cell.acceptance
        fallback[where] = column[cell.fallback] if cell.fallback else -1
    return tuple(Mix(*parts) for parts in zip(share, acceptance, fallback, strict=True))


@dataclass(frozen=True)
class Choices:
    """The joint law of a population's choices: combinations found and their probabilities."""

    combinations: Ints
    """[combination, profile] pathway taken, -1 where none is offered."""
    weights: Floats
    """[combination] adding up to one."""

    @property
    def are_types(self) -> bool:
        """Whether labels are whole combinations."""
        return self.combinations.size <= FEW_CHOICES

    def labels(self, profile: int) -> list[tuple[int, int, float]]:
        """Return (label, pathway, probability) of a first orientation with a profile."""
        if (profile, -1, profile) not in self._remembered:
            self._remembered[profile, -1, profile] = self._labels(profile)
        return self._remembered[profile, -1, profile]

    def _labels(self, profile: int) -> list[tuple[int, int, float]]:
        if self.are_types:
            return [
                (n, int(c), float(p))
                for n, (c, p) in enumerate(zip(self.combinations[:, profile], self.weights, strict=True))
            ]
        found: dict[int, float] = {}
        for pathway, weight in zip(self.combinations[:, profile].tolist(), self.weights.tolist(), strict=True):
            found[pathway] = found.get(pathway, 0.0) + weight
        return [(pathway, pathway, weight) for pathway, weight in sorted(found.items())]

    def after(self, profile: int, pathway: int, new: int) -> list[tuple[int, float]]:
        """Return (pathway, probability) for profile `new`, the pathway chosen before being known (-1: unknown)."""
        key = (profile, pathway, new)
        if key not in self._afterwards:
            known = self.combinations[:, profile] == pathway
            weights = self.weights * (known if pathway >= 0 and known.any() else True)
            counts: dict[int, float] = {}
            for chosen, weight in zip(self.combinations[:, new].tolist(), weights.tolist(), strict=True):
                counts[chosen] = counts.get(chosen, 0.0) + weight
            total = sum(counts.values())
            self._afterwards[key] = [(chosen, weight / total) for chosen, weight in counts.items() if weight > 0.0]
        return self._afterwards[key]

    @cached_property
    def _afterwards(self) -> dict[tuple[int, int, int], list[tuple[int, float]]]:
        return {}

    @cached_property
    def _remembered(self) -> dict[tuple[int, int, int], list[tuple[int, int, float]]]:
        return {}

    def following(self, profile: int, label: int, new: int) -> list[tuple[int, int, float]]:
        """Return (label, pathway, probability) of an orientation with profile `new` after one with another label."""
        key = (profile, label, new)
        if key not in self._remembered:
            self._remembered[key] = self._following(*key)
        return self._remembered[key]

    def _following(self, profile: int, label: int, new: int) -> list[tuple[int, int, float]]:
        if self.are_types:
            return [(label, int(self.combinations[label, new]), 1.0)]
        same = self.combinations[:, profile] == label
        if not same.any():
            return self.labels(new)
        among = Choices(self.combinations[same], self.weights[same] / self.weights[same].sum())
        found: dict[int, float] = {}
        for pathway, weight in zip(among.combinations[:, new].tolist(), among.weights.tolist(), strict=True):
            found[pathway] = found.get(pathway, 0.0) + weight
        return [(pathway, pathway, weight) for pathway, weight in sorted(found.items())]

    def given(self, profile: int, pathway: int) -> list[tuple[int, float]]:
        """Return (label, probability) of those who chose a pathway for a profile (-1: whatever they chose)."""
        found = [(label, chance) for label, chosen, chance in self.labels(profile) if pathway in (-1, chosen)]
        total = sum(chance for _, chance in found)
        return [(label, chance / total) for label, chance in found if chance > 0.0]


def moved(before: Mix, after: Mix, profile: int) -> Floats:
    """Return what part of those who chose one pathway under a mix choose which under another [pathway, pathway].

    Rows of pathways that nobody chose before are the new shares.
    """
    old, new = before.taken[profile], after.taken[profile]
    if np.array_equal(old, new):
        return np.eye(len(old))
    both = Mix(
        *(
            np.stack([getattr(before, name)[profile], getattr(after, name)[profile]])
            for name in ("share", "acceptance", "fallback")
        )
    )
    found = np.zeros((len(old), len(old)))
    joint = choices(both)
    np.add.at(found, (joint.combinations[:, 0], joint.combinations[:, 1]), joint.weights)
    total = found.sum(axis=1, keepdims=True)
    return np.where(total > 0.0, found / np.where(total > 0.0, total, 1.0), new)


def tried(mix: Mix, offered: Sequence[Sequence[int]], part: float) -> Mix:
    """Return a mix in which a small part of each profile takes any pathway it is offered that nobody takes.

    offered: pathways by profile that have an offer here.
    """
    share = mix.share.copy()
    for profile, pathways in enumerate(offered):
        idle = [pathway for pathway in pathways if share[profile, pathway] <= 0.0]
        if idle:
            share[profile] *= 1.0 - part * len(idle)
            share[profile, idle] = part
    return Mix(share, mix.acceptance, mix.fallback)


def choices(mix: Mix) -> Choices:
    """Return the joint law of what people choose for each profile."""
    taken = mix.taken
    if (np.count_nonzero(taken, axis=1) <= 1).all():
        alone = np.where(taken.any(axis=1), taken.argmax(axis=1), -1)
        return Choices(alone[None, :], np.ones(1))
    used = np.flatnonzero(mix.share.any(axis=0))
    hesitant = np.flatnonzero(((mix.acceptance < 1.0) & (mix.fallback >= 0) & (mix.share > 0.0)).any(axis=0))
    luck = _even_points(len(used) + len(hesitant))
    waits = -np.log(luck[:, : len(used)])
    accepts = np.ones((len(luck), mix.share.shape[1]))
    accepts[:, hesitant] = luck[:, len(used) :]
    columns = [_chosen(mix, profile, used, waits, accepts) for profile in range(len(taken))]
    combinations, counts = np.unique(np.stack(columns, axis=1), axis=0, return_counts=True)
    return Choices(combinations, _fitted(combinations, counts / counts.sum(), taken))


def _even_points(dimensions: int) -> Floats:
    """Return `POINTS` points [point, dimension] spread evenly over the open unit cube.

    The additive recurrence of Roberts (2018), The unreasonable effectiveness of quasirandom sequences: multiples of
    1/g, 1/g^2, ... modulo 1, g the positive root of g^(d + 1) = g + 1.
    """
    root = 2.0
    for _ in range(64):
        root = (1.0 + root) ** (1.0 / (dimensions + 1))
    steps = root ** -np.arange(1.0, dimensions + 1)
    return np.asarray((0.5 + np.outer(np.arange(1, POINTS + 1), steps)) % 1.0)


def _chosen(mix: Mix, profile: int, used: Ints, waits: Floats, accepts: Floats) -> Ints:
    share = mix.share[profile, used]
    if not share.any():
        return np.full(len(waits), -1, dtype=np.int64)
    with np.errstate(divide="ignore"):
        first = used[np.argmin(waits / share, axis=1)]
    refused = accepts[np.arange(len(first)), first] >= mix.acceptance[profile, first]
    fallback = mix.fallback[profile, first]
    return np.where(refused & (fallback >= 0), fallback, first)


def _fitted(combinations: Ints, weights: Floats, taken: Floats) -> Floats:
    """Return weights under which each profile's choices have their exact shares."""
    for _ in range(_ROUNDS):
        before = weights
        for profile, shares in enumerate(taken):
            if shares.any():
                found = np.bincount(combinations[:, profile], weights, minlength=len(shares))
                ratio = np.divide(shares, found, out=np.zeros_like(shares), where=found > 0.0)
                weights = weights * ratio[combinations[:, profile]]
        if np.abs(weights - before).max() < 1e-15:
            break
    return weights / weights.sum()
