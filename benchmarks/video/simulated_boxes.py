"""Boxes per keyframe on a simulated 60 s video: the propagation beside linear interpolation.

python benchmarks/video/simulated_boxes.py --seconds 60 --seed 1 --cache FOLDER

The truth is exact. An object must be labelled in the images where at least `SEEN_SHARE` of it
shows and its amodal box is at least `LEAST_PX` high; where that is interrupted for more than a
second another track begins. A track is done when each such box has IoU >= 0.7 (or what --iou says)
with the truth. Keyframes are put one by one: where most of the object shows, uncut, then, while
boxes fail, where the method asks for one or, if it is right there, where it is worst. Beside
that stands the fewest keyframes with which linear interpolation can be right at all.
"""

import argparse
import json
from pathlib import Path
from time import perf_counter

import numpy as np

from perception_label.simulate.camera import simulated_cameras
from perception_label.simulate.settings import CameraSettings, SceneSettings

LEAST_PX, SEEN_SHARE, GAP = 20, 0.4, 10  # GAP: images, a second
MOST_ROUNDS = 60


def render(cache, seed, seconds):
    """Return the images (n, H, W, 3) and the truth, made once for each seed and length."""
    folder = Path(cache) / f"{seed}-{seconds:g}"
    if not (folder / "boxes.npz").exists():
        folder.mkdir(parents=True, exist_ok=True)
        settings = SceneSettings(seed=seed, duration_s=seconds, cameras=(CameraSettings(),))
        camera = simulated_cameras(settings)["front"]
        shape = (len(camera), camera.height_px, camera.width_px, 3)
        rgb = np.lib.format.open_memmap(folder / "rgb.npy", "w+", np.uint8, shape)
        rows, start = [], perf_counter()
        for i in range(len(camera)):
            made = camera.labelled(i)
            rgb[i] = made.rgb
            for k, instance in enumerate(made.boxes.instances):
                share = made.boxes.visible_share[k]
                rows.append([i, instance, share, *made.boxes.amodal_px[k]])
        print(f"rendered at {len(camera) / (perf_counter() - start):.1f} images/s")
        table = np.array(rows)
        np.savez(
            folder / "boxes.npz",
            image=table[:, 0].astype(int),
            instance=table[:, 1].astype(int),
            visible_share=table[:, 2],
            amodal_px=table[:, 3:],
        )
    return np.load(folder / "rgb.npy", mmap_mode="r"), dict(np.load(folder / "boxes.npz"))


def tracks_of(truth):
    """Return a list of (images (m,), boxes (m, 4), shares (m,)): what must be labelled."""
    height = truth["amodal_px"][:, 3] - truth["amodal_px"][:, 1]
    wanted = (truth["visible_share"] >= SEEN_SHARE) & (height >= LEAST_PX)
    out = []
    for instance in np.unique(truth["instance"][wanted]):
        rows = np.flatnonzero(wanted & (truth["instance"] == instance))
        rows = rows[np.argsort(truth["image"][rows])]
        for part in np.split(rows, np.flatnonzero(np.diff(truth["image"][rows]) > GAP) + 1):
            if len(part) > 1:
                columns = ("image", "amodal_px", "visible_share")
                out.append(tuple(truth[name][part] for name in columns))
    return out


def iou(a, b):
    """Return the overlap of boxes row by row; NaN counts as none."""
    low, high = np.maximum(a[:, :2], b[:, :2]), np.minimum(a[:, 2:], b[:, 2:])
    inner = np.prod(np.maximum(high - low, 0), axis=1)
    area = np.prod(a[:, 2:] - a[:, :2], axis=1) + np.prod(b[:, 2:] - b[:, :2], axis=1)
    return np.nan_to_num(inner / (area - inner))


def fewest_linear(images, boxes, least):
    """Return how many keyframes linear interpolation needs, borders held."""
    count, at, last = 1, 0, len(images) - 1
    # The first keyframe is held backwards as far as it is right.
    while at < last and (iou(boxes[: at + 2], boxes[at + 1 :][:1]) >= least).all():
        at += 1
    while at < last:
        if (iou(boxes[at:], boxes[at : at + 1]) >= least).all():
            return count  # the last one is held
        reach = at + 1
        for then in range(at + 2, min(at + 400, last + 1)):
            share = (images[at : then + 1] - images[at]) / (images[then] - images[at])
            between = boxes[at] + share[:, None] * (boxes[then] - boxes[at])
            if (iou(between, boxes[at : then + 1]) >= least).all():
                reach = then
        at, count = reach, count + 1
    return count


