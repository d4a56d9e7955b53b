"""Who is offered what, and when people come."""

from collections.abc import Iterator
from itertools import groupby

from instances.checks.examined import Examined
from instances.faults import Fault
from instances.tables import Offer

TOLERANCE = 1e-6


def shares_not_one(examined: Examined) -> Iterator[Fault]:
    """Today's shares of a profile over the pathways offered in a territory do not sum to 1."""
    instance = examined.instance
    index_of = {id(row): index for index, row in enumerate(instance.offers)}
    reported: set[tuple[int, ...]] = set()
    for zone in instance.territories:
        for profile in instance.profiles:
            rows = instance.offers_of(zone.zone, profile.profile)
            total = sum(row.current for row in rows)
            indices = tuple(index_of[id(row)] for row in rows)
            # Rows for all territories are at fault once, not once a territory.
            if not rows or abs(total - 1.0) <= TOLERANCE or indices in reported:
                continue
            reported.add(indices)
            message = (
                f"shares of profile '{profile.profile}' in zone '{zone.zone}' sum to {total:g} over {_pathways(rows)}"
            )
            yield examined.fault("offers", indices[0], "current", "shares that sum to 1", message)


def _pathways(rows: tuple[Offer, ...]) -> str:
    return ", ".join(row.pathway for row in rows)


def profile_without_offer(examined: Examined) -> Iterator[Fault]:
    """A territory has people of a profile to whom no pathway is offered there."""
    known = examined.instance.profile_by_code
    for index, row in enumerate(examined.instance.needs):
        has_people = bool(row.initial) or row.arrivals > 0.0
        if has_people and row.profile in known and not examined.instance.offers_of(row.zone, row.profile):
            message = f"no pathway is offered to profile '{row.profile}' in zone '{row.zone}'"
            yield examined.fault("needs", index, "profile", "a profile with rows in offers.csv", message)


def share_out_of_order(examined: Examined) -> Iterator[Fault]:
    """Not minimum <= current <= maximum."""
    for index, row in enumerate(examined.instance.offers):
        if not examined.is_plain("offers", index, "current", "minimum", "maximum"):
            continue
        if row.minimum is not None and row.minimum > row.current + TOLERANCE:
            yield examined.fault("offers", index, "minimum", f"at most current ({row.current:g})", "out of range")
        if row.maximum is not None and row.maximum < row.current - TOLERANCE:
            yield examined.fault("offers", index, "maximum", f"at least current ({row.current:g})", "out of range")


def share_limit_between_steps(examined: Examined) -> Iterator[Fault]:
    """A limit is not today's share plus or minus whole steps, hence can never be reached."""
    for index, row in enumerate(examined.instance.offers):
        if not examined.is_plain("offers", index, "current", "minimum", "maximum", "step"):
            continue
        for column, limit in (("minimum", row.minimum), ("maximum", row.maximum)):
            if limit is None:
                continue
            steps = (limit - row.current) / row.step
            if abs(steps - round(steps)) * row.step > TOLERANCE:
                near = row.current + round(steps) * row.step
                expected = f"current ({row.current:g}) plus steps of {row.step:g}: {near:g}, for instance"
                yield examined.fault("offers", index, column, expected, "not a whole number of steps")


def fallback_not_another_pathway(examined: Examined) -> Iterator[Fault]:
    """Refusers fall back to the pathway they refused, or have nowhere to go."""
    for index, row in enumerate(examined.instance.offers):
        if row.fallback == row.pathway:
            yield examined.fault(
                "offers", index, "fallback", "another pathway", "refusers fall back to what they refuse"
            )
        elif row.acceptance < 1.0 and not row.fallback:
            message = f"{1.0 - row.acceptance:.0%} refuse pathway '{row.pathway}'"
            yield examined.fault("offers", index, "fallback", "the pathway of those who refuse", message)


def rhythm_pieces_at_odds(examined: Examined) -> Iterator[Fault]:
    """The pieces of one rhythm do not share a period, begin after it, or leave its beginning open."""
    rows = sorted(enumerate(examined.instance.rhythms), key=lambda item: item[1].rhythm)
    for code, group in groupby(rows, key=lambda item: item[1].rhythm):
        pieces = list(group)
        first_index, first = pieces[0]
        for index, row in pieces:
            if row.period != first.period:
                expected = f"one period for rhythm '{code}', e.g. {first.period:g}"
                yield examined.fault("rhythms", index, "period", expected, "another period")
            elif row.start >= row.period:
                yield examined.fault(
                    "rhythms", index, "start", f"less than the period ({row.period:g})", "out of range"
                )
        if min(row.start for _, row in pieces) > 0.0:
            message = f"the period of rhythm '{code}' begins without a factor"
            yield examined.fault("rhythms", first_index, "start", "a piece that starts at 0", message)
