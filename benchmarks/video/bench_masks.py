"""Masks carried from one keyframe: ours beside warping by OpenCV's DIS flow.

`python benchmarks/video/bench_masks.py [made] [real] [simulated]` prints, for each sequence, the
mean J (intersection over union; 1 where there is nothing and nothing is found) of all images but
the keyframes, the expected J where something was found, and images/s in CPU time of one thread; all
three parts without arguments.
"""

import sys
import time
from itertools import pairwise

import cv2
import numpy as np
from mask_sequences import KINDS, made_up, real, simulated

from perception_label import propagate_masks
from perception_label.geometry.masks import mask_iou

cv2.setNumThreads(1)
SEEDS = range(2)


def overlaps(found, truth):
    return np.array([mask_iou(a, b)[0, 0] for a, b in zip(found, truth, strict=True)])


def warped(images, mask):
    """Carry a mask by backward DIS flow alone, image by image."""
    flow = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    greys = [cv2.cvtColor(image, cv2.COLOR_RGB2GRAY) for image in images]
    y, x = np.mgrid[: mask.shape[0], : mask.shape[1]].astype(np.float32)
    soft, out = mask.astype(np.float32), [mask]
    for before, now in pairwise(greys):
        back = flow.calc(now, before, None)
        soft = cv2.remap(soft, x + back[..., 0], y + back[..., 1], cv2.INTER_LINEAR)
        out.append(soft > 0.5)
    return out


def report(name, images, truth, at=(0,), **settings):
    begin = time.thread_time()
    found = propagate_masks(images, truth[list(at)], list(at), tracks=[0] * len(at), **settings)
    rate = len(images) / (time.thread_time() - begin)
    others = np.setdiff1d(np.arange(len(images)), at)
    j = overlaps(found.masks[0], truth)[others]
    seen, expected = found.visible[0, others], found.expected_j[0, others]
    line = (
        f"{name:32s} J {j.mean():.3f} (least {j.min():.2f}), expected {expected[seen].mean():.3f}"
    )
    if at == (0,):
        line += f", DIS {overlaps(warped(images, truth[0]), truth)[others].mean():.3f}"
    print(f"{line}, {rate:.1f} images/s", flush=True)
    return j[seen], expected[seen]


def main():
    parts = sys.argv[1:] or ["real", "made", "simulated"]
    pairs = []
    if "real" in parts:
        images, masks = real()
        n = len(images)
        for quality in ("fast", "medium"):
            pairs.append(report(f"car-shadow, first, {quality}", images, masks, quality=quality))
        pairs.append(report("car-shadow, last", images, masks, (n - 1,)))
        pairs.append(report("car-shadow, first and last", images, masks, (0, n - 1)))
        pairs.append(report("car-shadow, first, middle, last", images, masks, (0, n // 2, n - 1)))
    if "made" in parts:
        for kind in KINDS:
            for seed in SEEDS:
                pairs.append(report(f"made up, {kind} {seed}", *made_up(kind, seed)))
    if "simulated" in parts:
        images, masks = simulated()
        for i, truth in enumerate(masks):
            pairs.append(report(f"simulated town, {i}, {truth[0].sum()} px", images, truth))
    j, expected = (np.concatenate(column) for column in zip(*pairs, strict=True))
    print("expected J, its mean, the measured one, images")
    for low, high in ((0, 0.5), (0.5, 0.9), (0.9, 0.95), (0.95, 0.98), (0.98, 1.01)):
        inside = (expected >= low) & (expected < high)
        if inside.any():
            print(f"{low:.2f} {expected[inside].mean():.3f} {j[inside].mean():.3f} {inside.sum()}")


if __name__ == "__main__":
    main()
