"""Boxes of people in `vtest.avi` from keyframes, beside linear interpolation and OpenCV's trackers.

`python benchmarks/video/bench_propagate_boxes.py [--trackers]`. The data are read from
PERCEPTION_LABEL_DATA. The trackers need a Python with opencv-contrib-python (`cv2.legacy`), which
must not share an environment with opencv-python; `--trackers` runs them alone, without the package.

Three questions, all on images 0 to 199:
- with a keyframe every 25 images of a track and at its ends: the IoU of the others;
- from one keyframe forwards and one backwards every 40 images: the IoU up to 60 images away;
- keyframes until each box has IoU >= 0.7. Interpolating methods begin with both ends and get one
  more where they are worst (or, `asked`, where the engine asks without knowing the truth; its rival
  there is the middle of the longest gap); trackers get one where they first fail.
"""

import argparse
import os
import time
import xml.etree.ElementTree as ET
from itertools import pairwise
from pathlib import Path

import numpy as np

DATA = Path(os.environ.get("PERCEPTION_LABEL_DATA", "../shared/data")) / "video"
N, STEP, EVERY, HORIZONS, GOOD = 200, 25, 40, (10, 25, 60), 0.7


def truth():
    """Return the boxes (B, N, 4), NaN where a person is not."""
    boxes = {}
    for image in ET.parse(DATA / "PETS2009-S2L1_f000-199.xml").getroot():
        number = int(image.get("number"))
        for thing in image.iter("object"):
            w, h, x, y = (float(thing.find("box").get(k)) for k in ("w", "h", "xc", "yc"))
            rows = boxes.setdefault(int(thing.get("id")), np.full((N, 4), np.nan))
            rows[number] = x - w / 2, y - h / 2, x + w / 2, y + h / 2
    return np.array([boxes[k] for k in sorted(boxes)])


def iou(a, b):
    """Return the IoU of boxes with those of the same place."""
    sides = np.minimum(a[..., 2:], b[..., 2:]) - np.maximum(a[..., :2], b[..., :2])
    shared = np.maximum(sides, 0).prod(axis=-1)
    sizes = [(c[..., 2:] - c[..., :2]).prod(axis=-1) for c in (a, b)]
    return shared / (sum(sizes) - shared)


def lives(boxes):
    """Return the images of each track."""
    return [np.flatnonzero(np.isfinite(b[:, 0])) for b in boxes]


def linear(boxes, keys):
    """Return (N, 4) boxes between the keyframes of one track."""
    return np.stack([np.interp(np.arange(N), keys, boxes[keys, k]) for k in range(4)], axis=-1)


def said(name, values, seconds=None):
    speed = "" if seconds is None else f", {N / seconds:.0f} images/s"
    shares = [f"{(values >= t).mean():.1%} at IoU >= {t}" for t in (0.5, 0.7)]
    print(f"{name}: mean IoU {values.mean():.3f}, {', '.join(shares)}{speed}", flush=True)


def every_25(boxes, propagate):
    keys = [sorted({*v[::STEP].tolist(), int(v[-1])}) for v in lives(boxes)]
    between = np.isfinite(boxes[..., 0])
    for row, k in enumerate(keys):
        between[row, k] = False
    line = np.array([linear(b, k) for b, k in zip(boxes, keys, strict=True)])
    said("every 25: linear", iou(line, boxes)[between])
    if propagate:
        best, busy, found = np.inf, np.inf, None
        for _ in range(3):
            start = time.perf_counter(), time.process_time()
            found = propagate(DATA / "vtest.avi", boxes, keys)
            best = min(best, time.perf_counter() - start[0])
            busy = min(busy, time.process_time() - start[1])
        overlap = iou(found.boxes_px[:, :N], boxes)
        said("every 25: ours", overlap[between], best)
        print(f"  processor time {busy:.2f} s for {N} images, decoding included")
        calibration(found.expected_iou[:, :N][between], overlap[between])


def calibration(expected, measured):
    for low in np.arange(0.5, 1.0, 0.1):
        rows = (expected >= low) & (expected < low + 0.1)
        if rows.sum() >= 10:
            means = f"{expected[rows].mean():.2f}, measured {measured[rows].mean():.2f}"
            print(f"  expected IoU {low:.1f} to {low + 0.1:.1f}: mean {means} ({rows.sum()} boxes)")


def from_one(boxes, name, follow):
    """`follow(track, images)` gives the box at each image, from the first one's alone."""
    overlaps, away = [], []
    for row, alive in enumerate(lives(boxes)):
        for first in range(0, max(1, len(alive) - 10), EVERY):
            for order in (alive[first:], alive[::-1][first:]):
                at = order[: max(HORIZONS) + 1]
                if len(at) > 1:
                    overlaps.append(iou(follow(row, at), boxes[row, at])[1:])
                    away.append(np.arange(1, len(at)))
    overlaps, away = np.concatenate(overlaps), np.concatenate(away)
    for most in HORIZONS:
        said(f"one keyframe, up to {most} images away: {name}", overlaps[away <= most])


