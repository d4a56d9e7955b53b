"""A search from its first line to its front page, and on from where it was left."""

from collections.abc import Sequence
from contextlib import closing
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING

from configurator.asking import Choice, InvalidRequest, MoreEffort, Wish
from configurator.laboratory import Baseline, Effort, Experiment, Laboratory
from configurator.process_memory import give_back_free_memory
from configurator.progress import Progress, Silent, Standing, Stopwatch
from configurator.results import SearchState
from configurator.runs.findings import (
    FRONT_PAGE,
    SUMMARY,
    Front,
    front_of,
    json_text,
    page_of_run,
    result_names,
    search_front_table,
    summary_document,
    write_results,
)
from configurator.runs.journal import JOURNAL, Journal
from configurator.runs.manifest import Manifest, now, read_manifest, versions_in_use, write_manifest
from configurator.runs.records import write_hashes, write_start
from configurator.runs.store import INPUTS, RunFolder, RunFolderError, free_folder, going_on, new_run
from configurator.tables import csv_text
from instances.instance import Instance
from simulation.configuration import content_key

if TYPE_CHECKING:  # the twin brings numba
    from configurator.runs.past import Past
    from simulation.knowledge import Knowledge

RUNS = Path("runs")
OPTIMISE = "optimise"


def optimise(
    choice: Choice,
    wish: Wish,
    *,
    out: Path | None = None,
    random_plans: int | None = None,
    command: Sequence[str] = (),
    laboratory: Laboratory | None = None,
    progress: Progress | None = None,
) -> Front:
    """Search for the front, keep everything in a run folder, and draw the page; Ctrl-C keeps what there is."""
    shown = progress or Silent()
    knowledge = choice.knowledge()
    effort = wish.effort(knowledge.central)
    if random_plans is not None:
        effort = replace(effort, random_plans=random_plans)
    path = free_folder(RUNS, f"{knowledge.central.name}-{OPTIMISE}") if out is None else out
    with new_run(path) as folder:
        # Written first: a run that is killed in its first generation can go on too.
        write_start(folder, choice, knowledge.central, effort, OPTIMISE, command)
        try:
            return _run(folder, knowledge, effort, laboratory, shown)
        except BaseException:
            if not folder.has(JOURNAL):
                folder.forget_manifest()  # rules that leave no plan, or Ctrl-C at once, leave no run folder either
            raise


def resume(
    run: Path,
    more: MoreEffort,
    *,
    command: Sequence[str] = (),
    laboratory: Laboratory | None = None,
    progress: Progress | None = None,
) -> Front:
    """Go on with a run where it was left, with as large a budget as before or a larger one.

    What the folder remembers is not simulated again, and a run left in its middle ends with the very front of one
    that never was. Raises RunFolderError where the folder holds no search, or not the inputs it was made of.
    """
    from configurator.runs.past import asking_more  # brings the twin

    shown = progress or Silent()
    with going_on(run) as folder:
        manifest = read_manifest(folder)
        if manifest.verb != OPTIMISE:
            raise RunFolderError(f"{run} is a run of `{manifest.verb}`; only a run of `{OPTIMISE}` can go on")
        choice = Choice(
            str(folder.inside(INPUTS)),
            scenario=manifest.scenario,
            overrides=manifest.overrides,
            chance_only=bool(manifest.settings.get("chance_only", False)),
            name=manifest.instance,
        )
        knowledge = choice.knowledge()
        _check_same(run, manifest, knowledge.central, shown)
        before = _effort_of(manifest)
        effort = more.applied(before)
        if replace(effort, workers=before.workers) != before:
            searches = replace(effort, workers=before.workers, final_replications=before.final_replications) != before
            asking_more(folder, searches=searches)
        resumed = (*manifest.resumed, {"command": list(command), "started": now()})
        settings = {**asdict(effort), "chance_only": choice.chance_only}
        write_manifest(folder, replace(manifest, settings=settings, resumed=resumed, finished=""))
        return _run(folder, knowledge, effort, laboratory, shown)


