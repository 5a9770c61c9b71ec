"""One small log for every format: a moving, tilting ego, a turned and shifted LiDAR, two cameras
with pictures, tracks of unequal sizes and yaws 0, ±π/2, π, attributes, Unicode and spaces.

Truth is worked out here, by plain formulas, not by the package's own geometry: `FormatWorld.rows`
has each box in the world, and in the ego and LiDAR frames of its instant. Every box holds a
known number of points, far enough inside that a reader which turns boxes about the sensor's own
z axis, on these hills, still counts the same; no other point is near.
"""

import json
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from PIL import Image

from perception_label import open_workspace
from perception_label.cloud.sweeps import Sweep
from perception_label.geometry.cameras import Camera, Images
from perception_label.geometry.cuboids import Cuboids
from perception_label.geometry.labels import Labels
from perception_label.geometry.poses import EgoPoses
from perception_label.readers.recording import Recording
from perception_label.storage.edits import make
from perception_label.storage.logs import Log
from perception_label.tables import labels_to_table
from recordings import MemorySource

START_NS = 1_531_883_530_000_000_000
PERIOD_NS = 100_000_000
N_SWEEPS = 8
EVERY = 3  # of so many sweeps one is a keyframe; the last one too
# id, class, length width height, first position, velocity per second, yaw, points inside
TRACKS = (
    ("car 1", "car", (4.5, 1.9, 1.5), (14.0, 3.0, 1.4), (2.0, 0.0, 0.05), 0.0, 90),
    ("Lkw-ü 2", "truck", (8.0, 2.6, 3.1), (24.0, -7.0, 2.3), (0.0, 1.0, 0.0), np.pi / 2, 120),
    ("人 3", "pedestrian", (0.6, 0.8, 1.8), (10.0, 6.0, 1.5), (0.0, -1.2, 0.0), -np.pi / 2, 40),
    ("7", "cyclist", (1.8, 0.7, 1.7), (18.0, 9.0, 1.6), (-3.0, 0.0, 0.0), -np.pi, 50),
    ("car behind", "car", (4.2, 1.8, 1.6), (-12.0, -4.0, 1.3), (1.0, 0.2, 0.0), 0.7, 60),
)
ATTRIBUTES = {
    "car 1": {"is_emergency": True, "note": "Sirene “laut”, <rot> & blau"},
    "人 3": {"n_people": 2},
}
SWEEP_ATTRIBUTE = ("pose", "walking")  # of track 人 3, from sweep 4 on
CLASSES = {track: name for track, name, *_ in TRACKS}
SIZES = {track: size for track, _, size, *_ in TRACKS}


@dataclass(frozen=True)
class FormatWorld:
    """A workspace with the log `hill-1`, and its truth as plain numbers.

    `rows` has, per box: track_id, class_name, sweep, timestamp_ns, is_key, size_m, n_points, and
    for a of world, ego, lidar: a_center_m and a_heading, the unit vector of the box's length axis.
    """

    root: Path
    workspace: object
    log: Log
    rows: list[dict]
    world_from_ego: np.ndarray
    ego_from_lidar: np.ndarray

    @property
    def timestamps_ns(self):
        return START_NS + np.arange(N_SWEEPS, dtype=np.int64) * PERIOD_NS

    def save_truth(self, path: Path) -> None:
        """Write what a client, which has nothing of this package, is compared with."""
        facts = {
            "log_id": self.log.id,
            "timestamps_ns": self.timestamps_ns.tolist(),
            "world_from_ego": self.world_from_ego.tolist(),
            "ego_from_lidar": self.ego_from_lidar.tolist(),
            "rows": self.rows,
            "image_rows": image_rows(),
        }
        path.write_text(json.dumps(facts, indent=1, ensure_ascii=False), encoding="utf-8")


def turned(yaw, pitch=0.0, roll=0.0):
    """Rz(yaw) Ry(pitch) Rx(roll)."""
    cy, sy, cp, sp, cr, sr = (f(a) for a in (yaw, pitch, roll) for f in (np.cos, np.sin))
    about_z = np.array([[cy, -sy, 0], [sy, cy, 0], [0, 0, 1]])
    about_y = np.array([[cp, 0, sp], [0, 1, 0], [-sp, 0, cp]])
    about_x = np.array([[1, 0, 0], [0, cr, -sr], [0, sr, cr]])
    return about_z @ about_y @ about_x


def placed(rotation, position):
    out = np.eye(4)
    out[:3, :3], out[:3, 3] = rotation, position
    return out


