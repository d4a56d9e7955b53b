import pytest

from configurator.runs.journal import Journal, read_journal
from configurator.runs.store import RunFolderError


def test_what_is_appended_is_read_back(tmp_path):
    journal = Journal(tmp_path / "journal.jsonl")
    entries = [{"generation": 1, "hypervolume": 0.1}, {"generation": 2, "note": "Saint-Étienne\n"}]
    for entry in entries:
        journal.append(entry)
    assert read_journal(journal.path) == entries


def test_a_torn_last_line_is_dropped(tmp_path):
    path = tmp_path / "journal.jsonl"
    path.write_bytes(b'{"generation": 1}\n{"generation": 12')
    assert read_journal(path) == [{"generation": 1}]


def test_a_last_line_without_its_end_is_dropped_even_if_it_reads(tmp_path):
    path = tmp_path / "journal.jsonl"
    path.write_bytes(b'{"generation": 1}\n{"generation": 2}')
    assert read_journal(path) == [{"generation": 1}]


def test_a_torn_middle_line_is_an_error(tmp_path):
    path = tmp_path / "journal.jsonl"
    path.write_bytes(b'{"generation": 1}\n{"gener\n{"generation": 3}\n')
    with pytest.raises(RunFolderError, match="line 2"):
        read_journal(path)


def test_nan_never_passes(tmp_path):
    with pytest.raises(ValueError, match="JSON"):
        Journal(tmp_path / "journal.jsonl").append({"hypervolume": float("nan")})
    assert not (tmp_path / "journal.jsonl").exists()


def test_a_disk_that_takes_no_line_is_one_clear_message(tmp_path):
    path = tmp_path / "journal.jsonl"
    path.mkdir()
    with pytest.raises(RunFolderError, match="cannot be written"):
        Journal(path).append({"generation": 1})
