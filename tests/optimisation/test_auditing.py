"""Plans are audited by the other engine before people see them."""

import numpy as np
import pytest

from instances.catalogue import load_instance
from optimisation.auditing import audited_events
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
