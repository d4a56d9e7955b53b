"""What people do with the configurator, as Python functions; the command line only calls these."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from configurator.asking import (
    Choice,
    InvalidRequest,
    MoreEffort,
    Wish,
    engine_named,
    export_format,
    goal_texts,
    parameter_settings,
)
from configurator.description import Description, describe_instance
from configurator.exports import ExportFormat, write_export
from configurator.laboratory import Effort, Laboratory, Precision, Simulated
from configurator.observing import observation_table, precision_table
from configurator.plans import plan_document, read_plan
from configurator.progress import Progress, Silent, compiling_first
from configurator.results import ObjectiveScale
from configurator.runs.findings import (
    FRONT_PAGE,
    Front,
    json_text,
    objective_scales,
    page_of_run,
    read_front,
    run_tables,
)
from configurator.runs.records import keep_inputs, write_whole
from configurator.runs.store import free_folder, new_run, open_run, write_atomically
from configurator.searching import RUNS, optimise, resume, twin_laboratory
from configurator.tables import Table, csv_text, table
from configurator.validation import Validation, validate
from instances.catalogue import load_instance, shipped_instances
from instances.instance import Instance
from simulation.configuration import Configuration, todays_configuration

if TYPE_CHECKING:  # the twin brings numba, which describing and validating do without
    from configurator.repairing import Repaired
    from simulation.knowledge import Knowledge
    from simulation.twin import Origin

MOST_REPLICATIONS = 200
WARM_UP_REPLICATIONS = 5
STORY = "story.txt"
PRECISION = "precision.csv"
PROVIDERS = "providers.csv"


@dataclass(frozen=True)
class SimulateOptions:
    """What else `simulate` can do.

    from_state, census: what runs start from instead of a warm-up; save_state: where to save the states at
    `save_at` (None: the end of the run); precision: `INDICATOR=HALF_WIDTH` goals for the number of replications,
    `most_replications` at most; follow: a patient whose story is told, in replication `follow_in`.
    """

    from_state: Path | None = None
    census: Path | None = None
    save_state: Path | None = None
    save_at: float | None = None
    precision: tuple[str, ...] = ()
    most_replications: int = MOST_REPLICATIONS
    follow: str | None = None
    follow_in: int = 0

    @property
    def starting_file(self) -> Path | None:
        """The file that runs start from."""
        return self.from_state or self.census


@dataclass(frozen=True)
class Simulation:
    """What `simulate` gave and where it was written.

    story: of the patient followed; notes: where the run started, what was saved, what is not known.
    """

    folder: Path
    replications: int
    objectives: tuple[ObjectiveScale, ...]
    simulated: Simulated
    story: str = ""
    notes: tuple[str, ...] = ()

    def document(self) -> dict[str, object]:
        """Return everything but the indicators (they are in the folder) as one JSON-able object."""
        names = [objective.name for objective in self.objectives]
        return {
            "folder": str(self.folder),
            "replications": self.replications,
            "objectives": {name: asdict(value) for name, value in zip(names, self.simulated.objectives, strict=True)},
            "drawn_parameters": self.simulated.drawn_parameters,
            "audited_events": self.simulated.audited_events,
            "observations": observation_table(self.simulated.observations).records(),
            "precision": precision_table(self.simulated.precision).records(),
            "flags": list(self.simulated.flags),
            "worst_off_providers": [] if self.simulated.worst_off is None else self.simulated.worst_off.records(),
            "story": self.story.splitlines(),
            "notes": list(self.notes),
        }


__all__ = [
    "Choice",
    "Front",
    "MoreEffort",
    "SimulateOptions",
    "Simulation",
    "Validation",
    "WarmUp",
    "Wish",
    "describe",
    "engine_named",
    "export",
    "export_format",
    "front",
    "list_instances",
    "optimise",
    "parameter_settings",
    "repair",
    "resume",
    "simulate",
    "validate",
    "warm_up",
]


def list_instances() -> Table:
    """Return the shipped instances with their titles."""
    rows = []
    for name in shipped_instances():
        settings = load_instance(name).settings
        rows.append((name, settings.name, settings.description))
    return table("instances", ("instance", "name", "description"), rows)


def describe(choice: Choice) -> Description:
    """Return what an instance contains."""
    return describe_instance(choice.load())


@dataclass(frozen=True)
class WarmUp:
    """Whether an instance's warm-up is enough: in words, indicator by indicator, and the page that draws them."""

    is_enough: bool
    sentences: str
    indicators: Table
    page: Path | None

    def document(self) -> dict[str, object]:
        """Return everything as one JSON-able object."""
        return {
            "is_enough": self.is_enough,
            "in_words": self.sentences,
            "indicators": self.indicators.records(),
            "page": None if self.page is None else str(self.page),
        }


