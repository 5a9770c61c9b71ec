"""From boxes in a few images to boxes in all of them."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from os import PathLike

import numpy as np
from numpy.typing import ArrayLike

from perception_label.arrays import Floats, Ints, Mask
from perception_label.errors import SettingError, ShapeError
from perception_label.geometry.asking import where_to_ask
from perception_label.geometry.boxes import as_boxes, inside_share
from perception_label.video.box_between import Between, Stretch
from perception_label.video.box_beyond import Beyond
from perception_label.video.images import ImageSource, Picture, open_images
from perception_label.video.pyramid import Pyramid

Progress = Callable[[int, int], None]

LEAST_SEEN = 0.5  # chance that it is seen, and share of it in the image, to be called visible


@dataclass(frozen=True, slots=True)
class PropagatedBoxes:
    """Boxes of B objects in n images; unpacks as `boxes, visible`.

    Attributes
    ----------
    boxes_px : (B, n, 4) float64
        x0, y0, x1, y1; may reach beyond the image. NaN where nothing is known of the object: it
        was lost, or is outside its span.
    visible : (B, n) bool
        In the image and not hidden, as far as can be told.
    expected_iou : (B, n) float64
        With the true box; 1 at keyframes, 0 where there is no box.
    next_keyframe : (B,) int64
        The image where one more keyframe would help most: amid the expected errors between two
        keyframes, or the least sure image before or after all of them.
    tracks : (B,) int64
        Which object a row is.
    """

    boxes_px: Floats
    visible: Mask
    expected_iou: Floats
    next_keyframe: Ints
    tracks: Ints

    def __iter__(self) -> Iterator[Floats | Mask]:
        """Yield boxes and visible."""
        return iter((self.boxes_px, self.visible))


def propagate_boxes(
    images: str | PathLike[str] | Iterable[Picture] | ImageSource,
    boxes_px: ArrayLike,
    at: int,
    *,
    span: tuple[int, int] | None = None,
) -> PropagatedBoxes:
    """Follow boxes of one image through a video, forwards and backwards.

    Parameters
    ----------
    images : path, ImageSource or iterable of (H, W) or (H, W, 3) uint8
        A video file, a folder of images or images, see `open_images`.
    boxes_px : (B, 4) float
        x0, y0, x1, y1 in pixels at image `at`: edges, the first pixel spans 0 to 1.
    at : int
        Number of that image; negative counts from the end.
    span : (int, int), optional
        First and last image to follow to, inclusive; all by default.

    Returns
    -------
    PropagatedBoxes
        boxes (B, n_images, 4) and visible (B, n_images), also `expected_iou` and
        `next_keyframe`. An object is followed until it is lost; see `propagate_tracks`.

    Raises
    ------
    ShapeError
        If the boxes are not (B, 4), not finite, or of no area.
    SettingError
        If there is no image `at`, or a box is wholly outside it.
    SourceError
        If the images cannot be read.

    Examples
    --------
    >>> picture = np.random.default_rng(0).integers(0, 256, (48, 64), dtype=np.uint8)
    >>> boxes, visible = propagate_boxes([picture] * 3, [[10, 10, 30, 40]], 0)
    >>> boxes.shape, visible.all().item(), boxes[0, 2].round().tolist()
    ((1, 3, 4), True, [10.0, 10.0, 30.0, 40.0])
    """
    source = open_images(images)
    given = as_boxes(boxes_px)
    rows = np.arange(len(given))
    spans = None if span is None else np.tile(np.asarray(span), (len(given), 1))
    return propagate_tracks(source, given, np.full(len(given), at), rows, spans=spans)


def propagate_tracks(
    images: str | PathLike[str] | Iterable[Picture] | ImageSource,
    boxes_px: ArrayLike,
    at: ArrayLike,
    track: ArrayLike,
    *,
    spans: ArrayLike | None = None,
    progress: Progress | None = None,
) -> PropagatedBoxes:
    """Follow objects through a video from any number of keyframes of each.

    Keyframes stay as they are. Between two of them both directions are fused by their errors;
    before the first and after the last an object is followed until its own error says stop.

    Parameters
    ----------
    images : path, ImageSource or iterable of (H, W) or (H, W, 3) uint8
        A video file, a folder of images or images, see `open_images`.
    boxes_px : (K, 4) float
        The keyframes' boxes: x0, y0, x1, y1 in pixels.
    at : (K,) int
        The keyframes' image numbers; negative counts from the end.
    track : (K,) int
        Which object each is of.
    spans : (B, 2) int, optional
        First and last image of each object, inclusive, objects by ascending number; all by
        default.
    progress : callable, optional
        Called with how many of at most how many looks at an image are done.

    Returns
    -------
    PropagatedBoxes
        A row per object, by ascending number.

    Raises
    ------
    ShapeError
        If lengths differ, or a box is not finite or of no area.
    SettingError
        If there is no such image, a box is wholly outside it, or an object has two keyframes in
        one image.
    """
    source = open_images(images)
    keys = _Keyframes(source, as_boxes(boxes_px), _numbers(at, "at"), _numbers(track, "track"))
    limits = _limits(spans, keys, len(source))
    shown = _Shown(source, progress)
    stretches = [*_forwards(shown, keys, limits), *_backwards(shown, keys, limits)]
    return _joined(source, keys, stretches)


class _Keyframes:
    """Keyframes sorted by object and image."""

    def __init__(self, source: ImageSource, boxes_px: Floats, at: Ints, track: Ints) -> None:
        if not len(boxes_px) == len(at) == len(track):
            raise ShapeError(
                f"at, track: expected {len(boxes_px)} as boxes, got {len(at)} and {len(track)}"
            )
        n = len(source)
        wrong = (at < -n) | (at >= n)
        if wrong.any():
            raise SettingError(
                f"{source.name}: expected an image from 0 to {n - 1}, got {int(at[wrong][0])}"
            )
        at = at % n
        outside = inside_share(boxes_px, source.width_px, source.height_px) <= 0
        if outside.any():
            row = int(np.argmax(outside))
            raise SettingError(
                f"boxes_px, row {row}: expected a part in the {source.width_px} x "
                f"{source.height_px} px image, got {boxes_px[row].tolist()}"
            )
        order = np.lexsort((at, track))
        self.boxes_px, self.at = boxes_px[order], at[order]
        self.tracks, self.row = np.unique(track[order], return_inverse=True)
        twice = (np.diff(self.at) == 0) & (np.diff(self.row) == 0)
        if twice.any():
            k = int(np.argmax(twice))
            raise SettingError(
                f"track {self.tracks[self.row[k]]}: expected one keyframe per image, got two at "
                f"{self.at[k]}"
            )

    def of(self, row: int) -> tuple[Ints, Floats]:
        """Return the images and boxes of an object's keyframes, in order of time."""
        mine = self.row == row
        return self.at[mine], self.boxes_px[mine]


