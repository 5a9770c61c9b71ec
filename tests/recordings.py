"""Tiny recordings for tests: a square yard of walls, seen from a drive around a bend."""

from dataclasses import dataclass, field, replace

import numpy as np

from perception_label.cloud.sweeps import Sweep
from perception_label.geometry.cuboids import Cuboids
from perception_label.geometry.labels import Labels
from perception_label.geometry.poses import EgoPoses, inverse, transform
from perception_label.readers.recording import Recording

START_NS = 1_600_000_000_000_000_000
PERIOD_NS = 100_000_000
MOUNT = np.array([[1.0, 0, 0, 1.2], [0, 1, 0, 0.3], [0, 0, 1, 1.8], [0, 0, 0, 1]])


def world_points(n=4000, seed=0):
    """Ground, two long walls and some posts, (n, 3) float64, world frame."""
    rng = np.random.default_rng(seed)
    kind = rng.integers(0, 4, n)
    x, y = rng.uniform(-40, 60, n), rng.uniform(-40, 40, n)
    z = np.zeros(n)
    wall = kind == 1
    y[wall], z[wall] = (
        np.where(rng.random(wall.sum()) < 0.5, -12.0, 14.0),
        rng.uniform(0, 3, wall.sum()),
    )
    end = kind == 2
    x[end], z[end] = (
        np.where(rng.random(end.sum()) < 0.5, -20.0, 45.0),
        rng.uniform(0, 3, end.sum()),
    )
    post = kind == 3
    x[post], y[post] = np.round(x[post] / 7) * 7, np.round(y[post] / 9) * 9 + 4
    z[post] = rng.uniform(0, 4, post.sum())
    return np.column_stack([x, y, z])


def path(timestamps_ns, speed_mps=6.0, turn_radps=0.4):
    """A bend to the left at constant speed, (P, 4, 4)."""
    t = (timestamps_ns - timestamps_ns[0]) * 1e-9
    yaw = turn_radps * t
    poses = np.tile(np.eye(4), (len(t), 1, 1))
    poses[:, 0, 0], poses[:, 0, 1] = np.cos(yaw), -np.sin(yaw)
    poses[:, 1, 0], poses[:, 1, 1] = np.sin(yaw), np.cos(yaw)
    radius = speed_mps / turn_radps
    poses[:, 0, 3], poses[:, 1, 3] = radius * np.sin(yaw), radius * (1 - np.cos(yaw))
    return EgoPoses(timestamps_ns, poses)


@dataclass(frozen=True)
class MemorySource:
    """Sweeps held in memory; `fail_at` counts reads, for kills and errors in the middle."""

    sweeps: tuple
    reads: list = field(default_factory=list)

    def __call__(self, i):
        self.reads.append(i)
        return self.sweeps[i]


def sweep_at(k, world_from_ego, mount=MOUNT, n=4000):
    rng = np.random.default_rng(k)
    world = world_points(n, seed=k)
    points = transform(inverse(world_from_ego @ mount), world)
    points += rng.normal(0, 0.01, points.shape)
    return Sweep(
        points_m=points.astype(np.float32),
        timestamp_ns=START_NS + k * PERIOD_NS,
        intensity=rng.random(n).astype(np.float32),
        ring=rng.integers(0, 64, n).astype(np.uint16),
        time_offset_ns=rng.integers(-50_000_000, 50_000_000, n).astype(np.int32),
    )


def truth_of(timestamps_ns):
    m = len(timestamps_ns)
    boxes = Cuboids(
        np.tile([10.0, 2.0, 0.75], (m, 1)), np.tile([4.5, 1.8, 1.5], (m, 1)), np.zeros(m)
    )
    return Labels.from_columns(timestamps_ns, ["car-1"] * m, ["car"] * m, boxes)


def recording(n_sweeps=6, n_points=4000, files=(), **changes):
    """A sound recording with everything in it; `changes` replace what a test wants broken."""
    times = START_NS + np.arange(n_sweeps, dtype=np.int64) * PERIOD_NS
    poses = path(times)
    sweeps = tuple(sweep_at(k, poses.world_from_ego[k], n=n_points) for k in range(n_sweeps))
    plain = Recording(
        log_id="yard",
        format="synthetic",
        lidar="top",
        timestamps_ns=times,
        ego_from_lidar=MOUNT,
        source=MemorySource(sweeps),
        ego_poses=poses,
        truth=truth_of(times),
        files=tuple(files),
    )
    return replace(plain, **changes)
