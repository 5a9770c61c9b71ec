"""KITTI tracking's label text: 17 columns, 18 with a score; and side/ if we wrote it."""

from pathlib import Path
from typing import Any

import numpy as np

from perception_label.arrays import Ints, Pose
from perception_label.geometry.image_labels import texts
from perception_label.readers import kitti
from perception_label.readers.files import file_in, floats, read_json, read_text, refuse
from perception_label.readers.labels.given import Facts, Given

COLUMNS, SCORE = 17, 17
DONT_CARE = "DontCare"
# KITTI says Misc of whatever is none of its classes; that is all `other` says, too.
CLASSES = {**kitti.CLASSES, "misc": "other"}


def read(path: Path, facts: Facts) -> Given:
    """Return the boxes of a label file, in the LiDAR's frame at each sweep.

    Boxes are in the rectified camera of `facts.calibration`; without one, of ../calib/NAME.txt
    if the file lies in label_02/ as we and the benchmark write it, else in the log's forward
    camera. Where ../side/NAME.json is there, track ids and classes are those it keeps.

    Raises
    ------
    SourceError
        If it is no such file.
    """
    name = f"label_02/{facts.log_id}.txt"
    path = file_in(path, name, f"training/{name}")
    lines = [line.split() for line in read_text(path).splitlines() if line.strip()]
    for i, line in enumerate(lines):
        if len(line) < COLUMNS:
            raise refuse(path, f"{COLUMNS} columns in line {i + 1}", len(line))
    kept = [line for line in lines if line[2] != DONT_CARE]
    rows = [[line[0], *line[10:17], line[SCORE] if len(line) > SCORE else "1"] for line in kept]
    table = floats(path, rows or np.empty((0, 9)), (-1, 9), "boxes")
    at = _sweeps(path, table[:, 0])
    tracks, names = [line[1] for line in kept], [line[2] for line in kept]
    side = path.parent.parent / "side" / f"{path.stem}.json"
    if path.parent.name == "label_02" and side.is_file():
        tracks, names = _told(side, tracks, names)
    n_regions = len(lines) - len(kept)
    return Given(
        cuboids=kitti.camera_boxes(_lidar_from_camera(path, facts), table[:, 1:8]),
        coordinate_frame="sensor",
        at=at,
        by_number=True,
        class_names=texts(names),
        # Detections without tracks are written with -1.
        track_ids=None if "-1" in tracks else texts(tracks),
        scores=table[:, 8],
        left_out=(f"{n_regions} regions marked {DONT_CARE}",) if n_regions else (),
    )


def _sweeps(path: Path, numbers: np.ndarray) -> Ints:
    at: Ints = numbers.astype(np.int64)
    if (at != numbers).any() or (at < 0).any():
        raise refuse(path, "whole sweep numbers in the first column", "others")
    return at


def _lidar_from_camera(path: Path, facts: Facts) -> Pose:
    calibration = facts.calibration
    beside = path.parent.parent / "calib" / path.name
    if calibration is None and path.parent.name == "label_02" and beside.is_file():
        calibration = beside
    if calibration is None:
        return facts.lidar_from_forward_camera()
    return kitti.lidar_from_rect(calibration, kitti.read_calibration(calibration))


def _told(side: Path, tracks: list[str], names: list[str]) -> tuple[list[str], list[str]]:
    """Return track ids and classes as side/ has them, where it knows the track's number."""
    known: dict[str, tuple[str, str]] = {}
    said: Any = read_json(side, dict).get("tracks", [])
    try:
        for track in said:
            known[str(track["number"])] = (str(track["track_id"]), str(track["class_name"]))
    except (KeyError, TypeError) as error:
        raise refuse(side, "tracks with number, track_id and class_name", error) from None
    found = [known.get(track, (track, name)) for track, name in zip(tracks, names, strict=True)]
    return [track for track, _ in found], [name for _, name in found]
