"""Boxes of a log sweep by sweep, with what datasets tell of each: speed, points, keyframe."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np

from perception_label.arrays import Floats, Ints, Mask
from perception_label.errors import MissingPosesError, SchemaError
from perception_label.export.kitti_camera import boxes_by_sweep
from perception_label.export.labelled import Labelled
from perception_label.geometry.inside import points_inside
from perception_label.geometry.labels import Labels
from perception_label.geometry.poses import interpolate_poses

LONGEST_S = 1.5  # boxes of a track farther apart tell no speed, as nuScenes has it


@dataclass(frozen=True, slots=True)
class SweepBoxes:
    """M boxes at sweeps, in order of sweep and track.

    Attributes
    ----------
    labels : Labels
        The boxes in the world.
    sweeps : (M,) int64
        The number of each box's sweep.
    start : (S + 1,) int64
        Sweep i has the rows from `start[i]` to `start[i + 1]`.
    is_key : (M,) bool
        Which were set by a person.
    before, after : (M,) int64
        The row of the track's box before and after, -1 at its ends.
    left_out : tuple of str
        What is not held, a line each.
    """

    labels: Labels
    sweeps: Ints
    start: Ints
    is_key: Mask
    before: Ints
    after: Ints
    left_out: tuple[str, ...]

    def rows(self, i: int) -> slice:
        """Return the rows of sweep i."""
        return slice(int(self.start[i]), int(self.start[i + 1]))

    def firsts(self) -> Ints:
        """Return the row of each track's first box."""
        return np.flatnonzero(self.before < 0)

    def class_names(self) -> list[str]:
        """Return each box's class."""
        names = self.labels.class_names
        return [names[k] for k in self.labels.classes.tolist()]

    def track_ids(self) -> list[str]:
        """Return each box's track."""
        names = self.labels.track_names
        return [names[k] for k in self.labels.tracks.tolist()]

    def velocity_mps(self) -> Floats:
        """Return (M, 3) m/s in the world: from the box before to the one after; NaN if alone."""
        rows = np.arange(len(self.labels))
        first = np.where(self.before >= 0, self.before, rows)
        last = np.where(self.after >= 0, self.after, rows)
        times = self.labels.timestamps_ns
        gap_s = (times[last] - times[first]) * 1e-9
        most = LONGEST_S * (1.0 + ((self.before >= 0) & (self.after >= 0)))
        gap_s[(gap_s <= 0) | (gap_s > most)] = np.nan
        center = self.labels.cuboids.center_m
        out: Floats = (center[last] - center[first]) / gap_s[:, None]
        return out


def sweep_boxes(labelled: Labelled) -> SweepBoxes:
    """Return a log's boxes; those at instants that are no sweep are left out.

    Raises
    ------
    MissingPosesError
        If the log has no ego poses.
    """
    if labelled.ego_poses is None:
        raise MissingPosesError(f"log {labelled.log_id}: expected ego poses, got none")
    # The table is the key: a plan asks for it once for each of its files.
    return _boxes(_Asked(labelled))


@dataclass(frozen=True, slots=True)
class _Asked:
    labelled: Labelled

    def __hash__(self) -> int:
        return id(self.labelled.boxes)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Asked) and other.labelled.boxes is self.labelled.boxes


@lru_cache(maxsize=1)
def _boxes(asked: _Asked) -> SweepBoxes:
    labelled = asked.labelled
    labels, sweeps, table_rows, left_out = boxes_by_sweep(labelled)
    before, after = np.full((2, len(labels)), -1, dtype=np.int64)
    order = np.lexsort((sweeps, labels.tracks))
    same = labels.tracks[order][1:] == labels.tracks[order][:-1]
    before[order[1:][same]], after[order[:-1][same]] = order[:-1][same], order[1:][same]
    start = np.searchsorted(sweeps, np.arange(len(labelled.timestamps_ns) + 1)).astype(np.int64)
    return SweepBoxes(labels, sweeps, start, labelled.is_key()[table_rows], before, after, left_out)


def with_points(labelled: Labelled, boxes: SweepBoxes) -> SweepBoxes:
    """Return the boxes with LiDAR points counted where nobody has; -1 if there are no points."""
    n_points = boxes.labels.n_points.copy()
    for i in np.unique(boxes.sweeps[n_points < 0]).tolist():
        rows = np.arange(len(n_points))[boxes.rows(i)]
        rows = rows[n_points[rows] < 0]
        try:
            points_m = labelled.sweep(i).world_points_m()
        except SchemaError:  # labels alone
            break
        n_points[rows] = points_inside(points_m, boxes.labels.cuboids[rows])
    return replace(boxes, labels=replace(boxes.labels, n_points=n_points))


def world_from_ego(labelled: Labelled, timestamps_ns: Ints) -> Floats:
    """Return the ego poses at some times, (n, 4, 4); beyond the path's ends those of the ends."""
    if labelled.ego_poses is None:
        raise MissingPosesError(f"log {labelled.log_id}: expected ego poses, got none")
    return interpolate_poses(labelled.ego_poses, timestamps_ns, outside="hold")


def side_facts(labelled: Labelled, format: str) -> Mapping[str, Any]:
    """Return what a dataset's layout has no place for, by track: class, keyframes, attributes."""
    boxes = sweep_boxes(labelled)
    tracks, classes = boxes.track_ids(), boxes.class_names()
    keys: dict[str, list[int]] = {tracks[k]: [] for k in boxes.firsts().tolist()}
    for row in np.flatnonzero(boxes.is_key).tolist():
        keys[tracks[row]].append(int(boxes.sweeps[row]))
    told = labelled.track_facts()
    return {
        **labelled.facts(format),
        "timestamps_ns": labelled.timestamps_ns.tolist(),
        "tracks": {tracks[k]: classes[k] for k in boxes.firsts().tolist()},
        "keyframes": keys,
        "attributes": {k: dict(v.attributes) for k, v in told.items()},
        "sweep_attributes": {
            k: {name: list(values.items()) for name, values in v.sweep_attributes.items()}
            for k, v in told.items()
        },
    }
