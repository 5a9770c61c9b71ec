"""Kill an ingest before each of its steps on the disk; print what the workspace is then.

Run as `python kills.py FOLDER fresh|replace`. It forks before any thread starts, so each
child is killed exactly where it is told.
"""

import hashlib
import json
import os
import shutil
import signal
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from perception_label.pipeline.ingest import ingest
from perception_label.pipeline.workspace import open_workspace
from perception_label.storage import sweeps, whole
from recordings import recording


def kill_before(step):
    """Make the step-th change of the disk the last thing this process wants to do."""
    seen = 0

    def counted(function):
        def call(*args, **kwargs):
            nonlocal seen
            seen += 1
            if seen == step:
                os.kill(os.getpid(), signal.SIGKILL)
            return function(*args, **kwargs)

        return call

    os.fsync = counted(lambda handle: None)  # a kill leaves the page cache, so skip the wait
    shutil.rmtree = counted(shutil.rmtree)
    for name in ("rename", "replace", "unlink", "mkdir"):
        setattr(Path, name, counted(getattr(Path, name)))
    sweeps.SweepWriter.write = counted(sweeps.SweepWriter.write)
    whole._fill_text = counted(whole._fill_text)
    whole._fill_table = counted(whole._fill_table)


def ingest_in_child(root, source, step=None):
    child = os.fork()
    if child == 0:
        os.fsync = lambda handle: None
        if step is not None:
            kill_before(step)
        ingest(root, source, replace=True, workers=1)
        os._exit(0)
    return os.waitpid(child, 0)[1]


def content(folder):
    """Name and hash of each file."""
    return {
        p.relative_to(folder).as_posix(): hashlib.sha256(p.read_bytes()).hexdigest()
        for p in sorted(folder.rglob("*"))
        if p.is_file() and p.suffix not in (".lock", ".part")
    }


def look(root):
    """The log as a user finds it: nothing, or all its points can be read."""
    if not root.exists():
        return []
    workspace = open_workspace(root)
    return [
        [i, sum(len(s) for s in workspace.log(i).sweeps), workspace.log(i).info.fingerprint]
        for i in workspace.logs()
    ]


def main(folder, scenario):
    new_file, old_file = folder / "new", folder / "old"
    new_file.write_text("new")
    old_file.write_text("old")
    new = recording(4, 200, files=[new_file])
    old = recording(3, 100, files=[old_file])
    ingest_in_child(folder / "reference", new)
    results, step = [], 0
    while True:
        step += 1
        root = folder / f"ws{step}"
        if scenario == "replace":
            ingest_in_child(root, old)
        before = look(root)
        killed = ingest_in_child(root, new, step)
        after = look(root)
        ingest_in_child(root, new)
        same = content(root) == content(folder / "reference")
        results.append({"before": before, "after": after, "same": same, "final": look(root)})
        shutil.rmtree(root)
        if not killed:
            break
    sys.stdout.write(json.dumps({"reference": look(folder / "reference"), "results": results}))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
