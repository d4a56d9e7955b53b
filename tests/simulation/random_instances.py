"""Random small instances with every feature of the format on, and random configurations of them (hypothesis).

Durations, patience, onset, keep, turnover and lead times are quarter days, so that events meet at equal
times. What could go round in circles without time passing is left out: a broken wait leads to a step
without gate, and a service leads only to a gate that asks for one unit.
"""

from dataclasses import dataclass, field

from hypothesis import strategies as st

from instances.instance import Instance
from simulation.configuration import Configuration, offer_cells
from tests.simulation.written_instances import Row, read_back

QUARTERS = st.sampled_from([0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0])
HAZARDS = ("fall", "decline", "relapse")
MARKS = ("hurt", "watched")
LAWS = (
    "fixed",
    "exponential",
    "lognormal",
    "normal",
    "uniform",
    "triangular",
    "gamma",
    "erlang",
    "weibull",
    "hyperexponential",
)


@dataclass(frozen=True)
class Plan:
    """What a random instance is built around."""

    territories: tuple[str, ...]
    resources: tuple[str, ...]
    profiles: tuple[str, ...]
    steps: tuple[str, ...]  # between home and the exits
    by_destination: frozenset[str]  # steps whose length depends on where they lead
    single: frozenset[str]  # steps whose gate asks for one unit: services may lead there
    gates: dict[str, str] = field(default_factory=dict)  # of those steps that have one
    served: dict[str, tuple[str, ...]] = field(default_factory=dict)  # resources served in a step


@st.composite
def laws(draw: st.DrawFn) -> Row:
    """A duration law with its parameters; fixed ones twice as often, to make ties."""
    name = draw(st.sampled_from(("fixed", *LAWS)))
    mean = draw(QUARTERS)
    parameters: dict[str, dict[str, object]] = {
        "fixed": {"mean": mean},
        "exponential": {"mean": mean},
        "lognormal": draw(st.sampled_from([{"mean": mean, "sd": 1.0}, {"median": mean, "shape": 0.5}])),
        "normal": {"mean": mean, "sd": 0.5},
        "uniform": {"low": 0.25, "high": 0.25 + mean},
        "triangular": {"low": 0.25, "mode": 0.5, "high": 0.5 + mean},
        "gamma": draw(st.sampled_from([{"mean": mean, "sd": 0.5}, {"shape": 2.0, "scale": mean}])),
        "erlang": {"shape": 3, "mean": mean},
        "weibull": {"shape": 1.5, "scale": mean},
        "hyperexponential": {"mixture": 0.3, "mean": mean, "mean_2": 3.0},
    }
    return {"distribution": name, **parameters[name]}


@st.composite
def instances(draw: st.DrawFn, *, separate: bool = False) -> Instance:
    """A valid instance: 1 to 3 territories, 2 or 3 profiles, 3 pathways (one of them derived).

    `separate`: at least two territories that share no pool.
    """
    count = draw(st.integers(2 if separate else 1, 3))
    steps = tuple(f"s{number}" for number in range(draw(st.integers(1, 4))))
    plan = Plan(
        territories=tuple(f"0{number}" for number in range(1, count + 1)),
        resources=tuple(f"r{number}" for number in range(draw(st.integers(1, 4)))),
        profiles=("a", "b", "c")[: draw(st.integers(2, 3))],
        steps=steps,
        by_destination=draw(st.frozensets(st.sampled_from(steps))),
        single=draw(st.frozensets(st.sampled_from(steps))),
    )
    for step in plan.steps:
        if draw(st.integers(0, 3)) > 0:
            plan.gates[step] = draw(st.sampled_from(plan.resources))
    tables = {
        "zones": draw(_zones(plan)),
        "travel": draw(_travel(plan)),
        "resources": draw(_resources(plan, separate)),
        "capacities": draw(_capacities(plan)),
        "profiles": [{"profile": code, "utility": 0.8, "background": code == "c"} for code in plan.profiles],
        "needs": draw(_needs(plan)),
        "rhythms": [
            {"rhythm": "beat", "start": 0, "period": 7, "factor": 0.5},
            {"rhythm": "beat", "start": 2.5, "period": 7, "factor": 2},
        ],
        "pathways": [
            {"pathway": "usual", "entry": draw(st.sampled_from(("home", plan.steps[0])))},
            {"pathway": "more", "base": "usual", "entry": draw(st.sampled_from(("", "home", plan.steps[-1])))},
            {"pathway": "short", "entry": "visit"},
        ],
        "offers": draw(_offers(plan)),
        "steps": draw(_steps(plan)),
        "services": draw(_services(plan)),
    }
    tables["moves"] = draw(_moves(plan))
    horizon = {
        "warm_up": draw(st.sampled_from([20.0, 0.0, 7.5])),
        "run": draw(st.sampled_from([20.0, 30.25])),
        "rollout": draw(st.sampled_from([5.0, 0.0])),
        "drain": draw(st.integers(0, 7)) == 7,
    }
    return read_back(tables, horizon)


