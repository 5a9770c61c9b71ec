"""KITTI tracking: `velodyne/0008/*.bin`, `label_02/0008.txt`, `oxts`, `calib`, `image_02`.

A sequence is named as ROOT:0008 (or ROOT/0008, or ROOT/velodyne/0008), where ROOT is the
folder of those folders or the one above; a folder of one sequence needs no name. A small
layout is read too: `velodyne/*.bin`, `label_02.txt`, `oxts.txt` and the calibration as
`NNNN.txt` or `calib.txt`. Without `velodyne` the log has labels and poses, and its sweeps
are empty.

Labels are in the rectified camera's frame: see `kitti.camera_boxes`. The layout has no
times, so 10 Hz is assumed and said. Labels exist only inside the front camera's view.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from perception_label.arrays import Floats, Ints, Pose
from perception_label.geometry.cameras import Camera, Images
from perception_label.geometry.labels import Labels
from perception_label.geometry.poses import EgoPoses, inverse
from perception_label.readers import kitti
from perception_label.readers.classes import own_names
from perception_label.readers.files import floats, numbered, read_text, refuse
from perception_label.readers.logs import empty_warnings, only_log
from perception_label.readers.recording import Recording

LABEL_COLUMNS = 17  # of label_02; results have an 18th, the score
CLOCK = "no sweep times in the layout: 10 Hz from 0 is assumed"
VIEW = "labels cover only what the front camera saw"


@dataclass(frozen=True, slots=True)
class _Sequence:
    """Where the parts of one sequence lie; None for a part that is not there."""

    name: str
    calibration: Path
    velodyne: Path | None
    labels: Path | None
    oxts: Path | None
    images: tuple[Path, ...] = ()


@dataclass(frozen=True, slots=True)
class _Rows:
    """A label file: which sweep, which track, which class, and h w l x y z rotation_y."""

    sweeps: Ints
    tracks: list[str]
    names: list[str]
    boxes: Floats
    n_dont_care: int


def logs(path: Path) -> list[str]:
    """Return the names of the KITTI tracking sequences that the path is or holds."""
    return [s.name for s in _sequences(path)]


def open_log(path: Path) -> Recording:
    """Open one KITTI tracking sequence.

    Raises
    ------
    SourceError
        If the sequence is not there or not whole, or several are and none is named.
    """
    found = _sequences(path)
    chosen = only_log(path, [Path(s.name) for s in found], "KITTI tracking sequence")
    sequence = next(s for s in found if s.name == chosen.name)
    calibration = kitti.read_calibration(sequence.calibration)
    rect = kitti.lidar_from_rect(sequence.calibration, calibration)
    ego_from_lidar = inverse(kitti.rigid(sequence.calibration, calibration, "Tr_imu_to_velo"))
    rows = _read_labels(sequence.labels) if sequence.labels else None
    world_from_ego, origin = None, (0.0, 0.0, 0.0)
    if sequence.oxts:
        world_from_ego, origin = kitti.oxts_poses(kitti.read_oxts(sequence.oxts))
    sweeps, files = _instants(sequence, rows, world_from_ego)
    truth, left_out = _truth(rows, world_from_ego, ego_from_lidar, rect)
    times = sweeps * kitti.PERIOD_NS
    cameras, images = _cameras(sequence, calibration, ego_from_lidar @ rect)
    width = cameras["image_02"].width_px if "image_02" in cameras else kitti.WIDTH_PX
    listed = [f for f in (sequence.calibration, sequence.labels, sequence.oxts, *files) if f]
    return Recording(
        log_id=f"kitti-tracking-{sequence.name}",
        format="kitti_tracking",
        lidar="velodyne",
        timestamps_ns=times,
        ego_from_lidar=ego_from_lidar,
        source=kitti.KittiSweeps(tuple(files), times),
        ego_poses=None if world_from_ego is None else EgoPoses(times, world_from_ego[sweeps]),
        truth=truth,
        cameras=cameras,
        images=images,
        files=listed,
        left_out=left_out,
        warnings=[
            CLOCK,
            *([VIEW] if rows else []),
            *empty_warnings(files),
        ],
        is_deskewed=False,
        truth_view_rad=kitti.truth_view_rad(calibration.get("P2"), width),
        origin_m=origin,
    )


def _sequences(path: Path) -> list[_Sequence]:
    roots = [(path, ""), (path / "training", ""), (path.parent, path.name)]
    roots += [(path.parent.parent, path.name), (path.parent / "training", path.name)]
    for root, name in roots:
        found = [s for s in _official(root) if name in ("", s.name)]
        if found:
            return found
    return _small(path)


def _official(root: Path) -> list[_Sequence]:
    def part(kind: str, name: str) -> Path | None:
        return next(
            (p for p in (root / kind / name, root / kind / f"{name}.txt") if p.exists()), None
        )

    calibrations = numbered(root / "calib", [".txt"])
    if not ((root / "label_02").is_dir() or (root / "velodyne").is_dir()):
        return []
    names = [c.stem for c in calibrations]
    return [
        _Sequence(
            name,
            calibration,
            part("velodyne", name),
            part("label_02", name),
            part("oxts", name),
            tuple(p for kind in ("image_02", "image_03") if (p := root / kind / name).is_dir()),
        )
        for name, calibration in zip(names, calibrations, strict=True)
        if part("velodyne", name) or part("label_02", name)
    ]


def _small(path: Path) -> list[_Sequence]:
    texts = [p for p in numbered(path, [".txt"]) if p.stem.isdecimal() or p.stem == "calib"]
    if len(texts) != 1 or not numbered(path / "velodyne", [".bin"]):
        return []
    labels, oxts = path / "label_02.txt", path / "oxts.txt"
    name = texts[0].stem if texts[0].stem.isdecimal() else path.name
    images = tuple(p for kind in ("image_02", "image_03") if (p := path / kind).is_dir())
    return [_Sequence(name, texts[0], path / "velodyne", _if_file(labels), _if_file(oxts), images)]


def _if_file(path: Path) -> Path | None:
    return path if path.is_file() else None


def _read_labels(path: Path) -> _Rows:
    """Return the boxes of a label file; regions marked DontCare are only counted."""
    lines = [line.split() for line in read_text(path).splitlines() if line.strip()]
    for i, line in enumerate(lines):
        if len(line) < LABEL_COLUMNS:
            raise refuse(path, f"{LABEL_COLUMNS} columns in line {i + 1}", len(line))
    kept = [line for line in lines if line[2] != "DontCare"]
    numbers = [[line[0], *line[10:17]] for line in kept] or np.empty((0, 8))
    table = floats(path, numbers, (-1, 8), "labels")
    sweeps = table[:, 0].astype(np.int64)
    if (sweeps != table[:, 0]).any() or (sweeps < 0).any():
        raise refuse(path, "whole sweep numbers in the first column", "others")
    return _Rows(
        sweeps,
        [line[1] for line in kept],
        own_names([line[2] for line in kept], kitti.CLASSES),
        table[:, 1:],
        len(lines) - len(kept),
    )


def _instants(
    sequence: _Sequence, rows: _Rows | None, world_from_ego: Floats | None
) -> tuple[Ints, list[Path | None]]:
    """Return the sweeps' numbers and files: every file, and every instant that has labels."""
    files = {}
    for file in numbered(sequence.velodyne, [".bin"]) if sequence.velodyne else []:
        if not file.stem.isdecimal():
            raise refuse(file, "a sweep number as the file's name", file.stem)
        files[int(file.stem)] = file
    instants = set(files)
    if rows is not None:
        instants.update(rows.sweeps.tolist())
    if not files and world_from_ego is not None:
        instants.update(range(len(world_from_ego)))
    if not instants:
        raise refuse(sequence.velodyne or sequence.calibration, "sweeps or labels", "neither")
    if world_from_ego is not None and max(instants) >= len(world_from_ego):
        n = max(instants) + 1
        raise refuse(
            sequence.oxts or Path(), f"a packet for each of {n} sweeps", len(world_from_ego)
        )
    sweeps = sorted(instants)
    return np.array(sweeps, dtype=np.int64), [files.get(i) for i in sweeps]


