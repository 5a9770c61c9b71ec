"""What the video's parts must reach on images from outside; figures in benchmarks/README.md."""

import xml.etree.ElementTree as ET

import numpy as np
import pytest
from PIL import Image

import perception_label as pl
from perception_label.geometry.boxes import box_iou

N, EVERY = 200, 25


def grey(path):
    return np.asarray(Image.open(path).convert("L"))


@pytest.mark.realdata
@pytest.mark.parametrize(("quality", "most_px"), [("fast", 0.30), ("medium", 0.16)])
def test_flow_of_rubber_whale(real_data, quality, most_px):
    folder = real_data("flow")
    raw = (folder / "rubberwhale_gt.flo").read_bytes()
    width, height = np.frombuffer(raw, np.int32, 2, 4)
    truth = np.frombuffer(raw, np.float32, 2 * width * height, 12).reshape(height, width, 2)
    known = (np.abs(truth) < 1e9).all(axis=2)
    first, second = (grey(folder / f"rubberwhale{k}.png") for k in (1, 2))
    error = np.linalg.norm(pl.dense_flow(first, second, quality=quality) - truth, axis=2)
    assert error[known].mean() <= most_px


@pytest.mark.realdata
def test_points_of_rubber_whale(real_data):
    folder = real_data("flow")
    raw = (folder / "rubberwhale_gt.flo").read_bytes()
    width, height = np.frombuffer(raw, np.int32, 2, 4)
    truth = np.frombuffer(raw, np.float32, 2 * width * height, 12).reshape(height, width, 2)
    first, second = (grey(folder / f"rubberwhale{k}.png") for k in (1, 2))
    columns, rows = np.meshgrid(np.arange(20, width - 20, 12), np.arange(20, height - 20, 12))
    at = np.column_stack([columns.ravel(), rows.ravel()])
    to, ok, error_px = pl.follow_points(first, second, at.astype(np.float64))
    known = (np.abs(truth[at[:, 1], at[:, 0]]) < 1e9).all(axis=1)
    assert ok[known].mean() > 0.5
    good = ok & known
    off = np.linalg.norm(to - at - truth[at[:, 1], at[:, 0]], axis=1)[good]
    assert np.median(off) < 0.15
    assert (error_px[good] < 1.0).all()


@pytest.mark.realdata
def test_people_of_vtest_with_a_keyframe_every_25_images(real_data):
    boxes = {}
    for image in ET.parse(real_data("video/PETS2009-S2L1_f000-199.xml")).getroot():
        for thing in image.iter("object"):
            w, h, x, y = (float(thing.find("box").get(k)) for k in ("w", "h", "xc", "yc"))
            rows = boxes.setdefault(int(thing.get("id")), np.full((N, 4), np.nan))
            rows[int(image.get("number"))] = x - w / 2, y - h / 2, x + w / 2, y + h / 2
    truth = np.array([boxes[k] for k in sorted(boxes)])
    lives = [np.flatnonzero(np.isfinite(b[:, 0])) for b in truth]
    keys = [sorted({*v[::EVERY].tolist(), int(v[-1])}) for v in lives]
    at, row = np.concatenate(keys), np.repeat(np.arange(len(keys)), [len(k) for k in keys])
    spans = np.array([(k[0], k[-1]) for k in keys])
    found = pl.propagate_tracks(real_data("video/vtest.avi"), truth[row, at], at, row, spans=spans)
    between = np.isfinite(truth[..., 0])
    between[row, at] = False
    straight = np.array(
        [
            np.stack([np.interp(np.arange(N), k, b[k, c]) for c in range(4)], axis=-1)
            for b, k in zip(truth, keys, strict=True)
        ]
    )
    ours, line = (box_iou(c[between], truth[between]) for c in (found.boxes_px[:, :N], straight))
    assert ours.mean() >= line.mean() + 0.05
    assert (ours >= 0.5).mean() >= 0.92
