"""A made-up front with everything a page can show, awkward names included."""

import math

from configurator.figures import FrontView, PagePlan, PlanDetail
from configurator.results import FrontRow, Interval, ObjectiveScale

OBJECTIVES = (
    ObjectiveScale("satisfaction", "maximise", 50, 100, "points", "mean over persons of six components"),
    ObjectiveScale("efficiency", "maximise", -500, 500, "EUR per inhabitant"),
    ObjectiveScale("solvency", "maximise", -0.3, 0.2, "share", "operating margin rate of the worst-off provider"),
)


def interval(mean: float, half: float) -> Interval:
    return Interval(mean, mean - half, mean + half, mean - half / 3.0, mean + half / 3.0)


def plan(number: int, at: float) -> PagePlan:
    objectives = (
        interval(71.0 + 6 * at, 0.25),
        interval(140 * math.sqrt(1 - at * at) - 60 * at * math.sin(9 * at) ** 2, 6.0),
        interval(0.012 - 0.05 * at**2 + 0.01 * math.cos(14 * at), 0.003),
    )
    boxes = round(200 + 2600 * at)
    details = (
        PlanDetail("capacity", "box", "Saint-Étienne Métropole", 900, 900 + boxes),
        PlanDetail("capacity", "box", "Roannais Agglomération", 240, 240 + boxes // 3),
        PlanDetail("capacity", "SSIAD place", "Forez-Est", 120, 120 + number),
        PlanDetail("share", "frail 85+: box", "Saint-Étienne Métropole", 0.1, round(0.1 + 0.6 * at, 2)),
        PlanDetail("share", "frail <85: box & care", "Forez-Est", 0.05, 0.25),
    )
    changes = (
        f"box +{boxes + boxes // 3:,} (Saint-Étienne Métropole +{boxes:,}, Roannais Agglomération +{boxes // 3:,}); "
        f"frail 85+: box 10 % -> {100 * round(0.1 + 0.6 * at, 2):.0f} % in Saint-Étienne Métropole; "
        f"frail <85: box & care 5 % -> 25 % in Forez-Est; SSIAD place +{number} in Forez-Est"
    )
    row = FrontRow(f"P{number:02d}", objectives, max(0.07, 1 - 0.9 * abs(math.sin(7 * at))), 30, changes)
    return PagePlan(row, details, ("insurance_budget", "staff_ratio"))


def demonstration() -> FrontView:
    plans = tuple(plan(number, (number - 1) / 17) for number in range(1, 19))
    today = FrontRow("today", (interval(70.4, 0.2), interval(0.0, 0.0), interval(-0.004, 0.003)), None, 30, "")
    others = tuple(
        (70 + 5 * math.sin(i * 1.7) ** 2, 110 * math.cos(i * 2.3) - 40, 0.01 - 0.04 * math.sin(i * 0.9) ** 2)
        for i in range(160)
    )
    return FrontView(
        title="Loire </script> & care for people aged 75+",
        subtitle="Scenario today · 18 plans found among 178 tried · currency EUR",
        objectives=OBJECTIVES,
        plans=plans,
        today=today,
        others=others,
        hypervolume=0.523,
        confirmed_hypervolume=Interval(0.511, 0.482, 0.537),
        random_hypervolume=0.314,
        random_plans=100,
        facts=(("instance", "loire"), ("fingerprint", "3f9a" * 16), ("seed", "1"), ("version", "0.1.0")),
    )
