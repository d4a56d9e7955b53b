"""Plans are audited by the other engine before people see them."""

from dataclasses import replace

import numpy as np
import pytest

from instances.catalogue import load_instance
from optimisation.auditing import are_audited, audited_events
from simulation.configuration import todays_configuration
from simulation.engines import audit, simpy_engine
from simulation.engines.audit import EnginesDisagree, first_difference
from simulation.twin import Twin


def test_both_engines_agree_on_today_of_tiny():
    tiny = load_instance("tiny")
    today = todays_configuration(tiny)
    log = Twin(tiny, seed=1).run(today, 0, 0).events
    events = len(log)
    assert events > 500
    assert audited_events(tiny, [today, today], seed=1, workers=1) == [events, events]


def test_a_component_that_plans_share_is_run_by_simpy_once(monkeypatch):
    tiny = load_instance("tiny")
    beds = tuple(row.model_copy(update={"level": "territory"}) for row in tiny.resources)
    valley = replace(tiny, resources=beds)  # nothing is shared between its two territories any more
    today = todays_configuration(valley)
    other = replace(today, capacities=(today.capacities[0] + 1, *today.capacities[1:]))
    honest, runs = simpy_engine.run, []
    monkeypatch.setattr(
        audit.simpy_engine, "run", lambda *given, **options: runs.append(given) or honest(*given, **options)
    )
    kept = {}
    found = audited_events(valley, [today, other], seed=1, workers=1, keep=kept.__setitem__)
    assert len(runs) == len(kept) == 3  # two components, one of them in two versions
    assert are_audited(valley, today, kept)
    assert are_audited(valley, other, kept)
    assert audited_events(valley, [other, today], seed=1, workers=1, known=kept) == found[::-1]
    assert len(runs) == 3
    assert not are_audited(valley, other, {})


def test_a_difference_stops_the_audit_and_shows_both_lists(monkeypatch):
    honest = simpy_engine.run

    def late(*arguments, **options):
        events, state = honest(*arguments, **options)
        events = events.copy()
        events["time"][5] += 1e-9
        return events, state

    monkeypatch.setattr(audit.simpy_engine, "run", late)
    tiny = load_instance("tiny")
    with pytest.raises(EnginesDisagree, match=r"(?s)from event \d+ on.*compiled:.*SimPy:"):
        audited_events(tiny, [todays_configuration(tiny)], seed=1, workers=1)


def test_first_difference():
    one = np.array([1, 2, 3])
    assert first_difference(one, one.copy()) is None
    assert first_difference(one, np.array([1, 9, 3])) == 1
    assert first_difference(one, one[:2]) == 2
