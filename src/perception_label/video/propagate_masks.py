"""Masks of a few images, carried through all of them."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from os import PathLike

import numpy as np
from numpy.typing import ArrayLike, NDArray

from perception_label.arrays import Floats, Ints, Mask
from perception_label.errors import SettingError, ShapeError
from perception_label.geometry.masks import Runs, as_masks, encode
from perception_label.video.flow import QUALITIES
from perception_label.video.images import ImageSource, Picture, open_images
from perception_label.video.mask_overlaps import settle
from perception_label.video.mask_passes import Carried, fuse, run


@dataclass(frozen=True, slots=True)
class PropagatedMasks:
    """T tracks' masks in n images; unpacks as ``masks, visible``.

    Attributes
    ----------
    tracks : (T,) int64
        Which track each row is.
    runs : Runs
        T x n masks, a track's images behind each other; empty where it is not visible.
    visible : (T, n) bool
        Whether anything of the track is seen.
    expected_j : (T, n) float64
        The overlap with the truth (J, intersection over union) that is to be expected: 1 in a
        keyframe; where nothing was found, what is given up on.
    next_keyframe : (T,) int64
        The image where one more keyframe would help most, -1 if each image is as sure as a
        keyframe.
    """

    tracks: Ints
    runs: Runs
    visible: Mask
    expected_j: Floats
    next_keyframe: Ints

    def __iter__(self) -> Iterator[Mask]:
        """Yield the masks, (T, n, H, W) bool, then `visible`."""
        yield self.masks
        yield self.visible

    @property
    def masks(self) -> Mask:
        """All masks, (T, n, H, W) bool."""
        return self.runs.dense().reshape(
            *self.visible.shape, self.runs.height_px, self.runs.width_px
        )

    def mask(self, track: int, image: int) -> Mask:
        """Return the mask of one row in one image, (H, W) bool."""
        return self.runs[track * self.visible.shape[1] + image]


def propagate_masks(
    images: str | PathLike[str] | Iterable[Picture] | ImageSource,
    masks: Runs | ArrayLike,
    at: int | Sequence[int] | Ints,
    *,
    tracks: ArrayLike | None = None,
    stop_at: float = 0.5,
    exclusive: bool = True,
    quality: str = "medium",
) -> PropagatedMasks:
    """Carry masks that were drawn in some images through all images, both ways.

    Parameters
    ----------
    images : path, ImageSource, or iterable of (H, W) or (H, W, 3) uint8
        A video, a folder, or images; see `open_images`.
    masks : (B, H, W) bool, or Runs
        B keyframes: what a thing covers in one image.
    at : int or (B,) int
        The number of that image, for all or each.
    tracks : (B,) int, optional
        Which thing each mask belongs to; without it each mask is a thing of its own. A thing
        with several keyframes may have empty ones among them: there it is not seen.
    stop_at : float
        A mask expected to overlap the truth less is given up, and the thing is not visible
        from there.
    exclusive : bool
        Whether a pixel belongs to one thing only: to the one whose outline is farther away. Two
        things that share pixels in keyframes of one image may go on sharing.
    quality : str
        Of the flow between images: `fast`, `medium` or `fine`; see `dense_flow`.

    Returns
    -------
    PropagatedMasks
        Masks exactly as given in the keyframes; unpacks as ``masks, visible`` of shapes
        (T, n, H, W) and (T, n), a row for each thing in the order of their first masks.

    Raises
    ------
    SourceError
        If there is no image.
    ShapeError
        If masks are not of the images' size, `at` or `tracks` not one for each mask.
    SettingError
        If an image does not exist, a thing has two masks in one image or none with a pixel, or
        `stop_at` is not from 0 to 1.

    Notes
    -----
    A step to the next image fits the motion of the thing and of what lies around it to dense
    flow, moves the mask, and cuts it out again by motion (layers), looks (votes of like pixels
    of the keyframe and of the image before) and the image's edges (a relaxed minimal cut).
    Between two keyframes both directions are averaged by their errors.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> ground, thing = rng.integers(0, 256, (2, 60, 80, 3), dtype=np.uint8)
    >>> images = np.repeat(ground[None], 3, axis=0)
    >>> for t in range(3):
    ...     images[t, 20:40, 20 + 2 * t : 50 + 2 * t] = thing[20:40, 20:50]
    >>> mask = np.zeros((60, 80), dtype=bool)
    >>> mask[20:40, 20:50] = True
    >>> found, visible = propagate_masks(images, mask[None], 0)
    >>> found.shape, visible.tolist()
    ((1, 3, 60, 80), [[True, True, True]])
    """
    source = open_images(images)
    given = masks.dense() if isinstance(masks, Runs) else as_masks(masks)
    if quality not in QUALITIES:
        raise SettingError(f"quality: expected one of {', '.join(QUALITIES)}, got {quality!r}")
    if not 0 <= stop_at <= 1:
        raise SettingError(f"stop_at: expected 0 to 1, got {stop_at}")
    ids, keyframes = _keyframes(source, given, at, tracks)
    n = len(source)
    found: list[dict[int, Carried]] = [{} for _ in keyframes]
    if keyframes:
        ahead, back = (
            run(source, keyframes, way, least_j=stop_at, quality=quality) for way in (1, -1)
        )
        found = [
            dict(fuse(a, b, keys, n)) for a, b, keys in zip(ahead, back, keyframes, strict=True)
        ]
    if exclusive:
        found = settle(found, keyframes)
    return _result(source, ids, keyframes, found, stop_at)


def _keyframes(
    source: ImageSource, masks: Mask, at: int | Sequence[int] | Ints, tracks: ArrayLike | None
) -> tuple[Ints, list[dict[int, Mask]]]:
    """Check what was given and sort it by track."""
    n, size = len(source), (source.height_px, source.width_px)
    if masks.shape[1:] != size and len(masks):
        raise ShapeError(f"masks: expected the images' size, {size}, got {masks.shape[1:]}")
    numbers = np.asarray(at)
    if numbers.dtype.kind not in "iu" and numbers.size:
        raise ShapeError(f"at: expected whole numbers, got {numbers.dtype}")
    if numbers.ndim == 0:
        numbers = np.full(len(masks), numbers)
    ids = np.arange(len(masks)) if tracks is None else np.asarray(tracks)
    for name, values in (("at", numbers), ("tracks", ids)):
        if values.shape != (len(masks),):
            raise ShapeError(
                f"{name}: expected one for each of {len(masks)} masks, got {values.shape}"
            )
    if ids.dtype.kind not in "iu" and ids.size:
        raise ShapeError(f"tracks: expected whole numbers, got {ids.dtype}")
    rows: dict[int, dict[int, Mask]] = {}
    for number, track, mask in zip(numbers.tolist(), ids.tolist(), masks, strict=True):
        if not -n <= number < n:
            raise SettingError(f"at: expected images from 0 to {n - 1}, got {number}")
        keys = rows.setdefault(track, {})
        if number % n in keys:
            raise SettingError(f"track {track}: expected one mask in image {number}, got two")
        keys[number % n] = mask
    for track, keys in rows.items():
        if not any(mask.any() for mask in keys.values()):
            raise SettingError(f"track {track}: expected a mask with a pixel, got empty ones")
    return np.fromiter(rows, np.int64, len(rows)), list(rows.values())


def _result(
    source: ImageSource,
    ids: Ints,
    keyframes: list[dict[int, Mask]],
    found: list[dict[int, Carried]],
    stop_at: float,
) -> PropagatedMasks:
    n, size = len(source), (source.height_px, source.width_px)
    visible = np.zeros((len(ids), n), dtype=np.bool_)
    expected = np.full((len(ids), n), stop_at, dtype=np.float64)
    packed: list[Runs] = []
    for i, keys in enumerate(keyframes):
        for t in range(n):
            whole = np.zeros(size, dtype=np.bool_)
            if t in keys:
                whole, expected[i, t] = keys[t], 1.0
            elif t in found[i]:
                one = found[i][t]
                whole[one.window.slices] = one.mask
                expected[i, t] = 1 - one.error
            visible[i, t] = whole.any()
            packed.append(encode(whole))
    lengths = np.concatenate([*(one.lengths for one in packed), np.zeros(0, np.int64)])
    starts = np.append(0, np.cumsum([len(one.lengths) for one in packed])).astype(np.int64)
    next_keyframe = _next(expected, visible)
    return PropagatedMasks(ids, Runs(*size, lengths, starts), visible, expected, next_keyframe)


def _next(expected: NDArray[np.float64], visible: Mask) -> Ints:
    if expected.shape[1] == 0:
        return np.full(len(expected), -1, dtype=np.int64)
    worst = expected.argmin(axis=1)
    return np.where(expected.min(axis=1, initial=1.0) < 1, worst, -1).astype(np.int64)
