"""Inequality between territories and degree of personalisation: formulae, indicators, objectives by choice."""

import doctest
import math
from dataclasses import replace

import numpy as np
import pytest

from instances.tables import Objective
from simulation import inequality
from simulation.indicator_expressions import InvalidExpression
from simulation.indicator_tables import indicator_table
from simulation.indicators import Catalogue
from simulation.inequality import GREATEST_RATIO, dependence, extreme_ratio, gap, gini
from simulation.objectives import evaluate_objectives
from simulation.records import Event
from tests.simulation.event_logs import FRAIL, HILLS, TOWN, Story, tiny

RUN = 731.0


def test_examples_in_docstrings_hold():
    assert doctest.testmod(inequality).failed == 0


def test_gini_is_that_of_its_groups_whatever_their_split():
    assert gini([1.0, 4.0], [6, 2]) == pytest.approx(gini([1.0, 1.0, 4.0], [3, 3, 2]))
    assert gini([5.0, 5.0], [1, 9]) == 0.0
    assert gini([1.0, math.nan, 4.0], [1, 7, 1]) == pytest.approx(gini([1.0, 4.0], [1, 1]))


def test_a_transfer_from_the_better_to_the_worse_served_lowers_gini():
    assert gini([2.0, 3.0], [1, 1]) < gini([1.0, 4.0], [1, 1])


def test_extremes_are_those_of_groups_with_people():
    assert gap([1.0, 4.0, 9.0], [1, 1, 0]) == 3.0
    assert extreme_ratio([0.0, 4.0], [1, 1]) == GREATEST_RATIO
    assert math.isnan(gini([], []))
    assert math.isnan(gap([math.nan], [1]))


def test_uncertainty_coefficient_of_a_table():
    # H(column) = ln 2; rows (3, 1) and (1, 3): H = 0.562335 nats each.
    assert dependence([[3, 1], [1, 3]]) == pytest.approx(1.0 - 0.5623351446 / math.log(2.0))
    assert dependence([[4, 0], [4, 0]]) == 0.0
    assert math.isnan(dependence([[0, 0]]))


def waiting(instance=None):
    """One person in town is never served within the tolerable day; one in the hills wants nothing."""
    story = Story(instance or tiny(), zones=(TOWN, HILLS))
    story.tell(0.0, Event.PRESENT, detail=0).tell(0.0, Event.PRESENT, who=1, detail=0)
    return story.bed(RUN / 2 - 1.0, Event.WAIT, "usual/home", detail="usual/ward")


def test_inequality_of_access_between_territories():
    story = waiting()
    account, catalogue = story.account(), Catalogue.of(story.instance)
    town, hills = (catalogue.value(f"access[zone={zone}]", account) for zone in ("town", "hills"))
    assert (town, hills) == (pytest.approx(50.0), 100.0)
    assert catalogue.value("access_gini", account) == pytest.approx(gini([town, hills], [1, 1]))
    assert catalogue.value("access_extreme_ratio", account) == pytest.approx(2.0)
    assert catalogue.value("access_gini[profile=steady]", account) == pytest.approx(gini([town, hills], [1, 1]))


def test_access_by_urbanicity():
    base = tiny()
    labels = {"town": "urban", "hills": "rural"}
    zones = [row.model_copy(update={"urbanicity": labels.get(row.zone, "")}) for row in base.zones]
    instance = replace(base, zones=tuple(zones))
    account, catalogue = waiting(instance).account(), Catalogue.of(instance)
    assert catalogue.value("access[urbanicity=urban]", account) == pytest.approx(50.0)
    assert catalogue.value("access_gap", account) == pytest.approx(50.0)
    listed = {row.indicator for row in indicator_table(instance, [account])}
    assert {"access[urbanicity=rural]", "access_gini", "personalisation"} <= listed


def people(*choices):
    """Persons of (profile, pathway)."""
    story = Story(tiny(), zones=(TOWN,) * len(choices))
    for who, (profile, pathway) in enumerate(choices):
        place = ["usual/home", "supported/home"][pathway]
        story.tell(0.0, Event.PRESENT, place, who=who, detail=pathway, profile=profile)
    return Catalogue.of(story.instance).value("personalisation", story.account())


def test_personalisation_is_how_far_the_pathway_depends_on_the_profile():
    assert people((0, 0), (FRAIL, 1)) == pytest.approx(100.0)
    assert people((0, 0), (0, 1), (FRAIL, 0), (FRAIL, 1)) == pytest.approx(0.0)
    assert people((0, 0), (FRAIL, 0)) == 0.0


def test_they_are_objectives_by_choice():
    rows = [
        Objective(objective="equity", expression="gini(mean_wait+1,zone)", direction="minimise", low=0, high=1),
        Objective(objective="personal", expression="personalisation", direction="maximise", low=0, high=100),
    ]
    instance = tiny(objectives=rows)
    account = waiting(instance).account()
    judged = evaluate_objectives(instance, [account], [account])
    assert np.isfinite(judged.values[:, 1]).all()
    assert judged.point[1] == 0.0


@pytest.mark.parametrize("text", ["gini(access,step)", "gini(access,2)", "gini(access)", "dependence(joined,profile)"])
def test_a_spread_over_no_group_is_refused(text):
    with pytest.raises(InvalidExpression):
        Catalogue.of(tiny()).expand(text)


def test_money_that_belongs_to_no_profile_has_its_own_row():
    account = waiting().account()
    rows = indicator_table(tiny(), [account])
    for indicator in ("revenue", "cost"):
        total = next(r for r in rows if r.indicator == indicator and not any((r.zone, r.profile, r.pathway, r.provider,
                                                                             r.payer)))  # fmt: skip
        for key in ("profile", "pathway", "provider"):
            parts = [r.estimate.mean for r in rows if r.indicator == indicator and getattr(r, key)
                     and not any(getattr(r, other) for other in ("zone", "profile", "pathway", "provider", "payer")
                                 if other != key)]  # fmt: skip
            assert sum(parts) == pytest.approx(total.estimate.mean, abs=0.005)
            assert total.estimate.mean > 0.0
