"""A tiny simulated drive for tests: cast once, then held in memory."""

from dataclasses import replace

import numpy as np

from perception_label.cloud.sweeps import Sweep
from perception_label.geometry.labels import Labels
from perception_label.geometry.poses import EgoPoses
from perception_label.pipeline.propose import propose
from perception_label.simulate.log import simulate_log
from perception_label.simulate.settings import LidarSettings, SceneSettings
from perception_label.tables import labels_from_table
from recordings import MemorySource

COARSE = LidarSettings(n_beams=32, azimuth_step_rad=0.005)
SETTINGS = SceneSettings(
    seed=3, duration_s=2.0, vehicles=10, cyclists=3, pedestrians=20, lidar=COARSE
)


def held(settings=SETTINGS):
    """Simulate a log and keep its sweeps, so that every ingest of it is quick."""
    recording = simulate_log(settings, count_points=False)
    sweeps = tuple(recording.source(i) for i in range(settings.n_sweeps))
    return replace(recording, source=MemorySource(sweeps))


def with_sweeps(recording, change):
    """The recording with `change(i, sweep)` in place of each sweep."""
    sweeps = tuple(change(i, s) for i, s in enumerate(recording.source.sweeps))
    return replace(recording, source=MemorySource(sweeps))


def first(recording, n):
    """The first n sweeps of a recording."""
    keep = recording.truth.timestamps_ns <= recording.timestamps_ns[n - 1]
    return replace(
        recording, timestamps_ns=recording.timestamps_ns[:n], truth=recording.truth[keep]
    )


def with_points(sweep, points_m):
    """A sweep at the same time with other points and no channels."""
    points = np.asarray(points_m, dtype=np.float32).reshape(-1, 3)
    return Sweep(points_m=points, timestamp_ns=sweep.timestamp_ns)


def moved(recording, a_from_world):
    """The recording in another world frame."""
    path = recording.ego_poses
    return replace(
        recording,
        ego_poses=EgoPoses(path.timestamps_ns, a_from_world @ path.world_from_ego),
        truth=None,
    )


def proposals(workspace, **options) -> Labels:
    """Propose for the only log and return its boxes."""
    report = propose(workspace, **options)
    labels = labels_from_table(workspace.log().dense_boxes("proposals"))
    assert report.n_boxes == len(labels)
    return labels
