"""Orientation (T3): which pathway the mix gives to whom."""

from functools import cached_property

import numpy as np
import numpy.typing as npt

from simulation.flat_model import FlatModel, FlatPlan
from simulation.state import State
from simulation.streams import exponentials, uniforms

NO_PATHWAY = -1


class Orientation:
    """The pathway of every patient as one of a profile: the same whenever it is asked, so found for all at once."""

    def __init__(self, model: FlatModel, plan: FlatPlan, state: State, seed: int, replication: int) -> None:
        self._model, self._plan, self._seed, self._replication = model, plan, seed, replication
        self._zone = state.patients["zone"]
        self._keys = tuple(np.ascontiguousarray(state.patients[name]) for name in ("chooser", "group"))
        self._by_profile: dict[int, list[int]] = {}

    def of(self, patient: int, profile: int) -> int:
        """Return the pathway of a patient as one of a profile; `NO_PATHWAY` where none is offered."""
        found = self._by_profile.get(profile)
        if found is None:
            found = self._by_profile[profile] = self._found(profile).tolist()
        return found[patient]

    def draws(self, purpose: int) -> npt.NDArray[np.float64]:
        """Return the number of every patient for a choice; a copy chooses as its original."""
        return uniforms(self._seed, self._replication, *self._keys, np.uint64(purpose))

    def _found(self, profile: int) -> npt.NDArray[np.int64]:
        """The pathway with the least E / share; who refuses it takes its fallback."""
        shares = self._plan.share[self._zone, profile]
        offered = shares > 0.0
        ranks = np.full(shares.shape, np.inf)
        ranks[offered] = 1.0  # one alone needs no draw
        if (np.count_nonzero(offered, axis=1) > 1).any():
            np.divide(self._luck, shares, out=ranks, where=offered)
        best = np.where(offered.any(axis=1), ranks.argmin(axis=1), NO_PATHWAY)
        taken = best.copy()
        for pathway in range(self._model.pathways):
            acceptance = self._model.acceptance[self._zone, profile, pathway]
            fallback = self._model.fallback[self._zone, profile, pathway]
            may_refuse = (best == pathway) & (acceptance < 1.0) & (fallback >= 0)
            if may_refuse.any():
                refuses = may_refuse & (self.draws(int(self._model.acceptance_purpose[pathway])) >= acceptance)
                taken[refuses] = fallback[refuses]
        return taken

    @cached_property
    def _luck(self) -> npt.NDArray[np.float64]:
        """E(patient, pathway), [patients, pathways]."""
        columns = [
            exponentials(self._seed, self._replication, *self._keys, key) for key in self._model.orientation_purpose
        ]
        return np.stack(columns, axis=1)
