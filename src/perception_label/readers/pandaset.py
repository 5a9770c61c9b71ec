"""PandaSet: gzip-pickled data frames, points and boxes in the world frame.

A sequence is a folder with `lidar/NN.pkl.gz`, `lidar/poses.json`, `lidar/timestamps.json`
and, where published, `annotations/cuboids`, `annotations/semseg` and `camera/<name>/`.

Coordinate frames. `lidar/poses.json` is the pose of a vehicle frame with x right, y ahead,
z up, whose origin is about 0.4 m above the road; our ego frame is the same turned to x ahead,
y left. The sensor frame has ego's axes and its origin in the Pandar64: calibration and camera
poses put it 0.80 m ahead of ego and 1.84 m above. Points of both LiDARs are in every
sweep, told apart by the channel `lidar` (0 = Pandar64, 1 = PandarGT).
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from perception_label.arrays import Floats, Ints, Pose
from perception_label.cloud.sweeps import Sweep
from perception_label.geometry.cuboids import Cuboids, wrap
from perception_label.geometry.labels import Labels
from perception_label.geometry.poses import inverse
from perception_label.readers.classes import own_names
from perception_label.readers.files import floats, numbered, read_json, refuse, single, to_ns, whole
from perception_label.readers.logs import at_least_one, only_log, path_of, time_warnings
from perception_label.readers.pandaset_cameras import number_of, read_cameras, read_poses
from perception_label.readers.pickled_columns import Columns, read_columns
from perception_label.readers.recording import Recording

# x right, y ahead -> x ahead, y left.
NATIVE_FROM_EGO: Pose = np.array([[0, -1, 0, 0], [1, 0, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1.0]])
EGO_FROM_LIDAR: Pose = np.array([[1, 0, 0, 0.8], [0, 1, 0, 0], [0, 0, 1, 1.84], [0, 0, 0, 1.0]])
SIBLING = 1  # cuboids.sensor_id of a box drawn a second time, for the other LiDAR

CLASSES = {
    "car": "car",
    "pickup truck": "car",
    "medium-sized truck": "truck",
    "semi-truck": "truck",
    "emergency vehicle": "truck",
    "bus": "bus",
    "towed object": "trailer",
    "motorcycle": "motorcycle",
    "motorized scooter": "motorcycle",
    "bicycle": "bicycle",
    "pedestrian": "pedestrian",
    "pedestrian with object": "pedestrian",
    "other vehicle - construction vehicle": "construction_vehicle",
}
RIDDEN = ("bicycle", "motorcycle")


def logs(path: Path) -> list[str]:
    """Return the names of the PandaSet sequences that the path is or holds."""
    return [p.name for p in _sequences(path)]


def open_log(path: Path) -> Recording:
    """Open a PandaSet sequence.

    Raises
    ------
    SourceError
        If the sequence, its poses or its times are missing or do not agree, or if `path`
        holds several sequences.
    """
    root = only_log(path, _sequences(path), "PandaSet sequence")
    files = at_least_one(root / "lidar", numbered(root / "lidar", [".pkl.gz"]), "NN.pkl.gz")
    times = to_ns(root / "lidar/timestamps.json", read_json(root / "lidar/timestamps.json", list))
    world_from_ego = read_poses(root / "lidar/poses.json") @ NATIVE_FROM_EGO
    rows = [number_of(f) for f in files]
    for name, length in (("timestamps.json", len(times)), ("poses.json", len(world_from_ego))):
        if max(rows) >= length:
            raise refuse(root / "lidar" / name, f"an entry for sweep {max(rows)}", f"{length}")
    timestamps = times[rows]
    truth, left_out, labels = _truth(root, files, timestamps)
    cameras, images, warnings = read_cameras(root, times, world_from_ego)
    return Recording(
        log_id=f"pandaset-{root.name}",
        format="pandaset",
        lidar="pandar",
        timestamps_ns=timestamps,
        ego_from_lidar=EGO_FROM_LIDAR,
        source=PandasetSweeps(tuple(files), timestamps, world_from_ego[rows]),
        ego_poses=path_of(timestamps, world_from_ego[rows]),
        truth=truth,
        cameras=cameras,
        images=images,
        files=[*files, *labels],
        left_out=left_out,
        warnings=[*time_warnings(timestamps), *warnings],
        is_deskewed=True,
    )


@dataclass(frozen=True, slots=True)
class PandasetSweeps:
    """Reads sweep i of one sequence."""

    paths: tuple[Path, ...]
    timestamps_ns: Ints
    world_from_ego: Floats

    def __call__(self, i: int) -> Sweep:
        """Return sweep i in the sensor frame."""
        path, start_ns = self.paths[i], int(self.timestamps_ns[i])
        columns = read_columns(path)
        sensor_from_world = inverse(self.world_from_ego[i] @ EGO_FROM_LIDAR)
        world = np.column_stack([_numbers(path, columns, axis) for axis in "xyz"])
        # In float64 until here: world coordinates lose millimetres as float32.
        with np.errstate(over="ignore", invalid="ignore"):
            points = world @ sensor_from_world[:3, :3].T + sensor_from_world[:3, 3]
        seconds = _numbers(path, columns, "t") - start_ns * 1e-9
        if len(seconds) and not np.abs(seconds).max() < 1:
            raise refuse(path, "point times within 1 s of the sweep's", f"{seconds[0]:.3f} s away")
        lidar = _numbers(path, columns, "d") if "d" in columns else None
        return Sweep(
            points_m=single(points),
            timestamp_ns=start_ns,
            intensity=single(_numbers(path, columns, "i")),
            time_offset_ns=np.round(seconds * 1e6).astype(np.int32) * np.int32(1000),
            lidar=whole(path, lidar, np.uint8, "d") if lidar is not None else None,
        )


def read_semantics(path: Path, i: int) -> NDArray[np.uint8]:
    """Return the semantic class of each point of sweep i, (N,), by row of the sweep.

    `path` is the sequence; the names of the classes are in its
    `annotations/semseg/classes.json` (6 to 12 are ground), 0 is a point nobody labelled.
    """
    files = at_least_one(path / "lidar", numbered(path / "lidar", [".pkl.gz"]), "NN.pkl.gz")
    file = path / "annotations/semseg" / files[i].name
    return whole(file, _numbers(file, read_columns(file), "class"), np.uint8, "class")


def _sequences(path: Path) -> list[Path]:
    def is_one(folder: Path) -> bool:
        return (folder / "lidar/poses.json").is_file() and bool(
            numbered(folder / "lidar", [".pkl.gz"])
        )

    if is_one(path):
        return [path]
    return [p for p in sorted(path.iterdir()) if is_one(p)] if path.is_dir() else []


def _numbers(path: Path, columns: Columns, name: str) -> Floats:
    if name not in columns:
        raise refuse(path, f"a column {name}", ", ".join(sorted(columns)))
    return floats(path, columns[name], (-1,), name, finite=False)


def _truth(
    root: Path, files: list[Path], timestamps_ns: Ints
) -> tuple[Labels | None, list[str], list[Path]]:
    folder = root / "annotations/cuboids"
    paths = [folder / f.name for f in files]
    there = [i for i, p in enumerate(paths) if p.is_file()]
    left_out = ["semantic classes of points (annotations/semseg): not labels of objects"]
    left_out = left_out if (root / "annotations/semseg").is_dir() else []
    if not there:
        return None, left_out, []
    parts = [_boxes(paths[i]) for i in there]
    boxes = np.concatenate([p[0] for p in parts])
    names = [name for p in parts for name in p[1]]
    ids = [track for p in parts for track in p[2]]
    siblings = sum(p[3] for p in parts)
    if siblings:
        left_out.append(f"{siblings} boxes drawn a second time for the PandarGT (sensor_id 1)")
    if len(there) < len(paths):
        left_out.append(f"{len(paths) - len(there)} sweeps have no file in annotations/cuboids")
    times = np.repeat(timestamps_ns[there], [len(p[0]) for p in parts])
    truth = Labels.from_columns(times, ids, names, Cuboids.unpack(boxes))
    return truth, left_out, [paths[i] for i in there]


def _boxes(path: Path) -> tuple[Floats, list[str], list[str], int]:
    """Return (M, 7) boxes, their classes and ids, and how many siblings were left out."""
    columns = read_columns(path)
    sensor = _numbers(path, columns, "cuboids.sensor_id")
    keep = sensor != SIBLING
    order = ("position.x", "position.y", "position.z", "dimensions.y", "dimensions.x")
    numbers = [_numbers(path, columns, name)[keep] for name in (*order, "dimensions.z", "yaw")]
    boxes = floats(path, np.column_stack(numbers), (-1, 7), "cuboids")
    boxes[:, 6] = wrap(boxes[:, 6] + np.pi / 2)
    if "label" not in columns or "uuid" not in columns:
        raise refuse(path, "columns label and uuid", ", ".join(sorted(columns)))
    names = own_names([str(v) for v in columns["label"][keep]], CLASSES)
    rider = columns.get("attributes.rider_status", np.full(len(keep), None))[keep]
    for i, status in enumerate(rider):
        if names[i] in RIDDEN and str(status).lower() == "with rider":
            names[i] = "cyclist"
    return boxes, names, [str(v) for v in columns["uuid"][keep]], int((~keep).sum())