@st.composite
def _zones(draw: st.DrawFn, plan: Plan) -> list[Row]:
    rows: list[Row] = [{"zone": "R", "level": "region"}]
    rows += [{"zone": basin, "level": "basin", "parent": "R"} for basin in ("B1", "B2")]
    for code in plan.territories:
        lost = draw(st.sampled_from([0.0, 0.2]))
        basin = draw(st.sampled_from(("B1", "B2")))
        rows.append({"zone": code, "level": "territory", "parent": basin, "travel_share": lost})
    return rows


@st.composite
def _travel(draw: st.DrawFn, plan: Plan) -> list[Row]:
    return [
        {"origin": origin, "destination": destination, "minutes": draw(st.sampled_from([10, 20, 30]))}
        for origin in plan.territories
        for destination in plan.territories
        if origin != destination and draw(st.booleans())
    ]


@st.composite
def _resources(draw: st.DrawFn, plan: Plan, separate: bool) -> list[Row]:
    rows: list[Row] = []
    for code in plan.resources:
        level = "territory" if separate else draw(st.sampled_from(("territory", "territory", "basin", "region")))
        rows.append(
            {
                "resource": code,
                "level": level,
                "travels": draw(st.booleans()),
                "turnover": draw(st.sampled_from([0.0, 0.0, 0.25, 1.0])),
                "overflow": draw(st.sampled_from(("none", "basin")))
                if level == "territory" and not separate
                else "none",
            }
        )
    return rows


@st.composite
def _capacities(draw: st.DrawFn, plan: Plan) -> list[Row]:
    rows: list[Row] = []
    for resource in plan.resources:
        for zone in plan.territories:
            if zone == plan.territories[0] or draw(st.booleans()):
                current = draw(st.integers(0, 4))
                rows.append(
                    {
                        "zone": zone,
                        "resource": resource,
                        "current": current,
                        "minimum": 0,
                        "maximum": current + 3,
                        "reserved": draw(st.sampled_from([0.0, 0.5])) if current else 0.0,
                        "lead_time": draw(st.sampled_from([0.0, 2.0, 5.25])),
                    }
                )
    return rows


@st.composite
def _needs(draw: st.DrawFn, plan: Plan) -> list[Row]:
    return [
        {
            "zone": zone,
            "profile": profile,
            "initial": draw(st.sampled_from([None, 6, 2, 0])),
            "arrivals": draw(st.sampled_from([100.0, 300.0, 0.0])),
            "growth": draw(st.sampled_from([0.0, 0.1])),
            "rhythm": draw(st.sampled_from(("", "beat"))),
        }
        for zone in plan.territories
        for profile in plan.profiles
        if zone == plan.territories[0] or draw(st.booleans())
    ]


MIXES = ((0.5, 0.25, 0.25), (1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.25, 0.75, 0.0), (0.0, 0.5, 0.5))


