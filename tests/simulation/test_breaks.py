"""Each kind of pathway break, met and not met."""

import pytest

from instances.tables import Break
from simulation.indicators import Catalogue
from simulation.records import Event
from tests.simulation.event_logs import FRAIL, Story, tiny


def broken(kind, story, **more):
    row = Break(**{"break": "it", "kind": kind, **more})
    told = Story(tiny(breaks=[row]), zones=story.zones, rows=story.rows)
    return Catalogue.of(told.instance).value("pathway_breaks[break=it]", told.account())


def stay(story, start, end, wait=0.0):
    story.bed(start, Event.WAIT, "usual/home", detail="usual/ward")
    story.bed(start + wait, Event.ENTER, detail="usual/home").bed(end, Event.GATE_END)
    return story.tell(end, Event.ENTER, detail="usual/ward")


def present(step="usual/home"):
    return Story().tell(0.0, Event.PRESENT, step, detail=0, profile=FRAIL)


@pytest.mark.parametrize(("back", "expected"), [(45.0, 1.0), (55.0, 0.0)])
def test_readmission(back, expected):
    story = stay(stay(present(), 10.0, 20.0), back, back + 5.0)
    assert broken("readmission", story, step="ward", window=30.0) == expected


def test_patience_before_a_step():
    story = (
        present().bed(10.0, Event.WAIT, "usual/home", detail="usual/ward").tell(15.0, Event.BREAK, detail="usual/ward")
    )
    assert broken("patience", story, step="ward") == 1.0
    assert broken("patience", story, step="emergency") == 0.0


def helped(asked, granted, step="supported/home"):
    story = Story().tell(0.0, Event.PRESENT, step, detail=1, profile=FRAIL)
    return story.helper(asked, Event.SERVICE_ASK).helper(granted, Event.SERVICE_GRANT)


@pytest.mark.parametrize(("granted", "expected"), [(40.0, 1.0), (20.0, 0.0)])
def test_gap_without_service(granted, expected):
    assert broken("gap_without_service", helped(0.0, granted), step="home", service="helper", window=30.0) == expected


def test_a_gap_open_at_the_horizon_counts():
    story = Story().tell(0.0, Event.PRESENT, "supported/home", detail=1).helper(600.0, Event.SERVICE_ASK)
    assert broken("gap_without_service", story, step="home", service="helper", window=30.0) == 1.0


@pytest.mark.parametrize(("granted", "expected"), [(60.0, 1.0), (23.0, 0.0)])
def test_discharge_without_the_planned_support(granted, expected):
    story = Story().tell(0.0, Event.PRESENT, "supported/ward", detail=1).tell(20.0, Event.ENTER, "supported/home")
    story.helper(20.0, Event.SERVICE_ASK).helper(granted, Event.SERVICE_GRANT)
    assert broken("discharge_without_service", story, step="ward", service="helper", window=7.0) == expected


def test_avoidable_stay_begins_while_help_is_awaited():
    story = Story().tell(0.0, Event.PRESENT, "supported/home", detail=1).helper(5.0, Event.SERVICE_ASK)
    story.bed(40.0, Event.WAIT, "supported/home", detail="supported/ward").bed(40.0, Event.ENTER, "supported/ward")
    assert broken("avoidable_stay", story, step="ward", service="helper", window=14.0) == 1.0
    assert broken("avoidable_stay", story, step="ward", service="helper", window=50.0) == 0.0


def test_blocked_bed_needs_a_held_gate():
    base = tiny()
    steps = [row.model_copy(update={"hold": row.step == "home"}) for row in base.steps]
    row = Break(**{"break": "it", "kind": "blocked", "step": "ward", "window": 3.0})
    story = Story(tiny(breaks=[row], steps=steps)).tell(
        0.0, Event.PRESENT, "usual/ward", detail=0, resource="bed", pool=0, units=1
    )
    story.tell(10.0, Event.WAIT, "usual/ward", detail="usual/home").tell(15.0, Event.ENTER, detail="usual/ward")
    catalogue = Catalogue.of(story.instance)
    assert catalogue.value("pathway_breaks[break=it]", story.account()) == 1.0
    assert catalogue.value("blocked_days", story.account()) == pytest.approx(5.0)


def test_persons_are_counted_once():
    story = stay(stay(stay(present(), 10.0, 20.0), 30.0, 40.0), 50.0, 60.0)
    row = Break(**{"break": "it", "kind": "readmission", "step": "ward", "window": 30.0})
    told = Story(tiny(breaks=[row]), rows=story.rows)
    catalogue, account = Catalogue.of(told.instance), told.account()
    assert catalogue.value("pathway_breaks", account) == 2.0
    assert catalogue.value("broken", account) == 1.0