def warm_up(choice: Choice, wish: Wish, *, out: Path | None = None, progress: Progress | None = None) -> WarmUp:
    """Simulate the warm-up from the start and say when each key indicator settles; `out`: a page of curves."""
    from configurator.warm_up_page import warm_up_page, warm_up_sentences, warm_up_table
    from simulation.warm_up import study_warm_up

    instance = choice.load()
    seed = instance.settings.search.seed if wish.seed is None else wish.seed
    (progress or Silent()).message(f"simulating the warm-up of {instance.name}{compiling_first(wish.engine)}")
    study = study_warm_up(
        instance, seed=seed, replications=wish.replications or WARM_UP_REPLICATIONS, engine_name=wish.engine
    )
    unit = instance.settings.time_unit
    if out is not None:
        write_atomically(out, warm_up_page(study, instance.settings.name or instance.name, unit))
    return WarmUp(study.is_enough, warm_up_sentences(study, unit), warm_up_table(study), out)


def repair(choice: Choice, plan: Path, *, marginal: bool = False, out: Path | None = None) -> "Repaired":
    """Return the plan nearest to a plan file, with what had to change and for which rule."""
    from configurator.repairing import repaired  # brings the solver

    return repaired(choice, plan, marginal=marginal, out=out)


def simulate(
    choice: Choice,
    wish: Wish,
    *,
    plan: Path | None = None,
    events: bool = False,
    options: SimulateOptions | None = None,
    out: Path | None = None,
    command: Sequence[str] = (),
    laboratory: Laboratory | None = None,
    progress: Progress | None = None,
) -> Simulation:
    """Simulate today's configuration, or a plan file's, and write indicators and observations to a run folder."""
    shown = progress or Silent()
    also = options or SimulateOptions()
    knowledge = choice.knowledge()
    instance = knowledge.central
    effort = wish.effort(instance)
    if wish.replications is None:  # a search compares thousands of plans, this is one: it can afford the final number
        effort = replace(effort, replications=effort.final_replications)
    origin, effort, limit = _started(also, knowledge, wish, effort)
    precision, effort = _precision(also, wish, effort, limit)
    save_time = _save_time(also, instance, origin)
    offered = todays_configuration(instance) if origin is None else origin.offer.configuration
    configuration = offered if plan is None else read_plan(instance, plan)
    place = laboratory or twin_laboratory()
    notes = _notes(also, instance, origin, save_time)
    with new_run(_folder(out, instance, "simulate")) as folder:
        start = keep_inputs(folder, choice, also.starting_file)
        first = compiling_first(effort.engine)
        shown.message(f"simulating {instance.name}, {effort.replications} replications{first}")
        followed = _story(also, place, knowledge, configuration, effort, origin)  # first: it may name nobody
        simulated = place.simulate(knowledge, configuration, effort, origin, precision)
        effort = replace(effort, replications=simulated.replications)
        if also.save_state is not None and save_time is not None:
            shown.message(f"saving the states at {save_time:g} to {also.save_state}")
            folder.expect(also.save_state)
            place.save(knowledge, configuration, effort, origin, also.save_state, save_time)
        folder.write("indicators.csv", csv_text(simulated.indicators))
        folder.write("observations.csv", csv_text(observation_table(simulated.observations)))
        if simulated.providers is not None:
            folder.write(PROVIDERS, csv_text(simulated.providers))
        folder.write("plans/simulated.json", json_text(plan_document(instance, configuration)))
        if events:
            shown.message("writing events.csv")
            folder.write_pieces("events.csv", place.events(knowledge, configuration, effort, origin))
        if followed:
            folder.write(STORY, followed + "\n")
        if simulated.precision:
            folder.write(PRECISION, csv_text(precision_table(simulated.precision)))
        written = [
            "indicators.csv",
            "observations.csv",
            PROVIDERS,
            "plans/simulated.json",
            "events.csv",
            STORY,
            PRECISION,
        ]
        write_whole(folder, start, choice, instance, effort, "simulate", command, written)
        notes += _narrow(instance, effort)
        return Simulation(folder.path, effort.replications, objective_scales(instance), simulated, followed, notes)


