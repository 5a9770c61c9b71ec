"""Tiny logs in every layout the readers know, written from one drive whose truth is exact.

Each writer is independent of the readers: it takes the drive's world coordinates to its own
conventions. `NAMES` lists them; `write(name, folder, drive)` returns the path to open.
"""

import json
import struct

import numpy as np
import pyarrow as pa
from pyarrow import feather

from readers.drives import CLASSES, SIZES, YAWS, Drive, drive, quaternion
from readers.layouts_boreas import boreas
from readers.layouts_nuscenes import nuscenes
from readers.pickled_tables import write_table

__all__ = [
    "CLASSES", "NAMES", "SIZES", "YAWS", "Drive", "drive", "quaternion", "write", "write_table",
]  # fmt: skip


def write(name, folder, made=None):
    made = drive() if made is None else made
    folder.mkdir(parents=True, exist_ok=True)
    return WRITERS[name](folder, made)


def _json(path, value):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value))


# --- PandaSet ----------------------------------------------------------------------------------


def pandaset(folder, made):
    root = folder / "pandaset" / "042"
    ego_from_native = np.array([[0, 1, 0, 0], [-1, 0, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1.0]])
    poses = []
    for i, matrix in enumerate(made.world_from_ego):
        native = matrix @ ego_from_native
        position = dict(zip("xyz", matrix[:3, 3].tolist(), strict=True))
        heading = dict(zip("wxyz", quaternion(native), strict=True))
        poses.append({"position": position, "heading": heading})
        world = made.points_m[i] @ matrix[:3, :3].T + matrix[:3, 3]
        n = len(world)
        write_table(
            root / f"lidar/{i:02d}.pkl.gz",
            {
                **{axis: world[:, k] for k, axis in enumerate("xyz")},
                "i": np.arange(n) % 256 * 1.0,
                "t": made.times_ns[i] * 1e-9 - np.linspace(0.09, 0, n),
                "d": np.arange(n) % 2,
            },
            modern=i % 2 == 0,
        )
        center = made.centers_m[i][[0, 1, 2, 0]]
        write_table(
            root / f"annotations/cuboids/{i:02d}.pkl.gz",
            {
                "uuid": np.array(["a", "b", "c", "twin"], dtype=object),
                "label": np.array(["Car", "Semi-truck", "Pedestrian", "Car"], dtype=object),
                "yaw": YAWS[[0, 1, 2, 0]] - np.pi / 2,
                **{f"position.{axis}": center[:, k] for k, axis in enumerate("xyz")},
                "dimensions.x": SIZES[[0, 1, 2, 0], 1],
                "dimensions.y": SIZES[[0, 1, 2, 0], 0],
                "dimensions.z": SIZES[[0, 1, 2, 0], 2],
                "cuboids.sensor_id": np.array([-1, 0, -1, 1]),
            },
            modern=False,
            protocol=3,
        )
        write_table(root / f"annotations/semseg/{i:02d}.pkl.gz", {"class": np.full(n, 7)})
    _json(root / "lidar/poses.json", poses)
    _json(root / "lidar/timestamps.json", (made.times_ns * 1e-9).tolist())
    return root


# --- KITTI -------------------------------------------------------------------------------------

LATITUDE, LONGITUDE, ALTITUDE = 49.0, 8.4, 115.0
RADIUS = 6378137.0
EGO_FROM_VELO = np.array([[1, 0, 0, 0.8], [0, 1, 0, -0.3], [0, 0, 1, 0.9], [0, 0, 0, 1.0]])
RECT_FROM_VELO = np.array([[0, -1, 0, 0.1], [0, 0, -1, -0.2], [1, 0, 0, -0.3], [0, 0, 0, 1.0]])
PROJECTION = np.array([[700, 0, 600, 40], [0, 700, 180, 0.2], [0, 0, 1, 0.003]])


def _row(values):
    return " ".join(f"{v:.12e}" for v in np.ravel(values))


def packet(matrix):
    """Return the text of a GPS/IMU packet: Mercator turned back."""
    scale = np.cos(np.radians(LATITUDE))
    x0 = scale * RADIUS * np.radians(LONGITUDE)
    y0 = scale * RADIUS * np.log(np.tan(np.pi / 4 + np.radians(LATITUDE) / 2))
    x, y, z = matrix[:3, 3] + [x0, y0, ALTITUDE]
    longitude = np.degrees(x / scale / RADIUS)
    latitude = np.degrees(2 * np.arctan(np.exp(y / scale / RADIUS)) - np.pi / 2)
    heading = np.arctan2(matrix[1, 0], matrix[0, 0])
    return f"{latitude:.14f} {longitude:.14f} {z} 0 0 {heading:.14f} 0 0 0"


