"""PointRCNN's cars on three KITTI sequences; the benchmark has the loader and the fair score."""

import sys
from pathlib import Path

import pytest

from perception_label import track_cuboids

BENCHMARKS = Path(__file__).parents[2] / "benchmarks" / "tracking"


@pytest.mark.realdata
def test_real_cars_are_followed_without_a_switch(real_data, monkeypatch):
    root = real_data("kitti_tracking")
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    import kitti_detections as kitti

    total = None
    for name in kitti.SEQUENCES:
        found, truth = kitti.load(root, name)
        ids = track_cuboids(found.cuboids, found.timestamps_ns, scores=found.scores)
        keep = (ids >= 0) & (kitti._track_means(found, ids) >= 2.9)
        part = kitti.judge(truth, found[keep], ids[keep])
        total = part if total is None else total + part
    assert total.identity_switches == 0
    assert total.mota > 0.945
    sys.modules.pop("kitti_detections")
