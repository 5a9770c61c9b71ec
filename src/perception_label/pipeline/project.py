"""The boxes of a log in its cameras' pictures, at each picture's own time."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from perception_label.arrays import Floats, Ints
from perception_label.errors import MissingPosesError, SettingError
from perception_label.geometry.cameras import Camera
from perception_label.geometry.cuboids import Cuboids
from perception_label.geometry.labels import Labels
from perception_label.geometry.moments import Moments, cuboids_at, poses_at
from perception_label.geometry.sight import occluded_shares, outlines
from perception_label.pipeline.parallel import in_order, n_workers
from perception_label.pipeline.scan_times import at_scan_times, scan_offsets_ns, sectors_of
from perception_label.storage.logs import Log
from perception_label.tables import labels_from_table

MAX_GAP_NS = 1_000_000_000  # a track without boxes for longer may be anywhere
REACH_NS = 150_000_000  # a track goes on so far beyond its ends: a sweep, and its scan's time


@dataclass(frozen=True, slots=True)
class ProjectedTracks:
    """The boxes of tracks in the pictures of one camera, B rows, by picture and then track.

    Pixels count from the top left corner of the picture: 0, 0, width, height is all of it.

    Attributes
    ----------
    camera : str
        The camera.
    images : (B,) int64
        Number of the picture.
    timestamps_ns : (B,) int64
        When it was taken.
    tracks : (B,) int32
        Index into `track_names`: the tracks of the labels.
    track_names : tuple of str
        Their ids.
    class_names : (B,) array of str
        The box's class.
    boxes_px, whole_px : (B, 4) float64
        x0, y0, x1, y1 on the picture; and if the picture went on.
    visible : (B,) float64
        Share of the silhouette that is on the picture and not hidden: (1 - `truncated`) times
        (1 - `occluded`).
    truncated, occluded : (B,) float64
        Share of the silhouette beyond the picture's edge; hidden share of the rest.
    range_m : (B,) float64
        From the camera to the cuboid's centre.
    polygons : (B,) array of shapely.Polygon
        The silhouettes on the picture.
    cuboids : Cuboids
        Where the objects are when the picture is taken, world frame.
    rows : (B,) int64
        The label that is nearest in time.
    """

    camera: str
    images: Ints
    timestamps_ns: Ints
    tracks: NDArray[np.int32]
    track_names: tuple[str, ...]
    class_names: NDArray[np.str_]
    boxes_px: Floats
    whole_px: Floats
    visible: Floats
    truncated: Floats
    occluded: Floats
    range_m: Floats
    polygons: NDArray[Any]
    cuboids: Cuboids
    rows: Ints

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, rows: NDArray[Any]) -> "ProjectedTracks":
        """Return the chosen rows."""
        whole = {name: getattr(self, name) for name in ("camera", "track_names")}
        columns = {f.name: getattr(self, f.name)[rows] for f in fields(self) if f.name not in whole}
        return ProjectedTracks(**whole, **columns)


def project_tracks(
    log: Log,
    camera: str,
    labels: Labels | None = None,
    *,
    images: Sequence[int] | Ints | None = None,
    is_exact: bool = False,
    look_at_points: bool = True,
    min_visible: float = 0.0,
    workers: int | None = None,
) -> ProjectedTracks:
    """Return where tracks appear in a camera's pictures, at the pictures' own times.

    Ego poses and objects are interpolated to each picture's timestamp; a box drawn on a sweep's
    points is where its object was when the beam passed it, not at the sweep's timestamp.

    Parameters
    ----------
    log : Log
        With ego poses.
    camera : str
        One of `log.cameras`.
    labels : Labels, optional
        Dense boxes, world frame; None takes the machine's (`log.dense_source`). All of them
        hide each other, so give those of all tracks.
    images : (K,) int, optional
        Numbers of the pictures; None takes all.
    is_exact : bool
        The boxes hold at the sweeps' timestamps (as a simulator's truth does), not at their
        points' times.
    look_at_points : bool
        Let LiDAR points of the nearest sweep tell what else hides a box.
    min_visible : float
        Boxes of which less is visible are left out.
    workers : int, optional
        Threads over pictures; None takes one per core.

    Returns
    -------
    ProjectedTracks
        A row for each picture and track that is on it at all: `boxes_px` (B, 4), `visible` (B,),
        silhouettes, cuboids at the picture's time. Pictures farther than 0.1 s
        from the ego poses have none.

    Raises
    ------
    SettingError
        If there is no such camera, or no such picture.
    MissingPosesError
        If the log has no ego poses.
    WorkspaceError
        If no labels were given and nothing made boxes yet.
    """
    view = camera_of(log, camera)
    taken = log.images[camera].timestamps_ns if camera in log.images else np.empty(0, np.int64)
    numbers = np.arange(len(taken)) if images is None else np.asarray(images, dtype=np.int64)
    if len(numbers) and not (numbers.min() >= 0 and numbers.max() < len(taken)):
        raise SettingError(
            f"log {log.id}, camera {camera}: expected images 0 to {len(taken) - 1}, got "
            f"{numbers.min()} to {numbers.max()}"
        )
    boxes = labels_from_table(log.dense_boxes()) if labels is None else labels
    timed = boxes if is_exact else at_scan_times(log, boxes)
    poses = world_from_camera(log, camera, taken[numbers])
    there = cuboids_at(timed, taken[numbers], max_gap_ns=MAX_GAP_NS, reach_ns=REACH_NS)
    cuts = np.searchsorted(there.at, np.arange(len(numbers) + 1))
    sweeps = nearest_sweeps(log, camera, taken[numbers]) if look_at_points else None
    one = partial(_one_picture, log, view, poses, there, cuts, sweeps)
    known = np.flatnonzero(np.isfinite(poses[:, 0, 0])).tolist()
    parts = [p for p in in_order(one, known, n_workers(workers)) if len(p.rows)]
    row = np.concatenate([np.empty(0, np.int64), *(p.rows for p in parts)])
    names = np.array(boxes.class_names, dtype=str)
    shown, occluded = _joined(parts, "shown"), _joined(parts, "occluded")
    found = ProjectedTracks(
        camera=camera,
        images=numbers[there.at[row]],
        timestamps_ns=taken[numbers[there.at[row]]],
        tracks=there.tracks[row],
        track_names=boxes.track_names,
        class_names=names[boxes.classes[there.nearest[row]]] if len(names) else names,
        boxes_px=_joined(parts, "boxes_px", (4,)),
        whole_px=_joined(parts, "whole_px", (4,)),
        visible=shown * (1 - occluded),
        truncated=1 - shown,
        occluded=occluded,
        range_m=_joined(parts, "range_m"),
        polygons=np.concatenate([np.empty(0, dtype=object), *(p.polygons for p in parts)]),
        cuboids=there.cuboids[row],
        rows=there.nearest[row],
    )
    return found[found.visible >= min_visible] if min_visible > 0 else found


@dataclass(frozen=True, slots=True)
class _Seen:
    """What is on one picture: `rows` of the moments, and their columns."""

    rows: Ints
    boxes_px: Floats
    whole_px: Floats
    shown: Floats
    occluded: Floats
    range_m: Floats
    polygons: NDArray[Any]


def _one_picture(
    log: Log,
    view: Camera,
    poses: Floats,
    there: Moments,
    cuts: Ints,
    sweeps: Ints | None,
    k: int,
) -> _Seen:
    cuboids = there.cuboids[slice(int(cuts[k]), int(cuts[k + 1]))]
    seen = outlines(view, poses[k], cuboids)
    on = np.flatnonzero(seen.is_seen)
    cloud: tuple[Any, ...] = ()
    if sweeps is not None and len(on):
        sweep = log.sweep(int(sweeps[k]))
        cloud = (sweep.points_m, sweep.world_from_sensor)
    hidden = occluded_shares(view, poses[k], cuboids, seen, *cloud)
    return _Seen(
        cuts[k] + on, seen.boxes_px[on], seen.whole_px[on], seen.shown[on], hidden[on],
        seen.range_m[on], seen.polygons[on],
    )  # fmt: skip


def _joined(parts: list[_Seen], name: str, tail: tuple[int, ...] = ()) -> Floats:
    return np.concatenate([np.empty((0, *tail)), *(getattr(p, name) for p in parts)])


def camera_of(log: Log, camera: str) -> Camera:
    """Return a camera's calibration; `SettingError` names the known ones if there is none."""
    if camera not in log.cameras:
        known = ", ".join(sorted(log.cameras)) or "none"
        raise SettingError(f"log {log.id}: expected a camera of {known}, got {camera!r}")
    return log.cameras[camera]


def world_from_camera(log: Log, camera: str, timestamps_ns: Ints) -> Floats:
    """Return the camera's pose at each time, (K, 4, 4); NaN far from the ego poses.

    Raises
    ------
    MissingPosesError
        If the log has no ego poses.
    SettingError
        If there is no such camera.
    """
    if log.ego_poses is None:
        raise MissingPosesError(f"log {log.id}: expected ego poses, got none")
    poses: Floats = poses_at(log.ego_poses, timestamps_ns) @ camera_of(log, camera).ego_from_camera
    return poses


def nearest_sweeps(log: Log, camera: str, timestamps_ns: Ints) -> Ints:
    """Return for each time the sweep that looked the camera's way nearest to it, (K,)."""
    ahead = np.asarray(camera_of(log, camera).ego_from_camera)[None, :3, 2]
    scanned = log.timestamps_ns + scan_offsets_ns(log)[sectors_of(ahead)[0]]
    after = np.searchsorted(scanned, timestamps_ns).clip(0, len(scanned) - 1)
    before = np.maximum(after - 1, 0)
    is_before = timestamps_ns - scanned[before] <= np.abs(scanned[after] - timestamps_ns)
    return np.where(is_before, before, after)