def _velo(made, i):
    points = made.points_m[i] - EGO_FROM_VELO[:3, 3]
    told = np.linspace(0, 0.99, len(points))
    return np.column_stack([points, told]).astype("<f4")


def _velo_boxes(made, i):
    """Return centres (3, 3) and yaws (3,) in the Velodyne's frame."""
    matrix = made.world_from_ego[i]
    ego = (made.centers_m[i] - matrix[:3, 3]) @ matrix[:3, :3]
    return ego - EGO_FROM_VELO[:3, 3], YAWS - np.arctan2(matrix[1, 0], matrix[0, 0])


def _label_line(i, k, made):
    center, yaw = (part[k] for part in _velo_boxes(made, i))
    x, y, z = RECT_FROM_VELO[:3, :3] @ center + RECT_FROM_VELO[:3, 3]
    length, width, height = SIZES[k]
    name = ("Car", "Truck", "Pedestrian")[k]
    turn = (-yaw - np.pi / 2 + np.pi) % (2 * np.pi) - np.pi
    box = f"{height} {width} {length} {x} {y + height / 2} {z} {turn}"
    return f"{i} {k + 5} {name} 0 0 0.0 1 2 3 4 {box}"


def kitti_tracking(folder, made, sequence="0007"):
    root = folder / "kitti_tracking"
    velodyne = root / "velodyne" / sequence
    velodyne.mkdir(parents=True)
    for kind in ("label_02", "oxts", "calib"):
        (root / kind).mkdir(exist_ok=True)
    for i in range(len(made)):
        (velodyne / f"{i:06d}.bin").write_bytes(_velo(made, i).tobytes())
    lines = [_label_line(i, k, made) for i in range(len(made)) for k in range(3)]
    lines.insert(0, "0 -1 DontCare -1 -1 -10 1 2 3 4 -1 -1 -1 -1000 -1000 -1000 -10")
    (root / f"label_02/{sequence}.txt").write_text("\n".join(lines) + "\n")
    (root / f"oxts/{sequence}.txt").write_text("\n".join(map(packet, made.world_from_ego)) + "\n")
    (root / f"calib/{sequence}.txt").write_text(
        f"P2: {_row(PROJECTION)}\nR_rect {_row(np.eye(3))}\n"
        f"Tr_velo_cam {_row(RECT_FROM_VELO[:3])}\n"
        f"Tr_imu_velo {_row(np.linalg.inv(EGO_FROM_VELO)[:3])}\n"
    )
    return root


def kitti_small(folder, made):
    """The same sequence as the small layout: one folder, no sequence in the paths."""
    whole = kitti_tracking(folder / "whole", made)
    root = folder / "one_sequence"
    root.mkdir()
    (whole / "velodyne/0007").rename(root / "velodyne")
    for kind, name in (("calib", "0007.txt"), ("label_02", "label_02.txt"), ("oxts", "oxts.txt")):
        (whole / kind / "0007.txt").rename(root / name)
    return root


