"""The packages as a user gets them: found from anywhere, with their instances and the page's parts."""

import subprocess
import sys

OUTSIDE = """
import sys
from importlib.resources import files
from pathlib import Path
import configurator, instances, optimisation, simulation
from instances.catalogue import load_instance, shipped_instances

assert Path.cwd() != Path(instances.__file__).parent.parent
for name in shipped_instances():
    assert (files("instances") / name / "instance.toml").is_file(), name
    load_instance(name)
for part in ("page.html", "style.css", "page.js"):
    assert (files("configurator") / "front_page" / part).is_file(), part
print(*shipped_instances())
"""


def test_packages_and_instances_are_found_from_outside_the_checkout(tmp_path):
    done = subprocess.run(
        [sys.executable, "-I", "-c", OUTSIDE], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert {"loire", "tiny"} <= set(done.stdout.split())


def test_the_command_is_installed(tmp_path):
    code = "from importlib.metadata import entry_points; print(*entry_points(name='configurator'))"
    done = subprocess.run([sys.executable, "-I", "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert "configurator.cli:main" in done.stdout
