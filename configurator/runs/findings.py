"""What a search found, as the files of its run, and back."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from configurator.changes import describe_changes, list_changes
from configurator.figures import FrontView, PagePlan, PlanDetail, front_page
from configurator.laboratory import Baseline, Experiment
from configurator.plans import plan_document, plan_table
from configurator.results import (
    Direction,
    EvaluatedPlan,
    FrontRow,
    Interval,
    ObjectiveScale,
    SearchState,
    TargetScale,
    dominates,
    front_rows,
    front_table,
    sorted_front,
)
from configurator.runs.journal import JOURNAL
from configurator.runs.manifest import DISTRIBUTION, Manifest, read_manifest
from configurator.runs.store import RunFolder
from configurator.tables import Cell, Table, csv_text, table, table_from_csv
from instances.instance import Instance
from simulation.configuration import content_key, todays_configuration

SUMMARY = "summary.json"
FRONT_PAGE = "front.html"
TODAY = "today"
_CONFIRMED = ("confirmed_hypervolume", "confirmed_hypervolume_low", "confirmed_hypervolume_high")
_UNTOLD = {"confirmed_hypervolume_low": 0.0, "confirmed_hypervolume_high": 1.0}
"""What a summary written before these were told leaves open: a part of the whole."""
_FIGURES = (
    "hypervolume", *_CONFIRMED, "random_hypervolume", "random_plans", "random_sound", "generations", "evaluations",
    "replications", "seconds",
)  # fmt: skip


@dataclass(frozen=True)
class Front:
    """A run's front and how it was found; `stopped`: the search did not run to its end."""

    folder: Path
    objectives: tuple[ObjectiveScale, ...]
    rows: tuple[FrontRow, ...]
    today: FrontRow
    hypervolume: float
    """On the replications of the search, as that of random plans."""
    confirmed_hypervolume: Interval | None
    """On fresh replications, of the plans that stand there."""
    random_hypervolume: float | None
    random_plans: int
    random_sound: int
    generations: int
    evaluations: int
    replications: int
    seconds: float
    stopped: bool
    failures: tuple[str, ...] = ()
    ended: str = ""
    """Why the search came to its end."""
    targets: tuple[TargetScale, ...] = ()
    cheapest: str = ""
    """Of the plans that surely keep every target the one that spends least; empty: none, or nothing to keep."""
    too_few: str = ""
    """What so few replications cannot say (which targets no plan can be sure of, ...), and how many it would take."""

    @property
    def better_than_today(self) -> int:
        """Return how many plans are nowhere worse than today and somewhere better."""
        return sum(dominates(row.objectives, self.today.objectives, self.objectives) for row in self.rows)

    def document(self) -> dict[str, object]:
        """Return everything as one JSON-able object, plans as rows of front.csv."""
        names = [objective.name for objective in self.objectives]
        aims = [target.objective for target in self.targets]
        return {
            "folder": str(self.folder),
            **summary_document(self),
            "objectives": [asdict(objective) for objective in self.objectives],
            "targets": [asdict(target) for target in self.targets],
            "today": front_table(TODAY, names, [self.today], aims).records()[0],
            "front": front_table("front", names, self.rows, aims).records(),
        }


def objective_scales(instance: Instance) -> tuple[ObjectiveScale, ...]:
    """Return the instance's objectives as people see them."""
    from configurator.intervals import share_above  # scipy comes with these, which reading a run does without
    from simulation.indicators import Catalogue
    from simulation.objectives import SOLVENCY

    catalogue = Catalogue.of(instance)
    cautious = f", cautiously: it is higher in {100 * share_above(instance):.0f} % of replications"
    scales = []
    for row in instance.optimised:
        known = catalogue.derived.get(row.expression.strip())
        direction: Direction = "maximise" if row.direction == "maximise" else "minimise"
        unit, meaning = ("", "") if known is None else (catalogue.unit(known.name), known.meaning)
        meaning += cautious if row.expression.strip() == SOLVENCY else ""
        scales.append(ObjectiveScale(row.objective, direction, row.low, row.high, unit, meaning))
    return tuple(scales)