def kitti_raw(folder, made):
    root = folder / "2011_09_26" / "2011_09_26_drive_0001_sync"
    stamps = np.array(made.times_ns).astype("datetime64[ns]").astype(str)
    text = "\n".join(stamps).replace("T", " ") + "\n"
    for part in ("velodyne_points", "oxts"):
        (root / part / "data").mkdir(parents=True)
        (root / part / "timestamps.txt").write_text(text)
    for i in range(len(made)):
        name = f"{i:010d}"
        (root / f"velodyne_points/data/{name}.bin").write_bytes(_velo(made, i).tobytes())
        (root / f"oxts/data/{name}.txt").write_text(packet(made.world_from_ego[i]) + "\n")
    imu = np.linalg.inv(EGO_FROM_VELO)
    for name, matrix in (("calib_imu_to_velo", imu), ("calib_velo_to_cam", RECT_FROM_VELO)):
        rotation, shift = _row(matrix[:3, :3]), _row(matrix[:3, 3])
        (root.parent / f"{name}.txt").write_text(f"calib_time: now\nR: {rotation}\nT: {shift}\n")
    (root.parent / "calib_cam_to_cam.txt").write_text(
        f"R_rect_00: {_row(np.eye(3))}\nP_rect_02: {_row(PROJECTION)}\n"
    )
    items = []
    for k, name in enumerate(("Car", "Truck", "Pedestrian")):
        length, width, height = SIZES[k]
        poses = []
        for i in range(len(made)):
            center, yaw = (part[k] for part in _velo_boxes(made, i))
            place = dict(zip(("tx", "ty", "tz"), center - [0, 0, height / 2], strict=True))
            values = {**place, "rx": 0, "ry": 0, "rz": yaw, "state": 2}
            poses.append("".join(f"<{tag}>{v}</{tag}>" for tag, v in values.items()))
        body = "".join(f"<item>{p}</item>" for p in poses)
        items.append(
            f"<item><objectType>{name}</objectType><h>{height}</h><w>{width}</w><l>{length}</l>"
            f"<first_frame>0</first_frame><poses><count>{len(made)}</count>{body}</poses></item>"
        )
    (root / "tracklet_labels.xml").write_text(
        '<?xml version="1.0" encoding="UTF-8" standalone="true" ?>\n'
        "<!DOCTYPE boost_serialization>\n<boost_serialization><tracklets><count>3</count>"
        + "".join(items)
        + "</tracklets></boost_serialization>\n"
    )
    return root


# --- Argoverse 2 -------------------------------------------------------------------------------


def argoverse2(folder, made):
    root = folder / "train" / "3f2c-log"
    (root / "sensors/lidar").mkdir(parents=True)
    (root / "calibration").mkdir()
    poses = {"timestamp_ns": pa.array(made.times_ns)}
    turns = np.array([quaternion(m) for m in made.world_from_ego])
    poses |= {n: turns[:, k] for k, n in enumerate(("qw", "qx", "qy", "qz"))}
    poses |= {f"t{a}_m": made.world_from_ego[:, k, 3] for k, a in enumerate("xyz")}
    feather.write_feather(pa.table(poses), str(root / "city_SE3_egovehicle.feather"))
    mount = {"sensor_name": ["up_lidar"], "qw": [1.0], "qx": [0.0], "qy": [0.0], "qz": [0.0]}
    mount |= {"tx_m": [1.3], "ty_m": [0.0], "tz_m": [1.6]}
    feather.write_feather(pa.table(mount), str(root / "calibration/egovehicle_SE3_sensor.feather"))
    rows = []
    for i, time in enumerate(made.times_ns.tolist()):
        points = made.points_m[i]
        n = len(points)
        table = {axis: points[:, k].astype(np.float16) for k, axis in enumerate("xyz")}
        table["intensity"] = (np.arange(n) % 256).astype(np.uint8)
        table["laser_number"] = (np.arange(n) % 64).astype(np.uint8)
        table["offset_ns"] = np.linspace(0, 1e8, n).astype(np.int32)
        feather.write_feather(pa.table(table), str(root / f"sensors/lidar/{time}.feather"))
        matrix = made.world_from_ego[i]
        ego = (made.centers_m[i] - matrix[:3, 3]) @ matrix[:3, :3]
        for k, name in enumerate(("REGULAR_VEHICLE", "BOX_TRUCK", "PEDESTRIAN")):
            half = (YAWS[k] - np.arctan2(matrix[1, 0], matrix[0, 0])) / 2
            turn = (np.cos(half), 0.0, 0.0, np.sin(half))
            rows.append((time, f"track-{k}", name, *SIZES[k], *turn, *ego[k], 40))
    sizes = ["length_m", "width_m", "height_m"]
    place = ["qw", "qx", "qy", "qz", "tx_m", "ty_m", "tz_m"]
    names = ["timestamp_ns", "track_uuid", "category", *sizes, *place, "num_interior_pts"]
    columns = dict(zip(names, map(list, zip(*rows, strict=True)), strict=True))
    feather.write_feather(pa.table(columns), str(root / "annotations.feather"))
    return root


# --- folders of point files --------------------------------------------------------------------


