"""What a search hangs on is the same whatever instructions numerical libraries find."""

import hashlib
import os
import subprocess
import sys

import numpy as np

from instances.catalogue import read_source
from optimisation.feasibility.planning import Planning
from simulation.knowledge import Knowledge


def digest_of_planning() -> str:
    """Return a hash of all that a solver is given of the smallest synthetic department."""
    planning = Planning(Knowledge.of(read_source("synthetic-3")).central)
    everywhere = tuple(range(len(planning.territories)))
    money = [planning.paid("", everywhere, contract) for contract in planning.contracts]
    money += [planning.operated("", everywhere), planning.invested("", everywhere)]
    found = hashlib.sha256()
    for array in (planning.persons, planning.load, planning.reserved):
        found.update(array.tobytes())
    for each in money:
        for array in (each.served, each.share, each.units, each.sites, each.added):
            found.update(array.tobytes())
    return found.hexdigest()


def test_what_a_solver_is_given_is_the_same_without_the_instructions_of_this_processor():
    code = "from tests.optimisation.test_processors import digest_of_planning; print(digest_of_planning())"
    extensions = np.show_config(mode="dicts")["SIMD Extensions"]["found"]
    plain = os.environ | {"NPY_DISABLE_CPU_FEATURES": " ".join(extensions)}
    run = subprocess.run([sys.executable, "-c", code], env=plain, capture_output=True, text=True, check=True)
    assert run.stdout.strip() == digest_of_planning()
