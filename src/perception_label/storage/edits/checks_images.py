"""Whether a shape can be on an image: what the camera, the track and the ontology say."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from perception_label.arrays import Floats, Ints
from perception_label.errors import EditError
from perception_label.geometry.shapes import Shape
from perception_label.geometry.shapes_valid import check_mask, check_polygon
from perception_label.storage.edits.intervals import Interval
from perception_label.storage.edits.verbs import ShapeKey, Track

FARTHEST = 1.0  # of the image's side: so far may a cut-off object's shape reach beyond the edge


@dataclass(frozen=True, slots=True)
class CameraImages:
    """One camera's images: (n,) int64 times, ascending, and their size, 0 where unknown."""

    timestamps_ns: Ints
    width_px: int = 0
    height_px: int = 0


def whole_of(timestamps_ns: Ints, cameras: Mapping[str, CameraImages]) -> Interval | None:
    """Return the first and last instant of a log's sweeps and images, None without any."""
    every = [t for t in (timestamps_ns, *(c.timestamps_ns for c in cameras.values())) if len(t)]
    if not every:
        return None
    return int(min(t[0] for t in every)), int(max(t[-1] for t in every))


def is_at_image(at: int, cameras: Mapping[str, CameraImages]) -> bool:
    """Tell whether any camera took an image at this very instant."""
    return any(_holds(camera.timestamps_ns, at) for camera in cameras.values())


def check_image(
    camera: str, at: int | None, cameras: Mapping[str, CameraImages], where: str
) -> CameraImages:
    """Return the camera of a shape; raise EditError unless it took an image at that instant."""
    found = check_camera(camera, cameras, where)
    times = found.timestamps_ns
    if at is None or len(times) == 0:
        raise EditError(f"{where}: expected the time of an image of {camera}, got {at}")
    if not _holds(times, at):
        k = int(np.searchsorted(times, at))
        near = times[max(k - 1, 0) : k + 1]
        raise EditError(
            f"{where}: expected the time of an image of {camera} "
            f"({' or '.join(map(str, near))}), got {at}"
        )
    return found


def check_camera(camera: str, cameras: Mapping[str, CameraImages], where: str) -> CameraImages:
    """Return the images of a camera; raise EditError if the log has none of that name."""
    if camera not in cameras:
        known = ", ".join(cameras) or "none: the log has no images"
        raise EditError(f"{where}: expected a camera of {known}, got {camera!r}")
    return cameras[camera]


def check_shape(shape: Shape, images: CameraImages) -> None:
    """Raise ShapeError or EditError unless the shape is sound and on the image.

    A polygon may not cross itself, a mask is of the image's size and not empty. Any other shape
    has to share area with the image (a labelled keypoint or a piece of a line has to be on it)
    and may reach beyond its edges by the image's own width and height, so that the part of an
    object that is cut off can be labelled too.
    """
    if shape.kind == "polygon":
        check_polygon(shape)
    if shape.kind == "mask":
        check_mask(shape, (images.height_px, images.width_px) if images.width_px else None)
    elif images.width_px:
        _check_place(shape, images)


def check_one_object(track: Track, other: Track, where: str) -> None:
    """Refuse to merge tracks whose shapes on one image are apart."""
    for place in track.shapes.keys() & other.shapes.keys():
        mine, theirs = track.shapes[place], other.shapes[place]
        for at in sorted(mine.keys() & theirs.keys()):
            if not _touch(mine[at], theirs[at]):
                raise EditError(
                    f"{where}: expected to merge a track that can be the same object, got "
                    f"{other.track_id}, apart from it on {place[0]}'s image at {at}"
                )


def _check_place(shape: Shape, images: CameraImages) -> None:
    side = np.array([images.width_px, images.height_px], dtype=np.float64)
    points = shape.points_px
    if shape.visibility:
        points = points[np.asarray(shape.visibility) > 0]
        if len(points) == 0:
            raise EditError("keypoints: expected at least one that is labelled, got none")
    size = f"the image of {images.width_px} x {images.height_px} px"
    if shape.kind == "keypoints":
        is_on = bool(((points > -1) & (points < side)).all(axis=1).any())
    else:
        is_on = _share(shape.box_px, np.concatenate([np.zeros(2), side]))
    if not is_on:
        raise EditError(f"{shape.kind}: expected to touch {size}, got {_rounded(points)}")
    if (points < -FARTHEST * side).any() or (points > (1 + FARTHEST) * side).any():
        raise EditError(f"{shape.kind}: expected to stay near {size}, got {_rounded(points)}")


def _touch(a: ShapeKey, b: ShapeKey) -> bool:
    one, two = Shape.from_plain(a.said).box_px, Shape.from_plain(b.said).box_px
    return bool(np.isnan(one + two).any()) or _share(one, two)


def _share(a: Floats, b: Floats) -> bool:
    return bool((a[:2] < b[2:]).all() and (b[:2] < a[2:]).all())


def _rounded(points: Floats) -> str:
    corners = np.concatenate([points.min(axis=0), points.max(axis=0)])
    return "{:g}, {:g} … {:g}, {:g}".format(*np.round(corners, 1))


def _holds(times: Ints, at: int) -> bool:
    k = int(np.searchsorted(times, at))
    return k < len(times) and int(times[k]) == at
