"""Labels against truth: per group of classes, per distance, as boxes and as tracks."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from perception_label.arrays import Floats, Ints, Mask, Pose
from perception_label.config import Scoring
from perception_label.errors import ShapeError
from perception_label.geometry.labels import Labels
from perception_label.geometry.poses import inverse
from perception_label.quality.metrics_detection import (
    BoxScore,
    Criterion,
    Matches,
    match_boxes,
    score_boxes,
)
from perception_label.quality.metrics_tracking import Tracked, TrackScore, score_tracks
from perception_label.quality.pairs import Pairs, pair_up

# Classes that compete with one another; a label of another group never matches. A two-wheeler
# counts as `cyclist` with or without its rider, since sources do not agree on where one ends.
GROUPS: Mapping[str, tuple[str, ...]] = {
    "vehicle": ("car", "truck", "bus", "trailer", "construction_vehicle"),
    "pedestrian": ("pedestrian",),
    "cyclist": ("cyclist", "bicycle", "motorcycle"),
}
# Truth that a label may lie on without being wrong: what is neither car nor truck may still be
# a vehicle (a tram, a tractor). Small things get no such pass: a cone is no pedestrian.
SET_ASIDE: Mapping[str, tuple[str, ...]] = {"vehicle": ("other",)}
CRITERIA = (
    Criterion("iou_3d", 0.7),
    Criterion("iou_3d", 0.5),
    Criterion("iou_bev", 0.7),
    Criterion("iou_bev", 0.5),
    Criterion("distance", 0.5),
)
# What a group's recall and precision are quoted at, and its AP (KITTI's thresholds).
HEADLINE = {
    "vehicle": Criterion("iou_bev", 0.5),
    "pedestrian": Criterion("distance", 0.5),
    "cyclist": Criterion("distance", 0.5),
}
AP_AT = {
    "vehicle": Criterion("iou_3d", 0.7),
    "pedestrian": Criterion("iou_3d", 0.5),
    "cyclist": Criterion("iou_3d", 0.5),
}


@dataclass(frozen=True, slots=True)
class GroupScore:
    """One group of classes.

    Attributes
    ----------
    boxes : dict of Criterion to BoxScore
        Over the whole judged region, one per criterion.
    bands : dict of (from_m, to_m) to BoxScore
        At the group's headline criterion, by distance from the ego vehicle.
    class_recall : dict of str to (n_matched, n_truth)
        At the headline criterion, by the truth's own class.
    tracks : TrackScore
        The same boxes as tracks.
    """

    boxes: Mapping[Criterion, BoxScore]
    bands: Mapping[tuple[float, float], BoxScore]
    class_recall: Mapping[str, tuple[int, int]]
    tracks: TrackScore


@dataclass(frozen=True, slots=True)
class Judged:
    """Where boxes lie, seen from the ego vehicle, and whether they are judged.

    Attributes
    ----------
    sweeps : (M,) int64
        Index of the instant of each box.
    distance_m : (M,) float64
        From the ego origin, from above.
    inside : (M,) bool
        In range and in the truth's view.
    """

    sweeps: Ints
    distance_m: Floats
    inside: Mask


def locate(
    labels: Labels,
    timestamps_ns: Ints,
    world_from_ego: Pose,
    *,
    max_range_m: float,
    view_rad: tuple[float, float] | None = None,
) -> Judged:
    """Return where boxes lie from the ego vehicle.

    Parameters
    ----------
    labels : Labels
        M boxes, world frame, each at one of the instants.
    timestamps_ns : (S,) int64
        The instants, rising.
    world_from_ego : (S, 4, 4) float64
        The ego pose at each.
    max_range_m : float
        Boxes with farther centres are not judged.
    view_rad : (from, to), optional
        Azimuths in the ego frame, counter-clockwise from +x, between which the truth is
        complete; None all round.

    Raises
    ------
    ShapeError
        If a box is at no instant of the list.
    """
    sweeps = np.searchsorted(timestamps_ns, labels.timestamps_ns)
    known = sweeps < len(timestamps_ns)
    known[known] = timestamps_ns[sweeps[known]] == labels.timestamps_ns[known]
    if not known.all():
        raise ShapeError(
            f"labels: expected boxes at the {len(timestamps_ns)} instants, "
            f"got {np.count_nonzero(~known)} at others"
        )
    level_from_world = inverse(world_from_ego)[:, :2][sweeps]
    center = np.einsum("mij,mj->mi", level_from_world[:, :, :3], labels.cuboids.center_m)
    center += level_from_world[:, :, 3]
    distance = np.hypot(center[:, 0], center[:, 1])
    inside = distance <= max_range_m
    if view_rad is not None:
        first, last = view_rad
        azimuth = np.arctan2(center[:, 1], center[:, 0])
        inside &= (azimuth - first) % (2 * np.pi) <= (last - first) % (2 * np.pi)
    return Judged(sweeps, distance, inside)


def score_labels(
    truth: Labels,
    labels: Labels,
    timestamps_ns: Ints,
    world_from_ego: Pose,
    *,
    settings: Scoring | None = None,
    view_rad: tuple[float, float] | None = None,
) -> dict[str, GroupScore]:
    """Compare labels with truth, one score per group of `GROUPS`.

    Parameters
    ----------
    truth, labels : Labels
        M and K boxes, world frame, at instants of `timestamps_ns` only.
    timestamps_ns : (S,) int64
        The instants where the truth is complete, rising.
    world_from_ego : (S, 4, 4) float64
        The ego pose at each.
    settings : Scoring, optional
        Range, smallest number of points, distance bands, thresholds of tracks.
    view_rad : (from, to), optional
        Azimuths in the ego frame between which the truth is complete; None all round.

    Returns
    -------
    dict of str to GroupScore
        By name of the group; a group that neither has is left out.

    Raises
    ------
    ShapeError
        If a box is at no instant of the list.
    """
    chosen = settings or Scoring()
    labels = labels[labels.scores >= chosen.min_score]
    where_truth, where_labels = (
        locate(
            side, timestamps_ns, world_from_ego, max_range_m=chosen.max_range_m, view_rad=view_rad
        )
        for side in (truth, labels)
    )
    # Nobody counted the points of a box with -1: it is not set aside for having few.
    enough = (truth.n_points < 0) | (truth.n_points >= chosen.min_points)
    counts = where_truth.inside & enough
    result = {}
    for name, members in GROUPS.items():
        judged = _in_group(truth, members)
        i = np.flatnonzero(judged | _in_group(truth, SET_ASIDE.get(name, ())))
        j = np.flatnonzero(_in_group(labels, members))
        if judged.any() or len(j):
            here = Judged(where_truth.sweeps[i], where_truth.distance_m[i], (counts & judged)[i])
            there = Judged(
                where_labels.sweeps[j], where_labels.distance_m[j], where_labels.inside[j]
            )
            result[name] = _score_group(name, truth[i], labels[j], here, there, chosen)
    return result


def _score_group(
    name: str, truth: Labels, labels: Labels, here: Judged, there: Judged, settings: Scoring
) -> GroupScore:
    pairs = pair_up(truth.cuboids, here.sweeps, labels.cuboids, there.sweeps)
    sides = (truth.cuboids, labels.cuboids, labels.scores)
    boxes, matches = {}, {}
    for criterion in CRITERIA:
        found = match_boxes(pairs, criterion, labels.scores, here.inside, there.inside)
        boxes[criterion] = score_boxes(found, pairs, *sides)
        matches[criterion] = found
    headline = matches[HEADLINE[name]]
    bands = {
        band: score_boxes(
            headline,
            pairs,
            *sides,
            truth_in=_between(here.distance_m, band),
            label_in=_between(there.distance_m, band),
        )
        for band in zip(settings.bands_m[:-1], settings.bands_m[1:], strict=True)
        if band[0] < settings.max_range_m
    }
    track_iou = settings.track_iou_vehicle if name == "vehicle" else settings.track_iou_other
    tracks = _score_group_tracks(truth, labels, here, there, pairs, track_iou)
    return GroupScore(boxes, bands, _class_recall(truth, headline), tracks)


def _score_group_tracks(
    truth: Labels, labels: Labels, here: Judged, there: Judged, pairs: Pairs, threshold: float
) -> TrackScore:
    """Score as tracks the boxes that count; what lies on truth set aside is left out."""
    found = match_boxes(
        pairs, Criterion("iou_3d", threshold), labels.scores, here.inside, there.inside
    )
    keep = found.truth_counts[pairs.truth] & found.label_counts[pairs.label]
    row = np.cumsum(found.truth_counts) - 1
    column = np.cumsum(found.label_counts) - 1
    return score_tracks(
        _tracked(truth, here, found.truth_counts),
        _tracked(labels, there, found.label_counts),
        row[pairs.truth[keep]],
        column[pairs.label[keep]],
        pairs.iou_3d[keep],
        threshold=threshold,
    )


def _tracked(labels: Labels, judged: Judged, keep: Mask) -> Tracked:
    return Tracked(judged.sweeps[keep], labels.tracks[keep].astype(np.int64))


def _class_recall(truth: Labels, matches: Matches) -> dict[str, tuple[int, int]]:
    n = len(truth.class_names)
    total = np.bincount(truth.classes[matches.truth_counts], minlength=n)
    right = np.bincount(truth.classes[matches.truth], minlength=n)
    return {
        name: (int(right[k]), int(total[k])) for k, name in enumerate(truth.class_names) if total[k]
    }


def _in_group(labels: Labels, members: tuple[str, ...]) -> Mask:
    named = np.array([name in members for name in labels.class_names], dtype=bool)
    return named[labels.classes] if len(named) else np.zeros(len(labels), dtype=bool)


def _between(distance_m: Floats, band: tuple[float, float]) -> Mask:
    return (distance_m >= band[0]) & (distance_m < band[1])
