"""`generate` writes departments whose today keeps every rule."""

import json

import pytest
from typer.testing import CliRunner

from configurator.asking import InvalidRequest
from configurator.cli import app
from configurator.generating import generate
from instances.catalogue import load_instance
from optimisation.feasibility.checker import violations
from optimisation.feasibility.planning import Planning
from simulation.configuration import todays_configuration


def files(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.fixture(scope="module")
def generated(tmp_path_factory):
    folder = tmp_path_factory.mktemp("drawn") / "three"
    return generate(3, 7, folder)


def test_today_keeps_every_rule(generated):
    instance = load_instance(generated.folder)
    assert violations(Planning(instance), todays_configuration(instance)) == ()


def test_the_same_seed_writes_the_same_bytes(generated, tmp_path):
    again = generate(3, 7, tmp_path / "three")
    assert files(again.folder) == files(generated.folder)


def test_sources_name_the_bodies_drawn(generated):
    text = (generated.folder / "SOURCES.md").read_text(encoding="utf-8")
    assert "--territories 3 --seed 7" in text
    assert text.count("| B1 |") == 3


def test_a_folder_in_use_is_refused(generated):
    with pytest.raises(InvalidRequest, match="not an empty folder"):
        generate(3, 8, generated.folder)


def test_the_command_says_what_it_made(tmp_path):
    result = CliRunner().invoke(
        app, ["generate", "--territories", "1", "--seed", "2", "--out", str(tmp_path / "one"), "--json"]
    )
    assert result.exit_code == 0
    made = json.loads(result.stdout)
    assert (made["territories"], made["basins"]) == (1, 1)
    assert (tmp_path / "one" / "capacities.csv").is_file()


@pytest.mark.parametrize("name", ["synthetic-3", "synthetic-10", "synthetic-30"])
def test_today_of_shipped_departments_keeps_every_rule(name):
    instance = load_instance(name)
    assert violations(Planning(instance), todays_configuration(instance)) == ()
