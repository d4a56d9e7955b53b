"""Tables as plain aligned text: the same on a terminal, in a pipe and in a log."""

from collections.abc import Iterator, Sequence

from configurator.description import Description
from configurator.laboratory import ObservationCheck
from configurator.observing import precision_table
from configurator.progress import duration
from configurator.results import FrontRow, Interval, ObjectiveScale, TargetScale
from configurator.runs.findings import FRONT_PAGE, Front
from configurator.tables import Cell, Table
from configurator.verbs import Simulation, WarmUp


def number(value: float) -> str:
    """Return a number as people read it: four significant digits, thousands apart.

    >>> number(0.01234567), number(90349.0), number(71.2345)
    ('0.01235', '90,349', '71.23')
    """
    if value != value:
        return "-"
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.4g}"


def interval_text(interval: Interval) -> str:
    """Return a mean with its interval: `71.23 (70.8 to 71.6)`."""
    return f"{number(interval.mean)} ({number(interval.low)} to {number(interval.high)})"


def share_text(interval: Interval) -> str:
    """Return a probability with its interval in percent: `97 % (83 to 100)`."""
    return f"{100 * interval.mean:.0f} % ({100 * interval.low:.0f} to {100 * interval.high:.0f})"


def chance_text(interval: Interval | None) -> str:
    """Return the interval by chance alone, as if all parameters were known: `70.9 to 71.5`."""
    if interval is None or interval.chance_low is None or interval.chance_high is None:
        return "-"
    return f"{number(interval.chance_low)} to {number(interval.chance_high)}"


def cell_text(cell: Cell) -> str:
    """Return one cell as people read it."""
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return "yes" if cell else "no"
    return number(cell) if isinstance(cell, float) else str(cell)


def table_text(content: Table) -> str:
    """Return the table with aligned columns: numbers to the right, words to the left."""
    lines = [[cell_text(cell) for cell in row] for row in content.rows]
    columns = range(len(content.columns))
    widths = [max([len(content.columns[k]), *(len(line[k]) for line in lines)]) for k in columns]
    right = [
        any(row[k] is not None for row in content.rows)
        and all(row[k] is None or isinstance(row[k], int | float) for row in content.rows)
        for k in columns
    ]
    return "\n".join(_line(line, widths, right) for line in [list(content.columns), *lines])


def _line(cells: Sequence[str], widths: Sequence[int], right: Sequence[bool]) -> str:
    padded = [
        cell.rjust(width) if to_right else cell.ljust(width)
        for cell, width, to_right in zip(cells, widths, right, strict=True)
    ]
    return "  ".join(padded).rstrip()


def front_text(
    rows: Sequence[FrontRow],
    today: FrontRow | None,
    objectives: Sequence[ObjectiveScale],
    targets: Sequence[TargetScale] = (),
) -> str:
    """Return the front as a table, then what each plan changes."""
    shown = [*([] if today is None else [today]), *rows]
    kept = (f"keeps {target.objective}" for target in targets)
    columns = ("plan", *(objective.name for objective in objectives), *kept, "non-dominated", "group", "replications")
    lines: tuple[tuple[Cell, ...], ...] = tuple(
        (
            row.id,
            *(interval_text(interval) for interval in row.objectives),
            *(share_text(kept) for kept in row.targets),
            "" if row.probability_non_dominated is None else f"{100 * row.probability_non_dominated:.0f} %",
            row.group,
            row.replications,
        )
        for row in shown
    )
    said = "\n".join(["What each plan changes against today", *(f"{row.id}: {row.changes}" for row in rows)])
    said = said if rows else "no plan stands on the front; archive.csv says why of each"
    return f"{table_text(Table('front', columns, lines))}\n\n{said}"


def _hypervolumes(found: Front) -> Iterator[str]:
    confirmed = found.confirmed_hypervolume
    if confirmed is not None:
        yield (
            f"hypervolume of these plans on fresh replications: {confirmed.mean:.4f} "
            f"({confirmed.low:.4f} to {confirmed.high:.4f})"
        )
    against = (
        "not compared with random plans"
        if found.random_hypervolume is None
        else f"{found.random_plans} random repaired plans, {found.random_sound} of them sound, on the same: "
        f"{found.random_hypervolume:.4f}"
    )
    yield f"hypervolume of all that the search found, on its own replications: {found.hypervolume:.4f}; {against}"


