"""What was asked of a run: command, inputs, seed and versions, so that it can be done again."""

import hashlib
import json
import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version

from configurator.results import ObjectiveScale, TargetScale
from configurator.runs.store import MANIFEST, RunFolder, RunFolderError

FORMAT_VERSION = 1
DISTRIBUTION = "offer-configurator"
COMPANIONS = ("numpy", "numba", "scipy", "simpy", "pyomo", "highspy", "pymoo", "pydantic", "optimagic")
"""The outside libraries whose version may move a result."""


@dataclass(frozen=True)
class Manifest:
    """One run as it was asked for; `inputs` and `results` hold a sha256 for each file."""

    verb: str
    command: tuple[str, ...]
    instance: str
    title: str
    fingerprint: str
    scenario: str
    overrides: Mapping[str, float]
    seed: int
    engine: str
    settings: Mapping[str, object]
    inputs: Mapping[str, str]
    versions: Mapping[str, str]
    started: str
    objectives: tuple[ObjectiveScale, ...] = ()
    targets: tuple[TargetScale, ...] = ()
    results: Mapping[str, str] = field(default_factory=dict)
    currency: str = ""
    resumed: tuple[Mapping[str, object], ...] = ()
    """Commands that went on with the run, and when."""
    finished: str = ""
    format_version: int = FORMAT_VERSION


def sha256(content: bytes) -> str:
    """Return the content's sha256 as hexadecimal text."""
    return hashlib.sha256(content).hexdigest()


def versions_in_use() -> dict[str, str]:
    """Return the versions of this program, of Python and of the libraries that may move a result."""
    found = {"python": platform.python_version(), "platform": platform.platform()}
    for name in (DISTRIBUTION, *COMPANIONS):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "not installed"
    return found


def now() -> str:
    """Return the present moment in UTC, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def write_manifest(folder: RunFolder, manifest: Manifest) -> None:
    """Write manifest.json."""
    folder.write(MANIFEST, json.dumps(asdict(manifest), indent=2, ensure_ascii=False, sort_keys=True) + "\n")


def read_manifest(folder: RunFolder) -> Manifest:
    """Read manifest.json back; raises RunFolderError where it is no manifest."""
    text = folder.read(MANIFEST)
    try:
        content = json.loads(text)
        content["command"] = tuple(content["command"])
        content["resumed"] = tuple(content.get("resumed", ()))
        content["objectives"] = tuple(ObjectiveScale(**scale) for scale in content["objectives"])
        content["targets"] = tuple(TargetScale(**target) for target in content.get("targets", ()))
        return Manifest(**content)
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
        raise RunFolderError(f"{folder.inside(MANIFEST)}: not the manifest of a run ({error})") from error


def result_hashes(folder: RunFolder, names: Sequence[str]) -> dict[str, str]:
    """Return the hash of each result file that was written."""
    return {name: sha256(folder.inside(name).read_bytes()) for name in names if folder.has(name)}
