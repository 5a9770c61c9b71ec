"""One track out of 1.9 million dense boxes of 17,687 tracks, the labels of an hour of driving.

`pytest benchmarks/storage/bench_dense.py`; the rival is a filter of the same table.
"""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from perception_label.geometry.cuboids import Cuboids
from perception_label.geometry.labels import Labels
from perception_label.storage.dense import DenseBoxes
from perception_label.storage.whole import read_table, write_table
from perception_label.tables import labels_to_table

N_BOXES, N_TRACKS, N_SWEEPS = 1_900_000, 17_687, 36_000


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    rng = np.random.default_rng(0)
    sweep = np.sort(rng.integers(0, N_SWEEPS, N_BOXES))
    labels = Labels(
        timestamps_ns=sweep * 100_000_000,
        tracks=rng.integers(0, N_TRACKS, N_BOXES).astype(np.int32),
        track_names=tuple(f"t{k:05d}" for k in range(N_TRACKS)),
        classes=rng.integers(0, 3, N_BOXES).astype(np.int16),
        class_names=("car", "cyclist", "pedestrian"),
        cuboids=Cuboids(*(rng.normal(0, 50, (N_BOXES, 3)) for _ in range(2)), rng.random(N_BOXES)),
        scores=rng.random(N_BOXES),
        n_points=rng.integers(0, 500, N_BOXES),
    )
    place = tmp_path_factory.mktemp("dense") / "solved.arrow"
    write_table(place, labels_to_table(labels, "solver"))
    return place


@pytest.mark.benchmark(group="one track of 1.9 million boxes")
def test_ours(benchmark, path):
    boxes = DenseBoxes(read_table(path))
    boxes.track("t00000")
    assert 50 < len(benchmark(boxes.track, "t09000")) < 200


@pytest.mark.benchmark(group="one track of 1.9 million boxes")
def test_ours_the_first_time(benchmark, path):
    found = benchmark.pedantic(lambda: DenseBoxes(read_table(path)).track("t09000"), rounds=7)
    assert 50 < len(found) < 200


@pytest.mark.benchmark(group="one track of 1.9 million boxes")
def test_arrow_filter(benchmark, path):
    def filtered():
        table = read_table(path)
        chunk = table.column("track_id").chunk(0)
        code = pc.index(chunk.dictionary, "t09000").as_py()
        return table.filter(pc.equal(chunk.indices, pa.scalar(code, pa.int32())))

    assert 50 < len(benchmark(filtered)) < 200