def _truth(
    rows: _Rows | None, world_from_ego: Floats | None, ego_from_lidar: Pose, rect: Pose
) -> tuple[Labels | None, list[str]]:
    if rows is None:
        return None, []
    left_out = [f"{rows.n_dont_care} regions marked DontCare"] if rows.n_dont_care else []
    if world_from_ego is None:
        n = len(rows.sweeps)
        return None, [*left_out, f"{n} labels: without ego poses they have no place in the world"]
    boxes = kitti.camera_boxes(rect, rows.boxes)
    cuboids = boxes.moved(world_from_ego[rows.sweeps] @ ego_from_lidar)
    times = rows.sweeps * kitti.PERIOD_NS
    return Labels.from_columns(times, rows.tracks, rows.names, cuboids), left_out


def _cameras(
    sequence: _Sequence, calibration: dict[str, Floats], ego_from_rect: Pose
) -> tuple[dict[str, Camera], dict[str, Images]]:
    cameras, images = {}, {}
    for folder in sequence.images:
        kind = folder.name if folder.name.startswith("image_") else folder.parent.name
        paths = numbered(folder, [".png", ".jpg"])
        projection = calibration.get(f"P{int(kind[-2:])}")
        if not paths or projection is None or projection.shape != (3, 4):
            continue
        size = kitti.image_size_px(paths[0])
        cameras[kind] = kitti.rectified_camera(
            sequence.calibration, projection, ego_from_rect, size
        )
        at = np.array([int(p.stem) for p in paths if p.stem.isdecimal()], dtype=np.int64)
        if len(at) != len(paths):
            raise refuse(folder, "pictures named by their number", paths[0].name)
        images[kind] = Images(at * kitti.PERIOD_NS, tuple(paths))
    return cameras, images
