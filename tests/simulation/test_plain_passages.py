"""The SimPy engine tells plain visits in one breath: both engines agree there too, ties and full pools included."""

import pytest

from simulation.compilation import compile_component
from simulation.components import components
from simulation.configuration import todays_configuration
from simulation.engines.simpy_engine.contexts import PreparedModel
from simulation.records import Event
from tests.simulation.engine_runs import run_instance
from tests.simulation.written_instances import read_back

DAYS_PER_YEAR = 365.25


def step(name, **cells):
    return {"pathway": "care", "step": name, "setting": "ward", **cells}


def move(name, to, **cells):
    return {"pathway": "care", "step": name, "phase": "stay", "to": to, **cells}


def plain_network(*, turnover, overflow, warm_up):
    """Two territories, two ranks, stays of whole days (so that many things fall on one instant), impatience."""
    zones = ["01", "02"]
    return read_back(
        {
            "zones": [
                {"zone": "R", "level": "region", "parent": ""},
                {"zone": "B", "level": "basin", "parent": "R"},
                *({"zone": zone, "level": "territory", "parent": "B"} for zone in zones),
            ],
            "resources": [
                {"resource": "bed", "level": "territory", "overflow": overflow, "turnover": turnover},
                {"resource": "nurse", "level": "basin"},
            ],
            "capacities": [
                {"zone": "01", "resource": "bed", "current": 2},
                {"zone": "02", "resource": "bed", "current": 3},
                {"zone": "01", "resource": "nurse", "current": 7},
            ],
            "profiles": [{"profile": "a"}, {"profile": "b"}],
            "needs": [
                {"zone": zone, "profile": profile, "initial": 12, "arrivals": 0.9 * DAYS_PER_YEAR}
                for zone in zones
                for profile in ("a", "b")
            ],
            "pathways": [{"pathway": "care", "entry": "triage"}],
            "offers": [
                {"profile": profile, "pathway": "care", "current": 1, "minimum": 1, "maximum": 1}
                for profile in ("a", "b")
            ],
            "steps": [
                step("triage", distribution="fixed", mean=1.0),
                step("ward", profile="a", distribution="fixed", mean=2.0, gate="bed", priority=1),
                step("ward", profile="b", distribution="fixed", mean=2.0, gate="bed", priority=2),
                step(
                    "care", distribution="exponential", mean=3.0, gate="nurse", amount=2, patience=4.0, on_break="left"
                ),
                step("cured", setting="exit"),
                step("left", setting="exit"),
            ],
            "moves": [
                move("triage", "ward", probability=0.7),
                move("triage", "care", probability=0.3),
                move("ward", "triage", probability=0.2),
                move("ward", "care", probability=0.8),
                move("care", "cured", probability=1.0),
                {**move("ward", "left", hazard="renege", rate=DAYS_PER_YEAR / 5.0), "phase": "wait"},
            ],
        },
        {"warm_up": warm_up, "run": 120.0, "drain": True},
    )


@pytest.mark.parametrize(("turnover", "overflow"), [(0.0, "none"), (0.0, "basin"), (0.5, "basin")])
@pytest.mark.parametrize("warm_up", [0.0, 30.0])
def test_engines_agree_on_plain_networks(turnover, overflow, warm_up):
    network = plain_network(turnover=turnover, overflow=overflow, warm_up=warm_up)
    for replication in range(2):
        ((events, _),) = run_instance(network, todays_configuration(network), replication)
        kinds = set(events["kind"].tolist())
        assert {Event.WAIT, Event.ENTER, Event.GATE_END, Event.HAZARD, Event.BREAK, Event.EXIT} <= kinds
        assert (events["time"][1:] == events["time"][:-1]).mean() > 0.4


def test_what_is_plain():
    network = plain_network(turnover=0.0, overflow="none", warm_up=0.0)
    (component,) = components(network)
    (first, _) = PreparedModel(compile_component(network, component)).contexts
    plain = [context.leads_plainly for context in first]
    assert plain == [True, True, True, False, False]  # nothing leads on from an exit
    assert all(context.is_plain for context in first)