def found_text(found: Front) -> str:
    """Return what a search found: front, hypervolumes, where it lies."""
    lines = [
        front_text(found.rows, found.today, found.objectives, found.targets),
        "",
        f"{found.better_than_today} of {len(found.rows)} plans are nowhere worse than today and somewhere better",
        *_hypervolumes(found),
        f"{found.evaluations:,} plans evaluated in {found.replications:,} replications, {duration(found.seconds)}",
    ]
    if found.targets:
        aims = " and ".join(str(target) for target in found.targets)
        lines.append(f"cheapest plan that surely keeps {aims}: {found.cheapest or 'none of these'}")
    lines += [found.too_few] if found.too_few else []
    if found.failures:
        lines.append(f"{len(found.failures)} evaluations failed and were left out; see failures.csv")
    if found.stopped and any(row.probability_non_dominated is None for row in found.rows):
        lines.append("these plans are not confirmed on fresh replications and not audited by the SimPy engine yet")
    if found.stopped:
        lines.append(f"the search was stopped before its end; go on with: configurator resume {found.folder}")
    elif found.ended:
        lines.append(f"ended by {found.ended}")
    return "\n".join([*lines, f"run folder: {found.folder}", f"page: {found.folder / FRONT_PAGE}"])


def simulation_text(simulation: Simulation) -> str:
    """Return objectives, then each observation against the simulated value."""
    simulated = simulation.simulated
    objectives = Table(
        "objectives",
        ("objective", "better", "simulated (95 % interval)", "by chance alone"),
        tuple(
            (
                objective.name,
                "more" if objective.direction == "maximise" else "less",
                interval_text(value),
                chance_text(value),
            )
            for objective, value in zip(simulation.objectives, simulated.objectives, strict=True)
        ),
    )
    in_range = sum(check.in_range for check in simulated.observations)
    parts = [table_text(objectives)] if objectives.rows else []
    if simulated.observations:
        parts += [
            table_text(_observed(simulated.observations)),
            f"{in_range} of {len(simulated.observations)} observations are in range",
        ]
    if simulated.flags:
        parts.append("\n".join(["Flagged", *simulated.flags]))
    if simulated.worst_off is not None and simulated.worst_off.rows:
        parts.append(f"Worst-off providers\n{table_text(simulated.worst_off)}")
    if simulated.precision:
        parts.append(table_text(precision_table(simulated.precision)))
    if simulation.story:
        parts.append(simulation.story)
    parts.append("\n".join([*simulation.notes, _where(simulation)]))
    return "\n\n".join(parts)


def _where(simulation: Simulation) -> str:
    drawn = simulation.simulated.drawn_parameters
    carried = f"{drawn} parameters drawn in each but the first" if drawn else "parameters at their central values"
    audited = simulation.simulated.audited_events
    lines = [f"{simulation.replications} replications, {carried}"]
    if audited:
        lines.append(f"both engines agree on all {audited:,} events of the first")
    return "\n".join([*lines, f"run folder: {simulation.folder}"])


def _observed(checks: Sequence[ObservationCheck]) -> Table:
    columns = (
        "",
        "observation",
        "simulated (95 % interval)",
        "by chance alone",
        "observed",
        "unit",
        "role",
        "description",
    )
    rows = tuple(
        (
            "not computed" if check.simulated is None else "in range" if check.in_range else "OUT",
            check.observation,
            "-" if check.simulated is None else interval_text(check.simulated),
            chance_text(check.simulated),
            f"{number(check.value)} ({number(check.low)} to {number(check.high)})",
            check.unit,
            check.role,
            check.description,
        )
        for check in checks
    )
    return Table("observations", columns, rows)


def warm_up_text(settled: WarmUp) -> str:
    """Return whether the warm-up is enough, then each indicator with its moving average drawn small."""
    parts = ["WARM-UP", table_text(settled.indicators), "", settled.sentences]
    return "\n".join(parts if settled.page is None else [*parts, f"page: {settled.page}"])


def description_text(description: Description) -> str:
    """Return the facts, then each table that has rows under its name."""
    width = max(len(name) for name, _ in description.facts)
    facts = "\n".join(f"{name.ljust(width)}  {cell_text(cell)}" for name, cell in description.facts)
    tables = [
        f"{content.name.upper()} ({len(content.rows)})\n{table_text(content)}"
        for content in description.tables
        if content.rows
    ]
    return "\n\n".join([facts, *tables])
