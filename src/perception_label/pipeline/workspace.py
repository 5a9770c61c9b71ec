"""The workspace: logs at rest, and what people and machines made of them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from perception_label.errors import MissingPosesError, SettingError
from perception_label.geometry.poses import interpolate_poses, inverse
from perception_label.storage import folders
from perception_label.storage.logs import Log
from perception_label.tables import labels_from_table, tracks_of

if TYPE_CHECKING:
    import pyarrow as pa

    from perception_label.pipeline.ingest import IngestReport
    from perception_label.readers.recording import Recording
    from perception_label.storage.edits import EditLog
    from perception_label.storage.edits.database import Database
    from perception_label.video.images import ImageSource

DATABASE = "PERCEPTION_LABEL_DATABASE"
COORDINATE_FRAMES = ("world", "ego", "sensor")


class Workspace:
    """A folder of logs; open it with `open_workspace`.

    Wherever a method takes a log, the log itself or its id will do; None means the only one.
    """

    def __init__(self, path: Path, labels_url: str | None = None) -> None:
        self.path = path
        self.labels_url = labels_url
        self._labels: Database | None = None

    def __repr__(self) -> str:
        return f"<Workspace {self.path}: {len(self.logs())} logs>"

    def logs(self) -> list[str]:
        """Return the ids of all logs, sorted."""
        return folders.log_ids(self.path)

    def log(self, log_id: str | None = None) -> Log:
        """Open a log; without an id, the only one.

        Raises
        ------
        WorkspaceError
            If there is no such log, or no id was given and there is not exactly one.
        """
        folders.check(self.path)
        return folders.open_log(self.path, log_id)

    def ingest(
        self, source: str | Path | Recording, format: str = "auto", **options: Any
    ) -> IngestReport:
        """Take a recording in, making the workspace if it is not there yet.

        See `perception_label.pipeline.ingest.ingest` for the options and errors.
        """
        from perception_label.pipeline.ingest import ingest

        return ingest(self.path, source, format, **options)

    def cuboids(
        self,
        log: Log | str | None = None,
        coordinate_frame: str = "world",
        *,
        track: str | None = None,
    ) -> pa.Table:
        """Return the dense machine boxes of a log (`schema.CUBOIDS`): solved ones, else proposals.

        Parameters
        ----------
        log : Log or str, optional
            The log.
        coordinate_frame : str
            `world`, or `ego` or `sensor` at each box's own instant.
        track : str, optional
            Only the boxes of this track. The first call on a `Log` sorts the rows by track; the
            next ones on the same `Log` only pick.

        Raises
        ------
        WorkspaceError
            If nothing made boxes yet.
        SettingError
            If there are none of that track.
        MissingPosesError
            If another coordinate frame was asked for and the log has no ego poses.
        """
        opened = self._opened(log)
        return _in_coordinate_frame(opened, opened.dense_boxes(track_id=track), coordinate_frame)

    def boxes(
        self,
        log: Log | str | None = None,
        camera: str | None = None,
        *,
        track: str | None = None,
        source: str | None = None,
    ) -> pa.Table:
        """Return the dense 2-D labels of a log's images (`schema.BOXES_2D`), as solved.

        Parameters
        ----------
        log : Log or str, optional
            The log.
        camera, track : str, optional
            Only those on this camera's images, of this track.
        source : str, optional
            A named source's labels instead, as `image_source_names` has them.

        Raises
        ------
        WorkspaceError
            If nothing made any yet.
        """
        from perception_label.pipeline.solve_images import image_table

        return image_table(self._opened(log), camera, track=track, source=source)

    def tracks(self, log: Log | str | None = None) -> pa.Table:
        """Return one row per track of `cuboids(log)` (`schema.TRACKS`)."""
        return tracks_of(labels_from_table(self._opened(log).dense_boxes()))

    def edits(self, log: Log | str | None = None) -> EditLog:
        """Return the edit log of a log: what people decided, appended and replayed.

        Nothing is written until the first `append`.
        """
        from perception_label.storage.edits import EditLog
        from perception_label.storage.edits.checks_images import CameraImages
        from perception_label.storage.edits.database import Database

        opened = self._opened(log)
        if self._labels is None:
            self._labels = Database(self.labels_url or folders.labels_path(self.path))
        cameras = {
            name: CameraImages(
                times,
                opened.cameras[name].width_px if name in opened.cameras else 0,
                opened.cameras[name].height_px if name in opened.cameras else 0,
            )
            for name, times in opened.image_timestamps_ns.items()
        }
        path = folders.ontology_path(self.path)
        return EditLog(self._labels, opened.id, opened.timestamps_ns, path, cameras)

    def images(self, camera: str, log: Log | str | None = None) -> ImageSource:
        """Return the images of a log's camera, from files or a video alike, with the log's times.

        Raises
        ------
        SettingError
            If the log has no such camera.
        SourceError
            If its images cannot be read, or its video is no longer the one ingested.
        """
        from perception_label.pipeline.camera_images import open_camera

        return open_camera(self._opened(log), camera)

    def truth(self, log: Log | str | None = None) -> pa.Table | None:
        """Return the labels that came with a log (`schema.CUBOIDS`, world frame), or None."""
        return self._opened(log).truth_table()

    def _opened(self, log: Log | str | None) -> Log:
        return log if isinstance(log, Log) else self.log(log)


def open_workspace(
    path: str | Path, *, create: bool = False, labels_url: str | None = None
) -> Workspace:
    """Open the workspace at a path.

    Parameters
    ----------
    path : str or Path
        Its folder. One that is empty or not there yet may be opened too: `ingest` makes it.
    create : bool
        Make it now if it is not there.
    labels_url : str, optional
        PostgreSQL database of the edits, `postgresql://user@host/name`; None takes the
        environment variable PERCEPTION_LABEL_DATABASE or, without it, the file `labels.db` in
        the workspace. One database serves one workspace.

    Returns
    -------
    Workspace
        Nothing is read until a log is asked for.

    Raises
    ------
    WorkspaceError
        If something else lies there, or a workspace of a schema version this release
        cannot read.

    Examples
    --------
    >>> import tempfile
    >>> open_workspace(tempfile.mkdtemp(), create=True).logs()
    []
    """
    root = Path(path).expanduser()
    if create:
        folders.create(root)
    elif not folders.is_free(root):
        folders.check(root)
    return Workspace(root, labels_url or os.environ.get(DATABASE) or None)


def _in_coordinate_frame(log: Log, table: pa.Table, coordinate_frame: str) -> pa.Table:
    if coordinate_frame not in COORDINATE_FRAMES:
        raise SettingError(
            f"coordinate_frame: expected one of {', '.join(COORDINATE_FRAMES)}, "
            f"got {coordinate_frame!r}"
        )
    if coordinate_frame == "world":
        return table
    if log.ego_poses is None:
        raise MissingPosesError(f"log {log.id}: expected ego poses, got none")
    labels = labels_from_table(table)
    at_ns, row = np.unique(labels.timestamps_ns, return_inverse=True)
    world_from_a = interpolate_poses(log.ego_poses, at_ns)
    if coordinate_frame == "sensor":
        world_from_a = world_from_a @ log.info.ego_from_lidar
    moved = labels.cuboids.moved(inverse(world_from_a)[row]).packed()
    for k, name in enumerate(("x_m", "y_m", "z_m", "length_m", "width_m", "height_m", "yaw_rad")):
        at = table.schema.get_field_index(name)
        table = table.set_column(at, table.schema.field(at), [np.ascontiguousarray(moved[:, k])])
    return table
