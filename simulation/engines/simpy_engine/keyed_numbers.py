"""Keyed numbers (T12) as the rules ask for them: by the same compiled functions as in the compiled engine."""

import numpy as np
import numpy.typing as npt

from simulation.engines.simpy_engine.cast import Patient
from simulation.engines.simpy_engine.contexts import Context, RouteRow
from simulation.flat_model import FlatModel
from simulation.state import State
from simulation.streams import duration, exponential, stay, stays, uniform_pair

_IN_BULK = 500_000  # first stays drawn at once, at most; 64 bytes each


class KeyedNumbers:
    """The numbers of one replication, by patient, purpose and occurrence."""

    def __init__(self, model: FlatModel, state: State, seed: int, replication: int) -> None:
        self.seed, self.replication = seed, replication
        self._hazard_purpose = signed(model.hazard_purpose).tolist()
        self._ordinals, self._groups = (signed(state.patients[name]) for name in ("ordinal", "group"))
        self.draws_in_bulk = len(model.contexts) * len(state.patients) <= _IN_BULK

    def first_stays(self, here: Context) -> tuple[list[float], list[float]]:
        """Return for all patients what `stay` returns for a first visit: a call each would cost three times as much."""
        lengths, routings = stays(
            self.seed,
            self.replication,
            self._ordinals,
            self._groups,
            here.purpose,
            here.law,
            here.a,
            here.b,
            here.c,
        )
        return lengths.tolist(), routings.tolist()

    def stay(self, patient: Patient, here: Context, visit: int) -> tuple[float, float]:
        """Return the length of a stay, and the number that decides where it leads."""
        return stay(
            self.seed,
            self.replication,
            patient.ordinal,
            patient.group,
            here.purpose,
            visit,
            here.law,
            here.a,
            here.b,
            here.c,
        )

    def stay_by_destination(self, patient: Patient, here: Context, visit: int) -> tuple[float, float]:
        """Return the number that decides a stay's length, and that which decides where it leads."""
        return uniform_pair(self.seed, self.replication, patient.ordinal, patient.group, here.purpose, visit)

    def budget(self, patient: Patient, hazard: int) -> float:
        """Return the unit-exponential budget until a hazard strikes the next time (T6)."""
        return exponential(
            self.seed,
            self.replication,
            patient.ordinal,
            patient.group,
            self._hazard_purpose[hazard],
            patient.counts[hazard],
        )

    def share_of_strike(self, patient: Patient, hazard: int) -> float:
        """Return the number that decides which of several rows of one hazard strikes."""
        _, draw = uniform_pair(
            self.seed,
            self.replication,
            patient.ordinal,
            patient.group,
            self._hazard_purpose[hazard],
            patient.counts[hazard],
        )
        return draw


def length_by(law: Context | RouteRow, draw: float) -> float:
    """Return a stay's length by a law and a number."""
    return duration(law.law, law.a, law.b, law.c, draw)


def signed(keys: npt.NDArray[np.uint64]) -> npt.NDArray[np.int64]:
    """Return keys as signed numbers of the same bits: of one type, whatever their size, so compiled once."""
    return np.ascontiguousarray(keys).view(np.int64)
