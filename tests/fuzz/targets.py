"""What is fuzzed: NAME → how to write a whole source, and how it is read.

A reader of a new format gets a line in `TARGETS`: `build(folder)` writes a small whole source
and returns the path to open; `read(path)` reads all of it. Every file that the source has is broken
in turn; `skip` names endings of files that are never broken (pictures, which nobody decodes here).
A reader of labels whose format is exported too needs no line: what is broken is an export.
"""

import atexit
import functools
import importlib.util
import json
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv
from pyarrow import parquet

import format_worlds
from perception_label.errors import LabelError
from perception_label.export import FORMATS as EXPORTS
from perception_label.geometry.poses import EgoPoses
from perception_label.pipeline.export import export
from perception_label.pipeline.imported import facts_of
from perception_label.readers import open_log
from perception_label.readers.calibration import read_calibration
from perception_label.readers.image_labels import read_image_labels
from perception_label.readers.labels import FORMATS as LABEL_FORMATS
from perception_label.readers.labels import Facts, read_labels
from readers import bag_files, layouts, layouts_waymo
from readers.drives import drive


@dataclass(frozen=True)
class Target:
    """One reader: `build(folder)` → path of a whole source; `read(path)` reads all of it."""

    build: Callable[[Path], Path]
    read: Callable[[Path], object]
    skip: tuple[str, ...] = (".png", ".jpg")


def read_log(path: Path, format: str = "auto") -> int:
    """Open a log and read every sweep and every picture that is inside the source."""
    recording = open_log(path, format)
    for i in range(len(recording.timestamps_ns)):
        recording.source(i)
    for pictures in recording.pictures.values():
        for i in range(len(pictures.timestamps_ns)):
            pictures.read(i)
    return len(recording.timestamps_ns)


def log(format: str, build: Callable[[Path], Path]) -> Target:
    """Return the target of a log's reader; the format is told, or all would sniff."""
    return Target(build, lambda path: read_log(path, format))


def layout(name: str, format: str | None = None) -> Target:
    """Return the target of a layout that the readers' tests write."""
    return log(format or name, lambda folder: layouts.write(name, folder, drive(2)))


def one_file(name: str, data: bytes | Callable[[Path], None], read: Callable) -> Target:
    """Return the target of a source that is one file."""

    def build(folder: Path) -> Path:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if callable(data):
            data(path)
        else:
            path.write_bytes(data)
        return path

    return Target(build, read)


def points() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(1)
    return {
        **{axis: rng.uniform(-20, 20, 50).astype(np.float32) for axis in "xyz"},
        "intensity": rng.random(50).astype(np.float32),
    }


def save_npy(path: Path) -> None:
    np.save(path, np.column_stack(list(points().values())))


def save_npz(path: Path) -> None:
    np.savez_compressed(path, points=np.column_stack(list(points().values())))


def save_las(path: Path) -> None:
    import laspy

    made = laspy.LasData(laspy.LasHeader(point_format=6, version="1.4"))
    made.x, made.y, made.z = (points()[axis].astype(float) for axis in "xyz")
    made.gps_time = np.linspace(0, 0.1, 50)
    made.write(path)


FACTS = Facts(
    log_id="yard",
    timestamps_ns=np.arange(4, dtype=np.int64) * 100_000_000,
    ego_poses=EgoPoses(np.array([0, 400_000_000]), np.tile(np.eye(4), (2, 1, 1))),
    image_timestamps_ns={"cam": np.arange(4, dtype=np.int64) * 100_000_000},
)


def labels(format: str) -> Callable[[Path], object]:
    """Return how labels of a format are read."""
    return lambda path: read_labels(path, format, FACTS)


def boxes() -> pa.Table:
    columns: dict[str, object] = {"timestamp_ns": [0, 100_000_000], "track_id": ["a", "b"]}
    columns |= {"class_name": ["car", "truck"], "score": [0.5, 1.0], "is_key": [True, False]}
    for k, name in enumerate(("x_m", "y_m", "z_m", "length_m", "width_m", "height_m", "yaw_rad")):
        columns[name] = [k + 0.5, k + 1.5]
    return pa.table(columns)


