"""What a run simulated outlives the process, to the last bit."""

from dataclasses import replace

import numpy as np
import pytest

from configurator.runs.memory import RunMemory
from configurator.runs.store import RunFolderError
from optimisation.workers import Failure
from simulation.objectives import Essence


def essence(seed):
    random = np.random.Generator(np.random.Philox(seed))
    lines = random.normal(size=(4, 6))
    lines[1:] = 0.0
    return Essence(random.normal(size=7) / 3.0, lines, np.array([5, 2, 9, 4]))


def equal(first, second):
    return all(
        np.array_equal(getattr(first, name), getattr(second, name)) for name in ("values", "lines", "pools", "listed")
    )


def test_runs_are_recalled_bit_by_bit_by_another_process(tmp_path):
    path = tmp_path / "evaluations.jsonl"
    first = RunMemory(path)
    listed = replace(essence(1), listed=np.array([0.1, 0.2]) / 3.0)
    first.keep([(("a", 0), essence(1)), (("a", 1), essence(2)), (("c", 0), listed)])
    first.keep([(("b", 0), Failure("ValueError: é"))])
    for memory in (first, RunMemory(path)):
        assert memory.count == 4
        assert equal(memory.recall(("c", 0)), listed)
        assert equal(memory.recall(("a", 0)), essence(1))
        assert equal(memory.recall(("a", 1)), essence(2))
        assert memory.recall(("b", 0)) == Failure("ValueError: é")
        assert memory.recall(("b", 1)) is None


def test_what_is_held_is_not_written_again(tmp_path):
    memory = RunMemory(tmp_path / "evaluations.jsonl")
    memory.keep([(("a", 0), essence(1))])
    size = (tmp_path / "evaluations.jsonl").stat().st_size
    memory.keep([(("a", 0), essence(1))])
    assert (tmp_path / "evaluations.jsonl").stat().st_size == size


@pytest.mark.parametrize("cut", [1, 20, 200])
def test_a_torn_last_line_is_dropped_and_written_over(tmp_path, cut):
    path = tmp_path / "evaluations.jsonl"
    RunMemory(path).keep([(("a", 0), essence(1)), (("a", 1), essence(2))])
    whole = path.read_bytes()
    path.write_bytes(whole[:-cut])
    again = RunMemory(path)
    assert again.count == 1
    again.keep([(("a", 1), essence(2))])
    assert path.read_bytes() == whole


def test_a_torn_middle_line_is_an_error_with_its_place(tmp_path):
    path = tmp_path / "evaluations.jsonl"
    RunMemory(path).keep([((name, 0), essence(1)) for name in "abc"])
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(lines[0] + lines[1][:30] + b"\n" + lines[2])
    with pytest.raises(RunFolderError, match=r"evaluations\.jsonl, line 2: not a journal entry"):
        RunMemory(path)


def test_an_entry_of_another_kind_is_an_error(tmp_path):
    path = tmp_path / "evaluations.jsonl"
    path.write_text('{"generation": 1}\n')
    with pytest.raises(RunFolderError, match="without component and replication"):
        RunMemory(path)


@pytest.mark.parametrize("damaged", ['"values": 3', '"values": "AAAA"', '"values": "A"', '"other": 1'])
def test_a_damaged_run_is_an_error_with_its_place(tmp_path, damaged):
    path = tmp_path / "evaluations.jsonl"
    path.write_text(f'{{"component": "a", "replication": 0, {damaged}}}\n')
    with pytest.raises(RunFolderError, match="at byte 0: a component run is damaged"):
        RunMemory(path).recall(("a", 0))
