"""A drive whose truth is exact, for the writers of layouts."""

from dataclasses import dataclass

import numpy as np

SIZES = np.array([[4.5, 1.9, 1.6], [8.0, 2.5, 3.2], [0.7, 0.6, 1.8]])
YAWS = np.array([0.4, 2.1, -1.3])
CLASSES = ("car", "truck", "pedestrian")


@dataclass(frozen=True)
class Drive:
    """S sweeps of a turning ego past three objects; the world's origin is the first ego."""

    times_ns: np.ndarray
    world_from_ego: np.ndarray  # (S, 4, 4)
    centers_m: np.ndarray  # (S, 3 objects, 3), world
    points_m: tuple  # of (N, 3), ego frame at the sweep's instant

    def __len__(self):
        return len(self.times_ns)


def drive(n_sweeps=4, seed=3):
    rng = np.random.default_rng(seed)
    times = 1_600_000_000_250_000_000 + np.arange(n_sweeps) * 100_000_000
    heading = 0.3 + 0.04 * np.arange(n_sweeps)
    poses = np.tile(np.eye(4), (n_sweeps, 1, 1))
    poses[:, 0, 0] = poses[:, 1, 1] = np.cos(heading)
    poses[:, 1, 0], poses[:, 0, 1] = np.sin(heading), -np.sin(heading)
    poses[1:, :2, 3] = np.cumsum(0.8 * np.column_stack([np.cos(heading), np.sin(heading)]), 0)[:-1]
    ahead = np.array([[9.0, 2.0, 0.9], [15.0, -5.0, 1.7], [7.0, -2.0, 1.0]])
    centers = np.repeat((ahead @ poses[0, :3, :3].T)[None], n_sweeps, axis=0)
    centers[:, 2, 0] += 0.15 * np.arange(n_sweeps)  # the pedestrian walks
    clouds = []
    for i in range(n_sweeps):
        world = [rng.uniform(-9, 9, (30, 3)) * [3, 3, 0]]
        for k in range(3):
            inside = rng.uniform(-0.45, 0.45, (40, 3)) * SIZES[k]
            c, s = np.cos(YAWS[k]), np.sin(YAWS[k])
            world.append(inside @ np.array([[c, s, 0], [-s, c, 0], [0, 0, 1]]) + centers[i, k])
        clouds.append((np.concatenate(world) - poses[i, :3, 3]) @ poses[i, :3, :3])
    return Drive(times, poses, centers, tuple(clouds))


def quaternion(matrix):
    """(w, x, y, z) of a turn about z."""
    half = np.arctan2(matrix[1, 0], matrix[0, 0]) / 2
    return [float(np.cos(half)), 0.0, 0.0, float(np.sin(half))]
