"""README and .ci/run say the same, and what README promises to exist exists."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]


def _commands() -> list[str]:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    return [line for line in readme.splitlines() if line.startswith("python3.11 -m venv")]


def test_readme_has_two_commands_of_one_line_each() -> None:
    commands = _commands()
    assert len(commands) == 2
    assert commands[0].endswith("configurator optimise loire")
    assert commands[1].endswith("pytest")


def test_ci_calls_the_test_line_of_the_readme() -> None:
    assert _commands()[1] in (ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines()


def test_files_that_the_readme_links_exist() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    links = [link for link in re.findall(r"\]\(([^)#]+)\)", readme) if "://" not in link]
    assert links
    assert [link for link in links if not (ROOT / link).exists()] == []
