"""In which order simulations are run, so that workers neither wait for one another nor make anything twice.

Runs of one component in one replication (a *block*) start from the same state at time 0, which the first of them
makes; all blocks of a replication stand on the same parameter draw, which its first run makes. Block after block, both
are made once and can be let go of. Were the first runs not brought forward, all workers would come to a block at the
same time and wait for the one that makes its state: a warm-up takes as long as several runs.
"""

from collections.abc import Mapping

from optimisation.workers import Task

AHEAD = 1.5
"""Blocks by which the first run of a block is brought forward."""
DRAW_AHEAD = 2
"""By how many more that of a replication's first block is."""


def in_step(tasks: Mapping[tuple[str, int], Task]) -> list[tuple[str, int]]:
    """Return the keys of some runs, (what was decided for the component, replication), in the order to run them.

    Blocks stand in the order of replications and components, their runs in the order given, but for the first.
    """
    blocks: dict[tuple[int, int], list[tuple[str, int]]] = {}
    for key, task in sorted(tasks.items(), key=lambda item: (item[1].replication, item[1].component)):
        blocks.setdefault((task.replication, task.component), []).append(key)
    places: list[tuple[float, tuple[str, int]]] = []
    before: int | None = None
    for number, ((replication, _), keys) in enumerate(blocks.items()):
        ahead = AHEAD if replication == before else AHEAD + DRAW_AHEAD
        before = replication
        places.append((number - ahead, keys[0]))
        places += [(number + place / len(keys), key) for place, key in enumerate(keys[1:])]
    return [key for _, key in sorted(places, key=lambda each: each[0])]