def target_scales(instance: Instance) -> tuple[TargetScale, ...]:
    """Return the instance's targets as people see them."""
    from simulation.targets import targets_of  # scipy comes with it

    return tuple(
        TargetScale(target.objective, target.limit, target.is_ceiling, target.probability)
        for target in targets_of(instance)
    )


def json_text(document: Mapping[str, object]) -> str:
    """Return a document as indented JSON; a nan in it is an error."""
    return json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def _front_rows(instance: Instance, state: SearchState) -> tuple[FrontRow, ...]:
    plans = sorted_front(state.front, objective_scales(instance))
    width = max(2, len(str(len(plans))))
    rows = [_row(instance, f"P{number:0{width}d}", plan) for number, plan in enumerate(plans, start=1)]
    groups = list(dict.fromkeys(row.group for row in rows if row.group is not None))  # numbered as they appear
    return tuple(row if row.group is None else replace(row, group=groups.index(row.group) + 1) for row in rows)


def _row(instance: Instance, name: str, plan: EvaluatedPlan) -> FrontRow:
    changes = describe_changes(instance, todays_configuration(instance), plan.configuration)
    targets = tuple(Interval(kept.probability, kept.low, kept.high) for kept in plan.kept)
    return FrontRow(
        name, plan.objectives, plan.probability_non_dominated, plan.replications, changes, plan.group, targets
    )


def search_front_table(instance: Instance, state: SearchState) -> Table:
    """Return the front of a search as the table of front.csv."""
    return front_table("front", _objective_names(instance), _front_rows(instance, state), _target_names(instance))


def _objective_names(instance: Instance) -> list[str]:
    return [row.objective for row in instance.optimised]


def _target_names(instance: Instance) -> list[str]:
    return [row.objective for row in instance.objectives if row.target is not None]


def write_results(folder: RunFolder, instance: Instance, experiment: Experiment | None, state: SearchState) -> None:
    """Write front, today, archive and plans; indicators too when there is an experiment to make them."""
    scales = objective_scales(instance)
    rows = _front_rows(instance, state)
    plans = sorted_front(state.front, scales)
    names, aims = _objective_names(instance), _target_names(instance)
    folder.write("front.csv", csv_text(front_table("front", names, rows, aims)))
    folder.write("today.csv", csv_text(front_table(TODAY, names, [_row(instance, TODAY, state.today)], aims)))
    folder.write("archive.csv", csv_text(_archive_table(state, names, rows, plans)))
    standings = [(TODAY, state.today), *((row.id, plan) for row, plan in zip(rows, plans, strict=True))]
    folder.write("margins.csv", csv_text(_margin_table(standings)))
    for row, plan in zip(rows, plans, strict=True):
        _write_plan(folder, instance, row, plan)
        _write_indicators(folder, f"plans/{row.id}_indicators.csv", experiment, plan)
    _forget_plans(folder, {row.id for row in rows})
    _write_indicators(folder, "indicators.csv", experiment, state.today)
    if state.failures:
        folder.write(
            "failures.csv", csv_text(table("failures", ("description",), [(text,) for text in state.failures]))
        )


def _forget_plans(folder: RunFolder, kept: set[str]) -> None:
    """Take away the files of plans that an earlier session of the run left and that are no longer on its front."""
    for path in folder.inside("plans").glob("P*"):
        if path.stem.removesuffix("_indicators") not in kept:
            path.unlink()


def _write_indicators(folder: RunFolder, name: str, experiment: Experiment | None, plan: EvaluatedPlan) -> None:
    content = None if experiment is None else experiment.indicators(plan)
    if content is not None:
        folder.write(name, csv_text(content))