def _started(
    also: SimulateOptions, knowledge: "Knowledge", wish: Wish, effort: Effort
) -> tuple["Origin | None", Effort, int | None]:
    if also.starting_file is None:
        return None, effort, None
    from configurator.beginnings import started  # brings the twin

    return started(also.from_state, also.census, knowledge, wish, effort)


def _precision(also: SimulateOptions, wish: Wish, effort: Effort, limit: int | None) -> tuple[Precision | None, Effort]:
    """Return the precision asked for, and the effort with the replications to begin with."""
    if not also.precision:
        return None, effort
    from simulation.precision import LEAST_REPLICATIONS, Goal

    goals = tuple(Goal(*parts) for parts in goal_texts(also.precision))
    most = also.most_replications if limit is None else min(also.most_replications, limit)
    first = min(most, wish.replications or LEAST_REPLICATIONS)
    return Precision(goals, most), replace(effort, replications=first)


def _save_time(also: SimulateOptions, instance: Instance, origin: "Origin | None") -> float | None:
    if also.save_state is None:
        if also.save_at is not None:
            raise InvalidRequest("--save-at: name the file with --save-state")
        return None
    start = 0.0 if origin is None else origin.offer.time
    end = start + instance.settings.horizon.run
    time = end if also.save_at is None else also.save_at
    if not start <= time <= end:
        raise InvalidRequest(f"--save-at {time:g}: the run goes from {start:g} to {end:g}")
    if also.save_state.exists():
        raise InvalidRequest(f"--save-state {also.save_state}: the file exists already")
    return time


def _notes(
    also: SimulateOptions, instance: Instance, origin: "Origin | None", save_time: float | None
) -> tuple[str, ...]:
    unit = instance.settings.time_unit
    notes = []
    if origin is not None:
        end = origin.offer.time + instance.settings.horizon.run
        notes.append(f"runs started from {also.starting_file}, {unit} {origin.offer.time:g}, and went on to {end:g}")
        if origin.is_drawn:
            notes.append("these carry drawn parameters: how far chance alone spreads results cannot be told from them")
    if save_time is not None:
        notes.append(f"the states of all replications at {unit} {save_time:g} are in {also.save_state}")
    return tuple(notes)


def _narrow(instance: Instance, effort: Effort) -> tuple[str, ...]:
    from configurator.intervals import too_narrow  # scipy comes with it

    said = too_narrow(instance, effort.replications, "--replications")
    return (said,) if said else ()


def _story(
    also: SimulateOptions,
    place: Laboratory,
    knowledge: "Knowledge",
    configuration: Configuration,
    effort: Effort,
    origin: "Origin | None",
) -> str:
    if also.follow is None:
        return ""
    return place.story(knowledge, configuration, effort, origin, also.follow, also.follow_in)


def front(run: Path) -> Front:
    """Read a run's front back, and draw its page again if it is missing."""
    folder = open_run(run)
    found = read_front(folder)
    if not folder.has(FRONT_PAGE):
        folder.write(FRONT_PAGE, page_of_run(folder))
    return found


def export(run: Path, kind: ExportFormat, out: Path | None = None) -> list[Path]:
    """Write a run's tables for other programs: one JSON file, a folder of CSV files or one Excel workbook."""
    folder = open_run(run)
    target = out or folder.path / ("export" if kind == "csv" else f"export.{kind}")
    return write_export(run_tables(folder), kind, target)


def _folder(out: Path | None, instance: Instance, verb: str) -> Path:
    return free_folder(RUNS, f"{instance.name}-{verb}") if out is None else out
