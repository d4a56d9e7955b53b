"""The written model names every rule, and the files it points at exist."""

import re
from pathlib import Path

PAGE = Path(__file__).parents[2] / "simulation" / "STRESS-DES.md"


def test_every_rule_and_section_of_the_checklist_is_there() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert all(f"**T{number}" in text for number in range(1, 14))
    headings = re.findall(r"^## \d\. (.+)$", text, flags=re.MULTILINE)
    assert headings == ["Objectives", "Logic", "Data", "Experimentation", "Implementation", "Code access"]


def test_files_that_it_links_exist() -> None:
    links = re.findall(r"\]\(([^)#]+)\)", PAGE.read_text(encoding="utf-8"))
    assert links
    assert [link for link in links if not (PAGE.parent / link).exists()] == []
