"""A workspace is a folder: which logs it holds, and where each thing lies.

workspace.toml                 schema version
logs/<log_id>/                 one log, put in place whole
logs/.ingest/<log_id>/         a log being written; found again by the next ingest
logs/.replaced/<log_id>/       the log that is being replaced, for the blink of two renames
machine/<log_id>/              derived results, may be deleted
labels.db                      the edits, unless they lie in PostgreSQL
ontology.yaml                  what may be labelled; made with the first edit
"""

import re
import tomllib
from pathlib import Path

from perception_label import schema
from perception_label.errors import WorkspaceError
from perception_label.storage.logs import Log
from perception_label.storage.whole import (
    clear_leftovers,
    remove_folder,
    storage_errors,
    sync,
    write_text,
)

MARK = "workspace.toml"
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._+=@-]*")


def create(root: Path) -> None:
    """Make `root` a workspace if it is none yet.

    Raises
    ------
    WorkspaceError
        If it cannot be written, holds something else, or is of another schema version.
    """
    if is_free(root):
        # The same text whoever writes it, so nobody need wait.
        write_text(root / MARK, f"schema_version = {schema.VERSION}\n")
    elif not (root / MARK).exists():
        raise WorkspaceError(f"{root}: expected a workspace or an empty folder, got something else")
    check(root)


def is_free(root: Path) -> bool:
    """Tell whether a workspace may be made at `root`: nothing, or an empty folder, is there."""
    try:
        return all(p.name.startswith(f".{MARK}.") for p in root.iterdir())
    except FileNotFoundError:
        return True
    except OSError:
        return False


def check(root: Path) -> None:
    """Raise WorkspaceError if `root` is no workspace this release can read."""
    try:
        facts = tomllib.loads((root / MARK).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise WorkspaceError(
            f"{root}: expected a workspace, got no {MARK} there: make one with "
            "`perception-label ingest`"
        ) from None
    except (OSError, ValueError) as error:
        raise WorkspaceError(f"{root / MARK}: expected a TOML file, got: {error}") from None
    if facts.get("schema_version") != schema.VERSION:
        raise WorkspaceError(
            f"{root / MARK}: expected schema_version {schema.VERSION}, "
            f"got {facts.get('schema_version')!r}"
        )


def is_name(text: str) -> bool:
    """Tell whether a text can name a log, a sensor or a camera: it becomes a file's name."""
    return _NAME.fullmatch(text) is not None


def log_ids(root: Path) -> list[str]:
    """Return the ids of all logs, sorted."""
    found = {p.parent.name for p in (root / "logs").glob("*/log.json")}
    found |= {p.parent.name for p in (root / "logs" / ".replaced").glob("*/log.json")}
    return sorted(found)


def log_folder(root: Path, log_id: str) -> Path:
    """Return where a log lies: its own folder, or where a cut-off replacement left it."""
    folder = root / "logs" / log_id
    replaced = replaced_folder(root, log_id)
    return replaced if replaced.exists() and not folder.exists() else folder


def staging_folder(root: Path, log_id: str) -> Path:
    """Return where a log is written before it is put in place."""
    return root / "logs" / ".ingest" / log_id


def replaced_folder(root: Path, log_id: str) -> Path:
    """Return where a log waits while another takes its place."""
    return root / "logs" / ".replaced" / log_id


def labels_path(root: Path) -> Path:
    """Return where the database of edits lies."""
    return root / "labels.db"


def ontology_path(root: Path) -> Path:
    """Return where the workspace's own ontology lies."""
    return root / "ontology.yaml"


def finish_replacing(root: Path, log_id: str) -> None:
    """Delete a replaced log that a killed ingest left behind; hold the log's lock."""
    if (root / "logs" / log_id).exists():
        remove_folder(replaced_folder(root, log_id))


def put_in_place(root: Path, log_id: str) -> None:
    """Make the log that was written aside the log of that id; any other of it goes."""
    folder, replaced = root / "logs" / log_id, replaced_folder(root, log_id)
    clear_leftovers(staging_folder(root, log_id))
    with storage_errors(folder):
        if folder.exists():
            replaced.parent.mkdir(exist_ok=True)
            folder.rename(replaced)
        staging_folder(root, log_id).rename(folder)
        sync(folder.parent)
    remove_folder(replaced)


def open_log(root: Path, log_id: str | None = None) -> Log:
    """Open a log; without an id, the only one.

    Raises
    ------
    WorkspaceError
        If there is no such log, or no id was given and there is not exactly one.
    """
    known = log_ids(root)
    if log_id is None:
        if len(known) != 1:
            raise WorkspaceError(
                f"{root}: expected one log or the id of one, got {len(known)}: "
                f"{', '.join(known) or 'none'}"
            )
        log_id = known[0]
    if log_id not in known:
        raise WorkspaceError(
            f"{root}: expected one of the logs {', '.join(known) or '(none)'}, got {log_id!r}"
        )
    return Log(log_folder(root, log_id), root / "machine" / log_id)
