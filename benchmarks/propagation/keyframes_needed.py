"""How many exact keyframes a track needs until every judged box passes, by several methods."""

from collections import defaultdict

import numpy as np
from exact_tracks import Solved, Thing, solve

import perception_label as pl
from perception_label.propagation.expected import next_keyframe

# Name in the tables: coordinate frame, method of `pl.interpolate`.
RIVALS = {
    "linear, sensor frame": ("sensor", "linear"),
    "linear, world frame": ("world", "linear"),
    "makima, world frame": ("world", "makima"),
    "motion, world frame": ("world", "motion"),
}
ASKED, WORST = "ours, where the engine asks", "ours, at the worst error"
METHODS = (ASKED, WORST, *RIVALS)
STRIDES = (10, 20, 40)


def answer(thing: Thing, method: str, keys: list[int]) -> tuple[np.ndarray, Solved | None]:
    """The IoU of each box with keyframes at these rows, (R,)."""
    if method not in RIVALS:
        solved = solve(thing, keys)
        return solved.iou, solved
    coordinates, how = RIVALS[method]
    boxes, times = getattr(thing, coordinates), thing.times_ns
    got = pl.interpolate(boxes[sorted(keys)], times[sorted(keys)], times, method=how)
    return thing.iou(got, coordinates), None


def asked(thing: Thing, solved: Solved, keys: list[int]) -> int:
    """The judged box where the engine would like one more keyframe."""
    return next_keyframe(np.where(thing.counts, solved.expected, 2.0), np.array(keys))


def n_needed(thing: Thing, method: str) -> int:
    """Keyframes until all judged boxes pass; the first one is the best-seen box."""
    keys = [thing.best_seen]
    while True:
        iou, solved = answer(thing, method, keys)
        # A keyframe of a size that differs from the track's may not pass itself.
        bad = thing.counts & (iou < thing.need)
        bad[keys] = False
        if not bad.any():
            return len(keys)
        new = int(np.where(bad, iou, 9.0).argmin())
        if method == ASKED:
            wish = asked(thing, solved, keys)
            new = new if wish in keys else wish
        keys.append(new)


def boxes_per_keyframe(tracks: list[Thing], methods=METHODS) -> dict:
    """For each method: boxes, keyframes, boxes per keyframe; static and moving apart."""
    out = {}
    for method in methods:
        keys = np.array([n_needed(t, method) for t in tracks])
        boxes = np.array([t.counts.sum() for t in tracks])
        still = np.array([t.is_static for t in tracks], dtype=bool)
        out[method] = {
            part: {
                "boxes": int(boxes[rows].sum()),
                "keyframes": int(keys[rows].sum()),
                "boxes_per_keyframe": float(boxes[rows].sum() / max(1, keys[rows].sum())),
            }
            for part, rows in (("all", still | ~still), ("static", still), ("moving", ~still))
        }
    return out


def strides(tracks: list[Thing], methods=(WORST, *RIVALS)) -> dict:
    """Movers with a keyframe every so many boxes: share of the other boxes that passes.

    At knots too: boxes that the published truth did not interpolate between its neighbours.
    """
    out: dict = {}
    for stride in STRIDES:
        rows = defaultdict(lambda: [[], [], []])
        for t in tracks:
            if t.is_static or len(t.at) < stride:
                continue
            keys = list(range(0, len(t.at), stride))
            keys += [len(t.at) - 1] if keys[-1] != len(t.at) - 1 else []
            judged = t.counts.copy()
            judged[keys] = False
            knots = t.knots()[judged]
            for method in methods:
                iou = answer(t, method, keys)[0][judged]
                for part, more in zip(rows[method], (iou, iou >= t.need, knots), strict=True):
                    part.extend(more)
        out[str(stride)] = {
            method.replace(", at the worst error", ""): {
                "boxes": len(iou),
                "mean_iou": float(np.mean(iou)),
                "passing": float(np.mean(ok)),
                "knots": int(np.sum(knots)),
                "passing_at_knots": float(np.mean(np.array(ok)[np.array(knots, bool)]))
                if any(knots)
                else None,
            }
            for method, (iou, ok, knots) in rows.items()
            if len(iou)
        }
    return out
