"""A circle that takes no time: how many moves of one patient at one instant are too many, and the error for it."""

from instances.faults import ConfiguratorError
from simulation.flat_model import FlatModel

MOST_MOVES = 10_000
"""Requests for a step by one patient at one instant, one after the other; more never end."""


class EndlessMoves(ConfiguratorError):  # noqa: N818 (named for what it says)
    """A patient goes round and round without time passing: broken waits and full lines that lead to each other."""

    def __init__(self, model: FlatModel, patient: int, step: int, time: float) -> None:
        where = "/".join(model.step_codes[step]) if step >= 0 else "outside"
        super().__init__(
            f"patient {patient} asked for {MOST_MOVES} steps at time {time:g} without time passing, the last from "
            f"{where}: `on_break`, `leads_to` and `to` lead in a circle of steps that are full or take no time"
        )