def _run(
    folder: RunFolder, knowledge: "Knowledge", effort: Effort, laboratory: Laboratory | None, progress: Progress
) -> Front:
    from configurator.runs.past import past_of  # brings the twin

    instance, watch = knowledge.central, Stopwatch()
    past = past_of(folder)
    if len(past.records) > effort.generations:
        raise InvalidRequest(f"--generations {effort.generations}: the run has done {len(past.records)} already")
    progress.message(f"preparing {instance.name}")
    with closing((laboratory or twin_laboratory()).experiment(knowledge, effort, progress, past)) as experiment:
        state, stopped = _searched(experiment, instance, folder, progress, watch)
        if state is None:
            raise KeyboardInterrupt  # before the first generation: nothing to keep
        baseline, stopped = _baseline(
            experiment, 0 if stopped else effort.random_plans, folder, past, progress, stopped
        )
        progress.message("writing the results")
        write_results(folder, instance, None if stopped else experiment, state)
        state = replace(state, replications=experiment.replications())
    front = front_of(folder, instance, state, baseline, watch.seconds(), stopped)
    folder.write(SUMMARY, json_text(summary_document(front)))
    folder.write(FRONT_PAGE, page_of_run(folder))
    write_hashes(folder, [SUMMARY, FRONT_PAGE, *result_names(front)])
    return front


def _searched(
    experiment: Experiment, instance: Instance, folder: RunFolder, progress: Progress, watch: Stopwatch
) -> tuple[SearchState | None, bool]:
    """Follow the search to its end or to Ctrl-C; return its last state and whether it was stopped."""
    journal = Journal(folder.inside(JOURNAL))
    last: SearchState | None = None
    try:
        for state in experiment.states():
            last = state
            give_back_free_memory()
            if not state.is_past:
                journal.append(_journal_entry(state))
            folder.write("front.csv", csv_text(search_front_table(instance, state)))
            if state.confirmed:
                progress.message(f"{len(state.front)} plans stand")
            else:
                progress.generation(_standing(state, watch))
    except KeyboardInterrupt:
        progress.message("stopped by the user; keeping what was found")
        if last is not None:
            journal.append({"stopped": True})
        return last, True
    return last, False


def _standing(state: SearchState, watch: Stopwatch) -> Standing:
    return Standing(
        generation=state.generation,
        generations=state.generations,
        front_size=len(state.front),
        hypervolume=state.hypervolume,
        replications=state.replications,
        seconds=watch.seconds(),
    )


def _journal_entry(state: SearchState) -> dict[str, object]:
    entry: dict[str, object] = {
        "generation": state.generation,
        "evaluations": state.evaluations,
        "replications": state.replications,
        "hypervolume": state.hypervolume,
        "front": [content_key(plan.configuration)[:16] for plan in state.front],
        "failures": len(state.failures),
        "confirmed": state.confirmed,
    }
    if state.record is not None:
        entry["record"] = state.record
    if state.confirmed:
        entry["ended"] = state.ended
        entry["audited"] = {content_key(plan.configuration): plan.audited_events for plan in state.front}
    return entry


def _baseline(
    experiment: Experiment, plans: int, folder: RunFolder, past: "Past", progress: Progress, stopped: bool
) -> tuple[Baseline | None, bool]:
    from configurator.runs.past import baseline_entry

    if plans <= 0:
        return None, stopped
    if plans in past.baselines:
        return past.baselines[plans], stopped
    progress.message(f"evaluating {plans} random plans to compare with")
    try:
        found = experiment.baseline(plans)
    except KeyboardInterrupt:
        progress.message("stopped by the user; no random plans to compare with")
        return None, True
    if found is not None:
        Journal(folder.inside(JOURNAL)).append(baseline_entry(plans, found))
    return found, stopped


def _effort_of(manifest: Manifest) -> Effort:
    known = {name: value for name, value in manifest.settings.items() if name in Effort.__dataclass_fields__}
    return Effort(**known)  # type: ignore[arg-type]  # written by asdict(effort)


def _check_same(run: Path, manifest: Manifest, instance: Instance, progress: Progress) -> None:
    if instance.fingerprint != manifest.fingerprint:
        raise RunFolderError(f"{run / INPUTS} was changed since the run began: start a new run instead")
    changed = [name for name, version in versions_in_use().items() if manifest.versions.get(name) != version]
    if changed:
        progress.message(f"other versions than at the beginning ({', '.join(changed)}): results may differ slightly")


def twin_laboratory() -> Laboratory:
    """Return the laboratory in earnest; it brings numba, which describing and validating do without."""
    from configurator.twin_laboratory import TwinLaboratory

    return TwinLaboratory()
