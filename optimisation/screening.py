"""Which of many proposals to simulate: those by which a guess at their objectives adds most to the front.

After SMS-EGO (Ponweiser, Wagner, Biermann and Vincze 2008, "Multiobjective optimization on a limited budget of
evaluations using model-assisted S-metric selection", PPSN X, LNCS 5199): each objective has its Gaussian process, a
proposal's worth is the hypervolume that its optimistic guess adds. Proposals are taken one by one, each believed to
be what was guessed of it while the next is chosen (the "kriging believer" of Ginsbourger, Le Riche and Carraro 2010,
"Kriging is well-suited to parallelize optimization"). What may not stand on a front weighs by its probability to be
refused, guessed alike.
"""

import heapq
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from optimisation.encoding import Encoding, Genes
from optimisation.fronts import hypervolume, nondominated
from optimisation.surrogate import Surrogate, fitted

Floats = NDArray[np.float64]

MOST_KNOWN = 300
"""Plans that a surrogate learns from at most: the best layers of the archive first (its cost grows with the cube)."""
OPTIMISM = 0.5
"""Standard deviations by which a guess is taken better than it is."""

DIGITS = 9
"""Of guesses and gains that count, so that proposals alike tie on every processor (see `simulation.rounding`)."""


@dataclass(frozen=True)
class Known:
    """What is known of the plans simulated so far, in the order found."""

    genes: Sequence[Genes]
    costs: Floats
    """[plan, objective] of those judged; what could not be judged is left out."""
    sound: NDArray[np.bool_]
    """[plan] whether it may stand on a front."""


class Screen:
    """Guesses made from what is known at one moment of a search."""

    def __init__(self, encoding: Encoding, known: Known) -> None:
        self._genes = len(encoding.low)
        self._free = np.flatnonzero(encoding.low < encoding.high)
        self._low = encoding.low[self._free]
        self._width = (encoding.high - encoding.low)[self._free]
        self._front = known.costs[known.sound]
        self._front = self._front[nondominated(self._front)]
        chosen = _best_layers(known.costs, known.sound)
        points = self._points([known.genes[number] for number in chosen])
        self._costs = [fitted(points, column) for column in known.costs[chosen].T]
        self._usual = known.costs[chosen].mean(axis=0) if len(chosen) else np.zeros(known.costs.shape[1])
        self._sound = fitted(points, known.sound[chosen].astype(np.float64))

    def best(self, proposals: Sequence[Genes], count: int) -> list[int]:
        """Return the numbers of the proposals to simulate, best first; fewer where no more is to be hoped for."""
        guessed, chances = self._guesses(proposals)
        front, volume = self._front, hypervolume(self._front)
        # Lazy greedy (Minoux 1978): what a proposal adds only shrinks as others are taken.
        heap = [(-np.inf, number) for number in range(len(proposals))]
        looked_at = [-1] * len(proposals)
        taken: list[int] = []
        while heap and len(taken) < count:
            worth, number = heapq.heappop(heap)
            if looked_at[number] == len(taken):
                if worth >= 0.0:
                    break
                taken.append(number)
                front = np.vstack([front, guessed[number]])
                front, volume = front[nondominated(front)], hypervolume(front)
                continue
            gain = round(hypervolume(np.vstack([front, guessed[number]])) - volume, DIGITS)
            looked_at[number] = len(taken)
            heapq.heappush(heap, (-float(chances[number]) * max(gain, 0.0), number))
        return taken

    def _guesses(self, proposals: Sequence[Genes]) -> tuple[Floats, Floats]:
        """Return optimistic costs [proposal, objective] and the probability to be sound [proposal]."""
        points = self._points(proposals)
        columns = [
            np.full(len(points), usual) if surrogate is None else _optimistic(surrogate, points)
            for surrogate, usual in zip(self._costs, self._usual, strict=True)
        ]
        chances = np.ones(len(points)) if self._sound is None else np.clip(self._sound.guess(points)[0], 0.05, 1.0)
        return np.round(np.column_stack(columns), DIGITS), np.round(chances, DIGITS)

    def _points(self, genes: Sequence[Genes]) -> Floats:
        rows = np.array(genes, dtype=np.float64).reshape(len(genes), self._genes)[:, self._free]
        found: Floats = (rows - self._low) / self._width
        return found


def _optimistic(surrogate: Surrogate, points: Floats) -> Floats:
    mean, deviation = surrogate.guess(points)
    return mean - OPTIMISM * deviation


def _best_layers(costs: Floats, sound: NDArray[np.bool_]) -> Genes:
    """Return which plans to learn from: layer after layer of non-dominated ones, the sound ones first."""
    if len(costs) <= MOST_KNOWN:
        return np.arange(len(costs))
    found: list[int] = []
    for group in (np.flatnonzero(sound), np.flatnonzero(~sound)):
        left = group
        while len(left) and len(found) < MOST_KNOWN:
            kept = nondominated(costs[left])
            found += left[kept].tolist()
            left = left[~kept]
    return np.array(sorted(found[:MOST_KNOWN]), dtype=np.int64)