def pcd_bytes(fields, kind="binary", *, step=None):
    """Return a PCD file of named columns; `kind` as after DATA."""
    import lzf

    names, arrays = list(fields), [np.ascontiguousarray(v) for v in fields.values()]
    n = len(arrays[0])
    head = "# .PCD v0.7\nVERSION 0.7\n" + "".join(
        f"{key} {' '.join(str(v) for v in values)}\n"
        for key, values in (
            ("FIELDS", names),
            ("SIZE", [a.dtype.itemsize for a in arrays]),
            ("TYPE", [a.dtype.kind.upper() for a in arrays]),
            ("COUNT", [1] * len(names)),
            ("WIDTH", [n]),
            ("HEIGHT", [1]),
            ("VIEWPOINT", [0, 0, 0, 1, 0, 0, 0]),
            ("POINTS", [n]),
            ("DATA", [kind]),
        )
    )
    if kind == "ascii":
        lines = [" ".join(repr(a[i].item()) for a in arrays) for i in range(n)]
        return (head + "\n".join(lines) + "\n").encode()
    if kind == "binary":
        record = np.empty(n, dtype=[(k, a.dtype) for k, a in zip(names, arrays, strict=True)])
        for name, values in zip(names, arrays, strict=True):
            record[name] = values
        return head.encode() + record.tobytes()
    flat = b"".join(a.tobytes() for a in arrays)
    packed = lzf.compress(flat, 2 * len(flat) + 100) or b""
    return head.encode() + struct.pack("<II", len(packed), len(flat)) + packed


def ply_bytes(fields, kind="binary_little_endian"):
    """Return a PLY file of named columns."""
    words = {"f4": "float", "f8": "double", "u1": "uchar", "u2": "ushort", "u4": "uint",
             "i4": "int", "i2": "short", "i1": "char"}  # fmt: skip
    arrays = {k: np.asarray(v) for k, v in fields.items()}
    n = len(next(iter(arrays.values())))
    head = f"ply\nformat {kind} 1.0\ncomment made up\nelement vertex {n}\n" + "".join(
        f"property {words[a.dtype.str[1:]]} {name}\n" for name, a in arrays.items()
    )
    head += "end_header\n"
    if kind == "ascii":
        lines = [" ".join(repr(a[i].item()) for a in arrays.values()) for i in range(n)]
        return (head + "\n".join(lines) + "\n").encode()
    order = "<" if "little" in kind else ">"
    record = np.empty(n, dtype=[(k, order + a.dtype.str[1:]) for k, a in arrays.items()])
    for name, values in arrays.items():
        record[name] = values
    return head.encode() + record.tobytes()


def channels(made, i):
    """Return the columns of sweep i, in the ego frame, which is the LiDAR's here."""
    points, n = made.points_m[i].astype(np.float32), len(made.points_m[i])
    return {
        **{axis: points[:, k] for k, axis in enumerate("xyz")},
        "intensity": np.arange(n, dtype=np.float32),
        "ring": (np.arange(n) % 32).astype(np.uint16),
        "time": np.linspace(0, 0.09, n).astype(np.float32),
    }


def folder_of(suffix):
    def put(folder, made):
        root = folder / f"folder_{suffix}"
        (root / "lidar").mkdir(parents=True)
        for i, time in enumerate(made.times_ns.tolist()):
            columns = channels(made, i)
            if suffix == "pcd":
                kinds = ("binary", "ascii", "binary_compressed")
                data = pcd_bytes(columns, kinds[i % 3])
            elif suffix == "ply":
                kinds = ("binary_little_endian", "ascii", "binary_big_endian")
                data = ply_bytes(columns, kinds[i % 3])
            else:
                names = ("x", "y", "z", "intensity", "ring")
                data = np.column_stack([columns[n] for n in names]).astype("<f4").tobytes()
            (root / f"lidar/{time}.{suffix}").write_bytes(data)
        lines = []
        for time, matrix in zip(made.times_ns.tolist(), made.world_from_ego, strict=True):
            w, x, y, z = quaternion(matrix)
            at = " ".join(f"{v:.9f}" for v in (*matrix[:3, 3], x, y, z, w))
            lines.append(f"{time // 10**9}.{time % 10**9:09d} {at}")
        (root / "trajectory.txt").write_text("# TUM\n" + "\n".join(lines) + "\n")
        return root

    return put


WRITERS = {
    "pandaset": pandaset,
    "kitti_tracking": kitti_tracking,
    "kitti_small": kitti_small,
    "kitti_raw": kitti_raw,
    "argoverse2": argoverse2,
    "boreas": boreas,
    "nuscenes": nuscenes,
    "folder_pcd": folder_of("pcd"),
    "folder_ply": folder_of("ply"),
    "folder_bin": folder_of("bin"),
}
NAMES = tuple(WRITERS)
