"""Keyframes of 2-D tracks to labels on every image: each kind of geometry by its own method."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from perception_label.arrays import Floats, Ints, Mask
from perception_label.geometry.image_labels import (
    ImageLabels,
    join_image_labels,
    no_image_labels,
    objects,
    texts,
)
from perception_label.geometry.shapes import Shape
from perception_label.video.images import ImageSource

SOURCE = "video"  # of labels that were worked out
Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Followed:
    """One track and kind of geometry over images first … first + n - 1.

    Attributes
    ----------
    boxes_px : (n, 4) float64
        The boxes, or those around the shapes; NaN where it is not.
    shapes : n Shapes or None
        None for boxes.
    visible : (n,) bool
        Whether it can be seen there.
    expected_iou : (n,) float64
        Overlap with the truth that is expected; NaN unknown.
    next_keyframe : int
        The image where one more keyframe would help most.
    """

    boxes_px: Floats
    shapes: Sequence[Shape | None] | None
    visible: Mask
    expected_iou: Floats
    next_keyframe: int


def propagate(
    images: ImageSource,
    keys: ImageLabels,
    *,
    span: tuple[int, int] | None = None,
    spans: Mapping[str, tuple[int, int]] | None = None,
    outside: Mapping[str, Mask] | None = None,
    progress: Progress | None = None,
) -> tuple[ImageLabels, dict[tuple[str, str], int]]:
    """Return labels on every image from keyframes on some.

    Parameters
    ----------
    images : ImageSource
        The video.
    keys : ImageLabels
        Keyframes; one that is not visible says that the object is gone from there on, until
        its next visible one. Sizes and numbers fit the video.
    span : (first, last), optional
        Images to label, ends included; all by default.
    spans : dict of (first, last), optional
        Lifespans of single tracks, by id.
    outside : dict of (n_images,) bool, optional
        By track: images where it is not to be labelled.
    progress : callable, optional
        Called with how many of how many images are done.

    Returns
    -------
    labels : ImageLabels
        Keyframes as they are, `is_key`; the others with source `video`, their visibility and
        expected overlap. Images where a track is not have no row.
    next_keyframes : dict of int
        By track and kind of geometry, the image where one more keyframe would help most.
    """
    first, last = span or (0, len(images) - 1)
    done, asked = [], {}
    places = keys.tracks()
    groups: dict[str, list[tuple[str, Ints]]] = {}
    for (name, kind), rows in places.items():
        seen = rows[keys.visible[rows]]
        if len(seen):
            groups.setdefault(kind, []).append((name, seen))
    share = _Share(progress, len(groups))
    for kind in sorted(groups):
        tracks = groups[kind]
        followed = follow(kind, images, keys, [rows for _, rows in tracks], (first, last), share)
        share.next()
        for (name, seen), track in zip(tracks, followed, strict=True):
            asked[name, kind] = track.next_keyframe
            alive = _alive(keys, places[name, kind], seen, (first, last))
            begin, end = (spans or {}).get(name, (first, last))
            at = np.arange(first, last + 1)
            alive &= (at >= begin) & (at <= end)
            if outside and name in outside:
                alive &= ~outside[name][first : last + 1]
            done.append(_labels(images, keys, seen, track, alive, first))
    return (join_image_labels(done) if done else no_image_labels()), asked


def _alive(keys: ImageLabels, rows: Ints, seen: Ints, span: tuple[int, int]) -> Mask:
    """Return the images where no keyframe has said that the object is gone."""
    first, last = span
    alive = np.ones(last - first + 1, dtype=np.bool_)
    starts = keys.images[rows]
    for k in np.flatnonzero(~keys.visible[rows]).tolist():
        until = int(starts[k + 1]) if k + 1 < len(rows) else last + 1
        alive[max(int(starts[k]) - first, 0) : max(until - first, 0)] = False
    return alive


def _labels(
    images: ImageSource, keys: ImageLabels, seen: Ints, track: Followed, alive: Mask, first: int
) -> ImageLabels:
    """Return a track's rows; keyframes take the place of what was worked out there."""
    n = len(track.visible)
    has_place = np.isfinite(track.boxes_px).all(axis=1)
    shapes = [None] * n if track.shapes is None else list(track.shapes)
    if track.shapes is not None:
        has_place &= np.array([shape is not None for shape in shapes])
    at = keys.images[seen] - first
    inside = (at >= 0) & (at < n)
    kept = has_place & alive
    kept[at[inside]] = False
    rows = np.flatnonzero(kept)
    m = len(rows)
    row = int(seen[0])
    followed = ImageLabels(
        images=rows + first,
        timestamps_ns=images.timestamps_ns[rows + first],
        track_ids=texts([keys.track_ids[row]] * m),
        class_names=texts([keys.class_names[row]] * m),
        boxes_px=np.asarray(track.boxes_px[rows], dtype=np.float64).reshape(-1, 4),
        kinds=np.full(m, keys.kinds[row], dtype=np.int8),
        shapes=objects([shapes[k] for k in rows.tolist()]),
        is_key=np.zeros(m, dtype=np.bool_),
        visible=track.visible[rows],
        scores=np.ones(m),
        expected_iou=np.asarray(track.expected_iou[rows], dtype=np.float64),
        sources=texts([SOURCE] * m),
        revision=np.full(m, keys.revision[row]),
    )
    return join_image_labels([keys[seen[inside]], followed])


class _Share:
    """Progress of several runs over the images as one."""

    def __init__(self, progress: Progress | None, n_runs: int) -> None:
        self._progress = progress
        self._n = n_runs
        self._run = 0

    def __call__(self, done: int, total: int) -> None:
        if self._progress is not None:
            self._progress(self._run * total + done, self._n * total)

    def next(self) -> None:
        self._run += 1


def follow(
    kind: str,
    images: ImageSource,
    keys: ImageLabels,
    tracks: Sequence[Ints],
    span: tuple[int, int],
    progress: Progress,
) -> list[Followed]:
    """Return each track over the images of a span; `tracks` are its rows in `keys`, ascending."""
    del images, kind
    progress(0, 1)
    return [_linear(keys, rows, span) for rows in tracks]


def _linear(keys: ImageLabels, rows: Ints, span: tuple[int, int]) -> Followed:
    first, last = span
    at = np.arange(first, last + 1)
    boxes = np.column_stack(
        [np.interp(at, keys.images[rows], keys.boxes_px[rows, k]) for k in range(4)]
    )
    inside = (at >= keys.images[rows[0]]) & (at <= keys.images[rows[-1]])
    boxes[~inside] = np.nan
    return Followed(boxes, None, inside, np.full(len(at), np.nan), int(at[0]))
