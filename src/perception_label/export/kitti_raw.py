"""KITTI raw: one drive per log, with `tracklet_labels.xml`, as the development kit reads it.

`<log>/<date>/<date>_drive_0001_sync/` holds velodyne_points, image_02, oxts and the tracklets, the
calibration lies in the date's folder above, and side/<log>.json keeps what the layout has no
place for: the world's place and, for each tracklet, its track and class.

A tracklet has one size and a pose at each sweep in a row: a track that pauses becomes several,
and where the boxes of a track differ in size the median is written and the rest told.
"""

from collections.abc import Callable, Iterator
from functools import cache, partial
from pathlib import Path
from xml.sax.saxutils import escape

import numpy as np

from perception_label.arrays import Floats, Ints, Mask, Pose
from perception_label.errors import MissingPosesError
from perception_label.export.kitti_camera import (
    NAMES,
    OTHER,
    boxes_by_sweep,
    camera_from_lidar,
    oxts_lines,
)
from perception_label.export.labelled import Labelled, Plan, json_file
from perception_label.export.pictures import (
    fill_points,
    half_period_ns,
    intensity_scale,
    nearest_images,
    picture_file,
)
from perception_label.geometry.cameras import Camera, forward_camera
from perception_label.geometry.cuboids import Cuboids
from perception_label.geometry.labels import Labels
from perception_label.geometry.poses import interpolate_poses, inverse

SAME_M = 1e-6  # sizes nearer than this are one
INTERPOLATED, LABELLED = 1, 2  # KITTI's states of a pose
HEAD = """<?xml version="1.0" encoding="UTF-8" standalone="yes" ?>
<!DOCTYPE boost_serialization>
<boost_serialization signature="serialization::archive" version="9">
<tracklets class_id="0" tracking_level="0" version="0">
\t<count>%d</count>
\t<item_version>1</item_version>
"""
ITEM = """\t<item class_id="1" tracking_level="0" version="1">
\t\t<objectType>%s</objectType>
\t\t<h>%.6f</h>
\t\t<w>%.6f</w>
\t\t<l>%.6f</l>
\t\t<first_frame>%d</first_frame>
\t\t<poses class_id="2" tracking_level="0" version="0">
\t\t\t<count>%d</count>
\t\t\t<item_version>2</item_version>
"""
# Occlusion and truncation are unknown; rx and ry are 0 in KITTI, too.
POSE = (
    "\t\t\t<item><tx>%.6f</tx><ty>%.6f</ty><tz>%.6f</tz><rx>0</rx><ry>0</ry><rz>%.8f</rz>"
    "<state>%d</state><occlusion>-1</occlusion><occlusion_kf>%d</occlusion_kf>"
    "<truncation>-1</truncation><amt_occlusion>-1</amt_occlusion>"
    "<amt_occlusion_kf>-1</amt_occlusion_kf><amt_border_l>-1</amt_border_l>"
    "<amt_border_r>-1</amt_border_r><amt_border_kf>-1</amt_border_kf></item>\n"
)
ITEM_END = "\t\t</poses>\n\t\t<finished>1</finished>\n\t</item>\n"
END = "</tracklets>\n</boost_serialization>\n"


def plan(labelled: Labelled) -> Plan:
    """Plan one drive; boxes between sweeps are left out.

    Raises
    ------
    MissingPosesError
        If the log has no ego poses.
    """
    if labelled.ego_poses is None:
        raise MissingPosesError(f"log {labelled.log_id}: expected ego poses, got none")
    times = labelled.timestamps_ns
    world_from_ego = interpolate_poses(labelled.ego_poses, times)
    name, camera = forward_camera(labelled.cameras)
    log = labelled.log_id
    day = str(times[:1].astype("datetime64[ns]").astype("datetime64[D]")[0]) if len(times) else ""
    date = (day or "1970-01-01").replace("-", "_")
    drive = f"{log}/{date}/{date}_drive_0001_sync"
    runs, labels, keys, left_out = _runs(labelled)
    files = _calibration(labelled, camera, f"{log}/{date}")
    for i, line in enumerate(oxts_lines(world_from_ego)):
        files[f"{drive}/oxts/data/{i:010d}.txt"] = partial(_fill_text, line)
    clock = _clock(times)
    files[f"{drive}/oxts/timestamps.txt"] = partial(_fill_text, clock)
    for kind in ("timestamps", "timestamps_start", "timestamps_end"):
        files[f"{drive}/velodyne_points/{kind}.txt"] = partial(_fill_text, clock)
    if labelled.points is not False:
        files |= _points(labelled, drive)
        files |= _pictures(labelled, name, drive)
    files[f"side/{log}.json"] = json_file(_side(labelled, labels, runs, world_from_ego, name))
    files[f"{drive}/tracklet_labels.xml"] = partial(
        _fill_tracklets, labels, runs, keys, world_from_ego @ labelled.ego_from_lidar, times
    )
    return Plan(files, left_out, len(labelled.boxes) - len(labels))


def _runs(labelled: Labelled) -> tuple[list[Ints], Labels, Mask, tuple[str, ...]]:
    """Return the rows of each tracklet, the boxes they index, which are keyframes."""
    labels, sweeps, places, said = boxes_by_sweep(labelled)
    keys = labelled.is_key()[places]
    order = np.lexsort((sweeps, labels.tracks))
    track, sweep = labels.tracks[order], sweeps[order]
    cuts = (np.diff(track) != 0) | (np.diff(sweep) != 1)
    runs = np.split(order, np.flatnonzero(cuts) + 1) if len(order) else []
    n_other = sum(int(_differs(labels.cuboids.size_m[rows]).sum()) for rows in runs)
    if n_other:
        said += (f"sizes of {n_other} boxes that differ from their tracklet's",)
    return runs, labels, keys, said


