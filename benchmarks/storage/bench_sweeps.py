"""One sweep of 120,000 points from disk to arrays, warm: ours beside Parquet and .npy."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from perception_label import open_workspace
from perception_label.cloud.sweeps import Sweep
from perception_label.readers.recording import Recording

N_POINTS, N_SWEEPS = 120_000, 20


def sweep(k):
    rng = np.random.default_rng(k)
    return Sweep(
        points_m=rng.normal(0, 30, (N_POINTS, 3)).astype(np.float32),
        timestamp_ns=k * 100_000_000,
        intensity=rng.random(N_POINTS).astype(np.float32),
        ring=rng.integers(0, 64, N_POINTS).astype(np.uint16),
    )


@pytest.fixture(scope="module")
def stored(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sweeps")
    times = np.arange(N_SWEEPS, dtype=np.int64) * 100_000_000
    given = Recording("bench", "memory", "top", times, np.eye(4), sweep)
    workspace = open_workspace(folder / "ws")
    workspace.ingest(given)
    one = sweep(7)
    np.save(folder / "one.npy", np.column_stack([one.points_m, one.intensity]))
    names = dict(zip("xyz", one.points_m.T, strict=True))
    pq.write_table(pa.table({**names, "intensity": one.intensity}), folder / "one.parquet")
    return workspace.log(), folder


@pytest.mark.benchmark(group="one sweep, warm")
def test_ours(benchmark, stored):
    log, _ = stored
    assert len(benchmark(log.sweep, 7)) == N_POINTS


@pytest.mark.benchmark(group="one sweep, warm")
def test_npy(benchmark, stored):
    _, folder = stored
    assert len(benchmark(np.load, folder / "one.npy")) == N_POINTS


@pytest.mark.benchmark(group="one sweep, warm")
def test_parquet(benchmark, stored):
    _, folder = stored

    def read():
        table = pq.read_table(folder / "one.parquet")
        return np.column_stack([table.column(k).to_numpy() for k in range(3)])

    assert len(benchmark(read)) == N_POINTS
