"""What every run keeps of itself: its inputs and what was asked at the start, hashes of its results at the end."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
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


@dataclass(frozen=True)
class Start:
    """When a run began, and the hashes of the inputs that were copied into its folder."""

    moment: str
    inputs: Mapping[str, str]


def write_start(
    folder: RunFolder, choice: Choice, instance: Instance, effort: Effort, verb: str, command: Sequence[str]
) -> None:
    """Keep the inputs and say what was asked, by whom it will be done and since when: such a run can go on."""
    start = keep_inputs(folder, choice)
    write_manifest(folder, _manifest(start, choice, instance, effort, verb, command))


def keep_inputs(folder: RunFolder, choice: Choice, started_from: Path | None = None) -> Start:
    """Copy the inputs of a run that begins now into its folder."""
    files = _input_files(instance_folder(choice.instance))
    if started_from is not None:
        files[f"start/{started_from.name}"] = started_from.read_bytes()
    copy_inputs(folder, files)
    return Start(now(), {name: sha256(content) for name, content in files.items()})


def write_whole(
    folder: RunFolder,
    start: Start,
    choice: Choice,
    instance: Instance,
    effort: Effort,
    verb: str,
    command: Sequence[str],
    names: Sequence[str],
) -> None:
    """Say what was asked of a run that is over, and the hashes of the results of these names that it has.

    Written last, at once: a run that cannot go on and is killed before leaves no manifest, hence gives way.
    """
    manifest = _manifest(start, choice, instance, effort, verb, command)
    write_manifest(folder, replace(manifest, results=result_hashes(folder, names), finished=now()))


def _manifest(
    start: Start, choice: Choice, instance: Instance, effort: Effort, verb: str, command: Sequence[str]
) -> Manifest:
    return Manifest(
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
        inputs=start.inputs,
        versions=versions_in_use(),
        started=start.moment,
        objectives=objective_scales(instance),
        targets=target_scales(instance),
        currency=instance.settings.currency,
    )


def _input_files(folder: Path) -> dict[str, bytes]:
    kept = (path for path in sorted(folder.iterdir()) if path.suffix.lower() in {".csv", ".toml", ".md"})
    return {path.name: path.read_bytes() for path in kept if path.is_file()}


def write_hashes(folder: RunFolder, names: Sequence[str]) -> None:
    """Say that the run is over, and the hashes of the results of these names that it has."""
    write_manifest(folder, replace(read_manifest(folder), results=result_hashes(folder, names), finished=now()))
