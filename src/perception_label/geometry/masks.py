"""Masks of images: packed as COCO run lengths, compared, and turned into polygons and back.

Run lengths count pixels down the columns, first those outside the mask, then by turns inside
and outside. COCO keeps them as a list or as a short text; both are read and written.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from numpy.typing import ArrayLike, NDArray
from shapely.geometry.base import BaseGeometry

from perception_label.arrays import Floats, Ints, Mask
from perception_label.errors import SettingError, ShapeError, SourceError

# Five bits of a number to a character, the sixth says that more follow, shifted into ASCII.
_BITS, _MORE, _SHIFT = 5, 32, 48
# A run fits an unsigned 32-bit number; the text of one never needs more characters.
_MOST_CHARACTERS = 8


@dataclass(frozen=True, slots=True)
class Runs:
    """M masks of one size as COCO run lengths.

    Attributes
    ----------
    height_px, width_px : int
        The size of every mask.
    lengths : (R,) int64
        All masks' runs behind each other, pixels, down the columns; a mask's first run is
        outside the mask and may be 0.
    starts : (M + 1,) int64
        Mask i has the runs ``lengths[starts[i]:starts[i + 1]]``.
    """

    height_px: int
    width_px: int
    lengths: Ints
    starts: Ints

    def __len__(self) -> int:
        return len(self.starts) - 1

    def __getitem__(self, i: int) -> Mask:
        """Return mask i as (H, W) bool."""
        runs = self.runs(i)
        inside = np.zeros(len(runs), dtype=np.bool_)
        inside[1::2] = True
        return np.repeat(inside, runs).reshape(self.width_px, self.height_px).T

    def __iter__(self) -> Iterator[Mask]:
        return (self[i] for i in range(len(self)))

    def runs(self, i: int) -> Ints:
        """Return the run lengths of mask i; raises IndexError when there is none."""
        n = len(self)
        if not -n <= i < n:
            raise IndexError(f"mask {i}: expected one of {n}")
        i %= n
        return self.lengths[self.starts[i] : self.starts[i + 1]]

    def dense(self) -> Mask:
        """Return all masks, (M, H, W) bool."""
        out = np.zeros((len(self), self.height_px, self.width_px), dtype=np.bool_)
        for i, mask in enumerate(self):
            out[i] = mask
        return out

    def areas_px(self) -> Ints:
        """Return how many pixels each mask has, (M,) int64."""
        order = np.arange(len(self.lengths)) - np.repeat(self.starts[:-1], np.diff(self.starts))
        total = np.append(0, np.cumsum(np.where(order % 2 == 1, self.lengths, 0)))
        return np.asarray(total[self.starts[1:]] - total[self.starts[:-1]], dtype=np.int64)

    def boxes_px(self) -> NDArray[np.float32]:
        """Return the bounds (x0, y0, x1, y1), edges, (M, 4) float32; NaN where a mask is empty."""
        out = np.full((len(self), 4), np.nan, dtype=np.float32)
        for i in range(len(self)):
            first, last = _ends(self.runs(i))
            if len(first) == 0:
                continue
            h = self.height_px
            # A run that goes on into the next column reaches the image's top and bottom.
            whole = bool((first // h != (last - 1) // h).any())
            y0 = 0 if whole else int((first % h).min())
            y1 = h if whole else int(((last - 1) % h).max()) + 1
            out[i] = first[0] // h, y0, (last[-1] - 1) // h + 1, y1
        return out

    def to_coco(self, *, compressed: bool = True) -> list[dict[str, Any]]:
        """Return each mask as COCO's ``{"size": [height, width], "counts": …}``.

        Counts are bytes as pycocotools gives them, or with ``compressed=False`` a list of
        numbers.
        """
        size = [self.height_px, self.width_px]
        return [
            {
                "size": list(size),
                "counts": compress(self.runs(i)) if compressed else self.runs(i).tolist(),
            }
            for i in range(len(self))
        ]


def encode(masks: ArrayLike) -> Runs:
    """Pack masks as COCO run lengths.

    Parameters
    ----------
    masks : (M, H, W) or (H, W) bool
        Integers count as True where they are not 0.

    Returns
    -------
    Runs
        The same runs as pycocotools' ``encode`` finds; one mask gives a length of 1.

    Raises
    ------
    ShapeError
        If the masks are not (M, H, W) or (H, W) booleans or integers.

    Examples
    --------
    >>> encode(np.array([[0, 1], [0, 1]], dtype=bool)).to_coco(compressed=False)
    [{'size': [2, 2], 'counts': [2, 2]}]
    """
    given = as_masks(masks)
    n, h, w = given.shape
    lengths = [_runs_of(mask) for mask in given]
    starts = np.zeros(n + 1, dtype=np.int64)
    starts[1:] = np.cumsum([len(one) for one in lengths])
    return Runs(h, w, np.concatenate([*lengths, np.zeros(0, np.int64)]), starts)


def as_masks(masks: ArrayLike, name: str = "masks") -> Mask:
    """Return the masks as (M, H, W) bool; a single (H, W) becomes the only one."""
    given = np.asarray(masks)
    if given.ndim == 2:
        given = given[None]
    if given.ndim != 3 or given.dtype.kind not in "biu":
        raise ShapeError(f"{name}: expected (M, H, W) bool, got {given.shape} {given.dtype}")
    return given if given.dtype == np.bool_ else given != 0


def from_coco(masks: Iterable[Mapping[str, Any]]) -> Runs:
    """Read masks that COCO files and pycocotools hold as run lengths.

    Parameters
    ----------
    masks : iterable of mappings
        ``{"size": [height, width], "counts": …}`` with a list of numbers, or compressed as
        str or bytes; all of one size. None at all gives no masks of size 0 x 0.

    Raises
    ------
    SourceError
        If a key is missing, sizes differ, a run is negative, a text is cut off, or the runs do
        not fill the image.
    """
    sizes: set[tuple[int, int]] = set()
    lengths: list[Ints] = []
    for i, one in enumerate(masks):
        try:
            h, w = (int(side) for side in one["size"])
            counts = one["counts"]
        except (KeyError, TypeError, ValueError):
            raise SourceError(
                f"mask {i}: expected COCO's size and counts, got {one!r:.80}"
            ) from None
        text = isinstance(counts, str | bytes)
        runs = decompress(counts, f"mask {i}") if text else _listed(counts, f"mask {i}")
        if (runs < 0).any() or runs.sum() != h * w:
            raise SourceError(
                f"mask {i}: expected runs >= 0 that fill {h} x {w} pixels, got {runs.sum()} pixels"
            )
        sizes.add((h, w))
        lengths.append(runs)
    if len(sizes) > 1:
        raise SourceError(f"masks: expected one image size, got {sorted(sizes)}")
    h, w = next(iter(sizes), (0, 0))
    starts = np.append(0, np.cumsum([len(one) for one in lengths])).astype(np.int64)
    return Runs(h, w, np.concatenate([*lengths, np.zeros(0, np.int64)]), starts)


def compress(runs: ArrayLike) -> bytes:
    """Return run lengths as COCO's text.

    From the third run on the difference to the run two before is kept. Equal to pycocotools
    byte by byte.
    """
    values = np.array(runs, dtype=np.int64)
    values[3:] -= np.asarray(runs, dtype=np.int64)[1:-2]
    digits = np.zeros((len(values), _MOST_CHARACTERS), dtype=np.uint8)
    used = np.zeros((len(values), _MOST_CHARACTERS), dtype=np.bool_)
    open_ = np.ones(len(values), dtype=np.bool_)
    for k in range(_MOST_CHARACTERS):
        low = values & (_MORE - 1)
        values = values >> _BITS
        # The last character's fifth bit is the sign of what is left.
        more = np.where(low & (_MORE >> 1), values != -1, values != 0)
        digits[:, k] = low + _MORE * more + _SHIFT
        used[:, k] = open_
        open_ = open_ & more
    return digits[used].tobytes()


def decompress(text: str | bytes, name: str = "counts") -> Ints:
    """Return the run lengths of COCO's text, (R,) int64.

    Raises
    ------
    SourceError
        If a character is none of COCO's, or the text ends inside a number.
    """
    try:
        given = np.frombuffer(text.encode("ascii") if isinstance(text, str) else text, np.uint8)
    except UnicodeEncodeError:
        raise SourceError(f"{name}: expected COCO's run lengths, got {text!r:.40}") from None
    digits = given.astype(np.int64) - _SHIFT
    last = np.flatnonzero((digits & _MORE) == 0)
    whole = len(digits) == 0 or (last.size > 0 and last[-1] == len(digits) - 1)
    if not whole or ((digits < 0) | (digits >= 2 * _MORE)).any():
        raise SourceError(f"{name}: expected COCO's run lengths, got {text!r:.40}")
    first = np.append(0, last[:-1] + 1)[: len(last)]
    place = np.arange(len(digits)) - np.repeat(first, last - first + 1)
    if place.max(initial=0) >= _MOST_CHARACTERS:
        raise SourceError(f"{name}: expected runs below 2**32, got a longer number")
    parts = (digits & (_MORE - 1)) << (_BITS * place)
    values = np.add.reduceat(parts, first) if len(first) else np.zeros(0, np.int64)
    negative = (digits[last] & (_MORE >> 1)) != 0
    values = values - np.where(negative, np.int64(1) << (_BITS * (last - first + 1)), 0)
    # Each run is a sum over every second one before it.
    values[1::2] = np.cumsum(values[1::2])
    values[2::2] = np.cumsum(values[2::2])
    return np.asarray(values, dtype=np.int64)


def mask_iou(a: Runs | ArrayLike, b: Runs | ArrayLike) -> Floats:
    """Return how much each of M masks overlaps each of K: shared over joined pixels (J).

    Parameters
    ----------
    a, b : Runs or (M, H, W) bool
        Masks of one size.

    Returns
    -------
    (M, K) float64
        Two empty masks agree: 1.

    Raises
    ------
    ShapeError
        If the sizes differ.
    """
    a, b = (one if isinstance(one, Runs) else encode(one) for one in (a, b))
    if len(a) and len(b) and (a.height_px, a.width_px) != (b.height_px, b.width_px):
        raise ShapeError(
            f"masks: expected one size, got {(a.height_px, a.width_px)}, "
            f"{(b.height_px, b.width_px)}"
        )
    shared = np.zeros((len(a), len(b)))
    ends = [_ends(a.runs(i)) for i in range(len(a))]
    for j in range(len(b)):
        runs = b.runs(j)
        inside = np.where(np.arange(len(runs)) % 2 == 1, runs, 0)
        # b's pixels up to a place, at the ends of its runs; between them it is straight.
        at, up_to = np.append(0, np.cumsum(runs)), np.append(0, np.cumsum(inside))
        for i, (first, last) in enumerate(ends):
            shared[i, j] = (np.interp(last, at, up_to) - np.interp(first, at, up_to)).sum()
    joined = a.areas_px()[:, None] + b.areas_px()[None, :] - shared
    return np.where(joined > 0, shared / np.maximum(joined, 1), 1.0)


def masks_of_polygons(
    polygons: Sequence[BaseGeometry | ArrayLike], height_px: int, width_px: int
) -> Mask:
    """Fill polygons: a pixel belongs to the mask if its centre lies inside.

    Parameters
    ----------
    polygons : M Shapely polygons or multipolygons, or (V, 2) corners
        Pixels, x right and y down, pixel centres at whole numbers. Corners that cross
        themselves are repaired as Shapely's ``make_valid`` does; what lies outside the image is
        cut off.

    Returns
    -------
    (M, H, W) bool
        A centre exactly on the outline is inside.

    Raises
    ------
    SettingError
        If the image has no pixels.
    ShapeError
        If corners are not (V, 2) with V >= 3, or not finite.
    """
    if height_px < 1 or width_px < 1:
        raise SettingError(f"image size: expected >= 1 x 1, got {height_px} x {width_px}")
    out = np.zeros((len(polygons), height_px, width_px), dtype=np.bool_)
    for mask, given in zip(out, polygons, strict=True):
        shape = given if isinstance(given, BaseGeometry) else _polygon(given)
        if not shape.is_valid:
            shape = shapely.make_valid(shape)
        if shape.is_empty:
            continue
        x0, y0, x1, y1 = shape.bounds
        xs = np.arange(max(int(np.ceil(x0)), 0), min(int(np.floor(x1)), width_px - 1) + 1)
        ys = np.arange(max(int(np.ceil(y0)), 0), min(int(np.floor(y1)), height_px - 1) + 1)
        if len(xs) and len(ys):
            shapely.prepare(shape)
            x, y = np.meshgrid(xs.astype(float), ys.astype(float))
            mask[ys[0] : ys[-1] + 1, xs[0] : xs[-1] + 1] = shapely.intersects_xy(shape, x, y)
    return out


def polygon_of_mask(mask: ArrayLike, *, tolerance_px: float = 0.0) -> BaseGeometry:
    """Return the outline of a mask, along the edges of its pixels.

    Parameters
    ----------
    mask : (H, W) bool
        The mask; may be in several pieces and have holes.
    tolerance_px : float
        Corners closer than this to the outline without them are left out
        (Douglas and Peucker, 1973); 0 keeps the exact outline, which `masks_of_polygons` fills
        to the same mask.

    Returns
    -------
    shapely Polygon or MultiPolygon
        Pixel centres at whole numbers, so a pixel's edges lie half a pixel beside. Empty for an
        empty mask.
    """
    given = as_masks(mask, "mask")[0]
    if not tolerance_px >= 0:
        raise SettingError(f"tolerance_px: expected >= 0, got {tolerance_px}")
    edges = np.diff(given.astype(np.int8), axis=1, prepend=0, append=0)
    rows, first = np.nonzero(edges == 1)
    last = np.nonzero(edges == -1)[1]
    outline = shapely.union_all(shapely.box(first - 0.5, rows - 0.5, last - 0.5, rows + 0.5))
    # Straight stretches keep a corner per row otherwise.
    return outline.simplify(tolerance_px) if len(rows) else shapely.Polygon()


def _runs_of(mask: Mask) -> Ints:
    flat = np.ravel(mask, order="F")
    turns = np.flatnonzero(flat[1:] != flat[:-1]) + 1
    ends = np.concatenate([[0], turns, [flat.size]])
    runs = np.diff(ends)
    return np.append(0, runs) if flat.size and flat[0] else runs


def _ends(runs: Ints) -> tuple[Ints, Ints]:
    """Return where the runs inside the mask begin and end, counted down the columns."""
    ends = np.cumsum(runs)
    inside = runs[1::2] > 0
    return ends[0::2][: len(inside)][inside], ends[1::2][inside]


def _listed(counts: Any, name: str) -> Ints:
    runs = np.asarray(counts)
    if runs.ndim != 1 or (runs.size and runs.dtype.kind not in "iu"):
        raise SourceError(f"{name}: expected a list of whole numbers, got {counts!r:.80}")
    return runs.astype(np.int64)


def _polygon(corners: ArrayLike) -> BaseGeometry:
    given = np.asarray(corners, dtype=np.float64)
    if given.ndim != 2 or given.shape[1] != 2 or len(given) < 3 or not np.isfinite(given).all():
        raise ShapeError(f"polygon: expected (V >= 3, 2) finite corners, got {given.shape}")
    return shapely.Polygon(given)
