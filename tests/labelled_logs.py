"""Logs with awkward labels: odd ids, tilted ego poses, gaps, boxes all around."""

import numpy as np
from scipy.spatial.transform import Rotation

from perception_label.export import Labelled
from perception_label.geometry.cameras import Camera
from perception_label.geometry.cuboids import Cuboids, wrap
from perception_label.geometry.labels import Labels
from perception_label.geometry.poses import EgoPoses
from perception_label.tables import labels_to_table

MOUNT = np.array([[0.0, -1, 0, 0.5], [1, 0, 0, 0.1], [0, 0, 1, 1.7], [0, 0, 0, 1]])
NAMES = ("car", "bus", "pedestrian", "cyclist", "motorcycle")
IDS = ('a"b', "comma, id", "line\nbreak", "ünïcode", "", "7", "007", "null")
TIMES = 1_700_000_000_000_000_001 + np.arange(6, dtype=np.int64) * 99_999_999


def camera(tilt_rad=0.05):
    ahead = np.array([[0.0, 0, 1], [-1, 0, 0], [0, -1, 0]])
    pose = np.eye(4)
    pose[:3, :3] = Rotation.from_euler("y", tilt_rad).as_matrix() @ ahead
    pose[:3, 3] = [1.5, 0.2, 1.4]
    return Camera(1242, 375, ((721.5, 0, 609.6), (0, 721.5, 172.9), (0, 0, 1)), pose)


def path():
    poses = np.tile(np.eye(4), (len(TIMES), 1, 1))
    angles = np.linspace([0.3, -0.03, 0.02], [1.4, 0.05, -0.04], len(TIMES))
    poses[:, :3, :3] = Rotation.from_euler("ZYX", angles).as_matrix()
    poses[:, :3, 3] = np.linspace([120, -40, 3], [131, -35, 3.5], len(TIMES))
    return EgoPoses(TIMES, poses)


def labels(seed=0, n=40, scores=True):
    rng = np.random.default_rng(seed)
    sweep = np.sort(rng.integers(0, len(TIMES), n))
    track = rng.integers(0, len(IDS), n)
    # One box per track and sweep.
    keep = np.unique(sweep * 100 + track, return_index=True)[1]
    sweep, track = sweep[keep], track[keep]
    m = len(keep)
    center = path().world_from_ego[sweep][:, :3, 3] + rng.uniform(-60, 60, (m, 3)) * [1, 1, 0.05]
    yaw = wrap(np.r_[[0, np.pi / 2, -np.pi, 3.0, -np.pi / 2], rng.uniform(-7, 7, m)][:m])
    return Labels.from_columns(
        TIMES[sweep],
        [IDS[k] for k in track],
        [NAMES[k % len(NAMES)] for k in track],
        Cuboids(center, rng.uniform(0.4, 9, (m, 3)), yaw),
        scores=rng.random(m) if scores else None,
        n_points=rng.integers(-1, 500, m),
        expected_iou=np.where(rng.random(m) < 0.5, np.nan, rng.random(m)),
        revision=rng.integers(-1, 10**12, m),
    )


def labelled(given=None, **changes):
    known = {
        "log_id": "log-1",
        "boxes": labels_to_table(labels() if given is None else given, "model:test"),
        "timestamps_ns": TIMES,
        "ego_poses": path(),
        "ego_from_lidar": MOUNT,
        "cameras": {"front": camera()},
        "origin_m": (5e5, 4e6, 0.0),
    }
    return Labelled(**{**known, **changes})


def write(plan, out):
    for name, fill in plan.files.items():
        (out / name).parent.mkdir(parents=True, exist_ok=True)
        fill(out / name)
    return out
