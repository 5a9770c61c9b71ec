"""Cheap workspaces of any size: many points, many sweeps, many tracks; nothing is simulated."""

import numpy as np

from perception_label import open_workspace
from perception_label.cloud.sweeps import Sweep
from perception_label.geometry.cuboids import Cuboids
from perception_label.geometry.labels import Labels
from perception_label.geometry.poses import EgoPoses
from perception_label.readers.recording import Recording
from perception_label.tables import labels_to_table
from recordings import MOUNT, PERIOD_NS, START_NS, MemorySource

SOURCE = "model:proposals"


def times(n):
    return START_NS + PERIOD_NS * np.arange(n)


def wide_workspace(folder, *, sweeps=3, points=2000, tracks=5, log_id="wide", **more):
    """A drive straight on over level ground, with cars standing on a grid that were proposed."""
    at = times(sweeps)
    poses = np.tile(np.eye(4), (sweeps, 1, 1))
    poses[:, 0, 3] = 0.5 * np.arange(sweeps)
    rng = np.random.default_rng(points)
    xyz = rng.uniform([-60, -60, -1.8], [60, 60, 1.0], (points, 3)).astype(np.float32)
    source = MemorySource(tuple(Sweep(points_m=xyz, timestamp_ns=int(t)) for t in at))
    recording = Recording(
        log_id=log_id, format="made", lidar="lidar", timestamps_ns=at, source=source,
        ego_poses=EgoPoses(at, poses), ego_from_lidar=MOUNT, **more,
    )  # fmt: skip
    workspace = open_workspace(folder, create=True)
    workspace.ingest(recording)
    if tracks:
        labels = standing(tracks, at)
        workspace.log(log_id).write_machine("proposals", labels_to_table(labels, SOURCE))
    return workspace


def standing(tracks, at):
    """Boxes of cars that stand on a grid, at every one of these instants."""
    across = int(np.ceil(np.sqrt(tracks)))
    k = np.arange(tracks)
    center = np.column_stack(
        [6.0 * (k % across) + 6, 3.0 * (k // across) - 1.5 * across, 0 * k + 0.8]
    )
    m, n = tracks, len(at)
    return Labels.from_columns(
        np.repeat(at, m),
        np.tile([f"t{i:04d}" for i in k], n),
        np.full(m * n, "car"),
        Cuboids(
            np.tile(center, (n, 1)),
            np.tile([4.4, 1.8, 1.6], (m * n, 1)),
            np.zeros(m * n),
        ),
        scores=np.full(m * n, 0.7),
    )