def needed(boxes, name, between, choose):
    """Count keyframes until all is good; `between(track, keys)` gives boxes and expected IoU."""
    counts = []
    for row, alive in enumerate(lives(boxes)):
        keys = [int(alive[0]), int(alive[-1])]
        while True:
            found, expected = between(row, keys)
            measured = iou(found, boxes[row])
            measured[keys] = 1.0
            if np.nanmin(measured[alive]) >= GOOD:
                break
            keys = sorted([*keys, int(choose(measured, expected, keys, alive))])
        counts.append(len(keys))
    print(f"keyframes for IoU >= {GOOD}: {name}: {sum(counts)} {counts}", flush=True)


def worst(measured, expected, keys, alive):
    return alive[np.argmin(measured[alive])]


def asked(measured, expected, keys, alive):
    """Return what `next_keyframe` of `propagate_tracks` says."""
    from perception_label.geometry.asking import where_to_ask

    return where_to_ask(expected, np.array(keys))


def middle(measured, expected, keys, alive):
    k = int(np.argmax(np.diff(keys)))
    return (keys[k] + keys[k + 1]) // 2


def ours(boxes):
    """Run all of it with the package."""
    from perception_label.video.box_between import Between
    from perception_label.video.box_beyond import Beyond
    from perception_label.video.images import open_images
    from perception_label.video.propagate_boxes import propagate_tracks
    from perception_label.video.pyramid import Pyramid

    source = open_images(DATA / "vtest.avi")
    greys = source.greys(0, N)
    pyramids = [Pyramid.of(grey) for grey in greys]
    gaps = {}

    def propagate(path, boxes, keys):
        at = np.concatenate(keys)
        row = np.repeat(np.arange(len(keys)), [len(k) for k in keys])
        spans = np.array([(k[0], k[-1]) for k in keys])
        return propagate_tracks(path, boxes[row, at], at, row, spans=spans)

    def follow(row, at):
        step = int(np.sign(at[1] - at[0]))
        one = Beyond(int(at[0]), boxes[row, at[0]], pyramids[at[0]], step)
        for k in at[1:]:
            one.see(pyramids[k])
        return one.solve().boxes_px[::step]

    def between(row, keys):
        found, expected = np.full((N, 4), np.nan), np.zeros(N)
        for a, b in pairwise(keys):
            if (row, a, b) not in gaps:
                gap = Between(a, b, boxes[row, [a, b]])
                for k in range(a, b + 1):
                    gap.see(pyramids[k])
                gaps[row, a, b] = gap.solve()
            stretch = gaps[row, a, b]
            found[a : b + 1], expected[a : b + 1] = stretch.boxes_px, stretch.expected_iou
        return found, expected

    def line(row, keys):
        return linear(boxes[row], keys), None

    every_25(boxes, propagate)
    from_one(boxes, "ours", follow)
    needed(boxes, "linear, where worst", line, worst)
    needed(boxes, "ours, where worst", between, worst)
    needed(boxes, "linear, in the middle of the longest gap", line, middle)
    needed(boxes, "ours, where it asks", between, asked)


def rivals(boxes):
    """Run OpenCV's trackers."""
    import cv2

    video = cv2.VideoCapture(str(DATA / "vtest.avi"))
    images = [video.read()[1] for _ in range(N)]
    height, width = images[0].shape[:2]

    def begin(make, row, at):
        low = np.clip(boxes[row, at], 0, [width, height, width, height]).astype(int)
        tracker = make()
        tracker.init(images[at], (*low[:2].tolist(), *(low[2:] - low[:2]).tolist()))
        return tracker

    def track(tracker, at, last):
        ok, found = tracker.update(images[at])
        x, y, w, h = found
        return np.array([x, y, x + w, y + h], float) if ok else last

    for name in ("KCF", "CSRT"):
        make = getattr(cv2.legacy, f"Tracker{name}_create")

        def follow(row, at, make=make):
            tracker, out = begin(make, row, at[0]), [boxes[row, at[0]]]
            for k in at[1:]:
                out.append(track(tracker, k, out[-1]))
            return np.array(out)

        counts = []
        for row, alive in enumerate(lives(boxes)):
            tracker, n = begin(make, row, alive[0]), 1
            for k in alive[1:]:
                found = track(tracker, k, np.zeros(4))
                if not iou(found, boxes[row, k]) >= GOOD:
                    tracker, n = begin(make, row, k), n + 1
            counts.append(n)
        print(f"keyframes for IoU >= {GOOD}: {name}, where it first fails: {sum(counts)} {counts}")
        from_one(boxes, name, follow)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--trackers", action="store_true")
    (rivals if parser.parse_args().trackers else ours)(truth())
