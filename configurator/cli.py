"""The command line: parses, calls one verb, prints what it returns."""

import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from configurator.runs.findings import Front
    from configurator.verbs import Choice, Simulation, Wish

# Nothing of ours is imported up here: `configurator --help` must not wait for numpy, numba or the solver.

BROKEN = 1
INVALID_INPUT = 2
INFEASIBLE = 3
STOPPED_EARLY = 4
INTERRUPTED = 130

app = typer.Typer(
    name="configurator",
    help="Configure care-pathway offers for health territories: describe an instance, simulate today, "
    "search for better offers, read and export what was found.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,  # rich would take more time to load than everything else here
    pretty_exceptions_enable=False,
)

InstanceArgument = Annotated[
    str, typer.Argument(metavar="INSTANCE", help="A shipped instance (see `list`) or the path of a folder.")
]
RunArgument = Annotated[Path, typer.Argument(metavar="RUN", help="The run's folder.")]
ScenarioOption = Annotated[str | None, typer.Option("--scenario", help="Scenario of the instance; default: today.")]
SetOption = Annotated[
    list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help="Set a parameter; may be repeated.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON and nothing else.")]
SeedOption = Annotated[int | None, typer.Option("--seed", min=0, help="Seed; default: the instance's.")]
ReplicationsOption = Annotated[
    int | None, typer.Option("--replications", min=1, help="Replications; default: the instance's.")
]
ChanceOption = Annotated[
    bool,
    typer.Option("--chance-only", help="Keep uncertain parameters at their central values instead of drawing them."),
]
BudgetOption = Annotated[
    int | None, typer.Option("--budget", min=1, help="Replications in all, never exceeded; default: no limit.")
]
MinutesOption = Annotated[
    float | None, typer.Option("--minutes", min=0.0, help="Time after which the search ends; default: no limit.")
]
WorkersOption = Annotated[int, typer.Option("--workers", min=0, help="Workers at once; 0: one per core.")]
EngineOption = Annotated[
    str, typer.Option("--engine", metavar="compiled|simpy", help="The fast engine, or the one people read.")
]


@app.callback()
def configurator(
    version: Annotated[bool, typer.Option("--version", help="Print the version.", is_eager=True)] = False,
) -> None:
    """Options that stand before the verb."""
    if version:
        from importlib.metadata import version as version_of

        typer.echo(version_of("offer-configurator"))
        raise typer.Exit


@app.command("list")
def list_(as_json: JsonOption = False) -> None:
    """List the instances that come with the program."""
    from configurator import verbs
    from configurator.printing import table_text

    shipped = verbs.list_instances()
    if as_json:
        _print_json(shipped.records())
    else:
        typer.echo(table_text(shipped))