def _differs(size_m: Floats) -> Mask:
    return np.asarray(np.abs(size_m - np.median(size_m, axis=0)).max(axis=1) > SAME_M)


def _side(
    labelled: Labelled,
    labels: Labels,
    runs: list[Ints],
    world_from_ego: Floats,
    camera: str | None,
) -> dict[str, object]:
    return {
        **labelled.facts("kitti-raw"),
        "camera": camera,
        "first_position_m": world_from_ego[0, :3, 3].tolist() if len(world_from_ego) else [0, 0, 0],
        "timestamps_ns": labelled.timestamps_ns.tolist(),
        "tracklets": [
            {
                "track_id": labels.track_names[labels.tracks[rows[0]]],
                "class_name": labels.class_names[labels.classes[rows[0]]],
            }
            for rows in runs
        ],
    }


def _calibration(
    labelled: Labelled, camera: Camera | None, folder: str
) -> dict[str, Callable[[Path], None]]:
    into_camera = camera_from_lidar(labelled, camera)
    matrix = np.eye(3) if camera is None else np.asarray(camera.intrinsics, dtype=np.float64)
    size = (1242, 375) if camera is None else (camera.width_px, camera.height_px)
    projection = np.column_stack([matrix, np.zeros(3)])
    cameras = ["calib_time: unknown", "corner_dist: 0"]
    for k in range(4):
        cameras += [
            f"S_0{k}: {size[0]} {size[1]}",
            f"K_0{k}: {_numbers(matrix)}",
            f"D_0{k}: {_numbers(np.zeros(5))}",
            f"R_0{k}: {_numbers(np.eye(3))}",
            f"T_0{k}: {_numbers(np.zeros(3))}",
            f"S_rect_0{k}: {size[0]} {size[1]}",
            f"R_rect_0{k}: {_numbers(np.eye(3))}",
            f"P_rect_0{k}: {_numbers(projection)}",
        ]
    rest = "delta_f: 0 0\ndelta_c: 0 0\n"
    return {
        f"{folder}/calib_cam_to_cam.txt": partial(_fill_text, "\n".join(cameras) + "\n"),
        f"{folder}/calib_velo_to_cam.txt": partial(_fill_text, _rigid(into_camera) + rest),
        f"{folder}/calib_imu_to_velo.txt": partial(
            _fill_text, _rigid(inverse(labelled.ego_from_lidar))
        ),
    }


def _rigid(pose: Pose) -> str:
    return f"calib_time: unknown\nR: {_numbers(pose[:3, :3])}\nT: {_numbers(pose[:3, 3])}\n"


def _numbers(values: Floats) -> str:
    return " ".join(f"{v:.15e}" for v in np.ravel(values))


def _clock(times: Ints) -> str:
    words = np.datetime_as_string(times.astype("datetime64[ns]"), unit="ns")
    return "".join(f"{word.replace('T', ' ')}\n" for word in words.tolist())


def _points(labelled: Labelled, drive: str) -> dict[str, Callable[[Path], None]]:
    scale = cache(partial(intensity_scale, labelled))
    return {
        f"{drive}/velodyne_points/data/{i:010d}.bin": partial(fill_points, labelled, i, scale)
        for i in range(len(labelled.timestamps_ns))
    }


def _pictures(
    labelled: Labelled, name: str | None, drive: str
) -> dict[str, Callable[[Path], None]]:
    if name is None or name not in labelled.images:
        return {}
    times = labelled.timestamps_ns
    images = nearest_images(labelled, name, half_period_ns(times))
    taken = labelled.images[name].timestamps_ns
    clock = _clock(np.where(images >= 0, taken[np.maximum(images, 0)], times))
    files: dict[str, Callable[[Path], None]] = {
        f"{drive}/image_02/timestamps.txt": partial(_fill_text, clock)
    }
    for i in np.flatnonzero(images >= 0).tolist():
        fill = picture_file(labelled, name, int(images[i]), ".png")
        files[f"{drive}/image_02/data/{i:010d}.png"] = fill
    return files


def _fill_tracklets(
    labels: Labels,
    runs: list[Ints],
    keys: Mask,
    world_from_lidar: Floats,
    times: Ints,
    path: Path,
) -> None:
    with path.open("w", encoding="utf-8") as out:
        out.write(HEAD % len(runs))
        for rows in runs:
            sweeps = np.searchsorted(times, labels.timestamps_ns[rows])
            boxes = labels.cuboids[rows].seen_from(world_from_lidar[sweeps])
            out.writelines(_item(labels, rows, sweeps, boxes, keys))
        out.write(END)


def _item(labels: Labels, rows: Ints, sweeps: Ints, boxes: Cuboids, keys: Mask) -> Iterator[str]:
    length, width, height = np.median(boxes.size_m, axis=0).tolist()
    name = NAMES.get(labels.class_names[labels.classes[rows[0]]], OTHER)
    yield ITEM % (escape(name), height, width, length, sweeps[0], len(rows))
    x, y, z = boxes.center_m.T
    state = np.where(keys[rows], LABELLED, INTERPOLATED)
    columns = (x, y, z - height / 2, boxes.yaw_rad, state, keys[rows].astype(int))
    yield from map(POSE.__mod__, zip(*(c.tolist() for c in columns), strict=True))
    yield ITEM_END


def _fill_text(text: str, path: Path) -> None:
    path.write_text(text, encoding="utf-8")
