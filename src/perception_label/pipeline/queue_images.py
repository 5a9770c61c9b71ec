"""What the labels on a log's images say for the review queue."""

from collections.abc import Mapping

import numpy as np

from perception_label.arrays import Floats, Ints
from perception_label.geometry.image_labels import ImageLabels
from perception_label.geometry.labels import Labels
from perception_label.geometry.shapes import KINDS
from perception_label.pipeline.project import project_tracks
from perception_label.pipeline.solve_images import NAME, image_labels
from perception_label.quality.queue import QueueItem, by_track
from perception_label.quality.queue_images import Overlaps, doubt_items, overlap_items
from perception_label.storage.logs import Log

WHOLE = tuple(KINDS.index(kind) for kind in ("box", "mask", "polygon"))  # enclose their object
EVERY_S = 0.5  # images are compared; keyframes all
LEAST_VISIBLE = 0.6  # of the silhouette: labels on images may be of what is seen only
LEAST_IOU = 0.5  # that the label on the image expects of itself


def image_items(
    log: Log, labels: Labels, sources: Mapping[str, str], workers: int
) -> tuple[list[QueueItem], list[str]]:
    """Return what is doubtful of the labels on images, or disagrees with the cuboids, and notes.

    Raises
    ------
    MissingPosesError
        If tracks have both kinds of labels and the log has no ego poses.
    """
    if log.machine(NAME) is None:
        return [], []
    items, notes = list[QueueItem](), list[str]()
    middle = {t.track_id: int(t.rows[len(t.rows) // 2]) for t in by_track(labels)}
    for camera, times in log.image_timestamps_ns.items():
        drawn = image_labels(log, camera)
        if not len(drawn):
            continue
        items += doubt_items(
            camera, drawn, len(times), log.timestamps_ns, boxes=labels, places=middle
        )
        if camera in log.cameras and log.ego_poses is not None:
            found, note = overlap_items(
                labels, sources, compare_labels(log, camera, labels, drawn, workers=workers)
            )
            items += found
            notes += [note] if note else []
    return items, notes


def compare_labels(
    log: Log,
    camera: str,
    labels: Labels,
    drawn: ImageLabels,
    *,
    is_exact: bool = False,
    workers: int | None = None,
) -> Overlaps:
    """Compare labels on a camera's images with the projected cuboids of the same tracks.

    Boxes, masks and polygons are compared by their bounds: keyframes, and of what was worked out
    an image each half second that expects an overlap of `LEAST_IOU` of itself.
    Silhouettes that are cut, or hidden by other cuboids, by more than `LEAST_VISIBLE` leaves
    are left out.

    Parameters
    ----------
    log : Log
        With ego poses.
    camera : str
        One of `log.cameras`.
    labels : Labels
        Dense boxes of all tracks, world frame.
    drawn : ImageLabels
        The labels on the camera's images.
    is_exact : bool
        See `project_tracks`.
    workers : int, optional
        Threads over images.
    """
    row_of = {name: k for k, name in enumerate(labels.track_names)}
    both = np.array([row_of.get(name, -1) for name in drawn.track_ids.tolist()], dtype=np.int64)
    kept = (both >= 0) & np.isin(drawn.kinds, WHOLE) & drawn.visible
    kept &= drawn.is_key | (np.nan_to_num(drawn.expected_iou) >= LEAST_IOU)
    kept &= drawn.is_key | np.isin(drawn.images, _now_and_then(log.image_timestamps_ns[camera]))
    rows = np.flatnonzero(kept)
    shown = project_tracks(
        log, camera, labels, images=np.unique(drawn.images[rows]), is_exact=is_exact,
        look_at_points=False, min_visible=LEAST_VISIBLE, workers=workers,
    )  # fmt: skip
    view, at = log.cameras[camera], dict[tuple[int, int], int]()
    for k, place in enumerate(zip(shown.images.tolist(), shown.tracks.tolist(), strict=True)):
        at[place] = k
    pairs = [
        (row, at[place])
        for row, place in zip(
            rows.tolist(), zip(drawn.images[rows].tolist(), both[rows].tolist(), strict=True),
            strict=True,
        )
        if place in at
    ]  # fmt: skip
    mine, theirs = np.array(pairs, dtype=np.int64).reshape(-1, 2).T
    edges = [view.width_px, view.height_px, view.width_px, view.height_px]
    boxes = np.clip(drawn.boxes_px[mine], 0.0, edges)
    other = np.clip(shown.boxes_px[theirs], 0.0, edges)
    return Overlaps(
        camera=camera,
        tracks=shown.tracks[theirs],
        images=drawn.images[mine],
        timestamps_ns=drawn.timestamps_ns[mine],
        iou=_iou(boxes, other),
        off_px=boxes - other,
    )


def _now_and_then(times_ns: Ints) -> Ints:
    if not len(times_ns):
        return np.empty(0, dtype=np.int64)
    wanted = np.arange(times_ns[0], times_ns[-1] + 1, int(EVERY_S * 1e9))
    return np.unique(np.searchsorted(times_ns, wanted))


def _iou(a: Floats, b: Floats) -> Floats:
    """Return the overlap of boxes row by row, 0 for those of no area."""
    sides = np.minimum(a[:, 2:], b[:, 2:]) - np.maximum(a[:, :2], b[:, :2])
    shared = np.clip(sides, 0, None).prod(axis=1)
    areas = (a[:, 2:] - a[:, :2]).prod(axis=1) + (b[:, 2:] - b[:, :2]).prod(axis=1)
    return np.asarray(shared / np.maximum(areas - shared, 1e-9))