def _numbers(values: ArrayLike, name: str) -> Ints:
    given = np.asarray(values)
    if given.ndim != 1 or (given.size and given.dtype.kind not in "iu"):
        raise ShapeError(f"{name}: expected (K,) integers, got {given.shape} {given.dtype}")
    return given.astype(np.int64)


def _limits(spans: ArrayLike | None, keys: _Keyframes, n: int) -> Ints:
    """Return each object's first and last image, (B, 2)."""
    if spans is None:
        return np.tile(np.array([0, n - 1], dtype=np.int64), (len(keys.tracks), 1))
    given = np.asarray(spans)
    if given.shape != (len(keys.tracks), 2) or (given.size and given.dtype.kind not in "iu"):
        raise ShapeError(
            f"spans: expected ({len(keys.tracks)}, 2) integers, got {given.shape} {given.dtype}"
        )
    limits = np.clip(given.astype(np.int64), 0, n - 1)
    for row in range(len(limits)):
        at, _ = keys.of(row)
        limits[row] = min(limits[row, 0], at[0]), max(limits[row, 1], at[-1])
    return limits


class _Shown:
    """Images as pyramids in turn, counted."""

    def __init__(self, source: ImageSource, progress: Progress | None) -> None:
        self._source, self._progress = source, progress
        self._n_shown = 0

    def __call__(self, start: int, step: int) -> Iterator[Pyramid]:
        for grey in self._source.greys(start, None, step):
            yield Pyramid.of(grey)
            self._n_shown += 1
            if self._progress is not None:
                self._progress(self._n_shown, 2 * len(self._source))


