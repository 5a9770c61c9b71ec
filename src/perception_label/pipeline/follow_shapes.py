"""Tracks on images, each kind of geometry followed by its own method."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from perception_label.arrays import Floats, Ints, Mask
from perception_label.geometry.image_labels import ImageLabels
from perception_label.geometry.masks import compress, from_coco
from perception_label.geometry.shapes import Shape
from perception_label.video.images import ImageSource
from perception_label.video.part import Part
from perception_label.video.point_paths import Gap, filled, follow_gaps
from perception_label.video.propagate_boxes import propagate_tracks
from perception_label.video.propagate_masks import propagate_masks

Progress = Callable[[int, int], None]
# Of a box around points, so that there is something to see in it.
WIDER_PX = np.array([-8.0, -8.0, 8.0, 8.0])


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


class Share:
    """Progress of several runs over the images as one; each run sees them up to twice."""

    def __init__(self, progress: Progress | None, n_runs: int, n_images: int) -> None:
        self._progress, self._n_images = progress, n_images
        self._total = 2 * n_runs * n_images
        self._done = self._run = 0

    def seen(self) -> None:
        """Count one image."""
        most = 2 * (self._run + 1) * self._n_images
        self._done = min(self._done + 1, most)
        self._tell()

    def end(self) -> None:
        """End a run: what it left out was not needed."""
        self._run += 1
        self._done = 2 * self._run * self._n_images
        self._tell()

    def _tell(self) -> None:
        if self._progress is not None:
            n_runs = max(1, self._total // (2 * self._n_images))
            self._progress(self._done // (2 * n_runs), self._n_images)


def follow(
    kind: str,
    images: ImageSource,
    keys: ImageLabels,
    tracks: Sequence[Ints],
    span: tuple[int, int],
    share: Share,
) -> list[Followed]:
    """Return each track over the images of a span; `tracks` are its rows in `keys`, ascending.

    Boxes and masks have a method each. Polygons, keypoints and polylines ride on the box around
    them; between two keyframes with as many points these are followed by their own texture, and
    where they are lost go with their neighbours from where the box takes them. Before the first
    and after the last keyframe they stay in their place of the box.
    """
    rows = np.concatenate(tracks)
    first, last = span
    begin = min(first, int(keys.images[rows].min()))
    end = max(last, int(keys.images[rows].max()))
    part = Part(images, begin, end, share.seen)
    inside = slice(first - begin, last - begin + 1)
    at = keys.images[rows] - begin
    which = np.repeat(np.arange(len(tracks)), [len(track) for track in tracks])
    if kind == "mask":
        found = _masks(part, keys, rows, at, which, inside)
    else:
        found = _on_boxes(part, keys, tracks, (rows, at, which), inside)
    share.end()
    return found


def _on_boxes(
    part: Part,
    keys: ImageLabels,
    tracks: Sequence[Ints],
    given: tuple[Ints, Ints, Ints],
    inside: slice,
) -> list[Followed]:
    rows, at, which = given
    is_box = keys.shapes[rows[0]] is None
    boxes = keys.boxes_px[rows]
    if not is_box:
        boxes = boxes + WIDER_PX
    found = propagate_tracks(part, boxes, at, which)
    ridden: list[list[Shape | None]] = []
    if not is_box:
        around_all = found.boxes_px
        ridden = [
            _ridden(keys, track, at[which == k], around_all[k]) for k, track in enumerate(tracks)
        ]
        _follow_points(part, keys, tracks, [at[which == k] for k in range(len(tracks))], ridden)
    done = []
    for k in range(len(tracks)):
        around = found.boxes_px[k]
        shapes: list[Shape | None] | None = None
        if not is_box:
            around = np.array([_bounds(s) for s in ridden[k]]).reshape(-1, 4)
            shapes = ridden[k][inside]
        asked = int(found.next_keyframe[k]) + int(keys.images[rows[0]] - at[0])
        done.append(
            Followed(
                around[inside],
                shapes,
                found.visible[k, inside],
                found.expected_iou[k, inside],
                asked,
            )
        )
    return done


def _ridden(keys: ImageLabels, rows: Ints, at: Ints, around: Floats) -> list[Shape | None]:
    """Return a shape for each box around it, (n, 4); None where there is no box."""
    held = [keys.shapes[row] for row in rows.tolist()]
    places = [_within(shape.points_px, around[t]) for shape, t in zip(held, at, strict=True)]
    done: list[Shape | None] = []
    for t, box in enumerate(around):
        if not np.isfinite(box).all():
            done.append(None)
            continue
        k = int(np.clip(np.searchsorted(at, t, side="right") - 1, 0, len(at) - 1))
        place, j = places[k], min(k + 1, len(at) - 1)
        if t > at[k] and j > k and places[j].shape == place.shape:
            share = (t - at[k]) / (at[j] - at[k])
            place = (1 - share) * place + share * places[j]
        points = place * (box[2:] - box[:2]) + box[:2]
        shape = held[k]
        done.append(Shape(shape.kind, points, shape.parts, shape.visibility))
    return done


def _follow_points(
    part: Part,
    keys: ImageLabels,
    tracks: Sequence[Ints],
    at: Sequence[Ints],
    ridden: Sequence[list[Shape | None]],
) -> None:
    """Replace what rides between two keyframes by what its own points say."""
    gaps, of = list[Gap](), list[int]()
    for k, rows in enumerate(tracks):
        for j in range(len(rows) - 1):
            one, two = keys.shapes[rows[j]], keys.shapes[rows[j + 1]]
            first, last = int(at[k][j]), int(at[k][j + 1])
            whole = all(shape is not None for shape in ridden[k][first : last + 1])
            if last > first + 1 and whole and one.points_px.shape == two.points_px.shape:
                # Shapes count from the picture's corner, followed points from a pixel's middle.
                gaps.append(Gap(first, last, one.points_px - 0.5, two.points_px - 0.5))
                of.append(k)
    for k, gap, path in zip(of, gaps, follow_gaps(part, gaps), strict=True):
        guess = np.array([s.points_px for s in ridden[k][gap.first : gap.last + 1] if s])
        points = filled(path + 0.5, guess)
        for t in range(gap.first + 1, gap.last):
            shape = ridden[k][t]
            if shape is not None:
                moved = Shape(shape.kind, points[t - gap.first], shape.parts, shape.visibility)
                ridden[k][t] = moved


def _bounds(shape: Shape | None) -> Floats:
    if shape is None:
        return np.full(4, np.nan)
    return np.concatenate([shape.points_px.min(axis=0), shape.points_px.max(axis=0)])


def _within(points_px: Floats, box: Floats) -> Floats:
    return np.asarray((points_px - box[:2]) / (box[2:] - box[:2]))


def _masks(
    part: Part, keys: ImageLabels, rows: Ints, at: Ints, which: Ints, inside: slice
) -> list[Followed]:
    said = [keys.shapes[row] for row in rows.tolist()]
    drawn = from_coco([{"size": shape.size_px, "counts": shape.counts} for shape in said])
    found = propagate_masks(part, drawn, at, tracks=which)
    n, size = len(part), [drawn.height_px, drawn.width_px]
    around = found.runs.boxes_px().astype(np.float64)
    order = {int(track): k for k, track in enumerate(found.tracks.tolist())}
    offset = int(keys.images[rows[0]] - at[0])
    done = []
    for track in range(int(which.max()) + 1):
        k = order[track]
        numbers = range(k * n, (k + 1) * n)[inside]
        visible: Mask = found.visible[k, inside]
        shapes = [
            Shape.mask(size, compress(found.runs.runs(i)).decode("ascii")) if seen else None
            for i, seen in zip(numbers, visible.tolist(), strict=True)
        ]
        asked = max(0, int(found.next_keyframe[k])) + offset
        expected = found.expected_j[k, inside]
        done.append(
            Followed(around[numbers.start : numbers.stop], shapes, visible, expected, asked)
        )
    return done