@st.composite
def _offers(draw: st.DrawFn, plan: Plan) -> list[Row]:
    rows: list[Row] = []
    zones = ("", draw(st.sampled_from(plan.territories))) if draw(st.booleans()) else ("",)
    for zone in zones:
        for profile in plan.profiles:
            mix = draw(st.sampled_from(MIXES))
            acceptance = draw(st.sampled_from([1.0, 0.6]))
            for pathway, share in zip(("usual", "more", "short"), mix, strict=True):
                refused = pathway == "more" and acceptance < 1.0
                rows.append(
                    {
                        "zone": zone,
                        "profile": profile,
                        "pathway": pathway,
                        "current": share,
                        "minimum": 0,
                        "maximum": 1,
                        "step": 0.25,
                        "acceptance": acceptance if refused else 1.0,
                        "fallback": "usual" if refused else "",
                    }
                )
    return rows


@st.composite
def _steps(draw: st.DrawFn, plan: Plan) -> list[Row]:
    rows: list[Row] = [
        {"pathway": "usual", "step": "home", "setting": "home", "anchor": True, "utility": 1},
        {"pathway": "usual", "step": "out", "setting": "exit"},
        {"pathway": "usual", "step": "dead", "setting": "exit"},
        {"pathway": "short", "step": "visit", **draw(laws()), **draw(_gate(plan.resources[0], "gone", (1, 2)))},
        {"pathway": "short", "step": "gone", "setting": "exit"},
    ]
    for step in plan.steps:
        profiles = ("", draw(st.sampled_from(plan.profiles))) if draw(st.booleans()) else ("",)
        rows += [
            {"pathway": "usual", "step": step, "profile": profile, **draw(_stay(plan, step))} for profile in profiles
        ]
    if draw(st.booleans()):  # the derived pathway replaces a step's row
        rows.append({"pathway": "more", "step": plan.steps[0], **draw(_stay(plan, plan.steps[0]))})
    return rows


@st.composite
def _stay(draw: st.DrawFn, plan: Plan, step: str) -> Row:
    law = {} if step in plan.by_destination else draw(laws())
    return {**law, **draw(_gate(plan.gates.get(step, ""), "home", (1,) if step in plan.single else (1, 2)))}


@st.composite
def _gate(draw: st.DrawFn, gate: str, on_break: str, amounts: tuple[int, ...]) -> Row:
    row: dict[str, object] = {"hold": draw(st.booleans()), "utility": draw(st.sampled_from([1.0, 0.5]))}
    if gate:
        row |= {
            "gate": gate,
            "amount": draw(st.sampled_from(amounts)),
            "priority": draw(st.integers(0, 2)),
            "queue_limit": draw(st.sampled_from([None, 3, 1, 0])),
            "patience": draw(st.sampled_from([None, 0.25, 0.5, 1.0, 3.0])),
            "on_break": draw(st.sampled_from((on_break, ""))),
        }
    return row


@st.composite
def _services(draw: st.DrawFn, plan: Plan) -> list[Row]:
    rows: dict[tuple[object, ...], Row] = {}
    for step in ("home", *plan.steps):
        for resource in plan.resources:
            if not draw(st.booleans()):
                continue
            plan.served[step] = (*plan.served.get(step, ()), resource)
            leads = [other for other in plan.steps if other in plan.single and plan.gates.get(other) == resource]
            for profile in ("", draw(st.sampled_from(plan.profiles))):
                for pathway in ("usual", "more") if profile else ("usual",):
                    if profile and not draw(st.booleans()):
                        continue
                    rows[pathway, step, profile, resource] = {
                        "pathway": pathway,
                        "step": step,
                        "profile": profile,
                        "resource": resource,
                        "amount": draw(st.sampled_from([1, 2, 3])),
                        "priority": draw(st.integers(0, 2)),
                        "onset": draw(st.sampled_from([0.0, 0.25, 1.0, 2.0])),
                        "keep": draw(st.sampled_from([0.0, 0.25, 1.0, 2.0])),
                        "leads_to": draw(st.sampled_from(("", "", *leads))),
                    }
    return list(rows.values())


