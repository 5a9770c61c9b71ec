"""PointRCNN detections of KITTI tracking sequences in the world frame, and their fair score.

The detections are those AB3DMOT publishes: sweep, type, 2-D box, score, h, w, l, x, y, z,
rotation_y, alpha in the rectified camera's frame. Truth covers the camera's view only, and
leaves some objects out on purpose. As in KITTI's own evaluation: vans, objects cut by the
image border or mostly hidden (occlusion 3) count neither as found nor as missed; boxes lower
than 25 px or mostly inside a DontCare region are no false alarms. What is scored is 3-D IoU
>= 0.25, as AB3DMOT does for cars.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.optimize import linear_sum_assignment

from perception_label.geometry.cuboids import Cuboids
from perception_label.geometry.poses import inverse
from perception_label.quality.metrics_tracking import Tracked, TrackScore, score_tracks
from perception_label.quality.pairs import pair_up
from perception_label.readers import kitti

SEQUENCES = ("0003", "0012", "0016")
MIN_IOU = 0.25
MIN_HEIGHT_PX = 25.0


@dataclass(frozen=True)
class Found:
    """Boxes of one sequence, world frame: M rows."""

    sweeps: np.ndarray
    cuboids: Cuboids
    scores: np.ndarray
    boxes_px: np.ndarray

    def __getitem__(self, rows):
        return Found(self.sweeps[rows], self.cuboids[rows], self.scores[rows], self.boxes_px[rows])

    @property
    def timestamps_ns(self):
        return self.sweeps * kitti.PERIOD_NS


@dataclass(frozen=True)
class Truth:
    """Truth of one sequence: cars to find, objects to leave alone, regions to leave alone."""

    n_sweeps: int
    sweeps: np.ndarray
    tracks: np.ndarray
    cuboids: Cuboids
    is_ignored: np.ndarray
    region_sweeps: np.ndarray
    regions_px: np.ndarray


def load(root: Path, name: str, kind: str = "Car") -> tuple[Found, Truth]:
    """Read one sequence: detections and truth."""
    path = root / "calib" / f"{name}.txt"
    calibration = kitti.read_calibration(path)
    lidar_from_rect = kitti.lidar_from_rect(path, calibration)
    ego_from_lidar = inverse(kitti.rigid(path, calibration, "Tr_imu_to_velo"))
    poses, _ = kitti.oxts_poses(kitti.read_oxts(root / "oxts" / f"{name}.txt"))

    def world(rows, sweeps):
        return kitti.camera_boxes(lidar_from_rect, rows).moved(poses[sweeps] @ ego_from_lidar)

    rows = np.loadtxt(root / f"pointrcnn_{kind}" / f"{name}.txt", delimiter=",", ndmin=2)
    sweeps = rows[:, 0].astype(np.int64)
    found = Found(sweeps, world(rows[:, 7:14], sweeps), rows[:, 6], rows[:, 2:6])
    lines = [line.split() for line in (root / "label_02" / f"{name}.txt").read_text().splitlines()]
    kinds = np.array([line[2] for line in lines])
    near = {"Car": "Van", "Pedestrian": "Person"}.get(kind, "")
    keep, region = np.isin(kinds, [kind, near]), kinds == "DontCare"
    numbers = np.array([line[:2] + line[3:17] for line in lines], dtype=float)
    taken = numbers[keep]
    at = taken[:, 0].astype(np.int64)
    ignored = (kinds[keep] == near) | (taken[:, 2] > 0) | (taken[:, 3] > 2)
    return found, Truth(
        len(poses),
        at,
        taken[:, 1].astype(np.int64),
        world(taken[:, 9:16], at),
        ignored,
        numbers[region, 0].astype(np.int64),
        numbers[region, 5:9],
    )


def judge(truth: Truth, found: Found, ids: np.ndarray) -> TrackScore:
    """Score tracks (rows of one id) against truth, leaving out what may not be judged."""
    counted = np.flatnonzero(~truth.is_ignored)
    kept = np.flatnonzero(_may_be_judged(truth, found))
    here = pair_up(
        truth.cuboids[counted], truth.sweeps[counted], found.cuboids[kept], found.sweeps[kept]
    )
    _, tracks = np.unique(truth.tracks[counted], return_inverse=True)
    _, labels = np.unique(ids[kept], return_inverse=True)
    return score_tracks(
        Tracked(truth.sweeps[counted], tracks),
        Tracked(found.sweeps[kept], labels),
        here.truth,
        here.label,
        here.iou_3d,
        threshold=MIN_IOU,
    )


def _may_be_judged(truth: Truth, found: Found) -> np.ndarray:
    met = pair_up(truth.cuboids, truth.sweeps, found.cuboids, found.sweeps)
    low = found.boxes_px[:, 3] - found.boxes_px[:, 1] <= MIN_HEIGHT_PX
    keep = ~(low | _in_regions(truth, found))
    for sweep in np.unique(truth.sweeps):
        rows = np.flatnonzero((truth.sweeps[met.truth] == sweep) & (met.iou_3d >= MIN_IOU))
        if not len(rows):
            continue
        i, a = np.unique(met.truth[rows], return_inverse=True)
        j, b = np.unique(met.label[rows], return_inverse=True)
        gain = np.zeros((len(i), len(j)))
        gain[a, b] = met.iou_3d[rows]
        for p, q in zip(*linear_sum_assignment(gain, maximize=True), strict=True):
            if gain[p, q] > 0:
                keep[j[q]] = not truth.is_ignored[i[p]]
    return keep


def _in_regions(truth: Truth, found: Found) -> np.ndarray:
    out = np.zeros(len(found.sweeps), dtype=bool)
    for sweep, region in zip(truth.region_sweeps, truth.regions_px, strict=True):
        rows = np.flatnonzero(found.sweeps == sweep)
        box = found.boxes_px[rows]
        shared = np.clip(
            np.minimum(box[:, 2:], region[2:]) - np.maximum(box[:, :2], region[:2]), 0, None
        ).prod(axis=1)
        out[rows] |= shared > 0.5 * (box[:, 2:] - box[:, :2]).prod(axis=1)
    return out


def best(truths, results) -> tuple[float, TrackScore, float]:
    """Choose the threshold on a track's mean score with the highest MOTA, over all sequences.

    `results` are (Found, ids) per sequence. Tracks are dropped whole, as in AB3DMOT's
    evaluation. Returns the threshold, the pooled score there, and the mean MOTA (not below 0)
    over all thresholds, which rewards a tracker that does not depend on the choice.
    """
    means = [_track_means(found, ids) for found, ids in results]
    every = np.concatenate(means)
    thresholds = np.unique(np.quantile(every, np.linspace(0, 0.98, 40))) if len(every) else [0.0]
    scored = []
    for threshold in thresholds:
        total = None
        for truth, (found, ids), mean in zip(truths, results, means, strict=True):
            rows = mean >= threshold
            part = judge(truth, found[rows], ids[rows])
            total = part if total is None else total + part
        scored.append((total.mota, threshold, total))
    top = max(scored, key=lambda s: s[0])
    return float(top[1]), top[2], float(np.mean([max(s[0], 0.0) for s in scored]))


def _track_means(found: Found, ids: np.ndarray) -> np.ndarray:
    _, index = np.unique(ids, return_inverse=True)
    sums = np.bincount(index, weights=found.scores)
    return (sums / np.maximum(np.bincount(index), 1))[index]