@app.command()
def describe(
    instance: InstanceArgument,
    scenario: ScenarioOption = None,
    set_: SetOption = None,
    warm_up: Annotated[
        bool, typer.Option("--warm-up", help="Also simulate the warm-up and say whether it is long enough.")
    ] = False,
    seed: SeedOption = None,
    replications: Annotated[
        int | None, typer.Option("--replications", min=1, help="With --warm-up: replications; default: 5.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="With --warm-up: a page (HTML) of its curves.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Print what an instance contains."""
    from configurator import verbs
    from configurator.printing import description_text, warm_up_text
    from configurator.progress import shown

    choice = _choice(instance, scenario, set_)
    description = verbs.describe(choice)
    wish = _wish(seed, replications, None, None, 0, "compiled")
    settled = None
    if warm_up or out is not None:
        with shown(as_json) as progress:
            settled = verbs.warm_up(choice, wish, out=out, progress=progress)
    if as_json:
        _print_json(description.document() | ({} if settled is None else {"warm_up": settled.document()}))
    else:
        typer.echo(description_text(description) + ("" if settled is None else f"\n\n{warm_up_text(settled)}"))


@app.command()
def validate(
    instance: InstanceArgument,
    scenario: ScenarioOption = None,
    set_: SetOption = None,
    draws: Annotated[
        int, typer.Option("--draws", min=0, help="Draws of uncertain parameters to try, each as in a replication.")
    ] = 20,
    as_json: JsonOption = False,
) -> None:
    """Check an instance, all its scenarios and some draws of its parameters; then say what its rules leave."""
    from dataclasses import asdict

    from configurator import verbs
    from configurator.progress import shown
    from configurator.rules_text import no_plan_lines, validation_text

    with shown(as_json) as progress:
        validation = verbs.validate(_choice(instance, scenario, set_), draws, progress)
    if as_json:
        faults = [asdict(fault) for fault in validation.faults]
        impossible = list(validation.impossible_draws)
        found = {"valid": validation.is_valid, "faults": faults, "impossible_draws": impossible}
        found["rules"] = None if validation.rules is None else validation.rules.document()
        _print_json({"instance": validation.instance, **found})
    elif validation.is_valid:
        typer.echo(validation_text(validation))
    else:
        _print_faults((*validation.faults, *validation.impossible_draws))
    if not validation.is_valid:
        raise typer.Exit(INVALID_INPUT)
    if validation.rules is not None and not validation.rules.has_plan:
        _print_faults(no_plan_lines(validation.rules))
        raise typer.Exit(INFEASIBLE)


@app.command()
def repair(
    instance: InstanceArgument,
    plan: Annotated[
        Path,
        typer.Argument(metavar="PLAN.json", help="A plan file; what it does not name is proposed as it is today."),
    ],
    scenario: ScenarioOption = None,
    set_: SetOption = None,
    marginal: Annotated[
        bool,
        typer.Option("--marginal", help="Also say what one more euro, place or recruit would buy near the plan."),
    ] = False,
    out: Annotated[Path | None, typer.Option("--out", metavar="FILE", help="Write the plan to this file.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Find the nearest plan that keeps every rule, and say what had to change and for which rule."""
    from configurator import verbs
    from configurator.rules_text import repaired_text

    repaired = verbs.repair(_choice(instance, scenario, set_), plan, marginal=marginal, out=out)
    if as_json:
        _print_json(repaired.document())
    else:
        typer.echo(repaired_text(repaired))


@app.command()
def simulate(
    instance: InstanceArgument,
    plan: Annotated[Path | None, typer.Option("--plan", help="Simulate this plan file, not today's offer.")] = None,
    events: Annotated[bool, typer.Option("--events", help="Also write every event to events.csv.")] = False,
    follow: Annotated[
        str | None,
        typer.Option("--follow", metavar="PATIENT", help="Tell a patient's story; named as in events.csv."),
    ] = None,
    follow_in: Annotated[int, typer.Option("--follow-in", min=0, help="Replication to follow the patient in.")] = 0,
    census: Annotated[
        Path | None, typer.Option("--census", help="Start from the patients of this table, not from the warm-up.")
    ] = None,
    from_state: Annotated[
        Path | None, typer.Option("--from-state", help="Start from the states of this file, not from the warm-up.")
    ] = None,
    save_state: Annotated[
        Path | None, typer.Option("--save-state", help="Save the states of all replications to this file.")
    ] = None,
    save_at: Annotated[
        float | None,
        typer.Option("--save-at", help="Time of the states saved; default: the end of the run, to continue from."),
    ] = None,
    precision: Annotated[
        list[str] | None,
        typer.Option(
            "--precision",
            metavar="INDICATOR=HALF_WIDTH",
            help="Replicate until the indicator's 95 % interval is so narrow (0.5, or 5% of the mean); "
            "may be repeated.",
        ),
    ] = None,
    most_replications: Annotated[
        int, typer.Option("--max-replications", min=2, help="With --precision: replications at most.")
    ] = 200,
    scenario: ScenarioOption = None,
    set_: SetOption = None,
    seed: SeedOption = None,
    replications: ReplicationsOption = None,
    chance_only: ChanceOption = False,
    workers: WorkersOption = 0,
    engine: EngineOption = "compiled",
    out: Annotated[Path | None, typer.Option("--out", help="Run folder; default: a new one under runs/.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Simulate today's offer (or a plan) and compare it with what is known of today."""
    from configurator import verbs
    from configurator.progress import shown

    with shown(as_json) as progress:
        simulation = verbs.simulate(
            _choice(instance, scenario, set_, chance_only),
            _wish(seed, replications, None, None, workers, engine),
            plan=plan,
            events=events,
            options=verbs.SimulateOptions(
                from_state, census, save_state, save_at, tuple(precision or ()), most_replications, follow, follow_in
            ),
            out=out,
            command=_command(),
            progress=progress,
        )
    _print_simulation(simulation, as_json)


@app.command()
def breaks(
    instance: InstanceArgument,
    log: Annotated[
        Path, typer.Argument(metavar="LOG.csv", help="Events, simulated (`simulate --events`) or of real patients.")
    ],
    until: Annotated[
        float | None,
        typer.Option("--until", help="End of observation; default: the end of the run, or of the log if later."),
    ] = None,
    contract: Annotated[
        str | None, typer.Option("--contract", help="Whose tariffs hold; default: the contract in force.")
    ] = None,
    by: Annotated[str | None, typer.Option("--by", metavar="zone|profile|pathway", help="Count them apart.")] = None,
    scenario: ScenarioOption = None,
    set_: SetOption = None,
    out: Annotated[Path | None, typer.Option("--out", metavar="FILE", help="Also write them to this CSV file.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Count, price and rank the pathway breaks of an event log."""
    from configurator import breaking
    from configurator.printing import table_text

    found = breaking.breaks(
        _choice(instance, scenario, set_),
        log,
        until=until,
        contract=contract,
        by=breaking.breakdown_named(by),
        out=out,
    )
    if as_json:
        _print_json(found.document())
    else:
        typer.echo(f"{table_text(found.table)}\n\n{found.sentence}")


@app.command()
def calibrate(
    instance: InstanceArgument,
    free: Annotated[
        list[str] | None,
        typer.Option(
            "--free", metavar="NAME", help="A parameter that may move; may be repeated; default: those marked free."
        ),
    ] = None,
    evaluations: Annotated[int, typer.Option("--evaluations", min=3, help="Sets of values tried at most.")] = 100,
    pull: Annotated[
        float, typer.Option("--pull", min=0.0, help="How strongly values are held where they started; 0: not.")
    ] = 0.1,
    scenario: ScenarioOption = None,
    set_: SetOption = None,
    seed: SeedOption = None,
    replications: Annotated[int | None, typer.Option("--replications", min=1, help="Replications; default: 3.")] = None,
    workers: WorkersOption = 0,
    out: Annotated[Path | None, typer.Option("--out", help="Run folder; default: a new one under runs/.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Move the free parameters within their ranges until the observations to fit are met."""
    from configurator import calibrating
    from configurator.printing import table_text
    from configurator.progress import shown

    with shown(as_json) as progress:
        found = calibrating.calibrate_instance(
            _choice(instance, scenario, set_),
            _wish(seed, replications, None, None, workers, "compiled"),
            free=tuple(free or ()),
            evaluations=evaluations,
            pull=pull,
            out=out,
            command=_command(),
            progress=progress,
        )
    if as_json:
        _print_json(found.document())
    else:
        typer.echo(f"{table_text(found.parameters)}\n\n{table_text(found.observations)}\n\n{found.sentences}")
    if found.is_stopped:
        raise typer.Exit(STOPPED_EARLY)


@app.command()
def optimise(
    instance: InstanceArgument,
    scenario: ScenarioOption = None,
    set_: SetOption = None,
    seed: SeedOption = None,
    replications: ReplicationsOption = None,
    chance_only: ChanceOption = False,
    generations: Annotated[
        int | None, typer.Option("--generations", min=1, help="Generations; default: the instance's.")
    ] = None,
    population: Annotated[
        int | None, typer.Option("--population", min=2, help="Plans per generation; default: the instance's.")
    ] = None,
    preset: Annotated[
        str, typer.Option("--preset", metavar="quick|normal|thorough", help="How far to search.")
    ] = "normal",
    budget: BudgetOption = None,
    minutes: MinutesOption = None,
    random_plans: Annotated[
        int | None,
        typer.Option("--random-plans", min=0, help="Random feasible plans to compare the front with."),
    ] = None,
    workers: WorkersOption = 0,
    engine: EngineOption = "compiled",
    out: Annotated[Path | None, typer.Option("--out", help="Run folder; default: a new one under runs/.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Search for the plans none of which beats another, and write the front and its page."""
    from dataclasses import replace

    from configurator import verbs
    from configurator.progress import shown

    with shown(as_json) as progress:
        front = verbs.optimise(
            _choice(instance, scenario, set_, chance_only),
            replace(
                _wish(seed, replications, generations, population, workers, engine),
                preset=preset,
                budget=budget,
                minutes=minutes,
            ),
            out=out,
            random_plans=random_plans,
            command=_command(),
            progress=progress,
        )
    _print_front(front, as_json)
    if front.stopped:
        raise typer.Exit(STOPPED_EARLY)


@app.command()
def resume(
    run: RunArgument,
    generations: Annotated[
        int | None, typer.Option("--generations", min=1, help="Generations in all; default: as before.")
    ] = None,
    final_replications: Annotated[
        int | None,
        typer.Option("--final-replications", min=1, help="Fresh replications of its plans; default: as before."),
    ] = None,
    budget: BudgetOption = None,
    minutes: MinutesOption = None,
    workers: WorkersOption = 0,
    as_json: JsonOption = False,
) -> None:
    """Go on with a search that was stopped or killed, or give one more; nothing is simulated twice."""
    from configurator import verbs
    from configurator.progress import shown

    more = verbs.MoreEffort(generations, final_replications, budget, minutes, workers)
    with shown(as_json) as progress:
        front = verbs.resume(run, more, command=_command(), progress=progress)
    _print_front(front, as_json)
    if front.stopped:
        raise typer.Exit(STOPPED_EARLY)


@app.command()
def front(run: RunArgument, as_json: JsonOption = False) -> None:
    """Print the front of a run."""
    from configurator import verbs

    _print_front(verbs.front(run), as_json)


@app.command()
def generate(
    territories: Annotated[int, typer.Option("--territories", min=1, help="How many territories.")],
    out: Annotated[Path, typer.Option("--out", help="Folder of the new instance.")],
    seed: Annotated[int, typer.Option("--seed", min=0, help="Seed; the same one makes the same department.")] = 1,
    as_json: JsonOption = False,
) -> None:
    """Make a synthetic department of any size, drawn from the real inter-communal bodies of France."""
    from configurator.generating import generate as generated

    made = generated(territories, seed, out)
    if as_json:
        _print_json(made.document())
    else:
        typer.echo(f"{made.territories} territories in {made.basins} basins, {made.people:,} people: {made.folder}")


@app.command()
def export(
    run: RunArgument,
    kind: Annotated[str, typer.Option("--format", metavar="json|csv|xlsx", help="Format of the export.")] = "xlsx",
    out: Annotated[
        Path | None, typer.Option("--out", help="File (folder for csv); default: export.* in the run's folder.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Write a run's tables as one JSON file, a folder of CSV files or one Excel workbook."""
    from configurator import verbs

    written = verbs.export(run, verbs.export_format(kind), out)
    if as_json:
        _print_json([str(path) for path in written])
    else:
        for path in written:
            typer.echo(str(path))


# From words to arguments, from results to print


def _choice(instance: str, scenario: str | None, settings: list[str] | None, chance_only: bool = False) -> "Choice":
    from configurator import verbs

    return verbs.Choice(instance, scenario, verbs.parameter_settings(settings or []), chance_only)


def _wish(
    seed: int | None,
    replications: int | None,
    generations: int | None,
    population: int | None,
    workers: int,
    engine: str,
) -> "Wish":
    from configurator import verbs

    return verbs.Wish(seed, replications, generations, population, workers, verbs.engine_named(engine))


def _command() -> tuple[str, ...]:
    return ("configurator", *sys.argv[1:])


def _print_json(document: object) -> None:
    import json

    typer.echo(json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False))


def _print_faults(faults: "tuple[object, ...]") -> None:
    for fault in faults:
        typer.echo(str(fault), err=True)


def _print_simulation(simulation: "Simulation", as_json: bool) -> None:
    from configurator.printing import simulation_text

    if as_json:
        _print_json(simulation.document())
    else:
        typer.echo(simulation_text(simulation))


def _print_front(found: "Front", as_json: bool) -> None:
    from configurator.printing import found_text

    if as_json:
        _print_json(found.document())
    else:
        typer.echo(found_text(found))


def main() -> None:
    """Run the command line; a fault is one line, never a traceback."""
    from instances.faults import ConfiguratorError

    # Work is shared out run by run; linear algebra on one thread leaves the cores to that, and its last bits do
    # not depend on how many there are. It must be said before numpy is loaded.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        # a script's background jobs are born deaf to Ctrl-C; whoever sends it means it
        signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        app()
    except ConfiguratorError as error:
        sys.exit(_refused(error))


def _refused(error: Exception) -> int:
    from configurator.laboratory import NoFeasiblePlan, SimulationFailed

    faults = getattr(error, "faults", None)
    _print_faults(faults or tuple(str(error).splitlines()))
    if isinstance(error, NoFeasiblePlan):
        return INFEASIBLE
    broken = isinstance(error, SimulationFailed) or type(error).__name__ == "EnginesDisagree"
    return BROKEN if broken else INVALID_INPUT