def _write_plan(folder: RunFolder, instance: Instance, row: FrontRow, plan: EvaluatedPlan) -> None:
    names = _objective_names(instance)
    changes = list_changes(instance, todays_configuration(instance), plan.configuration)
    known = {
        "id": row.id,
        "objectives": {name: asdict(value) for name, value in zip(names, plan.objectives, strict=True)},
        "probability_non_dominated": plan.probability_non_dominated,
        "replications": plan.replications,
        "binding_rules": list(plan.binding_rules),
        "repaired_for": list(plan.repaired_for),
        "repair_gap": plan.repair_gap,
        "marginal_values": [asdict(value) for value in plan.marginal_values],
        "audited_events": plan.audited_events,  # in which SimPy agreed
        "changes": [
            asdict(PlanDetail(change.kind, change.subject, change.zone, change.before, change.after))
            for change in changes
        ],
    }
    folder.write(f"plans/{row.id}.json", json_text(plan_document(instance, plan.configuration, known)))
    folder.write(f"plans/{row.id}.csv", csv_text(plan_table(instance, plan.configuration)))


def _margin_table(plans: Sequence[tuple[str, EvaluatedPlan]]) -> Table:
    """Return how each provider stands under each plan: one row a plan and provider, money over the run."""
    columns = ["id", "provider"]
    for figure in ("margin_rate", "result"):
        columns += [figure, f"{figure}_low", f"{figure}_high"]
    cells: list[tuple[Cell, ...]] = []
    for name, plan in plans:
        for firm in plan.firms:
            rate, result = firm.margin_rate, firm.result
            rates = (None, None, None) if rate is None else (rate.mean, rate.low, rate.high)
            amounts = (result.mean, result.low, result.high)
            cells.append((name, firm.provider, *rates, *amounts, firm.deficit, plan.replications))
    return table("margins", [*columns, "deficit_probability", "replications"], cells)


def _archive_table(
    state: SearchState, names: Sequence[str], rows: Sequence[FrontRow], plans: Sequence[EvaluatedPlan]
) -> Table:
    """Return every plan evaluated; those of the front bear their id."""
    ids = {content_key(plan.configuration): row.id for row, plan in zip(rows, plans, strict=True)}
    cells: list[tuple[Cell, ...]] = []
    for plan in state.archive:
        key = content_key(plan.configuration)
        means = tuple(interval.mean for interval in plan.objectives) or (None,) * len(names)
        cells.append((key[:16], ids.get(key, ""), *means, plan.replications, plan.fate))
    return table("archive", ("key", "id", *names, "replications", "fate"), cells)


def front_of(
    folder: RunFolder,
    instance: Instance,
    state: SearchState,
    baseline: Baseline | None,
    seconds: float,
    stopped: bool,
) -> Front:
    """Return the front of a finished search as people read it."""
    return Front(
        folder=folder.path,
        objectives=objective_scales(instance),
        rows=_front_rows(instance, state),
        today=_row(instance, TODAY, state.today),
        hypervolume=state.hypervolume,
        confirmed_hypervolume=state.confirmed_hypervolume,
        random_hypervolume=None if baseline is None else baseline.hypervolume,
        random_plans=0 if baseline is None else baseline.plans,
        random_sound=0 if baseline is None else baseline.sound,
        generations=state.generation,
        evaluations=state.evaluations,
        replications=state.replications,
        seconds=seconds,
        stopped=stopped,
        failures=state.failures,
        ended=state.ended,
        targets=target_scales(instance),
        cheapest=_cheapest(instance, state),
        too_few=_too_few(instance, state),
    )


def _cheapest(instance: Instance, state: SearchState) -> str:
    """Return the id of the cheapest plan that surely keeps every target."""
    from optimisation.keeping_targets import cheapest_that_keeps  # scipy comes with it

    plans = sorted_front(state.front, objective_scales(instance))
    found = cheapest_that_keeps(plans)
    ids = [row.id for row in _front_rows(instance, state)]
    return "" if found is None else ids[plans.index(found)]


