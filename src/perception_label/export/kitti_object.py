"""KITTI object: single sweeps of all logs, numbered through, as the benchmark lays them out.

`training/{velodyne,image_2,calib,label_2}/000123.*` is sweep 123 of the set, `ImageSets/train.txt`
lists them, and side/<log>.json keeps what the layout has no place for: which log, which sweep,
its `timestamp_ns`, and for each line of label_2 its track and class.

Every sweep is written. Boxes behind the camera or out of its picture keep their place in space;
their 2-D box is -1 -1 -1 -1 and they are truncated by 1.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path

import numpy as np

from perception_label.arrays import Floats, Ints, Pose
from perception_label.errors import MissingPosesError
from perception_label.export.kitti_camera import (
    NAMES,
    OTHER,
    boxes_by_sweep,
    camera_from_lidar,
    camera_rows,
    fill_calibration,
)
from perception_label.export.kitti_images import project
from perception_label.export.labelled import Labelled, Plan, json_file
from perception_label.export.pictures import (
    fill_points,
    half_period_ns,
    intensity_scale,
    nearest_images,
    picture_file,
)
from perception_label.geometry.cameras import Camera, forward_camera
from perception_label.geometry.cuboids import wrap
from perception_label.geometry.labels import Labels
from perception_label.geometry.poses import interpolate_poses

UNKNOWN = 3  # occlusion


@dataclass(frozen=True, slots=True)
class _Set:
    """One log in the set: where its numbers begin, and its boxes by sweep."""

    labelled: Labelled
    first: int
    labels: Labels
    start: Ints
    world_from_lidar: Floats
    into_camera: Pose
    camera: Camera | None

    def rows(self, i: int) -> slice:
        return slice(int(self.start[i]), int(self.start[i + 1]))


def plan_logs(logs: Sequence[Labelled]) -> Plan:
    """Plan the set of all logs; boxes between sweeps are left out.

    Raises
    ------
    MissingPosesError
        If a log has boxes and no ego poses.
    """
    files: dict[str, Callable[[Path], None]] = {}
    left_out: list[str] = []
    first = n_left_out = 0
    labels: dict[str, Callable[[Path], None]] = {}
    for labelled in logs:
        one, said = _set(labelled, first)
        files |= _files(one)
        labels |= _label_files(one)
        left_out += [f"log {labelled.log_id}: {text}" for text in said]
        n_left_out += len(labelled.boxes) - len(one.labels)
        first += len(labelled.timestamps_ns)
    listed = "".join(f"{k:06d}\n" for k in range(first))
    files["ImageSets/train.txt"] = partial(_fill_text, listed)
    return Plan({**files, **labels}, tuple(left_out), n_left_out)


def _set(labelled: Labelled, first: int) -> tuple[_Set, tuple[str, ...]]:
    if labelled.ego_poses is None:
        raise MissingPosesError(f"log {labelled.log_id}: expected ego poses, got none")
    times = labelled.timestamps_ns
    labels, sweeps, _, said = boxes_by_sweep(labelled)
    camera = forward_camera(labelled.cameras)[1]
    one = _Set(
        labelled,
        first,
        labels,
        np.searchsorted(sweeps, np.arange(len(times) + 1)),
        interpolate_poses(labelled.ego_poses, times) @ labelled.ego_from_lidar,
        camera_from_lidar(labelled, camera),
        camera,
    )
    return one, said


def _files(one: _Set) -> dict[str, Callable[[Path], None]]:
    labelled, root = one.labelled, "training"
    n = len(labelled.timestamps_ns)
    files: dict[str, Callable[[Path], None]] = {}
    for i in range(n):
        files[f"{root}/calib/{one.first + i:06d}.txt"] = partial(
            fill_calibration, labelled, one.camera, one.into_camera
        )
    if labelled.points is not False:
        scale = cache(partial(intensity_scale, labelled))
        for i in range(n):
            files[f"{root}/velodyne/{one.first + i:06d}.bin"] = partial(
                fill_points, labelled, i, scale
            )
        name = forward_camera(labelled.cameras)[0] or ""
        images = nearest_images(labelled, name, half_period_ns(labelled.timestamps_ns))
        for i in np.flatnonzero(images >= 0).tolist():
            fill = picture_file(labelled, name, int(images[i]), ".png")
            files[f"{root}/image_2/{one.first + i:06d}.png"] = fill
    files[f"side/{labelled.log_id}.json"] = partial(_fill_side, one)
    return files


def _label_files(one: _Set) -> dict[str, Callable[[Path], None]]:
    n = len(one.labelled.timestamps_ns)
    # Ground truth has 15 columns, results have the score as a 16th.
    scored = bool((one.labels.scores != 1).any())
    return {
        f"training/label_2/{one.first + i:06d}.txt": partial(_fill_labels, one, i, scored)
        for i in range(n)
    }


def _fill_labels(one: _Set, i: int, scored: bool, path: Path) -> None:
    part = one.labels[one.rows(i)]
    poses = np.broadcast_to(one.world_from_lidar[i], (len(part), 4, 4))
    boxes = camera_rows(part, poses, one.into_camera)
    flat = project(boxes, one.camera)
    alpha = wrap(boxes[:, 6] - np.arctan2(boxes[:, 3], boxes[:, 5]))
    line = f"%s %.2f {UNKNOWN} %.6f %.2f %.2f %.2f %.2f" + " %.6f" * 7
    line += " %.9g\n" if scored else "\n"
    columns = [
        [NAMES.get(part.class_names[k], OTHER) for k in part.classes],
        flat.outside.tolist(),
        alpha.tolist(),
        *flat.corners_px.T.tolist(),
        *boxes.T.tolist(),
        *([part.scores.tolist()] if scored else []),
    ]
    _fill_text("".join(map(line.__mod__, zip(*columns, strict=True))), path)


def _fill_side(one: _Set, path: Path) -> None:
    labels, n = one.labels, len(one.labelled.timestamps_ns)
    used, numbers = np.unique(labels.tracks, return_inverse=True)
    first = np.unique(numbers, return_index=True)[1]
    facts = {
        **one.labelled.facts("kitti-object"),
        "first_number": one.first,
        "timestamps_ns": one.labelled.timestamps_ns.tolist(),
        "tracks": [
            {
                "track_id": labels.track_names[track],
                "class_name": labels.class_names[labels.classes[row]],
            }
            for track, row in zip(used.tolist(), first.tolist(), strict=True)
        ],
        # By sweep, by line of its label_2: which of the tracks.
        "lines": [numbers[one.rows(i)].tolist() for i in range(n)],
    }
    json_file(facts)(path)


def _fill_text(text: str, path: Path) -> None:
    path.write_text(text, encoding="utf-8")
