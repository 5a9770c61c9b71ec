"""Writes that are whole or absent: write beside, fsync, rename; and who may write."""

import errno
import fcntl
import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import get_ident

import pyarrow as pa

from perception_label.errors import WorkspaceError

LOCK_POLL_S = 0.1
BESIDE = ".part"  # ends the names of files not yet in place


@contextmanager
def storage_errors(where: Path) -> Iterator[None]:
    """Turn what the operating system says about a write into one line of ours."""
    try:
        yield
    except WorkspaceError:
        raise
    except OSError as error:
        reason = {
            errno.ENOSPC: "the disk is full",
            errno.EDQUOT: "the disk quota is used up",
            errno.EFBIG: "the file would exceed the allowed size",
            errno.EROFS: "it is on a read-only file system",
            errno.EACCES: "it may not be written",
            errno.EPERM: "it may not be written",
        }.get(error.errno or 0, str(error))
        raise WorkspaceError(f"{where}: expected to write, got: {reason}") from None


def sync(path: Path) -> None:
    """Make a file's content, or the renames inside a folder, last through a power cut."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def write_whole(path: Path, write: Callable[[Path], None]) -> None:
    """Let `write` fill a file beside `path`, then put it in place at once.

    Raises
    ------
    WorkspaceError
        If the file cannot be written; what was at `path` is untouched then.
    """
    beside = path.with_name(f".{path.name}.{os.getpid()}-{get_ident()}{BESIDE}")
    with storage_errors(path):
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            write(beside)
            sync(beside)
            beside.replace(path)
        finally:
            beside.unlink(missing_ok=True)
        sync(path.parent)


def clear_leftovers(folder: Path) -> None:
    """Delete what killed writers left in a folder and below; only for who may write alone."""
    with storage_errors(folder):
        for path in sorted(folder.rglob(f".*{BESIDE}")):
            path.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Write a text file, whole or not at all."""
    write_whole(path, lambda beside: _fill_text(beside, text))


def write_table(path: Path, table: pa.Table) -> None:
    """Write an Arrow IPC file, whole or not at all; the same table gives the same bytes."""
    write_whole(path, lambda beside: _fill_table(beside, table))


def read_table(path: Path) -> pa.Table:
    """Read an Arrow IPC file, memory-mapped."""
    try:
        return pa.ipc.open_file(pa.memory_map(str(path))).read_all()
    except (OSError, pa.ArrowInvalid) as error:
        raise WorkspaceError(f"{path}: expected an Arrow file, got: {error}") from None


@contextmanager
def lock(path: Path, wait_s: float, on_wait: Callable[[str], None] | None = None) -> Iterator[None]:
    """Hold the lock file at `path`; it ends with the process, so none is ever stale.

    Raises
    ------
    WorkspaceError
        If another process still holds it after `wait_s` seconds.
    """
    with storage_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    try:
        _wait_for(handle, path, wait_s, on_wait)
        yield
    finally:
        os.close(handle)


@contextmanager
def lock_folder(path: Path, wait_s: float) -> Iterator[None]:
    """Hold a folder itself, for where no lock file may be left; it ends with the process.

    Raises
    ------
    WorkspaceError
        If it is not there, or another process still holds it after `wait_s` seconds.
    """
    with storage_errors(path):
        handle = os.open(path, os.O_RDONLY)
    try:
        _wait_for(handle, path, wait_s, None)
        yield
    finally:
        os.close(handle)


def remove_folder(path: Path) -> None:
    """Delete a folder and all it holds; one that is not there is fine."""
    with storage_errors(path):
        try:
            shutil.rmtree(path)
        except FileNotFoundError:
            return


def _wait_for(
    handle: int, path: Path, wait_s: float, on_wait: Callable[[str], None] | None
) -> None:
    end = time.monotonic() + wait_s
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            if time.monotonic() >= end:
                raise WorkspaceError(
                    f"{path}: expected to be the only writer, got another process at work "
                    f"for {wait_s:g} s"
                ) from None
        if on_wait is not None:
            on_wait(f"waiting: another process is writing {path.stem}")
            on_wait = None
        time.sleep(LOCK_POLL_S)


def _fill_text(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")


def _fill_table(path: Path, table: pa.Table) -> None:
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table.combine_chunks())
