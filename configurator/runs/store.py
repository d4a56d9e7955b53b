"""A run's folder: files written whole or not at all, one process at a time, nothing outside it."""

import os
import shutil
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from instances.faults import ConfiguratorError

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

MANIFEST = "manifest.json"
INPUTS = "inputs"
LOCK = ".lock"
STARTED = ".started"
"""Names, one a line, of what a run writes before its manifest: what it leaves where it is killed is known by them."""


class RunFolderError(ConfiguratorError):
    """A run folder cannot be used as asked."""


def write_atomically(path: Path, content: str | bytes) -> None:
    """Write a file through a temporary neighbour, so that a reader sees the old or the new one, never a part."""
    write_pieces_atomically(path, [content])


def write_pieces_atomically(path: Path, pieces: Iterable[str | bytes]) -> None:
    """Write a file too long for memory, piece by piece, whole or not at all.

    Raises RunFolderError where the system does not let it.
    """
    with writing(path):
        _write_pieces(path, pieces)


def _write_pieces(path: Path, pieces: Iterable[str | bytes]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            for piece in pieces:
                file.write(piece.encode("utf-8") if isinstance(piece, str) else piece)
            file.flush()
            os.fsync(file.fileno())
        _give_usual_permissions(Path(temporary))
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Say of a path that cannot be written why, in one line."""
    try:
        yield
    except OSError as error:
        raise RunFolderError(f"{path} cannot be written: {error.strerror or error}") from error


@contextmanager
def _understanding(path: Path) -> Iterator[None]:
    try:
        yield
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise RunFolderError(f"{path}: not what a run writes there ({error})") from error


def _give_usual_permissions(path: Path) -> None:
    """Undo mkstemp's owner-only mode: results are read by colleagues."""
    if sys.platform != "win32":
        mask = os.umask(0)
        os.umask(mask)
        path.chmod(0o666 & ~mask)


@dataclass(frozen=True)
class RunFolder:
    """One run's folder; every name given is relative to it and stays inside it."""

    path: Path

    def inside(self, name: str) -> Path:
        """Return the path of a file of this run; refuse a name that leads out of the folder."""
        root = self.path.resolve()
        candidate = (root / name).resolve()
        if not name or candidate == root or not candidate.is_relative_to(root):
            raise RunFolderError(f"{name!r} is no file name inside the run folder {self.path}")
        return candidate

    def write(self, name: str, content: str | bytes) -> Path:
        """Write a file of this run, whole or not at all."""
        path = self.announced(name)
        write_atomically(path, content)
        return path

    def write_pieces(self, name: str, pieces: Iterable[str | bytes]) -> Path:
        """Write a long file of this run piece by piece, whole or not at all."""
        path = self.announced(name)
        write_pieces_atomically(path, pieces)
        return path

    def announced(self, name: str) -> Path:
        """Return the path of a file that is to be written, said before while the run has no manifest."""
        path = self.inside(name)
        first = path.relative_to(self.path.resolve()).parts[0]
        started = self.path / STARTED
        if started.is_file() and first not in _announced(started):
            with writing(started), started.open("a", encoding="utf-8") as file:
                file.write(f"{first}\n")
        return path

    def expect(self, path: Path) -> None:
        """Announce a file that is written by others, should it be inside."""
        if path.resolve().is_relative_to(self.path.resolve()):
            self.announced(str(path.resolve()))

    def read(self, name: str) -> str:
        """Return the text of a file of this run."""
        path = self.inside(name)
        if not path.is_file():
            raise RunFolderError(f"{self.path} holds no {name}: the run did not get that far, or is no run")
        with _understanding(path):
            return path.read_text(encoding="utf-8")

    @contextmanager
    def parsed(self, name: str) -> Iterator[str]:
        """Yield the text of a file of this run to whom it is to tell something; say in one line what is wrong with it.

        Raises RunFolderError with its name where it is not what a run writes there: damaged, or somebody else's.
        """
        text = self.read(name)
        with _understanding(self.inside(name)):
            yield text

    def forget_manifest(self) -> None:
        """Take the manifest away: what is left is no run, and gives way to the next."""
        for entry in self.path.iterdir():
            self.announced(entry.name)
        self.inside(MANIFEST).unlink(missing_ok=True)

    def has(self, name: str) -> bool:
        """Say whether this run has such a file."""
        return self.inside(name).is_file()


def open_run(path: Path) -> RunFolder:
    """Return an existing run's folder for reading."""
    if not (path / MANIFEST).is_file():
        raise RunFolderError(f"{path} is no run folder: it holds no {MANIFEST}")
    return RunFolder(path)


@contextmanager
def new_run(path: Path) -> Iterator[RunFolder]:
    """Create a run's folder and keep every other process out of it until the run ends.

    A folder that already holds anything is refused, never overwritten; only what a run leaves that was killed
    before its manifest was written gives way: what it had announced, not a letter beside it. A folder without a
    manifest in the end (the run came to nothing) is taken away again, or emptied if it was there before.
    """
    _check_free(path)
    existed = path.is_dir()
    with writing(path):
        path.mkdir(parents=True, exist_ok=True)
    ours = False  # another process's start is not ours to take away
    try:
        with locked(path):
            ours = True
            _check_free(path)
            _clear(path, but=(LOCK,))
            with writing(path):
                (path / STARTED).touch()
            yield RunFolder(path)
    finally:
        if ours and (path / MANIFEST).exists():
            (path / STARTED).unlink(missing_ok=True)
        elif ours:
            _clear(path)
            if not existed:
                path.rmdir()


@contextmanager
def going_on(path: Path) -> Iterator[RunFolder]:
    """Yield the folder of a run that was left, and keep every other process out of it until the run ends."""
    folder = open_run(path)
    with locked(path):
        yield folder


def _clear(path: Path, *, but: tuple[str, ...] = ()) -> None:
    """Take away what a run left; last what says that it is a run's, should this be killed in its middle."""
    said_last = (STARTED, LOCK)
    for entry in sorted(path.iterdir(), key=lambda each: said_last.index(each.name) if each.name in said_last else -1):
        if entry.name in but:
            continue
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        else:
            entry.unlink()


def _check_free(path: Path) -> None:
    if path.exists() and not path.is_dir():
        raise RunFolderError(f"{path} is a file; a run needs a folder of its own")
    if (path / MANIFEST).exists():
        raise RunFolderError(f"{path} already holds a run; name another folder with --out")
    if path.is_dir() and not all(_of_a_start(entry) for entry in path.iterdir()):
        raise RunFolderError(f"{path} is not empty; name another folder with --out")


def _of_a_start(entry: Path) -> bool:
    """Say whether a run wrote this before its manifest: the lock, and beside it what it announced, whole or torn."""
    if entry.name == LOCK:
        return True
    if not (entry.parent / LOCK).is_file():
        return False
    names = [MANIFEST, INPUTS, *_announced(entry.parent / STARTED)]
    return entry.name in (STARTED, *names[1:]) or any(entry.name.startswith(f".{name}.") for name in names)


def _announced(started: Path) -> list[str]:
    return started.read_text(encoding="utf-8", errors="replace").splitlines() if started.is_file() else []


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the folder's lock; the system gives it back when the process ends, however it ends."""
    with ExitStack() as held:
        with writing(path / LOCK):
            (path / LOCK).touch()
            file = held.enter_context((path / LOCK).open("a+b"))
        if not _try_lock(file):
            raise RunFolderError(f"another process is working in {path}; wait for it or name another folder")
        yield


def _try_lock(file: IO[bytes]) -> bool:
    try:
        if sys.platform == "win32":
            file.seek(0)
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def free_folder(parent: Path, name: str) -> Path:
    """Return the first of NAME-1, NAME-2, ... that does not exist yet."""
    number = 1
    while (parent / f"{name}-{number}").exists():
        number += 1
    return parent / f"{name}-{number}"


def copy_inputs(folder: RunFolder, files: Mapping[str, bytes]) -> None:
    """Keep the instance's files with the run: results never travel without their inputs."""
    for name, content in files.items():
        folder.write(f"{INPUTS}/{name}", content)
