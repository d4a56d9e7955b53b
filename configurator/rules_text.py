"""What rules ask for, as people read it: what validating and repairing found."""

from configurator.printing import number, table_text
from configurator.repairing import Repaired
from configurator.validation import RuleCheck, Validation, gap_table, room_table

NO_PLAN = "no plan keeps every rule"


def validation_text(validation: Validation) -> str:
    """Return what validating found when there is no fault."""
    lines = [f"{validation.instance} is valid"]
    if validation.rules is not None:
        lines += _rule_lines(validation.rules)
    return "\n".join(lines)


def no_plan_lines(check: RuleCheck) -> tuple[str, ...]:
    """Say that there is no plan, and why."""
    return (NO_PLAN, *(f"  {line}" for line in check.explanation))


def repaired_text(repaired: Repaired) -> str:
    """Return what a typed plan breaks, what had to change and for which rule, and what a little more would buy."""
    lines = []
    if repaired.completed:
        lines += [
            "left out of the file, and made to fit what is in it:",
            *(f"  {line}" for line in repaired.completed),
            "",
        ]
    if repaired.is_untouched:
        lines.append("the plan keeps every rule as it is")
    else:
        lines += ["the plan as typed breaks:", *(f"  {line}" for line in repaired.broken)]
        lines += ["", "the nearest plan that keeps every rule:", table_text(repaired.table())]
    if repaired.binding:
        lines += ["", "used up by it:", *(f"  {line}" for line in repaired.binding)]
    if repaired.marginal:
        lines += ["", "what a little more would buy:", table_text(repaired.marginal_table()), *_MARGINAL_LEGEND]
    if repaired.written is not None:
        lines += ["", f"written to {repaired.written}"]
    return "\n".join(lines)


_GAP_LEGEND = (
    "load: units wanted if nobody had to wait; waiting: units used by those who live at home for want of a place;",
    "capacity: effective units; fluid: load and waiting cut to the capacity; twin: units in use when simulated, with",
    "its standard error, units above a capacity that was cut and drains included; gap_percent: fluid less twin, of the",
    "twin. At -100 only those come whom waiting for something else broke off: nobody waits in the fluid model.",
)

_MARGINAL_LEGEND = (
    "per so much more of one bound, all others as they are, the best plan within two steps of this one gains so much:",
    "QALYs over the whole run as if all were served, or units in use on average; relaxation: if steps and lots could",
    "be divided; whole steps: as they are, the bound raised by the amount beside; give or take: the solver's gap.",
)
_ROOM_LEGEND = (
    "least_percent: of the bound, by the plan that uses least of it and keeps every rule; by_ranges_percent: the same",
    "without rules, for the people there are and least and greatest capacities and shares; held_by: rules in between.",
)


def _contract(check: RuleCheck) -> str:
    """Name the contract of the most frugal plan, where it may be chosen."""
    return f" (contract {check.frugal.contract})" if check.chooses_contract and check.frugal is not None else ""


def _rule_lines(check: RuleCheck) -> list[str]:
    if check.broken_today:
        lines = ["today's offer breaks:", *(f"  {line}" for line in check.broken_today)]
    else:
        lines = ["today's offer keeps every rule"]
    if check.frugal_spending is not None:
        lines.append(
            f"payers and providers spend {number(check.spending)} a year today, "
            f"{number(check.frugal_spending)} under the most frugal plan{_contract(check)}"
        )
        if check.frugal_binding:
            lines += ["besides its ranges, that plan is held by:", *(f"  {line}" for line in check.frugal_binding)]
    if check.rooms:
        lines += [
            "",
            "the least of each budget that a plan can use:",
            table_text(room_table(check.rooms)),
            *_ROOM_LEGEND,
        ]
    for plan, gaps in (("today", check.gaps), ("under the most frugal plan", check.frugal_gaps)):
        if gaps:
            lines += ["", f"average units in use {plan}, fluid model beside twin:", table_text(gap_table(gaps))]
    if check.gaps:
        lines += ["", *_GAP_LEGEND]
    return lines
