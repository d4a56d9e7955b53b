import subprocess
import sys
from pathlib import Path

import pytest

from configurator.runs.store import (
    MANIFEST,
    RunFolder,
    RunFolderError,
    free_folder,
    new_run,
    open_run,
    write_atomically,
)

HOLD = """
import sys
from pathlib import Path
from configurator.runs.store import locked
with locked(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.mark.parametrize("name", ["../front.csv", "/etc/passwd", "plans/../../x", "", ".", "plans/.."])
def test_a_name_cannot_leave_the_folder(tmp_path, name):
    folder = RunFolder(tmp_path / "run")
    with pytest.raises(RunFolderError, match="no file name inside"):
        folder.write(name, "x")
    assert list(tmp_path.iterdir()) == []


def test_a_link_out_of_the_folder_is_not_followed(tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "plans").symlink_to(tmp_path)
    with pytest.raises(RunFolderError):
        RunFolder(tmp_path / "run").write("plans/P01.json", "x")


def test_a_write_that_fails_leaves_the_old_file_and_no_rest(tmp_path):
    folder = RunFolder(tmp_path)
    folder.write("events.csv", "old")

    def pieces():
        yield "new"
        raise ValueError("the engine broke")

    with pytest.raises(ValueError, match="broke"):
        folder.write_pieces("events.csv", pieces())
    assert [path.name for path in tmp_path.iterdir()] == ["events.csv"]
    assert folder.read("events.csv") == "old"


def test_a_place_that_cannot_be_written_is_one_line(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(RunFolderError, match=r"file/table.csv cannot be written: .+"):
        write_atomically(tmp_path / "file" / "table.csv", "x")
    with pytest.raises(RunFolderError, match=r"file/run cannot be written: .+"), new_run(tmp_path / "file" / "run"):
        pass


def test_a_run_is_never_overwritten(tmp_path):
    with new_run(tmp_path / "run") as folder:
        folder.write(MANIFEST, "{}")
    with pytest.raises(RunFolderError, match="already holds a run"), new_run(tmp_path / "run"):
        pass
    (tmp_path / "letters").mkdir()
    (tmp_path / "letters" / "mine.txt").write_text("x")
    with pytest.raises(RunFolderError, match="not empty"), new_run(tmp_path / "letters"):
        pass


def test_what_a_killed_start_left_gives_way(tmp_path):
    """Killed between its inputs and its manifest a run is no run yet; the same command must simply start again."""
    (tmp_path / "run" / "inputs").mkdir(parents=True)
    (tmp_path / "run" / "inputs" / "zones.csv").write_text("zone")
    (tmp_path / "run" / ".manifest.json.x1y2").write_text("{")
    with pytest.raises(RunFolderError, match="not empty"), new_run(tmp_path / "run"):
        pass  # without the lock nothing says that a run wrote this
    (tmp_path / "run" / ".lock").touch()
    with new_run(tmp_path / "run") as folder:
        assert not (folder.path / "inputs").exists()
        folder.write(MANIFEST, "{}")
    assert sorted(entry.name for entry in (tmp_path / "run").iterdir()) == [".lock", MANIFEST]


KILLED_EVERYWHERE = """
import os, shutil, sys
from pathlib import Path
from configurator.runs import store

run, ending, existed = Path(sys.argv[1]), sys.argv[2], sys.argv[3] == "existed"
NAMES = ["inputs/zones.csv", "indicators.csv", "plans/simulated.json"]
TOUCHING = {"open", "os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.chmod", "os.utime", "shutil.rmtree"}


def kill_at(step):
    left = step

    def hook(event, arguments):
        nonlocal left
        if event in TOUCHING:
            left -= 1
            if left < 0:
                os._exit(9)

    sys.addaudithook(hook)


def work():
    with store.new_run(run) as folder:
        if ending == "forgets":
            folder.write(store.MANIFEST, "{}")
            (folder.inside("evaluations.jsonl")).write_text("{}")
        for name in NAMES:
            folder.write(name, "x")
        if ending == "forgets":
            folder.forget_manifest()
        if ending != "ends":
            raise SystemExit(0)
        folder.write(store.MANIFEST, "{}")


step = 0
while True:
    if existed:
        run.mkdir()
    child = os.fork()
    if child == 0:
        kill_at(step)
        try:
            work()
        finally:
            os._exit(0)
    was_killed = os.waitpid(child, 0)[1] != 0
    if (run / store.MANIFEST).exists():
        assert ending == "forgets" or all((run / name).read_text() == "x" for name in NAMES)
    else:
        with store.new_run(run) as folder:
            folder.write(store.MANIFEST, "{}")
        assert sorted(os.listdir(run)) == [store.LOCK, store.MANIFEST]
    if not was_killed:
        break
    shutil.rmtree(run)
    step += 1
print(step)
"""


@pytest.mark.parametrize("existed", ["existed", "new"])
@pytest.mark.parametrize("ending", ["ends", "fails", "forgets"])
def test_killed_before_any_touch_of_the_disk_a_run_is_whole_or_gives_way(ending, existed, tmp_path):
    run = subprocess.run(
        [sys.executable, "-c", KILLED_EVERYWHERE, str(tmp_path / "run"), ending, existed],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert run.returncode == 0, run.stderr
    assert int(run.stdout) > 20  # as many moments were tried


def test_a_second_process_leaves_a_start_alone(tmp_path):
    with new_run(tmp_path / "run") as folder:
        folder.write("inputs/zones.csv", "zone")
        with pytest.raises(RunFolderError, match="another process is working"), new_run(tmp_path / "run"):
            pass
        assert folder.has("inputs/zones.csv")
        folder.write(MANIFEST, "{}")


def test_a_run_that_fails_before_its_manifest_leaves_nothing(tmp_path):
    def attempt() -> None:
        with new_run(tmp_path / "run"):
            raise ValueError("no plan")

    with pytest.raises(ValueError, match="no plan"):
        attempt()
    assert list(tmp_path.iterdir()) == []


def test_a_second_process_is_refused_and_the_lock_dies_with_its_holder(tmp_path):
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(RunFolderError, match="another process"), new_run(tmp_path):
            pass
        holder.kill()
    with new_run(tmp_path) as folder:
        folder.write("front.csv", "")


def test_a_folder_without_manifest_is_no_run(tmp_path):
    with pytest.raises(RunFolderError, match=r"no manifest\.json"):
        open_run(tmp_path)


def test_default_folders_are_numbered(tmp_path):
    assert free_folder(tmp_path, "tiny-optimise") == tmp_path / "tiny-optimise-1"
    Path(tmp_path / "tiny-optimise-1").mkdir()
    assert free_folder(tmp_path, "tiny-optimise") == tmp_path / "tiny-optimise-2"
