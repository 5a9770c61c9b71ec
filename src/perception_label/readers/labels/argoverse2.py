"""Argoverse 2: `annotations.feather`, boxes in the ego frame; and side/ if ours."""

from pathlib import Path

import numpy as np

from perception_label.geometry.cuboids import Cuboids
from perception_label.geometry.image_labels import texts
from perception_label.geometry.poses import interpolate_poses
from perception_label.readers import argoverse2
from perception_label.readers.argoverse2 import CLASSES
from perception_label.readers.files import floats, listed, refuse
from perception_label.readers.labels.given import Facts, Given
from perception_label.readers.labels.side import read_side

__all__ = ["CLASSES", "read"]

SIZES = ("length_m", "width_m", "height_m")
NEEDED = ("timestamp_ns", "track_uuid", "category", *SIZES, *argoverse2.POSE_COLUMNS)


def read(path: Path, facts: Facts) -> Given:
    """Return the boxes of a log.

    Parameters
    ----------
    path : Path
        `annotations.feather`, the folder it lies in, or the dataset, of which the folder of the
        log's name is taken, or the only one.
    facts : Facts
        The log.

    Raises
    ------
    SourceError
        If there is no such file, or it has not the columns it must have.
    """
    file = _file(path, facts.log_id)
    table = argoverse2.read_table(file, NEEDED)
    at = argoverse2.times_of(file, table)
    boxes = argoverse2.transforms_of(file, table)
    size = floats(file, np.column_stack([table[n] for n in SIZES]), (-1, 3), "sizes")
    frame = "ego"
    if facts.ego_poses is not None and len(facts.ego_poses) and len(at):
        # Turned with the ego, not after: on a slope a heading is another than its projection.
        order, back = np.unique(at, return_inverse=True)
        boxes = interpolate_poses(facts.ego_poses, order, outside="hold")[back] @ boxes
        frame = "world"
    yaw = np.arctan2(boxes[:, 1, 0], boxes[:, 0, 0])
    tracks = [str(t) for t in table["track_uuid"]]
    names = [str(n) for n in table["category"]]
    root = file.parent.parent.parent
    side = read_side(root, facts.log_id) if file.parent.name == facts.log_id else None
    if side is not None:
        names = [side.class_names.get(t, n) for t, n in zip(tracks, names, strict=True)]
    return Given(
        cuboids=Cuboids(boxes[:, :3, 3], size, yaw),
        coordinate_frame=frame,
        at=at,
        class_names=texts(names),
        track_ids=texts(tracks),
        is_key=None if side is None else side.is_key(tracks, at),
        attributes={} if side is None else side.attributes,
        sweep_attributes={} if side is None else side.sweep_attributes,
    )


def _file(path: Path, log_id: str) -> Path:
    name = "annotations.feather"
    for file in (path, path / name):
        if file.is_file():
            return file
    found = {p.parent.name: p for p in (*path.glob(f"*/{name}"), *path.glob(f"*/*/{name}"))}
    for wanted in (log_id, log_id.removeprefix("av2-")):
        if wanted in found:
            return found[wanted]
    if len(found) != 1:
        raise refuse(path, f"{name} of log {log_id}", listed(sorted(found)) or "none")
    return next(iter(found.values()))
