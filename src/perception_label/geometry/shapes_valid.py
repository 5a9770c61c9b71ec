"""Whether a polygon or a mask is sound."""

from perception_label.errors import ShapeError, SourceError
from perception_label.geometry.shapes import Shape


def check_polygon(shape: Shape) -> None:
    """Raise ShapeError unless each part of a polygon has an area and does not cross itself."""
    import shapely  # late: it takes longer than opening an edit log

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
    from perception_label.geometry.masks import decompress

    if size_px is not None and shape.size_px != size_px:
        raise ShapeError(
            f"mask: expected one of the image's {size_px[1]} x {size_px[0]} px, got "
            f"{shape.size_px[1]} x {shape.size_px[0]}"
        )
    try:
        runs = decompress(shape.counts)
    except SourceError:
        raise ShapeError("mask: expected counts as COCO writes them, got other text") from None
    n, covered = shape.size_px[0] * shape.size_px[1], int(runs.sum())
    if covered != n or runs.min(initial=0) < 0:
        raise ShapeError(f"mask: expected runs that add up to {n} pixels, got {covered}")
    if runs[1::2].sum() == 0:
        raise ShapeError("mask: expected at least one pixel, got an empty mask")
