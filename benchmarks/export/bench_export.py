"""Boxes per second out of a memory-mapped table, per format."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from perception_label.export import FORMATS, Labelled, plan
from perception_label.geometry.cameras import Camera, Images
from perception_label.geometry.cuboids import Cuboids
from perception_label.geometry.image_labels import ImageLabels
from perception_label.geometry.labels import Labels
from perception_label.geometry.poses import EgoPoses
from perception_label.tables import labels_to_table

N_SWEEPS, N_TRACKS = 3600, 53
AHEAD = np.array([[0.0, 0, 1, 0], [-1, 0, 0, 0], [0, -1, 0, 0], [0, 0, 0, 1]])


@pytest.fixture(scope="module")
def labelled(tmp_path_factory):
    rng = np.random.default_rng(0)
    times = np.arange(N_SWEEPS, dtype=np.int64) * 100_000_000
    n = N_SWEEPS * N_TRACKS
    labels = Labels(
        timestamps_ns=np.repeat(times, N_TRACKS),
        tracks=np.tile(np.arange(N_TRACKS, dtype=np.int32), N_SWEEPS),
        track_names=tuple(f"track-{k}" for k in range(N_TRACKS)),
        classes=np.zeros(n, np.int16),
        class_names=("car",),
        cuboids=Cuboids(
            rng.uniform(-60, 60, (n, 3)), rng.uniform(1, 5, (n, 3)), rng.uniform(-3, 3, n)
        ),
        scores=rng.random(n),
        n_points=rng.integers(0, 500, n),
    )
    path = tmp_path_factory.mktemp("boxes") / "boxes.arrow"
    table = labels_to_table(labels, "model:bench")
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table)
    return Labelled(
        log_id="bench",
        boxes=pa.ipc.open_file(pa.memory_map(str(path))).read_all(),
        timestamps_ns=times,
        ego_poses=EgoPoses(times, np.tile(np.eye(4), (N_SWEEPS, 1, 1))),
        ego_from_lidar=np.eye(4),
        cameras={"front": Camera(1920, 1080, ((900, 0, 960), (0, 900, 540), (0, 0, 1)), AHEAD)},
        images={"front": Images(times, tuple(Path(f"{k}.jpg") for k in range(N_SWEEPS)))},
        image_labels=lambda _camera: flat(times),
        points=False,
    )


def flat(times):
    """As many boxes on the images of a camera."""
    rng = np.random.default_rng(1)
    n = N_SWEEPS * N_TRACKS
    first = rng.uniform(0, 900, (n, 2))
    ids = np.array([f"track-{k}" for k in range(N_TRACKS)], dtype=np.object_)
    return ImageLabels(
        images=np.repeat(np.arange(N_SWEEPS), N_TRACKS),
        timestamps_ns=np.repeat(times, N_TRACKS),
        track_ids=np.tile(ids, N_SWEEPS),
        class_names=np.full(n, "car", dtype=np.object_),
        boxes_px=np.column_stack([first, first + rng.uniform(5, 100, (n, 2))]),
        is_key=rng.random(n) < 0.1,
    )


@pytest.mark.benchmark(group="export of 190,800 boxes")
@pytest.mark.parametrize("format", FORMATS)
def test_export(benchmark, labelled, format, tmp_path):
    def write():
        for name, fill in plan(labelled, format).files.items():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            fill(tmp_path / name)

    benchmark.pedantic(write, rounds=3, warmup_rounds=1)
    benchmark.extra_info["boxes_per_s"] = len(labelled.boxes) / benchmark.stats.stats.min