def _too_few(instance: Instance, state: SearchState) -> str:
    """Say what the front cannot be sure of for want of replications; nothing before it is confirmed."""
    from configurator.intervals import too_narrow  # scipy comes with these
    from optimisation.keeping_targets import too_few
    from simulation.targets import targets_of

    if not state.confirmed:
        return ""
    count = state.today.replications
    said = (
        too_few(targets_of(instance), count, instance.settings.search.deciding_share),
        too_narrow(instance, count, "--final-replications"),
    )
    return "; ".join(filter(None, said))


def summary_document(found: Front) -> dict[str, object]:
    """Return what summary.json holds."""
    confirmed = found.confirmed_hypervolume
    return {
        "status": "stopped early" if found.stopped else "finished",
        "front_size": len(found.rows),
        "better_than_today": found.better_than_today,
        "hypervolume": found.hypervolume,
        "confirmed_hypervolume": None if confirmed is None else confirmed.mean,
        "confirmed_hypervolume_low": None if confirmed is None else confirmed.low,
        "confirmed_hypervolume_high": None if confirmed is None else confirmed.high,
        "random_hypervolume": found.random_hypervolume,
        "random_plans": found.random_plans,
        "random_sound": found.random_sound,
        "generations": found.generations,
        "evaluations": found.evaluations,
        "replications": found.replications,
        "seconds": round(found.seconds, 3),
        "ended": found.ended,
        "cheapest_that_keeps_targets": found.cheapest,
        "too_few_replications_for": found.too_few,
        "failures": list(found.failures),
    }


def result_names(found: Front) -> list[str]:
    """Return the names of the files that hold results."""
    plans = [f"plans/{row.id}{ending}" for row in found.rows for ending in (".json", ".csv", "_indicators.csv")]
    return ["front.csv", "today.csv", "archive.csv", "indicators.csv", "margins.csv", "failures.csv", JOURNAL, *plans]


def read_front(folder: RunFolder) -> Front:
    """Read the front of a run folder."""
    manifest = read_manifest(folder)
    scales, targets = manifest.objectives, manifest.targets
    names, aims = [scale.name for scale in scales], [target.objective for target in targets]
    with folder.parsed("front.csv") as text:
        rows = front_rows(table_from_csv("front", text), names, aims)
    with folder.parsed("today.csv") as text:
        today = front_rows(table_from_csv(TODAY, text), names, aims)[0]
    with folder.parsed(SUMMARY) as text:
        return _front(folder, scales, targets, rows, today, json.loads(text))


def _front(
    folder: RunFolder,
    scales: tuple[ObjectiveScale, ...],
    targets: tuple[TargetScale, ...],
    rows: tuple[FrontRow, ...],
    today: FrontRow,
    summary: dict[str, Any],
) -> Front:
    summary = _UNTOLD | summary
    for name in _FIGURES:
        if not isinstance(summary[name], int | float | None):
            raise TypeError(f"{name}: {summary[name]!r}, expected a number")
    return Front(
        folder=folder.path,
        objectives=scales,
        rows=rows,
        today=today,
        hypervolume=summary["hypervolume"],
        confirmed_hypervolume=_confirmed(*(summary[name] for name in _CONFIRMED)),
        random_hypervolume=summary["random_hypervolume"],
        random_plans=summary["random_plans"],
        random_sound=summary["random_sound"],
        generations=summary["generations"],
        evaluations=summary["evaluations"],
        replications=summary["replications"],
        seconds=summary["seconds"],
        stopped=summary["status"] != "finished",
        failures=tuple(summary["failures"]),
        ended=summary.get("ended", ""),
        targets=targets,
        cheapest=summary.get("cheapest_that_keeps_targets", ""),
        too_few=summary.get("too_few_replications_for", ""),
    )


def _confirmed(mean: float | None, low: float | None, high: float | None) -> Interval | None:
    return None if mean is None or low is None or high is None else Interval(mean, low, high)


def _table(folder: RunFolder, name: str, file: str) -> Table:
    with folder.parsed(file) as text:
        return table_from_csv(name, text)