def _forwards(shown: _Shown, keys: _Keyframes, limits: Ints) -> Iterator[tuple[int, Stretch]]:
    """Yield each object's stretches between its keyframes and after the last one."""
    waiting: list[tuple[int, int, Between | Floats]] = []
    for row in range(len(keys.tracks)):
        at, boxes = keys.of(row)
        for k in range(len(at) - 1):
            pair = Between(int(at[k]), int(at[k + 1]), boxes[k : k + 2])
            waiting.append((int(at[k]), row, pair))
        waiting.append((int(at[-1]), row, boxes[-1]))
    waiting.sort(key=lambda w: (w[0], w[1]))
    yield from _run(shown, waiting, limits[:, 1], 1)


def _backwards(shown: _Shown, keys: _Keyframes, limits: Ints) -> Iterator[tuple[int, Stretch]]:
    """Yield each object's stretch before its first keyframe."""
    waiting: list[tuple[int, int, Between | Floats]] = []
    for row in range(len(keys.tracks)):
        at, boxes = keys.of(row)
        if at[0] > limits[row, 0]:
            waiting.append((int(at[0]), row, boxes[0]))
    waiting.sort(key=lambda w: (-w[0], w[1]))
    yield from _run(shown, waiting, limits[:, 0], -1)


def _run(
    shown: _Shown,
    waiting: list[tuple[int, int, Between | Floats]],
    ends: Ints,
    step: int,
) -> Iterator[tuple[int, Stretch]]:
    """Show the images in turn to whoever waits for them; yield each stretch when it is done."""
    active: list[tuple[int, Between | Beyond]] = []
    begun = 0
    if not waiting:
        return
    number = waiting[0][0]
    for image in shown(number, step):
        for _, one in active:
            one.see(image)
        while begun < len(waiting) and waiting[begun][0] == number:
            _, row, what = waiting[begun]
            begun += 1
            if isinstance(what, Between):
                what.see(image)
                active.append((row, what))
            else:
                active.append((row, Beyond(number, what, image, step)))
        done = [_is_done(one, number, int(ends[row])) for row, one in active]
        yield from ((row, one.solve()) for (row, one), d in zip(active, done, strict=True) if d)
        active = [a for a, d in zip(active, done, strict=True) if not d]
        if not active and begun == len(waiting):
            return
        number += step


def _is_done(one: Between | Beyond, number: int, end: int) -> bool:
    return number == one.last if isinstance(one, Between) else one.is_lost or number == end


def _joined(
    source: ImageSource, keys: _Keyframes, stretches: list[tuple[int, Stretch]]
) -> PropagatedBoxes:
    n_tracks, n = len(keys.tracks), len(source)
    boxes = np.full((n_tracks, n, 4), np.nan)
    seen, expected = np.zeros((n_tracks, n)), np.zeros((n_tracks, n))
    for row, stretch in stretches:
        mine = slice(stretch.first, stretch.first + len(stretch.boxes_px))
        boxes[row, mine], seen[row, mine] = stretch.boxes_px, stretch.seen
        expected[row, mine] = stretch.expected_iou
    boxes[keys.row, keys.at] = keys.boxes_px
    seen[keys.row, keys.at] = expected[keys.row, keys.at] = 1.0
    inside = np.nan_to_num(inside_share(boxes, source.width_px, source.height_px))
    visible = (seen >= LEAST_SEEN) & (inside >= LEAST_SEEN)
    return PropagatedBoxes(boxes, visible, expected, _next(expected, keys), keys.tracks)


def _next(expected: Floats, keys: _Keyframes) -> Ints:
    """Return for each object where one more keyframe would help most, (B,)."""
    asked = [where_to_ask(each, keys.of(row)[0]) for row, each in enumerate(expected)]
    return np.array(asked, dtype=np.int64)
