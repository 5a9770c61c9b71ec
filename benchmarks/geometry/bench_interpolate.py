"""Poses and cuboids between known instants, SciPy beside them; quality on a real log.

`python benchmarks/geometry/bench_interpolate.py` prints the 3-D IoU of moving vehicles of the
Argoverse 2 log with a keyframe every 10, 20 and 40 instants (and the last one).
"""

import os
from pathlib import Path

import numpy as np
import pytest
from scipy.interpolate import Akima1DInterpolator
from scipy.spatial.transform import Rotation, Slerp

from perception_label import Cuboids, interpolate
from perception_label.geometry.interpolate import METHODS
from perception_label.geometry.overlap import overlap_3d_pairs
from perception_label.geometry.poses import EgoPoses, interpolate_poses, pose

DATA = Path(os.environ.get("PERCEPTION_LABEL_DATA", "../shared/data"))
TENTH = 100_000_000
VEHICLES = ("car", "truck", "bus")


@pytest.fixture(scope="module")
def path():
    rng = np.random.default_rng(0)
    turn = Rotation.from_rotvec(np.cumsum(rng.normal(0, 0.02, (600, 3)), axis=0))
    poses = pose(np.cumsum(rng.normal(0, 1, (600, 3)), axis=0), turn.as_quat(scalar_first=True))
    return EgoPoses(np.arange(600) * TENTH, poses), np.sort(rng.integers(0, 599 * TENTH, 120_000))


def by_scipy(path, at):
    times = path.timestamps_ns * 1e-9
    turned = Slerp(times, Rotation.from_matrix(path.world_from_ego[:, :3, :3]))(at * 1e-9)
    out = np.tile(np.eye(4), (len(at), 1, 1))
    out[:, :3, :3] = turned.as_matrix()
    for axis in range(3):
        out[:, axis, 3] = np.interp(at * 1e-9, times, path.world_from_ego[:, axis, 3])
    return out


@pytest.mark.benchmark(group="a pose per point: 120,000 times, 600 poses")
def test_poses_ours(benchmark, path):
    got = benchmark(interpolate_poses, *path)
    np.testing.assert_allclose(got, by_scipy(*path), rtol=0, atol=1e-6)


@pytest.mark.benchmark(group="a pose per point: 120,000 times, 600 poses")
def test_poses_scipy(benchmark, path):
    benchmark.pedantic(by_scipy, path, rounds=3)


@pytest.fixture(scope="module")
def track():
    rng = np.random.default_rng(0)
    yaw = np.cumsum(rng.normal(0, 0.2, 20))
    steps = 8 * np.column_stack([np.cos(yaw), np.sin(yaw), 0 * yaw])
    keys = Cuboids(np.cumsum(steps, axis=0), np.tile([4.4, 1.8, 1.5], (20, 1)), yaw)
    return keys, np.arange(20) * 10 * TENTH, np.arange(191) * TENTH


@pytest.mark.benchmark(group="a track of 20 keyframes at 191 sweeps")
@pytest.mark.parametrize("method", METHODS)
def test_track_ours(benchmark, track, method):
    benchmark(lambda: interpolate(*track, method=method))


@pytest.mark.benchmark(group="a track of 20 keyframes at 191 sweeps")
def test_track_scipy_makima(benchmark, track):
    keys, times, at = track
    benchmark(lambda: Akima1DInterpolator(times * 1e-9, keys.packed(), method="makima")(at * 1e-9))


def quality(root: Path) -> None:
    from perception_label.readers import argoverse2

    truth = argoverse2.open_log(root).truth
    names = np.array(truth.class_names)[truth.classes]
    for stride in (10, 20, 40):
        scores: dict[str, list[float]] = {m: [] for m in METHODS}
        for t in range(len(truth.track_names)):
            rows = np.flatnonzero((truth.tracks == t) & np.isin(names, VEHICLES))
            rows = rows[np.argsort(truth.timestamps_ns[rows])]
            if len(rows) <= max(stride, 24):
                continue
            if np.hypot(*np.ptp(truth.cuboids.center_m[rows, :2], axis=0)) < 3:
                continue
            keys = rows[np.unique(np.append(np.arange(0, len(rows), stride), len(rows) - 1))]
            times = truth.timestamps_ns
            for m in METHODS:
                got = interpolate(truth.cuboids[keys], times[keys], times[rows], method=m)
                scores[m] += overlap_3d_pairs(got, truth.cuboids[rows]).tolist()
        for m, values in scores.items():
            iou = np.array(values)
            print(
                f"every {stride}: {m:7} mean IoU {iou.mean():.3f}, at 0.7 {(iou >= 0.7).mean():.3f}"
            )


if __name__ == "__main__":
    quality(DATA / "av2_adcf7d18")
