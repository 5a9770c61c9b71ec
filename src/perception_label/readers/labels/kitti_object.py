"""KITTI object's label_2: one file per sweep, 15 columns, 16 with a score; and side/ if ours."""

from pathlib import Path
from typing import Any

import numpy as np

from perception_label.arrays import Pose
from perception_label.geometry.cuboids import concatenate
from perception_label.geometry.image_labels import texts
from perception_label.readers import kitti
from perception_label.readers.files import floats, numbered, read_json, read_text, refuse
from perception_label.readers.labels.given import Facts, Given
from perception_label.readers.labels.kitti_tracking import CLASSES, DONT_CARE

__all__ = ["CLASSES", "read"]

COLUMNS, SCORE = 15, 15


def read(path: Path, facts: Facts) -> Given:
    """Return the boxes of a set, in the LiDAR's frame at each sweep.

    Parameters
    ----------
    path : Path
        The set's folder (`training`, or the one above), or its `label_2`. File 12 is of sweep 12
        of the log; in a set that we wrote, side/<log>.json says which are the log's, and each
        line's track and class.
    facts : Facts
        The log.

    Raises
    ------
    SourceError
        If there is no such folder, or a file is not of that format.
    """
    folder = _folder(path)
    side = _side(folder, facts.log_id)
    first, n = (0, None) if side is None else (side["first_number"], len(side["timestamps_ns"]))
    parts, at, names, tracks, scores, n_regions = [], [], [], [], [], 0
    for file in numbered(folder, [".txt"]):
        if not file.stem.isdecimal():
            raise refuse(file, "a number as the file's name", file.stem)
        sweep = int(file.stem) - first
        if not 0 <= sweep < (1 << 31 if n is None else n):
            continue
        lines = [line.split() for line in read_text(file).splitlines() if line.strip()]
        short = [i for i, line in enumerate(lines) if len(line) < COLUMNS]
        if short:
            raise refuse(file, f"{COLUMNS} columns in line {short[0] + 1}", len(lines[short[0]]))
        kept = [line for line in lines if line[0] != DONT_CARE]
        n_regions += len(lines) - len(kept)
        rows = [[*line[8:15], line[SCORE] if len(line) > SCORE else "1"] for line in kept]
        table = floats(file, rows or np.empty((0, 8)), (-1, 8), "boxes")
        parts.append(kitti.camera_boxes(_lidar_from_camera(file, facts), table[:, :7]))
        at += [sweep] * len(kept)
        scores += table[:, 7].tolist()
        told = [None] * len(kept) if side is None else _told(folder, side, sweep, len(kept))
        names += [line[0] if t is None else t[1] for line, t in zip(kept, told, strict=True)]
        tracks += ["" if t is None else t[0] for t in told]
    return Given(
        cuboids=concatenate(parts),
        coordinate_frame="sensor",
        at=np.array(at, dtype=np.int64),
        by_number=True,
        class_names=texts(names),
        track_ids=None if side is None else texts(tracks),
        scores=np.array(scores),
        left_out=(f"{n_regions} regions marked {DONT_CARE}",) if n_regions else (),
    )


def _folder(path: Path) -> Path:
    for folder in (path / "training" / "label_2", path / "label_2", path):
        if folder.is_dir() and (folder.name == "label_2" or numbered(folder, [".txt"])):
            return folder
    raise refuse(path, "a folder with label_2", "none")


def _lidar_from_camera(file: Path, facts: Facts) -> Pose:
    beside = file.parent.parent / "calib" / file.name
    calibration = facts.calibration or (beside if beside.is_file() else None)
    if calibration is None:
        return facts.lidar_from_forward_camera()
    return kitti.lidar_from_rect(calibration, kitti.read_calibration(calibration))


def _side(folder: Path, log_id: str) -> dict[str, Any] | None:
    """Return what we keep beside a set that we wrote; None if others did."""
    kept = folder.parent.parent / "side"
    if not kept.is_dir():
        return None
    path = kept / f"{log_id}.json"
    if not path.is_file():
        known = ", ".join(p.stem for p in numbered(kept, [".json"]))
        raise refuse(path, "this log in the set", known or "none")
    side: dict[str, Any] = read_json(path, dict)
    lists = all(isinstance(side.get(k), list) for k in ("timestamps_ns", "tracks", "lines"))
    if not lists or not isinstance(side.get("first_number"), int):
        raise refuse(path, "first_number, timestamps_ns, tracks, lines", ", ".join(side))
    return side


def _told(folder: Path, side: dict[str, Any], sweep: int, n: int) -> list[tuple[str, str]]:
    try:
        tracks = [side["tracks"][k] for k in side["lines"][sweep]]
        found = [(str(t["track_id"]), str(t["class_name"])) for t in tracks]
    except (IndexError, KeyError, TypeError) as error:
        raise refuse(folder, "side/ to fit label_2", error) from None
    if len(found) != n:
        raise refuse(folder, f"{len(found)} lines for sweep {sweep}, as side/ has", n)
    return found
