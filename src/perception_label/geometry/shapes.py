"""2-D shapes on an image: boxes, polygons, masks, keypoints, polylines.

Pixels: x right, y down. The centre of the top-left pixel is (0, 0) for points; a box is its
edges, so that the whole image is the box (0, 0, width, height).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike

from perception_label.arrays import Floats
from perception_label.errors import ShapeError

KINDS = ("box", "polygon", "mask", "keypoints", "polyline")
MOST_POINTS = 100_000  # of one shape; no person draws near as many
MOST_COUNTS = 16 << 20  # characters of one mask
# What JSON says of each kind, beside `kind`.
_KEYS = {
    "box": ("box_px",),
    "polygon": ("parts_px",),
    "mask": ("size_px", "counts"),
    "keypoints": ("points_px", "visibility"),
    "polyline": ("points_px",),
}
_NO_POINTS = np.empty((0, 2))
_NO_POINTS.flags.writeable = False


@dataclass(frozen=True, slots=True, eq=False)
class Shape:
    """One shape; make it with `box`, `polygon`, `mask`, `keypoints` or `polyline`.

    Attributes
    ----------
    kind : str
        One of `KINDS`.
    points_px : (n, 2) float64
        A box's two corners; the vertices of all parts of a polygon, one after the other; the
        points of keypoints and polylines. None of a mask.
    parts : tuple of int
        How many vertices each part of a polygon has; of other kinds the number of points.
    visibility : tuple of int
        Of each keypoint as COCO has it: 0 not labelled, 1 hidden, 2 seen.
    size_px : (height, width)
        Of the image of a mask, else (0, 0).
    counts : str
        A mask, run-length encoded as COCO does, column by column.
    """

    kind: str
    points_px: Floats
    parts: tuple[int, ...] = ()
    visibility: tuple[int, ...] = ()
    size_px: tuple[int, int] = (0, 0)
    counts: str = ""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Shape) and self.plain() == other.plain()

    def __hash__(self) -> int:
        return hash((self.kind, self.points_px.tobytes(), self.counts))

    @property
    def box_px(self) -> Floats:
        """A box's x0, y0, x1, y1; of other kinds with points, the box around them.

        Points are pixel centres, so a box of edges around them is half a pixel farther out:
        +0.5 in its own convention. NaN for a mask and for keypoints of which none is labelled.
        """
        if self.kind == "box":
            return self.points_px.reshape(4).copy()
        points = self.points_px
        if self.visibility:
            points = points[np.asarray(self.visibility) > 0]
        if len(points) == 0:
            return np.full(4, np.nan)
        return np.concatenate([points.min(axis=0), points.max(axis=0)]) + 0.5

    @property
    def parts_px(self) -> list[Floats]:
        """The points of each part, (n, 2) each."""
        return np.split(self.points_px, np.cumsum(self.parts)[:-1]) if self.parts else []

    def plain(self) -> dict[str, Any]:
        """Return what JSON holds of the shape; `from_plain` reads it."""
        said: dict[str, Any] = {"kind": self.kind}
        match self.kind:
            case "box":
                said["box_px"] = self.points_px.reshape(4).tolist()
            case "polygon":
                said["parts_px"] = [part.tolist() for part in self.parts_px]
            case "mask":
                said |= {"size_px": list(self.size_px), "counts": self.counts}
            case "keypoints":
                said |= {"points_px": self.points_px.tolist(), "visibility": list(self.visibility)}
            case _:
                said["points_px"] = self.points_px.tolist()
        return said

    @classmethod
    def from_plain(cls, said: object) -> Self:
        """Return the shape that JSON says.

        Raises
        ------
        ShapeError
            If it says none: an unknown kind, other keys, no finite numbers, too few points.
        """
        if not isinstance(said, Mapping) or said.get("kind") not in KINDS:
            raise ShapeError(f"shape: expected a kind of {', '.join(KINDS)}, got {_short(said)}")
        kind = said["kind"]
        if set(said) != {"kind", *_KEYS[kind]}:
            keys = ", ".join(_KEYS[kind])
            raise ShapeError(f"{kind}: expected the keys kind, {keys}, got {_short(list(said))}")
        values = [said[name] for name in _KEYS[kind]]
        makers: dict[str, Callable[..., Self]] = {
            "box": cls.box,
            "polygon": cls.polygon,
            "mask": cls.mask,
            "keypoints": cls.keypoints,
            "polyline": cls.polyline,
        }
        return makers[kind](*values)

    @classmethod
    def box(cls, box_px: ArrayLike) -> Self:
        """Return the box x0, y0, x1, y1; it must have a width and a height."""
        edges = _numbers(box_px, "box", (4,))
        if not (edges[2] > edges[0] and edges[3] > edges[1]):
            raise ShapeError(f"box: expected x0 < x1 and y0 < y1, got {edges.tolist()}")
        return cls("box", edges.reshape(2, 2), (2,))

    @classmethod
    def polygon(cls, parts_px: Sequence[ArrayLike]) -> Self:
        """Return a polygon of one or more parts of at least three vertices each.

        An object seen in several pieces has several parts. Whether a part crosses itself
        `check_polygon` tells.
        """
        if isinstance(parts_px, str) or not isinstance(parts_px, list | tuple) or not parts_px:
            raise ShapeError(f"polygon: expected parts, lists of points, got {_short(parts_px)}")
        parts = [_numbers(part, "polygon", (-1, 2), least=3) for part in parts_px]
        return cls("polygon", np.concatenate(parts), tuple(len(part) for part in parts))

    @classmethod
    def mask(cls, size_px: Sequence[int], counts: str) -> Self:
        """Return a mask of an image of (height, width), given as COCO's run lengths."""
        sides = tuple(size_px) if isinstance(size_px, list | tuple) else ()
        if len(sides) != 2 or not all(type(s) is int and 0 < s < 1 << 16 for s in sides):
            raise ShapeError(f"mask: expected size_px as height and width, got {_short(size_px)}")
        if not isinstance(counts, str) or not 0 < len(counts) <= MOST_COUNTS:
            raise ShapeError(f"mask: expected counts as COCO's text, got {_short(counts)}")
        return cls("mask", _NO_POINTS, size_px=(sides[0], sides[1]), counts=counts)

    @classmethod
    def keypoints(cls, points_px: ArrayLike, visibility: Sequence[int] | None = None) -> Self:
        """Return named points in the order of the class's skeleton; without visibility all seen."""
        points = _numbers(points_px, "keypoints", (-1, 2), least=1)
        seen = (2,) * len(points) if visibility is None else tuple(visibility)
        if len(seen) != len(points) or not all(type(v) is int and 0 <= v <= 2 for v in seen):
            raise ShapeError(
                f"keypoints: expected visibility 0, 1 or 2 for each of {len(points)}, "
                f"got {_short(visibility)}"
            )
        return cls("keypoints", points, (len(points),), seen)

    @classmethod
    def polyline(cls, points_px: ArrayLike) -> Self:
        """Return a line through two or more points."""
        points = _numbers(points_px, "polyline", (-1, 2), least=2)
        return cls("polyline", points, (len(points),))


def _numbers(given: ArrayLike, kind: str, shape: tuple[int, ...], least: int = 0) -> Floats:
    try:
        numbers = np.array(given, dtype=np.float64)
    except (TypeError, ValueError, OverflowError):
        raise ShapeError(f"{kind}: expected numbers, got {_short(given)}") from None
    fits = numbers.ndim == len(shape) and all(
        want in (-1, got) for want, got in zip(shape, numbers.shape, strict=True)
    )
    if not fits:
        raise ShapeError(f"{kind}: expected points of shape {shape}, got {numbers.shape}")
    if not least <= len(numbers) <= MOST_POINTS:
        raise ShapeError(f"{kind}: expected {least} to {MOST_POINTS} points, got {len(numbers)}")
    if not (np.abs(numbers) < 1e7).all():
        raise ShapeError(f"{kind}: expected finite pixels, got {_short(numbers.tolist())}")
    return numbers


def _short(value: object) -> str:
    text = " ".join(repr(value).split())
    return text if len(text) <= 80 else f"{text[:77]}…"
