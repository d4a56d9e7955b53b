"""The front as one self-contained page: opens offline in any browser, sends nothing anywhere."""

import html
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from importlib.resources import files

from configurator.results import FrontRow, Interval, ObjectiveScale, TargetScale, dominates


@dataclass(frozen=True)
class PlanDetail:
    """One change of a plan, for the list a reader opens: shares between 0 and 1, capacities in units."""

    kind: str
    subject: str
    zone: str
    before: float
    after: float


@dataclass(frozen=True)
class PagePlan:
    """A plan with everything the page tells of it."""

    row: FrontRow
    details: tuple[PlanDetail, ...] = ()
    binding_rules: tuple[str, ...] = ()


@dataclass(frozen=True)
class FrontView:
    """All the page shows.

    others: means of other plans tried, objectives in order; facts: name and value of what made the run.
    """

    title: str
    subtitle: str
    objectives: tuple[ObjectiveScale, ...]
    plans: tuple[PagePlan, ...]
    today: FrontRow | None
    others: tuple[tuple[float, ...], ...] = ()
    hypervolume: float | None = None
    confirmed_hypervolume: Interval | None = None
    random_hypervolume: float | None = None
    random_plans: int = 0
    facts: tuple[tuple[str, str], ...] = ()
    targets: tuple[TargetScale, ...] = ()


def front_page(view: FrontView) -> str:
    """Return the page as HTML with everything in it: data, style, script and Plotly itself."""
    from plotly.offline import get_plotlyjs

    folder = files("configurator") / "front_page"
    page = (folder / "page.html").read_text(encoding="utf-8")
    parts = {
        "TITLE": html.escape(view.title),
        "STYLE": (folder / "style.css").read_text(encoding="utf-8"),
        "DATA": _script_safe(json.dumps(_payload(view), ensure_ascii=False, allow_nan=False)),
        "PLOTLY": get_plotlyjs(),
        "SCRIPT": (folder / "page.js").read_text(encoding="utf-8"),
    }
    pieces = page.split("@@")  # text, NAME, text, NAME, ... text: what is put in is never searched again
    return "".join(parts[piece] if index % 2 else piece for index, piece in enumerate(pieces))


def _script_safe(text: str) -> str:
    """Keep a name like `</script>` from ending the element that holds the data."""
    return text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


def _payload(view: FrontView) -> dict[str, object]:
    confirmed = view.confirmed_hypervolume
    return {
        "title": view.title,
        "subtitle": view.subtitle,
        "objectives": [
            {
                "label": objective.name.replace("_", " "),
                "direction": objective.direction,
                "unit": objective.unit,
                "meaning": objective.meaning,
            }
            for objective in view.objectives
        ],
        "targets": [str(target) for target in view.targets],
        "plans": [_plan(plan, view) for plan in view.plans],
        "today": None if view.today is None else _row(view.today),
        "others": [list(values) for values in view.others],
        "hypervolume": view.hypervolume,
        "confirmed_hypervolume": None if confirmed is None else [confirmed.mean, confirmed.low, confirmed.high],
        "random_hypervolume": view.random_hypervolume,
        "random_plans": view.random_plans,
        "facts": [list(fact) for fact in view.facts],
    }


def _plan(plan: PagePlan, view: FrontView) -> dict[str, object]:
    today = view.today
    return {
        **_row(plan.row),
        "dominates_today": today is not None and dominates(plan.row.objectives, today.objectives, view.objectives),
        "details": [asdict(detail) for detail in plan.details],
        "binding_rules": list(plan.binding_rules),
    }


def _row(row: FrontRow) -> dict[str, object]:
    return {
        "id": row.id,
        "values": _values(row.objectives),
        "probability": row.probability_non_dominated,
        "kept": [[each.mean, each.low, each.high] for each in row.targets],
        "replications": row.replications,
        "changes": row.changes,
    }


def _values(objectives: Sequence[Interval]) -> list[list[float | None]]:
    """Return mean, interval, interval by chance alone of each objective."""
    return [[each.mean, each.low, each.high, each.chance_low, each.chance_high] for each in objectives]
