"""A command is watched with the processes that it starts."""

import sys

import pytest

from benchmarks.scale.whole_run import watched

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")

HELD = 100_000_000
CHILD = f"import time; held = bytearray(b'x') * {HELD}; time.sleep(1.5)"
PARENT = f"import subprocess, sys; sys.exit(subprocess.run([sys.executable, '-c', {CHILD!r}]).returncode + 4)"


def test_memory_and_status_of_a_command_and_its_children():
    found = watched([sys.executable, "-c", PARENT])
    assert found.status == 4
    assert 0.0 < found.cpu_seconds < found.wall_seconds + 60.0
    assert found.peak_gigabytes > HELD / 1e9