EGO_FROM_LIDAR = placed(turned(0.12, 0.02, -0.01), [1.1, 0.25, 1.75])
AHEAD = np.array([[0.0, 0, 1], [-1, 0, 0], [0, -1, 0]])  # ego axes from a camera that looks ahead
CAMERAS = {
    "front": Camera(
        160, 120, ((120.0, 0, 79.5), (0, 120.0, 59.5), (0, 0, 1)),
        placed(turned(0.05, 0.01, 0.0) @ AHEAD, [1.6, 0.1, 1.5]),
    ),
    "left_back": Camera(
        128, 96, ((70.0, 0, 64.0), (0, 70.0, 48.0), (0, 0, 1)),
        placed(turned(2.4) @ AHEAD, [0.2, 0.6, 1.6]),
    ),
}  # fmt: skip
SUFFIXES = {"front": ".png", "left_back": ".jpg"}


def world_from_ego(timestamp_ns):
    """A bend to the left over hills."""
    t = (timestamp_ns - START_NS) * 1e-9
    rotation = turned(0.3 + 0.5 * t, 0.06 * np.sin(4 * t), 0.04 * np.cos(3 * t))
    return placed(rotation, [3.0 + 5.0 * t, -2.0 + 1.5 * t, 0.4 * np.sin(2 * t)])


def truth_rows():
    rows = []
    for k in range(N_SWEEPS):
        at = START_NS + k * PERIOD_NS
        t = k * PERIOD_NS * 1e-9
        ego = world_from_ego(at)
        for track, name, size, start, speed, yaw, n in TRACKS:
            row = {
                "track_id": track,
                "class_name": name,
                "sweep": k,
                "timestamp_ns": at,
                "is_key": k % EVERY == 0 or k == N_SWEEPS - 1,
                "size_m": list(size),
                "yaw_rad": float(yaw),
                "n_points": n,
            }
            center = np.add(start, np.multiply(speed, t))
            heading = np.array([np.cos(yaw), np.sin(yaw), 0.0])
            poses = {"world": np.eye(4), "ego": ego, "lidar": ego @ EGO_FROM_LIDAR}
            for frame, world_from_a in poses.items():
                a_from_world = np.linalg.inv(world_from_a)
                row[f"{frame}_center_m"] = (a_from_world @ [*center, 1.0])[:3].tolist()
                row[f"{frame}_heading"] = (a_from_world[:3, :3] @ heading).tolist()
            rows.append(row)
    return rows


def image_rows():
    """Where each object is on each image: the box around its eight corners, seen by a pinhole.

    Only objects that are on the image with all corners; its outer edge is 0. An exporter that
    takes account of when the LiDAR passed an object is up to half a pixel off.
    """
    rows = []
    for number, (name, camera) in enumerate(CAMERAS.items()):
        for k in range(N_SWEEPS):
            at = START_NS + k * PERIOD_NS + 10_000_000 * (number + 1)
            # After the last sweep nobody says where objects are.
            if at > START_NS + (N_SWEEPS - 1) * PERIOD_NS:
                continue
            t = (at - START_NS) * 1e-9
            camera_from_world = np.linalg.inv(world_from_ego(at) @ camera.ego_from_camera)
            for track, class_name, size, start, speed, yaw, _ in TRACKS:
                ends = np.array(
                    [[x, y, z] for x in (-0.5, 0.5) for y in (-0.5, 0.5) for z in (-0.5, 0.5)]
                )
                corners = (ends * size) @ turned(yaw).T + np.add(start, np.multiply(speed, t))
                seen = corners @ camera_from_world[:3, :3].T + camera_from_world[:3, 3]
                if seen[:, 2].min() < 0.5:
                    continue
                pixels = seen @ np.array(camera.intrinsics).T
                u, v = (pixels[:, :2] / pixels[:, 2:]).T + 0.5
                box = [float(edge) for edge in (u.min(), v.min(), u.max(), v.max())]
                if min(box[:2]) > 0 and box[2] < camera.width_px and box[3] < camera.height_px:
                    rows.append(
                        {
                            "camera": name, "image": k, "timestamp_ns": at, "track_id": track,
                            "class_name": class_name, "box_px": box,
                        }
                    )  # fmt: skip
    return rows


