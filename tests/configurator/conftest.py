import pytest

from configurator.verbs import Choice
from instances.catalogue import load_instance
from instances.instance import Instance


@pytest.fixture(scope="session")
def tiny() -> Instance:
    return load_instance("tiny")


@pytest.fixture
def choice() -> Choice:
    return Choice("tiny")
