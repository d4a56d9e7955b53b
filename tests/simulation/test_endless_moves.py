"""A circle of full lines takes no time: the run stops with an error that names patient, step and time."""

import pytest

from simulation.engines.endless_moves import EndlessMoves
from simulation.twin import Twin
from tests.simulation.written_instances import read_back

_STEPS = [
    {"pathway": "one", "step": "door", "setting": "ward", "distribution": "fixed", "mean": 1, "gate": "bed",
     "queue_limit": 0, "on_break": "other/door"},
    {"pathway": "one", "step": "out", "setting": "exit"},
    {"pathway": "other", "step": "door", "setting": "ward", "distribution": "fixed", "mean": 1, "gate": "chair",
     "queue_limit": 0, "on_break": "one/door"},
    {"pathway": "other", "step": "out", "setting": "exit"},
]  # fmt: skip


def _circle():
    return read_back(
        {
            "zones": [
                {"zone": "here", "level": "territory", "parent": "basin"},
                {"zone": "basin", "level": "basin", "parent": ""},
            ],
            "resources": [{"resource": name, "level": "territory"} for name in ("bed", "chair")],
            "capacities": [{"zone": "here", "resource": name, "current": 1} for name in ("bed", "chair")],
            "profiles": [{"profile": "patient"}],
            "needs": [{"zone": "here", "profile": "patient", "arrivals": 20 * 365.25}],
            "pathways": [{"pathway": name, "entry": "door"} for name in ("one", "other")],
            "offers": [
                {"profile": "patient", "pathway": name, "current": 0.5, "minimum": 0, "maximum": 1}
                for name in ("one", "other")
            ],
            "steps": _STEPS,
            "moves": [
                {"pathway": name, "step": "door", "phase": "stay", "to": "out", "probability": 1}
                for name in ("one", "other")
            ],
        },
        {"run": 30.0},
    )


@pytest.mark.parametrize("engine_name", ["compiled", "simpy"])
def test_a_circle_of_full_lines_is_an_error(engine_name):
    twin = Twin(_circle(), seed=1, engine_name=engine_name)
    with pytest.raises(
        EndlessMoves, match=r"patient \d+ asked for 10000 steps at .* from (one/door|other/door|outside):"
    ):
        twin.run(twin.today, 0, 0)
