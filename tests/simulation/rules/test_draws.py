"""Rules T12 and T13: what is drawn, and for whom.

Each number by its key alone, whatever else changes (T12); the parameters that a replication lives under (T13).
"""

import numpy as np
import pytest

from instances.catalogue import read_source
from simulation.knowledge import Knowledge
from simulation.streams import purpose, uniform, unit_exponential
from simulation.twin import Twin
from tests.simulation.rules.worlds import YEAR, life
from tests.simulation.stories import ends, fixed, scene, told, world
from tests.simulation.test_streams import numpys_block
from tests.simulation.written_instances import write


def test_t12_numbers_are_those_of_the_key_and_of_nothing_else(engine_name):
    """Falls and stays by Philox with key (seed, replication) and counter (ordinal, group, purpose, n)."""
    people = scene(
        life(
            {"hazard": "fall", "rate": 0.2 * YEAR, "to": "ward"},
            ends("ward", "home"),
            steps=[{"pathway": "care", "step": "ward", "distribution": "exponential", "mean": 2}],
        ),
        0.0,
        0.5,
    )
    story, _ = people.play(engine_name, until=30.0)
    group = int(people.model.group[0, 0])
    expected = []
    for patient, time in ((0, 0.0), (1, 0.5)):
        expected += [(time, patient, "ARRIVE care"), (time, patient, "ENTER home")]
        for n in range(100):
            time += unit_exponential(by_philox(patient, group, purpose("hazard", "fall"), n)) / 0.2
            expected += [(time, patient, "HAZARD fall"), (time, patient, "ENTER ward")]
            time -= 2 * np.log1p(-by_philox(patient, group, purpose("step", "ward"), n))
            expected.append((time, patient, "ENTER home"))
    told_so = [f"{time:g} #{who} {what}" for time, who, what in sorted(expected, key=lambda one: one[0]) if time < 30.0]
    assert len(told_so) > 10
    assert story == told_so


def by_philox(patient: int, group: int, key: int, n: int) -> float:
    """The first word of NumPy's block: 52 bits, halfway between two values."""
    return ((numpys_block((1, 0), (patient, group, int(key), n))[0] >> 12) + 0.5) * 2.0**-52


def test_t12_a_pathway_share_changes_nobodys_luck(engine_name):
    """The n-th fall of a patient takes the same budget in either pathway."""
    people = scene(life({"hazard": "fall", "rate": 0.2 * YEAR}), 0.0, 0.0)
    story, _ = people.play(engine_name, until=20.0)
    fewer, _ = scene(life({"hazard": "fall", "rate": 0.1 * YEAR}), 0.0, 0.0).play(engine_name, until=40.0)
    falls = [float(line.split()[0]) for line in story if "fall" in line]
    later = [float(line.split()[0]) for line in fewer if "fall" in line]
    assert later == pytest.approx([2 * time for time in falls], rel=1e-5)


def test_t12_the_same_patients_meet_the_same_stays_whatever_the_beds(engine_name):
    """Lengths of stay follow the patient, not the order of service."""
    instance = {
        "steps": [{"pathway": "care", "step": "stay", "gate": "bed", "distribution": "exponential", "mean": 3}],
        "moves": [ends("stay")],
    }
    lengths = []
    for beds in (1, 3):
        story, _ = scene(world(beds=beds, **instance), *range(10)).play(engine_name, until=1000.0)
        entered = {line.split()[1]: float(line.split()[0]) for line in story if "ENTER stay" in line}
        left = {line.split()[1]: float(line.split()[0]) for line in story if "EXIT" in line}
        lengths.append([left[who] - entered[who] for who in sorted(entered)])
    assert lengths[0] == pytest.approx(lengths[1], abs=1e-3)


def test_t13_a_replication_lives_under_its_draw_of_the_parameters(engine_name, tmp_path):
    """Somebody there at time 0 stays for `days`: 2 in replication 0, then what is drawn between 1 and 4."""
    tables = {
        "parameters": [{"name": "days", "value": 2, "low": 1, "high": 4, "distribution": "uniform"}],
        "zones": [{"zone": "01", "level": "territory"}],
        "resources": [{"resource": "bed"}],
        "capacities": [{"zone": "01", "resource": "bed", "current": 1}],
        "profiles": [{"profile": "old"}],
        "needs": [{"zone": "01", "profile": "old", "initial": 1}],
        "pathways": [{"pathway": "care", "entry": "stay"}],
        "offers": [{"profile": "old", "pathway": "care", "current": 1}],
        "steps": [fixed("stay", "days"), {"pathway": "care", "step": "out", "setting": "exit"}],
        "moves": [ends("stay")],
    }
    write(tmp_path, tables, {"run": 10.0})
    twin = Twin(Knowledge.of(read_source(tmp_path)), seed=1, engine_name=engine_name)
    for replication in range(4):
        key = np.uint64(purpose("parameter", "days"))
        drawn = uniform(1, replication, np.uint64(0), np.uint64(purpose("parameters")), key, 0)
        days = 2.0 if replication == 0 else 1.0 + 3.0 * drawn
        result = twin.run(twin.today, 0, replication)
        assert told(twin.instance, result.model, result.events)[1:] == [
            "0 #0 ARRIVE care",
            "0 #0 ENTER stay",
            f"{days:g} #0 ENTER out",
            f"{days:g} #0 EXIT",
        ]
