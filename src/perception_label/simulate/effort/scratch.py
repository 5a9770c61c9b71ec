"""A workspace to try things in: the logs of another, and edits of its own."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from perception_label.pipeline.workspace import Workspace
from perception_label.storage import folders

SOLVED = "solved"  # of the real edits: this workspace has its own


@contextmanager
def scratch(workspace: Workspace, log_id: str) -> Iterator[Workspace]:
    """Give a workspace with one log of another; what is done to it leaves no trace there.

    The log and its machine results are linked, edits start from none.
    """
    with TemporaryDirectory(prefix="perception-label-") as name:
        root = Path(name) / "workspace"
        folders.create(root)
        (root / "logs").mkdir()
        source = folders.log_folder(workspace.path, log_id).resolve()
        (root / "logs" / log_id).symlink_to(source, target_is_directory=True)
        machine = root / "machine" / log_id
        machine.mkdir(parents=True)
        # A result that is made anew takes the link's place; what it led to stays.
        for path in (workspace.path / "machine" / log_id).glob("[!.]*"):
            if path.stem != SOLVED:
                (machine / path.name).symlink_to(path.resolve())
        # Not `open_workspace`: it would take the database that the environment names.
        yield Workspace(root, None)
