"""Whether a polygon or a mask is sound."""

import numpy as np

from perception_label.errors import ShapeError
from perception_label.geometry.shapes import Shape


def check_polygon(shape: Shape) -> None:
    """Raise ShapeError unless each part of a polygon has an area and does not cross itself."""
    import shapely

    for k, part in enumerate(shape.parts_px):
        which = f"polygon part {k + 1}" if len(shape.parts) > 1 else "polygon"
        made = shapely.Polygon(part)
        if not made.convex_hull.area > 0:
            raise ShapeError(f"{which}: expected an area above 0, got vertices on one line")
        if not made.is_valid:
            reason = shapely.is_valid_reason(made)
            raise ShapeError(f"{which}: expected edges that do not cross, got: {reason}")


def check_mask(shape: Shape, size_px: tuple[int, int] | None = None) -> None:
    """Raise ShapeError unless a mask is of the image's (height, width), whole and not empty."""
    if size_px is not None and shape.size_px != size_px:
        raise ShapeError(
            f"mask: expected one of the image's {size_px[1]} x {size_px[0]} px, got "
            f"{shape.size_px[1]} x {shape.size_px[0]}"
        )
    runs = run_lengths(shape.counts)
    n = shape.size_px[0] * shape.size_px[1]
    if sum(runs) != n or min(runs) < 0:
        raise ShapeError(f"mask: expected runs that add up to {n} pixels, got {sum(runs)}")
    if sum(runs[1::2]) == 0:
        raise ShapeError("mask: expected at least one pixel, got an empty mask")


def run_lengths(counts: str) -> list[int]:
    """Return the run lengths that COCO's text stands for: off, on, off, … .

    Raises
    ------
    ShapeError
        If the text is none of COCO's.
    """
    codes = np.frombuffer(counts.encode("utf-8"), dtype=np.uint8).astype(np.int64) - 48
    if len(codes) == 0 or codes.min() < 0 or codes.max() > 63 or codes[-1] & 32:
        raise ShapeError("mask: expected counts as COCO writes them, got other text")
    runs: list[int] = []
    value = shift = 0
    for code in codes.tolist():
        value |= (code & 31) << shift
        shift += 5
        if not code & 32:
            if code & 16:
                value -= 1 << shift
            if len(runs) > 2:
                value += runs[-2]
            runs.append(value)
            value = shift = 0
    return runs