LINES = "".join(json.dumps(row) + "\n" for row in boxes().to_pylist()).encode()
KITTI = (
    b"0 3 Car 0 0 -1.5 10 20 30 40 1.5 1.8 4.2 3.0 1.6 20.0 0.3\n"
    b"1 -1 DontCare -1 -1 -10 1 2 3 4 -1 -1 -1 -1000 -1000 -1000 -10\n"
)
CALIBRATION = {
    "ego_from_lidar": np.eye(4).tolist(),
    "points_in": "lidar",
    "cameras": {
        "front": {
            "width_px": 64,
            "height_px": 48,
            "intrinsics": [[50, 0, 32], [0, 50, 24], [0, 0, 1]],
            "ego_from_camera": np.eye(4).tolist(),
            "distortion": [0.1, 0, 0, 0],
        }
    },
}
BOXES_2D = "image,track,x0,y0,x1,y1\n4,3,10,20,30,60\n5,3,11,21,31,61\n"
COCO = {
    "images": [{"id": 9, "frame_index": 4}],
    "categories": [{"id": 1, "name": "car"}],
    "annotations": [
        {
            "id": 1,
            "image_id": 9,
            "category_id": 1,
            "track_id": 3,
            "bbox": [10, 20, 20, 40],
            "segmentation": {"size": [48, 64], "counts": "PPY1"},
        }
    ],
}
CVAT = (
    "<annotations><meta><original_size><width>64</width><height>48</height></original_size></meta>"
    '<track id="3" label="car"><box frame="4" keyframe="1" outside="0" xtl="10" ytl="20" xbr="30" '
    'ybr="60"/><mask frame="5" rle="1, 3, 2" left="2" top="1" width="3" height="2"/></track>'
    "</annotations>"
)
PETS = (
    '<dataset><frame number="4"><objectlist><object id="3"><box h="40" w="20" xc="20" yc="40"/>'
    "</object></objectlist></frame></dataset>"
)
PLAIN = {"labels": [{"image": 4, "track": 3, "x": 10, "y": 20, "width": 20, "height": 40}]}


TRACKLETS = """<?xml version="1.0" encoding="UTF-8" standalone="true" ?>
<!DOCTYPE boost_serialization>
<boost_serialization><tracklets><count>1</count><item><objectType>Car</objectType><h>1.5</h>
<w>1.8</w><l>4.2</l><first_frame>1</first_frame><poses><count>2</count>
<item><tx>8</tx><ty>1</ty><tz>-1.6</tz><rz>0.3</rz><state>2</state></item>
<item><tx>9</tx><ty>1</ty><tz>-1.6</tz><rz>0.3</rz><state>1</state></item>
</poses><finished>1</finished></item></tracklets></boost_serialization>
"""
_BOX = {"name": "shape", "coordinate_system": "top", "val": [8, 1, 0, 0, 0, 0, 1, 4, 2, 1.5]}
_FLAT = {"name": "flat", "coordinate_system": "cam", "val": [50, 40, 20, 10]}
_LINE = {**_FLAT, "mode": "MODE_POLY2D_ABSOLUTE", "closed": False}
_SAID = {"attributes": {"num": [{"name": "score", "val": 0.5}]}}
OPENLABEL = {"openlabel": {
    "metadata": {"schema_version": "1.0.0"},
    "coordinate_systems": {
        "odom": {"type": "scene_cs", "parent": ""},
        "base": {"type": "local_cs", "parent": "odom"},
        "top": {"type": "sensor_cs", "parent": "base", "pose_wrt_parent": {
            "quaternion": [0, 0, 0, 1], "translation": [1, 0, 2]}},
    },
    "streams": {"top": {"type": "lidar"}},
    "objects": {"0": {"name": "a", "type": "car", "object_data": {
        "text": [{"name": "note", "val": "x"}]}}},
    "frames": {str(k): {
        "frame_properties": {"timestamp": f"0.{k}"},
        "objects": {"0": {"object_data": {"cuboid": [{**_BOX, **_SAID}], "bbox": [_FLAT],
                                          "poly2d": [_LINE], "num": [{"name": "n", "val": k}]}}},
    } for k in range(3)},
}}  # fmt: skip


def kitti_object(folder: Path) -> Path:
    """Write a set of KITTI object, with points and labels."""
    calibration = "".join(f"P{k}: 700 0 60 0 0 700 20 0 0 0 1 0\n" for k in range(4))
    calibration += "R0_rect: 1 0 0 0 1 0 0 0 1\nTr_velo_to_cam: 0 -1 0 0 0 0 -1 0 1 0 0 0\n"
    calibration += "Tr_imu_to_velo: 1 0 0 0 0 1 0 0 0 0 1 0\n"
    rows = np.column_stack(list(points().values())).astype("<f4")
    label = KITTI.split(b"\n")[0].split(b" ", 2)[2] + b"\n"
    parts = {"velodyne": rows.tobytes(), "label_2": label, "calib": calibration.encode()}
    for kind, data in parts.items():
        (folder / "training" / kind).mkdir(parents=True)
        suffix = "bin" if kind == "velodyne" else "txt"
        for k in range(2):
            (folder / f"training/{kind}/{k:06d}.{suffix}").write_bytes(data)
    return folder / "training"


def bag(kind: str) -> Callable[[Path], Path]:
    """Return what writes a bag of a kind."""
    return lambda folder: bag_files.write(kind, folder, drive(2))


def foxglove(folder: Path) -> Path:
    path = folder / "drive.mcap"
    bag_files.write_foxglove(path, drive(2))
    return path