def _all_plans(folder: RunFolder, ids: Sequence[str]) -> Table:
    columns: tuple[str, ...] = ()
    rows: list[tuple[Cell, ...]] = []
    for name in ids:
        if folder.has(f"plans/{name}.csv"):
            content = _table(folder, "plan", f"plans/{name}.csv")
            columns = content.columns
            rows += [(name, *row) for row in content.rows]
    return table("plans", ("plan", *columns), rows)


def _facts(manifest: Manifest) -> list[tuple[str, str]]:
    return [
        ("instance", manifest.instance),
        ("title", manifest.title),
        ("scenario", manifest.scenario),
        ("parameters set", ", ".join(f"{name}={value}" for name, value in manifest.overrides.items()) or "none"),
        ("unknown parameters", "kept central" if manifest.settings.get("chance_only") else "drawn in each replication"),
        ("seed", str(manifest.seed)),
        ("engine", manifest.engine),
        ("started", manifest.started),
        ("command", " ".join(manifest.command)),
        ("version", manifest.versions.get(DISTRIBUTION, "")),
        ("instance fingerprint", manifest.fingerprint),
    ]


def page_of_run(folder: RunFolder) -> str:
    """Return the front page of a run, made from the files of its folder alone."""
    manifest = read_manifest(folder)
    found = read_front(folder)
    tried = "" if not found.evaluations else f" found among {found.evaluations:,} tried"
    stopped = " · stopped before its end" if found.stopped else ""
    return front_page(
        FrontView(
            title=manifest.title,
            subtitle=f"Scenario {manifest.scenario} · {len(found.rows)} plans{tried} in {found.replications:,} "
            f"simulations · currency {manifest.currency}{stopped}",
            objectives=found.objectives,
            plans=tuple(_page_plan(folder, row) for row in found.rows),
            today=found.today,
            others=_others(folder, found.objectives),
            hypervolume=found.hypervolume,
            confirmed_hypervolume=found.confirmed_hypervolume,
            random_hypervolume=found.random_hypervolume,
            random_plans=found.random_plans,
            facts=(*_facts(manifest), *_kept_facts(found)),
            targets=found.targets,
        )
    )


def _kept_facts(found: Front) -> list[tuple[str, str]]:
    aims = "; ".join(str(target) for target in found.targets)
    facts = [("cheapest plan that surely keeps: " + aims, found.cheapest or "none")] if aims else []
    return [*facts, ("too few replications", found.too_few)] if found.too_few else facts


def _page_plan(folder: RunFolder, row: FrontRow) -> PagePlan:
    with folder.parsed(f"plans/{row.id}.json") as text:
        document = json.loads(text)
        return PagePlan(
            row=row,
            details=tuple(PlanDetail(**change) for change in document["changes"]),
            binding_rules=tuple(document["binding_rules"]),
        )


def _others(folder: RunFolder, objectives: Sequence[ObjectiveScale]) -> tuple[tuple[float, ...], ...]:
    """Return the means of plans tried that are not on the front; quarantined ones have none and are left out."""
    if not folder.has("archive.csv"):
        return ()
    found = []
    with folder.parsed("archive.csv") as text:
        for record in table_from_csv("archive", text).records():
            values = [record[objective.name] for objective in objectives]
            if not record["id"] and all(isinstance(value, int | float) for value in values):
                found.append(tuple(float(str(value)) for value in values))
    return tuple(found)


def run_tables(folder: RunFolder) -> list[Table]:
    """Return every table a run holds, plans one below the other, and last what made the run."""
    tables = [
        _table(folder, name, f"{name}.csv")
        for name in ("front", TODAY, "indicators", "providers", "margins", "observations", "archive")
        if folder.has(f"{name}.csv")
    ]
    if folder.has("front.csv"):
        tables.insert(2, _all_plans(folder, [str(record["id"]) for record in tables[0].records()]))
    manifest = read_manifest(folder)
    facts = [(name, str(value)) for name, value in _facts(manifest)]
    return [*tables, table("run", ("name", "value_text"), facts)]
