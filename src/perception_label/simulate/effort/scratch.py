"""A workspace to try things in: the logs of another, and edits of its own."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from shutil import copyfile
from tempfile import TemporaryDirectory

from perception_label.pipeline.workspace import Workspace, open_workspace
from perception_label.storage import folders

MACHINE = ("proposals", "candidates", "unboxed")  # what the review queue starts from


@contextmanager
def scratch(workspace: Workspace, log_id: str) -> Iterator[Workspace]:
    """Give a workspace with one log of another; what is done to it leaves no trace there.

    The log itself is linked, its machine results are copied, edits start from none.
    """
    with TemporaryDirectory(prefix="perception-label-") as name:
        root = Path(name) / "workspace"
        folders.create(root)
        (root / "logs").mkdir()
        source = folders.log_folder(workspace.path, log_id).resolve()
        (root / "logs" / log_id).symlink_to(source, target_is_directory=True)
        machine = root / "machine" / log_id
        machine.mkdir(parents=True)
        for path in (workspace.path / "machine" / log_id).glob("*"):
            if path.stem in MACHINE:
                copyfile(path, machine / path.name)
        yield open_workspace(root, labels_url=f"sqlite:///{root / 'labels.db'}")
