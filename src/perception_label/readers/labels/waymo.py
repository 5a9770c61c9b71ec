"""Waymo v2: `lidar_box/<segment>.parquet`, boxes in the vehicle frame; and side/ if ours."""

from pathlib import Path

from perception_label.geometry.image_labels import texts
from perception_label.readers.files import listed, numbered, refuse
from perception_label.readers.labels.given import Facts, Given
from perception_label.readers.labels.side import read_side
from perception_label.readers.waymo import read_boxes

COMPONENT = "lidar_box"
NAMES = {1: "vehicle", 2: "pedestrian", 3: "sign", 4: "cyclist"}
CLASSES = {"vehicle": "car", "pedestrian": "pedestrian", "sign": "other", "cyclist": "cyclist"}
MICRO_NS = 1000


def read(path: Path, facts: Facts) -> Given:
    """Return the boxes of a segment.

    Parameters
    ----------
    path : Path
        The segment's file, the folder of such files, or the dataset; of several segments the
        log's is taken.
    facts : Facts
        The log.

    Raises
    ------
    SourceError
        If there is no such file, or it has not the columns it must have.
    """
    file = _file(path, facts.log_id)
    boxes = read_boxes(file)
    names = [NAMES.get(kind, "unknown") for kind in boxes.kinds.tolist()]
    side = read_side(file.parents[2], facts.log_id) if file.stem == facts.log_id else None
    at = boxes.timestamps_ns if side is None else side.exact(boxes.timestamps_ns, MICRO_NS)
    if side is not None:
        told = zip(boxes.track_ids, names, strict=True)
        names = [side.class_names.get(track, name) for track, name in told]
    return Given(
        cuboids=boxes.cuboids,
        coordinate_frame="ego",
        at=at,
        class_names=texts(names),
        track_ids=texts(boxes.track_ids),
        is_key=None if side is None else side.is_key(boxes.track_ids, at),
        attributes={} if side is None else side.attributes,
        sweep_attributes={} if side is None else side.sweep_attributes,
    )


def _file(path: Path, log_id: str) -> Path:
    if path.is_file():
        return path
    folders = (path, path / COMPONENT, *(p / COMPONENT for p in sorted(path.glob("*"))))
    files = [f for folder in folders for f in numbered(folder, [".parquet"])]
    found = {f.stem: f for f in files if f.parent.name == COMPONENT}
    for wanted in (log_id, log_id.removeprefix("waymo-")):
        if wanted in found:
            return found[wanted]
    if len(found) != 1:
        raise refuse(path, f"{COMPONENT}/{log_id}.parquet", listed(sorted(found)) or "none")
    return next(iter(found.values()))