XTREME1 = [
    {
        "sourceName": "Without Task",
        "objects": [
            {
                "id": "1", "type": "3D_BOX", "className": "car", "trackId": "3",
                "classValues": [{"name": "note", "value": "x"}],
                "contour": {
                    "center3D": {"x": 9.0, "y": 2.0, "z": 0.5},
                    "size3D": {"x": 4.2, "y": 1.8, "z": 1.5},
                    "rotation3D": {"x": 0.0, "y": 0.01, "z": 0.3},
                },
            }
        ],
    }
]  # fmt: skip


def xtreme1(folder: Path) -> Path:
    """Write an export of Xtreme1 with two sweeps."""
    (folder / "result").mkdir()
    for k in range(2):
        (folder / f"result/{k:04d}.json").write_text(json.dumps(XTREME1))
    return folder


def save_parquet(path: Path) -> None:
    parquet.write_table(boxes(), path)


def save_csv(path: Path) -> None:
    pyarrow.csv.write_csv(boxes(), path)


def save_e57(path: Path) -> None:
    import pye57

    columns = {f"cartesian{axis.upper()}": points()[axis].astype(float) for axis in "xyz"}
    with pye57.E57(str(path), "w") as file:
        file.write_scan_raw(columns, rotation=np.array([1.0, 0, 0, 0]), translation=np.zeros(3))


@functools.cache
def world() -> format_worlds.FormatWorld:
    """Return the small log that is exported for formats without a seed of their own."""
    folder = tempfile.mkdtemp()
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return format_worlds.format_world(Path(folder))


def exported(format: str) -> Target:
    """Return the target of a reader of labels whose format we write: an export is broken."""

    def build(folder: Path) -> Path:
        export(world().workspace, folder, format, log=world().log, points=False)
        for path in (folder, *sorted(folder.rglob("*"))):
            try:
                read(path)
            except LabelError:
                continue
            return path
        raise FileNotFoundError(f"nothing in an export as {format} that can be imported")

    def read(path: Path) -> object:
        return read_labels(path, format, facts_of(world().log))

    return Target(build, read)


# An extra: without it there is nothing to break.
HAS_E57 = importlib.util.find_spec("pye57") is not None
E57 = {"e57": one_file("t.e57", save_e57, lambda path: read_log(path, "e57"))} if HAS_E57 else {}

TARGETS: dict[str, Target] = {
    **{name: layout(name) for name in ("pandaset", "nuscenes", "argoverse2", "boreas", "kitti_raw",
                                       "kitti_tracking")},
    "waymo": log("waymo", lambda folder: layouts_waymo.waymo(folder, layouts_waymo.drive(2))),
    **{name: layout(name, "folder") for name in ("folder_pcd", "folder_ply", "folder_bin")},
    "kitti_object": log("kitti_object", kitti_object),
    **{f"bag_{kind}": log("bag", bag(kind)) for kind in ("ros1", "db3", "mcap")},
    "bag_foxglove": log("bag", foxglove),
    "npy": one_file("t.npy", save_npy, lambda path: read_log(path, "folder")),
    "npz": one_file("t.npz", save_npz, lambda path: read_log(path, "folder")),
    "las": one_file("t.las", save_las, lambda path: read_log(path, "folder")),
    "laz": one_file("t.laz", save_las, lambda path: read_log(path, "folder")),
    **E57,
    "calibration": one_file(
        "calibration.json", json.dumps(CALIBRATION).encode(), read_calibration
    ),
    "labels_parquet": one_file("t.parquet", save_parquet, labels("parquet")),
    "labels_csv": one_file("t.csv", save_csv, labels("csv")),
    "labels_jsonl": one_file("t.jsonl", LINES, labels("jsonl")),
    "labels_kitti_tracking": one_file("t.txt", KITTI, labels("kitti-tracking")),
    "labels_kitti_object": Target(kitti_object, labels("kitti-object"), (".png", ".bin")),
    "labels_kitti_raw": one_file("tracklet_labels.xml", TRACKLETS.encode(), labels("kitti-raw")),
    "labels_openlabel": one_file("t.json", json.dumps(OPENLABEL).encode(), labels("openlabel")),
    "images_csv": one_file("t.csv", BOXES_2D.encode(), read_image_labels),
    "images_mot": one_file("t.txt", b"5,3,11,21,20,40,1,1,1\n", read_image_labels),
    "images_json": one_file("t.json", json.dumps(PLAIN).encode(), read_image_labels),
    "images_coco": one_file("t.json", json.dumps(COCO).encode(), read_image_labels),
    "images_cvat": one_file("t.xml", CVAT.encode(), read_image_labels),
    "images_pets": one_file("t.xml", PETS.encode(), read_image_labels),
    "labels_xtreme1": Target(xtreme1, labels("xtreme1")),
}  # fmt: skip
TARGETS |= {
    name: exported(format)
    for format in LABEL_FORMATS
    if (name := f"labels_{format.replace('-', '_')}") not in TARGETS and format in EXPORTS
}
