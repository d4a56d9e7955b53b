"""What every run keeps of itself: its inputs and what was asked at the start, hashes of its results at the end."""

from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path

from configurator.asking import Choice
from configurator.laboratory import Effort
from configurator.runs.findings import TODAY, objective_scales, target_scales
from configurator.runs.manifest import (
    Manifest,
    now,
    read_manifest,
    result_hashes,
    sha256,
    versions_in_use,
    write_manifest,
)
from configurator.runs.store import RunFolder, copy_inputs
from instances.catalogue import instance_folder
from instances.instance import Instance


def write_start(
    folder: RunFolder,
    choice: Choice,
    instance: Instance,
    effort: Effort,
    verb: str,
    command: Sequence[str],
    started_from: Path | None = None,
) -> None:
    """Keep the inputs and say what was asked, by whom it will be done and since when."""
    files = _input_files(instance_folder(choice.instance))
    if started_from is not None:
        files[f"start/{started_from.name}"] = started_from.read_bytes()
    copy_inputs(folder, files)
    write_manifest(
        folder,
        Manifest(
            verb=verb,
            command=tuple(command),
            instance=instance.name,
            title=instance.settings.name or instance.name,
            fingerprint=instance.fingerprint,
            scenario=choice.scenario or TODAY,
            overrides=dict(choice.overrides),
            seed=effort.seed,
            engine=effort.engine,
            settings={**asdict(effort), "chance_only": choice.chance_only},
            inputs={name: sha256(content) for name, content in files.items()},
            versions=versions_in_use(),
            started=now(),
            objectives=objective_scales(instance),
            targets=target_scales(instance),
            currency=instance.settings.currency,
        ),
    )


def _input_files(folder: Path) -> dict[str, bytes]:
    kept = (path for path in sorted(folder.iterdir()) if path.suffix.lower() in {".csv", ".toml", ".md"})
    return {path.name: path.read_bytes() for path in kept if path.is_file()}


def write_hashes(folder: RunFolder, names: Sequence[str]) -> None:
    """Say that the run is over, and the hashes of the results of these names that it has."""
    write_manifest(folder, replace(read_manifest(folder), results=result_hashes(folder, names), finished=now()))
