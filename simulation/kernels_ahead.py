"""Kernels compiled ahead, in processes of their own, while a program does what needs none of them.

Compiling them takes most of a minute, once on a machine, and holds Python's lock for much of that: beside it in the
same process little else gets done, and what the compiler took stays with the process. What these processes compiled
the first call finds on disk (`kernel_cache`): nothing but time depends on them, and what one that failed or was
killed leaves is compiled there.
"""

import multiprocessing
import os
import signal
from collections.abc import Callable

import numpy as np

from instances.instance import Instance
from simulation.components import components
from simulation.configuration import todays_configuration
from simulation.engines import compiled_engine
from simulation.ledgers.account import Bookkeeper
from simulation.start import before_warm_up, opening_events
from simulation.state import people
from simulation.streams import uniform
from simulation.twin import Twin

_POLITENESS = 19
"""Of the process that compiles the ledgers: the engine takes longest, everything waits for it."""
_SEED = 0
"""Of what is run to be compiled: its results are let go of."""


class KernelsAhead:
    """The engine and the ledgers, each compiled by a process; no process where they are on disk already."""

    def __init__(self, instance: Instance) -> None:
        self.processes = [] if compiled_engine.is_ready() else _started(instance)

    def wait(self) -> None:
        """Wait until all is on disk."""
        for process in self.processes:
            process.join()

    def close(self) -> None:
        """End what is still being compiled."""
        for process in self.processes:
            process.terminate()
            process.join()


def compile_engine(instance: Instance) -> None:
    """Compile all of the engine: a run and the warm-up before it take its every function."""
    twin = Twin(instance, seed=_SEED)
    smallest = min(range(len(twin.components)), key=lambda part: len(twin.components[part].territories))
    twin.run(twin.today, smallest, 0)


def compile_ledgers(instance: Instance) -> None:
    """Compile the passes over a log, on one that only opens, so that the engine is not needed."""
    part, model = components(instance)[0], Twin(instance, seed=_SEED).model(0)
    state = before_warm_up(instance, part, model, seed=_SEED, replication=0)
    who, log = people(model, state), opening_events(model, state, np.zeros(len(model.pool_global), dtype=np.int32))
    bookkeeper = Bookkeeper.of(instance)
    bookkeeper.reader.tally(log, who, model.pool_global)
    bookkeeper.breaks.count(log, who, todays_configuration(instance).contract)


def _started(instance: Instance) -> list[multiprocessing.process.BaseProcess]:
    # Who draws parameters meanwhile takes this function: it is stored before other processes store theirs, as two that
    # stored two versions of one function at the same moment could each take the other's file.
    uniform(_SEED, 0, 0, np.uint64(0), np.uint64(0), 0)
    context = multiprocessing.get_context("forkserver")
    processes: list[multiprocessing.process.BaseProcess] = [
        context.Process(target=_compiling, args=(compile_it, instance, politeness), daemon=True)
        for compile_it, politeness in ((compile_engine, 0), (compile_ledgers, _POLITENESS))
    ]
    for process in processes:
        process.start()
    return processes


def _compiling(compile_it: Callable[[Instance], None], instance: Instance, politeness: int) -> None:
    os.nice(politeness)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the process that asked, which ends this one
    compile_it(instance)
