"""The labels of a Boreas log, which came without points, as a recording of empty sweeps.

Boxes lie in the LiDAR's axes: id, class, length, width, height, x, y, z, yaw, points.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from perception_label.cloud.sweeps import Sweep
from perception_label.geometry.cuboids import Cuboids, concatenate
from perception_label.geometry.labels import Labels
from perception_label.geometry.poses import EgoPoses
from perception_label.readers.recording import Recording

CLASSES = {"Car": "car", "Pedestrian": "pedestrian", "Cyclist": "cyclist"}


@dataclass(frozen=True)
class NoPoints:
    """Sweeps of no points."""

    timestamps_ns: np.ndarray

    def __call__(self, i: int) -> Sweep:
        return Sweep(np.empty((0, 3), np.float32), int(self.timestamps_ns[i]))


def rotation(roll: float, pitch: float, heading: float) -> np.ndarray:
    """World from LiDAR. Of all orders and signs this one keeps parked cars at one height best."""
    (r, q), (p, s), (h, t) = ((np.cos(a), np.sin(a)) for a in (roll, -pitch, heading))
    x = np.array([[1, 0, 0], [0, r, q], [0, -q, r]])
    y = np.array([[p, 0, -s], [0, 1, 0], [s, 0, p]])
    z = np.array([[h, t, 0], [-t, h, 0], [0, 0, 1]])
    return z @ y @ x


def boreas(root: Path) -> Recording:
    """Read the labelled instants of a log."""
    files = sorted((root / "labels_detection").glob("*.txt"), key=lambda f: int(f.stem))
    table = np.genfromtxt(root / "lidar_poses.csv", delimiter=",", skip_header=1)
    stamps = np.genfromtxt(
        root / "lidar_poses.csv", delimiter=",", skip_header=1, usecols=0, dtype=np.int64
    )
    times, poses, boxes, ids, classes, n_points, instants = [], [], [], [], [], [], []
    for file in files:
        row = table[stamps == int(file.stem)][0]
        pose = np.eye(4)
        pose[:3, :3] = rotation(*row[7:10])
        pose[:3, 3] = row[1:4]
        times.append(int(file.stem) * 1000)
        poses.append(pose)
        lines = [line.split() for line in file.read_text().splitlines() if line.strip()]
        values = np.array([line[2:9] for line in lines], dtype=np.float64).reshape(-1, 7)
        boxes.append(Cuboids(values[:, 3:6], values[:, :3], values[:, 6]).moved(pose))
        ids += [line[0] for line in lines]
        classes += [CLASSES.get(line[1], "other") for line in lines]
        n_points += [int(float(line[9])) for line in lines]
        instants += [times[-1]] * len(lines)
    at = np.array(times)
    return Recording(
        log_id="boreas",
        format="boreas",
        lidar="lidar",
        timestamps_ns=at,
        ego_from_lidar=np.eye(4),
        source=NoPoints(at),
        ego_poses=EgoPoses(at, np.array(poses)),
        truth=Labels.from_columns(instants, ids, classes, concatenate(boxes), n_points=n_points),
    )
