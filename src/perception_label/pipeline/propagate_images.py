"""Keyframes of 2-D tracks to labels on every image: each kind of geometry by its own method."""

from collections.abc import Mapping

import numpy as np

from perception_label.arrays import Ints, Mask
from perception_label.geometry.image_labels import (
    ImageLabels,
    join_image_labels,
    no_image_labels,
    objects,
    texts,
)
from perception_label.pipeline.follow_shapes import Followed, Progress, Share, follow
from perception_label.video.images import ImageSource

SOURCE = "video"  # of labels that were worked out


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
    share = Share(progress, len(groups), last - first + 1)
    for kind in sorted(groups):
        tracks = groups[kind]
        followed = follow(kind, images, keys, [rows for _, rows in tracks], (first, last), share)
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