def by_flow(rgb, tracks, todo, keys):
    """Return the boxes of some tracks at their images, and where each asks for a keyframe."""
    from perception_label.video.propagate_boxes import propagate_tracks

    at = [int(tracks[t][0][k]) for t in todo for k in keys[t]]
    boxes = [tracks[t][1][k] for t in todo for k in keys[t]]
    row = [n for n, t in enumerate(todo) for _ in keys[t]]
    spans = [(int(tracks[t][0][0]), int(tracks[t][0][-1])) for t in todo]
    made = propagate_tracks(rgb, np.array(boxes), np.array(at), np.array(row), spans=spans)
    return [made.boxes_px[n][tracks[t][0]] for n, t in enumerate(todo)], made.next_keyframe


def by_line(rgb, tracks, todo, keys):
    """Do the same by linear interpolation, borders held; it never asks."""
    out = []
    for t in todo:
        images, boxes, _ = tracks[t]
        at = np.sort(keys[t])
        out.append(np.column_stack([np.interp(images, images[at], c) for c in boxes[at].T]))
    return out, np.full(len(todo), -1)


def needed(predict, rgb, tracks, least):
    """Return keyframes per track, the first pass's overlaps and seconds, and who never passed.

    The first keyframe is where most of the object shows, uncut; then one more where the method asks
    or, if it does not or is right there, where it is worst.
    """
    keys = [[best_seen(boxes, shares, rgb.shape)] for _, boxes, shares in tracks]
    todo, first, spent = list(range(len(tracks))), {}, 0.0
    for turn in range(MOST_ROUNDS):
        start = perf_counter()
        found, asked = predict(rgb, tracks, todo, keys)
        spent = spent or perf_counter() - start
        left = []
        for n, t in enumerate(todo):
            overlap = iou(found[n], tracks[t][1])
            if turn == 0:
                first[t] = overlap
            if (overlap >= least).all():
                continue
            at = np.flatnonzero(tracks[t][0] == asked[n])
            if len(at) == 0 or overlap[at[0]] >= least or int(at[0]) in keys[t]:
                at = [int(np.argmin(overlap))]
            keys[t].append(int(at[0]))
            left.append(t)
        todo = left
        if not todo:
            break
    one = np.concatenate([first[t] for t in range(len(tracks))])
    return sum(len(k) for k in keys), one, spent, len(todo)


def best_seen(boxes, shares, shape):
    """Return where most of an object shows, whole if it ever is."""
    _, height, width, _ = shape
    whole = (boxes[:, :2] > 0).all(axis=1) & (boxes[:, 2] < width) & (boxes[:, 3] < height)
    return int(np.argmax(shares * areas(boxes) * np.where(whole, 1.0, 1e-3)))


def areas(boxes):
    return np.prod(boxes[:, 2:] - boxes[:, :2], axis=1)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--iou", type=float, default=0.7)
    parser.add_argument("--cache", default="out/simulated-video")
    chosen = parser.parse_args()
    rgb, truth = render(chosen.cache, chosen.seed, chosen.seconds)
    tracks = tracks_of(truth)
    n_boxes = sum(len(images) for images, _, _ in tracks)
    fewest = sum(fewest_linear(images, boxes, chosen.iou) for images, boxes, _ in tracks)
    result = {
        "images": len(rgb),
        "tracks": len(tracks),
        "boxes": n_boxes,
        "fewest keyframes for linear": {
            "keyframes": fewest,
            "boxes_per_keyframe": n_boxes / fewest,
        },
    }
    for name, predict in (("linear", by_line), ("ours", by_flow)):
        keyframes, one, spent, stuck = needed(predict, rgb, tracks, chosen.iou)
        result[name] = {
            "keyframes": keyframes,
            "boxes_per_keyframe": n_boxes / keyframes,
            "images_per_s": len(rgb) / spent,
            "tracks_not_done": stuck,
            "mean_iou_of_one_keyframe": float(one.mean()),
            "share_of_one_keyframe": float((one >= chosen.iou).mean()),
        }
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
