"""What is compiled ahead is all that a run takes, and processes of their own can compile it."""

import subprocess
import sys

from instances.catalogue import load_instance
from simulation.engines import compiled_engine
from simulation.kernels_ahead import KernelsAhead

VERSIONS = """
import sys
from numba.core.dispatcher import Dispatcher
from instances.catalogue import load_instance
from simulation.kernels_ahead import compile_engine, compile_ledgers
from simulation.twin import Twin

def versions():
    return {
        (function.py_func.__module__, function.py_func.__name__, str(version))
        for name, module in list(sys.modules.items()) if name.startswith("simulation.")
        for function in vars(module).values() if isinstance(function, Dispatcher)
        for version in function.signatures
    }

compile_engine(load_instance("tiny"))
compile_ledgers(load_instance("tiny"))
ahead = versions()
twin = Twin(load_instance("synthetic-3"), seed=1)
twin.account(twin.today, 0, 0)
names = {name for _, name, _ in ahead}
assert {"advance", "begin", "_replay", "_count"} <= names, names
print(sorted(versions() - ahead))
"""


def test_a_run_takes_nothing_that_was_not_compiled_ahead():
    run = subprocess.run([sys.executable, "-c", VERSIONS], capture_output=True, text=True, check=False)
    assert (run.returncode, run.stdout.strip()) == (0, "[]"), run.stderr


def test_processes_of_their_own_compile(monkeypatch):
    monkeypatch.setattr(compiled_engine, "is_ready", lambda: False)
    ahead = KernelsAhead(load_instance("tiny"))
    ahead.wait()
    assert [process.exitcode for process in ahead.processes] == [0, 0]
    ahead.close()


def test_what_is_on_disk_takes_no_process(monkeypatch):
    monkeypatch.setattr(compiled_engine, "is_ready", lambda: True)
    assert KernelsAhead(load_instance("tiny")).processes == []


def test_closing_ends_what_is_still_being_compiled(monkeypatch):
    monkeypatch.setattr(compiled_engine, "is_ready", lambda: False)
    ahead = KernelsAhead(load_instance("tiny"))
    ahead.close()
    assert all(process.exitcode is not None for process in ahead.processes)
