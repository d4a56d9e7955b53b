"""A fresh mini instance a test may spoil."""

from pathlib import Path

import pytest

from tests.mini_instance import write_mini_instance


@pytest.fixture
def mini(tmp_path: Path) -> Path:
    return write_mini_instance(tmp_path / "mini")
