"""A folder that another program will read: written aside, then put in place with a manifest.

`perception-label-export.json` is written last and lists every file with its hash, so that a
folder is told apart from another export, from files of other origin, and from one cut short.
"""

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from perception_label.errors import WorkspaceError
from perception_label.storage.whole import BESIDE, lock_folder, remove_folder, storage_errors, sync

MANIFEST = "perception-label-export.json"
STAGE = f".perception-label-export{BESIDE}"
WAIT_S = 60.0  # for another export into the same folder
CHUNK_BYTES = 1 << 20

Fill = Callable[[Path], None]


def write_folder(
    out: Path,
    files: Mapping[str, Fill],
    facts: Mapping[str, Any],
    on_file: Callable[[int, int], None] | None = None,
) -> list[Path]:
    """Write files below a folder, all or none, and a manifest of them last.

    Parameters
    ----------
    out : Path
        The folder, made if it is not there. It may hold an earlier export: of the same format,
        and, for one that `facts` call a `dataset`, of the same logs. Files of it that are not
        written again go, unless they are of other logs.
    files : dict of callable
        By path below the folder, the function that fills it; written in this order.
    facts : dict
        What the manifest says beside the files: `format`, `is_dataset`, `logs` (by id, a dict
        with its own `files`), and anything else.
    on_file : callable, optional
        Called with how many of how many files are written.

    Returns
    -------
    list of Path
        The files in the order they were written, the manifest last.

    Raises
    ------
    WorkspaceError
        If the folder holds something else, or cannot be written; it is as it was then.
    """
    with storage_errors(out):
        if out.exists() and not out.is_dir():
            raise WorkspaceError(f"{out}: expected a folder to write to, got a file")
        made = [p for p in (out, *out.parents) if not p.exists()]
    try:
        with storage_errors(out):
            out.mkdir(parents=True, exist_ok=True)
        with lock_folder(out, WAIT_S):
            before = _check(out, files, facts)
            manifest = _staged(out, files, _joined(before, facts, files), on_file)
            _moved(out, files, before, manifest)
    except BaseException:
        _unmake(made)
        raise
    return [*(out / name for name in files), out / MANIFEST]


def read_manifest(out: Path) -> dict[str, Any] | None:
    """Return what an export's manifest says, or None if there is none that can be read."""
    try:
        found = json.loads((out / MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    is_ours = isinstance(found, dict) and isinstance(found.get("files"), dict)
    return found if is_ours and isinstance(found.get("logs"), dict) else None


def _check(out: Path, files: Iterable[str], facts: Mapping[str, Any]) -> dict[str, Any]:
    """Return the manifest of the export that is there, {} for none; refuse what is another."""
    before = read_manifest(out) or {}
    # A move that was cut short left its manifest aside: what it lists is of an export, too.
    cut = read_manifest(out / STAGE) or {}
    remove_folder(out / STAGE)
    for found in (before, cut):
        if found and found.get("format") != facts["format"]:
            raise WorkspaceError(
                f"{out}: expected a folder for {facts['format']}, got one that holds an export of "
                f"{found.get('format')}: name another --out"
            )
    others = sorted(before.get("logs", {}).keys() - facts["logs"].keys())
    if others and facts["is_dataset"]:
        raise WorkspaceError(
            f"{out}: expected an export of the same logs, got one of {', '.join(others[:3])}, and "
            f"{facts['format']} keeps all its logs in one set of files: name another --out"
        )
    known = {*files, *before.get("files", {}), *cut.get("files", {}), MANIFEST}
    stray = [name for name in _files_below(out) if name not in known]
    if stray:
        raise WorkspaceError(
            f"{out}: expected an empty folder or an earlier export of these logs, got other files: "
            f"{', '.join(stray[:3])}{' …' if len(stray) > 3 else ''}"
        )
    files_there = {**cut.get("files", {}), **before.get("files", {})}
    return {**(before or cut), "files": files_there} if before or cut else {}


def _files_below(out: Path) -> list[str]:
    if not out.is_dir():
        return []
    every = (p.relative_to(out) for p in out.rglob("*") if not p.is_dir())
    # Hidden files are the desktop's, ours, or git's.
    return sorted(p.as_posix() for p in every if not any(k.startswith(".") for k in p.parts))


def _joined(
    before: Mapping[str, Any], facts: Mapping[str, Any], files: Mapping[str, Fill]
) -> dict[str, Any]:
    """Return the new manifest's facts: those of other logs that stay in the folder are kept."""
    logs = {k: v for k, v in before.get("logs", {}).items() if k not in facts["logs"]}
    kept = {name for log in logs.values() for name in log.get("files", ())} - set(files)
    stay = {name: said for name, said in before.get("files", {}).items() if name in kept}
    every = dict(sorted({**logs, **facts["logs"]}.items()))
    return {**facts, "logs": every, "files": stay}


def _staged(
    out: Path,
    files: Mapping[str, Fill],
    facts: dict[str, Any],
    on_file: Callable[[int, int], None] | None,
) -> dict[str, Any]:
    """Write all files aside, and the manifest beside them."""
    stage = out / STAGE
    told: dict[str, Any] = {}
    with storage_errors(out):
        try:
            stage.mkdir(parents=True)
            for k, (name, fill) in enumerate(files.items()):
                path = stage / name
                path.parent.mkdir(parents=True, exist_ok=True)
                fill(path)
                sync(path)
                told[name] = {"sha256": sha256(path), "bytes": path.stat().st_size}
                if on_file is not None:
                    on_file(k + 1, len(files))
            whole = {**facts, "files": dict(sorted({**facts["files"], **told}.items()))}
            text = json.dumps(whole, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
            (stage / MANIFEST).write_text(text, encoding="utf-8")
            sync(stage / MANIFEST)
        except BaseException:
            remove_folder(stage)
            raise
    return whole


def _moved(
    out: Path, files: Iterable[str], before: Mapping[str, Any], manifest: Mapping[str, Any]
) -> None:
    """Put what was written aside in place, take away what is no longer of it, manifest last."""
    stage = out / STAGE
    with storage_errors(out):
        for name in files:
            (out / name).parent.mkdir(parents=True, exist_ok=True)
            (stage / name).replace(out / name)
        gone = before.get("files", {}).keys() - manifest["files"].keys()
        for name in sorted(gone):
            if (out / name).resolve().is_relative_to(out.resolve()):
                (out / name).unlink(missing_ok=True)
        (stage / MANIFEST).replace(out / MANIFEST)
        sync(out)
    remove_folder(stage)


def sha256(path: Path) -> str:
    """Return the hash of a file's content."""
    digest = hashlib.sha256()
    with path.open("rb") as source:
        while chunk := source.read(CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()


def _unmake(made: Iterable[Path]) -> None:
    """Take away the folders that were made for what then failed."""
    for folder in made:
        try:
            folder.rmdir()
        except OSError:
            return