def sweep_at(k, rows):
    """Points of sweep k in the LiDAR frame: those in the boxes, and ground well below them."""
    rng = np.random.default_rng(k)
    at = START_NS + k * PERIOD_NS
    parts = [np.column_stack([rng.uniform(-40, 60, (800, 2)), rng.uniform(-1.4, -1.2, 800)])]
    for row in (r for r in rows if r["sweep"] == k):
        local = rng.uniform(-0.28, 0.28, (row["n_points"], 3)) * row["size_m"]
        parts.append(local @ turned(row["yaw_rad"]).T + row["world_center_m"])
    world = np.concatenate(parts)
    lidar_from_world = np.linalg.inv(world_from_ego(at) @ EGO_FROM_LIDAR)
    points = world @ lidar_from_world[:3, :3].T + lidar_from_world[:3, 3]
    n = len(points)
    return Sweep(
        points_m=points.astype(np.float32),
        timestamp_ns=at,
        intensity=rng.integers(0, 256, n).astype(np.float32),
        ring=rng.integers(0, 32, n).astype(np.uint16),
        time_offset_ns=rng.integers(-40_000_000, 40_000_000, n).astype(np.int32),
    )


def recording(root, log_id="hill-1"):
    """The log as a reader gives it; pictures are written below `root`."""
    rows = truth_rows()
    times = START_NS + np.arange(N_SWEEPS, dtype=np.int64) * PERIOD_NS
    dense = np.arange(START_NS - PERIOD_NS, times[-1] + 2 * PERIOD_NS, PERIOD_NS // 5)
    images = {}
    for number, (name, camera) in enumerate(CAMERAS.items()):
        taken = times + 10_000_000 * (number + 1)
        paths = []
        for k in range(N_SWEEPS):
            path = root / "pictures of hill" / name / f"{k:03d}{SUFFIXES[name]}"
            path.parent.mkdir(parents=True, exist_ok=True)
            shade = np.linspace(0, 255, camera.width_px)[None, :, None] + [10 * k, 40, 80 * number]
            picture = np.broadcast_to(shade, (camera.height_px, camera.width_px, 3)) % 256
            Image.fromarray(picture.astype(np.uint8)).save(path)
            paths.append(path)
        images[name] = Images(taken, tuple(paths))
    return Recording(
        log_id=log_id,
        format="synthetic",
        lidar="top",
        timestamps_ns=times,
        ego_from_lidar=EGO_FROM_LIDAR,
        source=MemorySource(tuple(sweep_at(k, rows) for k in range(N_SWEEPS))),
        ego_poses=EgoPoses(dense, np.array([world_from_ego(t) for t in dense.tolist()])),
        truth=labels_of(rows),
        cameras=CAMERAS,
        images=images,
        files=[path for theirs in images.values() for path in theirs.paths],
        origin_m=(5000.0, 6000.0, 70.0),
    )


def labels_of(rows):
    return Labels.from_columns(
        [r["timestamp_ns"] for r in rows],
        [r["track_id"] for r in rows],
        [r["class_name"] for r in rows],
        Cuboids(
            np.array([r["world_center_m"] for r in rows]),
            np.array([r["size_m"] for r in rows]),
            np.array([r["yaw_rad"] for r in rows]),
        ),
        n_points=[r["n_points"] for r in rows],
    )


def format_world(root, log_ids=("hill-1",)):
    """Make the workspace below `root`: boxes of all sweeps, keyframes and attributes as edits.

    With several ids the logs are alike but for the name; `log` is the first.
    """
    rows = truth_rows()
    workspace = open_workspace(root / "work space", create=True)
    for log_id in log_ids:
        workspace.ingest(recording(root, log_id))
        log = workspace.log(log_id)
        edits = workspace.edits(log)
        edits.append(edits_of(rows, log_id))
        # Of the revision that the edits left, so that nothing is solved again.
        tracks = edits.state().tracks
        labels = replace(
            labels_of(rows), revision=np.array([tracks[r["track_id"]].revision for r in rows])
        )
        sources = ["human" if r["is_key"] else "solver" for r in rows]
        log.write_machine("solved", labels_to_table(labels, sources))
    log = workspace.log(log_ids[0])
    times = log.timestamps_ns.tolist()
    poses = np.array([world_from_ego(t) for t in times])
    return FormatWorld(root, workspace, log, rows, poses, EGO_FROM_LIDAR)


def edits_of(rows, log_id):
    edits = []
    for track, name in CLASSES.items():
        attributes = ATTRIBUTES.get(track)
        edits.append(make.create_track(track, name, size_m=SIZES[track], attributes=attributes))
        for row in rows:
            if row["track_id"] == track and row["is_key"]:
                edits.append(
                    make.set_keyframe(
                        track, row["timestamp_ns"], row["world_center_m"], row["yaw_rad"]
                    )
                )
    at = START_NS + 4 * PERIOD_NS
    edits.append(make.set_attribute("人 3", *SWEEP_ATTRIBUTE, at))
    return edits
