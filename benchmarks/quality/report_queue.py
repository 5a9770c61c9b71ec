"""How good the review queue is: `python benchmarks/quality/report_queue.py WORKSPACE [LOG]`.

Against the truth that came with a log. Missing objects: truth tracks within 80 m that have 5
points or more somewhere and that proposals cover in less than a tenth of those sweeps; an item
finds one if its centre lies in the truth's box at that instant, grown by half a metre. Births
and deaths are right if the truth object that the track is on lives on beyond that end. A track
is wrong if fewer than half of its boxes lie on truth.
"""

import sys
from dataclasses import replace
from time import perf_counter

import numpy as np

from perception_label import open_workspace, review_queue
from perception_label.geometry.inside import points_above_bottom
from perception_label.geometry.poses import inverse
from perception_label.pipeline.propose import level_points, level_poses
from perception_label.quality.pairs import pair_up
from perception_label.tables import labels_from_table

REACH_M, LEAST_POINTS, COVERED = 80.0, 5, 0.1
FIRST = (5, 10, 20, 50, 100, 200)
VEHICLES = ("car", "truck", "bus", "trailer", "construction_vehicle")


def counted(log):
    """Truth with the points well above each box's bottom, and its distance from the sensor."""
    truth, poses = log.truth(), level_poses(log)
    n_points, away = np.zeros(len(truth), dtype=np.int64), np.zeros(len(truth))
    for i, at in enumerate(log.timestamps_ns):
        rows = np.flatnonzero(truth.timestamps_ns == at)
        boxes = truth.cuboids[rows].moved(inverse(poses[i]))
        n_points[rows] = points_above_bottom(level_points(log, i), boxes, 0.15)[:, 1]
        away[rows] = np.hypot(*boxes.center_m[:, :2].T)
    return replace(truth, n_points=n_points), away


def matches(truth, labels, iou, distance_m):
    """Rows of truth and labels that are of one object."""
    pairs = pair_up(
        truth.cuboids, truth.timestamps_ns, labels.cuboids, labels.timestamps_ns, reach_m=1.0
    )
    is_vehicle = np.isin(np.array(truth.class_names)[truth.classes[pairs.truth]], VEHICLES)
    pairs = pairs[np.where(is_vehicle, pairs.iou_bev > iou, pairs.distance_m < distance_m)]
    return pairs.truth, pairs.label


def holding(truth, item):
    """Truth boxes at the item's instant that hold its centre, grown by half a metre."""
    rows = np.flatnonzero(truth.timestamps_ns == item.at_ns)
    off = np.array(item.center_m[:2]) - truth.cuboids.center_m[rows, :2]
    yaw, size = truth.cuboids.yaw_rad[rows], truth.cuboids.size_m[rows]
    along = np.abs(np.cos(yaw) * off[:, 0] + np.sin(yaw) * off[:, 1])
    across = np.abs(np.cos(yaw) * off[:, 1] - np.sin(yaw) * off[:, 0])
    return rows[(along < size[:, 0] / 2 + 0.5) & (across < size[:, 1] / 2 + 0.5)]


def report_missing(truth, away, labels, items):
    names = np.array(truth.class_names)[truth.classes]
    seen = (truth.n_points >= LEAST_POINTS) & (away < REACH_M) & (names != "other")
    covered = np.zeros(len(truth), dtype=bool)
    covered[matches(truth, labels, 0.1, 0.7)[0]] = True
    n = len(truth.track_names)
    n_seen = np.bincount(truth.tracks[seen], minlength=n)
    n_covered = np.bincount(truth.tracks[seen & covered], minlength=n)
    missed = set(np.flatnonzero((n_seen > 0) & (n_covered < COVERED * n_seen)).tolist())
    on = [{int(t) for t in truth.tracks[holding(truth, i)]} & missed for i in items]
    print(f"missing: {len(missed)} of {np.sum(n_seen > 0)} truth tracks, {len(items)} items")
    for first in FIRST:
        found = set().union(*on[:first])
        share = len(found) / max(1, len(missed))
        precision = np.mean([bool(o) for o in on[:first]]) if on else float("nan")
        print(f"  first {first:3d}: {len(found):3d} found {share:.2f}, precision {precision:.2f}")
        if first >= len(items):
            break


def report_ends(truth, labels, queue):
    i, j = matches(truth, labels, 0.1, 0.7)
    for kind in ("birth", "death"):
        told = {"points": [], "clear": [], "other": []}
        for item in queue.of_kind(kind):
            track = labels.track_names.index(item.track_id)
            mine = i[labels.tracks[j] == track]
            if not len(mine):
                right = True  # a false track: worth the look
            else:
                thing = np.bincount(truth.tracks[mine]).argmax()
                times = truth.timestamps_ns[(truth.tracks == thing) & (truth.n_points >= 5)]
                right = (
                    (times < item.at_ns).any() if kind == "birth" else (times > item.at_ns).any()
                )
            why = "other" if item.other_id else "points" if "stand in" in item.reason else "clear"
            told[why].append(bool(right))
        print(f"{kind}: " + ", ".join(f"{k} {sum(v)} right of {len(v)}" for k, v in told.items()))


def report_tracks(truth, labels, queue):
    on = np.zeros(len(labels), dtype=bool)
    on[matches(truth, labels, 0.5, 0.5)[1]] = True
    items = queue.of_kind("track")
    wrong = np.array(
        [on[labels.tracks == labels.track_names.index(i.track_id)].mean() < 0.5 for i in items]
    )
    third = max(1, len(items) // 3)
    print(
        f"tracks: {wrong.sum()} wrong of {len(items)}; {wrong[:third].sum()} of them in the first "
        f"third, {wrong[-third:].sum()} in the last"
    )


def main(path, log_id=None):
    log = open_workspace(path).log(log_id)
    truth, away = counted(log)
    labels = labels_from_table(log.dense_boxes())
    seconds = []
    for _ in range(2):
        start = perf_counter()
        queue = review_queue(log)
        seconds.append(perf_counter() - start)
    print(
        f"{log.id}: {len(queue)} items, {seconds[0]:.1f} s the first time, {seconds[1]:.1f} s then"
    )
    report_tracks(truth, labels, queue)
    report_ends(truth, labels, queue)
    report_missing(truth, away, labels, queue.of_kind("missing"))


if __name__ == "__main__":
    main(*sys.argv[1:])
