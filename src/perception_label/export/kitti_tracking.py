"""KITTI tracking: label_02, calib and oxts as the benchmark lays them out, and side/.

Labels are in a rectified camera's frame: the log's forward camera, or, where it has none,
a camera at the LiDAR that looks along its x axis. The layout has no place for times and
names, so side/<log>.json keeps them: sweep number → `timestamp_ns`, track number →
`track_id` and class. oxts/ places the path at latitude and longitude 0, since a log's
world frame has no place on Earth.
"""

from collections.abc import Callable, Mapping
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
    oxts_lines,
)
from perception_label.export.kitti_images import Boxes2d, project
from perception_label.export.labelled import BATCH_ROWS, Labelled, Plan, json_file
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


def plan(labelled: Labelled) -> Plan:
    """Plan calib, oxts, side and label_02 of one log; boxes between sweeps are left out.

    Raises
    ------
    MissingPosesError
        If the log has no ego poses.
    """
    if labelled.ego_poses is None:
        raise MissingPosesError(f"log {labelled.log_id}: expected ego poses, got none")
    times = labelled.timestamps_ns
    labels, sweeps, _, said = boxes_by_sweep(labelled)
    used, numbers = np.unique(labels.tracks, return_inverse=True)
    world_from_ego = interpolate_poses(labelled.ego_poses, times)
    name, camera = forward_camera(labelled.cameras)
    into_camera = camera_from_lidar(labelled, camera)
    world_from_lidar = world_from_ego @ labelled.ego_from_lidar
    log = labelled.log_id
    side = {
        **labelled.facts("kitti-tracking"),
        "camera": name,
        "first_position_m": world_from_ego[0, :3, 3].tolist() if len(times) else [0.0, 0.0, 0.0],
        "timestamps_ns": times.tolist(),
        "tracks": _tracks(labels, used.astype(np.int64), numbers),
    }
    files: dict[str, Callable[[Path], None]] = {
        f"calib/{log}.txt": partial(fill_calibration, labelled, camera, into_camera),
        f"oxts/{log}.txt": partial(_fill_oxts, world_from_ego),
        f"side/{log}.json": json_file(side),
        f"label_02/{log}.txt": partial(
            _fill_labels, labels, sweeps, numbers, world_from_lidar, into_camera, camera
        ),
    }
    if labelled.points:
        files = {**_pictures_and_points(labelled, name), **files}
    return Plan(files, said, len(labelled.boxes) - len(labels))


def _pictures_and_points(
    labelled: Labelled, camera: str | None
) -> dict[str, Callable[[Path], None]]:
    """Return velodyne/ and, of the sweeps with a picture near in time, image_02/."""
    log, n = labelled.log_id, len(labelled.timestamps_ns)
    scale = cache(partial(intensity_scale, labelled))
    files: dict[str, Callable[[Path], None]] = {
        f"velodyne/{log}/{i:06d}.bin": partial(fill_points, labelled, i, scale) for i in range(n)
    }
    images = nearest_images(labelled, camera or "", half_period_ns(labelled.timestamps_ns))
    for i in np.flatnonzero(images >= 0).tolist():
        fill = picture_file(labelled, camera or "", int(images[i]), ".png")
        files[f"image_02/{log}/{i:06d}.png"] = fill
    return files


def _tracks(labels: Labels, used: Ints, numbers: Ints) -> list[Mapping[str, object]]:
    # A track whose class changes over time keeps each box's own in label_02 as far as KITTI can.
    first = np.unique(numbers, return_index=True)[1]
    return [
        {
            "number": k,
            "track_id": labels.track_names[track],
            "class_name": labels.class_names[labels.classes[first[k]]],
        }
        for k, track in enumerate(used.tolist())
    ]


def _fill_labels(
    labels: Labels,
    sweeps: Ints,
    numbers: Ints,
    world_from_lidar: Floats,
    into_camera: Pose,
    camera: Camera | None,
    path: Path,
) -> None:
    # Ground truth has 17 columns, results have the score as an 18th.
    scored = bool((labels.scores != 1).any())
    # Plain %-formatting of whole rows: twice as fast as numpy.savetxt.
    line = "%d %d %s %d -1 %.6f %.2f %.2f %.2f %.2f" + " %.6f" * 7
    line += " %.9g\n" if scored else "\n"
    words = np.array([NAMES.get(name, OTHER) for name in labels.class_names], dtype=object)
    with path.open("w", encoding="utf-8") as out:
        for start in range(0, len(labels), BATCH_ROWS):
            rows = slice(start, start + BATCH_ROWS)
            part = labels[rows]
            boxes = camera_rows(part, world_from_lidar[sweeps[rows]], into_camera)
            flat = project(boxes, camera)
            columns = [
                sweeps[rows].tolist(),
                numbers[rows].tolist(),
                words[part.classes].tolist(),
                *_flat_columns(flat, boxes),
                *boxes.T.tolist(),
                *([part.scores.tolist()] if scored else []),
            ]
            out.writelines(map(line.__mod__, zip(*columns, strict=True)))


def _flat_columns(flat: Boxes2d, boxes: Floats) -> list[list[float]]:
    alpha = wrap(boxes[:, 6] - np.arctan2(boxes[:, 3], boxes[:, 5]))
    return [flat.truncated.tolist(), alpha.tolist(), *flat.corners_px.T.tolist()]


def _fill_oxts(world_from_ego: Floats, path: Path) -> None:
    with path.open("w", encoding="utf-8") as out:
        out.writelines(oxts_lines(world_from_ego))
