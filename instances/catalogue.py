"""The front door: instances by shipped name or by path."""

from collections.abc import Mapping
from pathlib import Path

from instances.faults import UnknownName
from instances.instance import Instance
from instances.source import InstanceSource, read_source_folder
from instances.written import SETTINGS_FILE

_SHIPPED = Path(__file__).parent


def shipped_instances() -> list[str]:
    """Return the names of the instances that come with the program."""
    return sorted(path.parent.name for path in _SHIPPED.glob(f"*/{SETTINGS_FILE}"))


def instance_folder(name_or_path: str | Path) -> Path:
    """Return the folder of a shipped name or a path; a bare name that is shipped wins over a folder here."""
    if str(name_or_path) in shipped_instances():
        return _SHIPPED / str(name_or_path)
    folder = Path(name_or_path)
    if not folder.is_dir():
        raise UnknownName("instance", str(name_or_path), shipped_instances())
    return folder


def read_source(name_or_path: str | Path) -> InstanceSource:
    """Read a shipped instance or a folder; raise InvalidInstance with all its faults."""
    return read_source_folder(instance_folder(name_or_path))


def load_instance(
    name_or_path: str | Path, scenario: str | None = None, overrides: Mapping[str, float] | None = None
) -> Instance:
    """Read, build and check an instance under a scenario and parameter values set by the caller."""
    return read_source(name_or_path).instance(scenario, overrides)
