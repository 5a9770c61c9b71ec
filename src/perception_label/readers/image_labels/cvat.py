"""CVAT for video 1.1: tracks of boxes, polygons, polylines, points and masks.

Rows with `keyframe="1"` are what a person set; `outside="1"` says that the object is not to be
seen from there on. CVAT's points are edges of pixels: 0.5 less is the pixel centre.
"""

from pathlib import Path
from xml.etree.ElementTree import Element

import numpy as np

from perception_label.geometry.masks import compress, encode
from perception_label.geometry.shapes import Shape
from perception_label.readers.files import refuse
from perception_label.readers.image_labels.file import (
    ImageLabelFile,
    Rows,
    number,
    shape_at,
    whole_number,
)
from perception_label.readers.image_labels.xml_tree import read_xml

MOST_PIXELS = 1 << 28  # of an image whose masks are read
KINDS = {"box": "box", "polygon": "polygon", "polyline": "polyline", "points": "keypoints"}
PROPAGATED = "propagated"  # the attribute `made_by` of labels that we worked out


def read(path: Path) -> ImageLabelFile:
    """Read such a file; a box that is rotated is refused."""
    root = read_xml(path)
    if root.tag != "annotations":
        raise refuse(path, "CVAT's annotations", root.tag)
    if root.find("image") is not None and root.find("track") is None:
        raise refuse(path, "CVAT for video (tracks)", "CVAT for images: it has no tracks")
    width, height = (_meta(path, root, f".//original_size/{side}") for side in ("width", "height"))
    rows = Rows(path)
    for k, track in enumerate(root.iter("track")):
        name = str(track.get("id", k))
        for row in track:
            if row.tag in KINDS or row.tag == "mask":
                _add(path, rows, (name, track.get("label") or "other"), row, (height, width))
    return ImageLabelFile(path, rows.labels(), width, height, _meta(path, root, ".//task/size"))


def _add(
    path: Path, rows: Rows, track: tuple[str, str], row: Element, size_px: tuple[int, int]
) -> None:
    name, label = track
    at = whole_number(path, f"the image of track {name}", row.get("frame"))
    where = f"of track {name} in image {at}"
    if number(path, f"rotation {where}", row.get("rotation", "0")) != 0:
        raise refuse(path, f"an upright box {where}", "a rotated one")
    made_by = row.find("./attribute[@name='made_by']")
    named = row.find("./attribute[@name='track_id']")
    if named is not None and named.text:
        name = named.text.strip()
    is_ours = made_by is not None and (made_by.text or "").strip() == PROPAGATED
    rows.add(
        at,
        name,
        label,
        _shape(path, where, row, size_px),
        is_key=row.get("keyframe", "1") == "1" and not is_ours,
        visible=row.get("outside", "0") != "1",
    )


def _shape(path: Path, where: str, row: Element, size_px: tuple[int, int]) -> Shape:
    if row.tag == "box":
        edges = [number(path, f"{k} {where}", row.get(k)) for k in ("xtl", "ytl", "xbr", "ybr")]
        return shape_at(path, where, "box", edges)
    if row.tag == "mask":
        return _mask(path, where, row, size_px)
    try:
        pairs = [pair.split(",") for pair in (row.get("points") or "").split(";")]
        points = np.array([[float(x), float(y)] for x, y in pairs]) - 0.5
    except ValueError as error:
        raise refuse(path, f"points {where}", error) from None
    kind = KINDS[row.tag]
    return shape_at(path, where, kind, [points] if kind == "polygon" else points)


def _mask(path: Path, where: str, row: Element, size_px: tuple[int, int]) -> Shape:
    """Return a mask; CVAT's runs go along the rows of a cut-out of the image, off first."""
    height, width = size_px
    x, y, w, h = (
        whole_number(path, f"{k} {where}", row.get(k)) for k in ("left", "top", "width", "height")
    )
    runs = [whole_number(path, f"runs {where}", k) for k in (row.get("rle") or "").split(",")]
    if width * height > MOST_PIXELS:
        raise refuse(path, f"an image of at most {MOST_PIXELS} pixels {where}", size_px)
    if not (width and height) or sum(runs) != w * h or x + w > width or y + h > height:
        raise refuse(path, f"runs that fill a cut-out of the image {where}", f"{sum(runs)} pixels")
    is_on = np.arange(len(runs)) % 2 == 1
    whole = np.zeros(size_px, dtype=np.bool_)
    whole[y : y + h, x : x + w] = np.repeat(is_on, runs).reshape(h, w)
    counts = compress(encode(whole).runs(0)).decode("ascii")
    return shape_at(path, where, "mask", list(size_px), counts)


def _meta(path: Path, root: Element, place: str) -> int:
    found = root.find(place)
    return 0 if found is None or not found.text else whole_number(path, place, found.text.strip())
