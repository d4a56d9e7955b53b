"""Where runs start when not from a warm-up: a file of saved states, a census."""

from dataclasses import replace
from pathlib import Path

from configurator.asking import InvalidRequest, Wish
from configurator.laboratory import Effort
from instances.census import read_census
from simulation.census import Census
from simulation.knowledge import Knowledge
from simulation.saved_state import open_states
from simulation.twin import Origin


def started(
    from_state: Path | None, census: Path | None, knowledge: Knowledge, wish: Wish, effort: Effort
) -> tuple[Origin, Effort, int | None]:
    """Return the origin of runs, the effort with seed and replications of saved states, and how many there are.

    The last is None where there is no limit.
    """
    if from_state is not None and census is not None:
        raise InvalidRequest("--from-state and --census: a run starts from one or the other")
    if census is not None:
        return Census(knowledge.central, read_census(census, knowledge.central), effort.seed), effort, None
    if from_state is None:
        raise InvalidRequest("a run that starts from a file needs one")
    saved = open_states(from_state, knowledge, wish.seed)
    held = saved.header.replications
    if wish.replications is not None and wish.replications > held:
        raise InvalidRequest(
            f"--replications {wish.replications}: {from_state} holds the states of {held} replications"
        )
    return saved, replace(effort, seed=saved.header.seed, replications=wish.replications or held), held
