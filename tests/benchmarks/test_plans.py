"""The benchmark of plans does its work on the tiny instance; times are never asserted."""

import pytest

from benchmarks.plans.measurements import proposals, repairs, share_of_a_search
from benchmarks.plans.ways import Raw, questions
from instances.catalogue import load_instance
from optimisation.feasibility.model import NearestPlan
from optimisation.feasibility.planning import Planning
from optimisation.feasibility.repair import SEARCH_GAP
from optimisation.search import SearchSettings


def test_raw_highspy_solves_the_same_programme():
    instance = load_instance("tiny")
    planning = Planning(instance)
    asked = questions(planning, proposals(instance, planning, 12), "today")
    persistent = NearestPlan(planning, "today", SEARCH_GAP, exact=False)
    raw = Raw(persistent, asked, SEARCH_GAP)
    for number, question in enumerate(asked):
        persistent.solve(*question)
        assert raw.solve(number) == pytest.approx(persistent.distance, abs=1e-9)


def test_repairs_and_a_search_are_measured():
    instance = load_instance("tiny")
    findings = repairs("tiny", instance, 12) + share_of_a_search(instance, SearchSettings(4, 1, 1), 2, workers=1)
    assert len(findings) == 11
    assert all(finding.measured >= 0.0 for finding in findings)
    assert sum("times" in finding.unit for finding in findings) == 2