@st.composite
def _moves(draw: st.DrawFn, plan: Plan) -> list[Row]:
    rows: list[Row] = [
        {"pathway": "short", "step": "visit", "to": "gone", "probability": 0.5},
        {"pathway": "short", "step": "visit", "to": "usual/home", "probability": 0.5},
        {"pathway": "short", "step": "visit", "phase": "wait", "hazard": "death", "to": "gone", "rate": 10},
    ]
    for step in plan.steps:  # nothing is out of reach
        rate = draw(st.sampled_from([40.0, 150.0]))
        rows.append({"pathway": "usual", "step": "home", "hazard": f"to_{step}", "to": step, "rate": rate})
    rows.append({"pathway": "usual", "step": plan.steps[0], "hazard": "leaves", "to": "out", "rate": 1})
    rows += [  # what a row may need, some move gives
        {"pathway": "usual", "step": "home", "hazard": "marked", "mark": mark, "mark_days": 1.0, "rate": 10}
        for mark in MARKS
    ]
    for step in ("home", *plan.steps):
        rows.append({"pathway": "usual", "step": step, "hazard": "death", "to": "dead", "rate": 4})
        rows.extend(draw(_hazards(plan, step)))
    for step in plan.steps:
        rows.extend(draw(_ends(plan, step)))
    return rows


@st.composite
def _hazards(draw: st.DrawFn, plan: Plan, step: str) -> list[Row]:
    """Rated rows, several of one name, rows that hold only while a service or a mark is there, and factors."""
    rows: dict[tuple[object, ...], Row] = {}
    phases = ("stay", "wait") if step in plan.gates else ("stay",)
    for hazard in HAZARDS:
        if not draw(st.booleans()):
            continue
        for number in range(draw(st.integers(1, 3))):
            phase = draw(st.sampled_from(phases))
            needed = draw(st.sampled_from(("", *MARKS, *plan.served.get(step, ()))))
            common = {
                "pathway": draw(st.sampled_from(("usual", "usual", "more"))),
                "step": step,
                "phase": phase,
                "profile": draw(st.sampled_from(("", "", *plan.profiles))),
                "hazard": hazard,
                "while": needed,
            }
            if number == 2:
                rows[(*common.values(), "factor")] = {**common, "factor": draw(st.sampled_from([0.5, 3.0, 0.0]))}
                continue
            to = draw(st.sampled_from(("", "home", *plan.steps, f"more/{plan.steps[0]}")))
            key = (*common.values(), to, "rate")
            rows[key] = {**common, "to": to, "rate": draw(st.sampled_from([20.0, 100.0])), **draw(_changes(plan))}
    return list(rows.values())


@st.composite
def _changes(draw: st.DrawFn, plan: Plan) -> Row:
    mark = draw(st.sampled_from(("", *MARKS)))
    return {
        "new_profile": draw(st.sampled_from(("", *plan.profiles))),
        "mark": mark,
        "mark_days": draw(st.sampled_from([None, 0.25, 2.0])) if mark else None,
    }


@st.composite
def _ends(draw: st.DrawFn, plan: Plan, step: str) -> list[Row]:
    """Draws at the end of a stay; with laws of their own where the step has none."""
    targets = draw(
        st.lists(st.sampled_from(("home", "out", "more/home", *plan.steps)), min_size=1, max_size=3, unique=True)
    )
    shares = {1: (1.0,), 2: (0.25, 0.75), 3: (0.5, 0.25, 0.25)}[len(targets)]
    return [
        {
            "pathway": "usual",
            "step": step,
            "to": to,
            "probability": share,
            **draw(_changes(plan)),
            **(draw(laws()) if step in plan.by_destination else {}),
        }
        for to, share in zip(targets, shares, strict=True)
    ]


@st.composite
def configurations(draw: st.DrawFn, instance: Instance) -> Configuration:
    """A configuration of an instance: a mix for each territory and profile, capacities within their limits."""
    cells = offer_cells(instance)
    mixes = {
        place: draw(st.sampled_from(MIXES)) for place in dict.fromkeys((cell.zone, cell.profile) for cell in cells)
    }
    position = {row.pathway: number for number, row in enumerate(instance.pathways)}
    return Configuration(
        shares=tuple(mixes[cell.zone, cell.profile][position[cell.pathway]] for cell in cells),
        capacities=tuple(draw(st.integers(row.minimum or 0, row.maximum or 0)) for row in instance.capacities),
        contract=instance.settings.contract,
    )
